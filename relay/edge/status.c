/* SPDX-License-Identifier: MIT */
#include "status.h"

/* One member of the object that is being written. A comma is set unless the
 * object was just opened. */
static void
name(struct buf *out, const char *text)
{
	if (out->len > 0 && out->data[out->len - 1] != '{')
		buf_add_char(out, ',');
	buf_addf(out, "\"%s\":", text);
}

static void
number(struct buf *out, const char *text, uint64_t value)
{
	name(out, text);
	buf_add_u64(out, value);
}

static void
string(struct buf *out, const char *text, const char *value)
{
	name(out, text);
	buf_add_json_string(out, view_of(value));
}

static void
boolean(struct buf *out, const char *text, bool value)
{
	name(out, text);
	buf_add_text(out, value ? "true" : "false");
}

static void
open_object(struct buf *out, const char *text)
{
	name(out, text);
	buf_add_char(out, '{');
}

static void
close_object(struct buf *out)
{
	buf_add_char(out, '}');
}

#define COUNT(text, field) number(out, text, stat_get(sum, field))

static void
print_connections(struct stats *sum, struct buf *out)
{
	uint64_t both = stat_get(sum, clients_chat);
	uint64_t server = stat_get(sum, clients_server);
	open_object(out, "connections");
	number(out, "open", both + server);
	number(out, "both", both);
	number(out, "server", server);
	COUNT("accepted", connections_accepted);
	COUNT("upgraded", connections_upgraded);
	COUNT("refused", connections_refused);
	COUNT("timed_out", connections_timeout);
	close_object(out);
	open_object(out, "closed");
	COUNT("too_slow", closes_slow);
	COUNT("policy", closes_policy);
	COUNT("too_large", closes_size);
	COUNT("drain", closes_drain);
	close_object(out);
}

static void
print_sessions(struct stats *sum, struct buf *out)
{
	open_object(out, "sessions");
	COUNT("followed", streams_followed);
	COUNT("subscriptions", subscriptions);
	COUNT("behind", behind_clients);
	close_object(out);
	COUNT("bytes_buffered", blocks_bytes);
}

static void
print_events(struct stats *sum, struct buf *out)
{
	open_object(out, "events");
	COUNT("read", events_read);
	COUNT("framed", events_framed);
	COUNT("filtered", events_filtered);
	COUNT("read_again", events_window);
	number(out, "delivered",
	    stat_get(sum, frames_sent) + stat_get(sum, frames_sent_window));
	COUNT("delivered_bytes", bytes_sent);
	COUNT("violations", violations_event);
	close_object(out);
	open_object(out, "refused");
	COUNT("invalid_json", refused_invalid_json);
	COUNT("missing_field", refused_missing_field);
	COUNT("not_object", refused_not_object);
	COUNT("unknown_type", refused_unknown_type);
	COUNT("invalid_payload", refused_invalid_payload);
	COUNT("reserved_member", refused_reserved_member);
	COUNT("too_large", refused_too_large);
	COUNT("too_deep", refused_too_deep);
	close_object(out);
	open_object(out, "gaps");
	COUNT("trimmed", gaps_trimmed);
	COUNT("deleted", gaps_deleted);
	COUNT("recreated", gaps_recreated);
	COUNT("rewound", gaps_rewound);
	COUNT("dead_lettered", gaps_dead_lettered);
	close_object(out);
	COUNT("dead_letters", dead_letters);
}

static void
print_delivery(struct stats *sum, struct buf *out)
{
	open_object(out, "delivery_us");
	number(out, "p50", stats_quantile(&sum->delivery, 0.5));
	number(out, "p95", stats_quantile(&sum->delivery, 0.95));
	number(out, "p99", stats_quantile(&sum->delivery, 0.99));
	close_object(out);
}

static void
print_commands(struct stats *sum, struct buf *out)
{
	open_object(out, "commands");
	COUNT("stored", commands_stored);
	COUNT("deduplicated", commands_deduplicated);
	COUNT("refused", commands_refused);
	COUNT("degraded", commands_degraded);
	COUNT("overloaded", commands_overloaded);
	COUNT("timeout", commands_timeout);
	COUNT("rate_limited", commands_rate_limited);
	close_object(out);
}

static void
print_contract(const struct status_facts *facts, struct buf *out)
{
	open_object(out, "contract");
	string(out, "name", facts->contract->name);
	string(out, "version", facts->contract->version);
	string(out, "hash", facts->contract->hash);
	string(out, "mode", facts->event_mode);
	close_object(out);
}

