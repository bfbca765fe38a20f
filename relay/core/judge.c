/* SPDX-License-Identifier: MIT */
#include "judge.h"

#include "judge_parts.h"
#include "stats.h"
#include "xmalloc.h"

#include <stdio.h>
#include <stdlib.h>

/* --- life --- */

static void
apply_rule(struct judge *judge, const struct mode_rule *rule)
{
	const struct contract_side *side =
	    &judge->contract->endpoints[rule->endpoint].server;
	uint8_t *modes = judge->modes[rule->endpoint];
	if (rule->message != MODE_RULE_ALL) {
		modes[rule->message] = (uint8_t)rule->mode;
		return;
	}
	memset(modes, (int)rule->mode, side->message_count);
	judge->unknown_modes[rule->endpoint] = (uint8_t)rule->mode;
}

/* Rules for a whole endpoint first, wherever they stand. */
static void
apply_rules(struct judge *judge, const struct judge_options *options)
{
	for (int narrow = 0; narrow <= 1; narrow++)
		for (size_t i = 0; i < options->rule_count; i++)
			if ((options->rules[i].message != MODE_RULE_ALL) ==
			    narrow)
				apply_rule(judge, &options->rules[i]);
}

static void
read_contract(struct judge *judge, const struct contract *contract)
{
	judge->contract = contract;
	judge->splices = false;
	judge->has_other_types = false;
	for (size_t i = 0; i < contract->endpoint_count; i++) {
		const struct contract_endpoint *endpoint =
		    &contract->endpoints[i];
		size_t count = endpoint->server.message_count;
		int mode = (int)judge->options.mode;
		free(judge->modes[i]);
		judge->modes[i] = xmalloc(count);
		memset(judge->modes[i], mode, count);
		judge->unknown_modes[i] = (uint8_t)mode;
		judge->splices |= endpoint->splice_cursor;
		judge->has_other_types |=
		    strcmp(endpoint->server.discriminator, "/type") != 0;
	}
}

void
judge_reload(struct judge *judge, const struct contract *contract,
    const struct judge_options *options)
{
	judge->options = *options;
	judge->options.rules = NULL;
	judge->options.rule_count = 0;
	read_contract(judge, contract);
	apply_rules(judge, options);
}

