/* SPDX-License-Identifier: MIT */

/* One JSON object: {"findings":[…],"errors":N,…}. */

#include "report_parts.h"

#include <inttypes.h>

static void
begin(struct report_writer *writer)
{
	buf_add_text(&writer->out, "{\"findings\":[");
}

static void
add_traffic(struct buf *out, const struct finding_traffic *traffic)
{
	report_add_member(out, "direction", traffic->direction);
	report_add_member(out, "endpoint", traffic->endpoint);
	report_add_member(out, "producer", traffic->producer);
	report_add_member(out, "seen", traffic->seen);
	report_add_member(out, "nearest", traffic->nearest);
	buf_addf(out,
	    ",\"count\":%" PRIu64 ",\"first_seen\":%" PRIu64
	    ",\"last_seen\":%" PRIu64 ",\"sample\":%s",
	    traffic->count, traffic->first_seen, traffic->last_seen,
	    traffic->sample ? traffic->sample : "null");
}

static void
add_place(struct buf *out, const struct report_entry *entry)
{
	const struct finding *finding = entry->finding;
	report_add_member(out, "source", finding->source);
	if (entry->spot.line)
		buf_addf(out, ",\"line\":%" PRIu64, entry->spot.line);
	if (entry->spot.line && entry->spot.column)
		buf_addf(out, ",\"column\":%" PRIu64, entry->spot.column);
	if (finding->id)
		report_add_member(out, "id", finding->id);
}

static void
add(struct report_writer *writer, const struct report_entry *entry)
{
	struct buf *out = &writer->out;
	const struct finding *finding = entry->finding;
	buf_addf(out, "%s{\"level\":\"%s\"", writer->told > 1 ? ",\n" : "\n",
	    report_level_name(finding->level));
	add_place(out, entry);
	report_add_member(out, "type", finding->type);
	buf_add_text(out, ",\"pointer\":");
	buf_add_json_string(
	    out, view_of(finding->pointer ? finding->pointer : ""));
	report_add_member(out, "rule", finding->rule);
	report_add_member(out, "expected", finding->expected);
	report_add_member(out, "got", finding->got);
	report_add_member(out, "hint", finding->hint);
	if (finding->code)
		report_add_member(out, "code", finding->code);
	if (finding->traffic)
		add_traffic(out, finding->traffic);
	report_add_member(out, "fingerprint", entry->fingerprint);
	buf_add_char(out, '}');
}

static void
end(struct report_writer *writer)
{
	const struct report *report = writer->report;
	uint64_t all =
	    report->levels[0] + report->levels[1] + report->levels[2];
	buf_addf(&writer->out,
	    "%s],\"errors\":%" PRIu64 ",\"warnings\":%" PRIu64
	    ",\"notes\":%" PRIu64 ",\"omitted\":%" PRIu64
	    ",\"checked\":%" PRIu64,
	    writer->told ? "\n" : "", report->levels[FINDING_ERROR],
	    report->levels[FINDING_WARNING], report->levels[FINDING_NOTE],
	    all - writer->told, report->checked);
	report_add_member(&writer->out, "unit", report->options.unit);
	report_add_member(&writer->out, "subject", report->options.subject);
	buf_add_text(&writer->out, "}\n");
}

const struct report_ops report_json = { "json", begin, add, end };
