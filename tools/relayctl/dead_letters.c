/* SPDX-License-Identifier: MIT */
#include "dead_letters.h"

#include "ctl_check.h"
#include "entry_id.h"
#include "redis_link.h"
#include "xmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 5000
/* A letter may hold 64 KiB. */
#define PAGE_LETTERS 32
#define PAGE_TEXT    "32"

static const char *const field_names[] = {
#define AS_TEXT(name, text) text,
	DEAD_LETTER_FIELDS(AS_TEXT)
#undef AS_TEXT
};

/* --- life --- */

void
dead_letters_init(struct dead_letters *letters, struct ctl *ctl)
{
	*letters = (struct dead_letters){ .ctl = ctl, .prefix = "relay:" };
	buf_init(&letters->key, 0);
}

static int
check_ids(struct dead_letters *letters)
{
	struct ctl *ctl = letters->ctl;
	struct entry_id id;
	letters->filter.ids = ctl->argv;
	letters->filter.id_count = (size_t)ctl->argc;
	for (int i = 0; i < ctl->argc; i++)
		if (entry_id_parse(view_of(ctl->argv[i]), &id) == -1)
			return ctl_fail(ctl, CTL_USAGE, "usage",
			    "%s is no id of a dead letter (they look like "
			    "1700000000000-0)",
			    ctl->argv[i]);
	return 0;
}

int
dead_letters_check(struct dead_letters *letters, bool all)
{
	struct ctl *ctl = letters->ctl;
	if (all && ctl->argc > 0)
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "ids of letters or --all, not both");
	if (all || ctl->argc > 0 || dead_letters_has_filter(letters))
		return 0;
	return ctl_fail(ctl, CTL_USAGE, "usage",
	    "which letters? name their ids, or say --all");
}

int
dead_letters_open(struct dead_letters *letters)
{
	struct ctl *ctl = letters->ctl;
	struct error err = { "", "" };
	int status = check_ids(letters);
	if (status == 0)
		status = ctl_check_addresses(ctl);
	if (status != 0)
		return status;
	const char *url = ctl_redis(ctl);
	if (!url)
		return CTL_INPUT;
	if (!*url) {
		ctl_fix(ctl,
		    "name the relay's Redis with --redis URL; a relay with a "
		    "private one says it at start");
		return ctl_fail(ctl, CTL_USAGE, "usage", "no --redis");
	}
	buf_addf(&letters->key, "%sdead-letters", letters->prefix);
	letters->redis = redis_client_open(url, TIMEOUT_MS, &err);
	if (!letters->redis)
		return ctl_fail(ctl, CTL_UNREACHABLE, "redis_unreachable",
		    "%s: %s", err.where, err.message);
	if (redis_client_expect_stream(
		letters->redis, buf_view(&letters->key), &err) == 0)
		return 0;
	return ctl_fail(
	    ctl, CTL_INPUT, "wrong_type", "%s: %s", err.where, err.message);
}

void
dead_letters_fini(struct dead_letters *letters)
{
	redis_client_close(&letters->redis);
	buf_fini(&letters->key);
}

const struct redis_value *
dead_letters_ask(
    struct dead_letters *letters, const struct view *argv, size_t argc)
{
	struct error err = { "", "" };
	const struct redis_value *answer =
	    redis_client_command(letters->redis, argv, argc, &err);
	if (!answer)
		ctl_fail(letters->ctl, CTL_UNREACHABLE, "redis", "%s: %s",
		    err.where, err.message);
	return answer;
}

bool
dead_letters_has_filter(const struct dead_letters *letters)
{
	const struct dead_letter_filter *filter = &letters->filter;
	return filter->code || filter->stream || filter->producer;
}

/* --- copies --- */

static size_t
field_index(struct view name)
{
	size_t i = 0;
	while (i < LETTER_FIELD_COUNT && !view_is(name, field_names[i]))
		i++;
	return i;
}

/* Redis's answer dies with the next question; a letter must not. */
static struct dead_letter *
copy_letter(const struct redis_value *entry)
{
	const struct redis_value *pairs = redis_value_at(entry, 1);
	size_t count = redis_value_count(pairs);
	struct view id = redis_value_text(redis_value_at(entry, 0));
	size_t bytes = id.len;
	for (size_t i = 1; i < count; i += 2)
		bytes += redis_value_text(redis_value_at(pairs, i)).len;
	struct dead_letter *letter = xcalloc(1, sizeof(*letter) + bytes + 1);
	char *at = (char *)(letter + 1);
	memcpy(at, id.data, id.len);
	letter->id = view_make(at, id.len);
	at += id.len;
	for (size_t i = 0; i + 1 < count; i += 2) {
		size_t field =
		    field_index(redis_value_text(redis_value_at(pairs, i)));
		struct view text =
		    redis_value_text(redis_value_at(pairs, i + 1));
		if (field == LETTER_FIELD_COUNT || text.len == 0)
			continue;
		memcpy(at, text.data, text.len);
		letter->fields[field] = view_make(at, text.len);
		at += text.len;
	}
	return letter;
}

