/* SPDX-License-Identifier: MIT */
#include "suite_remotes.h"

#include "xmalloc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BASE      "http://localhost:1234/"
#define DEPTH_MAX 8

struct reader {
	struct suite_remotes *all;
	struct ctl *ctl;
	const char *root;
	const char *own; /* folder of this draft */
	bool is_foreign; /* second round: the folders of other drafts */
};

static bool
is_draft_folder(const char *name)
{
	return strncmp(name, "draft", 5) == 0 || strcmp(name, "v1") == 0;
}

static int
read_remote(struct reader *reader, const char *path)
{
	struct suite_remotes *all = reader->all;
	char uri[4096];
	if (all->count == SUITE_REMOTES_MAX)
		return ctl_fail(reader->ctl, CTL_INPUT, "too_many",
		    "more than %d remote documents", SUITE_REMOTES_MAX);
	struct suite_remote *remote = &all->items[all->count++];
	snprintf(uri, sizeof(uri), BASE "%s", path + strlen(reader->root) + 1);
	remote->uri = xstrdup(uri);
	buf_init(&remote->text, 0);
	return ctl_read_file(reader->ctl, path, &remote->text) < 0 ? CTL_INPUT
								   : 0;
}

static int read_folder(
    struct reader *reader, const char *folder, unsigned depth);

static int
read_entry(struct reader *reader, const char *folder,
    const struct dirent *entry, unsigned depth)
{
	char path[4096];
	const char *name = entry->d_name;
	const char *dot = strrchr(name, '.');
	if (name[0] == '.')
		return 0;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (dot && strcmp(dot, ".json") == 0) {
		bool is_passed = depth == 0 && reader->is_foreign;
		return is_passed ? 0 : read_remote(reader, path);
	}
	bool is_foreign =
	    is_draft_folder(name) && strcmp(name, reader->own) != 0;
	if (depth == 0 && is_foreign != reader->is_foreign)
		return 0;
	return read_folder(reader, path, depth + 1);
}

static int
read_folder(struct reader *reader, const char *folder, unsigned depth)
{
	struct dirent **entries = NULL;
	int rc = 0;
	if (depth > DEPTH_MAX)
		return 0;
	int count = scandir(folder, &entries, NULL, alphasort);
	if (count < 0)
		return ctl_fail(
		    reader->ctl, CTL_INPUT, "unreadable", "%s: %m", folder);
	for (int i = 0; i < count; i++) {
		if (rc == 0)
			rc = read_entry(reader, folder, entries[i], depth);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

static bool
find_above(const char *folder, char *path, size_t size)
{
	const char *up = "../..";
	for (unsigned level = 0; level < 3; level++) {
		snprintf(path, size, "%s/%s/remotes", folder, up);
		if (access(path, R_OK | X_OK) == 0)
			return true;
		up = level == 0 ? "../../.." : "../../../..";
	}
	return false;
}

int
suite_remotes_read(struct suite_remotes *all, struct ctl *ctl,
    const char *folder, const char *remotes, enum schema_draft draft)
{
	char path[4096];
	if (!remotes && !find_above(folder, path, sizeof(path)))
		return 0;
	struct reader reader = {
		.all = all,
		.ctl = ctl,
		.root = remotes ? remotes : path,
		.own = draft == SCHEMA_DRAFT_7 ? "draft7" : "draft2020-12",
	};
	int rc = read_folder(&reader, reader.root, 0);
	reader.is_foreign = true;
	return rc != 0 ? rc : read_folder(&reader, reader.root, 0);
}

void
suite_remotes_fini(struct suite_remotes *all)
{
	for (size_t i = 0; i < all->count; i++) {
		free(all->items[i].uri);
		buf_fini(&all->items[i].text);
	}
	all->count = 0;
}

int
suite_remotes_add(
    const struct suite_remotes *all, struct schema_set *set, struct error *err)
{
	for (size_t i = 0; i < all->count; i++)
		if (schema_set_add(set, all->items[i].uri,
			buf_view(&all->items[i].text), err) < 0)
			return -1;
	return 0;
}
