/* SPDX-License-Identifier: MIT */
#include "sandbox_parts.h"

#include "exit_code.h"

#include <seccomp.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* seccomp(2) through libseccomp: what is not named here is refused. */

#define SOCKET_TYPE_MASK 0xf /* without SOCK_NONBLOCK, SOCK_CLOEXEC */

static const int plain_calls[] = {
#define CALL(name) SCMP_SYS(name),
#include "sandbox_calls.def"
#undef CALL
};

/* What libraries try and can do without: never worth more than an error. */
static const struct {
	int call;
	uint32_t error_number;
} refused_calls[] = {
	{ SCMP_SYS(clone3), ENOSYS },         /* glibc goes on with clone */
	{ SCMP_SYS(io_uring_setup), ENOSYS }, /* libuv with epoll */
	{ SCMP_SYS(open), EACCES },
};

/* The argument's bits under the mask are these. */
static struct scmp_arg_cmp
bits(unsigned argument, scmp_datum_t mask, scmp_datum_t value)
{
	return (
	    struct scmp_arg_cmp){ argument, SCMP_CMP_MASKED_EQ, mask, value };
}

/* The argument is this. */
static struct scmp_arg_cmp
equals(unsigned argument, scmp_datum_t value)
{
	return (struct scmp_arg_cmp){ argument, SCMP_CMP_EQ, value, 0 };
}

static int
add(scmp_filter_ctx filter, uint32_t action, int call, unsigned count,
    const struct scmp_arg_cmp *conditions)
{
	int status =
	    seccomp_rule_add_array(filter, action, call, count, conditions);
	/* A call that this processor does not have needs no rule. */
	return status == -EDOM ? 0 : status;
}

static int
add_family(scmp_filter_ctx filter, scmp_datum_t family, bool has_datagrams)
{
	const struct scmp_arg_cmp stream[] = { equals(0, family),
		bits(1, SOCKET_TYPE_MASK, SOCK_STREAM) };
	const struct scmp_arg_cmp datagram[] = { equals(0, family),
		bits(1, SOCKET_TYPE_MASK, SOCK_DGRAM) };
	int status = add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, stream);
	if (has_datagrams)
		status |=
		    add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, datagram);
	return status;
}

static int
add_sockets(scmp_filter_ctx filter, const struct sandbox_plan *plan)
{
	const struct scmp_arg_cmp netlink[] = { equals(0, AF_NETLINK) };
	return add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
		   netlink) |
	    add_family(filter, AF_UNIX, plan->resolves_names) |
	    add_family(filter, AF_INET, plan->resolves_names) |
	    add_family(filter, AF_INET6, plan->resolves_names);
}

/* Memory is written or executed, never both; code that was not there at the
 * start is not made executable (PCRE2 then goes without its compiler). */
static int
add_memory(scmp_filter_ctx filter)
{
	static const int calls[] = { SCMP_SYS(mmap), SCMP_SYS(mprotect) };
	const struct scmp_arg_cmp data[] = { bits(2, PROT_EXEC, 0) };
	const struct scmp_arg_cmp code[] = { bits(2, PROT_EXEC, PROT_EXEC) };
	int status = 0;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		status |= add(filter, SCMP_ACT_ALLOW, calls[i], 1, data);
		status |=
		    add(filter, SCMP_ACT_ERRNO(EACCES), calls[i], 1, code);
	}
	return status;
}

/* Threads, no processes; limits are read, not set; few words to a file. */
static int
add_bounded(scmp_filter_ctx filter)
{
	static const unsigned long words[] = { FIONBIO, FIONREAD, TIOCOUTQ,
		FIOCLEX };
	const struct scmp_arg_cmp thread[] = { bits(
	    0, CLONE_THREAD, CLONE_THREAD) };
	const struct scmp_arg_cmp reads[] = { equals(2, 0) };
	const struct scmp_arg_cmp name[] = { equals(0, PR_SET_NAME) };
	int status = add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, thread);
	status |= add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, reads);
	status |= add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, name);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		const struct scmp_arg_cmp word[] = { equals(1, words[i]) };
		status |= add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, word);
	}
	/* Is this a terminal? No. */
	const struct scmp_arg_cmp terminal[] = { equals(1, TCGETS) };
	return status |
	    add(filter, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 1, terminal);
}

static int
fill(scmp_filter_ctx filter, const struct sandbox_plan *plan)
{
	int status = 0;
	for (size_t i = 0; i < sizeof(plain_calls) / sizeof(*plain_calls); i++)
		status |= add(filter, SCMP_ACT_ALLOW, plain_calls[i], 0, NULL);
	for (size_t i = 0; i < sizeof(refused_calls) / sizeof(*refused_calls);
	     i++)
		status |=
		    add(filter, SCMP_ACT_ERRNO(refused_calls[i].error_number),
			refused_calls[i].call, 0, NULL);
	status |= add_sockets(filter, plan);
	status |= add_memory(filter);
	status |= add_bounded(filter);
	/* All threads, should there be any already. */
	return status | seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
}

/* Only for tests: says which call it was. Async-signal-safe. */
static void
on_refused_call(int number, siginfo_t *info, void *context)
{
	static const char text[] = "relayd: sandbox: system call refused: ";
	char digits[16];
	size_t at = sizeof(digits);
	int call = info->si_syscall;
	(void)number;
	(void)context;
	digits[--at] = '\n';
	do
		digits[--at] = (char)('0' + call % 10);
	while ((call /= 10) > 0);
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)!write(STDERR_FILENO, digits + at, sizeof(digits) - at);
	_exit(EXIT_CODE_BUG);
}

/* Without seccomp there is no sandbox for a ring to go around. */
void
sandbox_prepare(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter)
		return;
	if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
		SCMP_SYS(io_uring_setup), 0) == 0)
		(void)seccomp_load(filter);
	seccomp_release(filter);
}

int
sandbox_calls(const struct sandbox_plan *plan, struct error *err)
{
	uint32_t otherwise = SCMP_ACT_ERRNO(EPERM);
	if (plan->mode == SANDBOX_TRAP) {
		struct sigaction action = { .sa_flags = SA_SIGINFO };
		action.sa_sigaction = on_refused_call;
		sigaction(SIGSYS, &action, NULL);
		otherwise = SCMP_ACT_TRAP;
	}
	scmp_filter_ctx filter = seccomp_init(otherwise);
	if (!filter)
		return error_set(err, "", "seccomp cannot be set up");
	int status = fill(filter, plan);
	if (status == 0)
		status = seccomp_load(filter);
	seccomp_release(filter);
	return status == 0 ? 0
			   : error_set(err, "", "seccomp: %s",
				 strerror(status < 0 ? -status : EINVAL));
}
