/* SPDX-License-Identifier: MIT */
#include "judge.h"
#include "log.h"
#include "stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(rows)   (sizeof(rows) / sizeof((rows)[0]))
#define TALK          0 /* endpoints of the contract made for tests */
#define WATCH         1
#define WORKING_INDEX 0 /* of its messages, at both */

#define WORKING \
	"{\"meta\":{\"kind\":\"working\"},\"piece\":\"leg\",\"progress\":0.5}"
#define BROKEN \
	"{\"meta\":{\"kind\":\"working\"},\"piece\":\"leg\",\"progress\":7}"
#define FINISHED "{\"meta\":{\"kind\":\"finished\"},\"piece\":\"chair\"}"
#define RECEIPT  "{\"meta\":{\"kind\":\"receipt\"},\"number\":1}"
#define UNKNOWN  "{\"meta\":{\"kind\":\"sawing\"}}"

static struct contract *contract;
static struct stats stats;
static struct judge *judge;
static struct verdict verdict;

static unsigned letters;
static char last_code[32];
static char last_pointer[64];
static char last_rule[32];
static char last_message[256];

static void
on_dead_letter(void *arg, const struct refused_entry *refused)
{
	const struct violation *violation = refused->violation;
	assert_ptr_equal(arg, &letters);
	assert_true(view_is(refused->stream, "relay:events:{a/b/c}"));
	assert_int_equal(refused->entry->id.ms, 5);
	letters++;
	snprintf(last_code, sizeof(last_code), "%s", refused->code);
	snprintf(last_pointer, sizeof(last_pointer), "%.60s",
	    violation ? violation->pointer : "none");
	snprintf(last_rule, sizeof(last_rule), "%.30s",
	    violation ? violation->rule : "none");
	snprintf(
	    last_message, sizeof(last_message), "%.250s", refused->message);
}

static struct judge_options
options_of(enum judge_mode mode)
{
	return (struct judge_options){
		.mode = mode, .max_depth = 4, .max_event_bytes = 200
	};
}

static void
open_with(const struct judge_options *options)
{
	judge_free(&judge);
	memset(&stats, 0, sizeof(stats));
	letters = 0;
	snprintf(last_code, sizeof(last_code), "none");
	judge = judge_new(contract, options, &stats, on_dead_letter, &letters);
}

static void
open_judge(enum judge_mode mode)
{
	const struct judge_options options = options_of(mode);
	open_with(&options);
}

static void
open_with_rules(
    enum judge_mode mode, const struct mode_rule *rules, size_t count)
{
	struct judge_options options = options_of(mode);
	options.rules = rules;
	options.rule_count = count;
	open_with(&options);
}

static void
look_again(struct view event, enum judge_look kind)
{
	/* An exact copy on the heap, so that a sanitizer sees an overread. */
	static char *copy;
	struct batch_entry entry = { .id = { 5, 1 }, .has_event = true };
	free(copy);
	copy = malloc(event.len ? event.len : 1);
	memcpy(copy, event.data, event.len);
	entry.event = view_make(copy, event.len);
	judge_entry(
	    judge, view_of("relay:events:{a/b/c}"), &entry, kind, &verdict);
}

static void
look(const char *event)
{
	look_again(view_of(event), LOOK_FIRST);
}

static int
setup(void **state)
{
	struct error err = { "", "" };
	(void)state;
	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, 0);
	contract =
	    contract_load(RELAY_SOURCE_DIR "/tests/data/contract-other", &err);
	if (!contract)
		print_error("%s: %s\n", err.where, err.message);
	return contract ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	look_again(view_of(""), LOOK_AGAIN);
	judge_free(&judge);
	contract_free(&contract);
	return 0;
}

static void
an_event_goes_to_the_endpoints_that_declare_its_type(void **state)
{
	(void)state;
	open_judge(JUDGE_ENFORCE);
	look(WORKING);
	assert_int_equal(verdict.view[TALK], VIEW_DELIVER);
	assert_int_equal(verdict.view[WATCH], VIEW_DELIVER);
	look(RECEIPT);
	assert_int_equal(verdict.view[TALK], VIEW_DELIVER);
	assert_int_equal(verdict.view[WATCH], VIEW_OTHER);
	assert_int_equal(letters, 0);
	assert_int_equal(stat_get(&stats, violations_event), 0);
}

static void
terminal_and_direct_come_from_the_contract(void **state)
{
	(void)state;
	open_judge(JUDGE_WARN);
	look(FINISHED);
	assert_true(verdict.terminal[TALK] && verdict.terminal[WATCH]);
	assert_false(verdict.direct[TALK]);
	look(RECEIPT);
	assert_true(verdict.direct[TALK]);
	assert_false(verdict.terminal[TALK]);
	look(WORKING);
	assert_false(verdict.terminal[TALK] || verdict.direct[TALK]);
}

