/* SPDX-License-Identifier: MIT */

/*
 * relayctl schema suite: test files in the form of the official JSON Schema
 * test suite. Besides the verdict it asks that schema_explain agrees with it.
 */

#include "schema_files.h"
#include "suite_remotes.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA_NAME    "urn:relayctl:suite"
#define FAILURES_SHOWN 1000

struct suite {
	struct ctl *ctl;
	struct schema_options options;
	struct suite_remotes remotes;
	struct schema_scratch *scratch;
	const char *file;
	const struct json_doc *doc;
	struct view group; /* its description, as JSON */
	unsigned long passed;
	unsigned long failed;
};

static struct view
description_of(const struct suite *suite, uint32_t object)
{
	uint32_t value =
	    json_member(suite->doc, object, view_of("description"));
	return value ? json_text(suite->doc, value) : view_of("\"\"");
}

static void
report_failure(struct suite *suite, uint32_t test, const char *what)
{
	struct ctl *ctl = suite->ctl;
	struct buf *result = &ctl->result;
	struct view name = description_of(suite, test);
	suite->failed++;
	ctl_printf(ctl, "%sfailed%s %s: %.*s: %.*s: %s\n", ctl_red(ctl),
	    ctl_plain(ctl), suite->file, (int)suite->group.len,
	    suite->group.data, (int)name.len, name.data, what);
	if (suite->failed > FAILURES_SHOWN)
		return;
	bool is_first = result->data[result->len - 1] == '[';
	buf_add_text(result, is_first ? "{\"file\":" : ",{\"file\":");
	buf_add_json_string(result, view_of(suite->file));
	buf_add_text(result, ",\"group\":");
	buf_add(result, suite->group);
	buf_add_text(result, ",\"test\":");
	buf_add(result, name);
	buf_add_text(result, ",\"why\":");
	buf_add_json_string(result, view_of(what));
	buf_add_char(result, '}');
}

static struct schema *
compile_group(struct suite *suite, uint32_t group, struct error *err)
{
	struct schema_set *set = schema_set_new();
	struct schema *schema = NULL;
	uint32_t text = json_member(suite->doc, group, view_of("schema"));
	if (schema_set_add(
		set, SCHEMA_NAME, json_text(suite->doc, text), err) == 0 &&
	    suite_remotes_add(&suite->remotes, set, err) == 0)
		schema = schema_compile(set, SCHEMA_NAME, &suite->options, err);
	schema_set_free(&set);
	return schema;
}

static void
run_test(struct suite *suite, const struct schema *schema, uint32_t test)
{
	struct violation violation;
	uint32_t data = json_member(suite->doc, test, view_of("data"));
	uint32_t valid = json_member(suite->doc, test, view_of("valid"));
	if (!data || !valid) {
		report_failure(suite, test, "a test without data or valid");
		return;
	}
	bool expected = suite->doc->nodes[valid].type == JSON_TRUE;
	bool checked = schema_check(schema, suite->scratch, suite->doc, data);
	bool explained = schema_explain(schema, suite->scratch, suite->doc,
			     data, &violation, 1) == 0;
	if (checked != expected)
		report_failure(suite, test,
		    expected ? "must be valid, is refused"
			     : "must be refused, is valid");
	else if (explained != checked)
		report_failure(suite, test, "explained otherwise");
	else
		suite->passed++;
}

static bool
is_kind(const struct json_doc *doc, uint32_t node, enum json_type type)
{
	return doc->nodes[node].type == type;
}

/* A group has a schema and an array of tests, which are objects. */
static bool
is_group(const struct json_doc *doc, uint32_t group)
{
	if (!is_kind(doc, group, JSON_OBJECT) ||
	    !json_member(doc, group, view_of("schema")))
		return false;
	uint32_t tests = json_member(doc, group, view_of("tests"));
	if (!tests || !is_kind(doc, tests, JSON_ARRAY))
		return false;
	for (uint32_t test = tests + 1; test < doc->nodes[tests].next;
	     test = doc->nodes[test].next)
		if (!is_kind(doc, test, JSON_OBJECT))
			return false;
	return true;
}

/* Else a file that is something else would pass, since it fails nothing. */
static int
check_form(struct ctl *ctl, const struct json_doc *doc, const char *path)
{
	bool is_good = is_kind(doc, 0, JSON_ARRAY);
	for (uint32_t group = 1; is_good && group < doc->nodes[0].next;
	     group = doc->nodes[group].next)
		is_good = is_group(doc, group);
	if (is_good)
		return 0;
	ctl_fail(ctl, CTL_INPUT, "no_suite",
	    "%s: is no file of the suite: an array of objects with "
	    "\"schema\" and \"tests\" is wanted",
	    path);
	return -1;
}

