/* SPDX-License-Identifier: MIT */
#ifndef PORT_FILE_H
#define PORT_FILE_H

/* The file that tells others where this relay listens. */

#include "error.h"

struct port_file {
	const char *listen;
	const char *admin;
	const char *redis; /* URL without secrets */
};

/* Could it be written? Leaves nothing behind. -1 and err. */
int port_file_check(const char *path, struct error *err);
/* Writes {"pid","listen","admin","redis"} beside `path` and renames it there:
 * a reader sees nothing or all. */
int port_file_write(
    const char *path, const struct port_file *content, struct error *err);
/* Removes it if it still is this process's own. */
void port_file_remove(const char *path);

#endif
