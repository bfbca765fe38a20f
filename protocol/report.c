/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "report_parts.h"
#include "xmalloc.h"

#include <openssl/evp.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define WRITERS_MAX 16

static const struct report_ops *const formats[REPORT_FORMAT_COUNT] = {
	[REPORT_TEXT] = &report_text,
	[REPORT_JSON] = &report_json,
	[REPORT_GITHUB] = &report_github,
	[REPORT_JUNIT] = &report_junit,
	[REPORT_SARIF] = &report_sarif,
	[REPORT_MARKDOWN] = &report_markdown,
};

int
report_format_find(struct view name)
{
	for (int i = 0; i < REPORT_FORMAT_COUNT; i++)
		if (view_is(name, formats[i]->name))
			return i;
	return -1;
}

const char *
report_format_name(enum report_format format)
{
	return formats[format]->name;
}

const char *
report_level_name(enum finding_level level)
{
	static const char *const names[] = {
		[FINDING_ERROR] = "error",
		[FINDING_WARNING] = "warning",
		[FINDING_NOTE] = "note",
	};
	return names[level];
}

struct report *
report_new(const struct report_options *options)
{
	struct report *report = xcalloc(1, sizeof(*report));
	report->options = *options;
	json_doc_init(&report->doc);
	return report;
}

void
report_free(struct report **report_p)
{
	struct report *report = *report_p;
	if (!report)
		return;
	for (size_t i = 0; i < report->writer_count; i++) {
		buf_fini(&report->writers[i].out);
		buf_fini(&report->writers[i].held);
	}
	json_doc_fini(&report->doc);
	free(report);
	*report_p = NULL;
}

void
report_to(struct report *report, enum report_format format, uint64_t most,
    report_write_fn *write, void *arg)
{
	assert(report->writer_count < WRITERS_MAX && !report->has_begun);
	struct report_writer *writer = &report->writers[report->writer_count++];
	*writer = (struct report_writer){ .ops = formats[format],
		.report = report,
		.write = write,
		.arg = arg,
		.most = most };
	buf_init(&writer->out, 0);
	buf_init(&writer->held, 0);
}

static void
send(struct report_writer *writer)
{
	if (writer->out.len)
		writer->write(writer->arg, buf_view(&writer->out));
	buf_clear(&writer->out);
}

static void
begin(struct report *report)
{
	if (report->has_begun)
		return;
	report->has_begun = true;
	for (size_t i = 0; i < report->writer_count; i++) {
		report->writers[i].ops->begin(&report->writers[i]);
		send(&report->writers[i]);
	}
}

void
report_add(struct report *report, const struct finding *finding)
{
	struct report_entry entry = { .finding = finding,
		.rule = report_rule_find(finding->rule),
		.whole = report->options.whole ? report->options.whole
					       : "the frame" };
	begin(report);
	report->levels[finding->level]++;
	if (entry.rule)
		report->rules[report_rule_index(entry.rule)] = true;
	report_locate(finding, &report->doc, &entry.spot);
	report_fingerprint(finding, entry.fingerprint);
	for (size_t i = 0; i < report->writer_count; i++) {
		struct report_writer *writer = &report->writers[i];
		if (writer->most && writer->told >= writer->most &&
		    !finding->is_summary)
			continue;
		writer->told++;
		writer->ops->add(writer, &entry);
		send(writer);
	}
}

void
report_end(struct report *report, uint64_t checked)
{
	begin(report);
	report->checked = checked;
	for (size_t i = 0; i < report->writer_count; i++) {
		report->writers[i].ops->end(&report->writers[i]);
		send(&report->writers[i]);
	}
}

uint64_t
report_count(const struct report *report, enum finding_level level)
{
	return report->levels[level];
}

/* --- fingerprint --- */

static void
add_part(struct buf *out, const char *text)
{
	if (text)
		buf_add_text(out, text);
	buf_add_char(out, '\0');
}

static bool
is_index(struct view token)
{
	for (size_t i = 0; i < token.len; i++)
		if (token.data[i] < '0' || token.data[i] > '9')
			return false;
	return token.len > 0;
}

/* Where in an array something stood is chance. */
static void
add_pattern(struct buf *out, const char *pointer)
{
	while (pointer && *pointer == '/') {
		struct view token =
		    view_make(pointer + 1, strcspn(pointer + 1, "/"));
		buf_add_char(out, '/');
		buf_add(out, is_index(token) ? view_of("*") : token);
		pointer += 1 + token.len;
	}
	buf_add_char(out, '\0');
}

/* The name at stake, where the pointer does not have it. */
static const char *
name_of(const struct finding *finding)
{
	if (strcmp(finding->rule, "required") == 0 ||
	    strcmp(finding->rule, "dependentRequired") == 0)
		return finding->expected;
	return finding->traffic ? finding->traffic->seen : NULL;
}

void
report_fingerprint(const struct finding *finding, char digits_r[33])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct buf text;
	buf_init(&text, 0);
	add_part(&text, finding->rule);
	add_part(&text, finding->traffic ? finding->traffic->direction : NULL);
	add_part(&text, finding->traffic ? finding->traffic->endpoint : NULL);
	add_part(&text, finding->type);
	add_pattern(&text, finding->pointer);
	add_part(&text, name_of(finding));
	int done = EVP_Q_digest(
	    NULL, "SHA256", NULL, text.data, text.len, digest, NULL);
	assert(done == 1);
	for (size_t i = 0; i < 16; i++)
		snprintf(digits_r + 2 * i, 3, "%02x", digest[i]);
	buf_fini(&text);
}
