/* SPDX-License-Identifier: MIT */
#ifndef SUITE_REMOTES_H
#define SUITE_REMOTES_H

/* The documents that the suite's schemas expect at http://localhost:1234/,
 * served from memory. */

#include "ctl.h"
#include "schema.h"

#define SUITE_REMOTES_MAX 512

struct suite_remote {
	char *uri;
	struct buf text;
};

struct suite_remotes {
	struct suite_remote items[SUITE_REMOTES_MAX];
	size_t count;
};

/* Reads all below `remotes`; NULL: the folder "remotes" two to four levels
 * above `folder`, if there is one. Those of other drafts come last, so that
 * their $id does not hide one of this draft. 0, or CTL_INPUT. */
int suite_remotes_read(struct suite_remotes *all, struct ctl *ctl,
    const char *folder, const char *remotes, enum schema_draft draft);
void suite_remotes_fini(struct suite_remotes *all);

int suite_remotes_add(
    const struct suite_remotes *all, struct schema_set *set, struct error *err);

#endif
