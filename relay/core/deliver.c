/* SPDX-License-Identifier: MIT */
#include "deliver.h"

#include "fill.h"
#include "hub_parts.h"
#include "keep.h"
#include "twin.h"

/* Takes note of what the subscriber answered; true: go on. */
static bool
goes_on(struct subscription *subscription, enum hub_write answer)
{
	switch (answer) {
	case HUB_WRITE_OK:
		return true;
	case HUB_WRITE_FULL:
		subscription->full = true;
		return false;
	case HUB_WRITE_GONE:
		subscription_end(subscription);
		return false;
	}
	return false;
}

static bool
announce_live(struct subscription *subscription)
{
	subscription->live_due = LIVE_DONE;
	subscription->unsent = 0;
	return goes_on(subscription,
	    subscription->ops->live(subscription->arg,
		subscription_scanned(subscription), subscription->replayed));
}

static bool
tell_cursor(struct subscription *subscription, struct entry_id cursor)
{
	subscription->unsent = 0;
	return goes_on(
	    subscription, subscription->ops->cursor(subscription->arg, cursor));
}

static void
count_gap(struct stats *stats, enum gap_reason reason, unsigned n)
{
	switch (reason) {
	case GAP_TRIMMED:
		stat_add(stats, gaps_trimmed, n);
		break;
	case GAP_DELETED:
		stat_add(stats, gaps_deleted, n);
		break;
	case GAP_RECREATED:
		stat_add(stats, gaps_recreated, n);
		break;
	case GAP_REWOUND:
		stat_add(stats, gaps_rewound, n);
		break;
	case GAP_DEAD_LETTERED:
		stat_add(stats, gaps_dead_lettered, n);
		break;
	}
}

/* The gap at its position, neighbouring refusals taken together. Returns how
 * many marks that are. */
static unsigned
collect_gap(struct subscription *subscription, struct gap *gap)
{
	struct position *position = &subscription->position;
	struct block *block;
	struct frame *frame = position_frame(position, &block);
	*gap = (struct gap){ .reason = (enum gap_reason)frame->reason,
		.after = subscription_scanned(subscription),
		.through = frame->id,
		.resumes_at = frame->command,
		.resumes_known = frame->resumes_known };
	unsigned marks = 1;
	if (gap->reason != GAP_DEAD_LETTERED)
		return marks;
	uint64_t number = position->number + 1;
	for (; number < position->chain->next; number++, marks++) {
		frame = chain_frame(position->chain, number, &block);
		if (frame->kind != FRAME_GAP ||
		    frame->reason != GAP_DEAD_LETTERED)
			break;
		gap->through = frame->id;
	}
	if (number < position->chain->next && frame->kind == FRAME_DATA) {
		gap->resumes_at = frame->id;
		gap->resumes_known = true;
	}
	return marks;
}

/* What it has received means nothing any more. Those who were told get all
 * there is now, the others go on from the tail. */
static void
start_over(struct subscription *subscription)
{
	struct topic *topic = subscription->topic;
	if (subscription->notices) {
		subscription_wait(subscription, ENTRY_ID_ZERO);
		subscription->live_due = LIVE_AT_TAIL;
		subscription->replayed = 0;
	} else if (subscription->place == PLACE_WINDOW) {
		subscription_join(
		    subscription, topic->chain.next, ENTRY_ID_ZERO);
	} else {
		subscription->scanned = ENTRY_ID_ZERO;
	}
}

static bool
pass_gap(struct subscription *subscription)
{
	struct gap gap;
	unsigned marks = collect_gap(subscription, &gap);
	if (subscription->notices)
		goes_on(subscription,
		    subscription->ops->gap(subscription->arg, &gap));
	if (subscription->place == PLACE_OVER)
		return false;
	count_gap(subscription->hub->stats, gap.reason, 1);
	subscription->hub->marks += marks;
	subscription->unsent = 0;
	position_move(
	    &subscription->position, subscription->position.number + marks);
	if (gap.reason == GAP_RECREATED || gap.reason == GAP_REWOUND)
		start_over(subscription);
	return !subscription->full;
}

