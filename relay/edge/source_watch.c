/* SPDX-License-Identifier: MIT */
#include "source_parts.h"

#include "xmalloc.h"

#include <stdlib.h>

/* Ids of watched streams; the hub counts from below. */
#define WATCH_IDS (UINT64_C(1) << 63)

/* A followed stream whose news go to a callback instead of the hub. */
struct source_watch {
	struct source *source;
	struct source_stream *stream;
	source_entry_fn *entry;
	void *arg;
	bool is_busy;  /* entries are being handed out */
	bool is_freed; /* … and the callback wants no more */
};

struct source_watch *
source_watch_new(
    struct source *source, struct view key, source_entry_fn *entry, void *arg)
{
	struct source_watch *watch = xcalloc(1, sizeof(*watch));
	uint64_t id = WATCH_IDS | ++source->last_watch;

	watch->source = source;
	watch->entry = entry;
	watch->arg = arg;
	source_hub_ops.follow(source, id, key);
	watch->stream = source_table_by_id(&source->table, id);
	watch->stream->watch = watch;
	source->watches++;
	return watch;
}

void
source_watch_free(struct source_watch **watch_p)
{
	struct source_watch *watch = *watch_p;

	if (watch == NULL)
		return;
	*watch_p = NULL;
	watch->source->watches--;
	source_table_remove(&watch->source->table, watch->stream);
	watch->is_freed = true;
	if (!watch->is_busy)
		free(watch);
}

void
source_watch_entries(struct source_watch *watch,
    const struct source_entries *entries, size_t first)
{
	watch->is_busy = true;
	for (size_t i = first; i < entries->count && !watch->is_freed; i++)
		watch->entry(
		    watch->arg, entries->items[i].id, entries->first_values[i]);
	watch->is_busy = false;
	if (watch->is_freed)
		free(watch);
}
