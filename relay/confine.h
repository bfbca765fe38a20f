/* SPDX-License-Identifier: MIT */
#ifndef CONFINE_H
#define CONFINE_H

/*
 * What the sandbox (sandbox.h) of this relay must leave open, by its
 * configuration: the folders that a reload reads, the port of Redis, the folder
 * of the port file.
 */

#include "redis_link.h"
#include "sandbox.h"

struct config;

/* Owns the texts that plan points to. */
struct confine {
	struct sandbox_plan plan;
	char *owned[2 * SANDBOX_PATHS_MAX];
	size_t owned_count;
};

void confine_init(struct confine *confine, const struct config *config,
    const struct redis_target *redis);
void confine_fini(struct confine *confine);

/* Enters it and logs what the kernel could not do. 0, or -1 and err. */
int confine_enter(const struct config *config, const struct redis_target *redis,
    struct error *err);
/* --probe-sandbox: exit code, 1 when something was allowed that must not be. */
int confine_probe(const struct config *config, const struct redis_target *redis,
    struct error *err);

#endif
