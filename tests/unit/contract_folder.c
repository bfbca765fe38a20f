/* SPDX-License-Identifier: MIT */
#include "contract_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

const char folder_contract[] =
    "{\"name\":\"x\",\"version\":\"1\",\"endpoints\":{"
    "\"talk\":{\"path\":\"/talk\",\"direction\":\"both\","
    "\"client\":{\"discriminator\":\"/type\",\"session\":\"/s\","
    "\"messages\":{\"ask\":\"a.schema.json#/$defs/ask\"}},"
    "\"server\":{\"discriminator\":\"/type\","
    "\"messages\":{\"tell\":\"a.schema.json#/$defs/tell\"}}},"
    "\"watch\":{\"path\":\"/watch\",\"direction\":\"server\","
    "\"session_query\":\"s\","
    "\"server\":{\"discriminator\":\"/type\","
    "\"messages\":{\"tell\":\"a.schema.json#/$defs/tell\"}}}}}";
const char folder_schema[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
    "\"$defs\":{\"ask\":{\"type\":\"object\"},"
    "\"tell\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":"
    "\"integer\"}},\"examples\":[{\"n\":1},{\"n\":2}]}}}";

char folder[64];
struct error folder_err;

void
folder_path(const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", folder, name);
}

void
folder_write(const char *name, struct view text)
{
	char path[512];
	folder_path(name, path, sizeof(path));
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(text.data, 1, text.len, file), text.len);
	fclose(file);
}

void
folder_remove(const char *name)
{
	char path[512];
	folder_path(name, path, sizeof(path));
	remove(path);
}

void
folder_write_changed(
    const char *name, const char *text, const char *find, const char *replace)
{
	struct buf changed;
	const char *place = strstr(text, find);
	if (!place)
		fail_msg("%s is not in %s", find, name);
	buf_init(&changed, 0);
	buf_add(&changed, view_make(text, (size_t)(place - text)));
	buf_add_text(&changed, replace);
	buf_add_text(&changed, place + strlen(find));
	folder_write(name, buf_view(&changed));
	buf_fini(&changed);
}

void
folder_write_good(void)
{
	folder_write("contract.json", view_of(folder_contract));
	folder_write("a.schema.json", view_of(folder_schema));
}

struct contract *
folder_load(const char *directory)
{
	folder_err = (struct error){ "", "" };
	return contract_load(directory, &folder_err);
}

struct contract *
folder_load_good(const char *directory)
{
	struct contract *contract = folder_load(directory);
	if (!contract)
		fail_msg("%s: %s", folder_err.where, folder_err.message);
	return contract;
}

void
assert_folder_refused(const char *where, const char *message)
{
	struct contract *contract = folder_load(folder);
	if (contract)
		fail_msg("loaded, although: %s %s", where, message);
	size_t length = strlen(folder_err.where);
	size_t size = strlen(where);
	if (length < size ||
	    strcmp(folder_err.where + length - size, where) != 0)
		fail_msg("at %s (%s), not at %s", folder_err.where,
		    folder_err.message, where);
	if (!strstr(folder_err.message, message))
		fail_msg(
		    "\"%s\" is not in \"%s\"", message, folder_err.message);
}

int
folder_setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/relay-contract-XXXXXX");
	assert_non_null(mkdtemp(folder));
	folder_write_good();
	return 0;
}

int
folder_teardown(void **state)
{
	static const char *const names[] = { "contract.json", "a.schema.json",
		"b.json", "out.json", "in.json", "bad name.json", "notes.txt",
		".hidden.json", "sub/c.json", "sub" };
	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		folder_remove(names[i]);
	rmdir(folder);
	return 0;
}
