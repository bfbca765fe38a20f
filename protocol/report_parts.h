/* SPDX-License-Identifier: MIT */
#ifndef REPORT_PARTS_H
#define REPORT_PARTS_H

/* Inside of report_*.c: what all formats share, and what a format is. */

#include "report.h"

#include "buf.h"
#include "json.h"

/* One line of report_rules.def. */
struct report_rule {
	const char *id;
	const char *says;   /* "is of another type" */
	const char *advice; /* "Send {expected} there." */
};

const struct report_rule *report_rule_find(const char *id); /* or NULL */
/* Its place in the table, and the reverse; report_rule_at(i) is NULL behind
 * the last one. */
size_t report_rule_index(const struct report_rule *rule);
const struct report_rule *report_rule_at(size_t index);
#define REPORT_RULES_MAX 128

/* Where in the source it is. Lines and columns count from 1, columns in
 * characters; 0: not known. */
struct report_spot {
	uint64_t line;
	uint64_t column;
	uint64_t end_column;
	struct view source_line; /* without its end; empty: not at hand */
	size_t start;            /* bytes in source_line: what is wrong … */
	size_t length;           /* … and how much of it */
};

/* Finds what the pointer (or offset) names in the finding's text. `doc` is
 * scratch. */
void report_locate(const struct finding *finding, struct json_doc *doc,
    struct report_spot *spot_r);

/* A finding on its way to the formats. */
struct report_entry {
	const struct finding *finding;
	const struct report_rule *rule; /* NULL: not in the table */
	const char *whole;              /* "the frame" */
	struct report_spot spot;
	char fingerprint[33];
};

struct report_writer;

struct report_ops {
	const char *name;
	void (*begin)(struct report_writer *writer);
	void (*add)(
	    struct report_writer *writer, const struct report_entry *entry);
	void (*end)(struct report_writer *writer);
};

/* One output. `out` is sent off after each call of its ops. */
struct report_writer {
	const struct report_ops *ops;
	const struct report *report;
	report_write_fn *write;
	void *arg;
	uint64_t most; /* findings to tell; 0: all */
	uint64_t told;
	struct buf out;
	/* For the format's own use. */
	struct buf held;
	uint64_t held_count;
	uint64_t failures;
	uint64_t levels[3];
};

struct report {
	struct report_options options;
	struct report_writer writers[16];
	size_t writer_count;
	bool has_begun;
	uint64_t checked; /* known at the end */
	uint64_t levels[3];
	bool rules[REPORT_RULES_MAX]; /* those that were broken */
	struct json_doc doc;
};

extern const struct report_ops report_text;
extern const struct report_ops report_json;
extern const struct report_ops report_github;
extern const struct report_ops report_junit;
extern const struct report_ops report_sarif;
extern const struct report_ops report_markdown;

const char *report_level_name(enum finding_level level);

/* --- words that formats share --- */

/* "/step/type is not one of the values that are allowed" */
void report_add_problem(struct buf *out, const struct report_entry *entry);
/* What to do about it, in one sentence; nothing when the rule is unknown. */
void report_add_advice(struct buf *out, const struct report_entry *entry);
/* "frames.ndjson:12:34", "STREAM 1700000000000-0", or nothing. */
void report_add_place(struct buf *out, const struct report_entry *entry);
/* "3 errors, 1 warning in 120 frames" */
void report_add_totals(struct buf *out, const struct report *report);
/* "2026-05-30T12:00:03.125Z" */
void report_add_time(struct buf *out, uint64_t unix_ms);
/* ,"name":"text" or ,"name":null */
void report_add_member(struct buf *out, const char *name, const char *text);

/* --- escapes --- */

/* Control characters and what is no UTF-8 become U+FFFD. */
void report_add_printable(struct buf *out, struct view text);
void report_add_xml(struct buf *out, struct view text);
void report_add_uri(struct buf *out, struct view path);
/* Markdown in running text, and between backticks. */
void report_add_markdown(struct buf *out, struct view text);
void report_add_code(struct buf *out, struct view text);

#endif
