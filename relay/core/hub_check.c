/* SPDX-License-Identifier: MIT */

/* The books of the hub, audited: every count is made again from what it
 * counts. For tests, which call it after every step. */

#include "hub_parts.h"
#include "window.h"

#include <assert.h>

struct audit {
	size_t subscriptions;
	size_t behind;
	size_t listed; /* subscriptions whose state puts them in a list */
	size_t blocks;
	size_t block_bytes;
	size_t twins;
	uint64_t pending; /* frames still in front of subscriptions */
};

/* What the positions that stand in one chain add up to. */
struct census {
	struct chain *chain;
	size_t positions;
	size_t at_end;
	size_t listeners;
	size_t in_first; /* in the oldest block */
};

static void
count_position(struct census *census, const struct position *position)
{
	struct block *block;
	struct position copy = *position;
	if (copy.chain != census->chain)
		return;
	census->positions++;
	census->listeners += copy.is_listener;
	if (position_is_at_end(&copy)) {
		census->at_end++;
		return;
	}
	position_frame(&copy, &block);
	assert(block->first_number <= copy.number);
	assert(copy.number < block_end(block));
	census->in_first += block == census->chain->first;
}

static void
count_block(const struct block *block, struct audit *audit)
{
	audit->blocks++;
	audit->block_bytes += sizeof(*block) + block->capacity;
	for (size_t form = 0; form < FORM_COUNT; form++) {
		const struct block *twin = block->twins[form];
		if (twin == NULL)
			continue;
		assert(twin->first_number == block->first_number &&
		    twin->capacity == block->capacity &&
		    twin->count <= block->count && twin->positions == 0 &&
		    twin->used <= block->used);
		count_block(twin, audit);
		audit->twins++;
	}
}

static void
check_blocks(const struct census *census, struct audit *audit)
{
	struct chain *chain = census->chain;
	struct block *block = chain->first;
	size_t standing = 0;
	assert((chain->first == NULL) == (chain->last == NULL));
	for (; block != NULL; block = block->next) {
		count_block(block, audit);
		standing += block->positions;
		assert(block->count > 0);
		if (block->next == NULL)
			assert(block == chain->last &&
			    block_end(block) == chain->next);
		else
			assert(block_end(block) == block->next->first_number);
	}
	assert(standing + chain->at_end == chain->positions);
	assert(chain->positions == census->positions);
	assert(chain->at_end == census->at_end);
	assert(chain->listeners == census->listeners);
	if (chain->first != NULL)
		assert(chain->first->positions == census->in_first &&
		    census->in_first > 0);
}

static void
check_live_chain(struct hub *hub, struct topic *topic, struct audit *audit)
{
	struct census census = { .chain = &topic->chain };
	if (topic_pin(topic) != NULL)
		count_position(&census, topic_pin(topic));
	list_foreach(at, &topic->members)
		count_position(&census,
		    &list_entry(at, struct subscription, member)->position);
	list_foreach(at, &hub->windows)
		count_position(
		    &census, &list_entry(at, struct window, link)->pin);
	check_blocks(&census, audit);
	if (topic->chain.first != NULL)
		assert(!list_is_empty(&topic->loaded));
}

static void
check_window(struct window *window, struct audit *audit)
{
	struct census census = { .chain = &window->chain };
	count_position(&census, &window->keep);
	list_foreach(at, &window->topic->members)
		count_position(&census,
		    &list_entry(at, struct subscription, member)->position);
	assert(window->chain.positions > 0);
	check_blocks(&census, audit);
}

static void
check_member(struct subscription *member, struct audit *audit)
{
	bool is_blocked = member->full || !member->is_opened ||
	    (member->held && member->live_due != LIVE_AT_ONCE);
	bool stands = member->position.chain != NULL;
	bool is_listed =
	    stands || (member->place == PLACE_BEHIND && !is_blocked);
	assert(!member->is_serving);
	assert(stands ==
	    (member->place == PLACE_LIVE || member->place == PLACE_WINDOW));
	assert((member->window != NULL) == (member->place == PLACE_WINDOW));
	assert(is_listed == !list_is_empty(&member->link));
	audit->subscriptions++;
	audit->listed += is_listed;
	audit->behind +=
	    member->place == PLACE_WINDOW || member->place == PLACE_BEHIND;
	if (stands)
		audit->pending +=
		    member->position.chain->next - member->position.number;
}

static size_t
length(const struct list *list)
{
	size_t n = 0;
	for (const struct list *at = list->next; at != list; at = at->next)
		n++;
	return n;
}

/* All in `ready` have nothing to get, or the same: they stand at one place, and
 * owe nothing but frames. */
static size_t
check_lists(struct topic *topic)
{
	const struct subscription *first =
	    list_entry(topic->ready.next, struct subscription, link);
	list_foreach(at, &topic->ready) {
		struct subscription *one =
		    list_entry(at, struct subscription, link);
		assert(one->place == PLACE_LIVE && !one->full && !one->held);
		assert(one->live_due == LIVE_DONE);
		assert(one->position.number == first->position.number);
		assert(position_is_at_end(&one->position) ||
		    !list_is_empty(&topic->dirty));
	}
	list_foreach(at, &topic->parked)
		assert(list_entry(at, struct subscription, link)->place ==
		    PLACE_LIVE);
	return length(&topic->ready) + length(&topic->parked);
}

static size_t
check_stream(struct hub *hub, struct stream *stream, struct audit *audit)
{
	size_t listed = length(&stream->waiting);
	if (!list_is_empty(&stream->waiting))
		assert(
		    stream->fetch != NULL || !list_is_empty(&stream->hungry));
	for (size_t i = 0; i < stream->endpoints; i++) {
		struct topic *topic = stream->topics[i];
		if (topic == NULL)
			continue;
		assert(topic->member_count == length(&topic->members) &&
		    topic->member_count > 0);
		list_foreach(at, &topic->members)
			check_member(
			    list_entry(at, struct subscription, member), audit);
		check_live_chain(hub, topic, audit);
		listed += check_lists(topic);
	}
	return listed;
}

void
hub_check(struct hub *hub)
{
	struct audit audit = { 0 };
	size_t listed = length(&hub->runnable) + length(&hub->reading) +
	    length(&hub->stuck);
	for (size_t i = 0; i < hub->streams.buckets; i++) {
		struct stream *stream = hub->streams.by_id[i];
		for (; stream != NULL; stream = stream->next_by_id)
			listed += check_stream(hub, stream, &audit);
	}
	list_foreach(at, &hub->windows)
		check_window(list_entry(at, struct window, link), &audit);
	assert(listed == audit.listed);
	assert(hub->subscription_count == audit.subscriptions);
	assert(hub->behind_count == audit.behind);
	assert(hub->window_count == length(&hub->windows));
	assert(hub->pool.blocks == audit.blocks);
	assert(hub->pool.bytes == audit.block_bytes);
	assert(hub->pool.twins == audit.twins);
	assert(hub->pool.accepted ==
	    hub->sent + hub->skipped + hub->marks + hub->pool.left +
		audit.pending);
}
