/* SPDX-License-Identifier: MIT */
#include "model_client.h"

#include "model_view.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static struct model_client *
client_of(struct listener *listener)
{
	return (struct model_client *)(void *)listener;
}

static bool
is_less(struct entry_id a, struct entry_id b)
{
	return entry_id_compare(a, b) < 0;
}

static void
fault(const struct model_client *client, uint64_t *counter, const char *what,
    struct entry_id id)
{
	char text[ENTRY_ID_TEXT_MAX];
	char last[ENTRY_ID_TEXT_MAX];
	entry_id_print(id, text);
	entry_id_print(client->last, last);
	++*counter;
	fprintf(stderr,
	    "%s: %s (client %llu, endpoint %zu, notices %d, "
	    "last %s, generation %u)\n",
	    what, text, (unsigned long long)client->listener.owner,
	    client->endpoint, client->notices, last, client->generation);
}

/* Nothing of its view may lie in (last, end) that it did not get. */
static void
check_missing(struct model_client *client, struct entry_id end)
{
	struct client_faults *faults = client->faults;
	const struct model_entry *entry;
	size_t from = 0;
	while ((entry = model_find_missing(
		    client, client->generation, end, from)) != NULL) {
		if (entry->is_trimmed)
			fault(client, &faults->silent, "silent", entry->id);
		else
			fault(client, &faults->lost, "lost", entry->id);
		from = (size_t)(entry - client->stream->entries) + 1;
	}
}

/* Gaps that were counted and told to nobody, whoever it was. */
static struct gap_counts
count_untold(const struct model_client *client)
{
	const struct stats *stats = &client->listener.world->stats;
	const struct gap_counts *told = &client->faults->told;
	uint64_t voids =
	    stat_get(stats, gaps_rewound) + stat_get(stats, gaps_recreated);
	uint64_t others =
	    stat_get(stats, gaps_trimmed) + stat_get(stats, gaps_deleted);
	return (struct gap_counts){ .all = voids + others - told->all,
		.voids = voids - told->voids };
}

/* Does it go on behind `last` in this life of the stream? Else it begins anew,
 * and that was told or, to those who cannot be told, counted. */
static bool
goes_on_in(struct model_client *client, unsigned generation, struct entry_id id)
{
	bool is_known = model_is_in_copy(client, generation);
	struct gap_counts untold = count_untold(client);
	if (client->notices && !is_known)
		fault(client, &client->faults->silent,
		    "no gap before a new life", id);
	if (!client->notices && !is_known && untold.all <= client->untold.all)
		fault(client, &client->faults->silent, "a new life not counted",
		    id);
	if (client->notices || !is_known)
		return is_known;
	return untold.voids <= client->untold.voids ||
	    !model_may_lack(client, generation);
}

/* The first event of another life of the stream than the one before. */
static void
take_generation(struct model_client *client, const struct model_entry *entry)
{
	bool goes_on = client->generation != 0 &&
	    goes_on_in(client, entry->generation, entry->id);
	if (!client->notices && !goes_on)
		client->last = entry_id_before(entry->id);
	client->generation = entry->generation;
}

/* Who cannot be told may have got something of the new life from a window
 * before the live feed has noticed that there is one, and then goes on from
 * the tail: that is counted too. */
static void
start_over_if_counted(
    struct model_client *client, const struct model_entry *entry)
{
	if (!client->notices && client->can_reset &&
	    count_untold(client).voids > client->untold.voids)
		client->last = entry_id_before(entry->id);
}

static bool
is_text(const struct model_entry *entry, struct view rest)
{
	struct view object = view_make(entry->text + 1, entry->length - 1);
	return rest.len > 0 && rest.data[0] == ',' &&
	    view_equal(view_make(rest.data + 1, rest.len - 1), object);
}

static void
on_event(struct listener *listener, struct entry_id id, struct view rest)
{
	struct model_client *client = client_of(listener);
	struct client_faults *faults = client->faults;
	static const char head[] = ",\"n\":";
	const struct model_entry *entry = NULL;
	client->events++;
	client->replayed++;
	if (rest.len > sizeof(head) &&
	    memcmp(rest.data, head, sizeof(head) - 1) == 0)
		entry = model_find(client->stream,
		    strtoull(rest.data + sizeof(head) - 1, NULL, 10));
	if (entry == NULL || !is_text(entry, rest) ||
	    entry_id_compare(entry->id, id) != 0) {
		fault(client, &faults->altered, "altered", id);
		return;
	}
	if (client->held || !model_is_visible(client, entry))
		fault(client, &faults->misled, "not for this one", id);
	client->ends += entry->kind == 't';
	if (entry->generation != client->generation)
		take_generation(client, entry);
	else
		start_over_if_counted(client, entry);
	if (entry_id_compare(id, client->last) == 0)
		fault(client, &faults->duplicated, "duplicated", id);
	else if (is_less(id, client->last))
		fault(client, &faults->reordered, "reordered", id);
	check_missing(client, id);
	client->last = id;
	client->has_cursor = true;
	client->untold = count_untold(client);
}

