/* SPDX-License-Identifier: MIT */

/* Who is let in and where its stream starts, what closes a socket again, and
 * the life of a socket. */

#include "session_rig.h"

#define CLOSE_BAD_CURSOR 1008

static void
expect_error(struct peer *peer, const char *code, uint16_t close_code)
{
	char begin[128];
	snprintf(
	    begin, sizeof begin, "{\"type\":\"error\",\"code\":\"%s\"", code);
	expect(peer, begin);
	expect_nothing(peer);
	assert_int_equal(peer->closed, close_code);
}

static void
queries_are_refused_with_the_contracts_words(void **state)
{
	(void)state;
	static const struct {
		size_t endpoint;
		const char *query;
		const char *code; /* NULL: let in */
	} rows[] = {
		{ CHAT, "", NULL },
		{ CHAT, "workspace_id=a", "unsupported_identity_query_params" },
		{ CHAT, "user_id=", "unsupported_identity_query_params" },
		{ CHAT, "session_id=s1", "execution_query_session_id_removed" },
		{ CHAT, "session_id=+%20", NULL },
		{ CHAT, "session_id=s1&user_id",
		    "unsupported_identity_query_params" },
		{ CHAT, "other=1", NULL },
		{ EXECUTION, "session_id=s1", NULL },
		{ EXECUTION, "session_id=s1&workspace_id",
		    "unsupported_identity_query_params" },
		{ EXECUTION, "", "missing_session_id" },
		{ EXECUTION, "session_id=", "missing_session_id" },
		{ EXECUTION, "session_id=%20+%09", "missing_session_id" },
		{ EXECUTION, "session_id=a%0ab", "invalid_session_id" },
		{ EXECUTION, "session_id=a%00b", "invalid_session_id" },
		{ EXECUTION, "session_id=%ff", "invalid_session_id" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rig rig;
		struct peer peer;
		rig_open(&rig);
		peer_open(&rig, &peer, rows[i].endpoint, rows[i].query, true);
		rig_pass(&rig, 300);
		if (rows[i].code != NULL)
			expect_error(&peer, rows[i].code, 1008);
		else
			expect(&peer, "{\"type\":\"relay.hello\"");
		peer_fini(&peer);
		rig_close(&rig);
	}
}

static void
refusals_have_exactly_the_texts_of_the_platform(void **state)
{
	struct rig rig;
	struct peer peer;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, EXECUTION, "", false);
	expect_exactly(&peer,
	    "{\"type\":\"error\",\"code\":\"missing_session_id\","
	    "\"message\":\"Missing required query param: session_id\"}");
	peer_fini(&peer);
	peer_open(&rig, &peer, EXECUTION, "session_id=s1", false);
	peer_says(&rig, &peer, "{}");
	expect_exactly(&peer,
	    "{\"type\":\"error\",\"code\":\"passive_subscription_only\","
	    "\"message\":\"Passive execution event streams are "
	    "subscription-only; message, cancel, command, and start frames "
	    "are rejected.\"}");
	peer_fini(&peer);
	rig_close(&rig);
}

