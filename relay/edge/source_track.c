/* SPDX-License-Identifier: MIT */
#include "source_parts.h"

#include "log.h"
#include "stats.h"

#include <stdio.h>
#include <string.h>

/*
 * The pair. Redis pushes the names of changed keys to the push link, for keys
 * that were read on the read link. It goes deaf without a word when the push
 * link dies (a dead redirect is no error), when the two links ended at
 * different servers, or when an old client id belongs to somebody else after
 * a restart. Hence one fate for both: same run_id, subscription confirmed,
 * then tracking; and the loss of either closes both.
 *
 * The read link leads: the push link only tries while it is up and the window
 * link while the pair is in force, so that an absent Redis sees one attempt at
 * a time.
 */

/* ROLE and INFO, so that a demoted or exchanged server is noticed: "every 2 s",
 * less so that a frozen one is noticed within 7 s by the default deadline. */
#define CHECK_MS 1500
#define PING_MS  1500
/* Pushes a second without news that mean: the tracking table overflows, and
 * what we read evicts what we have read before. */
#define WASTED_PER_SECOND 100

static const char channel[] = "__redis__:invalidate";

static void make_pair(struct source *source);

static int
ask(struct redis_link *link, const char *a, const char *b,
    redis_answer_fn *answer, void *arg)
{
	const struct view argv[2] = { view_of(a), view_of(b) };

	return redis_link_command(
	    link, argv, b != NULL ? 2 : 1, 0, answer, arg);
}

static void
refuse_tracking(struct source *source, const struct redis_value *answer)
{
	struct view text = redis_value_text(answer);
	char error[128];

	if (source->pair.is_refused)
		return;
	source->pair.is_refused = true;
	snprintf(error, sizeof(error), "%.*s",
	    (int)(text.len < sizeof(error) ? text.len : sizeof(error)),
	    text.data != NULL ? text.data : "");
	log_throttled(
	    LOG_LEVEL_WARN, "source", "tracking_refused", "error", error, NULL);
}

/* --- what is known of the read link --- */

static void
on_read_info(void *arg, const struct redis_value *answer)
{
	struct source *source = arg;
	struct source_pair *pair = &source->pair;
	char run_id[SOURCE_RUN_ID_MAX];

	if (answer == NULL)
		return;
	if (source_parse_run_id(answer, run_id) != 0 &&
	    source->options.tracking)
		refuse_tracking(source, answer);
	if (pair->read_seen && strcmp(run_id, pair->read_run_id) != 0) {
		redis_link_reset(source->read, "closed");
		return;
	}
	memcpy(pair->read_run_id, run_id, sizeof(run_id));
	pair->read_seen = true;
	make_pair(source);
}

/* Who may not ask for the role cannot know better than to go on. */
static void
on_role(void *arg, const struct redis_value *answer)
{
	struct source *source = arg;
	struct view role = redis_value_text(redis_value_at(answer, 0));

	if (answer == NULL)
		return;
	if (redis_value_type(answer) != REDIS_ERROR &&
	    !view_is(role, "master")) {
		redis_link_reset(source->read, "readonly");
		return;
	}
	source->pair.is_master = true;
	make_pair(source);
}

static void
check_server(struct source *source)
{
	source->check_due_ms = uv_now(source->loop) + CHECK_MS;
	ask(source->read, "ROLE", NULL, on_role, source);
	ask(source->read, "INFO", "server", on_read_info, source);
}

static void
on_read_up(void *arg)
{
	struct source *source = arg;

	memset(&source->pair, 0, sizeof(source->pair));
	check_server(source);
	if (source->options.tracking)
		redis_link_start(source->push);
	else
		source->pair.is_refused = true;
}

static void
on_read_down(void *arg, const char *reason)
{
	struct source *source = arg;

	redis_link_stop(source->push);
	redis_link_stop(source->window);
	source->window_is_ready = false;
	source_went_down(source, reason);
}

/* --- what is known of the push link --- */

