/* SPDX-License-Identifier: MIT */
#ifndef HTTP_GET_H
#define HTTP_GET_H

/*
 * One HTTP GET of the relay's own admin or public listener, blocking, with a
 * deadline. The relay closes after each answer, so the body ends with the
 * connection; nothing more of HTTP is needed.
 */

#include "buf.h"
#include "error.h"

/* address: ADDR:PORT or unix:PATH. The status code, or -1 and err when nobody
 * answers. The body is appended to `body`. */
int http_get(const char *address, const char *path, unsigned timeout_ms,
    struct buf *body, struct error *err);

#endif
