/* SPDX-License-Identifier: MIT */

/*
 * relayctl stream peek: what a stream holds, without changing anything: type
 * of the key, length, oldest and newest id, the consumer groups, and the last
 * entries by type and size. Bodies only with --bodies.
 */

#include "clock.h"
#include "ctl.h"
#include "ctl_check.h"
#include "entry_id.h"
#include "json.h"
#include "redis_link.h"
#include "stream_target.h"

#include <stdlib.h>

struct peek {
	struct ctl *ctl;
	struct stream_target target;
	const char *last;
	const char *type_pointer;
	bool has_bodies;
	struct json_doc doc;
	struct error err;
};

static int
redis_failed(struct peek *peek)
{
	return ctl_fail(peek->ctl, CTL_UNREACHABLE, "redis", "%s: %s",
	    peek->err.where, peek->err.message);
}

/* "stream", "none", "string" … */
static int
check_type(struct peek *peek)
{
	struct view argv[] = { view_of("TYPE"), buf_view(&peek->target.key) };
	const struct redis_value *answer =
	    redis_client_command(peek->target.redis, argv, 2, &peek->err);
	if (!answer)
		return redis_failed(peek);
	struct view type = redis_value_text(answer);
	if (view_is(type, "stream"))
		return 0;
	if (view_is(type, "none")) {
		ctl_fix(peek->ctl,
		    "check tenant, user, session and --prefix; "
		    "nobody has written to this key");
		return ctl_fail(peek->ctl, CTL_FINDINGS, "missing",
		    "%.*s: no such key", (int)peek->target.key.len,
		    peek->target.key.data);
	}
	return ctl_fail(peek->ctl, CTL_FINDINGS, "wrong_type",
	    "%.*s holds a %.*s, not a stream", (int)peek->target.key.len,
	    peek->target.key.data, (int)type.len, type.data);
}

static const struct redis_value *
field_of(const struct redis_value *pairs, const char *name)
{
	for (size_t i = 0; i + 1 < redis_value_count(pairs); i += 2) {
		if (view_is(redis_value_text(redis_value_at(pairs, i)), name))
			return redis_value_at(pairs, i + 1);
	}
	return NULL;
}

static struct view
first_id(const struct redis_value *info, const char *name)
{
	const struct redis_value *entry = field_of(info, name);
	struct view id = redis_value_text(redis_value_at(entry, 0));
	return id.len ? id : view_of("none");
}

static void
show_age(struct peek *peek, struct view newest)
{
	struct entry_id id;
	if (entry_id_parse(newest, &id) != 0 || entry_id_is_zero(id))
		return;
	double age = ((double)clock_unix_ms() - (double)id.ms) / 1000.0;
	ctl_printf(peek->ctl, "age        %.1f s since the newest id\n", age);
}

static int
show_info(struct peek *peek)
{
	struct view argv[] = { view_of("XINFO"), view_of("STREAM"),
		buf_view(&peek->target.key) };
	const struct redis_value *info =
	    redis_client_command(peek->target.redis, argv, 3, &peek->err);
	if (!info)
		return redis_failed(peek);
	struct view newest =
	    redis_value_text(field_of(info, "last-generated-id"));
	struct view oldest = first_id(info, "first-entry");
	long long length = redis_value_integer(field_of(info, "length"));
	long long groups = redis_value_integer(field_of(info, "groups"));
	ctl_printf(peek->ctl,
	    "stream     %.*s\nlength     %lld\noldest     %.*s\n"
	    "newest     %.*s\ngroups     %lld\n",
	    (int)peek->target.key.len, peek->target.key.data, length,
	    (int)oldest.len, oldest.data, (int)newest.len, newest.data, groups);
	show_age(peek, newest);
	struct buf *result = &peek->ctl->result;
	buf_add_text(result, "{\"stream\":");
	buf_add_json_string(result, buf_view(&peek->target.key));
	buf_addf(result, ",\"length\":%lld,\"groups\":%lld,\"oldest\":", length,
	    groups);
	buf_add_json_string(result, oldest);
	buf_add_text(result, ",\"newest\":");
	buf_add_json_string(result, newest);
	return 0;
}

