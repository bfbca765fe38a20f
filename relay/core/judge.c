/* SPDX-License-Identifier: MIT */
#include "judge.h"

#include "log.h"
#include "stats.h"
#include "xmalloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum judge_code {
	INVALID_JSON,
	MISSING_FIELD,
	NOT_OBJECT,
	UNKNOWN_TYPE,
	INVALID_PAYLOAD,
	RESERVED_MEMBER,
	TOO_LARGE,
	TOO_DEEP
};

static const char *const code_names[] = {
	[INVALID_JSON] = "invalid_json",
	[MISSING_FIELD] = "missing_field",
	[NOT_OBJECT] = "not_object",
	[UNKNOWN_TYPE] = "unknown_type",
	[INVALID_PAYLOAD] = "invalid_payload",
	[RESERVED_MEMBER] = "reserved_member",
	[TOO_LARGE] = "too_large",
	[TOO_DEEP] = "too_deep",
};

struct judge {
	const struct contract *contract;
	struct judge_options options;
	struct stats *stats;
	judge_dead_letter_fn *dead_letter;
	void *arg;
	uint8_t *modes[JUDGE_ENDPOINTS_MAX]; /* by message of the endpoint */
	bool splices;         /* some endpoint puts a cursor into events */
	bool has_other_types; /* some discriminator is not /type */
	struct json_doc doc;
	struct schema_scratch *scratch;
	struct buf text;
	uint64_t breaches; /* seen so far, for the log */
};

/* One entry on its way through. */
struct look {
	struct judge *judge;
	struct view stream;
	const struct batch_entry *entry;
	bool first;
	struct verdict *verdict;
	const struct contract_message *messages[JUDGE_ENDPOINTS_MAX];
	const struct schema *checked; /* the schema that was run last */
	bool was_valid;
};

struct breach {
	enum judge_code code;
	struct violation violation;
	char message[512];
};

/* --- life --- */

struct judge *
judge_new(const struct contract *contract, const struct judge_options *options,
    struct stats *stats, judge_dead_letter_fn *dead_letter, void *arg)
{
	struct judge *judge = xcalloc(1, sizeof(*judge));
	judge->contract = contract;
	judge->options = *options;
	judge->stats = stats;
	judge->dead_letter = dead_letter;
	judge->arg = arg;
	judge->scratch = schema_scratch_new();
	json_doc_init(&judge->doc);
	buf_init(&judge->text, 0);
	for (size_t i = 0; i < contract->endpoint_count; i++) {
		const struct contract_endpoint *endpoint =
		    &contract->endpoints[i];
		size_t count = endpoint->server.message_count;
		judge->modes[i] = xmalloc(count);
		memset(judge->modes[i], (int)options->mode, count);
		judge->splices |= endpoint->splice_cursor;
		judge->has_other_types |=
		    strcmp(endpoint->server.discriminator, "/type") != 0;
	}
	return judge;
}

void
judge_free(struct judge **judge_p)
{
	struct judge *judge = *judge_p;
	if (!judge)
		return;
	for (size_t i = 0; i < JUDGE_ENDPOINTS_MAX; i++)
		free(judge->modes[i]);
	schema_scratch_free(&judge->scratch);
	json_doc_fini(&judge->doc);
	buf_fini(&judge->text);
	free(judge);
	*judge_p = NULL;
}

int
judge_set_mode(struct judge *judge, const char *endpoint, const char *type,
    enum judge_mode mode)
{
	for (size_t i = 0; i < judge->contract->endpoint_count; i++) {
		const struct contract_endpoint *found =
		    &judge->contract->endpoints[i];
		if (strcmp(found->name, endpoint) != 0)
			continue;
		for (size_t j = 0; j < found->server.message_count; j++) {
			if (strcmp(found->server.messages[j].type, type) != 0)
				continue;
			judge->modes[i][j] = (uint8_t)mode;
			return 0;
		}
	}
	return -1;
}

/* --- what becomes of a breach --- */

