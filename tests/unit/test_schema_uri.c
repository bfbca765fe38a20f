/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "schema_uri.h"

static void
assert_resolves(const char *base, const char *ref, const char *target)
{
	struct buf out;
	buf_init(&out, 0);
	schema_uri_resolve(view_of(base), view_of(ref), &out);
	if (!view_is(buf_view(&out), target))
		fail_msg("%s + %s = %.*s, not %s", base, ref, (int)out.len,
		    out.data, target);
	buf_fini(&out);
}

static void
references_resolve_as_in_rfc_3986_section_5_4(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "g:h", "g:h" },
		{ "g", "http://a/b/c/g" },
		{ "./g", "http://a/b/c/g" },
		{ "g/", "http://a/b/c/g/" },
		{ "/g", "http://a/g" },
		{ "//g", "http://g" },
		{ "?y", "http://a/b/c/d;p?y" },
		{ "g?y", "http://a/b/c/g?y" },
		{ "#s", "http://a/b/c/d;p?q#s" },
		{ "g#s", "http://a/b/c/g#s" },
		{ "g?y#s", "http://a/b/c/g?y#s" },
		{ ";x", "http://a/b/c/;x" },
		{ "g;x", "http://a/b/c/g;x" },
		{ "", "http://a/b/c/d;p?q" },
		{ ".", "http://a/b/c/" },
		{ "./", "http://a/b/c/" },
		{ "..", "http://a/b/" },
		{ "../", "http://a/b/" },
		{ "../g", "http://a/b/g" },
		{ "../..", "http://a/" },
		{ "../../", "http://a/" },
		{ "../../g", "http://a/g" },
		{ "../../../g", "http://a/g" },
		{ "/./g", "http://a/g" },
		{ "/../g", "http://a/g" },
		{ "g.", "http://a/b/c/g." },
		{ "..g", "http://a/b/c/..g" },
		{ "./../g", "http://a/b/g" },
		{ "./g/.", "http://a/b/c/g/" },
		{ "g/./h", "http://a/b/c/g/h" },
		{ "g/../h", "http://a/b/c/h" },
		{ "g;x=1/../y", "http://a/b/c/y" },
		{ "g?y/../x", "http://a/b/c/g?y/../x" },
		{ "g#s/../x", "http://a/b/c/g#s/../x" },
		{ "http:g", "http:g" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_resolves("http://a/b/c/d;p?q", rows[i][0], rows[i][1]);
}

static void
plain_names_and_urns_are_bases_too(void **state)
{
	(void)state;
	assert_resolves("a.json", "b.json#/x", "b.json#/x");
	assert_resolves("dir/a.json", "b.json", "dir/b.json");
	assert_resolves("dir/a.json", "./b.json", "dir/b.json");
	assert_resolves("dir/a.json", "../b.json", "b.json");
	assert_resolves("dir/a.json", "#/x", "dir/a.json#/x");
	assert_resolves("urn:uuid:1", "#/x", "urn:uuid:1#/x");
	assert_resolves("urn:uuid:1", "urn:uuid:2", "urn:uuid:2");
	assert_resolves("dir/a.json", "azAZ09+.-:x", "azAZ09+.-:x");
	assert_resolves("dir/a.json", "9z:x", "dir/9z:x");
	assert_resolves("dir/a.json", "z_:x", "dir/z_:x");
	assert_resolves("http://a", "b", "http://a/b");
	assert_resolves("", "b", "b");
}

static void
fragments_are_cut_and_decoded(void **state)
{
	(void)state;
	struct view fragment;
	struct buf out;
	buf_init(&out, 0);
	struct view base = schema_uri_split(view_of("a#/b%25c"), &fragment);
	assert_true(view_is(base, "a"));
	assert_true(view_is(fragment, "/b%25c"));
	schema_uri_decode(fragment, &out);
	assert_true(view_is(buf_view(&out), "/b%c"));
	schema_uri_decode(view_of("%4"), &out);
	assert_true(view_is(buf_view(&out), "%4"));
	schema_uri_decode(view_of("%zz%C3%a4"), &out);
	assert_true(view_is(buf_view(&out), "%zz\xc3\xa4"));
	base = schema_uri_split(view_of("a"), &fragment);
	assert_true(view_is(base, "a"));
	assert_int_equal(fragment.len, 0);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references_resolve_as_in_rfc_3986_section_5_4),
		cmocka_unit_test(plain_names_and_urns_are_bases_too),
		cmocka_unit_test(fragments_are_cut_and_decoded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
