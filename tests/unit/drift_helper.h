/* SPDX-License-Identifier: MIT */
#ifndef DRIFT_HELPER_H
#define DRIFT_HELPER_H

/* What the drift tests share: a contract, frames as traffic, the report. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "drift.h"

#define VIOLATIONS 10

#define EVENT(kind, version, more)                       \
	"{\"type\":\"event\",\"data\":{\"kind\":\"" kind \
	"\",\"version\":" version ",\"timestamp\":\"2026\"" more "}}"

static struct contract *contract;
static struct drift_bound bound;
static struct drift *drift;
static struct schema_scratch *scratch;
static struct json_doc frame;
static struct json_doc report;
static struct buf printed;
static uint64_t now_ms = 1000;
static const char *producer = "agent";
static char here[128]; /* pointer of the cell that was found last */

static const char contract_text[] =
    "{\"name\":\"carpenter\",\"version\":\"1\",\"endpoints\":{"
    "\"chat\":{\"path\":\"/chat\",\"direction\":\"both\","
    "\"client\":{\"discriminator\":\"/type\",\"session\":\"/session_id\","
    "\"messages\":{\"command\":\"s.json#/$defs/command\"}},"
    "\"server\":{\"discriminator\":\"/type\",\"terminal\":[\"done\"],"
    "\"messages\":{\"event\":\"s.json#/$defs/event\","
    "\"step\":\"s.json#/$defs/step\",\"done\":\"s.json#/$defs/done\"}}},"
    "\"watch\":{\"path\":\"/watch\",\"direction\":\"server\","
    "\"session_query\":\"session_id\",\"refuse_client\":{\"code\":\"no\","
    "\"message\":\"no\",\"close\":1008},"
    "\"server\":{\"discriminator\":\"/type\",\"terminal\":[\"done\"],"
    "\"messages\":{\"step\":\"s.json#/$defs/step\","
    "\"done\":\"s.json#/$defs/done\"}}}}}";

