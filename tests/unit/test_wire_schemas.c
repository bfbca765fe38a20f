/* SPDX-License-Identifier: MIT */

/* What the relay ships besides its contract is what its schemas say: the
 * recorded run, the examples of notices, the status page. */

#include "contract.h"
#include "notice.h"
#include "status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CONTRACT RELAY_SOURCE_DIR "/schemas/fleet-rlm/3"
#define RUN      RELAY_SOURCE_DIR "/tests/data/run.ndjson"
#define RELAY    RELAY_SOURCE_DIR "/schemas/relay/"

static struct schema_scratch *scratch;
static struct json_doc doc;
static struct json_doc schema_doc;
static struct buf text;

static int
setup(void **state)
{
	(void)state;
	scratch = schema_scratch_new();
	json_doc_init(&doc);
	json_doc_init(&schema_doc);
	buf_init(&text, 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	schema_scratch_free(&scratch);
	json_doc_fini(&doc);
	json_doc_fini(&schema_doc);
	buf_fini(&text);
	return 0;
}

static void
scan(struct json_doc *into, struct view bytes)
{
	struct json_limits limits = { .max_depth = 64, .strict_keys = true };
	struct json_fault fault;
	assert_int_equal(json_scan(into, bytes, &limits, &fault), 0);
}

static struct contract *
load(void)
{
	struct error err = { "", "" };
	struct contract *contract = contract_load(CONTRACT, &err);
	if (!contract)
		fail_msg("%s: %s", err.where, err.message);
	return contract;
}

/* --- the recorded run --- */

struct tally {
	const struct contract_side *side;
	size_t seen[16]; /* by message of the side */
	size_t lines;
	long at_ms;
	bool has_ended;
};

static void
check_event(struct tally *tally, uint32_t at, struct view event)
{
	const struct contract_message *message;
	long at_ms = strtol(json_text(&schema_doc, at).data, NULL, 10);
	assert_true(at_ms >= tally->at_ms);
	assert_false(tally->has_ended);
	scan(&doc, event);
	if (contract_check(tally->side, scratch, &doc, &message) !=
	    CONTRACT_VALID)
		fail_msg("line %zu", tally->lines + 1);
	tally->seen[message - tally->side->messages]++;
	tally->at_ms = at_ms;
	tally->has_ended = message->is_terminal;
	tally->lines++;
}

static void
the_recorded_run_holds_every_type_and_keeps_the_contract(void **state)
{
	(void)state;
	struct contract *contract = load();
	struct tally tally = { .side = &contract->endpoints[0].server };
	char *line = NULL;
	size_t size = 0;
	FILE *file = fopen(RUN, "re");
	assert_non_null(file);
	for (ssize_t length; (length = getline(&line, &size, file)) > 0;) {
		scan(&schema_doc, view_make(line, (size_t)length));
		uint32_t at = json_member(&schema_doc, 0, view_of("at_ms"));
		uint32_t event = json_member(&schema_doc, 0, view_of("event"));
		assert_true(at && event);
		check_event(&tally, at, json_text(&schema_doc, event));
	}
	for (size_t i = 0; i < tally.side->message_count; i++)
		assert_true(tally.seen[i] > 0);
	assert_true(tally.lines >= 300);
	assert_true(tally.at_ms >= 180000 && tally.at_ms <= 600000);
	assert_true(tally.has_ended);
	free(line);
	fclose(file);
	contract_free(&contract);
}

/* --- schemas of our own --- */

static void
read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	buf_clear(&text);
	char *room = buf_reserve(&text, 1 << 20);
	text.len = fread(room, 1, 1 << 20, file);
	fclose(file);
}

static struct schema *
compile(const char *name)
{
	struct schema_options options = { .refuse_unknown_keywords = true };
	struct error err = { "", "" };
	char path[512];
	snprintf(path, sizeof(path), RELAY "%s", name);
	read_file(path);
	struct schema_set *set = schema_set_new();
	assert_int_equal(
	    schema_set_add(set, "file:///x", buf_view(&text), &err), 0);
	struct schema *schema =
	    schema_compile(set, "file:///x", &options, &err);
	if (!schema)
		fail_msg("%s: %s", err.where, err.message);
	schema_set_free(&set);
	return schema;
}

static void
assert_valid(
    const struct schema *schema, const struct json_doc *instance, uint32_t node)
{
	struct violation why;
	if (schema_explain(schema, scratch, instance, node, &why, 1) > 0)
		fail_msg("%s %s: expected %s, got %s", why.pointer, why.rule,
		    why.expected, why.got);
}

static void
every_notice_has_an_example_that_is_valid(void **state)
{
	(void)state;
	struct schema *schema = compile("notices.schema.json");
	scan(&schema_doc, buf_view(&text));
	uint32_t defs = json_member(&schema_doc, 0, view_of("$defs"));
	uint32_t key = defs + 1;
	size_t count = 0;
	for (uint32_t i = 0; i < schema_doc.nodes[defs].count; i++) {
		uint32_t list =
		    json_member(&schema_doc, key + 1, view_of("examples"));
		uint32_t item = list + 1;
		for (uint32_t j = 0; list && j < schema_doc.nodes[list].count;
		     j++) {
			assert_valid(schema, &schema_doc, item);
			item = schema_doc.nodes[item].next;
			count++;
		}
		key = schema_doc.nodes[key + 1].next;
	}
	assert_int_equal(count, 10);
	schema_free(&schema);
}