static void
count_refusal(struct stats *stats, enum judge_code code)
{
	switch (code) {
	case INVALID_JSON:
		stat_add(stats, refused_invalid_json, 1);
		break;
	case MISSING_FIELD:
		stat_add(stats, refused_missing_field, 1);
		break;
	case NOT_OBJECT:
		stat_add(stats, refused_not_object, 1);
		break;
	case UNKNOWN_TYPE:
		stat_add(stats, refused_unknown_type, 1);
		break;
	case INVALID_PAYLOAD:
		stat_add(stats, refused_invalid_payload, 1);
		break;
	case RESERVED_MEMBER:
		stat_add(stats, refused_reserved_member, 1);
		break;
	case TOO_LARGE:
		stat_add(stats, refused_too_large, 1);
		break;
	case TOO_DEEP:
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
	snprintf(stream, sizeof(stream), "%.*s",
	    (int)(look->stream.len < 190 ? look->stream.len : 190),
	    look->stream.data);
	entry_id_print(look->entry->id, id);
	snprintf(count, sizeof(count), "%" PRIu64, look->judge->breaches);
	log_throttled(LOG_LEVEL_WARN, "contract",
	    refused ? "event_refused" : "event_delivered_in_breach", "code",
	    code_names[breach->code], "pointer", breach->violation.pointer,
	    "rule", breach->violation.rule, "stream", stream, "id", id,
	    "so_far", count, NULL);
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
	count_refusal(judge->stats, breach->code);
	if (!judge->dead_letter)
		return;
	stat_add(judge->stats, dead_letters, 1);
	judge->dead_letter(judge->arg, &refused);
}

/* Is this breach one of those that the log tells of: the 1st, 2nd, 4th, 8th …?
 * To explain each one would cost more than to judge it. */
static bool
is_told(const struct judge *judge)
{
	return (judge->breaches & (judge->breaches - 1)) == 0;
}

static void
refuse_everywhere(struct look *look, const struct breach *breach)
{
	for (size_t i = 0; i < look->judge->contract->endpoint_count; i++)
		look->verdict->view[i] = VIEW_REFUSE;
	if (!look->first)
		return;
	look->judge->breaches++;
	stat_add(look->judge->stats, violations_event, 1);
	if (is_told(look->judge))
		log_breach(look, breach, true);
	hand_over(look, breach);
}

static struct breach
breach_make(enum judge_code code, const char *pointer, const char *rule)
{
	struct breach breach = { .code = code };
	snprintf(breach.violation.pointer, sizeof(breach.violation.pointer),
	    "%s", pointer);
	snprintf(
	    breach.violation.rule, sizeof(breach.violation.rule), "%s", rule);
	return breach;
}

/* --- what can be delivered at all --- */

static void
refuse_size(struct look *look)
{
	struct breach breach = breach_make(TOO_LARGE, "", "");
	snprintf(breach.message, sizeof(breach.message),
	    "%zu bytes, at most %zu are allowed", look->entry->event.len,
	    look->judge->options.max_event_bytes);
	refuse_everywhere(look, &breach);
}

static void
refuse_json(struct look *look, const struct json_fault *fault)
{
	enum judge_code code = fault->reason == JSON_TOO_DEEP ? TOO_DEEP
	    : fault->reason == JSON_TOO_LARGE                 ? TOO_LARGE
							      : INVALID_JSON;
	struct breach breach = breach_make(code, "", "");
	snprintf(breach.message, sizeof(breach.message), "%s at byte %zu",
	    fault->message, fault->offset);
	refuse_everywhere(look, &breach);
}

static void
refuse_plain(struct look *look, enum judge_code code, const char *pointer,
    const char *rule, const char *message)
{
	struct breach breach = breach_make(code, pointer, rule);
	snprintf(breach.message, sizeof(breach.message), "%s", message);
	refuse_everywhere(look, &breach);
}

/* Lays out the object, or refuses what is none. */
static bool
open_entry(struct look *look)
{
	struct judge *judge = look->judge;
	const struct batch_entry *entry = look->entry;
	struct json_limits limits = { .max_depth = judge->options.max_depth,
		.strict_keys = true };
	struct json_fault fault;
	if (!entry->has_event) {
		refuse_plain(look, MISSING_FIELD, "", "",
		    "the entry has no field \"event\"");
		return false;
	}
	if (entry->event.len > judge->options.max_event_bytes) {
		refuse_size(look);
		return false;
	}
	if (json_scan(&judge->doc, entry->event, &limits, &fault) == -1) {
		refuse_json(look, &fault);
		return false;
	}
	const struct json_node *root = judge->doc.nodes;
	if (root->type != JSON_OBJECT) {
		refuse_plain(look, NOT_OBJECT, "", "type",
		    "the event is JSON, but no object");
		return false;
	}
	look->verdict->object = view_make(
	    entry->event.data + root->start, entry->event.len - root->start);
	look->verdict->is_empty_object = root->count == 0;
	return true;
}

/* --- what is the relay's own --- */

static bool
is_relay_type(struct judge *judge, const char *pointer)
{
	static const char prefix[] = "relay.";
	size_t length = sizeof(prefix) - 1;
	uint32_t node;
	if (!json_pointer_get(&judge->doc, view_of(pointer), &node) ||
	    judge->doc.nodes[node].type != JSON_STRING)
		return false;
	struct view type = json_string(&judge->doc, node, &judge->text);
	return type.len >= length && memcmp(type.data, prefix, length) == 0;
}

/* A client tells notices from events by `type`, whatever the contract's
 * discriminator is. */
static bool
refuse_relay_type(struct look *look, const char *pointer)
{
	if (!is_relay_type(look->judge, pointer))
		return false;
	refuse_plain(look, RESERVED_MEMBER, pointer, "reserved",
	    "types relay.* are the relay's own");
	return true;
}

static bool
refuse_reserved(struct look *look)
{
	struct judge *judge = look->judge;
	if (judge->splices &&
	    json_member(&judge->doc, 0, view_of("cursor")) != 0) {
		refuse_plain(look, RESERVED_MEMBER, "/cursor", "reserved",
		    "the member \"cursor\" is the relay's own");
		return true;
	}
	return judge->has_other_types && refuse_relay_type(look, "/type");
}

/* --- what the contract says --- */

/* Which endpoints know this type? */
static bool
select_messages(struct look *look)
{
	const struct contract *contract = look->judge->contract;
	bool is_known = false;
	for (size_t i = 0; i < contract->endpoint_count; i++) {
		look->messages[i] = contract_select(
		    &contract->endpoints[i].server, &look->judge->doc);
		is_known |= look->messages[i] != NULL;
	}
	return is_known;
}

static void
deliver_unknown(struct look *look, const struct breach *breach)
{
	for (size_t i = 0; i < look->judge->contract->endpoint_count; i++)
		look->verdict->view[i] = VIEW_DELIVER;
	if (!look->first || look->judge->options.mode == JUDGE_OFF)
		return;
	look->judge->breaches++;
	stat_add(look->judge->stats, violations_event, 1);
	if (is_told(look->judge))
		log_breach(look, breach, false);
}

static void
judge_unknown(struct look *look)
{
	struct judge *judge = look->judge;
	const struct contract *contract = judge->contract;
	for (size_t i = 0; i < contract->endpoint_count; i++)
		if (refuse_relay_type(
			look, contract->endpoints[i].server.discriminator))
			return;
	const char *pointer = contract->endpoints[0].server.discriminator;
	uint32_t node;
	bool has_type = json_pointer_get(&judge->doc, view_of(pointer), &node);
	struct breach breach =
	    breach_make(UNKNOWN_TYPE, pointer, has_type ? "enum" : "required");
	snprintf(breach.message, sizeof(breach.message), "%s",
	    has_type ? "no endpoint declares this type"
		     : "the event says no type");
	if (judge->options.mode == JUDGE_ENFORCE)
		refuse_everywhere(look, &breach);
	else
		deliver_unknown(look, &breach);
}

/* Endpoints that share a message share its schema: run it once. */
static bool
is_valid(struct look *look, const struct schema *schema)
{
	if (look->checked != schema) {
		look->was_valid = schema_check(
		    schema, look->judge->scratch, &look->judge->doc, 0);
		look->checked = schema;
	}
	return look->was_valid;
}

/* False when the endpoint's message is in breach; then *refused_r says whether
 * it is withheld from that endpoint. */
static bool
judge_view(struct look *look, size_t endpoint, bool *refused_r)
{
	const struct contract_message *message = look->messages[endpoint];
	const struct contract_message *first =
	    look->judge->contract->endpoints[endpoint].server.messages;
	enum judge_mode mode =
	    (enum judge_mode)look->judge->modes[endpoint][message - first];
	look->verdict->view[endpoint] = VIEW_DELIVER;
	look->verdict->terminal[endpoint] = message->is_terminal;
	look->verdict->direct[endpoint] = message->is_direct;
	if (mode == JUDGE_OFF || is_valid(look, message->schema))
		return true;
	if (mode == JUDGE_ENFORCE) {
		look->verdict->view[endpoint] = VIEW_REFUSE;
		*refused_r = true;
	}
	return false;
}

static void
report_invalid(struct look *look, const struct schema *schema, bool is_refused)
{
	struct judge *judge = look->judge;
	struct breach breach = { .code = INVALID_PAYLOAD };
	judge->breaches++;
	stat_add(judge->stats, violations_event, 1);
	if (!is_refused && !is_told(judge))
		return;
	schema_explain(
	    schema, judge->scratch, &judge->doc, 0, &breach.violation, 1);
	snprintf(breach.message, sizeof(breach.message),
	    "expected %s, got %s%s%s", breach.violation.expected,
	    breach.violation.got, breach.violation.hint[0] ? ", " : "",
	    breach.violation.hint);
	if (is_told(judge))
		log_breach(look, &breach, is_refused);
	if (is_refused)
		hand_over(look, &breach);
}

static void
judge_known(struct look *look)
{
	const struct schema *broken = NULL;
	bool is_refused = false;
	for (size_t i = 0; i < look->judge->contract->endpoint_count; i++) {
		bool refused = false;
		if (!look->messages[i] || judge_view(look, i, &refused))
			continue;
		/* What is told is why it was refused, if it was. */
		if (!broken || (refused && !is_refused))
			broken = look->messages[i]->schema;
		is_refused |= refused;
	}
	if (broken && look->first)
		report_invalid(look, broken, is_refused);
}

void
judge_entry(struct judge *judge, struct view stream,
    const struct batch_entry *entry, bool first_look, struct verdict *verdict_r)
{
	struct look look = { .judge = judge,
		.stream = stream,
		.entry = entry,
		.first = first_look,
		.verdict = verdict_r };
	*verdict_r = (struct verdict){ .is_empty_object = false };
	if (!open_entry(&look) || refuse_reserved(&look))
		return;
	if (select_messages(&look))
		judge_known(&look);
	else
		judge_unknown(&look);
}
