/* SPDX-License-Identifier: MIT */

/* What schema_fuse makes of references, allOf and branches must judge as the
 * keywords do one by one: {schema, instance, is it valid}. */

#include "schema_helper.h"

struct row {
	const char *schema;
	const char *instance;
	bool is_valid;
};

static void
run_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *got =
		    first_violation(rows[i].schema, rows[i].instance);
		if ((got[0] == '\0') != rows[i].is_valid)
			fail_msg("%s on %s: \"%s\"", rows[i].schema,
			    rows[i].instance, got);
	}
}

#define RUN(rows) run_rows(rows, sizeof(rows) / sizeof(rows[0]))

static void
what_a_reference_asks_is_asked_of_the_same_value(void **state)
{
	(void)state;
#define INTEGER_AND_MORE                                                      \
	"{\"$ref\":\"#/$defs/n\",\"minimum\":2,"                              \
	"\"$defs\":{\"n\":{\"allOf\":[{\"type\":\"integer\"},{\"maximum\":5}" \
	"]}}}"
#define NUMBER_OR_TEXT                                               \
	"{\"allOf\":[{\"type\":[\"number\",\"string\"]},{\"type\":[" \
	"\"integer\",\"null\"]}]}"
	static const struct row rows[] = {
		{ INTEGER_AND_MORE, "2", true },
		{ INTEGER_AND_MORE, "5.0", true },
		{ INTEGER_AND_MORE, "1", false },
		{ INTEGER_AND_MORE, "6", false },
		{ INTEGER_AND_MORE, "2.5", false },
		{ INTEGER_AND_MORE, "\"2\"", false },
		{ NUMBER_OR_TEXT, "1", true },
		{ NUMBER_OR_TEXT, "1.0", true },
		{ NUMBER_OR_TEXT, "1.5", false },
		{ NUMBER_OR_TEXT, "\"a\"", false },
		{ NUMBER_OR_TEXT, "null", false },
		{ "{\"$ref\":\"#/$defs/a\",\"enum\":[\"x\",1],\"$defs\":{"
		  "\"a\":{\"enum\":[1,2]}}}",
		    "1.0", true },
		{ "{\"$ref\":\"#/$defs/a\",\"enum\":[\"x\",1],\"$defs\":{"
		  "\"a\":{\"enum\":[1,2]}}}",
		    "\"x\"", false },
	};
	RUN(rows);
}

static void
members_described_in_two_places_are_asked_what_both_ask(void **state)
{
	(void)state;
#define TWO_PLACES                                                       \
	"{\"allOf\":[{\"required\":[\"a\",\"b\"],\"properties\":{\"a\":" \
	"{\"type\":\"integer\"},\"b\":true}},{\"required\":[\"c\"],"     \
	"\"properties\":{\"a\":{\"minimum\":3},\"c\":{\"type\":"         \
	"\"null\"}}}]}"
#define OPEN_AND_CLOSED                                                 \
	"{\"allOf\":[{\"properties\":{\"a\":{\"type\":\"integer\"}}},{" \
	"\"properties\":{\"a\":true},\"additionalProperties\":false}]}"
	static const struct row rows[] = {
		{ TWO_PLACES, "{\"a\":3,\"b\":0,\"c\":null}", true },
		{ TWO_PLACES, "{\"c\":null,\"b\":0,\"x\":1,\"a\":3}", true },
		{ TWO_PLACES, "{\"a\":2,\"b\":0,\"c\":null}", false },
		{ TWO_PLACES, "{\"a\":3.5,\"b\":0,\"c\":null}", false },
		{ TWO_PLACES, "{\"a\":3,\"c\":null}", false },
		{ TWO_PLACES, "{\"a\":3,\"b\":0}", false },
		{ TWO_PLACES, "{\"a\":3,\"b\":0,\"c\":1}", false },
		{ OPEN_AND_CLOSED, "{\"a\":1}", true },
		{ OPEN_AND_CLOSED, "{\"a\":null}", false },
		{ OPEN_AND_CLOSED, "{\"a\":1,\"b\":1}", false },
	};
	RUN(rows);
}

static void
what_is_fused_still_counts_as_evaluated(void **state)
{
	(void)state;
#define CLOSED_ABOVE                                                    \
	"{\"unevaluatedProperties\":false,\"properties\":{\"a\":true}," \
	"\"$ref\":\"#/$defs/x\",\"$defs\":{\"x\":{\"properties\":{"     \
	"\"b\":{\"unevaluatedProperties\":false}},\"required\":[\"c\"]}}}"
	static const struct row rows[] = {
		{ "{\"unevaluatedItems\":false,\"allOf\":[{\"prefixItems\":["
		  "true]},{\"prefixItems\":[true,true]}]}",
		    "[1,2]", true },
		{ "{\"unevaluatedItems\":false,\"allOf\":[{\"prefixItems\":["
		  "true]},{\"prefixItems\":[true,true]}]}",
		    "[1,2,3]", false },
		{ "{\"unevaluatedProperties\":false,\"allOf\":[{"
		  "\"properties\":{\"a\":true}},{\"properties\":{\"b\":true}}"
		  "]}",
		    "{\"a\":1,\"b\":2}", true },
		{ CLOSED_ABOVE, "{\"a\":1,\"b\":{}}", false },
		{ CLOSED_ABOVE, "{\"a\":1,\"c\":{}}", false },
		{ CLOSED_ABOVE, "{\"b\":{\"c\":1}}", false },
	};
	RUN(rows);
}

