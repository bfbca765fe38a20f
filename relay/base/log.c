/* SPDX-License-Identifier: MIT */

/*
 * One mutex guards everything: settings, throttle and the line being built.
 * It is held over the write, which cannot block, so nobody waits long. A line
 * is no longer than PIPE_BUF: what poll() calls writable then takes it whole,
 * without O_NONBLOCK, which others who share our stderr would feel.
 */

#include "log.h"

#include "buf.h"
#include "clock.h"
#include "throttle.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES  4096
#define LINE_END_BYTES  2 /* '}' and the newline */
#define VALUE_MAX_BYTES 256

static struct {
	pthread_mutex_t mutex;
	enum log_level level;
	enum log_format format;
	struct throttle throttle;
	struct buf line;
	_Atomic uint64_t dropped;
} logger = {
	.mutex = PTHREAD_MUTEX_INITIALIZER,
	.level = LOG_LEVEL_INFO,
	.line = { .limit = LINE_MAX_BYTES - LINE_END_BYTES },
};

static const char *const level_names[] = { "debug", "info", "warn", "error" };

void
log_setup(enum log_level level, enum log_format format, unsigned lines)
{
	pthread_mutex_lock(&logger.mutex);
	logger.throttle.lines = lines;
	logger.level = level;
	logger.format = format;
	pthread_mutex_unlock(&logger.mutex);
}

uint64_t
log_dropped(void)
{
	return atomic_load_explicit(&logger.dropped, memory_order_relaxed);
}

static void
count_dropped(void)
{
	atomic_fetch_add_explicit(&logger.dropped, 1, memory_order_relaxed);
}

/* A socket is asked by send(), anything else by poll(): both say at once. */
static bool
write_line(const char *line, size_t size)
{
	ssize_t sent =
	    send(STDERR_FILENO, line, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent >= 0)
		return (size_t)sent == size;
	struct pollfd sink = { .fd = STDERR_FILENO, .events = POLLOUT };
	if (poll(&sink, 1, 0) != 1 || !(sink.revents & POLLOUT))
		return false;
	return write(STDERR_FILENO, line, size) == (ssize_t)size;
}

static bool
needs_quotes(struct view value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char byte = (unsigned char)value.data[i];
		if (byte <= ' ' || byte == '"' || byte == '\\' || byte == '=' ||
		    byte >= 0x7f)
			return true;
	}
	return value.len == 0;
}

/* A field that does not fit leaves no trace. */
static void
add_field(const char *name, const char *text)
{
	struct buf *line = &logger.line;
	struct view value = view_make(text, strnlen(text, VALUE_MAX_BYTES));
	bool is_json = logger.format == LOG_FORMAT_JSON;
	size_t before = line->len;
	buf_add_text(line, is_json ? ",\"" : " ");
	buf_add_text(line, name);
	buf_add_text(line, is_json ? "\":" : "=");
	if (is_json || needs_quotes(value))
		buf_add_json_string(line, value);
	else
		buf_add(line, value);
	if (!buf_ok(line)) {
		line->len = before;
		line->failed = false;
	}
}

static void
begin_line(enum log_level level, const char *component, const char *action)
{
	uint64_t now_ms = clock_unix_ms();
	time_t seconds = (time_t)(now_ms / 1000u);
	struct tm utc;
	char text[32];
	gmtime_r(&seconds, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	buf_clear(&logger.line);
	buf_addf(&logger.line, "%s%s.%03uZ%s",
	    logger.format == LOG_FORMAT_JSON ? "{\"ts\":\"" : "", text,
	    (unsigned)(now_ms % 1000u),
	    logger.format == LOG_FORMAT_JSON ? "\"" : "");
	add_field("level", level_names[level]);
	add_field("component", component);
	add_field("action", action);
}

static void
end_line(void)
{
	/* The limit kept room for this. */
	logger.line.limit = LINE_MAX_BYTES;
	buf_add_text(
	    &logger.line, logger.format == LOG_FORMAT_JSON ? "}\n" : "\n");
	logger.line.limit = LINE_MAX_BYTES - LINE_END_BYTES;
	if (!write_line(logger.line.data, logger.line.len))
		count_dropped();
}

static void
write_summaries(void)
{
	struct throttle_kind due;
	uint64_t now_ms = clock_mono_ms();
	while (throttle_due(&logger.throttle, now_ms, &due)) {
		char number[24];
		snprintf(number, sizeof(number), "%" PRIu64, due.held);
		begin_line(LOG_LEVEL_WARN, due.component, due.action);
		add_field("suppressed", number);
		end_line();
	}
}

static void
write_event(enum log_level level, const char *component, const char *action,
    va_list fields)
{
	begin_line(level, component, action);
	const char *name;
	while ((name = va_arg(fields, const char *)) != NULL) {
		const char *value = va_arg(fields, const char *);
		add_field(name, value ? value : "");
	}
	end_line();
}

void
log_event(enum log_level level, const char *component, const char *action, ...)
{
	va_list fields;
	va_start(fields, action);
	pthread_mutex_lock(&logger.mutex);
	write_summaries();
	if (level >= logger.level)
		write_event(level, component, action, fields);
	pthread_mutex_unlock(&logger.mutex);
	va_end(fields);
}

void
log_throttled(
    enum log_level level, const char *component, const char *action, ...)
{
	va_list fields;
	va_start(fields, action);
	pthread_mutex_lock(&logger.mutex);
	write_summaries();
	if (level >= logger.level) {
		if (throttle_admit(
			&logger.throttle, component, action, clock_mono_ms()))
			write_event(level, component, action, fields);
		else
			count_dropped();
	}
	pthread_mutex_unlock(&logger.mutex);
	va_end(fields);
}

void
log_tick(void)
{
	pthread_mutex_lock(&logger.mutex);
	write_summaries();
	pthread_mutex_unlock(&logger.mutex);
}
