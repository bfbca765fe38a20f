/* SPDX-License-Identifier: MIT */
#include "twin.h"

#include "hub_parts.h"
#include "window.h"
#include "ws_deflate.h"

/* Twice the memory of an event finds nearly all that can be found in it; the
 * few peers that ask for less get a twin of their own. */
#define WIDE_BITS   12
#define NARROW_BITS 9

enum block_form
twin_form(unsigned window_bits)
{
	if (window_bits == 0)
		return FORM_PLAIN;
	return window_bits < WIDE_BITS ? FORM_NARROW : FORM_WIDE;
}

static struct ws_deflater *
deflater(struct hub *hub, enum block_form form)
{
	struct ws_deflater **deflater = &hub->deflaters[form];
	if (*deflater == NULL)
		*deflater = ws_deflater_new(
		    form == FORM_WIDE ? WIDE_BITS : NARROW_BITS);
	return *deflater;
}

/* There is room: no frame becomes longer, and the index is as long. */
static void
copy_frame(struct hub *hub, struct block *twin, struct block *block,
    enum block_form form)
{
	const struct frame *frame = block_frame(block, twin->count);
	struct frame *copy = block_frame(twin, twin->count++);
	*copy = *frame;
	copy->offset = twin->used;
	if (frame->length == 0)
		return;
	struct view bytes =
	    view_make(block->bytes + frame->offset, frame->length);
	copy->length = (uint32_t)ws_deflate_frame(
	    deflater(hub, form), bytes, twin->bytes + twin->used);
	twin->used += copy->length;
	stat_add(hub->stats, frames_deflated, 1);
}

struct block *
twin_of(struct hub *hub, struct block *block, enum block_form form)
{
	if (form == FORM_PLAIN)
		return block;
	struct block **twin = &block->twins[form];
	if (*twin == NULL)
		*twin = block_get_twin(&hub->pool, block);
	while ((*twin)->count < block->count)
		copy_frame(hub, *twin, block, form);
	return *twin;
}

static void
drop_in(struct hub *hub, struct chain *chain)
{
	struct block *block = chain->first;
	for (; block != NULL; block = block->next)
		block_drop_twins(&hub->pool, block);
}

void
twins_drop(struct hub *hub)
{
	if (hub->pool.twins == 0)
		return;
	list_foreach(at, &hub->windows)
		drop_in(hub, &list_entry(at, struct window, link)->chain);
	list_foreach(at, &hub->loaded)
		drop_in(hub, &list_entry(at, struct topic, loaded)->chain);
}