static void
white_space_before_the_object_is_left_out_and_behind_it_kept(void **state)
{
	(void)state;
	open_judge(JUDGE_WARN);
	look(" \n\t" FINISHED " \n");
	assert_true(view_is(verdict.object, FINISHED " \n"));
	assert_false(verdict.is_empty_object);
	look(" { } ");
	assert_true(view_is(verdict.object, "{ } "));
	assert_true(verdict.is_empty_object);
}

/* What cannot be delivered is refused in every mode; the rest by mode. */
struct row {
	const char *event;
	const char *code;
	const char *pointer;
	const char *rule;
};
static const struct row hopeless[] = {
	{ "", "invalid_json", "none", "none" },
	{ "{", "invalid_json", "none", "none" },
	{ "{\"a\":NaN}", "invalid_json", "none", "none" },
	{ "{\"a\":1,\"a\":2}", "invalid_json", "none", "none" },
	{ "{\"a\\u0000\":1}", "invalid_json", "none", "none" },
	{ "\xef\xbb\xbf{}", "invalid_json", "none", "none" },
	{ "{\"a\":\"\xff\"}", "invalid_json", "none", "none" },
	{ "[" WORKING "]", "not_object", "", "type" },
	{ "\""
	  "working"
	  "\"",
	    "not_object", "", "type" },
	{ "[[[[[1]]]]]", "too_deep", "none", "none" },
	{ "{\"cursor\":null,\"meta\":{\"kind\":\"working\"},\"piece\":\"\","
	  "\"progress\":1}",
	    "reserved_member", "/cursor", "reserved" },
	{ "{\"c\\u0075rsor\":1}", "reserved_member", "/cursor", "reserved" },
	{ "{\"meta\":{\"kind\":\"relay.gap\"}}", "reserved_member",
	    "/meta/kind", "reserved" },
	{ "{\"type\":\"relay.hello\",\"meta\":{\"kind\":\"finished\"},"
	  "\"piece\":\"\"}",
	    "reserved_member", "/type", "reserved" },
};

static void
what_cannot_be_delivered_is_refused_in_every_mode(void **state)
{
	(void)state;
	for (int mode = JUDGE_OFF; mode <= JUDGE_ENFORCE; mode++) {
		open_judge((enum judge_mode)mode);
		for (size_t i = 0; i < COUNT(hopeless); i++) {
			const struct row *row = &hopeless[i];
			look(row->event);
			assert_string_equal(last_code, row->code);
			assert_string_equal(last_pointer, row->pointer);
			assert_string_equal(last_rule, row->rule);
			assert_int_equal(verdict.view[TALK], VIEW_REFUSE);
			assert_int_equal(verdict.view[WATCH], VIEW_REFUSE);
			assert_int_equal(letters, i + 1);
		}
		assert_int_equal(stat_get(&stats, refused_invalid_json), 7);
		assert_int_equal(stat_get(&stats, refused_not_object), 2);
		assert_int_equal(stat_get(&stats, refused_too_deep), 1);
		assert_int_equal(stat_get(&stats, refused_reserved_member), 4);
		assert_int_equal(letters, 14);
		assert_int_equal(stat_get(&stats, violations_event), 14);
	}
}

static void
an_entry_without_an_event_field_is_refused(void **state)
{
	(void)state;
	struct batch_entry entry = { .id = { 5, 1 } };
	open_judge(JUDGE_OFF);
	judge_entry(judge, view_of("relay:events:{a/b/c}"), &entry, LOOK_FIRST,
	    &verdict);
	assert_string_equal(last_code, "missing_field");
	assert_int_equal(verdict.view[WATCH], VIEW_REFUSE);
	assert_int_equal(stat_get(&stats, refused_missing_field), 1);
}

static void
an_event_of_the_greatest_size_passes_and_one_byte_more_does_not(void **state)
{
	(void)state;
	char event[201];
	memset(event, ' ', sizeof(event));
	memcpy(event, FINISHED, strlen(FINISHED));
	open_judge(JUDGE_OFF);
	look_again(view_make(event, 200), LOOK_FIRST);
	assert_int_equal(letters, 0);
	look_again(view_make(event, 201), LOOK_FIRST);
	assert_string_equal(last_code, "too_large");
	assert_string_equal(last_message, "201 bytes, at most 200 are allowed");
	assert_int_equal(verdict.view[TALK], VIEW_REFUSE);
	assert_int_equal(stat_get(&stats, refused_too_large), 1);
}

static void
an_event_of_the_greatest_depth_passes(void **state)
{
	(void)state;
	open_judge(JUDGE_OFF);
	look("{\"meta\":{\"kind\":[[1]]}}");
	assert_int_equal(letters, 0);
}

