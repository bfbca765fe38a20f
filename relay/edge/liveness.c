/* SPDX-License-Identifier: MIT */
#include "liveness.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* A Unix socket counts whole buffers, a ping in it about a thousand bytes:
 * what is less than this is no queue. */
#define UNIX_SLACK 4096
/* What any client reads in no time. */
#define READ_SLACK 4096

/* Does what was sent last wait for an acknowledgement that a live peer would
 * have given? Either data that fits its window, or, behind a closed window, a
 * probe that was sent again: the count starts anew with each acknowledgement. */
static bool
is_unanswered(const struct tcp_info *info, socklen_t size)
{
	bool window_known = size >= offsetof(struct tcp_info, tcpi_snd_wnd) +
		sizeof(info->tcpi_snd_wnd);
	bool window_open = !window_known || info->tcpi_snd_wnd > 0;

	return (info->tcpi_unacked > 0 && window_open) || info->tcpi_probes > 1;
}

static void
look_at_tcp(int socket, const struct tcp_info *info, socklen_t size,
    struct socket_figures *figures)
{
	int unread = 0;

	figures->progress = info->tcpi_bytes_acked;
	figures->received = info->tcpi_bytes_received;
	figures->unheard_ms = info->tcpi_last_data_recv;
	if (is_unanswered(info, size))
		figures->unanswered_ms = info->tcpi_last_ack_recv;
	if (ioctl(socket, SIOCINQ, &unread) == 0 && unread > 0)
		figures->unread = (uint64_t)unread;
}

void
socket_look(int socket, struct socket_figures *figures_r)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);
	int queued = 0;

	*figures_r = (struct socket_figures){ .unheard_ms = UINT64_MAX };
	if (ioctl(socket, SIOCOUTQ, &queued) == 0 && queued > 0)
		figures_r->queued = (size_t)queued;
	if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0) {
		look_at_tcp(socket, &info, size, figures_r);
		return;
	}
	figures_r->progress = figures_r->queued;
	if (figures_r->queued < UNIX_SLACK)
		figures_r->queued = 0;
}

void
liveness_init(struct liveness *liveness, uint64_t now_ms)
{
	*liveness = (struct liveness){ .heard_ms = now_ms, .moved_ms = now_ms };
}

/* Everything is with the peer's kernel, and that may be much. */
static bool
may_still_read(const struct liveness *liveness,
    const struct liveness_limits *limits, uint64_t now_ms)
{
	return liveness->sent_since > READ_SLACK &&
	    now_ms - liveness->heard_ms < limits->stuck_ms;
}

enum liveness_verdict
liveness_judge(struct liveness *liveness, const struct liveness_limits *limits,
    const struct socket_figures *figures, bool holds, uint64_t now_ms)
{
	bool has_queue = holds || figures->queued > 0;

	if (!has_queue || figures->progress != liveness->progress) {
		liveness->progress = figures->progress;
		liveness->moved_ms = now_ms;
	}
	if (now_ms - liveness->moved_ms >= limits->stuck_ms)
		return LIVENESS_STUCK;
	if (now_ms - liveness->heard_ms < limits->silence_ms ||
	    figures->unheard_ms < limits->silence_ms)
		return LIVENESS_FINE;
	if (figures->unanswered_ms >= limits->silence_ms)
		return LIVENESS_GONE;
	if (has_queue || may_still_read(liveness, limits, now_ms))
		return LIVENESS_FINE;
	return LIVENESS_SILENT;
}
