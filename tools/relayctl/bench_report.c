/* SPDX-License-Identifier: MIT */
#include "bench_report.h"

#include "ctl.h"
#include "load_run.h"

#define SHARES 4

static const struct {
	const char *name;
	double share;
} shares[SHARES] = {
	{ "p50", 0.5 },
	{ "p90", 0.9 },
	{ "p99", 0.99 },
	{ "p999", 0.999 },
};

/* The server's figures, from differences. */
struct server {
	double cpu_us;              /* during the traffic */
	double cpu_us_per_delivery; /* 0: nothing was delivered */
	double core;                /* share of one core */
	double bytes_per_connection;
	double held_bytes_per_connection; /* at the end of the hold */
};

static double
difference(uint64_t later, uint64_t earlier)
{
	return (double)later - (double)earlier;
}

static struct server
server_of(const struct load_outcome *outcome)
{
	struct server server = { 0 };
	double opened = outcome->tally.opened ? outcome->tally.opened : 1;
	double events = (double)outcome->tally.events;
	server.cpu_us =
	    difference(outcome->traffic.cpu_us, outcome->open.cpu_us);
	if (events > 0)
		server.cpu_us_per_delivery = server.cpu_us / events;
	if (outcome->traffic_us)
		server.core = server.cpu_us / (double)outcome->traffic_us;
	server.bytes_per_connection =
	    difference(outcome->open.pss_bytes, outcome->before.pss_bytes) /
	    opened;
	server.held_bytes_per_connection =
	    difference(outcome->held.pss_bytes, outcome->before.pss_bytes) /
	    opened;
	return server;
}

static double
rate_of(const struct load_outcome *outcome)
{
	if (outcome->traffic_us == 0)
		return 0;
	return (double)outcome->tally.events * 1e6 /
	    (double)outcome->traffic_us;
}

/* --- text --- */

static void
print_counts(struct ctl *ctl, const struct load_plan *plan,
    const struct load_outcome *outcome)
{
	const struct load_tally *tally = &outcome->tally;
	ctl_printf(ctl, "connections  %u of %u in %.2f s", tally->opened,
	    plan->subscribers, (double)outcome->connect_us / 1e6);
	if (tally->refused)
		ctl_printf(
		    ctl, ", %u refused: %s", tally->refused, tally->refusal);
	if (tally->closed)
		ctl_printf(ctl, ", %u closed by the server (code %u)",
		    tally->closed, tally->close_code);
	ctl_printf(ctl,
	    "\ndeliveries   %llu of %llu, %llu missing, %llu doubled or out of "
	    "order, %llu of another stream\n",
	    (unsigned long long)tally->events,
	    (unsigned long long)outcome->expected,
	    (unsigned long long)tally->missing,
	    (unsigned long long)tally->repeated,
	    (unsigned long long)tally->strayed);
	ctl_printf(ctl, "rate         %.0f deliveries/s over %.2f s\n",
	    rate_of(outcome), (double)outcome->traffic_us / 1e6);
}

static void
print_latency(struct ctl *ctl, const struct load_histogram *latency)
{
	if (latency->count == 0)
		return;
	ctl_printf(ctl, "latency     ");
	for (size_t i = 0; i < SHARES; i++)
		ctl_printf(ctl, " %s %.3f ms,", shares[i].name,
		    (double)load_histogram_at(latency, shares[i].share) / 1e6);
	ctl_printf(ctl, " max %.3f ms\n", (double)latency->max_ns / 1e6);
}

static void
print_server(struct ctl *ctl, const struct load_outcome *outcome)
{
	struct server server = server_of(outcome);
	if (!outcome->has_cost)
		return;
	if (outcome->tally.events)
		ctl_printf(ctl,
		    "server       %.4f us CPU a delivery, %.0f %% of a core\n",
		    server.cpu_us_per_delivery, server.core * 100);
	ctl_printf(ctl,
	    "memory       %.0f bytes a connection, %.0f at the end\n",
	    server.bytes_per_connection, server.held_bytes_per_connection);
}

/* --- JSON --- */

static void
add_plan(struct buf *out, const struct load_plan *plan)
{
	buf_addf(out,
	    "{\"subscribers\":%u,\"streams\":%u,\"active\":%u,"
	    "\"event_bytes\":%u,\"events\":%llu,\"prefill\":%llu,"
	    "\"burst\":%u,\"rate\":%u,",
	    plan->subscribers, plan->streams, plan->active, plan->bytes,
	    (unsigned long long)plan->events, (unsigned long long)plan->prefill,
	    plan->burst, plan->rate);
}

