/* SPDX-License-Identifier: MIT */
#include "stream_view.h"

#include "stream_expect.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_WIDTH 100

/* Colours by the hash of the type, so that a type keeps its colour without
 * anybody having to know it. */
static const char *const colors[] = { "\033[36m", "\033[32m", "\033[33m",
	"\033[35m", "\033[34m", "\033[96m", "\033[92m", "\033[93m" };

static size_t
terminal_width(FILE *out)
{
	struct winsize size;
	if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 20)
		return size.ws_col;
	return DEFAULT_WIDTH;
}

static void
add_pointers(struct stream_view *view, const char *show)
{
	while (*show && view->pointer_count < STREAM_VIEW_POINTERS) {
		size_t len = strcspn(show, ",");
		view->pointers[view->pointer_count++] = view_make(show, len);
		show += len;
		show += *show == ',';
	}
}

void
stream_view_init(struct stream_view *view, FILE *out, const char *show,
    const char *discriminator)
{
	*view = (struct stream_view){ .out = out,
		.is_colored = isatty(fileno(out)) && !getenv("NO_COLOR"),
		.width = terminal_width(out),
		.discriminator = discriminator };
	add_pointers(view, show);
	json_doc_init(&view->doc);
	buf_init(&view->line, 0);
	buf_init(&view->scratch, 0);
}

void
stream_view_fini(struct stream_view *view)
{
	json_doc_fini(&view->doc);
	buf_fini(&view->line);
	buf_fini(&view->scratch);
}

static void
add_time(struct buf *line, struct view cursor)
{
	unsigned long long ms = 0;
	for (size_t i = 0; i < cursor.len && cursor.data[i] != '-'; i++)
		ms = ms * 10 + (unsigned long long)(cursor.data[i] - '0');
	time_t seconds = (time_t)(ms / 1000);
	struct tm parts;
	localtime_r(&seconds, &parts);
	buf_addf(line, "%02d:%02d:%02d.%03d ", parts.tm_hour, parts.tm_min,
	    parts.tm_sec, (int)(ms % 1000));
}

/* Text for a terminal: no control characters, white space folded. */
static void
add_plain(struct buf *line, struct view text, size_t room)
{
	bool was_space = false;
	for (size_t i = 0; i < text.len && room > 0; i++) {
		unsigned char byte = (unsigned char)text.data[i];
		bool is_space = byte <= ' ' || byte == 0x7f;
		if (is_space && was_space)
			continue;
		was_space = is_space;
		/* Continuation bytes take no column. */
		if ((byte & 0xc0) != 0x80)
			room--;
		buf_add_char(line, is_space ? ' ' : (char)byte);
	}
}

static struct view
value_text(struct stream_view *view, uint32_t node)
{
	if (view->doc.nodes[node].type == JSON_STRING)
		return json_string(&view->doc, node, &view->scratch);
	return json_text(&view->doc, node);
}

static void
add_type(struct stream_view *view)
{
	uint32_t node;
	struct view type = view_of("?");
	if (json_pointer_get(&view->doc, view_of(view->discriminator), &node))
		type = value_text(view, node);
	if (view->is_colored)
		buf_add_text(&view->line,
		    colors[json_hash(type) %
			(sizeof(colors) / sizeof(*colors))]);
	size_t before = view->line.len;
	add_plain(&view->line, type, 24);
	size_t printed = view->line.len - before;
	if (view->is_colored)
		buf_add_text(&view->line, "\033[0m");
	buf_addf(
	    &view->line, "%*s", printed < 20 ? (int)(20 - printed) : 1, "");
}

static void
add_values(struct stream_view *view, struct view frame)
{
	size_t room = view->width > 60 ? view->width - 36 : 24;
	if (view->pointer_count == 0)
		add_plain(&view->line, frame, room);
	for (size_t i = 0; i < view->pointer_count; i++) {
		uint32_t node;
		if (!json_pointer_get(&view->doc, view->pointers[i], &node) ||
		    view->doc.nodes[node].type == JSON_NULL)
			continue;
		size_t before = view->line.len;
		add_plain(&view->line, value_text(view, node), room);
		size_t used = view->line.len - before + 2;
		room = room > used ? room - used : 0;
		buf_add_text(&view->line, "  ");
	}
}

void
stream_view_frame(struct stream_view *view, struct view frame)
{
	struct json_fault fault;
	struct json_limits limits = { .max_depth = 128 };
	struct view cursor = view_of("0-0");
	struct view rest = frame;
	buf_clear(&view->line);
	bool is_event = stream_split_cursor(frame, &cursor, &rest);
	if (json_scan(&view->doc, frame, &limits, &fault) != 0)
		return;
	if (is_event)
		add_time(&view->line, cursor);
	else
		buf_add_text(&view->line, "     notice  ");
	add_type(view);
	if (is_event)
		add_values(view, rest);
	else
		add_plain(&view->line, frame, view->width - 36);
	while (view->line.len && view->line.data[view->line.len - 1] == ' ')
		view->line.len--;
	buf_add_char(&view->line, '\n');
	fwrite(view->line.data, 1, view->line.len, view->out);
	fflush(view->out);
}
