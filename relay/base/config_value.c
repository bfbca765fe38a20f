/* SPDX-License-Identifier: MIT */
#include "config_parts.h"

#include "url_secrets.h"
#include "xmalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define FIELD(config, option, kind) \
	((CONFIG_FIELD_##kind *)(void *)((char *)(config) + (option)->offset))
#define CONST_FIELD(config, option, kind)                                     \
	((CONFIG_FIELD_##kind const *)(const void *)((const char *)(config) + \
	    (option)->offset))

void
config_list_add(struct config_list *list, const char *text, size_t len)
{
	list->items =
	    xrealloc(list->items, (list->count + 1) * sizeof(*list->items));
	list->items[list->count++] = xstrndup(text, len);
}

void
config_list_clear(struct config_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct config_list){ 0 };
}

static int
set_text(char **field, const char *text)
{
	free(*field);
	*field = xstrdup(text);
	return 0;
}

static int
set_bounded_text(struct config *config, const struct option *option,
    const char *text, struct error *err)
{
	if (option->max > 0 && strlen(text) > option->max)
		return error_set(
		    err, "", "wants at most %" PRIu64 " bytes", option->max);
	return set_text(FIELD(config, option, TEXT), text);
}

/* Only the shape: the listener finds out whether the host is one of ours. */
static bool
is_address(const char *text)
{
	if (strncmp(text, "unix:", 5) == 0)
		return text[5] != '\0';
	const char *colon = strrchr(text, ':');
	if (!colon || colon == text || strlen(colon + 1) > 5 || !colon[1])
		return false;
	if (strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return false;
	return atoi(colon + 1) <= 65535;
}

static int
set_address(struct config *config, const struct option *option,
    const char *text, struct error *err)
{
	if (!is_address(text))
		return error_set(
		    err, "", "wants ADDR:PORT, [ADDR6]:PORT or unix:PATH");
	return set_text(FIELD(config, option, ADDRESS), text);
}

static int
set_count(struct config *config, const struct option *option, const char *text,
    struct error *err)
{
	char *end = NULL;
	errno = 0;
	uint64_t number = strtoull(text, &end, 10);
	bool is_number = *text >= '0' && *text <= '9' && !*end && !errno;
	if (!is_number || number < option->min || number > option->max)
		return error_set(err, "",
		    "wants a whole number of %s from %" PRIu64 " to %" PRIu64,
		    option->unit, option->min, option->max);
	*FIELD(config, option, COUNT) = number;
	return 0;
}

static int
set_switch(struct config *config, const struct option *option, const char *text,
    struct error *err)
{
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return error_set(err, "", "wants true or false");
	*FIELD(config, option, SWITCH) = text[0] == 't';
	return 0;
}

/* The index of `word` in "off|warn|enforce", or -1. */
static int
word_index(const char *words, const char *word)
{
	int index = 0;
	size_t length = strlen(word);
	while (*words) {
		size_t span = strcspn(words, "|");
		if (span == length && memcmp(words, word, span) == 0)
			return index;
		words += span + (words[span] == '|');
		index++;
	}
	return -1;
}

static int
set_choice(struct config *config, const struct option *option, const char *text,
    struct error *err)
{
	int index = word_index(option->unit, text);
	if (index < 0)
		return error_set(err, "", "wants one of %s", option->unit);
	*FIELD(config, option, CHOICE) = (unsigned)index;
	return 0;
}

static int
set_list(struct config *config, const struct option *option, const char *text)
{
	struct config_list *list = FIELD(config, option, LIST);
	config_list_clear(list);
	while (*text) {
		size_t span = strcspn(text, ",");
		if (span > 0)
			config_list_add(list, text, span);
		text += span + (text[span] == ',');
	}
	return 0;
}

int
config_set(struct config *config, const struct option *option, const char *text,
    enum config_origin origin, struct error *err)
{
	config->origin[option - config_options] = (uint8_t)origin;
	switch (option->type) {
	case OPTION_TEXT:
		return set_bounded_text(config, option, text, err);
	case OPTION_ADDRESS:
		return set_address(config, option, text, err);
	case OPTION_URL:
		return set_text(FIELD(config, option, URL), text);
	case OPTION_COUNT:
		return set_count(config, option, text, err);
	case OPTION_SWITCH:
		return set_switch(config, option, text, err);
	case OPTION_CHOICE:
		return set_choice(config, option, text, err);
	case OPTION_LIST:
	case OPTION_MODES:
		return set_list(config, option, text);
	}
	return -1;
}

/* user:password of a URL become ***, and so does the query. */
static void
print_url(struct buf *out, const char *url)
{
	struct buf text;
	struct url_secrets secrets = url_secrets(view_of(url));
	struct view user = secrets.credentials;
	const char *rest = url;
	buf_init(&text, 0);
	if (user.data) {
		buf_add(&text, view_make(url, (size_t)(user.data - url)));
		buf_add_text(&text, "***");
		rest = user.data + user.len;
	}
	if (secrets.query.data) {
		const char *mark = secrets.query.data - 1;
		if (mark > rest)
			buf_add(&text, view_make(rest, (size_t)(mark - rest)));
		buf_add_text(&text, "?***");
	} else {
		buf_add_text(&text, rest);
	}
	buf_add_json_string(out, buf_view(&text));
	buf_fini(&text);
}

static void
print_choice(struct buf *out, const char *words, unsigned index)
{
	while (index-- > 0)
		words += strcspn(words, "|") + 1;
	buf_add_json_string(out, view_make(words, strcspn(words, "|")));
}

static void
print_list(struct buf *out, const struct config_list *list)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < list->count; i++) {
		buf_add_text(out, i ? ", " : "");
		buf_add_json_string(out, view_of(list->items[i]));
	}
	buf_add_char(out, ']');
}

