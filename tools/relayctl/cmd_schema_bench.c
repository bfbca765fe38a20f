/* SPDX-License-Identifier: MIT */

/*
 * relayctl schema bench: what scanning and validating cost, in ns an instance.
 * Each round runs over all instances often enough to be measured; the median
 * of the rounds is told. Validation alone works on documents scanned before.
 */

#include "schema_files.h"

#include "xmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS        11
#define ROUND_NS      20000000u /* a round takes at least this long */
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

static uint64_t
now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
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

/* How often a round must repeat to last long enough. */
static unsigned
calibrate(struct bench *bench, round_fn *run)
{
	uint64_t start = now_ns();
	run(bench);
	uint64_t took = now_ns() - start + 1;
	return took >= ROUND_NS ? 1 : (unsigned)(ROUND_NS / took) + 1;
}

static double
median_ns(struct bench *bench, round_fn *run)
{
	double rounds[ROUNDS];
	unsigned repeats = calibrate(bench, run);
	for (size_t i = 0; i < ROUNDS; i++) {
		uint64_t start = now_ns();
		for (unsigned k = 0; k < repeats; k++)
			run(bench);
		rounds[i] =
		    (double)(now_ns() - start) / repeats / (double)bench->count;
	}
	qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
	return rounds[ROUNDS / 2];
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
	if (scan(doc, line))
		return 0;
	return ctl_fail(
	    bench->ctl, CTL_INPUT, "not_json", "line %lu is not JSON", number);
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
	double scanning = median_ns(bench, scan_all);
	double validating = median_ns(bench, validate_all);
	double both = median_ns(bench, both_all);
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