static void
members_that_lead_back_in_two_places_come_to_an_end(void **state)
{
	(void)state;
#define BACK                                                         \
	"{\"allOf\":[{\"properties\":{\"x\":{\"$ref\":\"#\"},\"y\":" \
	"{\"type\":\"integer\"}}},{\"properties\":{\"x\":{\"allOf\"" \
	":[{\"$ref\":\"#\"},{\"type\":\"object\"}]},\"y\":{"         \
	"\"minimum\":1}}}]}"
	static const struct row rows[] = {
		{ BACK, "{\"x\":{\"x\":{\"x\":{\"x\":{\"y\":1}}}}}", true },
		{ BACK, "{\"x\":{\"x\":{\"x\":{\"x\":{\"y\":0}}}}}", false },
		{ BACK, "{\"x\":{\"x\":{\"x\":{\"x\":[]}}}}", false },
	};
	RUN(rows);
}

static void
branches_are_told_apart_by_type_and_then_by_member(void **state)
{
	(void)state;
#define NULL_OR_KINDS                                                       \
	"{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"object\",\"required\"" \
	":[\"k\"],\"properties\":{\"k\":{\"const\":\"a\"},\"v\":{\"type\""  \
	":\"integer\"}}},{\"type\":\"object\",\"properties\":{\"k\":{"      \
	"\"enum\":[\"b\",\"c\"]},\"v\":{\"type\":\"string\"}}}]}"
#define OVERLAP                                                                \
	"{\"oneOf\":[{\"type\":\"number\"},{\"type\":[\"integer\",\"null\"]}]" \
	"}"
	static const struct row rows[] = {
		{ NULL_OR_KINDS, "null", true },
		{ NULL_OR_KINDS, "1", false },
		{ NULL_OR_KINDS, "{\"k\":\"a\",\"v\":1}", true },
		{ NULL_OR_KINDS, "{\"k\":\"c\",\"v\":\"1\"}", true },
		{ NULL_OR_KINDS, "{\"k\":\"a\",\"v\":\"1\"}", false },
		{ NULL_OR_KINDS, "{\"k\":\"d\"}", false },
		{ NULL_OR_KINDS, "{\"v\":\"1\"}", true },
		{ NULL_OR_KINDS, "{\"v\":1}", false },
		{ OVERLAP, "1.5", true },
		{ OVERLAP, "1", false },
		{ OVERLAP, "1.0", false },
		{ OVERLAP, "null", true },
		{ "{\"anyOf\":[{\"enum\":[\"a\"]},{\"enum\":[1,true]}]}",
		    "true", true },
		{ "{\"anyOf\":[{\"enum\":[\"a\"]},{\"enum\":[1,true]}]}", "{}",
		    false },
	};
	RUN(rows);
}

/* The first 16 bytes are compared at once, and where the text ends so soon
 * that there are not so many, in another way. */
static void
names_of_any_length_are_told_apart(void **state)
{
	(void)state;
#define LONG "abcdefghijklmnop"
	static const struct row rows[] = {
		{ "{\"required\":[\"\"]}", "{\"\":1}", true },
		{ "{\"required\":[\"\"]}", "{\"a\":1}", false },
		{ "{\"required\":[\"" LONG "\"]}", "{\"" LONG "\":1}", true },
		{ "{\"required\":[\"" LONG "\"]}", "{\"" LONG "q\":1}", false },
		{ "{\"required\":[\"" LONG "q\"]}", "{\"" LONG "q\":1}", true },
		{ "{\"required\":[\"" LONG "q\"]}", "{\"" LONG "r\":1}",
		    false },
		{ "{\"required\":[\"" LONG LONG "\"]}",
		    "{\"" LONG LONG "\":\"" LONG LONG "\"}", true },
		{ "{\"required\":[\"ab\"]}", "{\"\\u0061b\":1}", true },
		{ "{\"required\":[\"ab\"]}", "{\"\\u0061c\":1}", false },
		{ "{\"enum\":[\"" LONG "\"]}", "\"" LONG "\"", true },
		{ "{\"enum\":[\"ab\"]}", "\"a\\u0062\"", true },
	};
	RUN(rows);
}

static void
patterns_see_declared_names_too(void **state)
{
	(void)state;
#define PATTERNS                                                       \
	"{\"properties\":{\"x-a\":{\"type\":\"integer\"},\"b\":true}," \
	"\"patternProperties\":{\"^x-\":{\"minimum\":2},\"^x-?c*$\":"  \
	"false},\"additionalProperties\":false}"
	static const struct row rows[] = {
		{ PATTERNS, "{\"x-a\":2,\"b\":0}", true },
		{ PATTERNS, "{\"x-a\":1,\"b\":0}", false },
		{ PATTERNS, "{\"x-a\":\"\"}", false },
		{ PATTERNS, "{\"x-z\":2}", true },
		{ PATTERNS, "{\"x-z\":1}", false },
		{ PATTERNS, "{\"xc\":2}", false },
		{ PATTERNS, "{\"c\":2}", false },
	};
	RUN(rows);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_a_reference_asks_is_asked_of_the_same_value),
		cmocka_unit_test(
		    members_described_in_two_places_are_asked_what_both_ask),
		cmocka_unit_test(what_is_fused_still_counts_as_evaluated),
		cmocka_unit_test(
		    members_that_lead_back_in_two_places_come_to_an_end),
		cmocka_unit_test(
		    branches_are_told_apart_by_type_and_then_by_member),
		cmocka_unit_test(names_of_any_length_are_told_apart),
		cmocka_unit_test(patterns_see_declared_names_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
