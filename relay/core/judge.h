/* SPDX-License-Identifier: MIT */
#ifndef JUDGE_H
#define JUDGE_H

/*
 * Looks at one stream entry once and says, for every endpoint (view) of the
 * contract, whether it is delivered there, belongs elsewhere, or is refused:
 * scanner, discriminator, schema, mode. Refusals are counted and handed to the
 * dead-letter callback. Owns its scanner and scratch; one per worker.
 */

#include "batch.h"
#include "contract.h"
#include "mode_rule.h"

struct drift;
struct judge;
struct once;
struct stats;

enum judge_view { VIEW_OTHER, VIEW_DELIVER, VIEW_REFUSE };

#define JUDGE_ENDPOINTS_MAX CONTRACT_ENDPOINTS_MAX

struct verdict {
	uint8_t view[JUDGE_ENDPOINTS_MAX]; /* enum judge_view by endpoint */
	bool terminal[JUDGE_ENDPOINTS_MAX];
	bool direct[JUDGE_ENDPOINTS_MAX];
	/* The object's text without leading white space; "{" is its first
	 * byte. Borrowed from the entry. */
	struct view object;
	bool is_empty_object; /* nothing but white space between the braces */
};

/* A refused entry, for the dead-letter stream; views good for the call. */
struct refused_entry {
	struct view stream;
	const struct batch_entry *entry;
	const char *code; /* invalid_json, missing_field, not_object,
	                   * unknown_type, invalid_payload, reserved_member,
	                   * too_large, too_deep */
	const struct violation *violation; /* NULL when there is none */
	const char *message;
};
typedef void judge_dead_letter_fn(void *arg, const struct refused_entry *);

struct judge_options {
	enum judge_mode mode;
	uint32_t max_depth;     /* 64 */
	size_t max_event_bytes; /* 4 MiB */
	/* What differs from `mode`; the narrower rule holds. For the call. */
	const struct mode_rule *rules;
	size_t rule_count;
};

struct judge *judge_new(const struct contract *contract,
    const struct judge_options *options, struct stats *stats,
    judge_dead_letter_fn *dead_letter, void *arg);
void judge_free(struct judge **judge);

/* Tells `drift` of every entry that is looked at for the first time; `once` is
 * shared by all judges of the process, so that each counts once. Both are
 * borrowed. */
void judge_attach_drift(
    struct judge *judge, struct drift *drift, struct once *once);

/* From the next entry on by these options and this contract, borrowed in place
 * of the one before; its endpoints are the same in name and order. A drift that
 * is attached must be of the same contract. */
void judge_reload(struct judge *judge, const struct contract *contract,
    const struct judge_options *options);

/* Has this process judged the entry before? Drift and counters count it once;
 * but what is refused since a reload is a dead letter also if it was let pass
 * before. */
enum judge_look {
	LOOK_AGAIN, /* yes */
	LOOK_FIRST, /* no */
	LOOK_ANEW   /* yes, but not since the reload */
};

/* The verdict is good until the next call. */
void judge_entry(struct judge *judge, struct view stream,
    const struct batch_entry *entry, enum judge_look kind,
    struct verdict *verdict_r);

#endif
