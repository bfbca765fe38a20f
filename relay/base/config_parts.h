/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_PARTS_H
#define CONFIG_PARTS_H

/* What the files of the config module share: the table of options.def as
 * data, and how one value is set and printed. Not for others. */

#include "config.h"

enum option_type {
	OPTION_TEXT,
	OPTION_ADDRESS,
	OPTION_URL,
	OPTION_COUNT,
	OPTION_SWITCH,
	OPTION_CHOICE,
	OPTION_LIST,
	OPTION_MODES
};

#define OPTION_RELOAD 0x01
#define OPTION_LATER  0x02

struct option {
	const char *key;     /* "limits.frame_bytes" */
	const char *initial; /* as text */
	const char *unit;    /* or the words of a choice */
	const char *help;
	uint64_t min, max; /* COUNT; TEXT: longest, 0 = any */
	size_t offset;     /* in struct config */
	enum option_type type;
	unsigned flags;
};

extern const struct option config_options[CONFIG_OPTIONS];
extern const char *const config_keys[CONFIG_OPTIONS];

/* The option of this key, NULL when there is none. */
const struct option *config_find(struct view key);
/* " (did you mean "x"?)" for an unknown key, or "". */
void config_suggest(struct view key, char *text, size_t size);

/* Sets from text as flags and environment give it. -1: err->message says what
 * is wanted; err->where is left to the caller. */
int config_set(struct config *config, const struct option *option,
    const char *text, enum config_origin origin, struct error *err);
/* The value as JSON (secrets redacted). */
void config_value(
    const struct config *config, const struct option *option, struct buf *out);
/* Does it differ from the line's default? */
bool config_is_default(
    const struct config *config, const struct option *option);

bool config_is_equal(const struct config *one, const struct config *other,
    const struct option *option);

void config_list_add(struct config_list *list, const char *text, size_t len);
void config_list_clear(struct config_list *list);

/* The sources, lowest first. -1 or an exit code, and err. */
int config_read_file(
    struct config *config, const char *path, struct error *err);
int config_read_environment(struct config *config, struct error *err);

#endif
