/* SPDX-License-Identifier: MIT */
#include "load_slices.h"

#include "buf.h"
#include "xmalloc.h"

#include <stdlib.h>
#include <string.h>

void
load_slices_fini(struct load_slices *slices)
{
	free(slices->items);
	slices->items = NULL;
	slices->count = 0;
	slices->capacity = 0;
}

/* Makes room for the slice with this index, and all before it. */
static void
reach(struct load_slices *slices, size_t index)
{
	size_t wanted = index + 1;
	if (wanted > slices->capacity) {
		size_t room = wanted * 2;
		slices->items =
		    xrealloc(slices->items, room * sizeof(*slices->items));
		slices->capacity = room;
	}
	if (wanted <= slices->count)
		return;
	memset(slices->items + slices->count, 0,
	    (wanted - slices->count) * sizeof(*slices->items));
	slices->count = wanted;
}

void
load_slices_add(struct load_slices *slices, uint64_t ns, uint64_t made_ns)
{
	if (slices->count == 0)
		slices->began_ns = made_ns - made_ns % slices->slice_ns;
	if (made_ns < slices->began_ns)
		made_ns = slices->began_ns;
	uint64_t index = (made_ns - slices->began_ns) / slices->slice_ns;
	if (index >= LOAD_SLICES_MAX)
		index = LOAD_SLICES_MAX - 1;
	reach(slices, (size_t)index);
	load_histogram_add(&slices->items[index], ns, 1);
}

static void
add_slice(struct buf *out, const struct load_histogram *slice)
{
	const char *comma = "";
	buf_add_char(out, '[');
	for (unsigned i = 0; i < LOAD_HISTOGRAM_CELLS; i++) {
		if (slice->cells[i] == 0)
			continue;
		buf_addf(out, "%s%llu,%llu", comma,
		    (unsigned long long)load_histogram_cell_end(i),
		    (unsigned long long)slice->cells[i]);
		comma = ",";
	}
	buf_add_char(out, ']');
}

void
load_slices_json(const struct load_slices *slices, struct buf *out)
{
	buf_addf(out, "{\"slice_us\":%llu,\"began_us\":%llu,\"slices\":[",
	    (unsigned long long)slices->slice_ns / 1000,
	    (unsigned long long)slices->began_ns / 1000);
	for (size_t i = 0; i < slices->count; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		add_slice(out, &slices->items[i]);
	}
	buf_add_text(out, "]}");
}