void
config_value(
    const struct config *config, const struct option *option, struct buf *out)
{
	switch (option->type) {
	case OPTION_TEXT:
	case OPTION_ADDRESS:
		buf_add_json_string(
		    out, view_of(*CONST_FIELD(config, option, TEXT)));
		break;
	case OPTION_URL:
		print_url(out, *CONST_FIELD(config, option, URL));
		break;
	case OPTION_COUNT:
		buf_add_u64(out, *CONST_FIELD(config, option, COUNT));
		break;
	case OPTION_SWITCH:
		buf_add_text(out,
		    *CONST_FIELD(config, option, SWITCH) ? "true" : "false");
		break;
	case OPTION_CHOICE:
		print_choice(
		    out, option->unit, *CONST_FIELD(config, option, CHOICE));
		break;
	case OPTION_LIST:
	case OPTION_MODES:
		print_list(out, CONST_FIELD(config, option, LIST));
		break;
	}
}

bool
config_is_default(const struct config *config, const struct option *option)
{
	switch (option->type) {
	case OPTION_TEXT:
	case OPTION_ADDRESS:
	case OPTION_URL:
		return strcmp(*CONST_FIELD(config, option, TEXT),
			   option->initial) == 0;
	case OPTION_COUNT:
		return *CONST_FIELD(config, option, COUNT) ==
		    strtoull(option->initial, NULL, 10);
	case OPTION_SWITCH:
		return *CONST_FIELD(config, option, SWITCH) ==
		    (option->initial[0] == 't');
	case OPTION_CHOICE:
		return (int)*CONST_FIELD(config, option, CHOICE) ==
		    word_index(option->unit, option->initial);
	case OPTION_LIST:
	case OPTION_MODES:
		return CONST_FIELD(config, option, LIST)->count == 0;
	}
	return false;
}

static bool
lists_are_equal(const struct config_list *one, const struct config_list *other)
{
	if (one->count != other->count)
		return false;
	for (size_t i = 0; i < one->count; i++)
		if (strcmp(one->items[i], other->items[i]) != 0)
			return false;
	return true;
}

bool
config_is_equal(const struct config *one, const struct config *other,
    const struct option *option)
{
	switch (option->type) {
	case OPTION_TEXT:
	case OPTION_ADDRESS:
	case OPTION_URL:
		return strcmp(*CONST_FIELD(one, option, TEXT),
			   *CONST_FIELD(other, option, TEXT)) == 0;
	case OPTION_COUNT:
		return *CONST_FIELD(one, option, COUNT) ==
		    *CONST_FIELD(other, option, COUNT);
	case OPTION_SWITCH:
		return *CONST_FIELD(one, option, SWITCH) ==
		    *CONST_FIELD(other, option, SWITCH);
	case OPTION_CHOICE:
		return *CONST_FIELD(one, option, CHOICE) ==
		    *CONST_FIELD(other, option, CHOICE);
	case OPTION_LIST:
	case OPTION_MODES:
		return lists_are_equal(CONST_FIELD(one, option, LIST),
		    CONST_FIELD(other, option, LIST));
	}
	return false;
}
