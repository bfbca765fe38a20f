/* SPDX-License-Identifier: MIT */
#include "config_parts.h"

#include "json.h"
#include "xmalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * The config file: JSON with comments. Comments become blanks, so that offsets
 * stay what the writer sees; the rest is judged by the strict scanner and
 * walked against the table. Errors name file#pointer.
 */

#define FILE_MAX  (1 << 20)
#define READ_STEP (16 << 10)

struct walk {
	struct config *config;
	const char *path;
	struct json_doc doc;
	struct buf scratch;
	struct error *err;
};

static int
read_all(const char *path, struct buf *text, struct error *err)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return error_set(err, path,
		    "cannot be read: %s; mend the path "
		    "given by --config",
		    strerror(errno));
	size_t got = 1;
	while (got > 0 && text->len <= FILE_MAX) {
		got = fread(buf_reserve(text, READ_STEP), 1, READ_STEP, file);
		text->len += got;
	}
	int problem = ferror(file) ? errno : 0;
	fclose(file);
	if (problem)
		return error_set(
		    err, path, "cannot be read: %s", strerror(problem));
	if (text->len > FILE_MAX)
		return error_set(err, path, "is larger than 1 MiB");
	return 0;
}

/* Where a string that begins at `i` ends (behind its closing quote). */
static size_t
string_end(const char *text, size_t length, size_t i)
{
	for (i++; i < length && text[i] != '"'; i++)
		if (text[i] == '\\')
			i++;
	return i < length ? i + 1 : length;
}

static size_t
comment_end(const char *text, size_t length, size_t i)
{
	bool is_block = text[i + 1] == '*';
	for (i += 2; i < length; i++) {
		if (!is_block && text[i] == '\n')
			return i;
		if (is_block && text[i] == '/' && text[i - 1] == '*')
			return i + 1;
	}
	return length;
}

static void
blank_comments(char *text, size_t length)
{
	for (size_t i = 0; i < length;) {
		if (text[i] == '"') {
			i = string_end(text, length, i);
		} else if (text[i] == '/' && i + 1 < length &&
		    (text[i + 1] == '*' || text[i + 1] == '/')) {
			size_t end = comment_end(text, length, i);
			for (; i < end; i++)
				if (text[i] != '\n')
					text[i] = ' ';
		} else {
			i++;
		}
	}
}

static int
syntax_error(const char *path, struct view text, const struct json_fault *fault,
    struct error *err)
{
	size_t line = 1;
	size_t column = 1;
	for (size_t i = 0; i < fault->offset && i < text.len; i++) {
		column = text.data[i] == '\n' ? 1 : column + 1;
		line += text.data[i] == '\n';
	}
	char where[256];
	snprintf(where, sizeof(where), "%.200s:%zu:%zu", path, line, column);
	return error_set(err, where, "is not JSON: %s", fault->message);
}

/* err->where = file#/pointer of a dotted key. */
static int
refuse(struct walk *walk, const char *key, const char *message)
{
	char where[256];
	int length = snprintf(where, sizeof(where), "%.160s#/", walk->path);
	for (; *key && length < (int)sizeof(where) - 1; key++)
		where[length++] = *key == '.' ? '/' : *key;
	where[length] = '\0';
	return error_set(walk->err, where, "%s", message);
}

/* From here on texts end with a NUL: one within would cut them unseen. */
static int
set_value(struct walk *walk, const struct option *option, const char *key,
    struct view value)
{
	const char *text = value.len ? value.data : "";
	struct error why;
	if (strlen(text) < value.len)
		return refuse(walk, key, "wants a text without a NUL");
	if (config_set(walk->config, option, text, CONFIG_FROM_FILE, &why) == 0)
		return 0;
	return refuse(walk, key, why.message);
}

static int
set_items(struct walk *walk, const struct option *option, const char *key,
    uint32_t array)
{
	struct buf list;
	buf_init(&list, FILE_MAX);
	uint32_t item = array + 1;
	for (uint32_t i = 0; i < walk->doc.nodes[array].count; i++) {
		if (walk->doc.nodes[item].type != JSON_STRING) {
			buf_fini(&list);
			return refuse(walk, key, "wants a list of texts");
		}
		buf_add_text(&list, i ? "," : "");
		buf_add(&list, json_string(&walk->doc, item, &walk->scratch));
		item = walk->doc.nodes[item].next;
	}
	buf_add_char(&list, '\0');
	int status =
	    set_value(walk, option, key, view_make(list.data, list.len - 1));
	buf_fini(&list);
	return status;
}

