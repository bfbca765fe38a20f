/* SPDX-License-Identifier: MIT */
#ifndef CONTRACT_FILES_H
#define CONTRACT_FILES_H

/*
 * The *.json files of a contract folder, read once: bounded in number, size
 * and depth, never from outside the folder. Names that begin with a dot are
 * not looked at.
 */

#include "error.h"
#include "json.h"

#define CONTRACT_FILE    "contract.json"
#define CONTRACT_POINTER 256 /* bytes of the longest pointer in an error */

struct contract_file {
	char *path; /* relative to the folder, with '/' */
	char *text;
	size_t size;
	struct json_doc doc; /* of the text */
};

/* Embedded in its owner; sorted by path. */
struct contract_files {
	char *directory;
	struct contract_file *items;
	size_t count;
	size_t bytes;
};

/* -1: err->where is the file or the folder. Call fini in any case. */
int contract_files_read(
    struct contract_files *files, const char *directory, struct error *err);
void contract_files_fini(struct contract_files *files);

/* NULL when there is no such file. */
const struct contract_file *contract_files_find(
    const struct contract_files *files, struct view path);

/* Sets err: where is directory/path#pointer. Returns -1. */
int contract_files_error(const struct contract_files *files, const char *path,
    const char *pointer, struct error *err, const char *message);

/* Lower-case hex of the SHA-256 over each file in order of path: the path, a
 * newline, the canonical JSON (members sorted by their bytes, no white space,
 * strings with the fewest escapes, numbers as written), a newline. */
void contract_files_hash(const struct contract_files *files, char hex_r[65]);

/* Appends the canonical JSON of a value. */
void contract_canonical(
    const struct json_doc *doc, uint32_t node, struct buf *out);

#endif
