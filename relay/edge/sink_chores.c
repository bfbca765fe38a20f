/* SPDX-License-Identifier: MIT */
#include "sink_parts.h"

/*
 * What the sink does by the clock: look how far the workers lag behind, and cut
 * the commands that every group is done with. And what is written to find out
 * whether Redis takes anything.
 */

#define TICK_MS        1000
#define TRIM_TICKS     60
#define TRIM_MS        30000
#define SAMPLE_MS      2000
#define CANARY_MAXLEN  "16"
#define CANARY_LIFE_MS "3600000"
#define SENT_FRACTION  4 /* of max_backlog, sent since: look again now */

/* The value of a name in a flat array of names and values, or NULL. */
static const struct redis_value *
flat_get(const struct redis_value *flat, const char *name)
{
	for (size_t i = 0; i + 1 < redis_value_count(flat); i += 2)
		if (view_is(redis_value_text(redis_value_at(flat, i)), name))
			return redis_value_at(flat, i + 1);
	return NULL;
}

/* Redis does not always know a lag (nil): then it counts as none. */
static uint64_t
greatest_lag(const struct redis_value *groups)
{
	uint64_t greatest = 0;
	for (size_t i = 0; i < redis_value_count(groups); i++) {
		const struct redis_value *lag =
		    flat_get(redis_value_at(groups, i), "lag");
		if (lag == NULL || redis_value_type(lag) != REDIS_INTEGER)
			continue;
		uint64_t entries = (uint64_t)redis_value_integer(lag);
		if (entries > greatest)
			greatest = entries;
	}
	return greatest;
}

/* The answer is of the moment at which the question was sent. */
static void
sampled(struct sink *sink, uint64_t backlog)
{
	sink->backlog = backlog;
	sink->counted = sink->asked_at;
}

static void
on_length(void *arg, const struct redis_value *answer)
{
	struct sink *sink = arg;
	if (answer != NULL && redis_value_type(answer) == REDIS_INTEGER)
		sampled(sink, (uint64_t)redis_value_integer(answer));
	sink->is_sampling = false;
}

/* Nobody reads: all that is there is waiting. */
static void
ask_length(struct sink *sink)
{
	sink->asked_at = sink->submitted;
	const struct view argv[] = { view_of("XLEN"), sink->options.stream };
	if (redis_link_command(
		sink->commands, argv, 2, SAMPLE_MS, on_length, sink) < 0)
		sink->is_sampling = false;
}

static void
on_groups(void *arg, const struct redis_value *answer)
{
	struct sink *sink = arg;
	if (answer == NULL) {
		sink->is_sampling = false;
		return;
	}
	bool is_array = redis_value_type(answer) == REDIS_ARRAY;
	if (is_array && redis_value_count(answer) > 0)
		sampled(sink, greatest_lag(answer));
	else if (is_array)
		ask_length(sink);
	else /* no such stream yet */
		sampled(sink, 0);
	if (!is_array || redis_value_count(answer) > 0)
		sink->is_sampling = false;
}

/* On the connection of the commands, so that it counts what was sent before. */
static void
sample(struct sink *sink)
{
	const struct view argv[] = { view_of("XINFO"), view_of("GROUPS"),
		sink->options.stream };
	if (sink->is_sampling)
		return;
	if (redis_link_command(
		sink->commands, argv, 3, SAMPLE_MS, on_groups, sink) < 0)
		return;
	sink->is_sampling = true;
	sink->asked_at = sink->submitted;
}

/* All that was sent so far is in the answer. */
void
sink_backlog_begin(struct sink *sink)
{
	sink->backlog = 0;
	sink->counted = sink->submitted;
	sample(sink);
}

/* What was sent since the last look counts in full: rather ask Redis again
 * than let the backlog run over. */
bool
sink_backlog_is_full(struct sink *sink)
{
	uint64_t max = sink->options.max_backlog;
	if (max == 0)
		return false;
	uint64_t since = sink->submitted - sink->counted;
	bool is_full = sink->backlog + since >= max;
	if (is_full || since > max / SENT_FRACTION)
		sample(sink);
	return is_full;
}

static void
ignore_answer(void *arg, const struct redis_value *answer)
{
	(void)arg;
	(void)answer;
}

/* Its name is that of a process, which may end at any time. */
static void
let_canary_end(struct sink *sink, struct view key)
{
	const struct view argv[] = { view_of("PEXPIRE"), key,
		view_of(CANARY_LIFE_MS) };
	redis_link_command(
	    sink->commands, argv, 3, SAMPLE_MS, ignore_answer, NULL);
}

int
sink_canary(struct sink *sink, struct view key, struct view nonce,
    redis_answer_fn *answer, void *arg)
{
	const struct view argv[] = { view_of("XADD"), key, view_of("MAXLEN"),
		view_of("~"), view_of(CANARY_MAXLEN), view_of("*"),
		view_of("event"), nonce };
	int sent = redis_link_command(sink->commands, argv,
	    sizeof argv / sizeof *argv, sink->options.timeout_ms, answer, arg);
	if (sent == 0)
		let_canary_end(sink, key);
	return sent;
}

static void
trim(struct sink *sink)
{
	script_call(&sink->trim, sink->aside, &sink->options.stream, 1, 1,
	    TRIM_MS, ignore_answer, NULL);
}

static void
on_tick(uv_timer_t *timer)
{
	struct sink *sink = timer->data;
	if (sink->options.max_backlog > 0)
		sample(sink);
	if (++sink->ticks % TRIM_TICKS == 0)
		trim(sink);
}

void
sink_chores_start(struct sink *sink)
{
	uv_timer_start(&sink->timer, on_tick, TICK_MS, TICK_MS);
}
