/* SPDX-License-Identifier: MIT */

/* One form for each document, whoever wrote it: what the hash is over. */

#include "contract_files.h"
#include "xmalloc.h"

#include <assert.h>
#include <stdlib.h>

#include <openssl/evp.h>

/* A member on its way to its place. The name is a copy when it had escapes. */
struct member {
	struct view name;
	uint32_t value;
	char *owned;
};

static int
by_name(const void *a, const void *b)
{
	const struct member *one = a;
	const struct member *other = b;
	size_t shorter =
	    one->name.len < other->name.len ? one->name.len : other->name.len;
	int order = memcmp(one->name.data, other->name.data, shorter);
	if (order != 0)
		return order;
	return (one->name.len > other->name.len) -
	    (one->name.len < other->name.len);
}

static struct member
read_member(const struct json_doc *doc, uint32_t key, struct buf *scratch)
{
	struct member member = { .value = key + 1 };
	member.name = json_string(doc, key, scratch);
	if (doc->nodes[key].flags & JSON_HAS_ESCAPE) {
		member.owned = xstrndup(member.name.data, member.name.len);
		member.name.data = member.owned;
	}
	return member;
}

static void
add_object(const struct json_doc *doc, uint32_t object, struct buf *out)
{
	uint32_t count = doc->nodes[object].count;
	struct member *members = xcalloc(count + 1, sizeof(*members));
	struct buf scratch;
	buf_init(&scratch, 0);
	uint32_t key = object + 1;
	for (uint32_t i = 0; i < count; i++) {
		members[i] = read_member(doc, key, &scratch);
		key = doc->nodes[key + 1].next;
	}
	buf_fini(&scratch);
	qsort(members, count, sizeof(*members), by_name);
	buf_add_char(out, '{');
	for (uint32_t i = 0; i < count; i++) {
		buf_add_text(out, i ? "," : "");
		buf_add_json_string(out, members[i].name);
		buf_add_char(out, ':');
		contract_canonical(doc, members[i].value, out);
		free(members[i].owned);
	}
	buf_add_char(out, '}');
	free(members);
}

static void
add_array(const struct json_doc *doc, uint32_t array, struct buf *out)
{
	uint32_t item = array + 1;
	buf_add_char(out, '[');
	for (uint32_t i = 0; i < doc->nodes[array].count; i++) {
		buf_add_text(out, i ? "," : "");
		contract_canonical(doc, item, out);
		item = doc->nodes[item].next;
	}
	buf_add_char(out, ']');
}

static void
add_string(const struct json_doc *doc, uint32_t node, struct buf *out)
{
	struct buf scratch;
	buf_init(&scratch, 0);
	buf_add_json_string(out, json_string(doc, node, &scratch));
	buf_fini(&scratch);
}

/* Recursive: the depth was bounded when the document was scanned. */
void
contract_canonical(const struct json_doc *doc, uint32_t node, struct buf *out)
{
	enum json_type type = (enum json_type)doc->nodes[node].type;
	switch (type) {
	case JSON_OBJECT:
		add_object(doc, node, out);
		break;
	case JSON_ARRAY:
		add_array(doc, node, out);
		break;
	case JSON_STRING:
		add_string(doc, node, out);
		break;
	case JSON_NULL:
	case JSON_FALSE:
	case JSON_TRUE:
	case JSON_NUMBER:
		buf_add(out, json_text(doc, node));
		break;
	}
}

static void
print_hex(const unsigned char *bytes, size_t size, char *hex_r)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < size; i++) {
		hex_r[2 * i] = digits[bytes[i] >> 4];
		hex_r[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex_r[2 * size] = '\0';
}

void
contract_files_hash(const struct contract_files *files, char hex_r[65])
{
	struct buf text;
	unsigned char digest[32];
	buf_init(&text, 0);
	for (size_t i = 0; i < files->count; i++) {
		buf_add_text(&text, files->items[i].path);
		buf_add_char(&text, '\n');
		contract_canonical(&files->items[i].doc, 0, &text);
		buf_add_char(&text, '\n');
	}
	size_t size = 0;
	int done = EVP_Q_digest(
	    NULL, "SHA256", NULL, text.data, text.len, digest, &size);
	assert(done == 1 && size == sizeof(digest));
	print_hex(digest, sizeof(digest), hex_r);
	buf_fini(&text);
}