static void
on_push_info(void *arg, const struct redis_value *answer)
{
	struct source *source = arg;

	if (answer == NULL)
		return;
	if (source_parse_run_id(answer, source->pair.push_run_id) != 0)
		refuse_tracking(source, answer);
	source->pair.push_seen = true;
	make_pair(source);
}

static void
on_push_client(void *arg, const struct redis_value *answer)
{
	struct source *source = arg;

	if (answer == NULL)
		return;
	source->pair.push_client = redis_value_integer(answer);
	if (source->pair.push_client <= 0)
		refuse_tracking(source, answer);
	make_pair(source);
}

static void
on_subscribed(void *arg, const struct redis_value *answer)
{
	struct source *source = arg;

	if (answer == NULL)
		return;
	if (redis_value_type(answer) == REDIS_ERROR)
		refuse_tracking(source, answer);
	else
		source->pair.is_subscribed = true;
	make_pair(source);
}

static void
on_push_up(void *arg)
{
	struct source *source = arg;

	ask(source->push, "CLIENT", "ID", on_push_client, source);
	ask(source->push, "INFO", "server", on_push_info, source);
	redis_link_subscribe(
	    source->push, view_of(channel), on_subscribed, source);
}

/* A link that never came up tries again by itself; one that was asked for
 * pushes takes the other with it. */
static void
on_push_down(void *arg, const char *reason)
{
	struct source *source = arg;

	if (source->mode != SOURCE_DOWN || source->pair.push_seen ||
	    source->pair.push_client != 0 || source->pair.is_asked)
		redis_link_reset(source->read, reason);
}

static void
mark_key(struct source *source, struct view key)
{
	struct source_stream *stream = source_table_by_key(&source->table, key);

	for (; stream != NULL; stream = stream->next_by_key)
		if (view_equal(source_stream_key(stream), key))
			source_read_mark(stream, true);
}

/* The names of changed keys; nil after FLUSHALL. */
static void
on_push(void *arg, const struct redis_value *payload)
{
	struct source *source = arg;
	size_t count = redis_value_count(payload);

	stat_add(source->stats, source_pushes, 1);
	if (redis_value_type(payload) == REDIS_NIL)
		source_read_mark_all(source, true);
	for (size_t i = 0; i < count; i++)
		mark_key(source, redis_value_text(redis_value_at(payload, i)));
}

/* --- the pair --- */

static void
on_tracking(void *arg, const struct redis_value *answer)
{
	struct source *source = arg;

	if (answer == NULL)
		return;
	if (redis_value_type(answer) == REDIS_ERROR) {
		refuse_tracking(source, answer);
		make_pair(source);
		return;
	}
	source_came_up(source, SOURCE_TRACKING);
}

static void
ask_tracking(struct source *source)
{
	char client[24];
	const struct view argv[5] = { view_of("CLIENT"), view_of("TRACKING"),
		view_of("ON"), view_of("REDIRECT"),
		view_make(client,
		    (size_t)snprintf(client, sizeof(client), "%lld",
			(long long)source->pair.push_client)) };

	source->pair.is_asked = true;
	redis_link_command(source->read, argv, 5, 0, on_tracking, source);
}

/* Called whenever something new is known; does the next step when all of its
 * conditions hold. */
static void
make_pair(struct source *source)
{
	struct source_pair *pair = &source->pair;

	if (source->mode != SOURCE_DOWN || !pair->read_seen || !pair->is_master)
		return;
	if (pair->is_refused) {
		redis_link_stop(source->push);
		source_came_up(source, SOURCE_POLL);
		return;
	}
	if (!pair->push_seen || pair->push_client <= 0 ||
	    !pair->is_subscribed || pair->is_asked)
		return;
	if (strcmp(pair->read_run_id, pair->push_run_id) != 0) {
		redis_link_reset(source->read, "closed");
		return;
	}
	ask_tracking(source);
}

/* --- broadcast, when the table of tracked keys overflows --- */

