/* SPDX-License-Identifier: MIT */
#include "keep.h"

#include "hub_parts.h"

void
keep_window(struct window *window)
{
	position_enter(&window->keep, &window->chain, 0, false);
}

void
keep_drop(struct window *window)
{
	position_leave(&window->keep);
	window_release(window);
}

static bool
is_kept(const struct window *window)
{
	return window->keep.chain != NULL;
}

/* The oldest stay: whoever begins there goes on to the next, and would find
 * each gone if it were the newest. What nobody has come to yet stays too. */
void
keep_limit(struct stream *stream)
{
	unsigned alone = 0;
	list_foreach(at, &stream->hub->windows) {
		struct window *window = list_entry(at, struct window, link);
		if (window->topic->stream != stream || window->is_shared ||
		    !window->was_entered || !is_kept(window))
			continue;
		if (++alone > HUB_KEEP_ALONE)
			keep_drop(window);
	}
}

/* They stand in the order of reading. */
void
keep_expire(struct hub *hub)
{
	list_foreach(at, &hub->windows) {
		struct window *window = list_entry(at, struct window, link);
		if (hub->now_ms - window->read_ms <= HUB_KEEP_MS)
			return;
		keep_drop(window);
	}
}

void
keep_forget(struct hub *hub, const struct topic *topic)
{
	list_foreach(at, &hub->windows) {
		struct window *window = list_entry(at, struct window, link);
		if (topic == NULL || window->topic == topic)
			keep_drop(window);
	}
}

bool
keep_less(struct hub *hub)
{
	list_foreach(at, &hub->windows) {
		struct window *window = list_entry(at, struct window, link);
		if (!is_kept(window))
			continue;
		keep_drop(window);
		return true;
	}
	return false;
}

struct window *
keep_spare(struct hub *hub)
{
	list_foreach(at, &hub->windows) {
		struct window *window = list_entry(at, struct window, link);
		if (window->chain.listeners == 0)
			return window;
	}
	return list_entry(hub->windows.next, struct window, link);
}

static bool
is_next(const struct window *window, const struct subscription *subscription,
    uint32_t generation)
{
	return is_kept(window) && window->topic == subscription->topic &&
	    window->generation == generation &&
	    window->generation == window->topic->stream->generation &&
	    entry_id_compare(window->after, subscription->scanned) == 0;
}

bool
keep_follow(struct subscription *subscription, uint32_t generation)
{
	list_foreach(at, &subscription->hub->windows) {
		struct window *window = list_entry(at, struct window, link);
		if (!is_next(window, subscription, generation))
			continue;
		window_enter(window, subscription, 0);
		window_read_ahead(window);
		keep_limit(window->topic->stream);
		return true;
	}
	return false;
}

/* Was nothing trimmed or deleted of what lies behind the cursor, and not the
 * entry of the cursor itself, nor lost at the end when an older copy was
 * restored? From the beginning: does it begin as it did? */
static bool
is_whole(const struct window *window, struct entry_id after,
    const struct stream_info *info)
{
	if (entry_id_compare(window->through, info->newest) > 0)
		return false;
	if (entry_id_is_zero(after))
		return entry_id_is_zero(info->deleted) &&
		    entry_id_compare(info->oldest, window->first) == 0;
	return entry_id_compare(info->deleted, after) < 0 &&
	    !entry_id_is_zero(info->oldest) &&
	    entry_id_compare(info->oldest, after) <= 0;
}

bool
keep_share(struct subscription *subscription, struct entry_id after,
    const struct stream_info *info)
{
	struct topic *topic = subscription->topic;
	list_foreach(at, &topic->stream->hub->windows) {
		struct window *window = list_entry(at, struct window, link);
		if (window->topic != topic || !is_kept(window) ||
		    window->generation != topic->stream->generation ||
		    !is_whole(window, after, info) ||
		    !chain_knows(&window->chain, after))
			continue;
		window_enter(window, subscription,
		    chain_find_after(&window->chain, after));
		return true;
	}
	return false;
}
