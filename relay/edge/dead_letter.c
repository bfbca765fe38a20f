/* SPDX-License-Identifier: MIT */
#include "dead_letter.h"

#include "clock.h"
#include "list.h"
#include "log.h"
#include "script.h"
#include "sink_scripts.h"
#include "stats.h"
#include "xmalloc.h"

#include <stdio.h>
#include <stdlib.h>

#define EVENT_BYTES_MAX   65536
#define MESSAGE_BYTES_MAX 1024
#define ENTRIES_MAX       "100000"
#define MARKER_SECONDS    "86400"
/* A read may bring a mebibyte of small events, and a letter is much larger than
 * a small event. */
#define WAITING_BYTES_MAX ((size_t)32 << 20)
#define CROWD_BYTES       ((size_t)2 << 20) /* under way: wait … */
#define CALM_BYTES        (CROWD_BYTES / 4) /* … until no more than this */
#define ANSWER_MS         5000

enum word {
	KEY_STREAM,
	KEY_MARKER,
	ARG_MARKER_SECONDS,
	ARG_ENTRIES_MAX,
	ARG_FIELDS
};

/* One refused event, its words packed behind it, until Redis has it. */
struct letter {
	struct list link;
	struct dead_letters *letters;
	bool is_sent;
	size_t bytes; /* of memory */
	size_t word_count;
	struct view words[];
};

struct dead_letters {
	struct dead_letter_options options;
	struct redis_link *link;
	struct stats *stats;
	struct script script;
	struct list waiting;
	size_t bytes;      /* of all letters */
	size_t sent_bytes; /* of those under way */
	bool is_crowded;
	dead_letter_crowd_fn *crowd; /* or NULL */
	void *crowd_arg;
	char *stream; /* `relay:dead-letters` */
};

static char *
key_text(struct view prefix, const char *rest)
{
	struct buf key;
	buf_init(&key, 0);
	buf_add(&key, prefix);
	buf_add_text(&key, rest);
	char *text = xstrndup(key.data, key.len);
	buf_fini(&key);
	return text;
}

struct dead_letters *
dead_letters_new(const struct dead_letter_options *options,
    struct redis_link *link, struct stats *stats)
{
	struct dead_letters *letters = xcalloc(1, sizeof *letters);
	letters->options = *options;
	letters->link = link;
	letters->stats = stats;
	letters->stream = key_text(options->prefix, "dead-letters");
	list_init(&letters->waiting);
	script_init(&letters->script, sink_script_dead_letter);
	return letters;
}

void
dead_letters_reload(
    struct dead_letters *letters, const struct dead_letter_options *options)
{
	letters->options = *options;
}

void
dead_letters_on_crowd(
    struct dead_letters *letters, dead_letter_crowd_fn *crowd, void *arg)
{
	letters->crowd = crowd;
	letters->crowd_arg = arg;
}

static void
tell_crowd(struct dead_letters *letters)
{
	size_t most = letters->is_crowded ? CALM_BYTES : CROWD_BYTES;
	bool is_crowded = letters->sent_bytes > most;
	if (is_crowded == letters->is_crowded)
		return;
	letters->is_crowded = is_crowded;
	if (letters->crowd)
		letters->crowd(letters->crowd_arg, is_crowded);
}

static void
letter_free(struct letter *letter)
{
	struct dead_letters *letters = letter->letters;
	letters->bytes -= letter->bytes;
	list_remove(&letter->link);
	free(letter);
}

void
dead_letters_free(struct dead_letters **letters_p)
{
	struct dead_letters *letters = *letters_p;
	if (letters == NULL)
		return;
	*letters_p = NULL;
	list_foreach(at, &letters->waiting)
		letter_free(list_entry(at, struct letter, link));
	free(letters->stream);
	free(letters);
}

/* Redis said no, or there is no room to wait. */
static void
lose(struct dead_letters *letters, const char *reason)
{
	stat_add(letters->stats, dead_letters_lost, 1);
	log_throttled(
	    LOG_LEVEL_WARN, "dead_letter", "lost", "reason", reason, NULL);
}

/* Without an answer, or with one after which the link connects anew, it waits
 * for the next connection: the marker in Redis sees to it that it is written
 * once. */
static void
on_answer(void *arg, const struct redis_value *answer)
{
	struct letter *letter = arg;
	struct dead_letters *letters = letter->letters;
	letter->is_sent = false;
	letters->sent_bytes -= letter->bytes;
	tell_crowd(letters);
	if (answer == NULL || redis_error_fatal(answer) != NULL)
		return;
	if (redis_value_type(answer) == REDIS_ERROR)
		lose(letters, "refused by Redis");
	else if (redis_value_integer(answer) == 1)
		stat_add(letters->stats, dead_letters, 1);
	letter_free(letter);
}

