/* SPDX-License-Identifier: MIT */
#ifndef BUNDLE_H
#define BUNDLE_H

/*
 * What `relayctl report` gathers: parts that do not depend on each other. One
 * that cannot be had says why, the others are there all the same. Nothing in it
 * is shown before it went through redact.h; bodies of events are never asked
 * for.
 */

#include "config.h"
#include "ctl.h"
#include "redact.h"

enum bundle_part_name {
#define PART(name, title) BUNDLE_##name,
#include "bundle_parts.def"
#undef PART
	BUNDLE_PARTS
};

/* Owned by its bundle. */
struct bundle_part {
	struct buf text; /* for people, or JSON as it came */
	bool is_json;
	char error[512]; /* why it is not there, or not all of it */
};

/* Owned by cmd_report. */
struct bundle {
	struct ctl *ctl;
	const struct ctl_values *logs; /* --log */
	const char *port_file;         /* --port-file; NULL: the config's */
	struct config config;          /* defaults where it cannot be read */
	bool has_config;
	char relay[512];          /* admin address */
	char redis[512];          /* URL with its secret; "": not known */
	long pid;                 /* of the relay; 0: not known */
	char relay_version[64];   /* as its status says; "": not known */
	char relay_contract[128]; /* hash, likewise */
	bool has_redis;           /* it answered */
	bool is_silent;           /* the relay did not answer once */
	struct redact redact;
	struct bundle_part parts[BUNDLE_PARTS];
};

void bundle_init(struct bundle *bundle, struct ctl *ctl);
void bundle_fini(struct bundle *bundle);

/* Gathers and redacts every part; takes half a minute at most when all hangs.
 */
void bundle_gather(struct bundle *bundle);

/* All parts as a text for people, or as the members of one JSON object. */
void bundle_print(const struct bundle *bundle, struct buf *out);
void bundle_print_json(const struct bundle *bundle, struct buf *out);

/* Sets why a part is not there; returns -1. The first reason stays. */
int bundle_error(struct bundle_part *part, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* GET of the relay's admin listener into the part; 0, or -1 with the part's
 * error set. When the relay was silent once it is not asked again. */
int bundle_ask(
    struct bundle *bundle, struct bundle_part *part, const char *path);
bool bundle_is_json(struct view text);
/* A string of the part's JSON; "" when there is none. */
void bundle_string(const struct bundle_part *part, const char *pointer,
    char *text, size_t size);

/* 0, or -1 with the part's error set; both may have text. */
#define PART(name, title)         \
	int bundle_gather_##name( \
	    struct bundle *bundle, struct bundle_part *part);
#include "bundle_parts.def"
#undef PART

#endif
