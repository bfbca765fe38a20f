/* SPDX-License-Identifier: MIT */

/* Markdown that reads well as it is and fits into a job's summary: that may
 * hold a megabyte, so the list ends before and the last line counts all. */

#include "report_parts.h"

#include <inttypes.h>

#define FINDINGS_MAX 1000

static void
begin(struct report_writer *writer)
{
	const struct report_options *options = &writer->report->options;
	buf_add_text(&writer->out, "## ");
	report_add_markdown(&writer->out, view_of(options->title));
	if (options->subject) {
		buf_add_text(&writer->out, ": ");
		report_add_markdown(&writer->out, view_of(options->subject));
	}
	buf_add_text(&writer->out, "\n\n");
}

static void
add_fact(struct buf *out, const char *name, const char *text)
{
	if (!text || !text[0])
		return;
	buf_addf(out, "  - %s: ", name);
	report_add_code(out, view_of(text));
	buf_add_char(out, '\n');
}

static void
add_traffic(struct buf *out, const struct finding_traffic *traffic)
{
	add_fact(out, "seen", traffic->seen);
	add_fact(out, "nearest declared", traffic->nearest);
	add_fact(out, "producer", traffic->producer);
	buf_addf(out, "  - %" PRIu64 " time%s in %s frames of endpoint ",
	    traffic->count, traffic->count == 1 ? "" : "s", traffic->direction);
	report_add_code(
	    out, view_of(traffic->endpoint ? traffic->endpoint : "-"));
	if (traffic->first_seen) {
		buf_add_text(out, ", first ");
		report_add_time(out, traffic->first_seen);
		buf_add_text(out, ", last ");
		report_add_time(out, traffic->last_seen);
	}
	buf_add_char(out, '\n');
}

static void
add_headline(struct buf *out, const struct report_entry *entry)
{
	const struct finding *finding = entry->finding;
	struct buf place;
	buf_init(&place, 0);
	report_add_place(&place, entry);
	buf_addf(out, "- **%s** ", report_level_name(finding->level));
	if (place.len) {
		report_add_code(out, buf_view(&place));
		buf_add_text(out, ": ");
	}
	if (finding->pointer && finding->pointer[0])
		report_add_code(out, view_of(finding->pointer));
	else
		report_add_markdown(out,
		    view_of(
			finding->subject ? finding->subject : entry->whole));
	buf_add_char(out, ' ');
	report_add_markdown(
	    out, view_of(entry->rule ? entry->rule->says : "breaks a rule"));
	buf_add_char(out, '\n');
	buf_fini(&place);
}

static void
add(struct report_writer *writer, const struct report_entry *entry)
{
	struct buf *out = &writer->out;
	const struct finding *finding = entry->finding;
	struct buf advice;
	if (writer->held_count >= FINDINGS_MAX && !finding->is_summary)
		return;
	writer->held_count++;
	add_headline(out, entry);
	add_fact(out, "message", finding->type);
	add_fact(out, "rule", finding->rule);
	add_fact(out, "code", finding->code);
	add_fact(out, "expected", finding->expected);
	add_fact(out, "got", finding->got);
	if (finding->traffic)
		add_traffic(out, finding->traffic);
	buf_init(&advice, 0);
	report_add_advice(&advice, entry);
	if (advice.len) {
		buf_add_text(out, "  - to do: ");
		report_add_markdown(out, buf_view(&advice));
		buf_add_char(out, '\n');
	}
	buf_fini(&advice);
}

static void
end(struct report_writer *writer)
{
	const struct report *report = writer->report;
	uint64_t all =
	    report->levels[0] + report->levels[1] + report->levels[2];
	if (all > writer->held_count)
		buf_addf(&writer->out, "- and %" PRIu64 " more\n",
		    all - writer->held_count);
	buf_addf(&writer->out, "%s**", all ? "\n" : "");
	report_add_totals(&writer->out, report);
	buf_add_text(&writer->out, "**\n");
}

const struct report_ops report_markdown = { "markdown", begin, add, end };
