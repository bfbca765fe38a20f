/* SPDX-License-Identifier: MIT */

/* For people: where, what, the line with a mark, what to do. */

#include "report_parts.h"

#include "utf8.h"

#include <inttypes.h>

#define BEFORE_MARK 32 /* characters shown of a long line */
#define WINDOW      72

static const char *
color(const struct report_writer *writer, const char *code)
{
	return writer->report->options.color ? code : "";
}

static const char *
level_color(const struct report_writer *writer, enum finding_level level)
{
	static const char *const codes[] = {
		[FINDING_ERROR] = "\033[31m",
		[FINDING_WARNING] = "\033[33m",
		[FINDING_NOTE] = "\033[36m",
	};
	return color(writer, codes[level]);
}

/* One character on, counting broken bytes as one each. */
static size_t
step(struct view line, size_t at)
{
	const uint8_t *byte = (const uint8_t *)line.data + at;
	size_t length =
	    utf8_sequence(byte, (const uint8_t *)line.data + line.len);
	return at + (length ? length : 1);
}

static size_t
step_back(struct view line, size_t at, unsigned count)
{
	for (; count > 0 && at > 0; count--) {
		at--;
		while (at > 0 && ((unsigned char)line.data[at] & 0xc0) == 0x80)
			at--;
	}
	return at;
}

static void
add_repeated(struct buf *out, char byte, unsigned count)
{
	while (count-- > 0)
		buf_add_char(out, byte);
}

/* One column a character: a tab is a space. */
static void
add_line(struct buf *out, struct view line)
{
	while (line.len > 0) {
		const char *tab = memchr(line.data, '\t', line.len);
		size_t length = tab ? (size_t)(tab - line.data) : line.len;
		report_add_printable(out, view_make(line.data, length));
		if (tab)
			buf_add_char(out, ' ');
		length += tab != NULL;
		line = view_make(line.data + length, line.len - length);
	}
}

static void
add_window(struct report_writer *writer, const struct report_spot *spot,
    enum finding_level level)
{
	struct view line = spot->source_line;
	bool is_short = step_back(line, line.len, WINDOW) == 0;
	size_t begin = is_short ? 0 : step_back(line, spot->start, BEFORE_MARK);
	size_t end = begin;
	unsigned before = begin > 0;
	unsigned marked = 0;
	for (unsigned shown = 0; end < line.len && shown < WINDOW; shown++) {
		if (end < spot->start)
			before++;
		else if (end < spot->start + spot->length)
			marked++;
		end = step(line, end);
	}
	buf_addf(&writer->out, "   | %s", begin > 0 ? "\u2026" : "");
	add_line(&writer->out, view_make(line.data + begin, end - begin));
	buf_addf(&writer->out, "%s\n   | ", end < line.len ? "\u2026" : "");
	add_repeated(&writer->out, ' ', before);
	buf_add_text(&writer->out, level_color(writer, level));
	add_repeated(&writer->out, '^', marked ? marked : 1);
	buf_addf(&writer->out, "%s\n", color(writer, "\033[0m"));
}

static void
add_fact(struct buf *out, const char *name, const char *text)
{
	if (!text || !text[0])
		return;
	buf_addf(out, "   %-9s ", name);
	report_add_printable(out, view_of(text));
	buf_add_char(out, '\n');
}

static bool
is_told(const struct finding *finding, const char *name)
{
	return name &&
	    ((finding->expected && strcmp(name, finding->expected) == 0) ||
		(finding->got && strcmp(name, finding->got) == 0));
}

static void
add_traffic(struct buf *out, const struct finding *finding)
{
	const struct finding_traffic *traffic = finding->traffic;
	if (!is_told(finding, traffic->seen))
		add_fact(out, "seen", traffic->seen);
	if (!is_told(finding, traffic->nearest))
		add_fact(out, "nearest", traffic->nearest);
	add_fact(out, "producer", traffic->producer);
	buf_addf(
	    out, "   traffic   %s frames of endpoint ", traffic->direction);
	report_add_printable(
	    out, view_of(traffic->endpoint ? traffic->endpoint : "-"));
	buf_addf(out, ", %" PRIu64 " time%s", traffic->count,
	    traffic->count == 1 ? "" : "s");
	if (traffic->first_seen) {
		buf_add_text(out, ", first ");
		report_add_time(out, traffic->first_seen);
		buf_add_text(out, ", last ");
		report_add_time(out, traffic->last_seen);
	}
	buf_add_char(out, '\n');
}

static void
begin(struct report_writer *writer)
{
	(void)writer;
}

/* A note is no more than a line. */
static void
add_note(struct buf *out, const struct finding *finding)
{
	const char *parts[] = { finding->type, finding->expected,
		finding->got };
	const char *before = " (";
	for (size_t i = 0; i < 3; i++) {
		if (!parts[i] || !parts[i][0])
			continue;
		buf_add_text(out, before);
		report_add_printable(out, view_of(parts[i]));
		before = ", ";
	}
	buf_add_text(out, before[0] == ',' ? ")\n" : "\n");
}

static void
add(struct report_writer *writer, const struct report_entry *entry)
{
	struct buf *out = &writer->out;
	const struct finding *finding = entry->finding;
	report_add_place(out, entry);
	buf_addf(out, "%s%s%s: ", out->len ? ": " : "",
	    level_color(writer, finding->level),
	    report_level_name(finding->level));
	buf_add_text(out, color(writer, "\033[0m"));
	report_add_problem(out, entry);
	if (finding->level == FINDING_NOTE && !entry->spot.source_line.len) {
		add_note(out, finding);
		return;
	}
	buf_add_char(out, '\n');
	if (entry->spot.source_line.len)
		add_window(writer, &entry->spot, finding->level);
	add_fact(out, "message", finding->type);
	add_fact(out, "rule", finding->rule);
	add_fact(out, "code", finding->code);
	add_fact(out, "expected", finding->expected);
	add_fact(out, "got", finding->got);
	if (finding->traffic)
		add_traffic(out, finding);
	buf_add_text(out, "   to do     ");
	size_t before = out->len;
	report_add_advice(out, entry);
	if (out->len == before)
		out->len -= strlen("   to do     ");
	else
		buf_add_char(out, '\n');
	buf_add_char(out, '\n');
}

static void
end(struct report_writer *writer)
{
	const struct report *report = writer->report;
	uint64_t all =
	    report->levels[0] + report->levels[1] + report->levels[2];
	if (all > writer->told)
		buf_addf(&writer->out, "%" PRIu64 " more are not shown\n",
		    all - writer->told);
	buf_addf(&writer->out, "%s: ", report->options.title);
	report_add_totals(&writer->out, report);
	if (report->options.subject) {
		buf_add_text(&writer->out, " (");
		report_add_printable(
		    &writer->out, view_of(report->options.subject));
		buf_add_char(&writer->out, ')');
	}
	buf_add_char(&writer->out, '\n');
}

const struct report_ops report_text = { "text", begin, add, end };