static void
cursors_are_judged_strictly(void **state)
{
	(void)state;
	static const struct {
		size_t endpoint;
		const char *query;
		bool valid;
	} rows[] = {
		{ EXECUTION, "session_id=s&after=1-2", true },
		{ EXECUTION, "session_id=s&after=0-0", true },
		{ EXECUTION, "session_id=s&since=1700000000000", true },
		{ EXECUTION, "session_id=s&since=0", true },
		{ EXECUTION, "session_id=s&after=x", false },
		{ EXECUTION, "session_id=s&after=1", false },
		{ EXECUTION, "session_id=s&after=-1-0", false },
		{ EXECUTION, "session_id=s&after=1-", false },
		{ EXECUTION, "session_id=s&after=18446744073709551616-0",
		    false },
		{ EXECUTION, "session_id=s&after=$", false },
		{ EXECUTION, "session_id=s&after=*", false },
		{ EXECUTION, "session_id=s&after=", false },
		{ EXECUTION, "session_id=s&since=-1", false },
		{ EXECUTION, "session_id=s&since=", false },
		{ EXECUTION, "session_id=s&since=1x", false },
		{ EXECUTION, "session_id=s&since=99999999999999999999", false },
		{ EXECUTION, "session_id=s&after=1-0&since=1", false },
		{ CHAT, "after=1-0", true },
		{ CHAT, "after=1", false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rig rig;
		struct peer peer;
		rig_open(&rig);
		peer_open(&rig, &peer, rows[i].endpoint, rows[i].query, false);
		if (rows[i].valid)
			assert_int_equal(peer.closed, 0);
		else
			expect_error(&peer, "invalid_cursor", CLOSE_BAD_CURSOR);
		peer_fini(&peer);
		rig_close(&rig);
	}
}

static void
the_session_is_named_before_the_cursor_and_after_authentication(void **state)
{
	struct rig rig;
	struct peer peer;
	struct contract_refusal refusal = {
		.code = "auth_failed",
		.message = "no",
		.close = 1008,
	};
	struct session_params params = {
		.endpoint = EXECUTION,
		.notices = true,
		.identity = { view_of("default"), view_of("anonymous") },
		.auth_refusal = &refusal,
	};
	(void)state;
	rig_open(&rig);
	params.query = view_of("user_id=1");
	peer_open_with(&rig, &peer, &params);
	expect_error(&peer, "unsupported_identity_query_params", 1008);
	peer_fini(&peer);
	params.query = view_of("after=x");
	peer_open_with(&rig, &peer, &params);
	expect_error(&peer, "auth_failed", 1008);
	peer_fini(&peer);
	params.auth_refusal = NULL;
	peer_open_with(&rig, &peer, &params);
	expect_error(&peer, "missing_session_id", 1008);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
an_unavailable_key_source_closes_1011(void **state)
{
	struct rig rig;
	struct peer peer;
	struct contract_refusal refusal = {
		.code = "auth_unavailable",
		.message = "no keys",
		.close = 1011,
	};
	const struct session_params params = {
		.endpoint = CHAT,
		.identity = { view_of("default"), view_of("anonymous") },
		.auth_refusal = &refusal,
	};
	(void)state;
	rig_open(&rig);
	peer_open_with(&rig, &peer, &params);
	expect_error(&peer, "auth_unavailable", 1011);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
the_query_decides_where_it_starts(void **state)
{
	struct rig rig;
	struct peer peer;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, EXECUTION, "session_id=+a%2Fb+", false);
	const struct subscription *made = rig_subscription(&rig, 0);
	assert_string_equal(
	    made->key, "relay:events:{default/anonymous/a%2Fb}");
	assert_int_equal(made->endpoint, EXECUTION);
	assert_int_equal(made->start.kind, START_LIVE);
	assert_false(made->held || made->notices);
	peer_fini(&peer);
	peer_open(&rig, &peer, EXECUTION, "session_id=s&after=7-1", true);
	made = rig_subscription(&rig, 1);
	assert_int_equal(made->start.kind, START_AFTER);
	assert_int_equal(made->start.after.ms, 7);
	assert_int_equal(made->start.after.seq, 1);
	assert_true(made->notices);
	peer_fini(&peer);
	peer_open(&rig, &peer, EXECUTION, "session_id=s&since=77", true);
	made = rig_subscription(&rig, 2);
	assert_int_equal(made->start.kind, START_SINCE);
	assert_int_equal(made->start.since_ms, 77);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_key_of_another_type_closes_1011_without_a_hello(void **state)
{
	struct rig rig;
	struct peer peer;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, EXECUTION, "session_id=s", true);
	struct subscription *made = rig_subscription(&rig, 0);
	const struct stream_info info = { .exists = true, .wrong_type = true };
	made->ops->opened(made->arg, &info);
	made->ops->unusable(made->arg);
	expect_error(&peer, "stream_unusable", 1011);
	assert_int_equal(
	    made->ops->write(made->arg, view_of("x"), 1), HUB_WRITE_GONE);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_frame_or_a_violation_on_a_passive_socket_closes_1008(void **state)
{
	struct rig rig;
	struct peer peer;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, EXECUTION, "session_id=s", true);
	rig_opened(&rig, 0);
	peer.read = peer.count;
	peer_says(&rig, &peer, "not even JSON");
	expect_error(&peer, "passive_subscription_only", 1008);
	peer_says(&rig, &peer, "more");
	expect_nothing(&peer);
	assert_int_equal(stat_get(&rig.stats, commands_refused), 1);
	peer_fini(&peer);
	peer_open(&rig, &peer, EXECUTION, "session_id=s", false);
	session_violation(peer.session, 1003);
	expect_error(&peer, "passive_subscription_only", 1008);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
violations_on_a_chat_socket_close_with_their_code(void **state)
{
	struct rig rig;
	struct peer peer;
	(void)state;
	rig_open(&rig);
	static const uint16_t codes[] = { 1003, 1009 };
	for (size_t i = 0; i < 2; i++) {
		peer_open(&rig, &peer, CHAT, "", false);
		session_violation(peer.session, codes[i]);
		expect_nothing(&peer);
		assert_int_equal(peer.closed, codes[i]);
		assert_false(session_wants_input(peer.session));
		peer_fini(&peer);
	}
	assert_int_equal(stat_get(&rig.stats, closes_size), 1);
	assert_int_equal(stat_get(&rig.stats, closes_policy), 1);
	rig_close(&rig);
}

static void
clients_are_counted_by_direction_and_go_to_zero(void **state)
{
	struct rig rig;
	static struct peer peers[200];
	(void)state;
	rig_open(&rig);
	for (size_t i = 0; i < 200; i++)
		peer_open(&rig, &peers[i], CHAT, "", false);
	assert_int_equal(stats_clients(&rig.stats), 200);
	assert_int_equal(session_env_count(rig.env), 200);
	for (size_t i = 0; i < 200; i++)
		peer_fini(&peers[i * 7 % 200]);
	assert_int_equal(stats_clients(&rig.stats), 0);
	struct peer peer;
	peer_open(&rig, &peer, EXECUTION, "session_id=s", false);
	assert_int_equal(stats_clients(&rig.stats), 1);
	peer_fini(&peer);
	assert_int_equal(stats_clients(&rig.stats), 0);
	rig_close(&rig);
}

static void
a_peer_that_is_gone_gets_nothing_more(void **state)
{
	struct rig rig;
	struct peer peer;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, EXECUTION, "session_id=s", true);
	peer.answer = HUB_WRITE_GONE;
	rig_pass(&rig, 300);
	peer.answer = HUB_WRITE_OK;
	assert_int_equal(rig_event(&rig, 0, "{1}"), HUB_WRITE_GONE);
	session_env_redis(rig.env, false, "closed", rig.now_ms);
	expect_nothing(&peer);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_full_transport_stops_the_hub_until_it_is_writable(void **state)
{
	struct rig rig;
	struct peer peer;
	(void)state;
	rig_open(&rig);
	peer_open(&rig, &peer, EXECUTION, "session_id=s", false);
	rig_opened(&rig, 0);
	peer.answer = HUB_WRITE_FULL;
	assert_int_equal(rig_event(&rig, 0, "{1}"), HUB_WRITE_FULL);
	peer.answer = HUB_WRITE_OK;
	session_writable(peer.session, rig.now_ms);
	assert_int_equal(rig_subscription(&rig, 0)->resumes, 1);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
what_was_negotiated_is_compressed_for_it(void **state)
{
	struct rig rig;
	struct peer peer;
	struct session_params params = {
		.endpoint = EXECUTION,
		.query = view_of("session_id=s"),
		.deflate_bits = 11,
		.identity = { view_of("default"), view_of("anonymous") },
	};
	(void)state;
	rig_open(&rig);
	peer_open_with(&rig, &peer, &params);
	assert_int_equal(rig.hub.subscriptions[0].deflate_bits, 11);
	peer_fini(&peer);
	peer_open(&rig, &peer, EXECUTION, "session_id=s", false);
	assert_int_equal(rig.hub.subscriptions[1].deflate_bits, 0);
	peer_fini(&peer);
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queries_are_refused_with_the_contracts_words),
		cmocka_unit_test(
		    refusals_have_exactly_the_texts_of_the_platform),
		cmocka_unit_test(cursors_are_judged_strictly),
		cmocka_unit_test(
		    the_session_is_named_before_the_cursor_and_after_authentication),
		cmocka_unit_test(an_unavailable_key_source_closes_1011),
		cmocka_unit_test(the_query_decides_where_it_starts),
		cmocka_unit_test(
		    a_key_of_another_type_closes_1011_without_a_hello),
		cmocka_unit_test(
		    a_frame_or_a_violation_on_a_passive_socket_closes_1008),
		cmocka_unit_test(
		    violations_on_a_chat_socket_close_with_their_code),
		cmocka_unit_test(
		    clients_are_counted_by_direction_and_go_to_zero),
		cmocka_unit_test(a_peer_that_is_gone_gets_nothing_more),
		cmocka_unit_test(
		    a_full_transport_stops_the_hub_until_it_is_writable),
		cmocka_unit_test(what_was_negotiated_is_compressed_for_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
