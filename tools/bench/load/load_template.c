/* SPDX-License-Identifier: MIT */
#include "load_template.h"

void
load_template(struct buf *out, const char *text, const char *run,
    unsigned stream, struct view event)
{
	for (;;) {
		const char *brace = strchr(text, '{');
		if (!brace)
			break;
		buf_add(out, view_make(text, (size_t)(brace - text)));
		text = brace;
		if (strncmp(text, "{n}", 3) == 0) {
			buf_add_u64(out, stream);
			text += 3;
		} else if (strncmp(text, "{run}", 5) == 0) {
			buf_add_text(out, run);
			text += 5;
		} else if (strncmp(text, "{event}", 7) == 0) {
			buf_add(out, event);
			text += 7;
		} else {
			buf_add_char(out, *text++);
		}
	}
	buf_add_text(out, text);
}