static void
off_does_not_look_at_the_payload(void **state)
{
	(void)state;
	open_judge(JUDGE_OFF);
	look(BROKEN);
	assert_int_equal(verdict.view[TALK], VIEW_DELIVER);
	look(UNKNOWN);
	assert_int_equal(verdict.view[TALK], VIEW_DELIVER);
	assert_int_equal(verdict.view[WATCH], VIEW_DELIVER);
	assert_int_equal(letters, 0);
	assert_int_equal(stat_get(&stats, violations_event), 0);
}

static void
warn_delivers_and_counts(void **state)
{
	(void)state;
	open_judge(JUDGE_WARN);
	look(BROKEN);
	assert_int_equal(verdict.view[TALK], VIEW_DELIVER);
	assert_int_equal(verdict.view[WATCH], VIEW_DELIVER);
	look(UNKNOWN);
	assert_int_equal(verdict.view[TALK], VIEW_DELIVER);
	assert_int_equal(verdict.view[WATCH], VIEW_DELIVER);
	assert_false(verdict.terminal[TALK]);
	look("{\"no\":\"type\"}");
	assert_int_equal(verdict.view[WATCH], VIEW_DELIVER);
	assert_int_equal(letters, 0);
	assert_int_equal(stat_get(&stats, violations_event), 3);
	assert_int_equal(stat_get(&stats, refused_invalid_payload), 0);
}

static void
enforce_refuses_and_says_why(void **state)
{
	(void)state;
	open_judge(JUDGE_ENFORCE);
	look(BROKEN);
	assert_int_equal(verdict.view[TALK], VIEW_REFUSE);
	assert_int_equal(verdict.view[WATCH], VIEW_REFUSE);
	assert_string_equal(last_code, "invalid_payload");
	assert_string_equal(last_pointer, "/progress");
	assert_string_equal(last_rule, "maximum");
	look(UNKNOWN);
	assert_int_equal(verdict.view[WATCH], VIEW_REFUSE);
	assert_string_equal(last_code, "unknown_type");
	assert_string_equal(last_pointer, "/meta/kind");
	assert_string_equal(last_rule, "enum");
	assert_string_equal(last_message, "no endpoint declares this type");
	look("{\"meta\":{\"kind\":7}}");
	assert_string_equal(last_rule, "enum");
	look("{\"meta\":\"working\"}");
	assert_string_equal(last_code, "unknown_type");
	assert_string_equal(last_rule, "required");
	assert_string_equal(last_message, "the event says no type");
	assert_int_equal(letters, 4);
	assert_int_equal(stat_get(&stats, refused_invalid_payload), 1);
	assert_int_equal(stat_get(&stats, refused_unknown_type), 3);
}

static void
a_type_may_have_a_mode_of_its_own_on_one_endpoint(void **state)
{
	(void)state;
	const struct mode_rule rules[] = { { WATCH, WORKING_INDEX,
					       JUDGE_ENFORCE },
		{ TALK, WORKING_INDEX, JUDGE_OFF } };
	open_with_rules(JUDGE_WARN, rules, COUNT(rules));
	look(BROKEN);
	assert_int_equal(verdict.view[TALK], VIEW_DELIVER);
	assert_int_equal(verdict.view[WATCH], VIEW_REFUSE);
	assert_int_equal(letters, 1);
	assert_int_equal(stat_get(&stats, violations_event), 1);
	look("{\"meta\":{\"kind\":\"finished\"}}");
	assert_int_equal(verdict.view[WATCH], VIEW_DELIVER);
	assert_int_equal(letters, 1);
}

static void
a_rule_for_a_type_holds_against_one_for_its_endpoint(void **state)
{
	(void)state;
	const struct mode_rule rules[] = { { TALK, WORKING_INDEX, JUDGE_WARN },
		{ TALK, MODE_RULE_ALL, JUDGE_ENFORCE } };
	open_with_rules(JUDGE_WARN, rules, COUNT(rules));
	look(BROKEN);
	assert_int_equal(verdict.view[TALK], VIEW_DELIVER);
	look("{\"meta\":{\"kind\":\"receipt\"},\"number\":\"x\"}");
	assert_int_equal(verdict.view[TALK], VIEW_REFUSE);
	assert_int_equal(letters, 1);
}

static void
an_unknown_type_meets_the_mode_of_each_endpoint(void **state)
{
	(void)state;
	const struct mode_rule enforced = { WATCH, MODE_RULE_ALL,
		JUDGE_ENFORCE };
	const struct mode_rule off = { WATCH, MODE_RULE_ALL, JUDGE_OFF };
	open_with_rules(JUDGE_OFF, &enforced, 1);
	look(UNKNOWN);
	assert_int_equal(verdict.view[TALK], VIEW_DELIVER);
	assert_int_equal(verdict.view[WATCH], VIEW_REFUSE);
	assert_int_equal(letters, 1);
	assert_string_equal(last_code, "unknown_type");
	open_with_rules(JUDGE_WARN, &off, 1);
	look(UNKNOWN);
	assert_int_equal(verdict.view[WATCH], VIEW_DELIVER);
	assert_int_equal(letters, 0);
	assert_int_equal(stat_get(&stats, violations_event), 1);
	open_judge(JUDGE_OFF);
	look(UNKNOWN);
	assert_int_equal(stat_get(&stats, violations_event), 0);
}

