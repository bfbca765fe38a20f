/* SPDX-License-Identifier: MIT */
#ifndef LOAD_DIAL_H
#define LOAD_DIAL_H

/* Addresses and blocking connects for the producer; the parts of a URL. */

#include "error.h"

#include <stdint.h>

struct load_url {
	char *host; /* without brackets; owned */
	char authority[280];
	uint16_t port;
	const char
	    *path; /* with query, begins with a slash; of the URL given */
};

/* scheme: "ws" or "http"; the port may be left out (80). The path may hold
 * templates. -1: err. `url` is borrowed. */
int load_url_parse(struct load_url *parts, const char *url, const char *scheme,
    struct error *err);
void load_url_fini(struct load_url *parts);

/* A connected socket with TCP_NODELAY, or -1 and err. */
int load_dial(const char *host, uint16_t port, struct error *err);
int load_dial_unix(const char *path, struct error *err);

#endif
