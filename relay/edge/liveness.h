/* SPDX-License-Identifier: MIT */
#ifndef LIVENESS_H
#define LIVENESS_H

/*
 * Is the peer of a socket still there, and does it still take bytes? The
 * kernel's figures of a socket, and a verdict on them that knows a slow reader
 * from a dead one: whoever has only stopped reading still answers the probes of
 * his closed window.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct socket_figures {
	size_t queued;     /* bytes that the peer has not acknowledged */
	uint64_t received; /* bytes that the peer sent, ever */
	uint64_t unread;   /* of these still in the kernel */
	uint64_t progress; /* changes whenever the peer acknowledges some */
	/* For so long a live peer would not have kept us waiting for an
	 * acknowledgement, its window open or closed; 0: it does not. */
	uint64_t unanswered_ms;
	uint64_t unheard_ms; /* since bytes came last; UINT64_MAX: unknown */
};

/* TCP and Unix sockets; what cannot be known stays 0. */
void socket_look(int socket, struct socket_figures *figures_r);

struct liveness_limits {
	unsigned silence_ms; /* without any sign of life: gone */
	unsigned stuck_ms;   /* without an acknowledged byte: stuck */
};

/* Embedded in the connection. */
struct liveness {
	uint64_t moved_ms; /* the queue was empty or became shorter */
	uint64_t progress;
	/* Set by the owner: when something came last, and what was sent to the
	 * peer since, which it may still have to read through before it comes
	 * to a ping. */
	uint64_t heard_ms;
	uint64_t sent_since;
};

enum liveness_verdict {
	LIVENESS_FINE,
	LIVENESS_SILENT, /* gone if it was asked and had time to answer */
	LIVENESS_GONE,
	LIVENESS_STUCK
};

void liveness_init(struct liveness *liveness, uint64_t now_ms);
/* `holds`: bytes wait in our memory besides those in the kernel. */
enum liveness_verdict liveness_judge(struct liveness *liveness,
    const struct liveness_limits *limits, const struct socket_figures *figures,
    bool holds, uint64_t now_ms);

#endif
