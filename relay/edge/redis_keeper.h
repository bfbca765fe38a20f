/* SPDX-License-Identifier: MIT */
#ifndef REDIS_KEEPER_H
#define REDIS_KEEPER_H

/*
 * The process that starts the private redis-server and keeps it running. The
 * relay, which reads what strangers send, gives up the right to start programs
 * and to touch files; its keeper has it still and reads nothing from anybody.
 */

#include <sys/types.h>

struct redis_paths {
	const char *program;   /* redis-server */
	const char *directory; /* where it keeps its files */
	const char *socket;
	const char *log;
};

/* What the keeper writes to its channel, a byte each. */
enum redis_keeper_word {
	REDIS_KEEPER_STARTED = 's', /* redis-server runs */
	REDIS_KEEPER_ENDED = 'e'    /* it does not */
};

/*
 * Forks the keeper (helper_fork). It begins when a byte comes through its
 * channel; when the channel is closed it stops redis-server, within about five
 * seconds, and ends.
 */
pid_t redis_keeper_fork(const struct redis_paths *paths, int *channel_r);

/* Opens, or makes, a file in the directory that is only ever locked; -1. */
int redis_keeper_lock_file(const char *directory, const char *name);
/* What process wrote itself into such a file; 0: none. */
pid_t redis_keeper_read_pid(int fd);
void redis_keeper_write_pid(int fd, pid_t pid);

#endif
