/* SPDX-License-Identifier: MIT */

/*
 * relayctl status: the state of a running relay, from its admin listener, as
 * one line a fact for people or as it is with --json. Exit 1 when the relay
 * says that it is degraded.
 */

#include "ctl_check.h"
#include "http_get.h"
#include "json.h"

static struct view
text_of(const struct json_doc *doc, uint32_t node, struct buf *scratch)
{
	if (doc->nodes[node].type == JSON_STRING)
		return json_string(doc, node, scratch);
	return json_text(doc, node);
}

/* Every scalar below `object`, indented by depth; arrays as they are. */
static void
show_members(struct ctl *ctl, const struct json_doc *doc, uint32_t object,
    int depth, struct buf *scratch)
{
	uint32_t key = object + 1;
	for (uint32_t i = 0; i < doc->nodes[object].count; i++) {
		uint32_t value = key + 1;
		struct view name = json_text(doc, key);
		ctl_printf(ctl, "%*s%-*.*s", depth * 2, "", 24 - depth * 2,
		    (int)name.len - 2, name.data + 1);
		if (doc->nodes[value].type == JSON_OBJECT) {
			ctl_printf(ctl, "\n");
			show_members(ctl, doc, value, depth + 1, scratch);
		} else {
			struct view text = text_of(doc, value, scratch);
			ctl_printf(ctl, " %.*s\n", (int)text.len, text.data);
		}
		key = doc->nodes[value].next;
	}
}

static int
show_status(struct ctl *ctl, const struct json_doc *doc)
{
	struct buf scratch;
	buf_init(&scratch, 0);
	show_members(ctl, doc, 0, 0, &scratch);
	buf_fini(&scratch);
	uint32_t mode = json_member(doc, 0, view_of("mode"));
	if (mode && json_string_is(doc, mode, view_of("degraded"))) {
		ctl_fix(ctl, "the relay has lost its Redis: see `redis` above");
		return CTL_FINDINGS;
	}
	return CTL_FINE;
}

static int
read_status(struct ctl *ctl, struct view body)
{
	struct json_doc doc;
	struct json_fault fault;
	struct json_limits limits = { .max_depth = 64 };
	json_doc_init(&doc);
	int status;
	if (json_scan(&doc, body, &limits, &fault) != 0 ||
	    doc.nodes[0].type != JSON_OBJECT) {
		status = ctl_fail(ctl, CTL_UNREACHABLE, "not_a_relay",
		    "what answers there is no relay");
	} else {
		buf_add(&ctl->result, body);
		status = show_status(ctl, &doc);
	}
	json_doc_fini(&doc);
	return status;
}

int
cmd_status(struct ctl *ctl)
{
	int status = ctl_parse(ctl, NULL, 0);
	if (status == 0 && ctl->argc != 0)
		status = ctl_fail(ctl, CTL_USAGE, "usage", "no operand wanted");
	if (status == 0)
		status = ctl_check_addresses(ctl);
	const char *address = status == 0 ? ctl_relay(ctl) : NULL;
	if (!address)
		return status ? status : CTL_INPUT;
	struct buf body;
	struct error err = { 0 };
	buf_init(&body, 0);
	int code =
	    http_get(address, "/api/v1/runtime/status", 5000, &body, &err);
	if (code == 200) {
		status = read_status(ctl, buf_view(&body));
	} else if (code < 0) {
		ctl_fix(ctl, "name the relay's admin address with --relay");
		status = ctl_fail(ctl, CTL_UNREACHABLE, "unreachable", "%s: %s",
		    err.where, err.message);
	} else {
		status = ctl_fail(ctl, CTL_UNREACHABLE, "not_admin",
		    "%s answered %d: is it the admin listener?", address, code);
	}
	buf_fini(&body);
	return status;
}
