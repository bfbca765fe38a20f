/* SPDX-License-Identifier: MIT */
#ifndef CTL_H
#define CTL_H

/*
 * What every command of relayctl gets: its arguments, and the one way to speak.
 * People read ctl_printf on stdout; with --json that is silent, and main prints
 * one object at the end: {"ok","command","result","error"?,"fix","next"}. A
 * command writes both and need not ask which is wanted.
 */

#include "buf.h"
#include "error.h"

enum ctl_exit {
	CTL_FINE = 0,
	CTL_FINDINGS = 1, /* or the thing tested failed */
	CTL_USAGE = 2,
	CTL_INPUT = 3,       /* unreadable or invalid */
	CTL_UNREACHABLE = 4, /* relay or Redis */
};

#define CTL_ADVICE_MAX 16

struct ctl_advice {
	char *items[CTL_ADVICE_MAX]; /* owned; more are left out */
	size_t count;
};

/* Owned by main; a command keeps nothing of it. */
struct ctl {
	const char *command; /* "schema validate" */
	const char *usage;
	int argc; /* what stands behind the command's words; after ctl_parse */
	char **argv; /* only the operands; a NULL ends them */
	bool json;
	bool color;
	const char *relay;  /* --relay; use ctl_relay */
	const char *redis;  /* --redis; use ctl_redis */
	const char *config; /* --config */
	struct buf result;  /* the JSON text of "result"; empty: null */
	struct ctl_advice fix;
	struct ctl_advice next;
	struct error error; /* .where is the code; empty: no error */
	struct buf address;
};

/* An option of one command; exactly one of flag, value, list is set. `list`
 * collects every value of an option that may be repeated. */
struct ctl_values {
	const char *items[32];
	size_t count;
};
struct ctl_option {
	const char *name; /* "--strict-keys" */
	bool *flag;
	const char **value;
	struct ctl_values *list;
};

/* Takes the options out of ctl->argv ("--x V", "--x=V"; "--" ends them; "-" is
 * an operand). 0, or CTL_USAGE with the error set. */
int ctl_parse(struct ctl *ctl, const struct ctl_option *options, size_t count);

/* For people, on stdout. Nothing with --json. */
void ctl_printf(struct ctl *ctl, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same for what others wrote: it ends no line and steers no terminal. */
void ctl_print_foreign(struct ctl *ctl, struct view text);

/* Sets the error (once: the first stays) and returns `exit_code`, so that a
 * command can end with `return ctl_fail(...)`. code: snake_case, stable. */
int ctl_fail(struct ctl *ctl, int exit_code, const char *code,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* One thing to do about it; one command worth running next. */
void ctl_fix(struct ctl *ctl, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void ctl_next(struct ctl *ctl, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Terminal colour, or "" where none is wanted. End with ctl_plain. */
const char *ctl_red(const struct ctl *ctl);
const char *ctl_green(const struct ctl *ctl);
const char *ctl_yellow(const struct ctl *ctl);
const char *ctl_plain(const struct ctl *ctl);

/* The admin address (ADDR:PORT or unix:PATH, without http://) and the URL of
 * Redis ("" = none was named): flag, environment, config file, default. NULL:
 * the error is set, return CTL_INPUT. Good as long as ctl; the second call
 * overwrites the first one's text. */
const char *ctl_relay(struct ctl *ctl);
const char *ctl_redis(struct ctl *ctl);

/* Appends the whole file to `out`; "-" is stdin. -1: error set (CTL_INPUT). */
int ctl_read_file(struct ctl *ctl, const char *path, struct buf *out);

/* The handlers: 0 or an enum ctl_exit. */
#define COMMAND(words, handler, usage, help) int handler(struct ctl *ctl);
#define LATER(words, help)
#include "commands.def"
#undef COMMAND
#undef LATER

#endif