static bool
is_void(const struct gap *gap)
{
	return gap->reason == GAP_RECREATED || gap->reason == GAP_REWOUND;
}

/* Something in the range must really be missing. */
static void
check_gap(struct model_client *client, const struct gap *gap)
{
	const struct model_stream *stream = client->stream;
	if (client->is_since || client->is_live_start)
		return; /* what went before that time cannot be told apart */
	if (client->generation != stream->generation)
		return; /* all that it knew is missing */
	for (size_t i = 0; i < stream->count; i++) {
		const struct model_entry *entry = &stream->entries[i];
		bool is_missing = entry->is_trimmed || entry->is_deleted ||
		    entry->kind == 'r';
		/* The cursor's own entry may be what is missing. */
		if (is_missing && !is_less(entry->id, gap->after) &&
		    !is_less(gap->through, entry->id))
			return;
	}
	if (!entry_id_is_zero(gap->after))
		fault(client, &client->faults->misled, "gap without need",
		    gap->through);
}

/* A position tells no life. When the stream was restored behind what it has,
 * it may be one of the copy: when it is known there alone, or when something
 * of the old life did not come. Then what the copy has must have come. */
static void
find_life(struct model_client *client, struct entry_id position)
{
	unsigned now = client->stream->generation;
	unsigned old = client->generation;
	if (old == 0 || old == now || !model_is_in_copy(client, now))
		return;
	bool is_new = model_has_id(client, now, position) &&
	    !model_has_id(client, old, position);
	struct entry_id end = entry_id_after(position);
	if (is_new || model_find_missing(client, old, end, 0) != NULL)
		client->generation = now;
}

static void
on_gap(struct listener *listener, const struct gap *gap)
{
	struct model_client *client = client_of(listener);
	client->has_cursor = true;
	if (!client->notices || client->held)
		fault(client, &client->faults->misled, "gap", gap->through);
	client->faults->told.all += gap->reason != GAP_DEAD_LETTERED;
	if (is_void(gap)) {
		client->faults->told.voids++;
		if (!client->can_reset)
			fault(client, &client->faults->misled,
			    "a new life of the old one", gap->after);
		client->last = ENTRY_ID_ZERO;
		client->generation = 0;
		client->is_live_due = true;
		client->is_live_start = false;
		client->is_since = false;
		client->replayed = 0;
		return;
	}
	find_life(client, gap->after);
	check_missing(client, entry_id_after(gap->after));
	check_gap(client, gap);
	if (is_less(client->last, gap->through))
		client->last = gap->through;
}

/* A position that was told: everything up to there was delivered. */
static void
take_position(struct model_client *client, struct entry_id cursor)
{
	find_life(client, cursor);
	check_missing(client, entry_id_after(cursor));
	if (is_less(cursor, client->last))
		fault(client, &client->faults->misled, "cursor goes back",
		    cursor);
	client->last = cursor;
}

static void
on_cursor(struct listener *listener, struct entry_id cursor)
{
	struct model_client *client = client_of(listener);
	if (!client->notices || client->held)
		fault(client, &client->faults->misled, "cursor", cursor);
	take_position(client, cursor);
}

/* Where a live start was fixed: not later than it was asked for. */
static void
check_live_start(struct model_client *client, struct entry_id cursor)
{
	if (client->can_reset)
		return;
	if (client->was_open_when_asked &&
	    is_less(client->tail_when_asked, cursor)) {
		client->last = client->tail_when_asked;
		check_missing(client, entry_id_after(cursor));
	}
	if (is_less(client->stream->last_id, cursor))
		fault(client, &client->faults->misled, "live beyond the tail",
		    cursor);
}

static void
take_live(struct model_client *client, struct entry_id cursor)
{
	bool is_exact = client->replayed > 0;
	if (client->is_live_start && !is_exact && !client->is_waiting_late) {
		check_live_start(client, cursor);
		client->last = cursor;
		return;
	}
	/* A point in time is clamped to the tail. */
	if ((client->is_live_start || client->is_since) && !is_exact &&
	    is_less(cursor, client->last))
		client->last = cursor;
	/* Who cannot be told goes on somewhere in a new life. */
	if (client->can_reset && !client->notices) {
		client->generation = 0;
		client->last = cursor;
		return;
	}
	take_position(client, cursor);
}

