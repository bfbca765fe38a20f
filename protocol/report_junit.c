/* SPDX-License-Identifier: MIT */

/*
 * JUnit XML. A suite says in its first tag how many cases it has, so cases are
 * held back; when they are many the suite is closed and another begun, so that
 * memory stays bounded. The last suite always has one case that passes, for
 * whatever had no finding: readers take a file without cases for an error.
 */

#include "report_parts.h"

#include <inttypes.h>

#define HELD_BYTES_MAX ((size_t)256 << 10)

static void
add_attribute(struct buf *out, const char *name, const struct buf *text)
{
	buf_addf(out, " %s=\"", name);
	report_add_xml(out, buf_view(text));
	buf_add_char(out, '"');
}

static void
close_suite(struct report_writer *writer)
{
	const struct report_options *options = &writer->report->options;
	struct buf *out = &writer->out;
	buf_add_text(out, "<testsuite name=\"");
	report_add_xml(out, view_of(options->title));
	if (options->subject) {
		buf_add_text(out, ": ");
		report_add_xml(out, view_of(options->subject));
	}
	buf_addf(out,
	    "\" tests=\"%" PRIu64 "\" failures=\"%" PRIu64
	    "\" errors=\"0\" skipped=\"0\" time=\"0\">\n",
	    writer->held_count, writer->failures);
	buf_add(out, buf_view(&writer->held));
	buf_add_text(out, "</testsuite>\n");
	buf_clear(&writer->held);
	writer->held_count = 0;
	writer->failures = 0;
}

static void
begin(struct report_writer *writer)
{
	buf_add_text(&writer->out,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
}

/* What a reader sees of the case that failed. */
static void
add_body(struct buf *out, const struct report_entry *entry)
{
	const struct finding *finding = entry->finding;
	struct buf text;
	buf_init(&text, 0);
	report_add_place(&text, entry);
	buf_add_text(&text, ": ");
	report_add_problem(&text, entry);
	if (finding->expected && finding->expected[0])
		buf_addf(&text, "; expected %s", finding->expected);
	if (finding->got && finding->got[0])
		buf_addf(&text, "; got %s", finding->got);
	buf_add_text(&text, ". ");
	report_add_advice(&text, entry);
	report_add_xml(out, buf_view(&text));
	buf_fini(&text);
}

static void
add_name(struct buf *out, const struct report_entry *entry)
{
	const struct finding *finding = entry->finding;
	struct buf name;
	buf_init(&name, 0);
	buf_add_text(&name, finding->source ? finding->source : "frames");
	add_attribute(out, "classname", &name);
	buf_clear(&name);
	if (finding->id)
		buf_addf(&name, "%s ", finding->id);
	else if (entry->spot.line)
		buf_addf(&name, "line %" PRIu64 " ", entry->spot.line);
	if (finding->type)
		buf_addf(&name, "%s ", finding->type);
	if (finding->pointer && finding->pointer[0])
		buf_addf(&name, "%s ", finding->pointer);
	buf_addf(&name, "(%s)", finding->rule);
	add_attribute(out, "name", &name);
	buf_fini(&name);
}

static void
add(struct report_writer *writer, const struct report_entry *entry)
{
	struct buf *out = &writer->held;
	bool is_failure = entry->finding->level == FINDING_ERROR;
	struct buf problem;
	buf_init(&problem, 0);
	buf_add_text(out, "<testcase");
	add_name(out, entry);
	buf_add_text(out, " time=\"0\">");
	if (is_failure) {
		report_add_problem(&problem, entry);
		buf_add_text(out, "<failure type=\"");
		report_add_xml(out, view_of(entry->finding->rule));
		buf_add_char(out, '"');
		add_attribute(out, "message", &problem);
		buf_add_char(out, '>');
	} else {
		buf_addf(out, "<system-out>%s: ",
		    report_level_name(entry->finding->level));
	}
	add_body(out, entry);
	buf_addf(
	    out, "</%s></testcase>\n", is_failure ? "failure" : "system-out");
	buf_fini(&problem);
	writer->held_count++;
	writer->failures += is_failure;
	if (out->len > HELD_BYTES_MAX)
		close_suite(writer);
}

static void
end(struct report_writer *writer)
{
	struct buf name;
	buf_init(&name, 0);
	report_add_totals(&name, writer->report);
	buf_add_text(&writer->held, "<testcase classname=\"");
	report_add_xml(&writer->held, view_of(writer->report->options.title));
	buf_add_char(&writer->held, '"');
	add_attribute(&writer->held, "name", &name);
	buf_add_text(&writer->held, " time=\"0\"/>\n");
	buf_fini(&name);
	writer->held_count++;
	close_suite(writer);
	buf_add_text(&writer->out, "</testsuites>\n");
}

const struct report_ops report_junit = { "junit", begin, add, end };
