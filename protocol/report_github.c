/* SPDX-License-Identifier: MIT */

/*
 * Workflow commands of GitHub Actions. GitHub keeps ten errors, ten warnings
 * and ten notices a step and drops the rest without a word: so no more are
 * printed, errors first, and the last line counts them all. Errors go out as
 * they come; of the others the first few are held back until the end.
 */

#include "report_parts.h"

#include <inttypes.h>

#define KEPT_EACH 10
/* One notice is for the count. */
#define NOTICES (KEPT_EACH - 1)

/* The three characters that would end the command, or begin another one. */
static void
add_escaped(struct buf *out, struct view text, bool is_property)
{
	struct buf plain;
	buf_init(&plain, 0);
	for (size_t i = 0; i < text.len; i++) {
		char byte = text.data[i];
		bool is_special = byte == '%' || byte == '\r' || byte == '\n' ||
		    (is_property && (byte == ':' || byte == ','));
		if (is_special)
			buf_addf(&plain, "%%%02X", (unsigned char)byte);
		else
			buf_add_char(&plain, byte);
	}
	report_add_printable(out, buf_view(&plain));
	buf_fini(&plain);
}

static void
add_properties(struct buf *out, const struct report *report,
    const struct report_entry *entry)
{
	const struct finding *finding = entry->finding;
	if (finding->source) {
		buf_add_text(out, " file=");
		add_escaped(out, view_of(finding->source), true);
		buf_add_char(out, ',');
	} else {
		buf_add_char(out, ' ');
	}
	if (entry->spot.line)
		buf_addf(out, "line=%" PRIu64 ",", entry->spot.line);
	if (entry->spot.line && entry->spot.column)
		buf_addf(out, "col=%" PRIu64 ",endColumn=%" PRIu64 ",",
		    entry->spot.column, entry->spot.end_column);
	buf_add_text(out, "title=");
	add_escaped(out, view_of(report->options.title), true);
	buf_add_text(out, "%3A ");
	add_escaped(out, view_of(finding->rule), true);
}

static void
add_message(struct buf *out, const struct report_entry *entry)
{
	const struct finding *finding = entry->finding;
	struct buf text;
	buf_init(&text, 0);
	if (finding->type)
		buf_addf(&text, "%s: ", finding->type);
	report_add_problem(&text, entry);
	if (finding->expected && finding->expected[0])
		buf_addf(&text, ": expected %s", finding->expected);
	if (finding->got && finding->got[0])
		buf_addf(&text, ", got %s", finding->got);
	if (finding->traffic)
		buf_addf(&text, " (%" PRIu64 " time%s)",
		    finding->traffic->count,
		    finding->traffic->count == 1 ? "" : "s");
	buf_add_text(&text, ". ");
	report_add_advice(&text, entry);
	if (finding->id)
		buf_addf(&text, " Entry %s.", finding->id);
	add_escaped(out, buf_view(&text), false);
	buf_fini(&text);
}

static void
begin(struct report_writer *writer)
{
	(void)writer;
}

static void
add(struct report_writer *writer, const struct report_entry *entry)
{
	static const char *const commands[] = {
		[FINDING_ERROR] = "error",
		[FINDING_WARNING] = "warning",
		[FINDING_NOTE] = "notice",
	};
	enum finding_level level = entry->finding->level;
	uint64_t room = level == FINDING_NOTE ? NOTICES : KEPT_EACH;
	if (writer->levels[level]++ >= room)
		return;
	struct buf *out = level == FINDING_ERROR ? &writer->out : &writer->held;
	buf_addf(out, "::%s", commands[level]);
	add_properties(out, writer->report, entry);
	buf_add_text(out, "::");
	add_message(out, entry);
	buf_add_char(out, '\n');
}

static void
end(struct report_writer *writer)
{
	buf_add(&writer->out, buf_view(&writer->held));
	buf_add_text(&writer->out, "::notice title=");
	add_escaped(&writer->out, view_of(writer->report->options.title), true);
	buf_add_text(&writer->out, "::");
	report_add_totals(&writer->out, writer->report);
	buf_add_char(&writer->out, '\n');
}

const struct report_ops report_github = { "github", begin, add, end };