static void
print_redis(const struct status_facts *facts, struct buf *out)
{
	struct stats *sum = facts->sum;
	open_object(out, "redis");
	string(out, "url", facts->redis_url);
	string(out, "topology", "single");
	boolean(out, "private", facts->redis_is_private);
	boolean(out, "up", facts->is_up);
	string(out, "wakeup", facts->wakeup);
	COUNT("reconnects", redis_reconnects);
	close_object(out);
}

static void
print_probe(const struct status_facts *facts, struct buf *out)
{
	const struct readiness_result *probe = facts->probe;
	if (!probe->is_known) {
		name(out, "probe");
		buf_add_text(out, "null");
		return;
	}
	open_object(out, "probe");
	boolean(out, "ready", probe->is_ready);
	number(out, "latency_us", probe->latency_us);
	number(out, "age_ms", facts->probe_age_ms);
	string(out, "redis", component_name(probe->redis));
	string(out, "events", component_name(probe->events));
	string(out, "commands", component_name(probe->commands));
	close_object(out);
}

static void
advise(struct buf *out, const char *advice)
{
	if (out->data[out->len - 1] != '[')
		buf_add_char(out, ',');
	buf_add_json_string(out, view_of(advice));
}

static void
print_guidance(const struct status_facts *facts, struct buf *out)
{
	struct stats *sum = facts->sum;
	name(out, "guidance");
	buf_add_char(out, '[');
	if (!facts->is_up)
		advise(out,
		    "Redis is not reachable: look at redis.url, at the log "
		    "lines of component redis, and whether redis-server runs.");
	if (facts->is_up && strcmp(facts->wakeup, "poll") == 0)
		advise(out,
		    "CLIENT TRACKING is refused: events are found by polling. "
		    "Allow +client|tracking and +subscribe to the relay.");
	if (stat_get(sum, dead_letters) > 0)
		advise(out,
		    "Events were refused: read the dead-letter stream for "
		    "producer, pointer and rule.");
	if (stat_get(sum, violations_event) > 0 &&
	    strcmp(facts->event_mode, "warn") == 0)
		advise(out,
		    "Events that break the contract were delivered (mode "
		    "warn); mode enforce would refuse them.");
	if (stat_get(sum, gaps_trimmed) > 0)
		advise(out,
		    "Streams were trimmed before clients had read them: raise "
		    "the producers' MAXLEN.");
	if (facts->is_draining)
		advise(out, "The relay is draining and will end.");
	buf_add_char(out, ']');
}

void
status_print(const struct status_facts *facts, struct buf *out)
{
	buf_add_char(out, '{');
	string(out, "version", facts->version);
	string(out, "node", facts->node);
	number(out, "workers", facts->workers);
	number(out, "started_at", facts->started_ms);
	number(out, "uptime_ms", facts->now_ms - facts->started_ms);
	string(out, "mode",
	    facts->is_draining ? "draining"
		: facts->is_up ? "live"
			       : "degraded");
	number(out, "since", facts->since_ms);
	print_connections(facts->sum, out);
	print_sessions(facts->sum, out);
	print_events(facts->sum, out);
	print_delivery(facts->sum, out);
	print_commands(facts->sum, out);
	print_contract(facts, out);
	print_redis(facts, out);
	print_probe(facts, out);
	print_guidance(facts, out);
	buf_add_text(out, "}\n");
}

/* --- /ready --- */

static void
reason(struct buf *out, bool holds, const char *text)
{
	if (holds)
		advise(out, text);
}

void
status_print_ready(
    const struct readiness_result *result, bool is_draining, struct buf *out)
{
	buf_add_char(out, '{');
	boolean(out, "ready", result->is_ready && !is_draining);
	open_object(out, "components");
	string(out, "redis", component_name(result->redis));
	string(out, "events", component_name(result->events));
	string(out, "commands", component_name(result->commands));
	string(out, "contract", "ready");
	string(out, "auth", "disabled");
	close_object(out);
	name(out, "reasons");
	buf_add_char(out, '[');
	reason(out, is_draining, "draining");
	reason(out, result->redis == COMPONENT_FAILED,
	    "Redis did not take a probe entry");
	reason(out,
	    result->redis == COMPONENT_READY &&
		result->events == COMPONENT_FAILED,
	    "the probe entry did not come back through the read loop");
	buf_add_text(out, "]}\n");
}
