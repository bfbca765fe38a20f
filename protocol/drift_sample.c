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

/* Names of an object as they are shown, which differ less than its own: those
 * that look alike are told once. */
struct told {
	uint32_t count;
	struct drift_name names[MEMBERS_MAX + 1]; /* and that there are more */
};

static bool
begin_member(
    struct sample *sample, struct told *told, const struct drift_name *name)
{
	for (uint32_t i = 0; i < told->count; i++)
		if (strcmp(told->names[i].text, name->text) == 0)
			return false;
	if (told->count > 0)
		buf_add_char(&sample->out, ',');
	told->names[told->count++] = *name;
	buf_add_json_string(&sample->out, view_of(name->text));
	buf_add_char(&sample->out, ':');
	return true;
}

static void
add_more(struct sample *sample, struct told *told)
{
	const struct drift_name more = { "..." };
	if (begin_member(sample, told, &more))
		buf_add_text(&sample->out, "\"more\"");
}

static struct drift_name
shown_name(struct sample *sample, uint32_t key)
{
	const struct drift_name hidden = { "(a name)" };
	struct drift_name name =
	    drift_member_name(sample->doc, key, &sample->text);
	return name.text[0] ? name : hidden;
}

static void
add_object(struct sample *sample, uint32_t at, unsigned depth)
{
	const struct json_node *nodes = sample->doc->nodes;
	struct told told;
	told.count = 0;
	buf_add_char(&sample->out, '{');
	for (uint32_t key = at + 1; key < nodes[at].next;
	     key = nodes[key + 1].next) {
		if (told.count == MEMBERS_MAX || depth == 0 ||
		    is_full(sample)) {
			add_more(sample, &told);
			break;
		}
		struct drift_name name = shown_name(sample, key);
		if (begin_member(sample, &told, &name))
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