static const char schema_text[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
    "\"$defs\":{\"event\":{\"type\":\"object\",\"required\":[\"type\","
    "\"data\"],\"properties\":{\"type\":{\"const\":\"event\"},"
    "\"data\":{\"type\":\"object\",\"required\":[\"kind\",\"version\","
    "\"timestamp\"],\"properties\":{\"kind\":{\"enum\":[\"status\","
    "\"final\",\"token\"]},\"version\":{\"const\":3},"
    "\"timestamp\":{\"type\":\"string\"},\"text\":{\"type\":\"string\"},"
    "\"note\":{\"type\":\"string\"}}}}},"
    "\"step\":{\"type\":\"object\",\"required\":[\"type\"],\"properties\":"
    "{\"type\":{\"const\":\"step\"},\"parts\":{\"type\":\"array\","
    "\"items\":{\"type\":\"object\",\"properties\":{\"size\":"
    "{\"type\":\"integer\"}}}},\"input\":{}}},"
    "\"done\":{\"type\":\"object\",\"properties\":{\"type\":"
    "{\"const\":\"done\"}}},"
    "\"command\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"type\",\"name\"],\"properties\":{\"type\":"
    "{\"const\":\"command\"},\"session_id\":{\"type\":\"string\"},"
    "\"name\":{\"type\":\"string\"},\"trace\":{\"type\":\"boolean\"},"
    "\"args\":{\"type\":\"object\"}},"
    "\"if\":{\"required\":[\"name\"],\"properties\":{\"name\":{\"const\":"
    "\"resolve\"}}},\"then\":{\"properties\":{\"args\":{\"properties\":"
    "{\"message_id\":{\"type\":\"string\"},\"resolution\":"
    "{\"type\":\"string\"}}}}}}}}";

static inline void
write_file(const char *folder, const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* The contract of the folder, or that above. */
static inline void
open_drift(const char *folder)
{
	char made[] = "/tmp/drift.XXXXXX";
	struct error err = { 0 };
	if (!folder) {
		folder = mkdtemp(made);
		assert_non_null(folder);
		write_file(made, "contract.json", contract_text);
		write_file(made, "s.json", schema_text);
	}
	contract = contract_load(folder, &err);
	if (!contract)
		fail_msg("%s: %s", err.where, err.message);
	bound = (struct drift_bound){ .cells_max = DRIFT_CELLS };
	drift = drift_new(contract, &bound, now_ms);
	scratch = schema_scratch_new();
	json_doc_init(&frame);
	json_doc_init(&report);
	buf_init(&printed, 0);
	if (folder != made)
		return;
	char line[128];
	snprintf(line, sizeof(line), "rm -r %s", made);
	assert_int_equal(system(line), 0);
}

static inline int
close_drift(void **state)
{
	(void)state;
	drift_free(&drift);
	contract_free(&contract);
	schema_scratch_free(&scratch);
	json_doc_fini(&frame);
	json_doc_fini(&report);
	buf_fini(&printed);
	producer = "agent";
	now_ms = 1000;
	return 0;
}

/* One frame as the relay would show it. */
static inline void
show(struct drift *to, enum drift_direction direction, size_t endpoint,
    const char *text)
{
	static uint64_t number;
	struct json_limits limits = { .max_depth = 64, .strict_keys = true };
	struct json_fault fault;
	struct violation violations[VIOLATIONS];
	const struct contract_message *message = NULL;
	const struct contract_side *side = direction == DRIFT_CLIENT
	    ? &contract->endpoints[endpoint].client
	    : &contract->endpoints[endpoint].server;
	struct drift_origin origin = { .direction = direction,
		.endpoint = endpoint,
		.producer = view_of(producer),
		.id = { 5, number++ } };
	drift_tick(to, now_ms);
	if (json_scan(&frame, view_of(text), &limits, &fault) == -1) {
		drift_fault(to, &origin, "invalid_json", "", fault.message);
		return;
	}
	enum contract_verdict verdict =
	    contract_check(side, scratch, &frame, &message);
	if (!message) {
		drift_unknown(to, &origin, &frame);
		return;
	}
	drift_see(to, &origin, message, scratch, &frame);
	if (verdict == CONTRACT_VALID)
		return;
	size_t count = schema_explain(
	    message->schema, scratch, &frame, 0, violations, VIOLATIONS);
	drift_breach(to, &origin, message, &frame, violations, count);
}

static inline void
server(const char *text)
{
	show(drift, DRIFT_SERVER, 0, text);
}

static inline void
client(const char *text)
{
	show(drift, DRIFT_CLIENT, 0, text);
}

static inline void
print_all(struct drift *const *drifts, size_t count)
{
	struct json_limits limits = { .strict_keys = true };
	struct json_fault fault;
	buf_clear(&printed);
	drift_print(drifts, count, now_ms, &printed);
	buf_add_char(&printed, '\0');
	printed.len--;
	if (json_scan(&report, buf_view(&printed), &limits, &fault) == -1)
		fail_msg("%s at %zu:\n%.*s", fault.message, fault.offset,
		    (int)printed.len, printed.data);
}

static inline void
print(void)
{
	print_all(&drift, 1);
}

static inline bool
is_text(const char *base, const char *member, const char *json)
{
	char pointer[256];
	uint32_t node = 0;
	snprintf(pointer, sizeof(pointer), "%s/%s", base, member);
	return json_pointer_get(&report, view_of(pointer), &node) &&
	    view_is(json_text(&report, node), json);
}

/* Finds the item of the list with this pointer and (unless NULL) rule. */
static inline bool
find_cell(const char *list, const char *pointer, const char *rule)
{
	char wanted[256], quoted[64];
	uint32_t node = 0;
	snprintf(wanted, sizeof(wanted), "\"%s\"", pointer);
	snprintf(quoted, sizeof(quoted), "\"%s\"", rule ? rule : "");
	for (unsigned i = 0;; i++) {
		snprintf(here, sizeof(here), "/%s/%u", list, i);
		if (!json_pointer_get(&report, view_of(here), &node))
			return false;
		if (is_text(here, "pointer", wanted) &&
		    (!rule || is_text(here, "rule", quoted)))
			return true;
	}
}

static inline void
assert_cell(const char *list, const char *pointer, const char *rule)
{
	if (!find_cell(list, pointer, rule))
		fail_msg("no %s %s %s in:\n%.*s", list, pointer,
		    rule ? rule : "", (int)printed.len, printed.data);
}

static inline void
assert_here(const char *member, const char *json)
{
	if (!is_text(here, member, json))
		fail_msg("%s/%s is not %s in:\n%.*s", here, member, json,
		    (int)printed.len, printed.data);
}

static inline size_t
count_items(const char *pointer)
{
	uint32_t node = 0;
	assert_true(json_pointer_get(&report, view_of(pointer), &node));
	return report.nodes[node].count;
}

static inline int
open_own(void **state)
{
	(void)state;
	open_drift(NULL);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_own, close_drift)

#endif
