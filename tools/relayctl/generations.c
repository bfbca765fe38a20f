/* SPDX-License-Identifier: MIT */
#include "generations.h"

#include "bundled.h"
#include "xmalloc.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CONTRACT_FILE "contract.json"

struct generation {
	struct contract *contract;
	struct frame_scope scope;
	char name[256];
	unsigned long valid;
};

struct generations {
	const struct frame_scope *expected;
	char expected_name[256];
	struct generation items[GENERATIONS_MAX];
	size_t count;
	struct schema_scratch *scratch;
};

/* --- which are known --- */

/* The expected one and those of a hash that is there already are not new. */
static bool
is_known(const struct generations *generations, const struct contract *contract)
{
	bool is_known =
	    strcmp(contract->hash, generations->expected->contract->hash) == 0;
	for (size_t i = 0; i < generations->count && !is_known; i++)
		is_known = strcmp(contract->hash,
			       generations->items[i].contract->hash) == 0;
	return is_known;
}

/* Two that say the same of themselves are told apart by their folders. */
static void
name(struct generations *generations, struct generation *generation)
{
	const struct contract *contract = generation->contract;
	snprintf(generation->name, sizeof(generation->name), "%s/%s",
	    contract->name, contract->version);
	if (strcmp(generation->name, generations->expected_name) == 0)
		snprintf(generation->name, sizeof(generation->name),
		    "%s/%s in %s", contract->name, contract->version,
		    contract->directory);
}

static const struct contract_endpoint *
find_endpoint(const struct contract *contract, const char *wanted)
{
	for (size_t i = 0; i < contract->endpoint_count; i++)
		if (strcmp(contract->endpoints[i].name, wanted) == 0)
			return &contract->endpoints[i];
	return NULL;
}

static void
add(struct generations *generations, const char *folder)
{
	struct error err = { "", "" };
	char file[PATH_MAX + 16];
	snprintf(file, sizeof(file), "%s/" CONTRACT_FILE, folder);
	if (generations->count == GENERATIONS_MAX || access(file, R_OK) == -1)
		return;
	struct contract *contract = contract_load(folder, &err);
	if (!contract || is_known(generations, contract)) {
		contract_free(&contract);
		return;
	}
	struct generation *generation =
	    &generations->items[generations->count++];
	const struct frame_scope *expected = generations->expected;
	generation->contract = contract;
	generation->scope = (struct frame_scope){ .contract = contract,
		.direction = expected->direction };
	if (expected->endpoint)
		generation->scope.endpoint =
		    find_endpoint(contract, expected->endpoint->name);
	name(generations, generation);
}

/* Every folder in this one, in order; `deeper` more levels down. */
static void
add_folders(struct generations *generations, const char *parent, int deeper)
{
	struct dirent **entries = NULL;
	char path[PATH_MAX];
	int count = scandir(parent, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		const char *entry = entries[i]->d_name;
		int length =
		    snprintf(path, sizeof(path), "%s/%s", parent, entry);
		bool is_folder = entry[0] != '.' &&
		    (entries[i]->d_type == DT_DIR ||
			entries[i]->d_type == DT_LNK ||
			entries[i]->d_type == DT_UNKNOWN);
		if (is_folder && length < (int)sizeof(path)) {
			add(generations, path);
			if (deeper > 0)
				add_folders(generations, path, deeper - 1);
		}
		free(entries[i]);
	}
	free(entries);
}

/* The folder `levels` above, in place. */
static void
go_up(char *path, int levels)
{
	while (levels-- > 0) {
		char *slash = strrchr(path, '/');
		if (slash && slash != path)
			*slash = '\0';
	}
}

struct generations *
generations_new(const struct frame_scope *expected)
{
	char path[PATH_MAX];
	char *folder = realpath(expected->contract->directory, NULL);
	struct generations *generations = xcalloc(1, sizeof(*generations));
	generations->expected = expected;
	generations->scratch = schema_scratch_new();
	snprintf(generations->expected_name, sizeof(generations->expected_name),
	    "%s/%s", expected->contract->name, expected->contract->version);
	if (folder) {
		go_up(folder, 1);
		add_folders(generations, folder, 0);
	}
	free(folder);
	/* Bundled are schemas/NAME/VERSION. */
	bundled_contract(path, sizeof(path));
	folder = realpath(path, NULL);
	if (folder) {
		go_up(folder, 2);
		add_folders(generations, folder, 1);
	}
	free(folder);
	return generations;
}

void
generations_free(struct generations **generations_p)
{
	struct generations *generations = *generations_p;
	if (!generations)
		return;
	for (size_t i = 0; i < generations->count; i++)
		contract_free(&generations->items[i].contract);
	schema_scratch_free(&generations->scratch);
	free(generations);
	*generations_p = NULL;
}

/* --- what they take --- */

void
generations_judge(struct generations *generations, const struct json_doc *doc)
{
	for (size_t i = 0; i < generations->count; i++) {
		struct generation *generation = &generations->items[i];
		struct frame_attempt attempt = frame_attempt(
		    &generation->scope, generations->scratch, doc);
		generation->valid += attempt.verdict == CONTRACT_VALID &&
		    frame_reserved(&attempt, doc) == FRAME_FREE;
	}
}

static const struct generation *
best_of(const struct generations *generations)
{
	const struct generation *best = NULL;
	for (size_t i = 0; i < generations->count; i++)
		if (!best || generations->items[i].valid > best->valid)
			best = &generations->items[i];
	return best;
}

void
generations_tell(const struct generations *generations, struct report *report,
    const char *source, unsigned long frames, unsigned long valid)
{
	char counts[768];
	const struct generation *best = best_of(generations);
	if (!best || valid == frames || best->valid <= valid)
		return;
	snprintf(counts, sizeof(counts),
	    "%lu of %lu frames are valid under %s, %lu of %lu under %s",
	    best->valid, frames, best->name, valid, frames,
	    generations->expected_name);
	const struct finding finding = { .level = FINDING_WARNING,
		.source = source,
		.subject = "the set of frames",
		.rule = "generation",
		.expected = generations->expected_name,
		.got = best->name,
		.hint = counts,
		.is_summary = true };
	report_add(report, &finding);
}

static void
add_one(struct buf *out, const char *contract_name, unsigned long valid,
    bool is_expected)
{
	buf_add_text(out, "{\"contract\":");
	buf_add_json_string(out, view_of(contract_name));
	buf_addf(out, ",\"valid\":%lu,\"expected\":%s}", valid,
	    is_expected ? "true" : "false");
}

void
generations_add_json(
    const struct generations *generations, unsigned long valid, struct buf *out)
{
	buf_add_char(out, '[');
	add_one(out, generations->expected_name, valid, true);
	for (size_t i = 0; i < generations->count; i++) {
		buf_add_char(out, ',');
		add_one(out, generations->items[i].name,
		    generations->items[i].valid, false);
	}
	buf_add_char(out, ']');
}
