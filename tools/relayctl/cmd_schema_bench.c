/* SPDX-License-Identifier: MIT */

/*
 * relayctl schema bench: what scanning and validating cost, in ns an instance.
 * Each round runs over all instances often enough to be measured; the three
 * take turns, so that what disturbs the machine disturbs all, and of each the
 * median of its rounds is told. Validation alone works on documents scanned
 * before.
 */

#include "schema_files.h"

#include "xmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS        41
#define ROUND_NS      5000000u /* a round takes at least this long */
#define INSTANCES_MAX 1000000u

struct bench {
	struct ctl *ctl;
	struct schema *schema;
	struct schema_scratch *scratch;
	struct buf text;
	struct view *lines;
	struct json_doc *docs; /* scanned, one a line */
	struct json_doc doc;   /* reused, as a server does */
	size_t count;
	size_t bytes;
	size_t valid;
};

typedef void round_fn(struct bench *bench);

/* Of our own: what others do on the machine meanwhile is not our cost. */
static uint64_t
now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool
scan(struct json_doc *doc, struct view line)
{
	struct json_limits limits = { 0 };
	struct json_fault fault;
	return json_scan(doc, line, &limits, &fault) == 0;
}

static void
scan_all(struct bench *bench)
{
	for (size_t i = 0; i < bench->count; i++)
		scan(&bench->doc, bench->lines[i]);
}

static void
validate_all(struct bench *bench)
{
	bench->valid = 0;
	for (size_t i = 0; i < bench->count; i++)
		bench->valid += schema_check(
		    bench->schema, bench->scratch, &bench->docs[i], 0);
}

static void
both_all(struct bench *bench)
{
	bench->valid = 0;
	for (size_t i = 0; i < bench->count; i++)
		bench->valid += scan(&bench->doc, bench->lines[i]) &&
		    schema_check(bench->schema, bench->scratch, &bench->doc, 0);
}

static int
compare(const void *a, const void *b)
{
	double left = *(const double *)a;
	double right = *(const double *)b;
	return (left > right) - (left < right);
}

struct series {
	round_fn *run;
	unsigned repeats; /* so that a round lasts long enough */
	double rounds[ROUNDS];
};

static void
calibrate(struct bench *bench, struct series *series)
{
	uint64_t start = now_ns();
	for (uint64_t took = 0; took < ROUND_NS; took = now_ns() - start) {
		series->run(bench);
		series->repeats++;
	}
}

static void
time_round(struct bench *bench, struct series *series, size_t round)
{
	uint64_t start = now_ns();
	for (unsigned k = 0; k < series->repeats; k++)
		series->run(bench);
	series->rounds[round] =
	    (double)(now_ns() - start) / series->repeats / (double)bench->count;
}

static void
time_all(struct bench *bench, struct series *series, size_t count)
{
	for (size_t i = 0; i < count; i++)
		calibrate(bench, &series[i]);
	for (size_t round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < count; i++)
			time_round(bench, &series[i], round);
	for (size_t i = 0; i < count; i++)
		qsort(series[i].rounds, ROUNDS, sizeof(double), compare);
}

/* Without room for more, so that documents lie close. */
static void
trim(struct json_doc *doc)
{
	doc->capacity = doc->count;
	doc->nodes = xrealloc(doc->nodes, doc->count * sizeof(*doc->nodes));
}

static int
add_line(struct bench *bench, struct view line, unsigned long number)
{
	if (bench->count == INSTANCES_MAX)
		return 0;
	bool is_full = (bench->count & (bench->count - 1)) == 0;
	size_t room = bench->count ? 2 * bench->count : 1;
	if (is_full) {
		bench->lines =
		    xrealloc(bench->lines, room * sizeof(*bench->lines));
		bench->docs =
		    xrealloc(bench->docs, room * sizeof(*bench->docs));
	}
	struct json_doc *doc = &bench->docs[bench->count];
	json_doc_init(doc);
	bench->lines[bench->count++] = line;
	bench->bytes += line.len;
	if (!scan(doc, line))
		return ctl_fail(bench->ctl, CTL_INPUT, "not_json",
		    "line %lu is not JSON", number);
	trim(doc);
	return 0;
}

static int
split_lines(struct bench *bench)
{
	const char *at = bench->text.data;
	const char *end = at + bench->text.len;
	int rc = 0;
	for (unsigned long number = 1; at < end && rc == 0; number++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((stop ? stop : end) - at);
		if (length > 0)
			rc = add_line(bench, view_make(at, length), number);
		at += length + 1;
	}
	if (rc == 0 && bench->count == 0)
		return ctl_fail(bench->ctl, CTL_INPUT, "empty", "no instances");
	return rc;
}

static void
report(struct bench *bench)
{
	struct series series[] = { { .run = scan_all }, { .run = both_all },
		{ .run = validate_all } };
	time_all(bench, series, 3);
	double scanning = series[0].rounds[ROUNDS / 2];
	double both = series[1].rounds[ROUNDS / 2];
	double validating = series[2].rounds[ROUNDS / 2];
	double size = (double)bench->bytes / (double)bench->count;
	ctl_printf(bench->ctl,
	    "%zu instances, %.0f bytes on average, %zu valid\n", bench->count,
	    size, bench->valid);
	ctl_printf(bench->ctl,
	    "scan     %9.1f ns\nvalidate %9.1f ns\nboth     %9.1f ns\n",
	    scanning, validating, both);
	buf_addf(&bench->ctl->result,
	    "{\"instances\":%zu,\"bytes\":%.1f,\"valid\":%zu,"
	    "\"scan_ns\":%.1f,\"validate_ns\":%.1f,\"both_ns\":%.1f}",
	    bench->count, size, bench->valid, scanning, validating, both);
}

static void
free_bench(struct bench *bench)
{
	for (size_t i = 0; i < bench->count; i++)
		json_doc_fini(&bench->docs[i]);
	free(bench->docs);
	free(bench->lines);
	json_doc_fini(&bench->doc);
	buf_fini(&bench->text);
	schema_scratch_free(&bench->scratch);
	schema_free(&bench->schema);
}

static int
run(struct bench *bench, const char *path)
{
	json_doc_init(&bench->doc);
	buf_init(&bench->text, 0);
	bench->scratch = schema_scratch_new();
	int rc = CTL_INPUT;
	if (ctl_read_file(bench->ctl, path, &bench->text) == 0)
		rc = split_lines(bench);
	if (rc == 0)
		report(bench);
	return rc;
}

int
cmd_schema_bench(struct ctl *ctl)
{
	const char *path = NULL;
	const char *draft = NULL;
	struct schema_options schema_options = { 0 };
	struct bench bench = { .ctl = ctl };
	const struct ctl_option options[] = {
		{ .name = "--schema", .value = &path },
		{ .name = "--draft", .value = &draft },
		{ .name = "--format-assertion",
		    .flag = &schema_options.format_assertion },
	};
	int status = ctl_parse(ctl, options, 3);
	if (status == 0)
		status = schema_files_draft(ctl, draft, &schema_options.draft);
	if (status != 0)
		return status;
	if (!path || ctl->argc != 1)
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "--schema FILE and one file of instances are needed");
	bench.schema = schema_files_compile(ctl, path, &schema_options);
	if (!bench.schema)
		return CTL_INPUT;
	status = run(&bench, ctl->argv[0]);
	free_bench(&bench);
	return status;
}
