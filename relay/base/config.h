/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_H
#define CONFIG_H

/*
 * What relayd was told: one field for each line of options.def, from flags,
 * environment, file and defaults, in this precedence. Immutable once read and
 * shared by all threads. Here values are checked one by one; whether an address
 * can be bound or a contract loaded is for those who do it.
 */

#include "buf.h"
#include "error.h"

#include <stdint.h>

struct config_list {
	char **items;
	size_t count;
};

/* CHOICE fields hold the index of the word in the line's `unit`. */
#define CONFIG_FIELD_TEXT    char *
#define CONFIG_FIELD_ADDRESS char *
#define CONFIG_FIELD_URL     char *
#define CONFIG_FIELD_COUNT   uint64_t
#define CONFIG_FIELD_SWITCH  bool
#define CONFIG_FIELD_CHOICE  unsigned
#define CONFIG_FIELD_LIST    struct config_list
#define CONFIG_FIELD_MODES   struct config_list

enum config_option {
#define PARAM(name, ...) CONFIG_OPTION_##name,
#include "options.def"
#undef PARAM
	CONFIG_OPTIONS
};

enum config_action {
	CONFIG_RUN,
#define PARAM(...)
#define ACTION(name, ...) CONFIG_##name,
#include "options.def"
#undef ACTION
#undef PARAM
};

enum config_origin {
	CONFIG_FROM_DEFAULT,
	CONFIG_FROM_FILE,
	CONFIG_FROM_ENVIRONMENT,
	CONFIG_FROM_FLAG
};

/* Owned by main(); init by config_read, ended by config_fini. */
struct config {
#define PARAM(name, key, type, ...) CONFIG_FIELD_##type name;
#include "options.def"
#undef PARAM
	enum config_action action;
	char *file;                     /* --config; NULL: none */
	uint8_t origin[CONFIG_OPTIONS]; /* enum config_origin */
};

/* Reads everything. `bundled_contract` stands in for an empty `contract`.
 * 0; or an exit code (exit_code.h) and err. Call config_fini in any case. */
int config_read(struct config *config, int argc, char *const *argv,
    const char *bundled_contract, struct error *err);
void config_fini(struct config *config);

/* Options that only later features know, set to something: "not yet
 * available". 0, or an exit code and err. */
int config_check(const struct config *config, struct error *err);

/* The key of the first option that differs though no reload may change it, or
 * NULL. */
const char *config_needs_restart(
    const struct config *now, const struct config *next);

/* --help; --print-config; the table of README.md; the JSON Schema of the
 * config file. All append. */
void config_help(struct buf *out);
void config_print(const struct config *config, struct buf *out);
void config_table(struct buf *out);
void config_schema(struct buf *out);

#endif
