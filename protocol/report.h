/* SPDX-License-Identifier: MIT */
#ifndef REPORT_H
#define REPORT_H

/*
 * Findings, told to people and to tools: text with the line and a mark under
 * what is wrong, JSON, GitHub annotations, JUnit, SARIF 2.1.0, Markdown.
 * Several formats in one run, each to a place of its own. Streaming: a finding
 * is written when it is added and then forgotten, so memory does not grow with
 * the number of findings.
 */

#include "view.h"

#include <stdint.h>

enum report_format {
	REPORT_TEXT,
	REPORT_JSON,
	REPORT_GITHUB,
	REPORT_JUNIT,
	REPORT_SARIF,
	REPORT_MARKDOWN,
	REPORT_FORMAT_COUNT
};

enum finding_level { FINDING_ERROR, FINDING_WARNING, FINDING_NOTE };

/* What only traffic knows of a finding. Times are unix ms. */
struct finding_traffic {
	const char *direction; /* "client", "server" */
	const char *endpoint;
	const char *producer; /* NULL: it gave no name */
	const char *seen;     /* the name that was seen, or NULL */
	const char *nearest;  /* the declared name nearest to it, or NULL */
	const char *sample;   /* JSON text: types, no values; or NULL */
	uint64_t count;
	uint64_t first_seen;
	uint64_t last_seen;
};

/* One thing that is not as it should be. All is borrowed for the call; strings
 * may be NULL where nothing is known. */
struct finding {
	enum finding_level level;
	const char *source; /* a file, a stream's key */
	uint64_t line;      /* of the text's first byte, from 1; 0: none */
	const char *id;     /* of the stream entry */
	const char *type;   /* of the message */
	const char *pointer;
	const char *subject; /* what is spoken of, where no pointer says it */
	const char *rule; /* never NULL; a line of report_rules.def, if it can
			   * be */
	const char *expected;
	const char *got;
	const char *hint;
	const char *code; /* with which the contract's author refuses it */
	struct view text; /* the frame, or the whole file, where at hand */
	uint64_t before;  /* characters before it in its line */
	bool has_offset;  /* `offset` says where in it; else the pointer does */
	size_t offset;
	const struct finding_traffic *traffic; /* NULL: not of traffic */
	bool is_summary; /* of all that went before: told beyond any limit */
};

struct report_options {
	const char *title;   /* "contract check" */
	const char *subject; /* what is judged: "fleet-rlm/3"; or NULL */
	const char *version; /* of the tool */
	const char *unit;    /* what is counted: "frames" */
	const char *whole;   /* what the pointer "" means: "the frame" */
	bool color;          /* of text */
};

/* Bytes of one output, in order. They are good for the call. */
typedef void report_write_fn(void *arg, struct view bytes);

struct report;

/* Borrows the strings of the options for the report's life. */
struct report *report_new(const struct report_options *options);
void report_free(struct report **report);

/* Another output; all before the first report_add. `most` findings are told in
 * it and the rest only counted; 0: all. */
void report_to(struct report *report, enum report_format format, uint64_t most,
    report_write_fn *write, void *arg);
void report_add(struct report *report, const struct finding *finding);
/* Once, at the end: `checked` units were looked at. */
void report_end(struct report *report, uint64_t checked);

/* Of the findings added so far. */
uint64_t report_count(const struct report *report, enum finding_level level);

/* The format of that name; -1: there is none. */
int report_format_find(struct view name);
const char *report_format_name(enum report_format format);

/* 32 hex digits and a NUL: the same for the same rule, direction, message and
 * pointer (array indexes aside), whatever the texts say. */
void report_fingerprint(const struct finding *finding, char digits_r[33]);

#endif