static void
after_a_reload_the_new_options_and_contract_count(void **state)
{
	(void)state;
	struct error err;
	struct contract *other =
	    contract_load(RELAY_SOURCE_DIR "/tests/data/contract-other", &err);
	struct judge_options options = options_of(JUDGE_ENFORCE);
	struct contract *first = contract;
	open_judge(JUDGE_WARN);
	look(BROKEN);
	assert_int_equal(verdict.view[TALK], VIEW_DELIVER);
	options.max_depth = 1;
	judge_reload(judge, other, &options);
	contract_free(&first); /* a sanitizer sees who still looks at it */
	contract = other;
	look(BROKEN);
	assert_string_equal(last_code, "too_deep");
	options.max_depth = 4;
	judge_reload(judge, contract, &options);
	look(BROKEN);
	assert_string_equal(last_code, "invalid_payload");
	assert_int_equal(verdict.view[TALK], VIEW_REFUSE);
	look(WORKING);
	assert_int_equal(verdict.view[TALK], VIEW_DELIVER);
}

static void
what_is_looked_at_anew_is_a_dead_letter_but_not_counted(void **state)
{
	(void)state;
	static const char *const events[] = { BROKEN, UNKNOWN, "{" };
	open_judge(JUDGE_ENFORCE);
	for (size_t i = 0; i < COUNT(events); i++) {
		look_again(view_of(events[i]), LOOK_ANEW);
		assert_int_equal(verdict.view[TALK], VIEW_REFUSE);
		assert_int_equal(letters, i + 1);
	}
	assert_int_equal(stat_get(&stats, violations_event), 0);
	assert_int_equal(stat_get(&stats, refused_invalid_payload), 0);
	assert_int_equal(stat_get(&stats, refused_invalid_json), 0);
}

static void
an_entry_that_is_read_again_is_judged_alike_and_not_counted(void **state)
{
	(void)state;
	open_judge(JUDGE_ENFORCE);
	look_again(view_of(BROKEN), LOOK_AGAIN);
	assert_int_equal(verdict.view[TALK], VIEW_REFUSE);
	look_again(view_of("{"), LOOK_AGAIN);
	assert_int_equal(verdict.view[TALK], VIEW_REFUSE);
	look_again(view_of(UNKNOWN), LOOK_AGAIN);
	assert_int_equal(verdict.view[TALK], VIEW_REFUSE);
	assert_int_equal(letters, 0);
	assert_int_equal(stat_get(&stats, violations_event), 0);
	assert_int_equal(stat_get(&stats, refused_invalid_payload), 0);
}

static void
the_stream_goes_on_behind_a_refused_entry(void **state)
{
	(void)state;
	open_judge(JUDGE_ENFORCE);
	look(BROKEN);
	look(WORKING);
	assert_int_equal(verdict.view[TALK], VIEW_DELIVER);
	assert_true(view_is(verdict.object, WORKING));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    an_event_goes_to_the_endpoints_that_declare_its_type),
		cmocka_unit_test(terminal_and_direct_come_from_the_contract),
		cmocka_unit_test(
		    white_space_before_the_object_is_left_out_and_behind_it_kept),
		cmocka_unit_test(
		    what_cannot_be_delivered_is_refused_in_every_mode),
		cmocka_unit_test(an_entry_without_an_event_field_is_refused),
		cmocka_unit_test(
		    an_event_of_the_greatest_size_passes_and_one_byte_more_does_not),
		cmocka_unit_test(an_event_of_the_greatest_depth_passes),
		cmocka_unit_test(off_does_not_look_at_the_payload),
		cmocka_unit_test(warn_delivers_and_counts),
		cmocka_unit_test(enforce_refuses_and_says_why),
		cmocka_unit_test(
		    a_type_may_have_a_mode_of_its_own_on_one_endpoint),
		cmocka_unit_test(
		    a_rule_for_a_type_holds_against_one_for_its_endpoint),
		cmocka_unit_test(
		    an_unknown_type_meets_the_mode_of_each_endpoint),
		cmocka_unit_test(
		    after_a_reload_the_new_options_and_contract_count),
		cmocka_unit_test(
		    what_is_looked_at_anew_is_a_dead_letter_but_not_counted),
		cmocka_unit_test(
		    an_entry_that_is_read_again_is_judged_alike_and_not_counted),
		cmocka_unit_test(the_stream_goes_on_behind_a_refused_entry),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
