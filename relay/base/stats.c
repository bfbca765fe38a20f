/* SPDX-License-Identifier: MIT */
#include "stats.h"

#include <stddef.h>

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
#include "stats.def"
#undef STAT
};

#define LINE_COUNT (sizeof(lines) / sizeof(lines[0]))

static _Atomic uint64_t *
value_of(struct stats *stats, const struct stat_line *line)
{
	return (_Atomic uint64_t *)((char *)stats + line->offset);
}

void
stats_sum(struct stats *to, struct stats *from)
{
	for (size_t i = 0; i < LINE_COUNT; i++) {
		_Atomic uint64_t *sum = value_of(to, &lines[i]);
		uint64_t more = atomic_load_explicit(
		    value_of(from, &lines[i]), memory_order_relaxed);
		atomic_store_explicit(sum,
		    atomic_load_explicit(sum, memory_order_relaxed) + more,
		    memory_order_relaxed);
	}
}

static bool
begins_metric(size_t i)
{
	return i == 0 || strcmp(lines[i].metric, lines[i - 1].metric) != 0;
}

void
stats_prometheus(struct stats *sum, struct buf *out)
{
	for (size_t i = 0; i < LINE_COUNT; i++) {
		const struct stat_line *line = &lines[i];
		if (begins_metric(i))
			buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n",
			    line->metric, line->help, line->metric, line->kind);
		buf_add_text(out, line->metric);
		if (line->labels[0])
			buf_addf(out, "{%s}", line->labels);
		buf_add_char(out, ' ');
		buf_add_u64(out,
		    atomic_load_explicit(
			value_of(sum, line), memory_order_relaxed));
		buf_add_char(out, '\n');
	}
}
