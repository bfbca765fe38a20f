/* SPDX-License-Identifier: MIT */

/*
 * The measuring half of tools/bench/validate, which says what is asked and in
 * which order:
 *
 *   bench_validate DIR|FILE.schema.json EVENTS.ndjson …   (pairs)
 *
 * A folder is a contract, whose chat endpoint's server side judges the events;
 * a file is a schema. Then each line on stdin, `MEASURE PAIR`, is answered with
 * one number, of one round: ns per event, or of `allocations` how many calls
 * of malloc and its kin a million events took.
 */

#include "contract.h"
#include "judge.h"
#include "peer_jsonc.h"
#include "stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PAIRS_MAX   16
#define EVENTS_MAX  64
#define ROUND_NS    20000000u
#define COUNTED     1000000u /* events whose allocations are counted */
#define EXPLAIN_MAX 10

struct pair {
	struct contract *contract; /* or: */
	struct schema *schema;
	const char *path;
	char *text;
	struct view events[EVENTS_MAX];
	struct json_doc docs[EVENTS_MAX]; /* scanned before */
	size_t count;
	struct judge *judge;
	struct json_doc doc;
	struct schema_scratch *scratch;
	struct peer_jsonc *jsonc;
	size_t invalid;
};

typedef void measure_fn(struct pair *pair, size_t event);

/* --- allocations, counted wherever they come from --- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static uint64_t allocations;

void *
malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	allocations++;
	return __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	allocations++;
	return __libc_realloc(old, size);
}

/* --- what can be measured of an event --- */

static const struct contract_side *
side_of(const struct pair *pair)
{
	return &pair->contract->endpoints[0].server;
}

static bool
is_valid(struct pair *pair, const struct json_doc *doc)
{
	const struct contract_message *message = NULL;
	if (pair->schema)
		return schema_check(pair->schema, pair->scratch, doc, 0);
	return contract_check(side_of(pair), pair->scratch, doc, &message) ==
	    CONTRACT_VALID;
}

static bool
is_scanned(struct pair *pair, size_t event)
{
	/* As relayd scans: judge_options and its default depth. */
	static const struct json_limits limits = { .max_depth = 64,
		.strict_keys = true };
	struct json_fault fault;
	return json_scan(&pair->doc, pair->events[event], &limits, &fault) == 0;
}

static void
scan(struct pair *pair, size_t event)
{
	pair->invalid += !is_scanned(pair, event);
}

static void
validate(struct pair *pair, size_t event)
{
	pair->invalid += !is_valid(pair, &pair->docs[event]);
}

static void
both(struct pair *pair, size_t event)
{
	pair->invalid +=
	    !is_scanned(pair, event) || !is_valid(pair, &pair->doc);
}

static void
judge(struct pair *pair, size_t event)
{
	struct batch_entry entry = { .id = { 1, event },
		.has_event = true,
		.event = pair->events[event] };
	struct verdict verdict;
	judge_entry(
	    pair->judge, view_of("stream"), &entry, LOOK_FIRST, &verdict);
	pair->invalid += verdict.view[0] != VIEW_DELIVER;
}

static void
parse(struct pair *pair, size_t event)
{
	pair->invalid += !peer_jsonc_parse(pair->jsonc, pair->events[event]);
}

/* From the text to all that is told of it. */
static void
reject(struct pair *pair, size_t event)
{
	struct violation violations[EXPLAIN_MAX];
	const struct contract_message *message = NULL;
	size_t told = 0;
	if (is_scanned(pair, event) &&
	    contract_check(side_of(pair), pair->scratch, &pair->doc,
		&message) == CONTRACT_INVALID)
		told = schema_explain(message->schema, pair->scratch,
		    &pair->doc, 0, violations, EXPLAIN_MAX);
	pair->invalid += told != EXPLAIN_MAX;
}

/* The whole folder: reading, compiling, checking its examples. */
static void
compile(struct pair *pair, size_t event)
{
	struct error err;
	struct contract *contract = contract_load(pair->path, &err);
	(void)event;
	pair->invalid += contract == NULL;
	contract_free(&contract);
}

static const struct {
	const char *name;
	measure_fn *run;
} measures[] = {
	{ "scan", scan },
	{ "validate", validate },
	{ "both", both },
	{ "judge", judge },
	{ "parse", parse },
	{ "reject", reject },
	{ "compile", compile },
};