static void
letter_send(struct letter *letter)
{
	struct dead_letters *letters = letter->letters;
	letter->is_sent =
	    script_call(&letters->script, letters->link, letter->words,
		ARG_MARKER_SECONDS, letter->word_count, ANSWER_MS, on_answer,
		letter) == 0;
	if (letter->is_sent)
		letters->sent_bytes += letter->bytes;
}

void
dead_letters_up(struct dead_letters *letters)
{
	script_load(&letters->script, letters->link);
	list_foreach(at, &letters->waiting) {
		struct letter *letter = list_entry(at, struct letter, link);
		if (!letter->is_sent)
			letter_send(letter);
	}
	tell_crowd(letters);
}

/* Not in the middle of a character, if it is UTF-8 at all. */
static struct view
cut(struct view text, size_t max)
{
	if (text.len <= max)
		return text;
	size_t len = max;
	while (len > max - 3 && ((unsigned char)text.data[len] & 0xc0) == 0x80)
		len--;
	return view_make(text.data, len);
}

/* The marker is tagged like the stream, so that both are in one slot. */
static void
marker_key(const struct dead_letters *letters,
    const struct refused_entry *refused, struct buf *out)
{
	char id[ENTRY_ID_TEXT_MAX];
	size_t length = entry_id_print(refused->entry->id, id);
	buf_add(out, letters->options.prefix);
	buf_add_text(out, "dead-letter:{");
	buf_add_text(out, letters->stream);
	buf_add_text(out, "}:");
	buf_add(out, refused->stream);
	buf_add_char(out, ':');
	buf_add(out, view_make(id, length));
}

struct words {
	struct view at[ARG_FIELDS + 2 * 16];
	size_t count;
};

static void
add_field(struct words *words, const char *name, struct view value)
{
	words->at[words->count++] = view_of(name);
	words->at[words->count++] = value;
}

static void
add_fields(struct words *words, const struct dead_letters *letters,
    const struct refused_entry *refused, const char *id, const char *at)
{
	const struct violation *violation = refused->violation;
	add_field(words, "stream", refused->stream);
	add_field(words, "id", view_of(id));
	add_field(words, "event", cut(refused->entry->event, EVENT_BYTES_MAX));
	add_field(words, "contract", letters->options.contract);
	add_field(words, "code", view_of(refused->code));
	add_field(
	    words, "pointer", view_of(violation ? violation->pointer : ""));
	add_field(words, "rule", view_of(violation ? violation->rule : ""));
	add_field(words, "message",
	    cut(view_of(refused->message), MESSAGE_BYTES_MAX));
	add_field(words, "producer", refused->entry->producer);
	add_field(words, "node", letters->options.node);
	add_field(words, "at", view_of(at));
}

static struct letter *
letter_new(struct dead_letters *letters, const struct words *words)
{
	struct letter *letter;
	size_t bytes = sizeof *letter + words->count * sizeof *letter->words;
	for (size_t i = 0; i < words->count; i++)
		bytes += words->at[i].len;
	letter = xmalloc(bytes);
	char *at = (char *)(letter->words + words->count);
	letter->letters = letters;
	letter->is_sent = false;
	letter->bytes = bytes;
	letter->word_count = words->count;
	for (size_t i = 0; i < words->count; i++) {
		letter->words[i] = view_make(at, words->at[i].len);
		if (words->at[i].len > 0)
			memcpy(at, words->at[i].data, words->at[i].len);
		at += words->at[i].len;
	}
	letters->bytes += bytes;
	list_add_tail(&letters->waiting, &letter->link);
	return letter;
}

void
dead_letters_add(
    struct dead_letters *letters, const struct refused_entry *refused)
{
	char id[ENTRY_ID_TEXT_MAX];
	char at[24];
	struct buf marker;
	if (letters->bytes >= WAITING_BYTES_MAX) {
		lose(letters, "too many are waiting");
		return;
	}
	buf_init(&marker, 0);
	marker_key(letters, refused, &marker);
	entry_id_print(refused->entry->id, id);
	snprintf(at, sizeof at, "%llu", (unsigned long long)clock_unix_ms());
	struct words words = { .count = ARG_FIELDS };
	words.at[KEY_STREAM] = view_of(letters->stream);
	words.at[KEY_MARKER] = buf_view(&marker);
	words.at[ARG_MARKER_SECONDS] = view_of(MARKER_SECONDS);
	words.at[ARG_ENTRIES_MAX] = view_of(ENTRIES_MAX);
	add_fields(&words, letters, refused, id, at);
	letter_send(letter_new(letters, &words));
	tell_crowd(letters);
	buf_fini(&marker);
}
