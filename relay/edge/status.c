/* SPDX-License-Identifier: MIT */
#include "status.h"

#include <json-c/json.h>

/*
 * The tree is built with json-c and printed once. Not together with json.h: the
 * two name the same things.
 */

static void
number(struct json_object *object, const char *name, uint64_t value)
{
	json_object_object_add(object, name, json_object_new_uint64(value));
}

static void
string(struct json_object *object, const char *name, const char *value)
{
	json_object_object_add(object, name, json_object_new_string(value));
}

static void
boolean(struct json_object *object, const char *name, bool value)
{
	json_object_object_add(object, name, json_object_new_boolean(value));
}

static struct json_object *
add_object(struct json_object *parent, const char *name)
{
	struct json_object *object = json_object_new_object();
	json_object_object_add(parent, name, object);
	return object;
}

static struct json_object *
add_array(struct json_object *parent, const char *name)
{
	struct json_object *array = json_object_new_array();
	json_object_object_add(parent, name, array);
	return array;
}

static void
append(struct json_object *array, bool holds, const char *text)
{
	if (holds)
		json_object_array_add(array, json_object_new_string(text));
}

/* Takes the tree. */
static void
print(struct json_object *root, struct buf *out)
{
	buf_add_text(out,
	    json_object_to_json_string_ext(
		root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	buf_add_char(out, '\n');
	json_object_put(root);
}

#define COUNT(name, field) number(object, name, stat_get(sum, field))

/* As they are seen behind trusted proxies. */
static void
print_addresses(const struct status_facts *facts, struct json_object *parent)
{
	struct json_object *array = add_array(parent, "addresses");
	char text[ADDRESS_TEXT];
	for (size_t i = 0; i < facts->address_count; i++) {
		const struct tally_row *row = &facts->addresses[i];
		struct json_object *object = json_object_new_object();
		address_print(&row->block, text);
		string(object, "client", text);
		number(object, "open", row->count);
		json_object_array_add(array, object);
	}
}

static void
print_connections(const struct status_facts *facts, struct json_object *root)
{
	struct stats *sum = facts->sum;
	struct json_object *object = add_object(root, "connections");
	number(object, "open", stats_clients(sum));
	struct json_object *endpoints = add_object(object, "endpoints");
	for (size_t i = 0; i < facts->names->count; i++)
		number(endpoints, facts->names->endpoints[i],
		    stat_get(sum, clients[i]));
	print_addresses(facts, object);
	COUNT("accepted", connections_accepted);
	COUNT("upgraded", connections_upgraded);
	COUNT("refused", connections_refused);
	COUNT("timed_out", connections_timeout);
	object = add_object(root, "closed");
	COUNT("too_slow", closes_slow);
	COUNT("policy", closes_policy);
	COUNT("too_large", closes_size);
	COUNT("drain", closes_drain);
	COUNT("expired", closes_expired);
}

static uint64_t
refused_tokens(struct stats *sum)
{
	uint64_t count = 0;
#define VERDICT(name, counter, text) count += stat_get(sum, auth_##counter);
#include "token_verdicts.def"
#undef VERDICT
	return count - stat_get(sum, auth_accepted) -
	    stat_get(sum, auth_unavailable);
}

static void
print_auth(const struct status_facts *facts, struct json_object *root)
{
	struct stats *sum = facts->sum;
	struct json_object *object = add_object(root, "auth");
	string(object, "state", component_name(facts->auth));
	COUNT("accepted", auth_accepted);
	number(object, "refused", refused_tokens(sum));
	COUNT("unavailable", auth_unavailable);
	COUNT("tickets", tickets_issued);
}

static void
print_sessions(struct stats *sum, struct json_object *root)
{
	struct json_object *object = add_object(root, "sessions");
	COUNT("followed", streams_followed);
	COUNT("subscriptions", subscriptions);
	COUNT("behind", behind_clients);
	object = root;
	COUNT("bytes_buffered", blocks_bytes);
}

static void
print_events(struct stats *sum, struct json_object *root)
{
	struct json_object *object = add_object(root, "events");
	COUNT("read", events_read);
	COUNT("framed", events_framed);
	COUNT("filtered", events_filtered);
	COUNT("read_again", events_window);
	number(object, "delivered",
	    stat_get(sum, frames_sent) + stat_get(sum, frames_sent_window));
	COUNT("delivered_bytes", bytes_sent);
	COUNT("violations", violations_event);
	object = add_object(root, "refused");
	COUNT("invalid_json", refused_invalid_json);
	COUNT("missing_field", refused_missing_field);
	COUNT("not_object", refused_not_object);
	COUNT("unknown_type", refused_unknown_type);
	COUNT("invalid_payload", refused_invalid_payload);
	COUNT("reserved_member", refused_reserved_member);
	COUNT("too_large", refused_too_large);
	COUNT("too_deep", refused_too_deep);
}

static void
print_gaps(struct stats *sum, struct json_object *root)
{
	struct json_object *object = add_object(root, "gaps");
	COUNT("trimmed", gaps_trimmed);
	COUNT("deleted", gaps_deleted);
	COUNT("recreated", gaps_recreated);
	COUNT("rewound", gaps_rewound);
	COUNT("dead_lettered", gaps_dead_lettered);
	object = root;
	COUNT("dead_letters", dead_letters);
}

static void
print_delivery(struct stats *sum, struct json_object *root)
{
	struct json_object *object = add_object(root, "delivery_us");
	number(object, "p50", stats_quantile(&sum->delivery, 0.5));
	number(object, "p95", stats_quantile(&sum->delivery, 0.95));
	number(object, "p99", stats_quantile(&sum->delivery, 0.99));
}

static void
print_commands(struct stats *sum, struct json_object *root)
{
	struct json_object *object = add_object(root, "commands");
	COUNT("stored", commands_stored);
	COUNT("deduplicated", commands_deduplicated);
	COUNT("refused", commands_refused);
	COUNT("degraded", commands_degraded);
	COUNT("overloaded", commands_overloaded);
	COUNT("timeout", commands_timeout);
	COUNT("rate_limited", commands_rate_limited);
}

static void
print_contract(const struct status_facts *facts, struct json_object *root)
{
	struct json_object *object = add_object(root, "contract");
	string(object, "name", facts->contract_name);
	string(object, "version", facts->contract_version);
	string(object, "hash", facts->contract_hash);
	string(object, "mode", facts->event_mode);
	object = add_object(object, "drift");
	number(object, "breaches", facts->drift_breaches);
	number(object, "undeclared", facts->drift_undeclared);
	number(object, "cells", facts->drift_cells);
	number(object, "other", facts->drift_other);
}

static void
print_redis(const struct status_facts *facts, struct json_object *root)
{
	struct stats *sum = facts->sum;
	struct json_object *object = add_object(root, "redis");
	string(object, "url", facts->redis_url);
	string(object, "topology", "single");
	boolean(object, "private", facts->redis_is_private);
	boolean(object, "up", facts->is_up);
	string(object, "wakeup", facts->wakeup);
	number(object, "latency_us", facts->latency_us);
	number(object, "reconnects", stats_reconnects(sum));
}

static void
print_components(
    const struct readiness_result *result, struct json_object *object)
{
	string(object, "redis", component_name(result->redis));
	string(object, "events", component_name(result->events));
	string(object, "commands", component_name(result->commands));
}

static void
print_probe(const struct status_facts *facts, struct json_object *root)
{
	const struct readiness_result *probe = facts->probe;
	if (!probe->is_known) {
		json_object_object_add(root, "probe", NULL);
		return;
	}
	struct json_object *object = add_object(root, "probe");
	boolean(object, "ready", probe->is_ready);
	number(object, "latency_us", probe->latency_us);
	number(object, "age_ms", facts->probe_age_ms);
	print_components(probe, object);
}

static void
print_guidance(const struct status_facts *facts, struct json_object *root)
{
	struct stats *sum = facts->sum;
	struct json_object *array = add_array(root, "guidance");
	append(array, !facts->is_up,
	    "Redis is not reachable: look at redis.url, at the log lines of "
	    "component redis, and whether redis-server runs.");
	append(array, facts->is_up && strcmp(facts->wakeup, "poll") == 0,
	    "CLIENT TRACKING is refused: events are found by polling. Allow "
	    "+client|tracking and +subscribe to the relay.");
	append(array, stat_get(sum, dead_letters) > 0,
	    "Events were refused: read the dead-letter stream for producer, "
	    "pointer and rule.");
	append(array,
	    stat_get(sum, violations_event) > 0 &&
		strcmp(facts->event_mode, "warn") == 0,
	    "Events that break the contract were delivered (mode warn); mode "
	    "enforce would refuse them.");
	append(array, facts->drift_breaches + facts->drift_undeclared > 0,
	    "Traffic and contract differ: relayctl contract drift says where, "
	    "by whom and since when.");
	append(array, stat_get(sum, gaps_trimmed) > 0,
	    "Streams were trimmed before clients had read them: raise the "
	    "producers' MAXLEN.");
	append(array,
	    facts->auth == COMPONENT_DEGRADED ||
		facts->auth == COMPONENT_FAILED,
	    "The keys of auth.jwks cannot be read: see the log lines of "
	    "component auth.");
	append(
	    array, facts->is_draining, "The relay is draining and will end.");
}

void
status_print(const struct status_facts *facts, struct buf *out)
{
	struct json_object *root = json_object_new_object();
	string(root, "version", facts->version);
	string(root, "node", facts->node);
	number(root, "workers", facts->workers);
	number(root, "started_at", facts->started_ms);
	number(root, "uptime_ms", facts->now_ms - facts->started_ms);
	string(root, "mode",
	    facts->is_draining ? "draining"
		: facts->is_up ? "live"
			       : "degraded");
	number(root, "since", facts->since_ms);
	print_connections(facts, root);
	print_auth(facts, root);
	print_sessions(facts->sum, root);
	print_events(facts->sum, root);
	print_gaps(facts->sum, root);
	print_delivery(facts->sum, root);
	print_commands(facts->sum, root);
	print_contract(facts, root);
	print_redis(facts, root);
	print_probe(facts, root);
	print_guidance(facts, root);
	print(root, out);
}

void
status_print_ready(const struct readiness_result *result, enum component auth,
    bool is_draining, struct buf *out)
{
	struct json_object *root = json_object_new_object();
	bool has_keys = auth != COMPONENT_FAILED;
	boolean(root, "ready", result->is_ready && !is_draining && has_keys);
	struct json_object *components = add_object(root, "components");
	print_components(result, components);
	string(components, "contract", "ready");
	string(components, "auth", component_name(auth));
	struct json_object *reasons = add_array(root, "reasons");
	append(reasons, is_draining, "draining");
	append(reasons, !has_keys, "the keys of auth.jwks cannot be had");
	append(reasons, result->redis == COMPONENT_FAILED,
	    "Redis did not take a probe entry");
	append(reasons,
	    result->redis == COMPONENT_READY &&
		result->events == COMPONENT_FAILED,
	    "the probe entry did not come back through the read loop");
	print(root, out);
}
