/* SPDX-License-Identifier: MIT */
#include "ctl.h"

#include "config.h"
#include "nearest.h"
#include "redis_link.h"
#include "report_parts.h"
#include "xmalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_STEP  65536
#define TEXT_BYTES 1024

void
ctl_printf(struct ctl *ctl, const char *format, ...)
{
	va_list args;
	if (ctl->json)
		return;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
}

void
ctl_print_foreign(struct ctl *ctl, struct view text)
{
	struct buf printable;
	buf_init(&printable, 0);
	report_add_printable(&printable, text);
	ctl_printf(ctl, "%.*s", (int)printable.len,
	    printable.len ? printable.data : "");
	buf_fini(&printable);
}

/* Control bytes of a file name must not reach a terminal. */
static void
make_printable(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
	}
}

int
ctl_fail(
    struct ctl *ctl, int exit_code, const char *code, const char *format, ...)
{
	char text[sizeof(ctl->error.message)];
	va_list args;
	if (ctl->error.where[0])
		return exit_code;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	make_printable(text);
	error_set(&ctl->error, code, "%s", text);
	return exit_code;
}

static void
add_item(struct ctl_advice *advice, const char *format, va_list args)
{
	char text[TEXT_BYTES];
	if (advice->count == CTL_ADVICE_MAX)
		return;
	vsnprintf(text, sizeof(text), format, args);
	make_printable(text);
	advice->items[advice->count++] = xstrdup(text);
}

void
ctl_fix(struct ctl *ctl, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add_item(&ctl->fix, format, args);
	va_end(args);
}

void
ctl_next(struct ctl *ctl, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add_item(&ctl->next, format, args);
	va_end(args);
}

const char *
ctl_red(const struct ctl *ctl)
{
	return ctl->color ? "\033[31m" : "";
}

const char *
ctl_green(const struct ctl *ctl)
{
	return ctl->color ? "\033[32m" : "";
}

const char *
ctl_yellow(const struct ctl *ctl)
{
	return ctl->color ? "\033[33m" : "";
}

const char *
ctl_plain(const struct ctl *ctl)
{
	return ctl->color ? "\033[0m" : "";
}

/* --- options --- */

static const struct ctl_option *
find_option(const struct ctl_option *options, size_t count, struct view name)
{
	for (size_t i = 0; i < count; i++) {
		if (view_is(name, options[i].name))
			return &options[i];
	}
	return NULL;
}

static int
unknown_option(struct ctl *ctl, const struct ctl_option *options, size_t count,
    struct view name)
{
	const char *names[32];
	for (size_t i = 0; i < count && i < 32; i++)
		names[i] = options[i].name;
	const char *near = nearest_name(name, names, count < 32 ? count : 32);
	if (near)
		ctl_fix(ctl, "did you mean %s?", near);
	else
		ctl_fix(ctl, "usage: relayctl %s %s", ctl->command, ctl->usage);
	return ctl_fail(ctl, CTL_USAGE, "usage", "unknown option %.*s",
	    (int)name.len, name.data);
}

static int
store_value(struct ctl *ctl, const struct ctl_option *option, const char *value)
{
	if (option->value) {
		*option->value = value;
		return 0;
	}
	size_t room =
	    sizeof(option->list->items) / sizeof(option->list->items[0]);
	if (option->list->count == room)
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "%s given more than %zu times", option->name, room);
	option->list->items[option->list->count++] = value;
	return 0;
}

/* Reads the option at ctl->argv[*i]; *i moves onto its value if that stands
 * apart. */
static int
parse_option(
    struct ctl *ctl, const struct ctl_option *options, size_t count, int *i)
{
	char *text = ctl->argv[*i];
	char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : strlen(text);
	struct view name = view_make(text, length);
	const struct ctl_option *option = find_option(options, count, name);
	if (!option)
		return unknown_option(ctl, options, count, name);
	if (option->flag) {
		if (equals)
			return ctl_fail(ctl, CTL_USAGE, "usage",
			    "%s takes no value", option->name);
		*option->flag = true;
		return 0;
	}
	if (!equals && *i + 1 >= ctl->argc)
		return ctl_fail(
		    ctl, CTL_USAGE, "usage", "%s needs a value", option->name);
	return store_value(ctl, option, equals ? equals + 1 : ctl->argv[++*i]);
}