struct judge *
judge_new(const struct contract *contract, const struct judge_options *options,
    struct stats *stats, judge_dead_letter_fn *dead_letter, void *arg)
{
	struct judge *judge = xcalloc(1, sizeof(*judge));
	judge->stats = stats;
	judge->dead_letter = dead_letter;
	judge->arg = arg;
	judge->scratch = schema_scratch_new();
	json_doc_init(&judge->doc);
	buf_init(&judge->text, 0);
	judge_reload(judge, contract, options);
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

void
judge_attach_drift(struct judge *judge, struct drift *drift, struct once *once)
{
	judge->drift.drift = drift;
	judge->drift.once = once;
}

/* --- what can be delivered at all --- */

static void
refuse_size(struct look *look)
{
	struct breach breach = judge_breach(CODE_TOO_LARGE, "", "");
	snprintf(breach.message, sizeof(breach.message),
	    "%zu bytes, at most %zu are allowed", look->entry->event.len,
	    look->judge->options.max_event_bytes);
	judge_refuse(look, &breach);
}

static void
refuse_json(struct look *look, const struct json_fault *fault)
{
	enum judge_code code = fault->reason == JSON_TOO_DEEP ? CODE_TOO_DEEP
	    : fault->reason == JSON_TOO_LARGE                 ? CODE_TOO_LARGE
					      : CODE_INVALID_JSON;
	struct breach breach = judge_breach(code, "", "");
	snprintf(breach.message, sizeof(breach.message), "%s at byte %zu",
	    fault->message, fault->offset);
	judge_refuse(look, &breach);
}

static void
refuse_plain(struct look *look, enum judge_code code, const char *pointer,
    const char *rule, const char *message)
{
	struct breach breach = judge_breach(code, pointer, rule);
	snprintf(breach.message, sizeof(breach.message), "%s", message);
	judge_refuse(look, &breach);
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
		refuse_plain(look, CODE_MISSING_FIELD, "", "",
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
		refuse_plain(look, CODE_NOT_OBJECT, "", "type",
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
	refuse_plain(look, CODE_RESERVED_MEMBER, pointer, "reserved",
	    "types relay.* are the relay's own");
	return true;
}

static bool
refuse_reserved(struct look *look)
{
	struct judge *judge = look->judge;
	if (judge->splices &&
	    json_member(&judge->doc, 0, view_of("cursor")) != 0) {
		refuse_plain(look, CODE_RESERVED_MEMBER, "/cursor", "reserved",
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
	struct breach breach = judge_breach(
	    CODE_UNKNOWN_TYPE, pointer, has_type ? "enum" : "required");
	snprintf(breach.message, sizeof(breach.message), "%s",
	    has_type ? "no endpoint declares this type"
		     : "the event says no type");
	judge_settle_unknown(look, &breach);
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

static enum judge_mode
mode_of(const struct look *look, size_t endpoint)
{
	const struct judge *judge = look->judge;
	const struct contract_message *first =
	    judge->contract->endpoints[endpoint].server.messages;
	return (enum judge_mode)
	    judge->modes[endpoint][look->messages[endpoint] - first];
}

/* Each message once, whatever endpoints share it. */
static void
tell_drift(struct look *look, size_t endpoint)
{
	struct judge *judge = look->judge;
	const struct contract_message *message = look->messages[endpoint];
	for (size_t i = 0; i < endpoint; i++)
		if (look->messages[i] &&
		    look->messages[i]->schema == message->schema &&
		    mode_of(look, i) != JUDGE_OFF)
			return;
	judge_drift_see(
	    &judge->drift, endpoint, message, judge->scratch, &judge->doc);
}

/* False when the endpoint's message is in breach; then *refused_r says whether
 * it is withheld from that endpoint. */
static bool
judge_view(struct look *look, size_t endpoint, bool *refused_r)
{
	const struct contract_message *message = look->messages[endpoint];
	enum judge_mode mode = mode_of(look, endpoint);
	look->verdict->view[endpoint] = VIEW_DELIVER;
	look->verdict->terminal[endpoint] =
	    contract_ends_run(message, &look->judge->doc);
	look->verdict->direct[endpoint] = message->is_direct;
	if (mode == JUDGE_OFF)
		return true;
	tell_drift(look, endpoint);
	if (is_valid(look, message->schema))
		return true;
	if (mode == JUDGE_ENFORCE) {
		look->verdict->view[endpoint] = VIEW_REFUSE;
		*refused_r = true;
	}
	return false;
}

static void
judge_known(struct look *look)
{
	size_t count = look->judge->contract->endpoint_count;
	size_t broken = count;
	bool is_refused = false;
	for (size_t i = 0; i < count; i++) {
		bool refused = false;
		if (!look->messages[i] || judge_view(look, i, &refused))
			continue;
		/* What is told is why it was refused, if it was. */
		if (broken == count || (refused && !is_refused))
			broken = i;
		is_refused |= refused;
	}
	if (broken < count && look->kind != LOOK_AGAIN)
		judge_report_invalid(look, broken, is_refused);
}

void
judge_entry(struct judge *judge, struct view stream,
    const struct batch_entry *entry, enum judge_look kind,
    struct verdict *verdict_r)
{
	struct look look = { .judge = judge,
		.stream = stream,
		.entry = entry,
		.kind = kind,
		.verdict = verdict_r };
	*verdict_r = (struct verdict){ .is_empty_object = false };
	judge_drift_begin(&judge->drift, stream, entry, kind == LOOK_FIRST);
	if (!open_entry(&look) || refuse_reserved(&look))
		return;
	if (select_messages(&look))
		judge_known(&look);
	else
		judge_unknown(&look);
}
