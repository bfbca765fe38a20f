/* SPDX-License-Identifier: MIT */
#include "sink_parts.h"

#include "sink_scripts.h"
#include "xmalloc.h"

#include <stdlib.h>

/* How a sink comes and goes. */

static void
on_commands_up(void *arg)
{
	struct sink *sink = arg;
	script_load(&sink->submit, sink->commands);
	script_load(&sink->release, sink->commands);
	script_load(&sink->renew, sink->commands);
}

static void
on_aside_up(void *arg)
{
	struct sink *sink = arg;
	script_load(&sink->trim, sink->aside);
	dead_letters_up(sink->letters);
}

static void
on_down(void *arg, const char *reason)
{
	struct sink *sink = arg;
	stats_reconnect(sink->stats, reason);
}

static struct redis_link *
make_link(struct sink *sink, const struct redis_target *target,
    const char *name, void (*up)(void *arg))
{
	const struct redis_link_options options = {
		.name = name,
		.connect_ms = 2000,
		.command_ms = 5000,
		.backoff_min_ms = 100,
		.backoff_max_ms = 1500,
		.ping_ms = 2000,
	};
	const struct redis_link_ops ops = { .up = up, .down = on_down };
	return redis_link_new(sink->loop, target, &options, &ops, sink);
}

static struct view
keep_text(char **at, struct view text)
{
	struct view kept = view_make(*at, text.len);
	if (text.len > 0)
		memcpy(*at, text.data, text.len);
	*at += text.len;
	return kept;
}

/* Views into one block, in place of the block before. */
static void
keep_options(struct sink *sink, const struct sink_options *options)
{
	char *at = xmalloc(options->prefix.len + options->stream.len +
	    options->contract.len + options->node.len + 1);
	char *before = sink->texts;
	sink->texts = at;
	sink->options = *options;
	sink->options.prefix = keep_text(&at, options->prefix);
	sink->options.stream = keep_text(&at, options->stream);
	sink->options.contract = keep_text(&at, options->contract);
	sink->options.node = keep_text(&at, options->node);
	free(before);
}

static struct dead_letter_options
letter_options(const struct sink *sink)
{
	return (struct dead_letter_options){
		.prefix = sink->options.prefix,
		.contract = sink->options.contract,
		.node = sink->options.node,
	};
}

void
sink_reload(struct sink *sink, const struct sink_options *options)
{
	bool was_bounded = sink->options.max_backlog > 0;
	keep_options(sink, options);
	if (!was_bounded && sink->options.max_backlog > 0)
		sink_backlog_begin(sink);
	const struct dead_letter_options letters = letter_options(sink);
	dead_letters_reload(sink->letters, &letters);
}

struct sink *
sink_new(struct uv_loop_s *loop, const struct redis_target *target,
    const struct sink_options *options, struct stats *stats)
{
	struct sink *sink = xcalloc(1, sizeof *sink);
	sink->loop = loop;
	sink->stats = stats;
	uv_timer_init(loop, &sink->timer);
	sink->timer.data = sink;
	keep_options(sink, options);
	script_init(&sink->submit, sink_script_submit);
	script_init(&sink->release, sink_script_release);
	script_init(&sink->renew, sink_script_renew);
	script_init(&sink->trim, sink_script_trim);
	sink->commands = make_link(sink, target, "commands", on_commands_up);
	sink->aside = make_link(sink, target, "aside", on_aside_up);
	const struct dead_letter_options letters = letter_options(sink);
	sink->letters = dead_letters_new(&letters, sink->aside, stats);
	return sink;
}

void
sink_attach(struct sink *sink, struct session_env *env)
{
	sink->env = env;
}

void
sink_start(struct sink *sink)
{
	redis_link_start(sink->commands);
	redis_link_start(sink->aside);
	sink_chores_start(sink);
}

static void
on_closed(uv_handle_t *timer)
{
	struct sink *sink = timer->data;
	free(sink->texts);
	free(sink);
}

/* What is under way is answered with NULL by the links; nobody is told. */
void
sink_free(struct sink **sink_p)
{
	struct sink *sink = *sink_p;
	if (sink == NULL)
		return;
	*sink_p = NULL;
	sink->env = NULL;
	redis_link_free(&sink->commands);
	redis_link_free(&sink->aside);
	dead_letters_free(&sink->letters);
	uv_close((uv_handle_t *)&sink->timer, on_closed);
}
