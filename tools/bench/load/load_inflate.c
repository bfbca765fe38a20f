/* SPDX-License-Identifier: MIT */
#include "load_inflate.h"

#include "xmalloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Messages that are known by their bytes: more than are under way at once. */
#define KNOWN_COUNT 4096u

struct known {
	unsigned char *bytes; /* compressed, then inflated; NULL: none */
	size_t packed;
	size_t inflated;
};

struct load_inflate {
	z_stream zlib;
	unsigned char *out; /* LOAD_INFLATED_MAX */
	uint64_t count;
	struct known known[KNOWN_COUNT];
};

struct load_inflate *
load_inflate_new(void)
{
	struct load_inflate *inflate = xcalloc(1, sizeof(*inflate));
	inflate->out = xmalloc(LOAD_INFLATED_MAX);
	int rc = inflateInit2(&inflate->zlib, -MAX_WBITS);
	assert(rc == Z_OK);
	return inflate;
}

void
load_inflate_free(struct load_inflate **inflate)
{
	if (!*inflate)
		return;
	for (unsigned i = 0; i < KNOWN_COUNT; i++)
		free((*inflate)->known[i].bytes);
	inflateEnd(&(*inflate)->zlib);
	free((*inflate)->out);
	free(*inflate);
	*inflate = NULL;
}

static int
feed(z_stream *zlib, const void *bytes, size_t len)
{
	zlib->next_in = (Bytef *)(uintptr_t)bytes;
	zlib->avail_in = (uInt)len;
	int rc = inflate(zlib, Z_SYNC_FLUSH);
	bool is_fine = rc == Z_OK || rc == Z_BUF_ERROR;
	return is_fine && zlib->avail_in == 0 && zlib->avail_out > 0 ? 0 : -1;
}

/* The sender left out the four bytes that end a flushed stream (7.2.2). */
static int
unpack(struct load_inflate *inflate, struct view payload, size_t *len_r)
{
	static const unsigned char tail[] = { 0, 0, 0xff, 0xff };
	z_stream *zlib = &inflate->zlib;
	inflate->count++;
	inflateReset(zlib);
	zlib->next_out = inflate->out;
	zlib->avail_out = LOAD_INFLATED_MAX;
	if (payload.len == 0 || feed(zlib, payload.data, payload.len) != 0 ||
	    feed(zlib, tail, sizeof(tail)) != 0)
		return -1;
	*len_r = LOAD_INFLATED_MAX - zlib->avail_out;
	/* Between two blocks: nothing of a block is still to come. */
	return zlib->data_type & 128 ? 0 : -1;
}

static void
keep(struct load_inflate *inflate, struct known *known, struct view payload,
    size_t len)
{
	known->bytes = xrealloc(known->bytes, payload.len + len);
	known->packed = payload.len;
	known->inflated = len;
	memcpy(known->bytes, payload.data, payload.len);
	memcpy(known->bytes + payload.len, inflate->out, len);
}

static bool
is_known(const struct known *known, struct view payload)
{
	return known->bytes && known->packed == payload.len &&
	    memcmp(known->bytes, payload.data, payload.len) == 0;
}

int
load_inflate(
    struct load_inflate *inflate, struct view payload, struct view *text_r)
{
	size_t len;
	uLong sum = crc32(0, (const Bytef *)payload.data, (uInt)payload.len);
	struct known *known = &inflate->known[sum % KNOWN_COUNT];
	if (!is_known(known, payload)) {
		if (unpack(inflate, payload, &len) != 0)
			return -1;
		keep(inflate, known, payload, len);
	}
	*text_r = view_make(
	    (const char *)known->bytes + known->packed, known->inflated);
	return 0;
}

uint64_t
load_inflate_count(const struct load_inflate *inflate)
{
	return inflate->count;
}