/* Does the JSON type fit the option's? Numbers are not written as texts. */
static bool
type_fits(enum option_type want, const struct json_node *node)
{
	switch (want) {
	case OPTION_COUNT:
		return node->type == JSON_NUMBER;
	case OPTION_SWITCH:
		return node->type == JSON_TRUE || node->type == JSON_FALSE;
	case OPTION_LIST:
		return node->type == JSON_ARRAY;
	case OPTION_MODES:
		return false; /* walked as an object */
	case OPTION_TEXT:
	case OPTION_ADDRESS:
	case OPTION_URL:
	case OPTION_CHOICE:
		return node->type == JSON_STRING;
	}
	return false;
}

static const char *
wanted(const struct option *option, char *text, size_t size)
{
	if (option->type == OPTION_COUNT)
		snprintf(text, size,
		    "wants a whole number of %s from %" PRIu64 " to %" PRIu64,
		    option->unit, option->min, option->max);
	else if (option->type == OPTION_CHOICE)
		snprintf(text, size, "wants one of %s", option->unit);
	else
		snprintf(text, size, "wants %s",
		    option->type == OPTION_SWITCH     ? "true or false"
			: option->type == OPTION_LIST ? "a list of texts"
			: option->type == OPTION_MODES
			? "an object: a mode, or modes by type, for an endpoint"
			: "a text");
	return text;
}

static int
set_member(struct walk *walk, const struct option *option, const char *key,
    uint32_t value)
{
	char message[160];
	const struct json_node *node = &walk->doc.nodes[value];
	if (!type_fits(option->type, node))
		return refuse(
		    walk, key, wanted(option, message, sizeof(message)));
	if (option->type == OPTION_LIST)
		return set_items(walk, option, key, value);
	struct view text = node->type == JSON_STRING
	    ? json_string(&walk->doc, value, &walk->scratch)
	    : json_text(&walk->doc, value);
	char *copy = xstrndup(text.data, text.len);
	int status = set_value(walk, option, key, view_make(copy, text.len));
	free(copy);
	return status;
}

/* Adds ENDPOINT.TYPE=MODE, or ENDPOINT=MODE without a type (0). */
static int
add_mode(struct walk *walk, struct config_list *list, uint32_t endpoint,
    uint32_t type, uint32_t mode)
{
	struct buf text;
	if (walk->doc.nodes[mode].type != JSON_STRING)
		return refuse(walk, "modes",
		    "wants \"off\", \"warn\" or \"enforce\" for an endpoint "
		    "or for each type of it");
	buf_init(&text, FILE_MAX);
	buf_add(&text, json_string(&walk->doc, endpoint, &walk->scratch));
	buf_add_text(&text, type ? "." : "");
	if (type)
		buf_add(&text, json_string(&walk->doc, type, &walk->scratch));
	buf_add_char(&text, '=');
	buf_add(&text, json_string(&walk->doc, mode, &walk->scratch));
	bool is_whole = !memchr(text.data, '\0', text.len);
	if (is_whole)
		config_list_add(list, text.data, text.len);
	buf_fini(&text);
	return is_whole ? 0
			: refuse(walk, "modes", "wants a text without a NUL");
}

static int
add_modes(struct walk *walk, struct config_list *list, uint32_t endpoint)
{
	uint32_t types = endpoint + 1;
	if (walk->doc.nodes[types].type != JSON_OBJECT)
		return add_mode(walk, list, endpoint, 0, types);
	uint32_t type = types + 1;
	for (uint32_t i = 0; i < walk->doc.nodes[types].count; i++) {
		if (add_mode(walk, list, endpoint, type, type + 1) == -1)
			return -1;
		type = walk->doc.nodes[type + 1].next;
	}
	return 0;
}

/* {"chat": {"error": "off"}, "execution": "warn"} becomes the list
 * chat.error=off, execution=warn. Whether such things are there is for the
 * contract to say. */
static int
set_modes(struct walk *walk, const struct option *option, uint32_t object)
{
	if (set_value(walk, option, option->key, view_of("")) == -1)
		return -1;
	uint32_t endpoint = object + 1;
	for (uint32_t i = 0; i < walk->doc.nodes[object].count; i++) {
		if (add_modes(walk, &walk->config->modes, endpoint) == -1)
			return -1;
		endpoint = walk->doc.nodes[endpoint + 1].next;
	}
	return 0;
}

