/* SPDX-License-Identifier: MIT */
#include "address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct address
address(const char *text)
{
	struct address address = { .kind = ADDRESS_UNIX };

	if (strcmp(text, "unix") != 0)
		assert_int_equal(address_parse(view_of(text), &address), 0);
	return address;
}

static void
addresses_are_read_with_and_without_a_port(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "10.1.2.3", "10.1.2.3" },
		{ "10.1.2.3:65535", "10.1.2.3" },
		{ "::1", "::1" },
		{ "[::1]", "::1" },
		{ "[2001:db8::7]:443", "2001:db8::7" },
		{ "2001:DB8:0:0::7", "2001:db8::7" },
		{ "::ffff:10.1.2.3", "10.1.2.3" },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[ADDRESS_TEXT];
		struct address found = address(rows[i][0]);
		address_print(&found, text);
		assert_string_equal(text, rows[i][1]);
	}
}

static void
what_is_no_address_is_not_known(void **state)
{
	(void)state;
	static const char *const rows[] = { "", "unknown", "_hidden", "1.2.3",
		"1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4:", "1.2.3.4:x",
		"1.2.3.4:123456", "[1.2.3.4]", "[::1", "[::1]x",
		"[::1]:", "::1]", "fe80::1%eth0", " 1.2.3.4", "1.2.3.4 ",
		"host",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000" };
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct address found;
		assert_int_equal(address_parse(view_of(rows[i]), &found), -1);
		assert_int_equal(found.kind, ADDRESS_UNKNOWN);
	}
	struct address found;
	assert_int_equal(address_parse(view_make("1.2.3.4\0x", 9), &found), -1);
}

static void
an_ip6_block_is_a_64_and_an_ip4_block_one_address(void **state)
{
	(void)state;
	struct address one = address("2001:db8:0:1::5");
	struct address same = address("2001:db8:0:1:ffff::");
	struct address other = address("2001:db8:0:2::5");
	one = address_block(&one);
	same = address_block(&same);
	other = address_block(&other);
	assert_true(address_is_equal(&one, &same));
	assert_false(address_is_equal(&one, &other));
	struct address four = address("10.0.0.1");
	struct address block = address_block(&four);
	assert_true(address_is_equal(&four, &block));
}

static void
a_network_has_what_lies_in_it(void **state)
{
	(void)state;
	static const struct {
		const char *network;
		const char *inside; /* NULL: none */
		const char *outside;
	} rows[] = {
		{ "10.0.0.0/8", "10.255.255.255", "11.0.0.0" },
		{ "10.0.0.0/8", "10.0.0.0", "9.255.255.255" },
		{ "192.168.4.0/22", "192.168.7.255", "192.168.8.0" },
		{ "10.1.2.3", "10.1.2.3", "10.1.2.4" },
		{ "10.1.2.3/32", "10.1.2.3", "10.1.2.2" },
		{ "0.0.0.0/0", "255.1.1.1", "::1" },
		{ "::/0", "10.1.1.1", "unix" },
		{ "fd00::/8", "fdff::1", "fe00::" },
		{ "::1", "::1", "::2" },
		{ "2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::" },
		{ "2001:db8::8/125", "2001:db8::f", "2001:db8::10" },
		{ "::1/128", "::1", "::2" },
		{ "unix", "unix", "10.1.1.1" },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct network network;
		struct error err = { 0 };
		assert_int_equal(
		    network_parse(rows[i].network, &network, &err), 0);
		struct address inside = address(rows[i].inside);
		struct address outside = address(rows[i].outside);
		assert_true(network_has(&network, 1, &inside));
		assert_false(network_has(&network, 1, &outside));
	}
}

