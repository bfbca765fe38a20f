/* SPDX-License-Identifier: MIT */
#include "exit_code.h"
#include "settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CONTRACT    RELAY_SOURCE_DIR "/tests/data/contract-other"
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct settings *
read_with(const char *flag, int *code_r, struct error *err)
{
	const char *argv[] = { "relayd", flag, NULL };
	*err = (struct error){ 0 };
	return settings_read(flag ? 2 : 1, (char *const *)(uintptr_t)argv,
	    CONTRACT, code_r, err);
}

static struct settings *
read_fine(const char *flag)
{
	struct error err;
	int code;
	struct settings *settings = read_with(flag, &code, &err);
	if (!settings)
		print_error("%s: %s\n", err.where, err.message);
	assert_non_null(settings);
	return settings;
}

static void
everything_is_read_and_tied_together(void **state)
{
	(void)state;
	struct settings *settings =
	    read_fine("--modes=talk=off,watch.working=enforce");
	assert_string_equal(settings->contract_id, "workshop/2024.1");
	assert_int_equal(settings->rule_count, 2);
	assert_int_equal(settings->rules[0].endpoint, 0);
	assert_int_equal(settings->rules[0].message, MODE_RULE_ALL);
	assert_int_equal(settings->rules[0].mode, JUDGE_OFF);
	assert_int_equal(settings->rules[1].endpoint, 1);
	assert_string_equal(settings->contract->endpoints[1]
				.server.messages[settings->rules[1].message]
				.type,
	    "working");
	assert_int_equal(settings->rules[1].mode, JUDGE_ENFORCE);
	settings_release(&settings);
	assert_null(settings);
	settings = read_fine("--origins=https://a,https://b");
	assert_int_equal(settings->origin_count, 2);
	assert_true(view_is(settings->origins[1].scheme, "https"));
	assert_true(view_is(settings->origins[1].host, "b"));
	assert_int_equal(settings->origins[1].port, 443);
	settings_release(&settings);
}

/* Both of names that may hold dots. */
static void
a_rule_is_for_the_endpoint_whose_name_fits_best(void **state)
{
	(void)state;
	struct contract_message sent[] = { { .type = (char *)"more.x" } };
	const struct contract_side server = {
		.messages = sent,
		.message_count = 1,
	};
	struct contract_endpoint endpoints[] = {
		{ .name = (char *)"talk", .server = server },
		{ .name = (char *)"talk.more", .server = server },
	};
	const struct contract contract = {
		.endpoints = endpoints,
		.endpoint_count = 2,
	};
	static const struct {
		const char *text;
		size_t endpoint, message;
	} rows[] = {
		{ "talk=off", 0, MODE_RULE_ALL },
		{ "talk.more=off", 1, MODE_RULE_ALL },
		{ "talk.more.more.x=off", 1, 0 },
		{ "talk.more.x=off", 0, 0 },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mode_rule rule;
		struct error err = { 0 };
		if (mode_rule_parse(&contract, rows[i].text, &rule, &err) != 0)
			fail_msg("%s: %s", rows[i].text, err.message);
		assert_int_equal(rule.endpoint, rows[i].endpoint);
		assert_int_equal(rule.message, rows[i].message);
	}
}

static void
what_is_no_good_has_its_exit_code_and_its_place(void **state)
{
	(void)state;
	static const struct {
		const char *flag;
		int code;
		const char *where;
		const char *message;
	} rows[] = {
		{ "--mod=off", EXIT_CODE_USAGE, "", "did you mean" },
		{ "--commands-shards=2", EXIT_CODE_CONFIG, "commands.shards",
		    "not yet" },
		{ "--contract=/nowhere", EXIT_CODE_CONTRACT, "/nowhere", "" },
		{ "--modes=talk", EXIT_CODE_CONFIG, "modes", "wants ENDPOINT" },
		{ "--modes=talk=of", EXIT_CODE_CONFIG, "modes", "or enforce" },
		{ "--modes=talks=off", EXIT_CODE_CONFIG, "modes",
		    "it has talk, watch" },
		{ "--modes=talk.workin=off", EXIT_CODE_CONFIG, "modes",
		    "did you mean \"working\"?" },
		{ "--modes=watch.receipt=off", EXIT_CODE_CONFIG, "modes",
		    "no such type" },
		{ "--modes=talk.ask=off", EXIT_CODE_CONFIG, "modes",
		    "always enforced" },
		{ "--origins=https://a/", EXIT_CODE_CONFIG, "origins",
		    "\"https://a/\" is no origin" },
		{ "--origins=https://a,b", EXIT_CODE_CONFIG, "origins",
		    "\"b\" is no origin" },
		{ "--origins=*", EXIT_CODE_CONFIG, "origins", "SCHEME://HOST" },
		{ "--origins=https://a:99999", EXIT_CODE_CONFIG, "origins",
		    "is no origin" },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct error err;
		int code = 0;
		assert_null(read_with(rows[i].flag, &code, &err));
		assert_int_equal(code, rows[i].code);
		assert_non_null(strstr(err.where, rows[i].where));
		assert_non_null(strstr(err.message, rows[i].message));
	}
}

