/* SPDX-License-Identifier: MIT */
#ifndef MODEL_VIEW_H
#define MODEL_VIEW_H

/* What a client of the model can know of its stream, life by life. */

#include "model_client.h"

/* Is it this client's to get, as long as it is there? */
bool model_is_visible(
    const struct model_client *client, const struct model_entry *entry);

/* The first of its view in (last, end), in this life, that it did not get
 * though it is there or, for those who can be told, was there; NULL: none.
 * Looks at entries from the index `from` on. */
const struct model_entry *model_find_missing(const struct model_client *client,
    unsigned generation, struct entry_id end, size_t from);

/* Was there ever such an entry in this life? */
bool model_has_id(
    const struct model_client *client, unsigned generation, struct entry_id id);

/* A copy was restored, and what the client has is still in there; or what may
 * have been scanned for it since, of which it got nothing. */
bool model_is_in_copy(const struct model_client *client, unsigned generation);

/* More may have been scanned for it than it got: what is not for it, and what
 * was gone. Does the copy lack any of that? Then its cursor is void although
 * the copy has all that it knows. */
bool model_may_lack(const struct model_client *client, unsigned generation);

#endif
