/* SPDX-License-Identifier: MIT */

/* The small parsers of what comes from outside: entry ids, query strings,
 * identities in keys, URLs of Redis. The first byte chooses one. */

#include "entry_id.h"
#include "fuzz.h"
#include "query.h"
#include "redis_link.h"
#include "stream_key.h"
#include "utf8.h"

static void
check_entry_id(struct view text)
{
	struct entry_id id;
	struct entry_id again;
	char printed[ENTRY_ID_TEXT_MAX];
	if (entry_id_parse(text, &id) == -1)
		return;
	struct view canonical = view_make(printed, entry_id_print(id, printed));
	must(entry_id_parse(canonical, &again) == 0);
	must(entry_id_compare(id, again) == 0);
	must(canonical.len <= text.len);
	again = entry_id_before(id);
	must(entry_id_is_zero(id) || entry_id_compare(again, id) < 0);
	if (!entry_id_is_zero(id))
		must(entry_id_compare(entry_id_after(again), id) == 0);
}

static void
check_query(struct view text)
{
	struct buf value;
	buf_init(&value, 0);
	if (query_get(text, "session_id", &value)) {
		must(value.len <= text.len);
		struct view trimmed = query_trim(buf_view(&value));
		must(trimmed.len <= value.len);
		struct view twice = query_trim(trimmed);
		must(twice.len == trimmed.len);
	}
	query_get(text, "", &value);
	buf_fini(&value);
}

/* Another place to cut the same bytes is another identity: never the same
 * key. */
static void
check_identity(struct view text)
{
	struct buf keys[2];
	size_t cut = text.len ? (uint8_t)text.data[0] % text.len : 0;
	for (size_t i = 0; i < 2; i++) {
		size_t at = cut + i > text.len ? text.len : cut + i;
		struct view session = view_make(text.data + at, text.len - at);
		buf_init(&keys[i], 0);
		stream_key_events(&keys[i], view_of("relay:"), view_of("t"),
		    view_make(text.data, at), session);
		for (size_t k = 0; k < keys[i].len; k++)
			must(keys[i].data[k] > ' ' && keys[i].data[k] < 0x7f);
		if (stream_key_session_is_valid(session))
			must(session.len && utf8_is_valid(session));
	}
	if (cut < text.len)
		must(keys[0].len != keys[1].len ||
		    memcmp(keys[0].data, keys[1].data, keys[0].len) != 0);
	buf_fini(&keys[0]);
	buf_fini(&keys[1]);
}

static void
check_target(struct view text)
{
	struct redis_target target = { 0 };
	struct error err = { 0 };
	char printed[64];
	if (redis_target_parse(&target, text, &err) == 0) {
		must(target.host || target.socket_path);
		redis_target_print(&target, printed, sizeof(printed));
		must(strlen(printed) < sizeof(printed));
	} else {
		must(err.message[0]);
	}
	redis_target_fini(&target);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const checks[])(struct view) = { check_entry_id,
		check_query, check_identity, check_target };
	if (size == 0)
		return 0;
	checks[data[0] % 4](view_make(data + 1, size - 1));
	return 0;
}