static void
an_endpoint_is_meant_with_a_star_too(void **state)
{
	(void)state;
	struct settings *settings = read_fine("--modes=talk.*=warn");
	assert_int_equal(settings->rules[0].message, MODE_RULE_ALL);
	assert_int_equal(settings->rules[0].mode, JUDGE_WARN);
	settings_release(&settings);
}

static void
the_last_holder_frees_them(void **state)
{
	(void)state;
	struct settings *settings = read_fine(NULL);
	struct settings *held = settings_hold(settings);
	settings_release(&settings);
	assert_null(settings);
	assert_string_equal(held->contract->name, "workshop");
	settings_release(&held); /* a sanitizer sees a leak */
	settings_release(&held);
}

static void
what_may_follow_is_all_but_what_needs_a_restart(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ NULL, NULL },
		{ "--mode=enforce", NULL },
		{ "--limits-connections=5", NULL },
		{ "--limits-connections=100000", NULL },
		{ "--limits-connections=100001", "limits.connections" },
		{ "--workers=3", "workers" },
	};
	struct settings *now = read_fine(NULL);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct error err = { 0 };
		struct settings *next = read_fine(rows[i][0]);
		int status = settings_may_follow(now, next, &err);
		assert_int_equal(status, rows[i][1] ? -1 : 0);
		assert_string_equal(err.where, rows[i][1] ? rows[i][1] : "");
		settings_release(&next);
	}
	settings_release(&now);
}

static void
an_equal_contract_is_kept_with_what_traffic_showed(void **state)
{
	(void)state;
	struct settings *now = read_fine(NULL);
	struct settings *next = read_fine("--mode=enforce");
	struct settings *other = read_fine(NULL);
	settings_open_drifts(now, 2, 1);
	settings_keep_pact(next, now);
	settings_open_drifts(next, 2, 1);
	assert_ptr_equal(next->contract, now->contract);
	assert_ptr_equal(next->pact->drifts, now->pact->drifts);
	other->pact->contract->hash[0] ^= 1;
	settings_keep_pact(other, now);
	settings_open_drifts(other, 2, 1);
	assert_ptr_not_equal(other->contract, now->contract);
	assert_ptr_not_equal(other->pact->drifts[0], now->pact->drifts[0]);
	settings_release(&now);
	assert_string_equal(next->contract->name, "workshop");
	settings_release(&next);
	settings_release(&other);
}

/* The settings' own copy of the contract is bent out of shape. */
static void
the_endpoints_stay_where_they_are(void **state)
{
	(void)state;
	struct settings *now = read_fine(NULL);
	struct settings *next = read_fine(NULL);
	struct contract_endpoint *endpoints = next->contract->endpoints;
	struct contract_endpoint first = endpoints[0];
	struct error err;
	endpoints[0] = endpoints[1];
	endpoints[1] = first;
	assert_int_equal(settings_may_follow(now, next, &err), -1);
	assert_non_null(strstr(err.message, "talk on /v2/talk"));
	endpoints[1] = endpoints[0];
	endpoints[0] = first;
	assert_int_equal(settings_may_follow(now, next, &err), 0);
	next->pact->contract->endpoint_count = 1;
	assert_int_equal(settings_may_follow(now, next, &err), -1);
	assert_non_null(strstr(err.message, "watch on /v2/watch"));
	assert_int_equal(settings_may_follow(next, now, &err), -1);
	assert_non_null(strstr(err.where, "contract.json#/endpoints/watch"));
	next->pact->contract->endpoint_count = 2;
	endpoints[1].direction = CONTRACT_BOTH;
	assert_int_equal(settings_may_follow(now, next, &err), -1);
	endpoints[1].direction = CONTRACT_SERVER_ONLY;
	endpoints[1].path[1] = 'x';
	assert_int_equal(settings_may_follow(now, next, &err), -1);
	settings_release(&next);
	settings_release(&now);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_read_and_tied_together),
		cmocka_unit_test(
		    a_rule_is_for_the_endpoint_whose_name_fits_best),
		cmocka_unit_test(
		    what_is_no_good_has_its_exit_code_and_its_place),
		cmocka_unit_test(an_endpoint_is_meant_with_a_star_too),
		cmocka_unit_test(the_last_holder_frees_them),
		cmocka_unit_test(
		    what_may_follow_is_all_but_what_needs_a_restart),
		cmocka_unit_test(
		    an_equal_contract_is_kept_with_what_traffic_showed),
		cmocka_unit_test(the_endpoints_stay_where_they_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
