/* SPDX-License-Identifier: MIT */
#include "fan.h"

#include "deliver.h"
#include "hub_parts.h"
#include "twin.h"

#include <assert.h>

void
fan_begin(struct fan *fan, struct topic *topic)
{
	*fan = (struct fan){ .topic = topic };
}

/* They differ in two things only: how they want their frames, and whether a
 * window or another node has brought them some of these. */
static bool
fits(const struct fan *fan, const struct subscription *subscription)
{
	return fan->block != NULL && subscription->form == fan->form &&
	    entry_id_compare(subscription->scanned, fan->first) < 0;
}

/* One write for all that is pending, the same whoever reads it? (An answer to
 * somebody else ends a run, one's own counts as an end.) */
static bool
is_whole(const struct run *run, const struct chain *chain)
{
	return run->end == chain->next && run->marks == 0 && !run->has_ends;
}

static bool
measure(struct fan *fan, struct subscription *subscription)
{
	struct hub *hub = subscription->hub;
	struct position *position = &subscription->position;
	enum block_form form = (enum block_form)subscription->form;
	struct block *block;

	fan->block = NULL;
	struct entry_id first = position_frame(position, &block)->id;
	if (entry_id_compare(subscription->scanned, first) >= 0)
		return false;
	struct run *memo = &hub->memos[form];
	run_measure(
	    memo, twin_of(hub, block, form), position->number, subscription);
	if (!is_whole(memo, position->chain))
		return false;
	fan->block = block;
	fan->run = *memo;
	fan->first = first;
	fan->form = form;
	return true;
}

void
fan_count(struct fan *fan)
{
	unsigned served = fan->served;
	struct block *block = fan->block;

	if (served == 0)
		return;
	fan->served = 0;
	deliver_count(fan->topic, &fan->run, served);
	assert(block->positions >= served);
	block->positions -= served;
	fan->topic->chain.at_end += served;
	if (block->positions > 0)
		return;
	fan->block = NULL;
	chain_trim(&fan->topic->chain);
}

/* Its position is counted with the others'. */
static void
move_to_end(struct fan *fan, struct subscription *subscription)
{
	fan->served++;
	subscription->position.number = fan->run.end;
	subscription->position.block = NULL;
	list_add_tail(&fan->topic->ready, &subscription->link);
}

/* The kernel has just been here. */
static void
fetch_next(const struct fan *fan)
{
	subscription_fetch(fan->next);
	subscription_fetch_peer(fan->next_peer);
}

/* Whoever needs deliver() may change anything. */
static bool
give_up(struct fan *fan)
{
	fan_count(fan);
	fan->block = NULL;
	return false;
}

bool
fan_serve(struct fan *fan, struct subscription *subscription)
{
	if (subscription->straight == NULL)
		return give_up(fan);
	if (!fits(fan, subscription)) {
		fan_count(fan);
		if (!measure(fan, subscription))
			return false;
	}
	enum hub_write answer =
	    subscription->straight(subscription->straight_arg,
		view_make(fan->run.data, fan->run.bytes));
	if (fan->next != NULL)
		fetch_next(fan);
	if (answer == HUB_WRITE_OK) {
		move_to_end(fan, subscription);
		return true;
	}
	fan_count(fan);
	deliver_answered(subscription, fan->block, &fan->run, answer);
	fan->block = NULL;
	return true;
}
