/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_REGEX_H
#define SCHEMA_REGEX_H

/*
 * ECMA-262 patterns. The only file with PCRE2 is schema_regex.c. A compiled
 * pattern is immutable; what a match writes to is in the matcher, one a thread.
 */

#include "buf.h"
#include "error.h"

#include <stdint.h>

struct schema_regex;
struct schema_matcher;

enum schema_match { SCHEMA_MATCH_NO, SCHEMA_MATCH_YES, SCHEMA_MATCH_LIMIT };

/* NULL and err when it is no ECMA-262 pattern, or one that PCRE2 cannot do
 * (lookbehind of variable length). */
struct schema_regex *schema_regex_new(struct view pattern, struct error *err);
void schema_regex_free(struct schema_regex **regex);
/* Intrusive list, for owners of many. */
void schema_regex_push(struct schema_regex **list, struct schema_regex *regex);
void schema_regex_free_all(struct schema_regex **list);
struct view schema_regex_text(const struct schema_regex *regex);

/* Is it an ECMA-262 pattern, even if PCRE2 cannot run it? Not for hot paths. */
bool schema_regex_is_ecma(struct view pattern);

struct schema_matcher *schema_matcher_new(void);
void schema_matcher_free(struct schema_matcher **matcher);

/* Does the pattern occur anywhere in the text (valid UTF-8)? LIMIT: it was
 * given up after too much backtracking. */
enum schema_match schema_regex_match(const struct schema_regex *regex,
    struct schema_matcher *matcher, struct view text);

#endif
