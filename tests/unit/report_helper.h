/* SPDX-License-Identifier: MIT */
#ifndef REPORT_HELPER_H
#define REPORT_HELPER_H

/* What the report tests share: findings, harmless and hostile, and reports. */

#include "schema_helper.h"

#include "report.h"

#include <stdlib.h>

/* Everything that some format takes for its own. */
#define HOSTILE                                                             \
	"a::b,c%0A\r\n\x01\x1b[31m\x7f<b a=\"1\" c='2'>&amp;]]> `x` ``y`` " \
	"|*_#\\ \xff\xc3 \xef\xbf\xbe \xc2\x85 \xf0\x9f\x90\xb2"

static const char frame[] =
    "{\"type\":\"execution_step\",\"step\":{\"type\":\"turn_inputs\","
    "\"label\":\"\xc3\xa4\xc3\xb6\",\"depth\":\"2\"}}";

static const struct report_options options = { .title = "contract check",
	.subject = "fleet-rlm/3",
	.version = "0.1.0",
	.unit = "frames" };

static const struct finding enum_finding = {
	.source = "frames.ndjson",
	.line = 12,
	.type = "execution_step",
	.pointer = "/step/type",
	.rule = "enum",
	.expected = "one of \"llm\", \"tool\"",
	.got = "another string",
	.hint = "did you mean \"tool\"?",
	.text = { frame, sizeof(frame) - 1 },
};

static const struct finding_traffic traffic = {
	.direction = "server",
	.endpoint = "chat",
	.producer = HOSTILE,
	.seen = "turn_inputs",
	.nearest = "output",
	.sample = "{\"type\":\"string\"}",
	.count = 7,
	.first_seen = 1780142402125,
	.last_seen = 1780142403000,
};

static const struct finding hostile_finding = {
	.level = FINDING_WARNING,
	.source = HOSTILE,
	.id = HOSTILE,
	.type = HOSTILE,
	.pointer = "/" HOSTILE,
	.rule = "enum",
	.expected = HOSTILE,
	.got = HOSTILE,
	.hint = HOSTILE,
	.traffic = &traffic,
};

static inline void
write_to_buf(void *arg, struct view bytes)
{
	buf_add(arg, bytes);
}

/* The whole report of `count` findings in one format; free it. */
static inline char *
report_of(enum report_format format, const struct finding *const *findings,
    size_t count)
{
	struct buf out;
	struct report *report = report_new(&options);
	buf_init(&out, 0);
	report_to(report, format, 0, write_to_buf, &out);
	for (size_t i = 0; i < count; i++)
		report_add(report, findings[i]);
	report_end(report, 120);
	report_free(&report);
	buf_add_char(&out, '\0');
	return out.data;
}

static inline char *
report_one(enum report_format format, const struct finding *finding)
{
	return report_of(format, &finding, 1);
}

static inline void
assert_line(const char *text, const char *line)
{
	if (!strstr(text, line))
		fail_msg("no \"%s\" in:\n%s", line, text);
}

static struct json_doc doc; /* of the last scan() */

static inline void
scan(const char *text)
{
	struct json_limits limits = { .strict_keys = true };
	struct json_fault fault;
	if (json_scan(&doc, view_of(text), &limits, &fault) == -1)
		fail_msg(
		    "%s at %zu of:\n%s", fault.message, fault.offset, text);
}

static inline void
assert_json(const char *pointer, const char *value)
{
	uint32_t node = 0;
	if (!json_pointer_get(&doc, view_of(pointer), &node))
		fail_msg("no %s", pointer);
	struct view text = json_text(&doc, node);
	if (!view_is(text, value))
		fail_msg("%s is %.*s, not %s", pointer, (int)text.len,
		    text.data, value);
}

#endif
