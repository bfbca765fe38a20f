/* SPDX-License-Identifier: MIT */
#include "reference_report.h"

#include "fuzz.h"
#include "json.h"
#include "utf8.h"
#include "xml_check.h"

static void
write_to_buf(void *arg, struct view bytes)
{
	buf_add(arg, bytes);
}

void
report_outputs_open(struct report_outputs *outputs)
{
	static const struct report_options options = { .title =
							   "contract check",
		.subject = "a/1",
		.version = "0",
		.unit = "frames" };
	outputs->report = report_new(&options);
	for (int i = 0; i < REPORT_FORMAT_COUNT; i++) {
		buf_init(&outputs->text[i], 0);
		report_to(outputs->report, (enum report_format)i, 0,
		    write_to_buf, &outputs->text[i]);
	}
}

void
must_be_json(struct view text)
{
	static struct json_doc doc;
	struct json_limits limits = { .strict_keys = true };
	struct json_fault fault;
	if (!doc.scratch)
		json_doc_init(&doc);
	must(json_scan(&doc, text, &limits, &fault) == 0);
}

/* DEL is an ordinary character of JSON. */
static void
must_be_printable(struct view text, bool is_json)
{
	must(utf8_is_valid(text));
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.data[i];
		must(byte >= ' ' || byte == '\n');
		must(byte != 0x7f || is_json);
	}
}

void
report_outputs_close(struct report_outputs *outputs, uint64_t checked)
{
	report_end(outputs->report, checked);
	report_free(&outputs->report);
	must_be_json(buf_view(&outputs->text[REPORT_JSON]));
	must_be_json(buf_view(&outputs->text[REPORT_SARIF]));
	must(!xml_check(buf_view(&outputs->text[REPORT_JUNIT]), NULL, NULL));
	for (int i = 0; i < REPORT_FORMAT_COUNT; i++) {
		must_be_printable(buf_view(&outputs->text[i]),
		    i == REPORT_JSON || i == REPORT_SARIF);
		buf_fini(&outputs->text[i]);
	}
}
