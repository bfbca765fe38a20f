/* SPDX-License-Identifier: MIT */
#include "ticket.h"

#include "base64url.h"
#include "json.h"
#include "random.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#define TICKET_BYTES 32
#define KEY_ID_SIZE  BASE64URL_SIZE(TOKEN_KEY_ID)

void
ticket_make(char text[TICKET_SIZE])
{
	unsigned char bytes[TICKET_BYTES];
	random_bytes(bytes, sizeof(bytes));
	base64url_encode(view_make(bytes, sizeof(bytes)), text);
	OPENSSL_cleanse(bytes, sizeof(bytes));
}

bool
ticket_is_well_formed(struct view ticket)
{
	unsigned char bytes[TICKET_BYTES];
	bool is_fine = ticket.len == TICKET_SIZE &&
	    base64url_decode(ticket, bytes, sizeof(bytes)) == TICKET_BYTES;
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return is_fine;
}

void
ticket_key(struct view prefix, struct view ticket, struct buf *out)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA256((const unsigned char *)ticket.data, ticket.len, digest);
	buf_add(out, prefix);
	buf_add_text(out, "ticket:");
	for (size_t i = 0; i < sizeof(digest); i++)
		buf_addf(out, "%02x", digest[i]);
}

void
ticket_write(const struct token_bearer *bearer, struct buf *out)
{
	char key_id[KEY_ID_SIZE];
	base64url_encode(view_make(bearer->key_id, TOKEN_KEY_ID), key_id);
	buf_add_text(out, "{\"tenant\":");
	buf_add_json_string(out, view_make(bearer->tenant, bearer->tenant_len));
	buf_add_text(out, ",\"user\":");
	buf_add_json_string(out, view_make(bearer->user, bearer->user_len));
	buf_add_text(out, ",\"exp\":");
	buf_add_u64(out, bearer->expires_s);
	buf_add_text(out, ",\"key\":\"");
	buf_add(out, view_make(key_id, sizeof(key_id)));
	buf_add_text(out, "\"}");
}

/* --- reading --- */

struct reader {
	struct json_doc doc;
	struct buf scratch;
};

static bool
read_text(struct reader *reader, const char *name, struct view *text_r)
{
	uint32_t node = json_member(&reader->doc, 0, view_of(name));
	if (node == 0 || reader->doc.nodes[node].type != JSON_STRING)
		return false;
	*text_r = json_string(&reader->doc, node, &reader->scratch);
	return true;
}

static bool
read_name(struct reader *reader, const char *name, char *name_r, size_t *len_r)
{
	struct view text;
	if (!read_text(reader, name, &text) || !token_name_is_usable(text))
		return false;
	memcpy(name_r, text.data, text.len);
	*len_r = text.len;
	return true;
}

static bool
read_expiry(struct reader *reader, uint64_t *expires_s_r)
{
	uint32_t node = json_member(&reader->doc, 0, view_of("exp"));
	if (node == 0 ||
	    !(reader->doc.nodes[node].flags & JSON_IS_PLAIN_INTEGER))
		return false;
	return view_decimal(json_text(&reader->doc, node), 15, expires_s_r);
}

static bool
read_value(
    struct reader *reader, struct view value, struct token_bearer *bearer)
{
	const struct json_limits limits = { .max_depth = 2,
		.strict_keys = true };
	struct json_fault fault;
	struct view key;
	return json_scan(&reader->doc, value, &limits, &fault) == 0 &&
	    read_name(reader, "tenant", bearer->tenant, &bearer->tenant_len) &&
	    read_name(reader, "user", bearer->user, &bearer->user_len) &&
	    read_expiry(reader, &bearer->expires_s) &&
	    read_text(reader, "key", &key) &&
	    base64url_decode(key, bearer->key_id, TOKEN_KEY_ID) == TOKEN_KEY_ID;
}

int
ticket_read(struct view value, struct token_bearer *bearer_r)
{
	struct reader reader;
	*bearer_r = (struct token_bearer){ 0 };
	json_doc_init(&reader.doc);
	buf_init(&reader.scratch, 0);
	bool is_fine = read_value(&reader, value, bearer_r);
	buf_fini(&reader.scratch);
	json_doc_fini(&reader.doc);
	return is_fine ? 0 : -1;
}