/* Is there an option below this key ("limits" for "limits.connections")? */
static bool
is_group(const char *key)
{
	size_t length = strlen(key);
	for (size_t i = 0; i < CONFIG_OPTIONS; i++)
		if (strncmp(config_keys[i], key, length) == 0 &&
		    config_keys[i][length] == '.')
			return true;
	return false;
}

static int
unknown_key(struct walk *walk, const char *key)
{
	char suggestion[128];
	char message[320];
	config_suggest(view_of(key), suggestion, sizeof(suggestion));
	snprintf(message, sizeof(message), "unknown key \"%.128s\"%s", key,
	    suggestion);
	return refuse(walk, key, message);
}

/* Only objects nest here, as config.schema.json has it: `name` is a whole key
 * ("drain.seconds") in one member. */
static int
refuse_dots(struct walk *walk, const char *prefix, struct view name)
{
	char where[256];
	char key[256];
	char advice[320];

	snprintf(where, sizeof(where), "%.100s#/%s%s%.*s", walk->path, prefix,
	    *prefix ? "/" : "", (int)name.len, name.data);
	snprintf(key, sizeof(key), "%s%s%.*s", prefix, *prefix ? "." : "",
	    (int)name.len, name.data);
	config_suggest(view_of(key), advice, sizeof(advice));
	int group = (int)strcspn(key, ".");
	if (config_find(view_of(key)))
		snprintf(advice, sizeof(advice),
		    "; write {\"%.*s\": {\"%s\": ...}}", group, key,
		    key + group + 1);
	return error_set(walk->err, where, "unknown key \"%s\"%s", key, advice);
}

static int visit(struct walk *walk, const char *prefix, uint32_t object);

static int
visit_member(struct walk *walk, const char *key, uint32_t value)
{
	bool is_object = walk->doc.nodes[value].type == JSON_OBJECT;
	/* The only key that is both a value and a group. */
	const struct option *option =
	    config_find(view_of(strcmp(key, "auth.mode") == 0 ? "auth" : key));
	if (option && option->type == OPTION_MODES && is_object)
		return set_modes(walk, option, value);
	if (is_object && is_group(key))
		return visit(walk, key, value);
	if (option)
		return set_member(walk, option, key, value);
	if (is_group(key))
		return refuse(walk, key, "wants an object");
	return unknown_key(walk, key);
}

static int
visit(struct walk *walk, const char *prefix, uint32_t object)
{
	uint32_t name = object + 1;
	for (uint32_t i = 0; i < walk->doc.nodes[object].count; i++) {
		char key[256];
		struct view text =
		    json_string(&walk->doc, name, &walk->scratch);
		text.len = text.len > 128 ? 128 : text.len;
		if (memchr(text.data, '.', text.len))
			return refuse_dots(walk, prefix, text);
		snprintf(key, sizeof(key), "%s%s%.*s", prefix,
		    *prefix ? "." : "", (int)text.len, text.data);
		if (visit_member(walk, key, name + 1) == -1)
			return -1;
		name = walk->doc.nodes[name + 1].next;
	}
	return 0;
}

static int
walk_file(struct walk *walk, struct view text)
{
	struct json_limits limits = { .max_depth = 16, .strict_keys = true };
	struct json_fault fault;
	if (json_scan(&walk->doc, text, &limits, &fault) == -1)
		return syntax_error(walk->path, text, &fault, walk->err);
	if (walk->doc.nodes[0].type != JSON_OBJECT)
		return error_set(
		    walk->err, walk->path, "wants a JSON object of options");
	return visit(walk, "", 0);
}

int
config_read_file(struct config *config, const char *path, struct error *err)
{
	struct buf text;
	buf_init(&text, 0);
	int status = read_all(path, &text, err);
	if (status == 0) {
		struct walk walk = {
			.config = config, .path = path, .err = err
		};
		json_doc_init(&walk.doc);
		buf_init(&walk.scratch, 0);
		blank_comments(text.data, text.len);
		status = walk_file(&walk, buf_view(&text));
		buf_fini(&walk.scratch);
		json_doc_fini(&walk.doc);
	}
	buf_fini(&text);
	return status;
}
