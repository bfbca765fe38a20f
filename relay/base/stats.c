/* SPDX-License-Identifier: MIT */
#include "stats.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct stat_line {
	const char *metric;
	const char *kind;
	const char *labels;
	const char *help;
	size_t offset;
};

static const struct stat_line lines[] = {
#define STAT(name, kind, metric, labels, help) \
	{ metric, #kind, labels, help, offsetof(struct stats, name) },
#define HISTOGRAM(...)
#define ENDPOINT(...)
#include "stats.def"
#undef ENDPOINT
#undef HISTOGRAM
#undef STAT
};

static const struct stat_line endpoint_lines[] = {
#define STAT(...)
#define HISTOGRAM(...)
#define ENDPOINT(name, kind, metric, labels, help) \
	{ metric, #kind, labels, help, offsetof(struct stats, name) },
#include "stats.def"
#undef ENDPOINT
#undef HISTOGRAM
#undef STAT
};

struct times_line {
	const char *metric;
	const char *help;
	size_t offset;
};

static const struct times_line times_lines[] = {
#define STAT(...)
#define HISTOGRAM(name, metric, help) \
	{ metric, help, offsetof(struct stats, name) },
#define ENDPOINT(...)
#include "stats.def"
#undef ENDPOINT
#undef HISTOGRAM
#undef STAT
};

#define TIMES_COUNT    (sizeof(times_lines) / sizeof(times_lines[0]))
#define LINE_COUNT     (sizeof(lines) / sizeof(lines[0]))
#define ENDPOINT_COUNT (sizeof(endpoint_lines) / sizeof(endpoint_lines[0]))

static _Atomic uint64_t *
value_of(struct stats *stats, const struct stat_line *line)
{
	return (_Atomic uint64_t *)((char *)stats + line->offset);
}

static struct stats_times *
times_of(struct stats *stats, const struct times_line *line)
{
	return (struct stats_times *)(void *)((char *)stats + line->offset);
}

static uint64_t
load(const _Atomic uint64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

static void
add(_Atomic uint64_t *value, uint64_t more)
{
	atomic_store_explicit(value, load(value) + more, memory_order_relaxed);
}

void
stats_time(struct stats_times *times, uint64_t us, uint64_t count)
{
	unsigned bucket = us > 1 ? 64 - (unsigned)__builtin_clzll(us - 1) : 0;
	if (bucket >= STATS_BUCKETS)
		bucket = STATS_BUCKETS - 1;
	add(&times->bucket[bucket], count);
	add(&times->sum_us, us * count);
}

uint64_t
stats_quantile(const struct stats_times *times, double share)
{
	uint64_t all = 0;
	uint64_t seen = 0;
	for (size_t i = 0; i < STATS_BUCKETS; i++)
		all += load(&times->bucket[i]);
	for (size_t i = 0; i < STATS_BUCKETS; i++) {
		seen += load(&times->bucket[i]);
		if (seen > 0 && (double)seen >= share * (double)all)
			return UINT64_C(1) << i;
	}
	return 0;
}

static void
sum_times(struct stats_times *to, const struct stats_times *from)
{
	for (size_t i = 0; i < STATS_BUCKETS; i++)
		add(&to->bucket[i], load(&from->bucket[i]));
	add(&to->sum_us, load(&from->sum_us));
}

void
stats_sum(struct stats *to, struct stats *from)
{
	for (size_t i = 0; i < LINE_COUNT; i++)
		add(value_of(to, &lines[i]), load(value_of(from, &lines[i])));
	for (size_t i = 0; i < ENDPOINT_COUNT * STATS_ENDPOINTS; i++) {
		const struct stat_line *line =
		    &endpoint_lines[i / STATS_ENDPOINTS];
		add(value_of(to, line) + i % STATS_ENDPOINTS,
		    load(value_of(from, line) + i % STATS_ENDPOINTS));
	}
	for (size_t i = 0; i < TIMES_COUNT; i++)
		sum_times(times_of(to, &times_lines[i]),
		    times_of(from, &times_lines[i]));
}

static bool
counts_reconnects(const struct stat_line *line)
{
	return strcmp(line->metric, "relay_redis_reconnects_total") == 0;
}

void
stats_reconnect(struct stats *stats, const char *reason)
{
	const struct stat_line *row = NULL;
	char label[40];
	snprintf(label, sizeof(label), "reason=\"%s\"", reason);
	for (size_t i = 0; i < LINE_COUNT; i++) {
		if (!counts_reconnects(&lines[i]))
			continue;
		row = &lines[i]; /* "other" is the last one */
		if (strcmp(row->labels, label) == 0)
			break;
	}
	add(value_of(stats, row), 1);
}

uint64_t
stats_reconnects(struct stats *stats)
{
	uint64_t count = 0;
	for (size_t i = 0; i < LINE_COUNT; i++) {
		if (counts_reconnects(&lines[i]))
			count += load(value_of(stats, &lines[i]));
	}
	return count;
}

uint64_t
stats_clients(struct stats *stats)
{
	uint64_t count = 0;
	for (size_t i = 0; i < STATS_ENDPOINTS; i++)
		count += load(&stats->clients[i]);
	return count;
}

static bool
begins_metric(const struct stat_line *table, size_t i)
{
	return i == 0 || strcmp(table[i].metric, table[i - 1].metric) != 0;
}

static void
print_times(const struct times_line *line, const struct stats_times *times,
    struct buf *out)
{
	uint64_t seen = 0;
	buf_addf(out, "# HELP %s %s\n# TYPE %s histogram\n", line->metric,
	    line->help, line->metric);
	for (size_t i = 0; i < STATS_BUCKETS; i++) {
		seen += load(&times->bucket[i]);
		if (i + 1 < STATS_BUCKETS)
			buf_addf(out, "%s_bucket{le=\"%g\"} ", line->metric,
			    (double)(UINT64_C(1) << i) / 1e6);
		else
			buf_addf(out, "%s_bucket{le=\"+Inf\"} ", line->metric);
		buf_add_u64(out, seen);
		buf_add_char(out, '\n');
	}
	buf_addf(out, "%s_sum %.6f\n%s_count ", line->metric,
	    (double)load(&times->sum_us) / 1e6, line->metric);
	buf_add_u64(out, seen);
	buf_add_char(out, '\n');
}

/* OpenMetrics names a family of counters without the suffix of its samples. */
static void
print_head(
    const struct stat_line *line, enum stats_format format, struct buf *out)
{
	size_t length = strlen(line->metric);
	if (format == STATS_OPENMETRICS && strcmp(line->kind, "counter") == 0)
		length -= strlen("_total");
	buf_addf(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)length,
	    line->metric, line->help, (int)length, line->metric, line->kind);
}

static void
print_endpoints(struct stats *sum, const struct stats_names *names,
    enum stats_format format, struct buf *out)
{
	for (size_t i = 0; i < ENDPOINT_COUNT; i++) {
		const struct stat_line *line = &endpoint_lines[i];
		if (begins_metric(endpoint_lines, i))
			print_head(line, format, out);
		for (size_t n = 0; n < names->count; n++) {
			buf_addf(out, "%s{endpoint=", line->metric);
			buf_add_json_string(out, view_of(names->endpoints[n]));
			buf_addf(out, "%s%s} ", line->labels[0] ? "," : "",
			    line->labels);
			buf_add_u64(out, load(value_of(sum, line) + n));
			buf_add_char(out, '\n');
		}
	}
}

void
stats_print(struct stats *sum, const struct stats_names *names,
    enum stats_format format, struct buf *out)
{
	print_endpoints(sum, names, format, out);
	for (size_t i = 0; i < LINE_COUNT; i++) {
		const struct stat_line *line = &lines[i];
		if (begins_metric(lines, i))
			print_head(line, format, out);
		buf_add_text(out, line->metric);
		if (line->labels[0])
			buf_addf(out, "{%s}", line->labels);
		buf_add_char(out, ' ');
		buf_add_u64(out, load(value_of(sum, line)));
		buf_add_char(out, '\n');
	}
	for (size_t i = 0; i < TIMES_COUNT; i++)
		print_times(
		    &times_lines[i], times_of(sum, &times_lines[i]), out);
	if (format == STATS_OPENMETRICS)
		buf_add_text(out, "# EOF\n");
}
