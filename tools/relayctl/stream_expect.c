/* SPDX-License-Identifier: MIT */
#include "stream_expect.h"

#include <stdio.h>

#define HEAD "{\"cursor\":\""

bool
stream_split_cursor(
    struct view frame, struct view *cursor_r, struct view *rest_r)
{
	size_t head = sizeof(HEAD) - 1;
	if (frame.len < head || memcmp(frame.data, HEAD, head) != 0)
		return false;
	const char *start = frame.data + head;
	const char *end = memchr(start, '"', frame.len - head);
	if (!end)
		return false;
	*cursor_r = view_make(start, (size_t)(end - start));
	const char *rest = end + 1;
	const char *stop = frame.data + frame.len;
	if (rest < stop && *rest == ',')
		rest++;
	*rest_r = view_make(rest, (size_t)(stop - rest));
	return true;
}

/* Does the endpoint show this event at all? */
static bool
is_shown(struct stream_expect *expect, struct view event)
{
	struct json_fault fault;
	struct json_limits limits = { .max_depth = 128 };
	return json_scan(&expect->doc, event, &limits, &fault) == 0 &&
	    contract_select(expect->side, &expect->doc) != NULL;
}

/* On to the next event of the run that is due. */
static int
advance(struct stream_expect *expect, struct error *err)
{
	uint64_t at_ms;
	int got;
	do {
		got = run_file_next(&expect->run, &at_ms, &expect->next, err);
	} while (got > 0 && !is_shown(expect, expect->next));
	if (got < 0)
		return -1;
	expect->is_done = got == 0;
	return 0;
}

int
stream_expect_open(struct stream_expect *expect, const char *file,
    const struct contract_side *side, struct error *err)
{
	*expect = (struct stream_expect){ .side = side };
	if (run_file_open(&expect->run, file, err) != 0)
		return -1;
	json_doc_init(&expect->doc);
	if (advance(expect, err) == 0 && !expect->is_done)
		return 0;
	if (expect->is_done)
		error_set(err, file, "holds no event of this endpoint");
	stream_expect_close(expect);
	return -1;
}

void
stream_expect_close(struct stream_expect *expect)
{
	run_file_close(&expect->run);
	json_doc_fini(&expect->doc);
}

static size_t
first_difference(struct view a, struct view b)
{
	size_t i = 0;
	while (i < a.len && i < b.len && a.data[i] == b.data[i])
		i++;
	return i;
}

int
stream_expect_frame(
    struct stream_expect *expect, struct view frame, struct error *err)
{
	struct view cursor;
	struct view rest;
	if (!stream_split_cursor(frame, &cursor, &rest))
		return error_set(
		    err, expect->run.name, "a frame without a cursor arrived");
	if (expect->is_done)
		return error_set(err, expect->run.name,
		    "an event arrived behind the end of the run, cursor %.*s",
		    (int)cursor.len, cursor.data);
	/* The run's own text begins with '{', which the splice replaced. */
	struct view due =
	    view_make(expect->next.data + 1, expect->next.len - 1);
	if (!view_equal(due, rest)) {
		char where[300];
		snprintf(where, sizeof(where), "%s:%zu", expect->run.name,
		    expect->run.number);
		return error_set(err, where,
		    "another event arrived at cursor %.*s: they differ from "
		    "byte %zu on",
		    (int)cursor.len, cursor.data,
		    first_difference(due, rest) + 1);
	}
	expect->matched++;
	return advance(expect, err);
}
