/* SPDX-License-Identifier: MIT */
#include "helper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

/* Moves the channel to the first free place and closes all behind it. */
static int
keep_only(int channel)
{
	int kept = STDERR_FILENO + 1;
	if (channel != kept)
		dup2(channel, kept);
	fcntl(kept, F_SETFD, FD_CLOEXEC);
	close_range((unsigned)kept + 1, ~0U, 0);
	return kept;
}

static void
ignore_signals(void)
{
	setsid();
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

pid_t
helper_fork(helper_fn *run, const void *arg, int *channel_r)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		ignore_signals();
		run(keep_only(ends[1]), arg);
		_exit(0);
	}
	close(ends[1]);
	if (pid == -1)
		close(ends[0]);
	else
		*channel_r = ends[0];
	return pid;
}
