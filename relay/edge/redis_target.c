/* SPDX-License-Identifier: MIT */
#include "redis_link.h"

#include "xmalloc.h"

#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_PORT 6379
#define MAX_DATABASE 1000000

/* Cuts `head` off `rest` at the first `mark`; false when there is none. */
static bool
cut(struct view *rest, char mark, struct view *head_r)
{
	const char *found = memchr(rest->data, mark, rest->len);

	if (found == NULL)
		return false;
	*head_r = view_make(rest->data, (size_t)(found - rest->data));
	*rest = view_make(found + 1, rest->len - head_r->len - 1);
	return true;
}

static bool
starts_with(struct view text, const char *prefix)
{
	size_t len = strlen(prefix);

	return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Percent-decoded copy; NULL when an escape is malformed or decodes to NUL. */
static char *
decode(struct view text)
{
	char *out = xmalloc(text.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		int byte = (unsigned char)text.data[i];

		if (byte == '%') {
			int high =
			    i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
			int low = high >= 0 ? hex_digit(text.data[i + 2]) : -1;

			byte = low < 0 ? 0 : high * 16 + low;
			i += 2;
		}
		if (byte == 0) {
			free(out);
			return NULL;
		}
		out[len++] = (char)byte;
	}
	out[len] = '\0';
	return out;
}

/* Decimal digits only, at most `max`; -1 otherwise. */
static int
parse_number(struct view text, int max)
{
	uint64_t number;

	return view_decimal(text, 7, &number) && number <= (uint64_t)max
	    ? (int)number
	    : -1;
}

static int
parse_credentials(
    struct redis_target *target, struct view text, struct error *err)
{
	struct view user = { 0 };

	if (!cut(&text, ':', &user))
		return error_set(err, "redis",
		    "write user:password@ (or :password@) in front of the "
		    "host");
	if (user.len > 0 && (target->user = decode(user)) == NULL)
		return error_set(
		    err, "redis", "the user has a malformed %% escape");
	if ((target->password = decode(text)) == NULL)
		return error_set(
		    err, "redis", "the password has a malformed %% escape");
	return 0;
}

/* host, host:port, [v6], [v6]:port */
static int
parse_address(struct redis_target *target, struct view text, struct error *err)
{
	struct view host = text;
	struct view port = { 0 };
	bool has_port = false;

	if (text.len > 0 && text.data[0] == '[') {
		text = view_make(text.data + 1, text.len - 1);
		if (!cut(&text, ']', &host))
			return error_set(err, "redis", "the ] is missing");
		has_port = text.len > 0;
		if (has_port && text.data[0] != ':')
			return error_set(
			    err, "redis", "a port is written as [host]:port");
		if (has_port)
			port = view_make(text.data + 1, text.len - 1);
	} else if (cut(&text, ':', &host)) {
		has_port = true;
		port = text;
	}
	if (host.len == 0 || host.len > 255 ||
	    memchr(host.data, '\0', host.len) != NULL)
		return error_set(err, "redis", "the host is missing");

	int number = has_port ? parse_number(port, 65535) : DEFAULT_PORT;

	if (number < 1)
		return error_set(
		    err, "redis", "the port must be a number from 1 to 65535");
	target->host = xstrndup(host.data, host.len);
	target->port = (uint16_t)number;
	return 0;
}

static int
parse_tcp(struct redis_target *target, struct view rest, struct error *err)
{
	struct view address = rest;
	struct view credentials = { 0 };
	struct view authority = { 0 };
	bool has_database = cut(&rest, '/', &authority);

	if (has_database)
		address = authority;
	/* The password may hold an escaped @, never a plain one. */
	if (cut(&address, '@', &credentials) &&
	    parse_credentials(target, credentials, err) != 0)
		return -1;
	if (parse_address(target, address, err) != 0)
		return -1;
	if (has_database && rest.len > 0)
		target->database = parse_number(rest, MAX_DATABASE);
	if (target->database < 0)
		return error_set(
		    err, "redis", "the database must be a number, as in /0");
	return 0;
}

static int
parse_unix(struct redis_target *target, struct view path, struct error *err)
{
	/* sun_path holds 108 bytes with its NUL. */
	if (path.len == 0 || path.len > 107 ||
	    memchr(path.data, '\0', path.len) != NULL)
		return error_set(err, "redis",
		    "the path of a Unix socket has 1 to 107 bytes");
	target->socket_path = xstrndup(path.data, path.len);
	return 0;
}

static int
parse_url(struct redis_target *target, struct view url, struct error *err)
{
	static const char *const later[] = { "rediss://", "sentinel://",
		"cluster://" };

	if (starts_with(url, "unix:"))
		return parse_unix(
		    target, view_make(url.data + 5, url.len - 5), err);
	if (starts_with(url, "redis://"))
		return parse_tcp(
		    target, view_make(url.data + 8, url.len - 8), err);
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (starts_with(url, later[i]))
			return error_set(err, "redis",
			    "%s is not yet available in this version; use "
			    "redis:// or unix:",
			    later[i]);
	return error_set(err, "redis",
	    "expected redis://[user:pass@]host:port/db or unix:PATH");
}

int
redis_target_parse(
    struct redis_target *target, struct view url, struct error *err)
{
	memset(target, 0, sizeof(*target));
	if (parse_url(target, url, err) == 0)
		return 0;
	redis_target_fini(target);
	return -1;
}

static void
wipe(char **secret)
{
	if (*secret != NULL)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void
redis_target_fini(struct redis_target *target)
{
	wipe(&target->user);
	wipe(&target->password);
	free(target->host);
	free(target->socket_path);
	memset(target, 0, sizeof(*target));
}

int
redis_target_check(struct view url, struct error *err)
{
	struct redis_target target;

	if (redis_target_parse(&target, url, err) != 0)
		return -1;
	redis_target_fini(&target);
	return 0;
}

void
redis_target_print(const struct redis_target *target, char *text, size_t size)
{
	bool is_v6 = target->host != NULL && strchr(target->host, ':') != NULL;

	if (target->socket_path != NULL)
		snprintf(text, size, "unix:%s", target->socket_path);
	else
		snprintf(text, size, "redis://%s%s%s:%u/%d", is_v6 ? "[" : "",
		    target->host, is_v6 ? "]" : "", (unsigned)target->port,
		    target->database);
}
