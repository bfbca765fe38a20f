/* SPDX-License-Identifier: MIT */
#ifndef LOG_H
#define LOG_H

/*
 * Structured log lines on stderr: one JSON object a line ({"ts","level",
 * "component","action",…}) or key=value text, by log.format. Never payloads,
 * never tokens. Lines that an outsider can cause are throttled by kind: a few a
 * minute and a summary. Never blocks: a sink that is full drops and counts
 * (the process ignores SIGPIPE). A line is at most 4 KiB; fields beyond are
 * left out. component and action are string literals.
 * Process-wide and thread-safe: the one exception to "no globals".
 */

#include "view.h"

#include <stdint.h>

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR
};
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* `lines`: how many of a kind pass in a minute; 0: as many as by default. */
void log_setup(enum log_level level, enum log_format format, unsigned lines);

/* fields: NULL-terminated pairs of name, value (C strings; values are escaped
 * and cut at 256 bytes). Example:
 *   log_event(LOG_LEVEL_WARN, "redis", "lost", "reason", reason, NULL); */
void log_event(enum log_level level, const char *component, const char *action,
    ...) __attribute__((sentinel));
/* The same, throttled by (component, action). */
void log_throttled(enum log_level level, const char *component,
    const char *action, ...) __attribute__((sentinel));

/* Writes the summaries of kinds whose minute is over; about every second. A
 * line that is logged meanwhile does the same. */
void log_tick(void);

/* Lines held back by the throttle or refused by stderr. */
uint64_t log_dropped(void);

#endif
