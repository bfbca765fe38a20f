/* SPDX-License-Identifier: MIT */
#include "schema_files.h"

#include "schema_uri.h"
#include "xmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILES_MAX 256

/* The files of one schema: those named so far, read one after the other. */
struct loader {
	struct ctl *ctl;
	struct schema_set *set;
	struct view folder; /* with its slash, or empty */
	char *names[FILES_MAX];
	size_t count;
	bool failed;
};

int
schema_files_draft(
    struct ctl *ctl, const char *name, enum schema_draft *draft_r)
{
	*draft_r = SCHEMA_DRAFT_AUTO;
	if (!name)
		return 0;
	struct view text = view_of(name);
	if (text.len > 5 && memcmp(text.data, "draft", 5) == 0)
		text = view_make(text.data + 5, text.len - 5);
	if (text.len > 1 && text.data[0] == '-')
		text = view_make(text.data + 1, text.len - 1);
	if (view_is(text, "2020-12"))
		*draft_r = SCHEMA_DRAFT_2020_12;
	else if (view_is(text, "7") || view_is(text, "07"))
		*draft_r = SCHEMA_DRAFT_7;
	else
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "unknown draft %s: it is 2020-12 or 7", name);
	return 0;
}

/* More steps up than the folder of `base` lies deep? */
static bool
leads_out(const char *base, struct view reference)
{
	long depth = 0;
	for (; *base; base++)
		depth += *base == '/';
	while (reference.len > 0 && depth >= 0) {
		const char *slash = memchr(reference.data, '/', reference.len);
		size_t length =
		    slash ? (size_t)(slash - reference.data) : reference.len;
		struct view step = view_make(reference.data, length);
		if (view_is(step, ".."))
			depth--;
		else if (slash && !view_is(step, "."))
			depth++;
		length += slash != NULL;
		reference =
		    view_make(reference.data + length, reference.len - length);
	}
	return depth < 0;
}

/* Remembers the file that a reference in `base` leads to, when it lies in the
 * folder of the schema or below. */
static void
note_file(struct loader *loader, const char *base, struct view reference)
{
	struct view fragment;
	struct buf target;
	buf_init(&target, 0);
	reference = schema_uri_split(reference, &fragment);
	schema_uri_resolve(view_of(base), reference, &target);
	struct view name = buf_view(&target);
	bool is_plain = name.len > 0 && name.data[0] != '/' &&
	    !memchr(name.data, ':', name.len) &&
	    !memchr(name.data, '\0', name.len) && !leads_out(base, reference);
	for (size_t i = 0; i < loader->count; i++)
		is_plain = is_plain && !view_is(name, loader->names[i]);
	if (is_plain && loader->count < FILES_MAX)
		loader->names[loader->count++] = xstrndup(name.data, name.len);
	buf_fini(&target);
}

static void
note_references(struct loader *loader, const char *base, struct view text)
{
	struct json_doc doc;
	struct json_limits limits = { 0 };
	struct json_fault fault;
	struct buf scratch;
	json_doc_init(&doc);
	buf_init(&scratch, 0);
	if (json_scan(&doc, text, &limits, &fault) == 0) {
		for (uint32_t i = 0; i + 1 < doc.count; i++)
			if ((doc.nodes[i].flags & JSON_IS_KEY) &&
			    json_string_is(&doc, i, view_of("$ref")) &&
			    doc.nodes[i + 1].type == JSON_STRING)
				note_file(loader, base,
				    json_string(&doc, i + 1, &scratch));
	}
	buf_fini(&scratch);
	json_doc_fini(&doc);
}

/* The first file must be there; what is referred to may also be known by an
 * $id, so a file that is missing is not missed here. */
static void
load_file(struct loader *loader, const char *name, bool is_first)
{
	char path[4096];
	struct buf text;
	struct error err = { 0 };
	snprintf(path, sizeof(path), "%.*s%s", (int)loader->folder.len,
	    loader->folder.data, name);
	if (!is_first && access(path, R_OK) != 0)
		return;
	buf_init(&text, 0);
	if (ctl_read_file(loader->ctl, path, &text) < 0) {
		loader->failed = true;
	} else if (schema_set_add(loader->set, name, buf_view(&text), &err) <
	    0) {
		loader->failed = true;
		ctl_fail(loader->ctl, CTL_INPUT, "invalid_schema", "%s: %s",
		    path, err.message);
	} else {
		note_references(loader, name, buf_view(&text));
	}
	buf_fini(&text);
}

static void
load_all(struct loader *loader, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	loader->folder = view_make(path, (size_t)(name - path));
	loader->names[loader->count++] = xstrdup(name);
	for (size_t i = 0; i < loader->count && !loader->failed; i++)
		load_file(loader, loader->names[i], i == 0);
}

struct schema *
schema_files_compile(
    struct ctl *ctl, const char *path, const struct schema_options *options)
{
	struct loader loader = { .ctl = ctl, .set = schema_set_new() };
	struct error err = { 0 };
	struct schema *schema = NULL;
	load_all(&loader, path);
	if (!loader.failed) {
		schema =
		    schema_compile(loader.set, loader.names[0], options, &err);
		if (!schema)
			ctl_fail(ctl, CTL_INPUT, "invalid_schema", "%s: %s",
			    err.where, err.message);
	}
	for (size_t i = 0; i < loader.count; i++)
		free(loader.names[i]);
	schema_set_free(&loader.set);
	return schema;
}

static void
add_text(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, ",\"%s\":", name);
	buf_add_json_string(out, view_of(text));
}

void
schema_files_add_violation(struct buf *out, const struct violation *violation)
{
	buf_add_text(out, "\"pointer\":");
	buf_add_json_string(out, view_of(violation->pointer));
	add_text(out, "rule", violation->rule);
	add_text(out, "expected", violation->expected);
	add_text(out, "got", violation->got);
	if (violation->hint[0])
		add_text(out, "hint", violation->hint);
	else
		buf_add_text(out, ",\"hint\":null");
}
