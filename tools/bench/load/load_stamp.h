/* SPDX-License-Identifier: MIT */
#ifndef LOAD_STAMP_H
#define LOAD_STAMP_H

/*
 * The events of a load run, and the stamp in them: the number within its
 * stream (from 1; 0 is a probe), CLOCK_MONOTONIC ns at which the producer
 * made it, and the stream, lest another's pass for it. The event is an
 * execution_step of the bundled contract, with all its members, so that mode
 * enforce delivers it; whatever a server wraps it in, the stamp is found behind
 * its mark.
 */

#include "view.h"

#include <stdint.h>

#define LOAD_EVENT_MIN 400
#define LOAD_EVENT_MAX 65536

struct load_stamp {
	uint32_t number; /* below 100,000,000 */
	uint64_t at_ns;  /* modulo 10^16: 115 days */
	uint32_t stream; /* below 100,000,000 */
};

/* One event that is stamped over and over. */
struct load_event {
	char *text; /* owned; not terminated */
	size_t len;
	size_t stamp_at;
};

/* `bytes` between LOAD_EVENT_MIN and LOAD_EVENT_MAX: the event's length. */
void load_event_init(struct load_event *event, size_t bytes);
void load_event_fini(struct load_event *event);
/* Writes the stamp into the text. */
void load_event_stamp(struct load_event *event, const struct load_stamp *stamp);

/* Reads the stamp of a payload that holds an event. *from_end is where the
 * last one stood, counted from the end (0: unknown), and is looked at first.
 * -1: there is no stamp in it. */
int load_stamp_read(
    struct view payload, uint32_t *from_end, struct load_stamp *stamp_r);

/* CLOCK_MONOTONIC. */
uint64_t load_now_ns(void);
/* ns since the stamp was made. */
uint64_t load_stamp_age(const struct load_stamp *stamp, uint64_t now_ns);

#endif
