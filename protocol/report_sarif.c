/* SPDX-License-Identifier: MIT */

/* SARIF 2.1.0 (OASIS), as code scanning services read it: one run, results
 * first, then the rules that were broken. */

#include "report_parts.h"

#include <inttypes.h>

static void
begin(struct report_writer *writer)
{
	buf_add_text(&writer->out,
	    "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\","
	    "\"version\":\"2.1.0\",\"runs\":[{\"columnKind\":"
	    "\"unicodeCodePoints\",\"results\":[");
}

/* {"text":"…"} of what stands in `text`. */
static void
add_text(struct buf *out, const struct buf *text)
{
	buf_add_text(out, "{\"text\":");
	buf_add_json_string(out, buf_view(text));
	buf_add_char(out, '}');
}

static void
add_message(struct buf *out, const struct report_entry *entry)
{
	const struct finding *finding = entry->finding;
	struct buf text;
	buf_init(&text, 0);
	report_add_problem(&text, entry);
	if (finding->expected && finding->expected[0])
		buf_addf(&text, ": expected %s", finding->expected);
	if (finding->got && finding->got[0])
		buf_addf(&text, ", got %s", finding->got);
	buf_add_text(&text, ". ");
	report_add_advice(&text, entry);
	while (text.len && text.data[text.len - 1] == ' ')
		text.len--;
	add_text(out, &text);
	buf_fini(&text);
}

/* A path of this machine is a file URI; anything else is relative to where the
 * tool ran. */
static void
add_location(struct buf *out, const struct report_entry *entry)
{
	const struct finding *finding = entry->finding;
	const struct report_spot *spot = &entry->spot;
	struct buf uri;
	buf_init(&uri, 0);
	if (finding->source[0] == '/')
		buf_add_text(&uri, "file://");
	report_add_uri(&uri, view_of(finding->source));
	buf_add_text(
	    out, "{\"physicalLocation\":{\"artifactLocation\":{\"uri\":");
	buf_add_json_string(out, buf_view(&uri));
	buf_add_char(out, '}');
	if (spot->line)
		buf_addf(
		    out, ",\"region\":{\"startLine\":%" PRIu64, spot->line);
	if (spot->line && spot->column)
		buf_addf(out,
		    ",\"startColumn\":%" PRIu64 ",\"endColumn\":%" PRIu64,
		    spot->column, spot->end_column);
	buf_add_text(out, spot->line ? "}}" : "}");
	buf_fini(&uri);
}

static void
add_logical(struct buf *out, const struct finding *finding)
{
	struct buf name;
	buf_init(&name, 0);
	buf_addf(&name, "%s%s%s", finding->type ? finding->type : "",
	    finding->type ? "#" : "", finding->pointer ? finding->pointer : "");
	buf_addf(out, "%s\"logicalLocations\":[{\"fullyQualifiedName\":",
	    finding->source ? "," : "{");
	buf_add_json_string(out, buf_view(&name));
	buf_add_text(out, ",\"kind\":\"member\"}]}");
	buf_fini(&name);
}

static void
add_properties(struct buf *out, const struct finding *finding)
{
	buf_add_text(out, ",\"properties\":{\"pointer\":");
	buf_add_json_string(
	    out, view_of(finding->pointer ? finding->pointer : ""));
	report_add_member(out, "type", finding->type);
	report_add_member(out, "expected", finding->expected);
	report_add_member(out, "got", finding->got);
	report_add_member(out, "hint", finding->hint);
	if (finding->id)
		report_add_member(out, "id", finding->id);
	if (finding->traffic) {
		report_add_member(
		    out, "direction", finding->traffic->direction);
		report_add_member(out, "endpoint", finding->traffic->endpoint);
		report_add_member(out, "producer", finding->traffic->producer);
		report_add_member(out, "seen", finding->traffic->seen);
		report_add_member(out, "nearest", finding->traffic->nearest);
		buf_addf(out,
		    ",\"first_seen\":%" PRIu64 ",\"last_seen\":%" PRIu64,
		    finding->traffic->first_seen, finding->traffic->last_seen);
	}
	buf_add_char(out, '}');
}

static void
add(struct report_writer *writer, const struct report_entry *entry)
{
	struct buf *out = &writer->out;
	const struct finding *finding = entry->finding;
	buf_add_text(
	    out, writer->told > 1 ? ",\n{\"ruleId\":" : "\n{\"ruleId\":");
	buf_add_json_string(out, view_of(finding->rule));
	buf_addf(out, ",\"level\":\"%s\",\"message\":",
	    report_level_name(finding->level));
	add_message(out, entry);
	buf_add_text(out, ",\"locations\":[");
	if (finding->source)
		add_location(out, entry);
	add_logical(out, finding);
	buf_addf(out, "],\"partialFingerprints\":{\"relayFinding/v1\":\"%s\"}",
	    entry->fingerprint);
	if (finding->traffic && finding->traffic->count)
		buf_addf(out, ",\"occurrenceCount\":%" PRIu64,
		    finding->traffic->count);
	add_properties(out, finding);
	buf_add_char(out, '}');
}

static void
add_rule(struct buf *out, const struct report_rule *rule, bool is_first)
{
	struct buf text;
	buf_init(&text, 0);
	buf_add_text(out, is_first ? "\n{\"id\":" : ",\n{\"id\":");
	buf_add_json_string(out, view_of(rule->id));
	buf_addf(&text, "A value %s.", rule->says);
	buf_add_text(out, ",\"shortDescription\":");
	add_text(out, &text);
	buf_clear(&text);
	buf_add_text(&text, rule->advice);
	buf_add_text(out, ",\"help\":");
	add_text(out, &text);
	buf_add_char(out, '}');
	buf_fini(&text);
}

static void
end(struct report_writer *writer)
{
	const struct report *report = writer->report;
	const struct report_rule *rule;
	struct buf *out = &writer->out;
	bool is_first = true;
	buf_add_text(out, writer->told ? "\n" : "");
	buf_add_text(out, "],\"tool\":{\"driver\":{\"name\":\"relayctl\"");
	if (report->options.version)
		report_add_member(out, "version", report->options.version);
	buf_add_text(out, ",\"rules\":[");
	for (size_t i = 0; (rule = report_rule_at(i)); i++) {
		if (!report->rules[i])
			continue;
		add_rule(out, rule, is_first);
		is_first = false;
	}
	buf_addf(out,
	    "%s]}},\"properties\":{\"checked\":%" PRIu64 ",\"command\":",
	    is_first ? "" : "\n", report->checked);
	buf_add_json_string(out, view_of(report->options.title));
	report_add_member(out, "subject", report->options.subject);
	buf_add_text(out, "}}]}\n");
}

const struct report_ops report_sarif = { "sarif", begin, add, end };