static void
on_broadcast(void *arg, const struct redis_value *answer)
{
	struct source *source = arg;

	if (answer == NULL || source->mode != SOURCE_TRACKING)
		return;
	if (redis_value_type(answer) == REDIS_ERROR) {
		/* Tracking is off now and cannot be had otherwise. */
		redis_link_reset(source->read, "noperm");
		return;
	}
	source->mode = SOURCE_BROADCAST;
	log_throttled(LOG_LEVEL_WARN, "source", "broadcast", "why",
	    "the tracking table of Redis overflows", NULL);
	/* What was written between the two commands was pushed to nobody. */
	source_read_mark_all(source, false);
}

static void
ask_broadcast(struct source *source)
{
	char client[24];
	const struct view off[3] = { view_of("CLIENT"), view_of("TRACKING"),
		view_of("OFF") };
	const struct view on[8] = { view_of("CLIENT"), view_of("TRACKING"),
		view_of("ON"), view_of("REDIRECT"),
		view_make(client,
		    (size_t)snprintf(client, sizeof(client), "%lld",
			(long long)source->pair.push_client)),
		view_of("BCAST"), view_of("PREFIX"),
		source->options.broadcast_prefix };

	source->pair.broadcast_tried = true;
	redis_link_command(source->read, off, 3, 0, NULL, NULL);
	redis_link_command(source->read, on, 8, 0, on_broadcast, source);
}

static void
judge_pushes(struct source *source)
{
	bool overflows = source->wasted > WASTED_PER_SECOND &&
	    source->wasted > source->useful;

	source->useful = 0;
	source->wasted = 0;
	if (!overflows || source->mode != SOURCE_TRACKING ||
	    source->pair.broadcast_tried)
		return;
	if (source->options.broadcast_prefix.len > 0)
		ask_broadcast(source);
	else
		log_throttled(LOG_LEVEL_WARN, "source", "table_overflows",
		    "advice", "raise tracking-table-max-keys in Redis", NULL);
}

void
source_track_tick(struct source *source, uint64_t now_ms)
{
	if (now_ms >= source->check_due_ms)
		check_server(source);
	if (now_ms - source->second_ms >= 1000) {
		source->second_ms = now_ms;
		judge_pushes(source);
	}
}

/* --- the window link --- */

static void
on_window_info(void *arg, const struct redis_value *answer)
{
	struct source *source = arg;
	char run_id[SOURCE_RUN_ID_MAX];

	if (answer == NULL)
		return;
	/* Not the server that the live reads come from: try again. */
	if (source_parse_run_id(answer, run_id) == 0 &&
	    source->pair.read_run_id[0] != '\0' &&
	    strcmp(run_id, source->pair.read_run_id) != 0) {
		redis_link_reset(source->window, "closed");
		return;
	}
	source->window_is_ready = true;
	source_window_send_all(source);
}

static void
on_window_up(void *arg)
{
	struct source *source = arg;

	ask(source->window, "INFO", "server", on_window_info, source);
}

static void
on_window_down(void *arg, const char *reason)
{
	struct source *source = arg;

	(void)reason; /* what was asked is asked again when it is back */
	source->window_is_ready = false;
}

void
source_track_init(struct source *source, const struct redis_target *target)
{
	static const struct redis_link_ops read_ops = { on_read_up,
		on_read_down, NULL };
	static const struct redis_link_ops push_ops = { on_push_up,
		on_push_down, on_push };
	static const struct redis_link_ops window_ops = { on_window_up,
		on_window_down, NULL };
	struct redis_link_options options = { .name = "relay-read",
		.connect_ms = 2000,
		.command_ms = source->options.command_ms,
		.backoff_min_ms = 100,
		.backoff_max_ms = 1500,
		.ping_ms = PING_MS };

	source->read =
	    redis_link_new(source->loop, target, &options, &read_ops, source);
	options.name = "relay-push";
	source->push =
	    redis_link_new(source->loop, target, &options, &push_ops, source);
	options.name = "relay-window";
	source->window =
	    redis_link_new(source->loop, target, &options, &window_ops, source);
}