/* The frame that was written last, without its WebSocket header. */
static void
assert_notice(const struct schema *schema, struct buf *out)
{
	struct view frame = notice_finish(out);
	const char *start = memchr(frame.data, '{', frame.len);
	scan(&doc, view_make(start, frame.len - (size_t)(start - frame.data)));
	assert_valid(schema, &doc, 0);
	notice_begin(out);
}

static void
say_hello(const struct schema *schema, const struct contract *contract,
    struct buf *out)
{
	struct notice_hello hello = { .contract = contract,
		.endpoint = "chat",
		.connection = view_of("n-0-1"),
		.newest = { 5, 1 },
		.is_degraded = true };
	notice_hello(out, &hello);
	assert_notice(schema, out);
	hello.session = view_of("s");
	hello.has_ids = hello.has_entries = true;
	hello.is_degraded = false;
	notice_hello(out, &hello);
	assert_notice(schema, out);
}

static void
say_gaps(const struct schema *schema, struct buf *out)
{
	for (int reason = 0; reason <= GAP_DEAD_LETTERED; reason++) {
		struct gap gap = { .reason = (enum gap_reason)reason,
			.through = { UINT64_MAX, UINT64_MAX },
			.resumes_known = reason == 0 };
		notice_gap(out, &gap);
		assert_notice(schema, out);
	}
}

static void
what_the_relay_says_is_as_its_schema_says(void **state)
{
	(void)state;
	struct contract *contract = load();
	struct schema *schema = compile("notices.schema.json");
	struct entry_id id = { 7, 0 };
	struct notice_ack ack = { .command = id,
		.session = view_of("s"),
		.type = "message",
		.request_id = view_of("\"r\"") };
	struct buf out;
	buf_init(&out, 0);
	notice_begin(&out);
	say_hello(schema, contract, &out);
	say_gaps(schema, &out);
	notice_live(&out, id, 3);
	assert_notice(schema, &out);
	notice_cursor(&out, id);
	assert_notice(schema, &out);
	notice_degraded(&out, "closed", true, 1);
	assert_notice(schema, &out);
	notice_recovered(&out, 5);
	assert_notice(schema, &out);
	notice_ack(&out, &ack);
	assert_notice(schema, &out);
	notice_drain(&out, 5, &id);
	assert_notice(schema, &out);
	notice_drain(&out, 5, NULL);
	assert_notice(schema, &out);
	buf_fini(&out);
	schema_free(&schema);
	contract_free(&contract);
}

static void
a_notice_with_a_wrong_member_is_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"{\"type\":\"relay.live\",\"cursor\":\"1-\",\"replayed\":0}",
		"{\"type\":\"relay.live\",\"cursor\":\"1-1\"}",
		("{\"type\":\"relay.gap\",\"reason\":\"lost\",\"after\":\"0-"
		 "0\","
		 "\"through\":\"1-1\",\"resumes_at\":null}"),
		"{\"type\":\"relay.new\"}",
		"{\"type\":\"relay.expiring\",\"expires_in_ms\":\"5\"}",
	};
	struct schema *schema = compile("notices.schema.json");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		scan(&doc, view_of(wrong[i]));
		assert_false(schema_check(schema, scratch, &doc, 0));
	}
	schema_free(&schema);
}

static void
the_status_page_is_as_its_schema_says(void **state)
{
	(void)state;
	struct contract *contract = load();
	struct schema *schema = compile("status.schema.json");
	struct readiness_result probe = { .is_known = false };
	struct stats stats;
	memset(&stats, 0, sizeof(stats));
	struct stats_names names = { .endpoints = { "chat" }, .count = 1 };
	struct status_facts facts = { .version = "1",
		.names = &names,
		.node = "n",
		.contract_name = contract->name,
		.contract_version = contract->version,
		.contract_hash = contract->hash,
		.event_mode = "warn",
		.workers = 2,
		.started_ms = 1000,
		.now_ms = 3000,
		.since_ms = 2000,
		.redis_url = "unix:/x",
		.wakeup = "down",
		.probe = &probe,
		.addresses = { { .count = 1 } },
		.address_count = 1,
		.sum = &stats };
	for (int round = 0; round < 3; round++) {
		struct buf page;
		buf_init(&page, 0);
		facts.is_up = round > 0;
		facts.wakeup = round > 0 ? "poll" : "down";
		facts.is_draining = round > 1;
		probe.is_known = round > 0;
		status_print(&facts, &page);
		scan(&doc, buf_view(&page));
		assert_valid(schema, &doc, 0);
		buf_fini(&page);
	}
	schema_free(&schema);
	contract_free(&contract);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_recorded_run_holds_every_type_and_keeps_the_contract),
		cmocka_unit_test(every_notice_has_an_example_that_is_valid),
		cmocka_unit_test(what_the_relay_says_is_as_its_schema_says),
		cmocka_unit_test(a_notice_with_a_wrong_member_is_refused),
		cmocka_unit_test(the_status_page_is_as_its_schema_says),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
