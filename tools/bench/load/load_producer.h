/* SPDX-License-Identifier: MIT */
#ifndef LOAD_PRODUCER_H
#define LOAD_PRODUCER_H

/*
 * The producer of a load run: a process of its own, so that publishing and
 * receiving do not wait for each other. It fills the streams, sends probes
 * while it is told to, publishes by rate or for every credit, and removes the
 * streams when it is told to stop.
 */

#include "load_plan.h"

enum load_phase {
	LOAD_FILLING, /* prefill */
	LOAD_PROBING,
	LOAD_RESTING, /* an order only: nothing is published for now */
	LOAD_RUNNING,
	LOAD_DONE, /* all is published and answered */
	LOAD_FAILED,
};

struct load_producer;

/* Starts the process. `plan` must not change from here on. NULL: err. */
struct load_producer *load_producer_start(
    const struct load_plan *plan, struct error *err);
/* Removes the streams (those whose key holds {run}) and ends the process. */
void load_producer_stop(struct load_producer **producer);

/* Readable when the phase has changed; read it away with load_producer_phase. */
int load_producer_fd(const struct load_producer *producer);
/* With LOAD_FAILED, err says why. */
enum load_phase load_producer_phase(
    struct load_producer *producer, struct error *err);

/* All are connected: probes may come. */
void load_producer_probe(struct load_producer *producer);
/* No more probes. */
void load_producer_rest(struct load_producer *producer);
/* Go. */
void load_producer_run(struct load_producer *producer);
/* Allows one more burst (runs without a rate); from LOAD_RUNNING on. */
void load_producer_credit(struct load_producer *producer);
uint64_t load_producer_published(const struct load_producer *producer);

#endif
