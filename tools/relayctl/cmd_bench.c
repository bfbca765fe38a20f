/* SPDX-License-Identifier: MIT */

/*
 * relayctl bench: many subscribers, a producer, and what came of it. The
 * server may be a relay (its port file tells all) or anything else that sends
 * the same events over WebSocket: then URL, process and key are given.
 */

#include "bench_report.h"
#include "ctl.h"
#include "ctl_check.h"
#include "load_dial.h"
#include "load_run.h"
#include "load_stamp.h"

#include <json-c/json.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct bench {
	struct ctl *ctl;
	struct load_plan plan;
	const char *port_file;
	const char *pids;
	struct ctl_values fields;
	bool no_publish;
	struct json_object *ports; /* of the port file; NULL: none */
	struct buf url;
	char run[32];
};

/* A number given as text; NULL: `value` stays. */
struct number {
	const char *name;
	const char *text;
	uint64_t *value;
	uint64_t min;
	uint64_t max;
};

static int
take_number(struct ctl *ctl, const struct number *number)
{
	char *end;
	if (!number->text)
		return 0;
	unsigned long long value = strtoull(number->text, &end, 10);
	if (*end == '\0' && number->text[0] != '-' && end != number->text &&
	    value >= number->min && value <= number->max) {
		*number->value = value;
		return 0;
	}
	return ctl_fail(ctl, CTL_USAGE, "usage",
	    "%s must be a number from %llu to %llu", number->name,
	    (unsigned long long)number->min, (unsigned long long)number->max);
}

/* --- the relay's port file --- */

static const char *
port_text(const struct bench *bench, const char *name)
{
	struct json_object *value;
	if (!json_object_object_get_ex(bench->ports, name, &value))
		return NULL;
	return json_object_get_string(value);
}

static int
read_ports(struct bench *bench)
{
	struct ctl *ctl = bench->ctl;
	bench->ports = json_object_from_file(bench->port_file);
	const char *address = bench->ports ? port_text(bench, "listen") : NULL;
	const char *redis = bench->ports ? port_text(bench, "redis") : NULL;
	if (!address || !redis || !port_text(bench, "pid"))
		return ctl_fail(ctl, CTL_INPUT, "input",
		    "%s: not the port file of a running relay",
		    bench->port_file);
	if (strncmp(address, "unix:", 5) == 0)
		return ctl_fail(ctl, CTL_INPUT, "input",
		    "the relay listens on a Unix socket: give it a port");
	if (!bench->pids)
		bench->pids = port_text(bench, "pid");
	if (!bench->plan.place.redis)
		bench->plan.place.redis = redis;
	if (bench->plan.url)
		return 0;
	buf_addf(&bench->url,
	    "ws://%s/api/v1/ws/execution/events?session_id=bench-{run}-{n}%s",
	    address, bench->plan.prefill ? "&after=0-0" : "");
	buf_add_char(&bench->url, '\0');
	bench->plan.url = bench->url.data;
	return 0;
}

/* --- arguments --- */

static void
set_defaults(struct bench *bench)
{
	snprintf(bench->run, sizeof(bench->run), "%lx%llx",
	    (unsigned long)getpid(),
	    (unsigned long long)(load_now_ns() / 1000));
	bench->plan = (struct load_plan){
		.has_producer = true,
		.place = { .run = bench->run,
		    .key = "relay:events:{default/anonymous/bench-{run}-{n}}",
		    .fields = { "event={event}" },
		    .field_count = 1 },
		.subscribers = 1000,
		.streams = 1,
		.bytes = LOAD_EVENT_MIN,
		.events = 1000,
		.burst = 1,
		.window = 1,
		.connecting_max = 128,
		.stall_seconds = 10,
		.limit_seconds = 300,
	};
}

struct numbers {
	uint64_t subscribers, streams, active, rate, burst, window, bytes, idle,
	    hold, slices, connecting, stall, limit;
};