/* --- rounds --- */

/* Of our own: what others do on the machine meanwhile is not our cost. */
static uint64_t
now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static double
time_round(struct pair *pair, measure_fn *run)
{
	uint64_t start = now_ns();
	uint64_t took = 0;
	uint64_t passes = 0;
	for (uint64_t step = 1; took < ROUND_NS; step *= 2) {
		for (uint64_t i = 0; i < step; i++)
			for (size_t event = 0; event < pair->count; event++)
				run(pair, event);
		passes += step;
		took = now_ns() - start;
	}
	return (double)took / (double)(passes * pair->count);
}

static double
count_allocations(struct pair *pair)
{
	measure_fn *run = pair->contract ? judge : both;
	for (size_t event = 0; event < pair->count; event++)
		run(pair, event); /* warm-up */
	uint64_t before = allocations;
	for (size_t i = 0; i < COUNTED; i++)
		run(pair, i % pair->count);
	return (double)(allocations - before);
}

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "bench_validate: %s: %s\n", what, why);
	exit(1);
}

static double
answer(struct pair *pair, const char *measure)
{
	pair->invalid = 0;
	double result = -1;
	if (strcmp(measure, "allocations") == 0)
		result = count_allocations(pair);
	for (size_t i = 0; i < sizeof(measures) / sizeof(measures[0]); i++)
		if (strcmp(measure, measures[i].name) == 0)
			result = time_round(pair, measures[i].run);
	if (result < 0)
		fail(measure, "no such measure");
	if (pair->invalid > 0)
		fail(measure, "an event was not judged as expected");
	return result;
}

/* --- inputs --- */

static struct view
read_all(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct buf text;
	char part[4096];
	size_t got = 0;
	buf_init(&text, 0);
	if (!file)
		fail(path, "cannot be read");
	while ((got = fread(part, 1, sizeof(part), file)) > 0)
		buf_add(&text, view_make(part, got));
	fclose(file);
	return buf_view(&text); /* kept to the end of the program */
}

static void
read_events(struct pair *pair, const char *path)
{
	struct view text = read_all(path);
	const char *at = text.data;
	const char *end = at + text.len;
	while (at < end && pair->count < EVENTS_MAX) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		if (!stop)
			stop = end;
		size_t event = pair->count++;
		pair->events[event] = view_make(at, (size_t)(stop - at));
		if (!is_scanned(pair, event))
			fail(path, "not JSON");
		pair->docs[event] = pair->doc; /* moves */
		json_doc_init(&pair->doc);
		at = stop + 1;
	}
}

static struct schema *
read_schema(const char *path)
{
	struct schema_set *set = schema_set_new();
	struct error err;
	struct schema *schema = NULL;
	if (schema_set_add(set, "file:bench", read_all(path), &err) == 0)
		schema = schema_compile(set, "file:bench", NULL, &err);
	if (!schema)
		fail(path, err.message);
	schema_set_free(&set);
	return schema;
}

static void
open_pair(struct pair *pair, const char *path, const char *events)
{
	static struct stats stats;
	struct judge_options options = { .mode = JUDGE_ENFORCE,
		.max_depth = 64,
		.max_event_bytes = 4 << 20 };
	struct error err;
	pair->path = path;
	pair->jsonc = peer_jsonc_new();
	pair->scratch = schema_scratch_new();
	json_doc_init(&pair->doc);
	if (strstr(path, ".schema.json"))
		pair->schema = read_schema(path);
	else if (!(pair->contract = contract_load(path, &err)))
		fail(err.where, err.message);
	if (pair->contract)
		pair->judge =
		    judge_new(pair->contract, &options, &stats, NULL, NULL);
	read_events(pair, events);
}

int
main(int argc, char **argv)
{
	static struct pair pairs[PAIRS_MAX];
	size_t count = 0;
	char measure[32];
	size_t pair = 0;
	for (int i = 1; i + 1 < argc && count < PAIRS_MAX; i += 2)
		open_pair(&pairs[count++], argv[i], argv[i + 1]);
	while (scanf("%31s %zu", measure, &pair) == 2 && pair < count) {
		printf("%.2f\n", answer(&pairs[pair], measure));
		fflush(stdout);
	}
	return 0;
}