int
ctl_parse(struct ctl *ctl, const struct ctl_option *options, size_t count)
{
	int kept = 0;
	bool operands_only = false;
	for (int i = 0; i < ctl->argc; i++) {
		char *text = ctl->argv[i];
		if (operands_only || text[0] != '-' || text[1] == '\0') {
			ctl->argv[kept++] = text;
			continue;
		}
		if (strcmp(text, "--") == 0) {
			operands_only = true;
			continue;
		}
		int status = parse_option(ctl, options, count, &i);
		if (status != 0)
			return status;
	}
	ctl->argv[kept] = NULL;
	ctl->argc = kept;
	return 0;
}

/* --- addresses --- */

static void
keep_address(struct ctl *ctl, const char *text)
{
	buf_clear(&ctl->address);
	buf_add_text(&ctl->address, text);
	buf_add_char(&ctl->address, '\0');
}

/* Of --redis that is known; here it comes from elsewhere. */
static int
check_redis(const struct config *config, struct error *err)
{
	struct error why = { "", "" };
	if (!*config->redis ||
	    redis_target_check(view_of(config->redis), &why) == 0)
		return 0;
	return error_set(
	    err, "RELAY_REDIS or redis in --config", "%s", why.message);
}

/* The daemon's own precedence, without flags: environment, file, default. */
static const char *
from_config(struct ctl *ctl, enum config_option which)
{
	char *argv[] = { (char *)"relayctl", (char *)"--config",
		(char *)ctl->config, NULL };
	struct config config;
	struct error err;
	int status = config_read(&config, ctl->config ? 3 : 1, argv, "", &err);
	if (status == 0 && which == CONFIG_OPTION_redis)
		status = check_redis(&config, &err);
	if (status == 0)
		keep_address(ctl,
		    which == CONFIG_OPTION_redis ? config.redis
						 : config.admin_listen);
	else
		ctl_fail(ctl, CTL_INPUT, "config_invalid", "%s%s%s", err.where,
		    err.where[0] ? ": " : "", err.message);
	config_fini(&config);
	return status == 0 ? ctl->address.data : NULL;
}

const char *
ctl_redis(struct ctl *ctl)
{
	if (!ctl->redis)
		return from_config(ctl, CONFIG_OPTION_redis);
	return ctl->redis;
}

const char *
ctl_relay(struct ctl *ctl)
{
	static const char scheme[] = "http://";
	if (!ctl->relay)
		return from_config(ctl, CONFIG_OPTION_admin_listen);
	const char *text = ctl->relay;
	if (strncmp(text, scheme, strlen(scheme)) == 0)
		text += strlen(scheme);
	keep_address(ctl, text);
	char *end = ctl->address.data + strlen(text);
	if (text != ctl->relay && *text && end[-1] == '/')
		end[-1] = '\0';
	return ctl->address.data;
}

/* --- files --- */

static int
read_all(int fd, struct buf *out)
{
	for (;;) {
		char *room = buf_reserve(out, READ_STEP);
		ssize_t got = room ? read(fd, room, READ_STEP) : -1;
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return (int)got;
		out->len += (size_t)got;
	}
}

int
ctl_read_file(struct ctl *ctl, const char *path, struct buf *out)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	int status = fd < 0 ? -1 : read_all(fd, out);
	int reason = errno;
	if (fd >= 0 && !is_stdin)
		close(fd);
	if (status < 0)
		ctl_fail(ctl, CTL_INPUT, "unreadable", "%s: %s", path,
		    strerror(reason));
	return status;
}
