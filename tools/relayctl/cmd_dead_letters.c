/* SPDX-License-Identifier: MIT */

/* relayctl dead-letters list and show: events that the contract refused.
 * Bodies are hidden unless --bodies. */

#include "ctl_check.h"
#include "dead_letters.h"

#include "redis_link.h"
#include "report_parts.h"

#include <inttypes.h>
#include <stdlib.h>

#define LAST_DEFAULT "50"

struct listing {
	struct dead_letters letters;
	bool bodies;
	bool in_full; /* show: all fields, one a line */
	size_t count;
};

static struct view
field(const struct dead_letter *letter, enum dead_letter_field which)
{
	return letter->fields[which];
}

/* --- for programs --- */

static void
add_member(struct buf *out, const char *name, struct view text)
{
	buf_addf(out, ",\"%s\":", name);
	if (text.len > 0)
		buf_add_json_string(out, text);
	else
		buf_add_text(out, "null");
}

static uint64_t
number(struct view text)
{
	char copy[24] = { 0 };
	memcpy(copy, text.data ? text.data : "",
	    text.len < sizeof(copy) ? text.len : 0);
	return strtoull(copy, NULL, 10);
}

static void
add_result(struct listing *listing, const struct dead_letter *letter)
{
	static const struct {
		const char *name;
		enum dead_letter_field field;
	} members[] = {
		{ "stream", LETTER_STREAM },
		{ "id", LETTER_ENTRY },
		{ "contract", LETTER_CONTRACT },
		{ "code", LETTER_CODE },
		{ "pointer", LETTER_POINTER },
		{ "rule", LETTER_RULE },
		{ "message", LETTER_MESSAGE },
		{ "producer", LETTER_PRODUCER },
		{ "node", LETTER_NODE },
	};
	struct buf *out = &listing->letters.ctl->result;
	buf_addf(out, "%s{\"letter\":", listing->count ? ",\n" : "\n");
	buf_add_json_string(out, letter->id);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		add_member(
		    out, members[i].name, field(letter, members[i].field));
	buf_addf(out, ",\"at\":%" PRIu64 ",\"event_bytes\":%zu",
	    number(field(letter, LETTER_AT)), field(letter, LETTER_EVENT).len);
	if (listing->bodies)
		add_member(out, "event", field(letter, LETTER_EVENT));
	buf_add_char(out, '}');
}

/* --- for people --- */

static void
add_text(struct buf *out, const char *before, struct view text)
{
	if (text.len == 0)
		return;
	buf_add_text(out, before);
	report_add_printable(out, text);
}

static void
add_time(struct buf *out, const struct dead_letter *letter)
{
	buf_add_char(out, ' ');
	report_add_time(out, number(field(letter, LETTER_AT)));
}

static void
add_line(struct buf *out, const struct dead_letter *letter)
{
	report_add_printable(out, letter->id);
	add_time(out, letter);
	add_text(out, " ", field(letter, LETTER_CODE));
	add_text(out, " ", field(letter, LETTER_STREAM));
	add_text(out, " ", field(letter, LETTER_ENTRY));
	buf_add_text(out, "\n   ");
	add_text(out, " ", field(letter, LETTER_POINTER));
	add_text(out, " ", field(letter, LETTER_RULE));
	add_text(out, ": ", field(letter, LETTER_MESSAGE));
	add_text(out, " (producer ", field(letter, LETTER_PRODUCER));
	buf_add_text(out, field(letter, LETTER_PRODUCER).len ? ")\n" : "\n");
}

static void
add_fact(struct buf *out, const char *name, struct view text)
{
	if (text.len == 0)
		return;
	buf_addf(out, "%-10s ", name);
	report_add_printable(out, text);
	buf_add_char(out, '\n');
}

static void
add_facts(struct buf *out, const struct dead_letter *letter)
{
	add_fact(out, "letter", letter->id);
	buf_add_text(out, "at        ");
	add_time(out, letter);
	buf_add_char(out, '\n');
	add_fact(out, "stream", field(letter, LETTER_STREAM));
	add_fact(out, "entry", field(letter, LETTER_ENTRY));
	add_fact(out, "code", field(letter, LETTER_CODE));
	add_fact(out, "pointer", field(letter, LETTER_POINTER));
	add_fact(out, "rule", field(letter, LETTER_RULE));
	add_fact(out, "message", field(letter, LETTER_MESSAGE));
	add_fact(out, "contract", field(letter, LETTER_CONTRACT));
	add_fact(out, "producer", field(letter, LETTER_PRODUCER));
	add_fact(out, "node", field(letter, LETTER_NODE));
}

