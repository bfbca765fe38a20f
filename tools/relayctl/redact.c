/* SPDX-License-Identifier: MIT */
#include "redact.h"

#include "redact_shape.h"
#include "url_secrets.h"
#include "xmalloc.h"

#include <stdlib.h>

void
redact_init(struct redact *redact)
{
	*redact = (struct redact){ 0 };
}

void
redact_fini(struct redact *redact)
{
	for (size_t i = 0; i < redact->count; i++) {
		explicit_bzero(redact->secrets[i], strlen(redact->secrets[i]));
		free(redact->secrets[i]);
	}
	free(redact->secrets);
	redact_init(redact);
}

/* --- what is known --- */

static bool
is_known(const struct redact *redact, struct view secret)
{
	for (size_t i = 0; i < redact->count; i++)
		if (view_is(secret, redact->secrets[i]))
			return true;
	return false;
}

/* The longest first: one secret may hold another. */
static void
insert(struct redact *redact, char *secret)
{
	size_t at = redact->count;
	redact->secrets = xrealloc(
	    redact->secrets, (redact->count + 1) * sizeof(*redact->secrets));
	for (; at > 0; at--) {
		if (strlen(redact->secrets[at - 1]) >= strlen(secret))
			break;
		redact->secrets[at] = redact->secrets[at - 1];
	}
	redact->secrets[at] = secret;
	redact->count++;
}

static void
know_spelling(struct redact *redact, struct view secret)
{
	if (secret.len < REDACT_MIN || memchr(secret.data, '\0', secret.len) ||
	    is_known(redact, secret))
		return;
	insert(redact, xstrndup(secret.data, secret.len));
}

static bool
is_plain_in_url(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	    (byte >= '0' && byte <= '9') ||
	    (byte && strchr("-._~", byte) != NULL);
}

static void
know_encoded(struct redact *redact, struct view secret, const char *format)
{
	struct buf text;
	buf_init(&text, 0);
	for (size_t i = 0; i < secret.len; i++) {
		if (is_plain_in_url(secret.data[i]))
			buf_add_char(&text, secret.data[i]);
		else
			buf_addf(&text, format, (uint8_t)secret.data[i]);
	}
	know_spelling(redact, buf_view(&text));
	buf_wipe(&text);
}

static void
know_decoded(struct redact *redact, struct view secret)
{
	struct buf text;
	buf_init(&text, 0);
	for (size_t i = 0; i < secret.len; i++) {
		char hex[3] = { 0 };
		char *end = hex;
		if (secret.data[i] == '%' && i + 2 < secret.len)
			memcpy(hex, secret.data + i + 1, 2);
		unsigned long byte = strtoul(hex, &end, 16);
		bool is_escape = hex[0] && end == hex + 2;
		buf_add_char(&text, is_escape ? (char)byte : secret.data[i]);
		i += is_escape ? 2 : 0;
	}
	know_spelling(redact, buf_view(&text));
	buf_wipe(&text);
}

static void
know_escaped(struct redact *redact, struct view secret)
{
	struct buf text;
	buf_init(&text, 0);
	buf_add_json_string(&text, secret);
	know_spelling(redact, view_make(text.data + 1, text.len - 2));
	buf_wipe(&text);
}

static struct view
trimmed(struct view text)
{
	while (text.len && (uint8_t)text.data[text.len - 1] <= ' ')
		text.len--;
	while (text.len && (uint8_t)text.data[0] <= ' ')
		text = view_make(text.data + 1, text.len - 1);
	return text;
}

void
redact_know(struct redact *redact, struct view secret)
{
	secret = trimmed(secret);
	if (secret.len < REDACT_MIN)
		return;
	know_spelling(redact, secret);
	know_encoded(redact, secret, "%%%02X");
	know_encoded(redact, secret, "%%%02x");
	know_decoded(redact, secret);
	know_escaped(redact, secret);
}

/* user:password, user and password apart. */
static void
know_credentials(struct redact *redact, struct view text)
{
	const char *colon = memchr(text.data, ':', text.len);
	size_t user = colon ? (size_t)(colon - text.data) : text.len;
	redact_know(redact, text);
	redact_know(redact, view_make(text.data, user));
	if (colon)
		redact_know(redact, view_make(colon + 1, text.len - user - 1));
}

void
redact_know_url(struct redact *redact, struct view url)
{
	bool is_path = url.len >= 5 && memcmp(url.data, "unix:", 5) == 0;
	bool has_scheme = memmem(url.data, url.len, "://", 3) != NULL;
	if (is_path)
		return;
	struct url_secrets secrets =
	    has_scheme ? url_secrets(url) : url_secrets_behind(url);
	if (secrets.credentials.data)
		know_credentials(redact, secrets.credentials);
	redact_know(redact, secrets.query);
}

/* --- taking it out --- */

static void
without(struct view text, const char *secret, struct buf *out)
{
	size_t length = strlen(secret);
	for (;;) {
		const char *hit = memmem(text.data, text.len, secret, length);
		if (!hit)
			break;
		size_t before = (size_t)(hit - text.data);
		buf_add(out, view_make(text.data, before));
		buf_add_text(out, REDACT_MARK);
		text = view_make(hit + length, text.len - before - length);
	}
	buf_add(out, text);
}

void
redact_known(const struct redact *redact, struct view text, struct buf *out)
{
	struct buf rooms[2];
	if (text.len == 0)
		return;
	buf_init(&rooms[0], 0);
	buf_init(&rooms[1], 0);
	for (size_t i = 0; i < redact->count; i++) {
		struct buf *room = &rooms[i % 2];
		const char *secret = redact->secrets[i];
		if (!memmem(text.data, text.len, secret, strlen(secret)))
			secret = NULL;
		buf_clear(room);
		if (secret)
			without(text, secret, room);
		else
			buf_add(room, text);
		text = buf_view(room);
	}
	buf_add(out, text);
	buf_wipe(&rooms[0]);
	buf_wipe(&rooms[1]);
}

void
redact_text(const struct redact *redact, struct view text, struct buf *out)
{
	struct buf room;
	buf_init(&room, 0);
	redact_known(redact, text, &room);
	redact_shapes(buf_view(&room), out);
	buf_wipe(&room);
}
