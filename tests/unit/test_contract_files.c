/* SPDX-License-Identifier: MIT */

/* Which files a contract is read from, and the hash over them. */

#include "contract_files.h"
#include "contract_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void
a_folder_that_is_not_there_is_named(void **state)
{
	(void)state;
	assert_null(folder_load("/nowhere/at/all"));
	assert_string_equal(folder_err.where, "/nowhere/at/all");
	assert_null(folder_load(OTHER "/contract.json"));
	assert_null(folder_load(OTHER "/shapes"));
	assert_non_null(strstr(folder_err.where, "contract.json"));
	assert_non_null(strstr(folder_err.message, "is missing"));
}

static void
a_link_may_be_used_but_not_to_leave_the_folder(void **state)
{
	(void)state;
	char path[512];
	folder_path("in.json", path, sizeof(path));
	assert_int_equal(symlink("a.schema.json", path), 0);
	struct contract *contract = folder_load_good(folder);
	contract_free(&contract);
	folder_remove("in.json");
	folder_path("out.json", path, sizeof(path));
	assert_int_equal(symlink(OTHER "/work.json", path), 0);
	assert_folder_refused("out.json", "leads out of the contract's folder");
	folder_remove("out.json");
}

/* Folders beside ours: of the same length, and with our name in front. */
static void
a_folder_beside_is_outside_whatever_its_name(void **state)
{
	(void)state;
	char beside[2][80], target[256], path[512];
	snprintf(beside[0], sizeof(beside[0]), "%s", folder);
	char *last = beside[0] + strlen(beside[0]) - 1;
	*last = *last == '_' ? '-' : '_';
	snprintf(beside[1], sizeof(beside[1]), "%s_", folder);
	folder_path("out.json", path, sizeof(path));
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(mkdir(beside[i], 0700), 0);
		snprintf(target, sizeof(target), "%s/x.json", beside[i]);
		FILE *file = fopen(target, "we");
		assert_non_null(file);
		fputs("{}", file);
		fclose(file);
		assert_int_equal(symlink(target, path), 0);
		assert_folder_refused(
		    "out.json", "leads out of the contract's folder");
		folder_remove("out.json");
		unlink(target);
		rmdir(beside[i]);
	}
}

static void
other_files_are_not_looked_at(void **state)
{
	(void)state;
	folder_write("notes.txt", view_of("{"));
	folder_write(".hidden.json", view_of("{"));
	struct contract *contract = folder_load_good(folder);
	contract_free(&contract);
	folder_write("b.json", view_of("{"));
	assert_folder_refused("b.json", "is not JSON");
	folder_remove("b.json");
	folder_write("bad name.json", view_of("{}"));
	assert_folder_refused(
	    "bad name.json", "has a name with other characters");
	folder_remove("bad name.json");
}

static void
a_file_of_4_mib_is_the_largest(void **state)
{
	(void)state;
	size_t size = 4u << 20;
	char *text = malloc(size + 1);
	memset(text, ' ', size + 1);
	memcpy(text, "{}", 2);
	folder_write("b.json", view_make(text, size));
	struct contract *contract = folder_load_good(folder);
	contract_free(&contract);
	folder_write("b.json", view_make(text, size + 1));
	assert_folder_refused("b.json", "larger than 4 MiB");
	folder_remove("b.json");
	free(text);
}

static void
a_file_that_is_too_deep_is_refused(void **state)
{
	(void)state;
	char text[258];
	memset(text, '[', 129);
	memset(text + 129, ']', 129);
	folder_write("b.json", view_make(text + 1, 256));
	struct contract *contract = folder_load_good(folder);
	contract_free(&contract);
	folder_write("b.json", view_make(text, 258));
	assert_folder_refused("b.json", "nested too deep");
	folder_remove("b.json");
}

/* --- the hash --- */

static void
hash_of(char hex[65])
{
	struct contract *contract = folder_load_good(folder);
	memcpy(hex, contract->hash, 65);
	contract_free(&contract);
}

static void
the_hash_is_over_the_canonical_form(void **state)
{
	(void)state;
	char before[65];
	char after[65];
	hash_of(before);
	assert_int_equal(strlen(before), 64);
	folder_write_changed("contract.json", folder_contract,
	    "\"name\":\"x\",\"version\":\"1\"",
	    "\"v\\u0065rsion\" : \"\\u0031\",\n\"name\":\"x\"");
	hash_of(after);
	assert_string_equal(before, after);
	folder_write_changed(
	    "contract.json", folder_contract, "\"1\"", "\"2\"");
	hash_of(after);
	assert_string_not_equal(before, after);
	folder_write_good();
	folder_write("b.json", view_of("{}"));
	hash_of(after);
	assert_string_not_equal(before, after);
	folder_remove("b.json");
	hash_of(after);
	assert_string_equal(before, after);
}

static void
canonical_json_sorts_members_by_their_bytes(void **state)
{
	(void)state;
	struct json_doc doc;
	struct json_fault fault;
	struct json_limits limits = { .max_depth = 8 };
	struct buf out;
	buf_init(&out, 0);
	json_doc_init(&doc);
	assert_int_equal(
	    json_scan(&doc,
		view_of(
		    " { \"b\" : [ 1.50 , { } ] , \"\\u0061a\" : \"\\/\\u00e9"
		    "\\n\" , \"a\" : null , \"\xc3\xa9\" : true } "),
		&limits, &fault),
	    0);
	contract_canonical(&doc, 0, &out);
	assert_true(view_is(buf_view(&out),
	    "{\"a\":null,\"aa\":\"/\xc3\xa9\\n\",\"b\":[1.50,{}],"
	    "\"\xc3\xa9\":true}"));
	json_doc_fini(&doc);
	buf_fini(&out);
}

/* Computed once by hand from the text that contract_files.h describes. */
static void
the_hash_of_a_known_folder_is_known(void **state)
{
	(void)state;
	struct contract_files files;
	char hex[65];
	folder_write("contract.json", view_of("{ \"b\":1, \"a\":[] }"));
	folder_write("a.schema.json", view_of("true"));
	assert_int_equal(contract_files_read(&files, folder, &folder_err), 0);
	contract_files_hash(&files, hex);
	contract_files_fini(&files);
	assert_string_equal(hex,
	    "c3eb8024f73e884d97b86ea8540b217e252527c706fc7e97ce2699dc8e84cf51");
	folder_write_good();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder_that_is_not_there_is_named),
		cmocka_unit_test(
		    a_link_may_be_used_but_not_to_leave_the_folder),
		cmocka_unit_test(a_folder_beside_is_outside_whatever_its_name),
		cmocka_unit_test(other_files_are_not_looked_at),
		cmocka_unit_test(a_file_of_4_mib_is_the_largest),
		cmocka_unit_test(a_file_that_is_too_deep_is_refused),
		cmocka_unit_test(the_hash_is_over_the_canonical_form),
		cmocka_unit_test(canonical_json_sorts_members_by_their_bytes),
		cmocka_unit_test(the_hash_of_a_known_folder_is_known),
	};
	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
