/* SPDX-License-Identifier: MIT */
#include "run.h"

#include "hub_parts.h"

static void
add_event(struct run *run, const struct block *block, const struct frame *frame)
{
	if (run->frames == 0)
		run->data = block->bytes + frame->offset;
	run->bytes += frame->length;
	run->frames++;
	run->has_ends |= frame->is_terminal || frame->kind == FRAME_DIRECT;
}

/* For those who know no notices: nothing is said, a refusal is counted. */
static void
add_mark(struct run *run, const struct frame *frame, const struct frame *last)
{
	run->marks++;
	if (frame->kind != FRAME_GAP)
		return;
	bool is_neighbour = last != NULL && last->kind == FRAME_GAP;
	run->gaps += !is_neighbour;
}

static bool
is_mine(const struct subscription *subscription, const struct frame *frame)
{
	return subscription->ops->owns(subscription->arg, frame->command) ==
	    OWNS_YES;
}

/* May this frame go on with the run? */
static bool
continues(struct run *run, const struct frame *frame,
    const struct subscription *subscription)
{
	size_t limit = subscription->hub->options.run_bytes;
	if (run->frames > 0 && run->bytes + frame->length > limit)
		return false;
	switch ((enum frame_kind)frame->kind) {
	case FRAME_DATA:
		return true;
	case FRAME_DIRECT:
		run->is_shared = false;
		return is_mine(subscription, frame);
	case FRAME_GAP:
		return !run->notices && frame->reason == GAP_DEAD_LETTERED;
	case FRAME_CURSOR:
		return !run->notices;
	}
	return false;
}

void
run_measure(struct run *run, struct block *block, uint64_t number,
    const struct subscription *subscription)
{
	if (run->is_shared && run->serial == block->serial &&
	    run->number == number && run->count == block->count &&
	    run->notices == subscription->notices)
		return;
	*run = (struct run){ .serial = block->serial,
		.number = number,
		.count = block->count,
		.notices = subscription->notices,
		.is_shared = true,
		.end = number };
	const struct frame *last = NULL;
	while (run->end < block_end(block)) {
		const struct frame *frame = block_frame(
		    block, (uint32_t)(run->end - block->first_number));
		if (!continues(run, frame, subscription))
			break;
		if (frame->length > 0)
			add_event(run, block, frame);
		else
			add_mark(run, frame, last);
		last = frame;
		run->end++;
	}
}

void
run_tell_ends(const struct run *run, struct block *block,
    const struct subscription *subscription)
{
	for (uint64_t number = run->number; number < run->end; number++) {
		const struct frame *frame = block_frame(
		    block, (uint32_t)(number - block->first_number));
		if (frame->is_terminal || frame->kind == FRAME_DIRECT)
			subscription->ops->ended(subscription->arg, frame->id,
			    frame->command, frame->is_terminal);
	}
}