static void
add_counts(struct buf *out, const struct load_outcome *outcome)
{
	const struct load_tally *tally = &outcome->tally;
	buf_addf(out,
	    "\"opened\":%u,\"refused\":%u,\"closed\":%u,\"close_code\":%u,"
	    "\"broken\":%u,\"expected\":%llu,\"delivered\":%llu,"
	    "\"missing\":%llu,\"repeated\":%llu,\"strayed\":%llu,"
	    "\"probes\":%llu,"
	    "\"others\":%llu,\"compressed\":%llu,\"inflated\":%llu,"
	    "\"published\":%llu,\"reads\":%llu,\"bytes\":%llu,",
	    tally->opened, tally->refused, tally->closed, tally->close_code,
	    tally->broken, (unsigned long long)outcome->expected,
	    (unsigned long long)tally->events,
	    (unsigned long long)tally->missing,
	    (unsigned long long)tally->repeated,
	    (unsigned long long)tally->strayed,
	    (unsigned long long)tally->probes,
	    (unsigned long long)tally->others,
	    (unsigned long long)tally->compressed,
	    (unsigned long long)outcome->inflated,
	    (unsigned long long)outcome->published,
	    (unsigned long long)tally->reads, (unsigned long long)tally->bytes);
	buf_addf(out,
	    "\"connect_seconds\":%.6f,\"began_us\":%llu,\"seconds\":%.6f,"
	    "\"deliveries_per_second\":%.1f,",
	    (double)outcome->connect_us / 1e6,
	    (unsigned long long)outcome->began_us,
	    (double)outcome->traffic_us / 1e6, rate_of(outcome));
}

/* What the client itself took: near one core it is the limit, not the server. */
static void
add_client(struct buf *out, const struct load_outcome *outcome)
{
	double cpu_us = (double)outcome->own_cpu_us;
	double events = (double)outcome->tally.events;
	buf_addf(out,
	    "\"client\":{\"cpu_us\":%.0f,\"cpu_us_per_delivery\":%.5f,"
	    "\"core\":%.4f},",
	    cpu_us, events > 0 ? cpu_us / events : 0,
	    outcome->traffic_us ? cpu_us / (double)outcome->traffic_us : 0);
}

static void
add_slices(struct buf *out, const struct load_slices *slices)
{
	if (slices->slice_ns == 0)
		return;
	buf_add_text(out, "\"latency_slices\":");
	load_slices_json(slices, out);
	buf_add_char(out, ',');
}

static void
add_latency(struct buf *out, const struct load_histogram *latency)
{
	buf_add_text(out, "\"latency_us\":");
	if (latency->count == 0) {
		buf_add_text(out, "null,");
		return;
	}
	buf_add_char(out, '{');
	for (size_t i = 0; i < SHARES; i++)
		buf_addf(out, "\"%s\":%.1f,", shares[i].name,
		    (double)load_histogram_at(latency, shares[i].share) / 1e3);
	buf_addf(out, "\"max\":%.1f},", (double)latency->max_ns / 1e3);
}

static void
add_server(struct buf *out, const struct load_outcome *outcome)
{
	struct server server = server_of(outcome);
	buf_add_text(out, "\"server\":");
	if (!outcome->has_cost) {
		buf_add_text(out, "null}");
		return;
	}
	buf_addf(out,
	    "{\"cpu_us\":%.0f,\"cpu_us_per_delivery\":%.5f,\"core\":%.4f,"
	    "\"pss_bytes\":%llu,\"bytes_per_connection\":%.1f,"
	    "\"held_bytes_per_connection\":%.1f}}",
	    server.cpu_us, server.cpu_us_per_delivery, server.core,
	    (unsigned long long)outcome->traffic.pss_bytes,
	    server.bytes_per_connection, server.held_bytes_per_connection);
}

void
bench_report(struct ctl *ctl, const struct load_plan *plan,
    const struct load_outcome *outcome)
{
	print_counts(ctl, plan, outcome);
	print_latency(ctl, &outcome->tally.latency);
	print_server(ctl, outcome);
	add_plan(&ctl->result, plan);
	add_counts(&ctl->result, outcome);
	add_latency(&ctl->result, &outcome->tally.latency);
	add_client(&ctl->result, outcome);
	add_slices(&ctl->result, &outcome->tally.slices);
	add_server(&ctl->result, outcome);
}