static void
run_group(struct suite *suite, uint32_t group)
{
	struct error err = { 0 };
	char why[800];
	suite->group = description_of(suite, group);
	uint32_t tests = json_member(suite->doc, group, view_of("tests"));
	struct schema *schema = compile_group(suite, group, &err);
	snprintf(why, sizeof(why), "schema: %s: %s", err.where, err.message);
	for (uint32_t test = tests + 1; test < suite->doc->nodes[tests].next;
	     test = suite->doc->nodes[test].next) {
		if (schema)
			run_test(suite, schema, test);
		else
			report_failure(suite, test, why);
	}
	schema_free(&schema);
}

static int
run_file(struct suite *suite, const char *path)
{
	struct json_doc doc;
	struct json_limits limits = { 0 };
	struct json_fault fault;
	struct buf text;
	buf_init(&text, 0);
	json_doc_init(&doc);
	int rc = ctl_read_file(suite->ctl, path, &text);
	if (rc == 0 && json_scan(&doc, buf_view(&text), &limits, &fault) < 0) {
		ctl_fail(suite->ctl, CTL_INPUT, "not_json",
		    "%s: %s at byte %zu", path, fault.message, fault.offset);
		rc = -1;
	}
	if (rc == 0)
		rc = check_form(suite->ctl, &doc, path);
	const char *slash = strrchr(path, '/');
	suite->file = slash ? slash + 1 : path;
	suite->doc = &doc;
	for (uint32_t group = 1; rc == 0 && group < doc.nodes[0].next;
	     group = doc.nodes[group].next)
		run_group(suite, group);
	json_doc_fini(&doc);
	buf_fini(&text);
	return rc;
}

static int
is_test_file(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');
	return dot && strcmp(dot, ".json") == 0;
}

static int
run_folder(struct suite *suite, const char *folder)
{
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, is_test_file, alphasort);
	int rc = 0;
	if (count < 0)
		return ctl_fail(
		    suite->ctl, CTL_INPUT, "unreadable", "%s: %m", folder);
	if (count == 0)
		rc = ctl_fail(suite->ctl, CTL_INPUT, "unreadable",
		    "%s holds no .json files", folder);
	for (int i = 0; i < count; i++) {
		char path[4096];
		snprintf(
		    path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		if (rc == 0 && run_file(suite, path) < 0)
			rc = CTL_INPUT;
		free(entries[i]);
	}
	free(entries);
	return rc;
}

static int
run(struct suite *suite, const char *folder, const char *remotes)
{
	struct ctl *ctl = suite->ctl;
	int rc = suite_remotes_read(
	    &suite->remotes, ctl, folder, remotes, suite->options.draft);
	if (rc != 0)
		return rc;
	suite->scratch = schema_scratch_new();
	buf_add_text(&ctl->result, "{\"failures\":[");
	rc = run_folder(suite, folder);
	buf_addf(&ctl->result, "],\"passed\":%lu,\"failed\":%lu}",
	    suite->passed, suite->failed);
	schema_scratch_free(&suite->scratch);
	if (rc == 0)
		ctl_printf(ctl, "%lu passed, %lu failed\n", suite->passed,
		    suite->failed);
	if (rc != 0)
		return rc;
	return suite->failed > 0 ? CTL_FINDINGS : CTL_FINE;
}

int
cmd_schema_suite(struct ctl *ctl)
{
	const char *draft = NULL;
	const char *remotes = NULL;
	struct suite suite = { .ctl = ctl };
	const struct ctl_option options[] = {
		{ .name = "--draft", .value = &draft },
		{ .name = "--remotes", .value = &remotes },
		{ .name = "--format-assertion",
		    .flag = &suite.options.format_assertion },
	};
	int status = ctl_parse(ctl, options, 3);
	if (status == 0)
		status = schema_files_draft(ctl, draft, &suite.options.draft);
	if (status != 0)
		return status;
	if (ctl->argc != 1)
		return ctl_fail(
		    ctl, CTL_USAGE, "usage", "one folder must be named");
	status = run(&suite, ctl->argv[0], remotes);
	suite_remotes_fini(&suite.remotes);
	return status;
}
