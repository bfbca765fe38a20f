/* SPDX-License-Identifier: MIT */

/* What a frame looked like, without what it said: names and types. */

#include "drift_parts.h"

#include "xmalloc.h"

#define DEPTH_MAX   6
#define MEMBERS_MAX 24
#define ITEMS_MAX   2
/* Room to close what is open and to say that something was left out. */
#define ROOM 64

struct sample {
	const struct json_doc *doc;
	struct buf out;
	struct buf text;
	size_t size;
};

static void add_value(struct sample *sample, uint32_t at, unsigned depth);

static bool
is_full(const struct sample *sample)
{
	return sample->out.len + DRIFT_NAME_MAX + ROOM > sample->size;
}

static void
add_object(struct sample *sample, uint32_t at, unsigned depth)
{
	const struct json_node *nodes = sample->doc->nodes;
	uint32_t told = 0;
	buf_add_char(&sample->out, '{');
	for (uint32_t key = at + 1; key < nodes[at].next;
	     key = nodes[key + 1].next) {
		if (told == MEMBERS_MAX || depth == 0 || is_full(sample)) {
			buf_add_text(&sample->out,
			    told ? ",\"...\":\"more\"" : "\"...\":\"more\"");
			break;
		}
		struct drift_name name =
		    drift_member_name(sample->doc, key, &sample->text);
		if (told++)
			buf_add_char(&sample->out, ',');
		buf_add_json_string(&sample->out,
		    view_of(name.text[0] ? name.text : "(a name)"));
		buf_add_char(&sample->out, ':');
		add_value(sample, key + 1, depth - 1);
	}
	buf_add_char(&sample->out, '}');
}

static void
add_array(struct sample *sample, uint32_t at, unsigned depth)
{
	const struct json_node *nodes = sample->doc->nodes;
	uint32_t told = 0;
	buf_add_char(&sample->out, '[');
	for (uint32_t item = at + 1; item < nodes[at].next;
	     item = nodes[item].next) {
		if (told++)
			buf_add_char(&sample->out, ',');
		if (told > ITEMS_MAX || depth == 0 || is_full(sample)) {
			buf_add_text(&sample->out, "\"more\"");
			break;
		}
		add_value(sample, item, depth - 1);
	}
	buf_add_char(&sample->out, ']');
}

static void
add_value(struct sample *sample, uint32_t at, unsigned depth)
{
	enum json_type type = sample->doc->nodes[at].type;
	if (type == JSON_OBJECT)
		add_object(sample, at, depth);
	else if (type == JSON_ARRAY)
		add_array(sample, at, depth);
	else
		buf_addf(&sample->out, "\"%s\"", json_type_name(type));
}

char *
drift_sample(const struct json_doc *doc, size_t size)
{
	struct sample sample = { .doc = doc, .size = size };
	buf_init(&sample.out, 0);
	buf_init(&sample.text, 0);
	add_value(&sample, 0, DEPTH_MAX);
	buf_add_char(&sample.out, '\0');
	buf_fini(&sample.text);
	return sample.out.data;
}
