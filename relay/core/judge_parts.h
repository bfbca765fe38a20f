/* SPDX-License-Identifier: MIT */
#ifndef JUDGE_PARTS_H
#define JUDGE_PARTS_H

/* Inside of judge*.c. */

#include "judge.h"
#include "judge_drift.h"

#define VIOLATIONS_MAX 10 /* of one entry, for the drift report */

enum judge_code {
	CODE_INVALID_JSON,
	CODE_MISSING_FIELD,
	CODE_NOT_OBJECT,
	CODE_UNKNOWN_TYPE,
	CODE_INVALID_PAYLOAD,
	CODE_RESERVED_MEMBER,
	CODE_TOO_LARGE,
	CODE_TOO_DEEP
};

struct judge {
	const struct contract *contract;
	struct judge_options options;
	struct stats *stats;
	judge_dead_letter_fn *dead_letter;
	void *arg;
	uint8_t *modes[JUDGE_ENDPOINTS_MAX]; /* by message of the endpoint */
	uint8_t unknown_modes[JUDGE_ENDPOINTS_MAX];
	bool splices;         /* some endpoint puts a cursor into events */
	bool has_other_types; /* some discriminator is not /type */
	struct json_doc doc;
	struct schema_scratch *scratch;
	struct buf text;
	struct judge_drift drift;
	struct violation violations[VIOLATIONS_MAX];
	uint64_t breaches; /* seen so far, for the log */
};

/* One entry on its way through. */
struct look {
	struct judge *judge;
	struct view stream;
	const struct batch_entry *entry;
	enum judge_look kind;
	struct verdict *verdict;
	const struct contract_message *messages[JUDGE_ENDPOINTS_MAX];
	const struct schema *checked; /* the schema that was run last */
	bool was_valid;
};

struct breach {
	enum judge_code code;
	struct violation violation;
	char message[512];
};

/* A breach at this place; the caller writes the message. */
struct breach judge_breach(
    enum judge_code code, const char *pointer, const char *rule);

/* Withheld from every endpoint: counted, told, a dead letter. */
void judge_refuse(struct look *look, const struct breach *breach);
/* No endpoint knows it: by the mode of each. */
void judge_settle_unknown(struct look *look, const struct breach *breach);
/* The message that `endpoint` selected is in breach; is it withheld? */
void judge_report_invalid(struct look *look, size_t endpoint, bool is_refused);

#endif
