/* SPDX-License-Identifier: MIT */
#include "session_rig.h"

#include "key_set.h"
#include "users.h"

#define NOW       UINT64_C(1700000000000)
#define EXPIRED   4401
#define ERROR_END "{\"type\":\"error\",\"code\":\"auth_expired\""

static const struct contract_refusal failed = {
	.code = "auth_failed", .message = "no", .close = 1008
};

static void
open_until(struct rig *rig, struct peer *peer, uint64_t expires_ms,
    uint64_t leeway_ms, bool notices)
{
	const struct session_params params = {
		.endpoint = CHAT,
		.notices = notices,
		.identity = { view_of("default"), view_of("anonymous") },
		.term = { .expires_ms = expires_ms,
		    .ends_ms = expires_ms + leeway_ms },
	};
	peer_open_with(rig, peer, &params);
	if (notices)
		expect(peer, "{\"type\":\"relay.hello\"");
}

static void
at(struct rig *rig, uint64_t unix_ms)
{
	session_env_expire(rig->env, unix_ms, rig->now_ms);
}

static void
a_token_that_ends_is_told_a_minute_before_and_closed_at_its_end(void **state)
{
	(void)state;
	struct rig rig;
	struct peer peer;
	rig_open(&rig);
	open_until(&rig, &peer, NOW + 100000, 5000, true);
	at(&rig, NOW + 39999);
	expect_nothing(&peer);
	at(&rig, NOW + 40000);
	expect_exactly(
	    &peer, "{\"type\":\"relay.expiring\",\"expires_in_ms\":60000}");
	at(&rig, NOW + 104999);
	expect_nothing(&peer);
	assert_int_equal(peer.closed, 0);
	at(&rig, NOW + 105000);
	expect(&peer, ERROR_END);
	expect_nothing(&peer);
	assert_int_equal(peer.closed, EXPIRED);
	assert_int_equal(stat_get(&rig.stats, closes_expired), 1);
	at(&rig, NOW + 105050);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
a_token_of_seconds_is_told_at_once(void **state)
{
	(void)state;
	struct rig rig;
	struct peer peer;
	rig_open(&rig);
	open_until(&rig, &peer, NOW + 10000, 0, true);
	at(&rig, NOW);
	expect_exactly(
	    &peer, "{\"type\":\"relay.expiring\",\"expires_in_ms\":10000}");
	at(&rig, NOW + 10000);
	expect(&peer, ERROR_END);
	assert_int_equal(peer.closed, EXPIRED);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
within_the_leeway_nothing_is_left_to_expire(void **state)
{
	(void)state;
	struct rig rig;
	struct peer peer;
	rig_open(&rig);
	open_until(&rig, &peer, NOW - 1000, 60000, true);
	at(&rig, NOW);
	expect_exactly(
	    &peer, "{\"type\":\"relay.expiring\",\"expires_in_ms\":0}");
	assert_int_equal(peer.closed, 0);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
the_hello_comes_before_the_notice(void **state)
{
	(void)state;
	struct rig rig;
	struct peer peer;
	const struct session_params params = {
		.endpoint = EXECUTION,
		.query = view_of("session_id=s"),
		.notices = true,
		.identity = { view_of("default"), view_of("anonymous") },
		.term = { .expires_ms = NOW + 1000, .ends_ms = NOW + 1000 },
	};
	rig_open(&rig);
	peer_open_with(&rig, &peer, &params);
	at(&rig, NOW);
	expect_nothing(&peer);
	rig_pass(&rig, 300);
	expect(&peer, "{\"type\":\"relay.hello\"");
	at(&rig, NOW + 300);
	expect_exactly(
	    &peer, "{\"type\":\"relay.expiring\",\"expires_in_ms\":700}");
	peer_fini(&peer);
	rig_close(&rig);
}

static void
who_knows_no_notices_gets_the_error_alone(void **state)
{
	(void)state;
	struct rig rig;
	struct peer peer;
	rig_open(&rig);
	open_until(&rig, &peer, NOW + 1000, 0, false);
	at(&rig, NOW + 999);
	expect_nothing(&peer);
	at(&rig, NOW + 1000);
	expect(&peer, ERROR_END);
	assert_int_equal(peer.closed, EXPIRED);
	peer_fini(&peer);
	rig_close(&rig);
}

static void
without_a_term_a_connection_stays(void **state)
{
	(void)state;
	struct rig rig;
	struct peer peer;
	rig_open(&rig);
	peer_open(&rig, &peer, CHAT, "", false);
	at(&rig, UINT64_MAX);
	expect_nothing(&peer);
	assert_int_equal(peer.closed, 0);
	peer_fini(&peer);
	rig_close(&rig);
}

static struct key_set *
set_of(const char *secret)
{
	const char *why;
	const struct token_key_parts parts = { .algorithm = TOKEN_HS256,
		.first = view_of(secret) };
	struct token_key *key = token_key_new(&parts, &why);
	struct key_set *set = key_set_new();
	assert_true(key_set_add(set, &key));
	return set;
}

static void
a_withdrawn_key_ends_its_connections_and_no_others(void **state)
{
	(void)state;
	struct rig rig;
	struct peer mine, other;
	struct key_set *now = set_of("the first secret of thirty-two bytes");
	struct key_set *next = set_of("another secret, of thirty-two bytes");
	struct session_params params = {
		.endpoint = CHAT,
		.identity = { view_of("default"), view_of("anonymous") },
		.term = { .expires_ms = NOW, .ends_ms = NOW },
	};
	rig_open(&rig);
	memcpy(params.term.key_id,
	    token_key_id(key_set_find(now, TOKEN_HS256, false, view_of(""))),
	    TOKEN_KEY_ID);
	peer_open_with(&rig, &mine, &params);
	peer_open(&rig, &other, CHAT, "", false);
	session_env_trust(rig.env, now, rig.now_ms);
	expect_nothing(&mine);
	key_set_mark_incomplete(next);
	session_env_trust(rig.env, next, rig.now_ms);
	expect_nothing(&mine);
	key_set_release(&next);
	next = set_of("another secret, of thirty-two bytes");
	session_env_trust(rig.env, next, rig.now_ms);
	expect(&mine, ERROR_END);
	assert_int_equal(mine.closed, EXPIRED);
	assert_int_equal(other.closed, 0);
	session_env_trust(rig.env, next, rig.now_ms);
	peer_fini(&mine);
	peer_fini(&other);
	key_set_release(&now);
	key_set_release(&next);
	rig_close(&rig);
}

/* --- who is let in --- */

static void
refusals_come_in_their_order(void **state)
{
	(void)state;
	static const struct {
		const char *query, *begin;
	} rows[] = {
		{ "session_id=s&user_id=u",
		    "{\"type\":\"error\",\"code\":\"unsupported_identity_" },
		{ "session_id=s",
		    "{\"type\":\"error\",\"code\":\"auth_failed" },
		{ "", "{\"type\":\"error\",\"code\":\"auth_failed" },
		{ "session_id=s&after=x",
		    "{\"type\":\"error\",\"code\":\"auth_failed" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rig rig;
		struct peer peer;
		const struct session_params params = {
			.endpoint = EXECUTION,
			.query = view_of(rows[i].query),
			.notices = true,
			.auth_refusal = &failed,
		};
		rig_open(&rig);
		peer_open_with(&rig, &peer, &params);
		expect(&peer, rows[i].begin);
		expect_nothing(&peer);
		assert_int_equal(peer.closed, 1008);
		peer_fini(&peer);
		rig_close(&rig);
	}
}

static void
one_connection_over_the_users_bound_is_refused(void **state)
{
	(void)state;
	struct rig rig;
	struct peer first, second, third;
	struct users *users = users_new();
	rig_open(&rig);
	rig.options.max_per_user = 2;
	session_env_reload(rig.env, &rig.options, rig.contract);
	session_env_attach_users(rig.env, users);
	peer_open(&rig, &first, CHAT, "", false);
	peer_open(&rig, &second, CHAT, "", false);
	peer_open(&rig, &third, CHAT, "", false);
	expect(&third, "{\"type\":\"error\",\"code\":\"too_many_connections\"");
	assert_int_equal(third.closed, 1008);
	assert_int_equal(first.closed + second.closed, 0);
	peer_fini(&third);
	peer_fini(&first);
	peer_open(&rig, &third, CHAT, "", false);
	expect_nothing(&third);
	peer_fini(&second);
	peer_fini(&third);
	assert_int_equal(users_count(users), 0);
	users_free(&users);
	rig_close(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_token_that_ends_is_told_a_minute_before_and_closed_at_its_end),
		cmocka_unit_test(a_token_of_seconds_is_told_at_once),
		cmocka_unit_test(within_the_leeway_nothing_is_left_to_expire),
		cmocka_unit_test(the_hello_comes_before_the_notice),
		cmocka_unit_test(who_knows_no_notices_gets_the_error_alone),
		cmocka_unit_test(without_a_term_a_connection_stays),
		cmocka_unit_test(
		    a_withdrawn_key_ends_its_connections_and_no_others),
		cmocka_unit_test(refusals_come_in_their_order),
		cmocka_unit_test(
		    one_connection_over_the_users_bound_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