static void
apply(struct load_plan *plan, const struct numbers *numbers)
{
	plan->subscribers = (unsigned)numbers->subscribers;
	plan->streams = (unsigned)numbers->streams;
	plan->active =
	    (unsigned)(numbers->active ? numbers->active : numbers->streams);
	plan->rate = (unsigned)numbers->rate;
	plan->burst = (unsigned)numbers->burst;
	plan->window = (unsigned)numbers->window;
	plan->bytes = (unsigned)numbers->bytes;
	plan->idle_seconds = (unsigned)numbers->idle;
	plan->hold_seconds = (unsigned)numbers->hold;
	plan->slice_ms = (unsigned)numbers->slices;
	plan->connecting_max = (unsigned)numbers->connecting;
	plan->stall_seconds = (unsigned)numbers->stall;
	plan->limit_seconds = (unsigned)numbers->limit;
	plan->events -= plan->events % plan->burst;
}

static int
parse(struct bench *bench)
{
	struct load_plan *plan = &bench->plan;
	struct numbers n = { .subscribers = plan->subscribers,
		.streams = plan->streams,
		.burst = plan->burst,
		.window = plan->window,
		.bytes = plan->bytes,
		.connecting = plan->connecting_max,
		.stall = plan->stall_seconds,
		.limit = plan->limit_seconds };
	struct number numbers[] = {
		{ "--subscribers", NULL, &n.subscribers, 1, 1000000 },
		{ "--streams", NULL, &n.streams, 1, 1000000 },
		{ "--active", NULL, &n.active, 1, 1000000 },
		{ "--events", NULL, &plan->events, 0, 90000000 },
		{ "--rate", NULL, &n.rate, 0, 10000000 },
		{ "--burst", NULL, &n.burst, 1, 10000 },
		{ "--window", NULL, &n.window, 1, 1000 },
		{ "--bytes", NULL, &n.bytes, LOAD_EVENT_MIN, LOAD_EVENT_MAX },
		{ "--prefill", NULL, &plan->prefill, 0, 9000000 },
		{ "--idle", NULL, &n.idle, 0, 86400 },
		{ "--hold", NULL, &n.hold, 0, 86400 },
		{ "--slices", NULL, &n.slices, 0, 60000 },
		{ "--connecting", NULL, &n.connecting, 1, 100000 },
		{ "--stall", NULL, &n.stall, 1, 3600 },
		{ "--limit", NULL, &n.limit, 1, 86400 },
	};
	enum { COUNT = sizeof(numbers) / sizeof(numbers[0]) };
	struct ctl_option options[COUNT + 10] = {
		{ .name = "--port-file", .value = &bench->port_file },
		{ .name = "--url", .value = &plan->url },
		{ .name = "--pid", .value = &bench->pids },
		{ .name = "--publish", .value = &plan->place.http },
		{ .name = "--no-publish", .flag = &bench->no_publish },
		{ .name = "--key", .value = &plan->place.key },
		{ .name = "--field", .list = &bench->fields },
		{ .name = "--protocol", .value = &plan->protocol },
		{ .name = "--hello", .value = &plan->hello },
		{ .name = "--deflate", .flag = &plan->deflate },
	};
	for (size_t i = 0; i < COUNT; i++)
		options[10 + i] = (struct ctl_option){ .name = numbers[i].name,
			.value = &numbers[i].text };
	int status = ctl_parse(bench->ctl, options, COUNT + 10);
	for (size_t i = 0; i < COUNT && status == 0; i++)
		status = take_number(bench->ctl, &numbers[i]);
	if (status == 0)
		apply(plan, &n);
	return status;
}

static int
take_fields(struct bench *bench)
{
	struct load_place *place = &bench->plan.place;
	if (bench->fields.count == 0)
		return 0;
	if (bench->fields.count > LOAD_FIELDS_MAX)
		return ctl_fail(bench->ctl, CTL_USAGE, "usage",
		    "at most %d --field", LOAD_FIELDS_MAX);
	place->field_count = bench->fields.count;
	for (size_t i = 0; i < place->field_count; i++) {
		place->fields[i] = bench->fields.items[i];
		if (!strchr(place->fields[i], '='))
			return ctl_fail(bench->ctl, CTL_USAGE, "usage",
			    "--field %s is not NAME=VALUE", place->fields[i]);
	}
	return 0;
}

