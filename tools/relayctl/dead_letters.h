/* SPDX-License-Identifier: MIT */
#ifndef DEAD_LETTERS_H
#define DEAD_LETTERS_H

/*
 * The dead-letter stream, for the commands that look at it or change it: which
 * letters are meant, and one after the other with its fields.
 */

#include "ctl.h"
#include "redis_client.h"

enum dead_letter_field {
#define DEAD_LETTER_FIELDS(F)   \
	F(STREAM, "stream")     \
	F(ENTRY, "id")          \
	F(EVENT, "event")       \
	F(CONTRACT, "contract") \
	F(CODE, "code")         \
	F(POINTER, "pointer")   \
	F(RULE, "rule")         \
	F(MESSAGE, "message")   \
	F(PRODUCER, "producer") \
	F(NODE, "node")         \
	F(AT, "at")
#define AS_ENUM(name, text) LETTER_##name,
	DEAD_LETTER_FIELDS(AS_ENUM)
#undef AS_ENUM
	    LETTER_FIELD_COUNT
};

/* Owned by the walk; good for the callback, whatever is asked of Redis in
 * it. Absent fields are empty. */
struct dead_letter {
	struct view id; /* its own */
	struct view fields[LETTER_FIELD_COUNT];
};

/* Which letters; what is NULL or empty does not matter. */
struct dead_letter_filter {
	char *const *ids; /* ends with NULL */
	size_t id_count;
	const char *code;
	const char *stream;
	const char *producer;
	const char *last; /* number of letters, as text */
};

struct dead_letters {
	struct ctl *ctl;
	const char *prefix; /* --prefix */
	struct buf key;
	struct redis_client *redis;
	struct dead_letter_filter filter;
};

/* The options that all these commands take; append them to its own. */
#define DEAD_LETTERS_OPTIONS(letters)                                     \
	{ .name = "--prefix", .value = &(letters).prefix },               \
	    { .name = "--code", .value = &(letters).filter.code },        \
	    { .name = "--stream", .value = &(letters).filter.stream },    \
	{                                                                 \
		.name = "--producer", .value = &(letters).filter.producer \
	}

void dead_letters_init(struct dead_letters *letters, struct ctl *ctl);
/* Before a change: some are chosen, and plainly. 0, or CTL_USAGE with the error
 * set. */
int dead_letters_check(struct dead_letters *letters, bool all);
/* Checks the operands (ids of letters) and connects. 0, or the exit code with
 * the error set. */
int dead_letters_open(struct dead_letters *letters);
void dead_letters_fini(struct dead_letters *letters);

/* Is anything but ids said about which letters are meant? */
bool dead_letters_has_filter(const struct dead_letters *letters);

/* 0 goes on, anything else ends the walk and is its result. */
typedef int dead_letter_fn(void *arg, const struct dead_letter *letter);

/* All letters that are meant: of named ids those, in their order (one that is
 * not there: CTL_INPUT); else all that fit, newest or oldest first. */
int dead_letters_walk(struct dead_letters *letters, bool newest_first,
    dead_letter_fn *each, void *arg);

/* Sends a command; NULL: the error is set, return CTL_UNREACHABLE. */
const struct redis_value *dead_letters_ask(
    struct dead_letters *letters, const struct view *argv, size_t argc);

#endif
