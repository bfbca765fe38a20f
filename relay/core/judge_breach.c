/* SPDX-License-Identifier: MIT */

/* What becomes of an entry that is in breach: counters, log, drift report, dead
 * letter. */

#include "judge_parts.h"

#include "discreet.h"
#include "log.h"
#include "stats.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const code_names[] = {
	[CODE_INVALID_JSON] = "invalid_json",
	[CODE_MISSING_FIELD] = "missing_field",
	[CODE_NOT_OBJECT] = "not_object",
	[CODE_UNKNOWN_TYPE] = "unknown_type",
	[CODE_INVALID_PAYLOAD] = "invalid_payload",
	[CODE_RESERVED_MEMBER] = "reserved_member",
	[CODE_TOO_LARGE] = "too_large",
	[CODE_TOO_DEEP] = "too_deep",
};

static void
count_refusal(struct stats *stats, enum judge_code code)
{
	switch (code) {
	case CODE_INVALID_JSON:
		stat_add(stats, refused_invalid_json, 1);
		break;
	case CODE_MISSING_FIELD:
		stat_add(stats, refused_missing_field, 1);
		break;
	case CODE_NOT_OBJECT:
		stat_add(stats, refused_not_object, 1);
		break;
	case CODE_UNKNOWN_TYPE:
		stat_add(stats, refused_unknown_type, 1);
		break;
	case CODE_INVALID_PAYLOAD:
		stat_add(stats, refused_invalid_payload, 1);
		break;
	case CODE_RESERVED_MEMBER:
		stat_add(stats, refused_reserved_member, 1);
		break;
	case CODE_TOO_LARGE:
		stat_add(stats, refused_too_large, 1);
		break;
	case CODE_TOO_DEEP:
		stat_add(stats, refused_too_deep, 1);
		break;
	}
}

static void
log_breach(const struct look *look, const struct breach *breach, bool refused)
{
	char stream[200];
	char id[ENTRY_ID_TEXT_MAX];
	char count[24];
	char pointer[sizeof(breach->violation.pointer)];
	discreet_pointer(breach->violation.pointer, pointer, sizeof(pointer));
	snprintf(stream, sizeof(stream), "%.*s",
	    (int)(look->stream.len < 190 ? look->stream.len : 190),
	    look->stream.data);
	entry_id_print(look->entry->id, id);
	snprintf(count, sizeof(count), "%" PRIu64, look->judge->breaches);
	log_throttled(LOG_LEVEL_WARN, "contract",
	    refused ? "event_refused" : "event_delivered_in_breach", "code",
	    code_names[breach->code], "pointer", pointer, "rule",
	    breach->violation.rule, "stream", stream, "id", id, "so_far", count,
	    NULL);
}

static void
hand_over(const struct look *look, const struct breach *breach)
{
	struct judge *judge = look->judge;
	const struct refused_entry refused = {
		.stream = look->stream,
		.entry = look->entry,
		.code = code_names[breach->code],
		.violation =
		    breach->violation.rule[0] ? &breach->violation : NULL,
		.message = breach->message,
	};
	if (look->kind == LOOK_FIRST)
		count_refusal(judge->stats, breach->code);
	if (judge->dead_letter)
		judge->dead_letter(judge->arg, &refused);
}

/* Counts the breach, once for an entry. Is it one of those that the log tells
 * of: the 1st, 2nd, 4th, 8th …? To explain each one would cost more than to
 * judge it. */
static bool
count_breach(const struct look *look)
{
	struct judge *judge = look->judge;
	if (look->kind != LOOK_FIRST)
		return false;
	judge->breaches++;
	stat_add(judge->stats, violations_event, 1);
	return (judge->breaches & (judge->breaches - 1)) == 0;
}

void
judge_refuse(struct look *look, const struct breach *breach)
{
	for (size_t i = 0; i < look->judge->contract->endpoint_count; i++)
		look->verdict->view[i] = VIEW_REFUSE;
	if (look->kind == LOOK_AGAIN)
		return;
	if (count_breach(look))
		log_breach(look, breach, true);
	judge_drift_fault(&look->judge->drift, code_names[breach->code],
	    breach->violation.pointer, breach->message);
	hand_over(look, breach);
}

struct breach
judge_breach(enum judge_code code, const char *pointer, const char *rule)
{
	struct breach breach = { .code = code };
	snprintf(breach.violation.pointer, sizeof(breach.violation.pointer),
	    "%s", pointer);
	snprintf(
	    breach.violation.rule, sizeof(breach.violation.rule), "%s", rule);
	return breach;
}

void
judge_settle_unknown(struct look *look, const struct breach *breach)
{
	struct judge *judge = look->judge;
	bool is_seen = false;
	bool is_refused = false;
	for (size_t i = 0; i < judge->contract->endpoint_count; i++) {
		bool refuses = judge->unknown_modes[i] == JUDGE_ENFORCE;
		look->verdict->view[i] = refuses ? VIEW_REFUSE : VIEW_DELIVER;
		is_refused |= refuses;
		is_seen |= judge->unknown_modes[i] != JUDGE_OFF;
	}
	if (!is_seen || look->kind == LOOK_AGAIN)
		return;
	judge_drift_unknown(&judge->drift, &judge->doc);
	if (count_breach(look))
		log_breach(look, breach, is_refused);
	if (is_refused)
		hand_over(look, breach);
}

void
judge_report_invalid(struct look *look, size_t endpoint, bool is_refused)
{
	struct judge *judge = look->judge;
	const struct contract_message *message = look->messages[endpoint];
	struct breach breach = { .code = CODE_INVALID_PAYLOAD };
	bool is_counted = judge_drift_wants(&judge->drift);
	bool is_told = count_breach(look);
	if (!is_refused && !is_counted && !is_told)
		return;
	size_t count = schema_explain(message->schema, judge->scratch,
	    &judge->doc, 0, judge->violations, is_counted ? VIOLATIONS_MAX : 1);
	judge_drift_breach(&judge->drift, endpoint, message, &judge->doc,
	    judge->violations, count);
	breach.violation = judge->violations[0];
	snprintf(breach.message, sizeof(breach.message),
	    "expected %s, got %s%s%s", breach.violation.expected,
	    breach.violation.got, breach.violation.hint[0] ? ", " : "",
	    breach.violation.hint);
	if (is_told)
		log_breach(look, &breach, is_refused);
	if (is_refused)
		hand_over(look, &breach);
}
