/* SPDX-License-Identifier: MIT */
#ifndef CONTRACT_FOLDER_H
#define CONTRACT_FOLDER_H

/*
 * A contract's folder of a test's own, in /tmp: a good contract to be changed,
 * and what loading it says. For one group of tests at a time.
 */

#include "contract.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
/* A folder that is nobody's, with another kind of contract. */
#define OTHER RELAY_SOURCE_DIR "/tests/data/contract-other"

extern const char folder_contract[]; /* contract.json … */
extern const char folder_schema[];   /* … and a.schema.json, both good */
extern char folder[64];
extern struct error folder_err; /* of the last load */

/* Makes the folder with the two good files, and removes it. */
int folder_setup(void **state);
int folder_teardown(void **state);

void folder_path(const char *name, char *path, size_t size);
void folder_write(const char *name, struct view text);
void folder_remove(const char *name);
/* The text with the first `find` replaced. */
void folder_write_changed(
    const char *name, const char *text, const char *find, const char *replace);
void folder_write_good(void);

/* NULL: folder_err says why. */
struct contract *folder_load(const char *directory);
struct contract *folder_load_good(const char *directory);
/* The folder does not load: `where` ends the place, `message` is in the text. */
void assert_folder_refused(const char *where, const char *message);

#endif
