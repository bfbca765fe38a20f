/* SPDX-License-Identifier: MIT */
#ifndef SANDBOX_H
#define SANDBOX_H

/*
 * Gives up, for the whole process and for good, what a relay that serves does
 * not need: capabilities, new privileges, core dumps, the file system but for
 * a few folders (landlock), all system calls but a list (seccomp,
 * sandbox_calls.def). Inside of it nothing can be executed and no other kind of
 * socket made.
 */

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SANDBOX_PATHS_MAX 24
#define SANDBOX_PORTS_MAX 8

enum sandbox_mode {
	SANDBOX_OFF,
	SANDBOX_ON,   /* what is not allowed fails: EPERM, EACCES */
	SANDBOX_TRAP, /* a system call that is not on the list ends the process
		       * with exit code 70 and one line that names it */
};

struct sandbox_plan {
	enum sandbox_mode mode;
	/* Files, and folders with all below them; what is missing is passed
	 * over. Borrowed until sandbox_enter() returns. */
	const char *read[SANDBOX_PATHS_MAX];
	size_t read_count;
	/* Folders in which files may also be made, renamed and removed. */
	const char *write[SANDBOX_PATHS_MAX];
	size_t write_count;
	/* Ports that may be connected to; Unix sockets always may. */
	uint16_t ports[SANDBOX_PORTS_MAX];
	size_t port_count;
	bool resolves_names; /* datagram sockets too, for the resolver */
};

/* What the kernel could enforce. */
struct sandbox_outcome {
	int landlock_abi; /* 0: no landlock here */
	bool has_seccomp;
};

/*
 * Call it before the first event loop is made: libuv sends epoll_ctl() through
 * an io_uring where there is one, and what goes through a ring seccomp does not
 * see. From then on there is none, for this process and its children.
 */
void sandbox_prepare(void);

/*
 * Call it when everything is open and before there are threads. What the
 * kernel cannot do is left out and told in *outcome_r; -1: the process is
 * neither in nor out of it and must end, err says why.
 */
int sandbox_enter(const struct sandbox_plan *plan,
    struct sandbox_outcome *outcome_r, struct error *err);

/* Tries, inside, what must fail: to open /etc/passwd, execve, ptrace, a raw
 * socket, ... One line each on stdout; how many did not fail. */
unsigned sandbox_probe(void);

#endif