static int
check_url(struct ctl *ctl, const char *option, const char *url,
    const char *scheme, const char *form)
{
	struct load_url parts;
	struct error err = { 0 };
	int status = ctl_check_url(ctl, option, url, scheme, form);
	if (status != 0 || !url)
		return status;
	if (load_url_parse(&parts, url, scheme, &err) != 0)
		status = ctl_fail(ctl, CTL_USAGE, "usage", "%s: wants %s: %s",
		    option, form, err.message);
	load_url_fini(&parts);
	return status;
}

/* Where the server is, and where its events come from. */
static int
find_places(struct bench *bench)
{
	struct ctl *ctl = bench->ctl;
	struct load_plan *plan = &bench->plan;
	int status = ctl_check_addresses(ctl);
	const char *redis = status == 0 ? ctl_redis(ctl) : NULL;
	if (!redis)
		return status ? status : CTL_INPUT;
	plan->place.redis = *redis ? redis : NULL;
	plan->has_producer = !bench->no_publish;
	if (bench->port_file) {
		status = read_ports(bench);
		if (status != 0)
			return status;
	}
	if (!plan->url) {
		ctl_fix(ctl, "start relayd with --port-file FILE and name it");
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "--port-file FILE or --url ws://... is needed");
	}
	if (plan->has_producer && !plan->place.http && !plan->place.redis)
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "where do events go? --redis URL or --publish http://...");
	if (bench->pids && load_pids_parse(&plan->pids, bench->pids) != 0)
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "--pid must be process ids with commas between");
	return 0;
}

static int
check(struct bench *bench)
{
	struct ctl *ctl = bench->ctl;
	const struct load_plan *plan = &bench->plan;
	if (ctl->argc > 0)
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "%s: bench takes options only", ctl->argv[0]);
	if (plan->active > plan->streams || plan->streams > plan->subscribers)
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "a stream needs a subscriber: active <= streams <= "
		    "subscribers");
	int status =
	    check_url(ctl, "--url", plan->url, "ws", "ws://HOST:PORT/PATH");
	if (status != 0)
		return status;
	return check_url(ctl, "--publish", plan->place.http, "http",
	    "http://HOST:PORT/PATH");
}

static int
run(struct bench *bench)
{
	static struct load_outcome outcome; /* too big for the stack */
	struct error err = { 0 };
	if (load_run(&bench->plan, &outcome, &err) != 0)
		return ctl_fail(bench->ctl, CTL_UNREACHABLE, "unreachable",
		    "%s: %s", err.where, err.message);
	if (outcome.tally.opened == 0)
		return ctl_fail(bench->ctl, CTL_UNREACHABLE, "unreachable",
		    "%s: %s", bench->plan.url,
		    outcome.tally.refused ? outcome.tally.refusal
					  : outcome.gave_up);
	bench_report(bench->ctl, &bench->plan, &outcome);
	load_outcome_fini(&outcome);
	if (load_outcome_is_good(&bench->plan, &outcome))
		return CTL_FINE;
	return ctl_fail(bench->ctl, CTL_FINDINGS, "incomplete", "%s%s%s",
	    outcome.gave_up
		? outcome.gave_up
		: "events are missing, doubled, out of order or of another "
		  "stream",
	    outcome.tally.refused ? ": " : "", outcome.tally.refusal);
}

int
cmd_bench(struct ctl *ctl)
{
	struct bench bench = { .ctl = ctl };
	buf_init(&bench.url, 0);
	set_defaults(&bench);
	int status = parse(&bench);
	if (status == 0)
		status = take_fields(&bench);
	if (status == 0)
		status = find_places(&bench);
	if (status == 0)
		status = check(&bench);
	if (status == 0)
		status = run(&bench);
	json_object_put(bench.ports);
	buf_fini(&bench.url);
	return status;
}