static struct view
type_of(struct peek *peek, struct view event)
{
	struct json_fault fault;
	struct json_limits limits = { .max_depth = 128 };
	uint32_t node;
	if (json_scan(&peek->doc, event, &limits, &fault) != 0)
		return view_of("(not JSON)");
	if (!json_pointer_get(&peek->doc, view_of(peek->type_pointer), &node) ||
	    peek->doc.nodes[node].type != JSON_STRING)
		return view_of("(no type)");
	struct view text = json_text(&peek->doc, node);
	return view_make(text.data + 1, text.len - 2);
}

static void
show_entry(struct peek *peek, const struct redis_value *entry, bool is_first)
{
	struct view id = redis_value_text(redis_value_at(entry, 0));
	const struct redis_value *value =
	    field_of(redis_value_at(entry, 1), "event");
	struct view event = redis_value_text(value);
	struct view type =
	    value ? type_of(peek, event) : view_of("(no event field)");
	ctl_printf(peek->ctl, "  %-24.*s %-24.*s %zu bytes\n", (int)id.len,
	    id.data, (int)type.len, type.data, event.len);
	struct buf *result = &peek->ctl->result;
	buf_add_text(result, is_first ? "{\"id\":" : ",{\"id\":");
	buf_add_json_string(result, id);
	buf_add_text(result, ",\"type\":");
	buf_add_json_string(result, type);
	buf_addf(result, ",\"bytes\":%zu", event.len);
	if (peek->has_bodies) {
		ctl_printf(peek->ctl, "    ");
		ctl_print_foreign(peek->ctl, event);
		ctl_printf(peek->ctl, "\n");
		buf_add_text(result, ",\"event\":");
		buf_add_json_string(result, event);
	}
	buf_add_char(result, '}');
}

static int
show_last(struct peek *peek)
{
	struct view argv[] = { view_of("XREVRANGE"),
		buf_view(&peek->target.key), view_of("+"), view_of("-"),
		view_of("COUNT"), view_of(peek->last) };
	const struct redis_value *entries =
	    redis_client_command(peek->target.redis, argv, 6, &peek->err);
	if (!entries)
		return redis_failed(peek);
	size_t count = redis_value_count(entries);
	buf_add_text(&peek->ctl->result, ",\"entries\":[");
	if (count)
		ctl_printf(peek->ctl, "last       %zu entries\n", count);
	for (size_t i = count; i-- > 0;)
		show_entry(peek, redis_value_at(entries, i), i + 1 == count);
	buf_add_text(&peek->ctl->result, "]}");
	return CTL_FINE;
}

int
cmd_stream_peek(struct ctl *ctl)
{
	struct peek peek = {
		.ctl = ctl, .last = "10", .type_pointer = "/type"
	};
	stream_target_init(&peek.target);
	json_doc_init(&peek.doc);
	const struct ctl_option options[] = {
		{ .name = "--last", .value = &peek.last },
		{ .name = "--discriminator", .value = &peek.type_pointer },
		{ .name = "--bodies", .flag = &peek.has_bodies },
		STREAM_TARGET_OPTIONS(peek.target),
	};
	int status =
	    ctl_parse(ctl, options, sizeof(options) / sizeof(options[0]));
	if (status == 0 && ctl->argc != 1)
		status = ctl_fail(ctl, CTL_USAGE, "usage",
		    "one session id (or key) is wanted");
	if (status == 0)
		status = ctl_check_count(ctl, "--last", peek.last);
	if (status == 0)
		status = stream_target_open(&peek.target, ctl, ctl->argv[0]);
	if (status == 0)
		status = check_type(&peek);
	if (status == 0)
		status = show_info(&peek);
	if (status == 0)
		status = show_last(&peek);
	if (status != 0) /* half an object is none */
		buf_clear(&ctl->result);
	json_doc_fini(&peek.doc);
	stream_target_fini(&peek.target);
	return status;
}
