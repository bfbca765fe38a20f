/* SPDX-License-Identifier: MIT */

/* What clients send behind the upgrade: it means the same however the network
 * cuts it, and no limit is passed. The first byte holds the switches, the second
 * where it is cut. */

#include "fuzz.h"
#include "ws_deflate.h"
#include "ws_reader.h"

#define BYTES_MAX     4096
#define FRAGMENTS_MAX 16

struct run {
	const struct ws_reader_limits *limits;
	bool deflate;
	size_t step;
	struct buf told; /* all that it meant */
};

static void
check(const struct ws_reader_limits *limits, const struct ws_read *read)
{
	switch (read->kind) {
	case WS_READ_MORE:
		return;
	case WS_READ_MESSAGE:
		must(read->payload.len <= limits->max_bytes);
		must(read->is_binary ? limits->takes_binary
				     : utf8_is_valid(read->payload));
		return;
	case WS_READ_PING:
	case WS_READ_PONG:
		must(read->payload.len <= WS_CONTROL_MAX);
		return;
	case WS_READ_CLOSE:
		must(read->code == 0 ||
		    (read->code >= 1000 && read->code < 5000));
		return;
	case WS_READ_REFUSED:
		must(read->code == 1002 || read->code == 1003 ||
		    (read->code >= 1007 && read->code <= 1009));
		return;
	}
	abort();
}

static void
tell(struct run *run, const struct ws_read *read)
{
	check(run->limits, read);
	if (read->kind == WS_READ_MORE)
		return;
	buf_addf(&run->told, "%u %u %u %zu:", (unsigned)read->kind, read->code,
	    read->is_binary, read->payload.len);
	buf_add(&run->told, read->payload);
}

/* False: nothing behind this means anything. */
static bool
feed(struct run *run, struct ws_reader *reader, char *piece, size_t len)
{
	struct ws_read read;
	size_t used = 0;

	while (used < len) {
		size_t count = ws_reader_next(
		    reader, run->limits, piece + used, len - used, &read);

		must(count > 0 && count <= len - used);
		used += count;
		tell(run, &read);
		must(reader->bytes.len <= run->limits->max_bytes);
		ws_reader_done(reader);
		if (read.kind == WS_READ_REFUSED)
			return false;
		must(read.kind != WS_READ_MORE || used == len);
	}
	return true;
}

/* As a connection does between two messages. */
static void
renew_if_idle(struct ws_reader *reader)
{
	bool deflate = reader->deflate;

	if (!ws_reader_is_idle(reader))
		return;
	ws_reader_fini(reader);
	ws_reader_init(reader);
	reader->deflate = deflate;
}

static void
read_all(struct run *run, const uint8_t *data, size_t size)
{
	struct ws_reader reader;
	bool goes_on = true;

	ws_reader_init(&reader);
	reader.deflate = run->deflate;
	buf_init(&run->told, 0);
	for (size_t at = 0; goes_on && at < size; at += run->step) {
		size_t len = size - at < run->step ? size - at : run->step;
		char *piece = malloc(len); /* of just this size, for ASan */

		memcpy(piece, data + at, len);
		goes_on = feed(run, &reader, piece, len);
		free(piece);
		if (goes_on)
			renew_if_idle(&reader);
	}
	ws_reader_fini(&reader);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3)
		return 0;
	struct ws_inflater *inflater = ws_inflater_new();
	const struct ws_reader_limits limits = {
		.max_bytes = BYTES_MAX,
		.max_fragments = data[0] & 1 ? FRAGMENTS_MAX : 0,
		.takes_binary = data[0] & 2,
		.inflater = inflater,
	};
	struct run whole = {
		.limits = &limits, .deflate = data[0] & 4, .step = size
	};
	struct run cut = whole;
	cut.step = 1 + data[1];
	read_all(&whole, data + 2, size - 2);
	read_all(&cut, data + 2, size - 2);
	must(view_equal(buf_view(&whole.told), buf_view(&cut.told)));
	buf_fini(&whole.told);
	buf_fini(&cut.told);
	ws_inflater_free(&inflater);
	return 0;
}
