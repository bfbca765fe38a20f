/* SPDX-License-Identifier: MIT */

/* The table of rules, and the words that several formats use. */

#include "report_parts.h"

#include <inttypes.h>
#include <time.h>

static const struct report_rule rules[] = {
#define RULE(id, says, advice) { id, says, advice },
#include "report_rules.def"
#undef RULE
};

#define RULE_COUNT (sizeof(rules) / sizeof(rules[0]))
_Static_assert(RULE_COUNT <= REPORT_RULES_MAX, "raise REPORT_RULES_MAX");

const struct report_rule *
report_rule_find(const char *id)
{
	for (size_t i = 0; i < RULE_COUNT; i++)
		if (strcmp(rules[i].id, id) == 0)
			return &rules[i];
	return NULL;
}

size_t
report_rule_index(const struct report_rule *rule)
{
	return (size_t)(rule - rules);
}

const struct report_rule *
report_rule_at(size_t index)
{
	return index < RULE_COUNT ? &rules[index] : NULL;
}

/* --- sentences --- */

void
report_add_problem(struct buf *out, const struct report_entry *entry)
{
	const struct finding *finding = entry->finding;
	bool has_pointer = finding->pointer && finding->pointer[0];
	const char *subject = has_pointer ? finding->pointer : entry->whole;
	if (!has_pointer && strcmp(finding->rule, "never_seen_type") == 0)
		subject = finding->type ? finding->type : subject;
	if (!has_pointer && finding->subject)
		subject = finding->subject;
	report_add_printable(out, view_of(subject));
	buf_add_text(out, entry->rule ? " " : " breaks the rule ");
	report_add_printable(
	    out, view_of(entry->rule ? entry->rule->says : finding->rule));
}

/* The last token of the pointer, as it is written in a frame. */
static void
add_member(struct buf *out, const char *pointer)
{
	const char *slash = pointer ? strrchr(pointer, '/') : NULL;
	for (const char *p = slash ? slash + 1 : ""; *p; p++) {
		bool is_escape = p[0] == '~' && (p[1] == '0' || p[1] == '1');
		buf_add_char(out, is_escape ? (p[1] == '0' ? '~' : '/') : *p);
		p += is_escape;
	}
}

static void
add_word(struct buf *out, struct view word, const struct finding *finding)
{
	if (view_is(word, "expected"))
		buf_add_text(out, finding->expected ? finding->expected : "");
	else if (view_is(word, "pointer"))
		buf_add_text(out, finding->pointer ? finding->pointer : "");
	else if (view_is(word, "type"))
		buf_add_text(out, finding->type ? finding->type : "");
	else
		add_member(out, finding->pointer);
}

static void
fill_in(struct buf *out, const char *advice, const struct finding *finding)
{
	struct buf text;
	buf_init(&text, 0);
	while (*advice) {
		const char *end = strchr(advice, '}');
		if (*advice != '{' || !end || advice[1] == '.') {
			buf_add_char(&text, *advice++);
			continue;
		}
		add_word(&text,
		    view_make(advice + 1, (size_t)(end - advice - 1)), finding);
		advice = end + 1;
	}
	report_add_printable(out, buf_view(&text));
	buf_fini(&text);
}

static bool
has_text(const char *text)
{
	return text && text[0];
}

/* The author's own words for a refusal say more than its rule does: that a
 * string must match some pattern, or that a removed member must be null. */
static bool
is_said_better(const struct finding *finding)
{
	return finding->code && has_text(finding->hint) &&
	    strcmp(finding->rule, "required") != 0;
}

void
report_add_advice(struct buf *out, const struct report_entry *entry)
{
	const struct finding *finding = entry->finding;
	bool is_lame = entry->rule && !has_text(finding->expected) &&
	    strstr(entry->rule->advice, "{expected}");
	bool has_advice = entry->rule && !is_lame && !is_said_better(finding);
	if (has_advice)
		fill_in(out, entry->rule->advice, finding);
	if (!has_text(finding->hint))
		return;
	if (has_advice)
		buf_add_char(out, ' ');
	/* Hints are clauses; make this one a sentence. */
	size_t start = out->len;
	report_add_printable(out, view_of(finding->hint));
	if (out->data[start] >= 'a' && out->data[start] <= 'z')
		out->data[start] = (char)(out->data[start] - 0x20);
	if (!strchr(".?!", out->data[out->len - 1]))
		buf_add_char(out, '.');
}

void
report_add_place(struct buf *out, const struct report_entry *entry)
{
	const struct finding *finding = entry->finding;
	if (finding->source)
		report_add_printable(out, view_of(finding->source));
	if (entry->spot.line)
		buf_addf(out, ":%" PRIu64, entry->spot.line);
	if (entry->spot.line && entry->spot.column)
		buf_addf(out, ":%" PRIu64, entry->spot.column);
	if (!finding->id)
		return;
	buf_add_text(out, finding->source ? " " : "");
	report_add_printable(out, view_of(finding->id));
}

static void
add_count(struct buf *out, uint64_t count, const char *what, bool *is_first)
{
	if (count == 0)
		return;
	buf_addf(out, "%s%" PRIu64 " %s%s", *is_first ? "" : ", ", count, what,
	    count == 1 ? "" : "s");
	*is_first = false;
}

void
report_add_totals(struct buf *out, const struct report *report)
{
	bool is_first = true;
	for (int i = 0; i < 3; i++)
		add_count(out, report->levels[i],
		    report_level_name((enum finding_level)i), &is_first);
	if (is_first)
		buf_add_text(out, "no findings");
	const char *unit = report->options.unit;
	size_t length = strlen(unit);
	if (report->checked == 1 && length > 1 && unit[length - 1] == 's')
		length--;
	buf_addf(
	    out, " in %" PRIu64 " %.*s", report->checked, (int)length, unit);
}

void
report_add_time(struct buf *out, uint64_t unix_ms)
{
	char text[32];
	struct tm parts;
	time_t seconds = (time_t)(unix_ms / 1000);
	gmtime_r(&seconds, &parts);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
	buf_addf(out, "%s.%03uZ", text, (unsigned)(unix_ms % 1000));
}

void
report_add_member(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, ",\"%s\":", name);
	if (has_text(text))
		buf_add_json_string(out, view_of(text));
	else
		buf_add_text(out, "null");
}