static void
skip_frame(struct subscription *subscription, const struct frame *frame)
{
	struct hub *hub = subscription->hub;
	if (frame->length > 0) {
		hub->skipped++;
		stat_add(hub->stats, frames_skipped, 1);
	} else {
		hub->marks++;
	}
	position_move(
	    &subscription->position, subscription->position.number + 1);
}

static void
count_writes(struct hub *hub, const struct run *run, unsigned times)
{
	hub->sent += (uint64_t)run->frames * times;
	stat_add(hub->stats, writes, times);
	stat_add(hub->stats, bytes_sent, (uint64_t)run->bytes * times);
}

void
deliver_count(struct topic *topic, const struct run *run, unsigned times)
{
	struct hub *hub = topic->stream->hub;
	struct stats *stats = hub->stats;
	uint64_t frames = (uint64_t)run->frames * times;
	count_writes(hub, run, times);
	stat_add(stats, frames_sent, frames);
	stat_add(stats, delivered_live[topic->endpoint], frames);
}

static void
count_in_window(struct topic *topic, const struct run *run)
{
	struct hub *hub = topic->stream->hub;
	struct stats *stats = hub->stats;
	count_writes(hub, run, 1);
	stat_add(stats, frames_sent_window, run->frames);
	stat_add(stats, delivered_window[topic->endpoint], run->frames);
}

static void
count_run(struct subscription *subscription, const struct run *run)
{
	struct hub *hub = subscription->hub;
	hub->marks += run->marks;
	if (run->gaps > 0)
		count_gap(hub->stats, GAP_DEAD_LETTERED, run->gaps);
	if (run->frames == 0)
		return;
	if (subscription->live_due != LIVE_DONE)
		subscription->replayed += run->frames;
	subscription->unsent = 0;
	if (subscription->place == PLACE_WINDOW)
		count_in_window(subscription->topic, run);
	else
		deliver_count(subscription->topic, run, 1);
}

static enum hub_write
write_run(struct subscription *subscription, const struct run *run)
{
	struct view frames = view_make(run->data, run->bytes);
	if (subscription->straight == NULL)
		return subscription->ops->write(
		    subscription->arg, frames, run->frames);
	enum hub_write answer =
	    subscription->straight(subscription->straight_arg, frames);
	if (answer != HUB_WRITE_OK)
		subscription->ops->answered(subscription->arg, answer);
	return answer;
}

/* Behind the write of a run of its block. True: go on. */
static bool
note_written(struct subscription *subscription, struct block *block,
    const struct run *run, enum hub_write answer)
{
	bool more = goes_on(subscription, answer);
	if (answer == HUB_WRITE_GONE)
		return false;
	count_run(subscription, run);
	if (run->has_ends)
		run_tell_ends(run, block, subscription);
	position_move(&subscription->position, run->end);
	return more;
}

void
deliver_answered(struct subscription *subscription, struct block *block,
    const struct run *run, enum hub_write answer)
{
	subscription->is_serving = true;
	subscription->ops->answered(subscription->arg, answer);
	note_written(subscription, block, run, answer);
	subscription->is_serving = false;
	subscription_settle(subscription);
}

static bool
send_run(struct subscription *subscription, struct block *block)
{
	struct hub *hub = subscription->hub;
	enum block_form form = (enum block_form)subscription->form;
	struct run *memo = &hub->memos[form];
	block = twin_of(hub, block, form);
	run_measure(memo, block, subscription->position.number, subscription);
	/* On the stack: a callback may serve nobody, but may measure. */
	struct run run = *memo;
	enum hub_write answer = HUB_WRITE_OK;
	if (run.frames > 0)
		answer = write_run(subscription, &run);
	return note_written(subscription, block, &run, answer);
}

static bool
pass_direct(struct subscription *subscription, const struct frame *frame,
    struct block *block)
{
	switch (subscription->ops->owns(subscription->arg, frame->command)) {
	case OWNS_YES:
		return send_run(subscription, block);
	case OWNS_NO:
		skip_frame(subscription, frame);
		return true;
	case OWNS_UNKNOWN:
		subscription->full = true;
		return false;
	}
	return false;
}

