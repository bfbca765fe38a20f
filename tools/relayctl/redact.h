/* SPDX-License-Identifier: MIT */
#ifndef REDACT_H
#define REDACT_H

/*
 * Takes secrets out of text that is to be shown to others. Two nets: the
 * secrets that are known, wherever and however they are written; and what looks
 * like one: tokens, values with a telling name (access_token=…), headers with
 * credentials, user and password in URLs, private keys. Rather too much goes
 * than too little. Not found: what is neither known nor looks like a secret.
 */

#include "buf.h"

/* Shorter ones are not looked for: the text would be full of holes. */
#define REDACT_MIN 4

/* What a secret becomes. */
#define REDACT_MARK "***"

struct redact {
	char **secrets; /* owned; every spelling of each */
	size_t count;
};

void redact_init(struct redact *redact);
void redact_fini(struct redact *redact); /* overwrites what it knew */

/* Remembers a secret with its spellings: as it is, decoded and encoded for
 * URLs, escaped for JSON. White space round it does not count. */
void redact_know(struct redact *redact, struct view secret);
/* Remembers user, password and query of a URL, which may lack its scheme; of
 * unix:PATH nothing. */
void redact_know_url(struct redact *redact, struct view url);

/* Appends the text without the secrets that are known. */
void redact_known(
    const struct redact *redact, struct view text, struct buf *out);
/* The same, and without what looks like a secret. Patterns do not go over the
 * end of a line, but for private keys. Linear in the text for one secret. */
void redact_text(
    const struct redact *redact, struct view text, struct buf *out);

#endif