static void
print(struct listing *listing, const struct dead_letter *letter)
{
	struct buf text;
	struct view event = field(letter, LETTER_EVENT);
	buf_init(&text, 0);
	if (listing->in_full)
		add_facts(&text, letter);
	else
		add_line(&text, letter);
	if (listing->bodies)
		add_fact(&text, listing->in_full ? "event" : "   ", event);
	else if (listing->in_full)
		buf_addf(&text, "event      %zu bytes, hidden: --bodies\n",
		    event.len);
	if (listing->in_full)
		buf_add_char(&text, '\n');
	ctl_printf(listing->letters.ctl, "%.*s", (int)text.len, text.data);
	buf_fini(&text);
}

static int
on_letter(void *arg, const struct dead_letter *letter)
{
	struct listing *listing = arg;
	if (listing->letters.ctl->json)
		add_result(listing, letter);
	else
		print(listing, letter);
	listing->count++;
	return 0;
}

/* --- the commands --- */

static int
count_all(struct dead_letters *letters, uint64_t *total_r)
{
	struct view argv[] = { view_of("XLEN"), buf_view(&letters->key) };
	const struct redis_value *answer = dead_letters_ask(letters, argv, 2);
	if (!answer)
		return CTL_UNREACHABLE;
	*total_r = (uint64_t)redis_value_integer(answer);
	return 0;
}

static int
run(struct listing *listing)
{
	struct ctl *ctl = listing->letters.ctl;
	uint64_t total = 0;
	int status = dead_letters_open(&listing->letters);
	if (status == 0)
		status = count_all(&listing->letters, &total);
	if (status != 0)
		return status;
	buf_add_text(&ctl->result, "{\"letters\":[");
	status = dead_letters_walk(&listing->letters, true, on_letter, listing);
	buf_addf(&ctl->result, "],\"shown\":%zu,\"total\":%" PRIu64 "}",
	    listing->count, total);
	if (!listing->in_full)
		ctl_printf(ctl, "%zu of %" PRIu64 " dead letters\n",
		    listing->count, total);
	if (listing->count > 0 && !listing->in_full)
		ctl_next(ctl, "relayctl dead-letters show ID --bodies");
	return status;
}

int
cmd_dead_letters_list(struct ctl *ctl)
{
	struct listing listing = { .count = 0 };
	dead_letters_init(&listing.letters, ctl);
	listing.letters.filter.last = LAST_DEFAULT;
	const struct ctl_option options[] = {
		{ .name = "--last", .value = &listing.letters.filter.last },
		{ .name = "--bodies", .flag = &listing.bodies },
		DEAD_LETTERS_OPTIONS(listing.letters),
	};
	int status =
	    ctl_parse(ctl, options, sizeof(options) / sizeof(options[0]));
	if (status == 0)
		status =
		    ctl_check_count(ctl, "--last", listing.letters.filter.last);
	if (status == 0 && ctl->argc > 0)
		status = ctl_fail(ctl, CTL_USAGE, "usage",
		    "list takes no id; use dead-letters show");
	if (status == 0)
		status = run(&listing);
	dead_letters_fini(&listing.letters);
	return status;
}

int
cmd_dead_letters_show(struct ctl *ctl)
{
	struct listing listing = { .in_full = true };
	dead_letters_init(&listing.letters, ctl);
	const struct ctl_option options[] = {
		{ .name = "--prefix", .value = &listing.letters.prefix },
		{ .name = "--bodies", .flag = &listing.bodies },
	};
	int status = ctl_parse(ctl, options, 2);
	if (status == 0 && ctl->argc == 0)
		status = ctl_fail(ctl, CTL_USAGE, "usage",
		    "which letter? dead-letters list has their ids");
	if (status == 0)
		status = run(&listing);
	dead_letters_fini(&listing.letters);
	return status;
}