static void
on_live(struct listener *listener, struct entry_id cursor, uint64_t replayed)
{
	struct model_client *client = client_of(listener);
	if (!client->is_live_due || replayed != client->replayed)
		fault(client, &client->faults->misled, "live", cursor);
	client->is_live_due = false;
	client->has_cursor = true;
	if (!client->held || client->is_live_start)
		take_live(client, cursor);
	client->untold = count_untold(client);
	client->is_live_start = false;
	client->is_since = false;
}

static void
on_ended(struct listener *listener, struct entry_id id, bool is_terminal)
{
	(void)id;
	client_of(listener)->ends -= is_terminal;
}

static void
on_opened(struct listener *listener)
{
	struct model_client *client = client_of(listener);
	client->is_waiting_late = client->is_live_start && !client->held &&
	    !client->was_open_when_asked &&
	    listener->world->now_ms - client->asked_ms > 250;
}

void
model_client_init(struct model_client *client, struct world *world,
    struct model_stream *stream, struct client_faults *faults)
{
	*client = (struct model_client){ .stream = stream, .faults = faults };
	listener_init(&client->listener, world);
	client->listener.on_opened = on_opened;
	client->listener.on_event = on_event;
	client->listener.on_gap = on_gap;
	client->listener.on_cursor = on_cursor;
	client->listener.on_live = on_live;
	client->listener.on_ended = on_ended;
}

void
model_client_fini(struct model_client *client)
{
	listener_fini(&client->listener);
}

static bool
is_open(const struct world *world, const struct model_stream *stream)
{
	for (size_t i = 0; i < WORLD_STREAMS; i++)
		if (world->followed[i].stream == stream)
			return world->is_up && world->followed[i].is_open;
	return false;
}

static struct entry_id
before_ms(uint64_t ms)
{
	return entry_id_before((struct entry_id){ ms, 0 });
}

void
model_client_connect(struct model_client *client, struct start start, bool held)
{
	struct world *world = client->listener.world;
	client->held = held;
	client->is_live_due = true;
	client->is_live_start = start.kind == START_LIVE;
	client->is_since = start.kind == START_SINCE;
	client->is_waiting_late = false;
	client->replayed = 0;
	client->asked_ms = world->now_ms;
	client->untold = count_untold(client);
	client->was_open_when_asked = is_open(world, client->stream);
	client->tail_when_asked = client->stream->last_id;
	if (start.kind == START_LIVE)
		client->last = before_ms(WORLD_REDIS_MS + world->now_ms);
	if (start.kind == START_SINCE)
		client->last = before_ms(start.since_ms);
	client->has_cursor = start.kind == START_AFTER;
	if (start.kind != START_AFTER)
		client->generation = client->can_reset ? 0 : 1;
	listener_subscribe(&client->listener, client->stream, client->endpoint,
	    start, client->notices, held);
}

void
model_client_disconnect(struct model_client *client)
{
	hub_unsubscribe(
	    client->listener.world->hub, &client->listener.subscription);
	client->held = false;
	client->listener.room = -1;
	client->listener.is_gone = false;
	client->listener.owns_unknown = false;
}

void
model_client_release(struct model_client *client)
{
	client->held = false;
	hub_release(client->listener.world->hub, client->listener.subscription);
}

void
model_client_seek(struct model_client *client, struct entry_id after)
{
	client->held = false;
	client->is_live_due = true;
	client->is_live_start = false;
	client->is_since = false;
	client->replayed = 0;
	client->last = after;
	client->has_cursor = true;
	client->generation = client->stream->generation;
	client->untold = count_untold(client);
	hub_seek(
	    client->listener.world->hub, client->listener.subscription, after);
}

/* Whoever has heard nothing since the stream began anew: what is there now and
 * follows what it has must have come all the same. */
static void
check_end(struct model_client *client)
{
	unsigned generation = client->stream->generation;
	struct entry_id end = entry_id_after(client->stream->last_id);
	if (client->generation == 0)
		return;
	if (client->generation != generation &&
	    !goes_on_in(client, generation, client->stream->last_id))
		return;
	client->generation = generation;
	check_missing(client, end);
}

void
model_client_finish(struct model_client *client)
{
	check_end(client);
	if (client->is_live_due)
		fault(client, &client->faults->misled, "never live",
		    client->last);
	if (client->ends != 0)
		fault(client, &client->faults->misled, "ends not told",
		    client->last);
}
