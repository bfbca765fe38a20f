/* SPDX-License-Identifier: MIT */
#ifndef CONTRACT_READER_H
#define CONTRACT_READER_H

/*
 * Reads what people wrote by table: each kind of object has a table of its
 * members. A member that is not in it is refused with the nearest name, and
 * they are read in the order of the table, whatever their order in the file.
 * Names with '$' in front are comments. On the strict scanner's tape: json-c
 * would take duplicate members, and its names clash with ours.
 */

#include "contract_files.h"

struct reader {
	const struct contract_files *files;
	const struct json_doc *doc; /* of contract.json */
	struct buf scratch;
	struct error *err;
	char pointer[CONTRACT_POINTER];
	size_t length; /* of pointer */
};

struct member {
	const char *name;
	bool required;
	/* `target` is the field, or the struct itself where offset is 0. */
	int (*read)(struct reader *reader, uint32_t value, void *target,
	    const struct member *member);
	size_t offset; /* of the field in the struct that the object becomes */
	size_t flag;   /* for the reader's own use */
};

int reader_object(struct reader *reader, uint32_t object, void *target,
    const struct member *members, size_t count);

/* Sets the error at the place where the reader stands. Returns -1. */
int reader_refuse(struct reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Steps down to a member; returns the length to give to reader_leave. */
size_t reader_enter(struct reader *reader, struct view name);
void reader_leave(struct reader *reader, size_t before);
enum json_type reader_type(const struct reader *reader, uint32_t node);
/* -1 when the value is of another type; `what`: "an object". */
int reader_expect(struct reader *reader, uint32_t value, enum json_type type,
    const char *what);
/* A string of 1 to 4096 bytes without U+0000; the caller frees it. */
int reader_copy_text(struct reader *reader, uint32_t value, char **text_r);

/* For tables: the field is a char *, char * (plain characters only), char *
 * (a JSON pointer), bool, uint16_t (a close code), nothing. */
int reader_text(struct reader *reader, uint32_t value, void *target,
    const struct member *member);
int reader_name(struct reader *reader, uint32_t value, void *target,
    const struct member *member);
int reader_pointer(struct reader *reader, uint32_t value, void *target,
    const struct member *member);
int reader_flag(struct reader *reader, uint32_t value, void *target,
    const struct member *member);
int reader_close(struct reader *reader, uint32_t value, void *target,
    const struct member *member);
int reader_skip_text(struct reader *reader, uint32_t value, void *target,
    const struct member *member);

#endif