struct page {
	struct dead_letter *letters[PAGE_LETTERS];
	size_t count;
};

static void
free_page(struct page *page)
{
	for (size_t i = 0; i < page->count; i++)
		free(page->letters[i]);
	page->count = 0;
}

/* --- the walk --- */

struct walk {
	struct dead_letters *letters;
	dead_letter_fn *each;
	void *arg;
	size_t left; /* of --last */
};

static bool
is_meant(
    const struct dead_letter_filter *filter, const struct dead_letter *letter)
{
	const struct {
		const char *wanted;
		enum dead_letter_field field;
	} tests[] = {
		{ filter->code, LETTER_CODE },
		{ filter->stream, LETTER_STREAM },
		{ filter->producer, LETTER_PRODUCER },
	};
	for (size_t i = 0; i < 3; i++)
		if (tests[i].wanted &&
		    !view_is(letter->fields[tests[i].field], tests[i].wanted))
			return false;
	return true;
}

static int
read_page(
    struct walk *walk, bool newest_first, const char *from, struct page *page)
{
	struct dead_letters *letters = walk->letters;
	struct view argv[] = { view_of(newest_first ? "XREVRANGE" : "XRANGE"),
		buf_view(&letters->key), view_of(from),
		view_of(newest_first ? "-" : "+"), view_of("COUNT"),
		view_of(PAGE_TEXT) };
	const struct redis_value *entries = dead_letters_ask(letters, argv, 6);
	if (!entries)
		return CTL_UNREACHABLE;
	size_t count = redis_value_count(entries);
	for (size_t i = 0; i < count && i < PAGE_LETTERS; i++)
		page->letters[page->count++] =
		    copy_letter(redis_value_at(entries, i));
	return 0;
}

static int
tell_page(struct walk *walk, const struct page *page)
{
	int status = 0;
	for (size_t i = 0; i < page->count && status == 0 && walk->left > 0;
	     i++) {
		if (!is_meant(&walk->letters->filter, page->letters[i]))
			continue;
		walk->left--;
		status = walk->each(walk->arg, page->letters[i]);
	}
	return status;
}

static int
walk_all(struct walk *walk, bool newest_first)
{
	char from[ENTRY_ID_TEXT_MAX + 1];
	struct page page = { .count = 0 };
	int status = 0;
	snprintf(from, sizeof(from), "%s", newest_first ? "+" : "-");
	do {
		free_page(&page);
		status = read_page(walk, newest_first, from, &page);
		if (page.count > 0)
			snprintf(from, sizeof(from), "(%.*s",
			    (int)page.letters[page.count - 1]->id.len,
			    page.letters[page.count - 1]->id.data);
		if (status == 0)
			status = tell_page(walk, &page);
	} while (status == 0 && page.count == PAGE_LETTERS && walk->left > 0);
	free_page(&page);
	return status;
}

static int
walk_one(struct walk *walk, const char *id)
{
	struct dead_letters *letters = walk->letters;
	struct view argv[] = { view_of("XRANGE"), buf_view(&letters->key),
		view_of(id), view_of(id) };
	const struct redis_value *entries = dead_letters_ask(letters, argv, 4);
	if (!entries)
		return CTL_UNREACHABLE;
	if (redis_value_count(entries) == 0)
		return ctl_fail(letters->ctl, CTL_INPUT, "not_found",
		    "there is no dead letter %s", id);
	struct dead_letter *letter = copy_letter(redis_value_at(entries, 0));
	int status = is_meant(&letters->filter, letter)
	    ? walk->each(walk->arg, letter)
	    : 0;
	free(letter);
	return status;
}

int
dead_letters_walk(struct dead_letters *letters, bool newest_first,
    dead_letter_fn *each, void *arg)
{
	const struct dead_letter_filter *filter = &letters->filter;
	struct walk walk = { letters, each, arg, SIZE_MAX };
	int status = 0;
	if (filter->last)
		walk.left = strtoul(filter->last, NULL, 10);
	if (filter->id_count == 0)
		return walk_all(&walk, newest_first);
	for (size_t i = 0; i < filter->id_count && status == 0; i++)
		status = walk_one(&walk, filter->ids[i]);
	return status;
}