static void
what_is_no_network_is_refused_with_what_to_give(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "", "ADDRESS/BITS" },
		{ "10.0.0.0/33", "ADDRESS/BITS" },
		{ "::/129", "ADDRESS/BITS" },
		{ "10.0.0.0/", "ADDRESS/BITS" },
		{ "10.0.0.0/8x", "ADDRESS/BITS" },
		{ "10.0.0.0/-1", "ADDRESS/BITS" },
		{ "10.0.0.0/1000", "ADDRESS/BITS" },
		{ "proxy.example", "ADDRESS/BITS" },
		{ "10.0.0.1:80", "ADDRESS/BITS" },
		{ "10.0.0.1/8", "first address" },
		{ "fd00::1/8", "first address" },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct network network;
		struct error err = { 0 };
		assert_int_equal(network_parse(rows[i][0], &network, &err), -1);
		assert_non_null(strstr(err.message, rows[i][1]));
	}
}

static void
the_client_is_the_last_one_that_no_trusted_proxy_names(void **state)
{
	(void)state;
	static const struct {
		const char *peer;
		const char *lists[3];
		const char *client;
	} rows[] = {
		{ "9.9.9.9", { "1.1.1.1" }, "9.9.9.9" }, /* not trusted */
		{ "10.0.0.1", { NULL }, "10.0.0.1" },
		{ "10.0.0.1", { "1.1.1.1" }, "1.1.1.1" },
		{ "unix", { "1.1.1.1" }, "1.1.1.1" },
		{ "10.0.0.1", { "6.6.6.6, 1.1.1.1" }, "1.1.1.1" },
		{ "10.0.0.1", { "6.6.6.6,1.1.1.1, 10.0.0.2" }, "1.1.1.1" },
		{ "10.0.0.1", { "6.6.6.6", "1.1.1.1" }, "1.1.1.1" },
		{ "10.0.0.1", { "6.6.6.6, 1.1.1.1", "10.0.0.2" }, "1.1.1.1" },
		{ "10.0.0.1", { "10.0.0.3, 10.0.0.2" }, "10.0.0.3" },
		{ "10.0.0.1", { "[2001:db8::1]:5" }, "2001:db8::1" },
		/* Malformed: whoever wrote it is as far as it goes. */
		{ "10.0.0.1", { "unknown" }, "10.0.0.1" },
		{ "10.0.0.1", { "" }, "10.0.0.1" },
		{ "10.0.0.1", { "1.1.1.1," }, "10.0.0.1" },
		{ "10.0.0.1", { "1.1.1.1, x, 10.0.0.2" }, "10.0.0.2" },
	};
	struct network trusted[2];
	struct error err;
	network_parse("10.0.0.0/8", &trusted[0], &err);
	network_parse("unix", &trusted[1], &err);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct view lists[3];
		size_t count = 0;
		char text[ADDRESS_TEXT];
		while (count < 3 && rows[i].lists[count]) {
			lists[count] = view_of(rows[i].lists[count]);
			count++;
		}
		struct address peer = address(rows[i].peer);
		struct address client =
		    address_behind(trusted, 2, &peer, lists, count);
		address_print(&client, text);
		assert_string_equal(text, rows[i].client);
	}
}

static void
an_endless_list_of_trusted_hops_is_left_off(void **state)
{
	(void)state;
	char text[12 * 200 + 1] = "";
	struct network trusted;
	struct error err;
	network_parse("10.0.0.0/8", &trusted, &err);
	strcpy(text, "1.1.1.1");
	for (size_t i = 0; i < 100; i++)
		strcat(text, ", 10.0.0.2");
	struct view list = view_of(text);
	struct address peer = address("10.0.0.1");
	struct address client = address_behind(&trusted, 1, &peer, &list, 1);
	struct address hop = address("10.0.0.2");
	assert_true(address_is_equal(&client, &hop));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_with_and_without_a_port),
		cmocka_unit_test(what_is_no_address_is_not_known),
		cmocka_unit_test(
		    an_ip6_block_is_a_64_and_an_ip4_block_one_address),
		cmocka_unit_test(a_network_has_what_lies_in_it),
		cmocka_unit_test(
		    what_is_no_network_is_refused_with_what_to_give),
		cmocka_unit_test(
		    the_client_is_the_last_one_that_no_trusted_proxy_names),
		cmocka_unit_test(an_endless_list_of_trusted_hops_is_left_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
