/* SPDX-License-Identifier: MIT */
#include "sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A service manager may have taken them already, and the call as well. */
static bool
has_none(struct __user_cap_header_struct *header)
{
	struct __user_cap_data_struct held[2] = { { 0 } };
	if (syscall(SYS_capget, header, held) == -1)
		return false;
	return (held[0].effective | held[0].permitted | held[1].effective |
		   held[1].permitted) == 0;
}

/* The bounding set first: it takes a capability to drop one from it. Without
 * any there is nothing that could come back. */
static int
drop_capabilities(struct error *err)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3,
		0 };
	struct __user_cap_data_struct none[2] = { { 0 } };
	for (int i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == -1 && errno != EPERM)
			return error_set(
			    err, "", "capability %d: %s", i, strerror(errno));
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, none) == -1 && !has_none(&header))
		return error_set(err, "", "capabilities: %s", strerror(errno));
	return 0;
}

static bool
leaves_no_core(void)
{
	struct rlimit limit = { 0, 0 };
	if (setrlimit(RLIMIT_CORE, &limit) == 0)
		return true;
	return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0;
}

static int
drop_privileges(struct error *err)
{
	if (drop_capabilities(err) == -1)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1 || !leaves_no_core())
		return error_set(err, "", "privileges: %s", strerror(errno));
	return 0;
}

int
sandbox_enter(const struct sandbox_plan *plan,
    struct sandbox_outcome *outcome_r, struct error *err)
{
	struct error ignored;
	*outcome_r = (struct sandbox_outcome){ 0 };
	if (plan->mode == SANDBOX_OFF)
		return 0;
	if (drop_privileges(err) == -1 ||
	    sandbox_files(plan, &outcome_r->landlock_abi, err) == -1)
		return -1;
	/* A kernel or a container without seccomp: told, not fatal. */
	outcome_r->has_seccomp = sandbox_calls(plan, &ignored) == 0;
	return 0;
}

static bool
report(const char *what, long status)
{
	int reason = errno;
	bool is_refused = status == -1 && (reason == EPERM || reason == EACCES);
	printf("%-24s %s\n", what,
	    is_refused         ? "refused"
		: status == -1 ? strerror(reason)
			       : "ALLOWED");
	return is_refused;
}

unsigned
sandbox_probe(void)
{
	char *const argv[] = { "true", NULL };
	unsigned wrong = 0;
	wrong += !report(
	    "open /etc/passwd", open("/etc/passwd", O_RDONLY | O_CLOEXEC));
	wrong += !report("create /tmp file",
	    open("/tmp/relayd-sandbox-probe", O_WRONLY | O_CREAT | O_CLOEXEC,
		0600));
	wrong += !report("execve", execve("/bin/true", argv, argv + 1));
	wrong += !report("ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	wrong += !report("packet socket", socket(AF_PACKET, SOCK_RAW, 0));
	wrong += !report("raw IP socket", socket(AF_INET, SOCK_RAW, 1));
	wrong += !report("fork", syscall(SYS_fork));
	wrong += !report("kill another process", kill(getppid(), 0));
	wrong += !report("bind a port", syscall(SYS_bind, 0, NULL, 0));
	return wrong;
}
