/* SPDX-License-Identifier: MIT */
#include "model_view.h"

static bool
is_less(struct entry_id a, struct entry_id b)
{
	return entry_id_compare(a, b) < 0;
}

bool
model_is_visible(
    const struct model_client *client, const struct model_entry *entry)
{
	if (!fake_judge_delivers(entry->kind, client->endpoint))
		return false;
	return entry->kind != 'd' || entry_id_is_zero(entry->command) ||
	    entry->command.ms == client->listener.owner;
}

const struct model_entry *
model_find_missing(const struct model_client *client, unsigned generation,
    struct entry_id end, size_t from)
{
	const struct model_stream *stream = client->stream;
	for (size_t i = from; i < stream->count; i++) {
		const struct model_entry *entry = &stream->entries[i];
		if (entry->generation != generation ||
		    !is_less(client->last, entry->id) ||
		    !is_less(entry->id, end) ||
		    !model_is_visible(client, entry))
			continue;
		if (entry->is_deleted)
			continue; /* no reader of Redis can know */
		if (!entry->is_trimmed || client->notices)
			return entry;
	}
	return NULL;
}

bool
model_has_id(
    const struct model_client *client, unsigned generation, struct entry_id id)
{
	const struct model_stream *stream = client->stream;
	for (size_t i = 0; i < stream->count; i++)
		if (stream->entries[i].generation == generation &&
		    entry_id_compare(stream->entries[i].id, id) == 0)
			return true;
	return false;
}

/* Behind `id` all is there: it is itself, or what comes right behind it. */
static bool
is_place(
    const struct model_client *client, unsigned generation, struct entry_id id)
{
	return model_has_id(client, generation, id) ||
	    model_has_id(client, generation, entry_id_after(id));
}

/* Can it be passed without a word? */
static bool
is_passed(const struct model_client *client, const struct model_entry *entry)
{
	return !model_is_visible(client, entry) || entry->is_deleted ||
	    (entry->is_trimmed && !client->notices);
}

bool
model_is_in_copy(const struct model_client *client, unsigned generation)
{
	const struct model_stream *stream = client->stream;
	if (entry_id_is_zero(client->last) ||
	    is_place(client, generation, client->last))
		return true;
	for (size_t i = 0; i < stream->count; i++) {
		const struct model_entry *entry = &stream->entries[i];
		if (entry->generation != client->generation ||
		    !is_less(client->last, entry->id))
			continue;
		if (!is_passed(client, entry))
			return false;
		if (is_place(client, generation, entry->id))
			return true;
	}
	return false;
}

bool
model_may_lack(const struct model_client *client, unsigned generation)
{
	const struct model_stream *stream = client->stream;
	for (size_t i = 0; i < stream->count; i++) {
		const struct model_entry *entry = &stream->entries[i];
		if (entry->generation != client->generation ||
		    !is_less(client->last, entry->id))
			continue;
		if (!model_has_id(client, generation, entry->id))
			return true;
		if (!is_passed(client, entry))
			return false;
	}
	return false;
}
