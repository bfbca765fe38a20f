/* SPDX-License-Identifier: MIT */

/*
 * Stream entries through the judge into the drift report, with a contract made
 * for tests: what enforce delivers is valid and what it withholds is a dead
 * letter; report and metrics are sound whatever names the entries hold. Lines
 * are events; what stands before a tab is the producer. The first byte chooses
 * modes and limits.
 */

#include "contract.h"
#include "drift.h"
#include "fuzz.h"
#include "judge.h"
#include "log.h"
#include "once.h"
#include "reference_report.h"
#include "stats.h"

#include <stdio.h>
#include <unistd.h>

#define ENTRIES_MAX 8
#define DEPTH       16
#define EVENT_BYTES 2000

struct bench {
	struct contract *contract;
	struct schema_scratch *scratch;
	struct json_doc doc;
	struct once *once;
	struct buf out;
	struct stats stats;
	uint64_t entries; /* gives each one an id of its own */
	unsigned letters;
};

static void
bench_init(struct bench *bench)
{
	struct error err;
	bench->contract =
	    contract_load(RELAY_SOURCE_DIR "/tests/data/contract-other", &err);
	must(bench->contract);
	bench->scratch = schema_scratch_new();
	bench->once = once_new();
	json_doc_init(&bench->doc);
	buf_init(&bench->out, 0);
	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_JSON, 0);
}

static void
on_dead_letter(void *arg, const struct refused_entry *refused)
{
	struct bench *bench = arg;
	must(refused->code[0] != '\0');
	bench->letters++;
}

static bool
is_valid(struct bench *bench, size_t endpoint)
{
	const struct contract_message *message;
	return contract_check(&bench->contract->endpoints[endpoint].server,
		   bench->scratch, &bench->doc, &message) == CONTRACT_VALID;
}

static void
check_verdict(struct bench *bench, enum judge_mode mode,
    const struct batch_entry *entry, const struct verdict *verdict)
{
	struct json_limits limits = { .max_depth = DEPTH, .strict_keys = true };
	struct json_fault fault;
	bool is_object =
	    json_scan(&bench->doc, entry->event, &limits, &fault) == 0 &&
	    bench->doc.nodes[0].type == JSON_OBJECT &&
	    entry->event.len <= EVENT_BYTES;
	bool is_withheld = false;
	for (size_t i = 0; i < bench->contract->endpoint_count; i++) {
		bool delivers = verdict->view[i] == VIEW_DELIVER;
		is_withheld |= verdict->view[i] == VIEW_REFUSE;
		must(is_object || verdict->view[i] == VIEW_REFUSE);
		if (delivers) {
			must(verdict->object.len &&
			    verdict->object.data[0] == '{');
			must(!json_member(&bench->doc, 0, view_of("cursor")));
		}
		if (delivers && mode == JUDGE_ENFORCE)
			must(is_valid(bench, i));
	}
	must((bench->letters == 1) == is_withheld);
}

static void
judge_line(struct bench *bench, struct judge *judge, enum judge_mode mode,
    struct view line)
{
	struct batch_entry entry = {
		.id = { ++bench->entries, 0 }, .has_event = true, .event = line
	};
	struct verdict verdict;
	const char *tab = memchr(line.data, '\t', line.len);
	if (tab) {
		size_t length = (size_t)(tab - line.data);
		entry.producer = view_make(line.data, length);
		entry.event = view_make(tab + 1, line.len - length - 1);
	}
	bench->letters = 0;
	judge_entry(
	    judge, view_of("events:{a/b/c}"), &entry, LOOK_FIRST, &verdict);
	check_verdict(bench, mode, &entry, &verdict);
}

/* Every line a comment, or a name and labels in quotes that are closed. */
static void
check_metrics(struct view text)
{
	bool is_quoted = false;
	bool is_first = true;
	for (size_t i = 0; i < text.len; i++) {
		char byte = text.data[i];
		must((unsigned char)byte >= ' ' || byte == '\n');
		if (is_first)
			must(byte == '#' || byte == 'r');
		if (byte == '\\' && is_quoted)
			i++;
		else if (byte == '"')
			is_quoted = !is_quoted;
		is_first = byte == '\n';
		must(!is_first || !is_quoted);
	}
	must(is_first || text.len == 0);
}

static void
print(struct bench *bench, struct drift *drift)
{
	buf_clear(&bench->out);
	drift_print(&drift, 1, 2000, &bench->out);
	must_be_json(buf_view(&bench->out));
	buf_clear(&bench->out);
	drift_print_metrics(&drift, 1, false, &bench->out);
	check_metrics(buf_view(&bench->out));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bench bench;
	if (size == 0)
		return 0;
	if (!bench.contract)
		bench_init(&bench);
	const struct judge_options options = {
		.mode = (enum judge_mode)(data[0] % 3),
		.max_depth = DEPTH,
		.max_event_bytes = EVENT_BYTES,
	};
	struct judge *judge = judge_new(
	    bench.contract, &options, &bench.stats, on_dead_letter, &bench);
	struct drift_bound bound = { .cells_max = data[0] / 3 + 1u };
	struct drift *drift = drift_new(bench.contract, &bound, 1000);
	judge_attach_drift(judge, drift, bench.once);
	const char *at = (const char *)data + 1;
	const char *end = (const char *)data + size;
	for (size_t i = 0; at < end && i < ENTRIES_MAX; i++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		stop = stop ? stop : end;
		judge_line(&bench, judge, options.mode,
		    view_make(at, (size_t)(stop - at)));
		at = stop + 1;
	}
	print(&bench, drift);
	drift_free(&drift);
	judge_free(&judge);
	return 0;
}
