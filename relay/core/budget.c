/* SPDX-License-Identifier: MIT */
#include "budget.h"

#include "hub_parts.h"
#include "keep.h"
#include "twin.h"

static void
fall_behind(struct subscription *subscription)
{
	stat_add(subscription->hub->stats, behind_entered, 1);
	subscription_let_go(subscription);
}

static bool
is_over(struct position *position, size_t budget)
{
	return position->chain->end_byte - position_byte(position) > budget;
}

/* Lets go of what is over the budget; else notes when it would be. */
static void
check_pin(struct topic *topic, struct position *pin, size_t budget)
{
	if (pin == NULL || pin->chain == NULL)
		return;
	if (is_over(pin, budget)) {
		position_leave(pin);
		return;
	}
	uint64_t byte = position_byte(pin) + budget;
	if (byte < topic->check_byte)
		topic->check_byte = byte;
}

void
budget_check_topic(struct topic *topic)
{
	struct hub *hub = topic->stream->hub;
	size_t budget = hub->options.subscriber_bytes;
	if (topic->chain.end_byte <= topic->check_byte)
		return;
	topic->check_byte = UINT64_MAX;
	list_foreach(at, &topic->parked) {
		struct subscription *parked =
		    list_entry(at, struct subscription, link);
		uint64_t byte = position_byte(&parked->position) + budget;
		if (is_over(&parked->position, budget))
			fall_behind(parked);
		else if (byte < topic->check_byte)
			topic->check_byte = byte;
	}
	check_pin(topic, topic_pin(topic), budget);
	list_foreach(at, &hub->windows) {
		struct window *window = list_entry(at, struct window, link);
		if (window->topic == topic)
			check_pin(topic, &window->pin, budget);
	}
}

static uint64_t
chain_bytes(const struct chain *chain)
{
	return chain->first == NULL
	    ? 0
	    : chain->end_byte - chain->first->first_byte;
}

/* The topic with the longest chain; those without blocks leave the list. */
static struct topic *
find_longest(struct hub *hub)
{
	struct topic *longest = NULL;
	list_foreach(at, &hub->loaded) {
		struct topic *topic = list_entry(at, struct topic, loaded);
		if (topic->chain.first == NULL)
			list_remove(at);
		else if (longest == NULL ||
		    chain_bytes(&topic->chain) > chain_bytes(&longest->chain))
			longest = topic;
	}
	return longest;
}

static bool
stands_in(struct position *position, const struct block *block)
{
	struct block *own;
	if (position_is_at_end(position))
		return false;
	position_frame(position, &own);
	return own == block;
}

/* Everybody in the chain's oldest block lets go of it. Only the pin of a read
 * under way can be left: windows have gone before. */
static void
free_oldest_block(struct topic *topic)
{
	const struct block *block = topic->chain.first;
	struct position hold = { 0 };
	position_enter(&hold, &topic->chain, block->first_number, false);
	list_foreach(at, &topic->members) {
		struct subscription *member =
		    list_entry(at, struct subscription, member);
		if (member->place == PLACE_LIVE &&
		    stands_in(&member->position, block))
			fall_behind(member);
	}
	struct position *pin = topic_pin(topic);
	if (pin != NULL && pin->chain != NULL && stands_in(pin, block))
		position_leave(pin);
	position_leave(&hold);
}

/* One that somebody blocks; else the newest: who loses a place in it is the
 * first to be read for again, and then has the oldest. */
static struct window *
find_dispensable(struct hub *hub)
{
	if (list_is_empty(&hub->stuck))
		return list_entry(hub->windows.prev, struct window, link);
	return list_entry(hub->stuck.next, struct subscription, link)->window;
}

void
budget_check_all(struct hub *hub)
{
	size_t total = hub->options.total_bytes;
	if (hub->pool.bytes > total)
		twins_drop(hub);
	while (hub->pool.bytes > total && keep_less(hub))
		continue;
	while (hub->pool.bytes > total && !list_is_empty(&hub->windows))
		window_evict(find_dispensable(hub));
	while (hub->pool.bytes > total) {
		struct topic *longest = find_longest(hub);
		if (longest == NULL)
			return;
		free_oldest_block(longest);
	}
}

void
budget_free_stuck(struct hub *hub)
{
	while (!list_is_empty(&hub->stuck)) {
		struct subscription *first =
		    list_entry(hub->stuck.next, struct subscription, link);
		if (hub->now_ms - first->blocked_ms <= HUB_BLOCKED_MS)
			return;
		subscription_let_go(first);
	}
}