static bool
pass_frame(struct subscription *subscription)
{
	struct block *block;
	struct frame *frame = position_frame(&subscription->position, &block);
	bool is_gap = frame->kind == FRAME_GAP;
	bool is_void = is_gap &&
	    (frame->reason == GAP_RECREATED || frame->reason == GAP_REWOUND);
	if (!is_void &&
	    entry_id_compare(frame->id, subscription->scanned) <= 0) {
		skip_frame(subscription, frame);
		return true;
	}
	if (is_gap)
		return pass_gap(subscription);
	if (frame->kind == FRAME_DIRECT)
		return pass_direct(subscription, frame, block);
	if (frame->kind == FRAME_DATA || !subscription->notices)
		return send_run(subscription, block);
	if (!tell_cursor(subscription, frame->id) &&
	    subscription->place == PLACE_OVER)
		return false;
	skip_frame(subscription, frame);
	return !subscription->full;
}

/* Much was scanned for it in windows and nothing sent: it is told how far. */
static bool
note_unsent(struct subscription *subscription, unsigned entries, bool is_live)
{
	uint64_t now_ms = subscription->hub->now_ms;
	if (subscription->unsent == 0)
		subscription->quiet_since_ms = now_ms;
	subscription->unsent += entries;
	if (subscription->unsent == 0 || !subscription->notices)
		return true;
	bool is_over = is_live && subscription->live_due == LIVE_DONE;
	if (is_over || subscription->unsent >= HUB_CURSOR_ENTRIES ||
	    now_ms - subscription->quiet_since_ms >= HUB_CURSOR_MS)
		return tell_cursor(
		    subscription, subscription_scanned(subscription));
	return true;
}

/* Beyond what the live feed had when the window was read: the feed may have
 * passed that id since and not have met it. Still ahead of it, the feed tells
 * when it comes there. */
static bool
was_met(const struct subscription *subscription, const struct window *window)
{
	struct chain *chain = &subscription->topic->chain;
	return entry_id_compare(window->through, window->fed) <= 0 ||
	    entry_id_compare(window->through, chain->tip) > 0 ||
	    chain_knows(chain, window->through);
}

/* At the end of a window: on into the live chain, or to the next one, which it
 * is served from in its turn. A window that went no further is not asked
 * for again at once. */
static bool
leave_window(struct subscription *subscription)
{
	struct window *window = subscription->window;
	struct stream *stream = subscription->topic->stream;
	unsigned unsent = window->chain.unsent;
	bool brought_some =
	    entry_id_compare(window->through, window->after) != 0;
	uint32_t generation =
	    was_met(subscription, window) ? window->generation : 0;
	struct position hold;
	window_hold(window, &hold);
	subscription_wait(subscription, window->through);
	subscription->is_fast = window_was_fast(window);
	bool is_live = subscription_try_join(subscription, generation);
	if (!is_live && brought_some)
		keep_follow(subscription, generation);
	window_unhold(window, &hold);
	if (!is_live && !brought_some)
		window_want_later(stream);
	return note_unsent(subscription, unsent, is_live) && is_live;
}

static bool
step(struct subscription *subscription)
{
	if (subscription->live_due == LIVE_AT_ONCE)
		return announce_live(subscription);
	if (subscription->held)
		return false;
	struct position *position = &subscription->position;
	switch ((enum place)subscription->place) {
	case PLACE_UNFIXED:
	case PLACE_OVER:
	case PLACE_BEHIND:
		return false;
	case PLACE_LIVE:
		if (subscription->live_due == LIVE_AT_TAIL &&
		    position->number >= subscription->live_at)
			return announce_live(subscription);
		return !position_is_at_end(position) &&
		    pass_frame(subscription);
	case PLACE_WINDOW:
		return position_is_at_end(position) ? leave_window(subscription)
						    : pass_frame(subscription);
	}
	return false;
}

void
deliver(struct subscription *subscription)
{
	subscription->is_serving = true;
	while (!subscription->full && step(subscription))
		continue;
	subscription->is_serving = false;
	subscription_settle(subscription);
}
