/* SPDX-License-Identifier: MIT */
#include "config_parts.h"

#include <ctype.h>
#include <inttypes.h>

/* limits.frame_bytes -> limits-frame-bytes or LIMITS_FRAME_BYTES. */
static void
add_flag(struct buf *out, const char *key)
{
	for (; *key; key++)
		buf_add_char(out, *key == '.' || *key == '_' ? '-' : *key);
}

static void
add_variable(struct buf *out, const char *key)
{
	buf_add_text(out, "RELAY_");
	for (; *key; key++)
		buf_add_char(
		    out, (char)(*key == '.' ? '_' : toupper((uint8_t)*key)));
}

static void
add_limits(struct buf *out, const struct option *option)
{
	if (option->type == OPTION_COUNT)
		buf_addf(out, "%" PRIu64 " to %" PRIu64 " %s", option->min,
		    option->max, option->unit);
	else if (option->type == OPTION_SWITCH)
		buf_add_text(out, "true|false");
	else
		buf_add_text(out, option->unit);
}

static void
help_option(const struct option *option, struct buf *out)
{
	buf_add_text(out, "  --");
	add_flag(out, option->key);
	if (option->type != OPTION_SWITCH) {
		buf_add_char(out, ' ');
		buf_add_text(
		    out, option->type == OPTION_COUNT ? "N" : option->unit);
	}
	buf_addf(out, "\n        %s", option->help);
	if (option->type == OPTION_COUNT) {
		buf_add_text(out, " [");
		add_limits(out, option);
		buf_add_char(out, ']');
	}
	if (*option->initial)
		buf_addf(out, " Default: %s.", option->initial);
	if (option->flags & OPTION_LATER)
		buf_add_text(out, " Not yet available.");
	buf_add_char(out, '\n');
}

void
config_help(struct buf *out)
{
	buf_add_text(out,
	    "relayd: WebSocket clients on one side, Redis streams on the "
	    "other.\n\n"
	    "Usage: relayd [--flag VALUE | --flag=VALUE]...\n\n"
	    "Every flag is also a key of the config file (dots nest: "
	    "--log-level "
	    "is\n{\"log\": {\"level\": ...}}) and an environment variable "
	    "(RELAY_LOG_LEVEL).\nPrecedence: flag, environment, file, "
	    "default.\n\n"
	    "  --config FILE\n        JSON, comments allowed.\n");
#define PARAM(...)
#define ACTION(name, flag, help) \
	buf_add_text(out, "  --" flag "\n        " help "\n");
#include "options.def"
#undef ACTION
#undef PARAM
	buf_add_text(out, "\nOptions:\n");
	for (size_t i = 0; i < CONFIG_OPTIONS; i++)
		help_option(&config_options[i], out);
}

static void
add_origin(const struct config *config, size_t index, struct buf *out)
{
	const char *key = config_options[index].key;
	switch ((enum config_origin)config->origin[index]) {
	case CONFIG_FROM_DEFAULT:
		buf_add_text(out, "default");
		break;
	case CONFIG_FROM_FILE:
		buf_addf(out, "file %s", config->file);
		break;
	case CONFIG_FROM_ENVIRONMENT:
		buf_add_text(out, "environment ");
		add_variable(out, key);
		break;
	case CONFIG_FROM_FLAG:
		buf_add_text(out, "flag --");
		add_flag(out, key);
		break;
	}
}

void
config_print(const struct config *config, struct buf *out)
{
	for (size_t i = 0; i < CONFIG_OPTIONS; i++) {
		buf_addf(out, "%s = ", config_options[i].key);
		config_value(config, &config_options[i], out);
		buf_add_text(out, "  (");
		add_origin(config, i, out);
		buf_add_text(out, ")\n");
	}
}

/* A cell of a Markdown table: bars are escaped. */
static void
add_cell(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			buf_add_char(out, '\\');
		buf_add_char(out, *text);
	}
}

void
config_table(struct buf *out)
{
	buf_add_text(out,
	    "| Key | Meaning | Values | Default |\n"
	    "| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < CONFIG_OPTIONS; i++) {
		const struct option *option = &config_options[i];
		struct buf limits;
		buf_init(&limits, 0);
		add_limits(&limits, option);
		buf_add_char(&limits, '\0');
		buf_addf(out, "| `%s` | ", option->key);
		add_cell(out, option->help);
		if (option->flags & OPTION_LATER)
			buf_add_text(out, " *Not yet available.*");
		buf_add_text(out, " | ");
		add_cell(out, limits.data);
		buf_addf(out, " | %s%s%s |\n", *option->initial ? "`" : "",
		    option->initial, *option->initial ? "`" : "");
		buf_fini(&limits);
	}
}

/* --- the JSON Schema of the config file --- */

static void
schema_words(struct buf *out, const char *words)
{
	buf_add_text(out, "\"enum\": [");
	while (*words) {
		size_t span = strcspn(words, "|");
		buf_addf(out, "\"%.*s\"%s", (int)span, words,
		    words[span] ? ", " : "]");
		words += span + (words[span] == '|');
	}
}

static void
schema_type(struct buf *out, const struct option *option)
{
	switch (option->type) {
	case OPTION_TEXT:
	case OPTION_ADDRESS:
	case OPTION_URL:
		buf_add_text(out, "\"type\": \"string\"");
		break;
	case OPTION_COUNT:
		buf_addf(out,
		    "\"type\": \"integer\", \"minimum\": %" PRIu64
		    ", \"maximum\": %" PRIu64,
		    option->min, option->max);
		break;
	case OPTION_SWITCH:
		buf_add_text(out, "\"type\": \"boolean\"");
		break;
	case OPTION_CHOICE:
		schema_words(out, option->unit);
		break;
	case OPTION_LIST:
		buf_add_text(out,
		    "\"type\": \"array\", "
		    "\"items\": {\"type\": \"string\"}");
		break;
	case OPTION_MODES:
		buf_add_text(out,
		    "\"type\": \"object\", \"additionalProperties\": "
		    "{\"oneOf\": [{");
		schema_words(out, "off|warn|enforce");
		buf_add_text(out,
		    "}, {\"type\": \"object\", "
		    "\"additionalProperties\": {");
		schema_words(out, "off|warn|enforce");
		buf_add_text(out, "}}]}");
		break;
	}
}

static void
schema_member(struct buf *out, const struct option *option, const char *name,
    const char *indent)
{
	buf_addf(out, "%s\"%s\": {", indent, name);
	schema_type(out, option);
	buf_add_text(out, ", \"description\": ");
	buf_add_json_string(out, view_of(option->help));
	buf_add_char(out, '}');
}

/* The members of one group; the lines of a group stand together. `mode` is the
 * option that the whole group is named after, or NULL. Returns the index behind
 * the last one. */
static size_t
schema_group(struct buf *out, size_t i, const struct option *mode)
{
	size_t length = strcspn(config_keys[i], ".") + 1;
	const char *group = config_keys[i];
	const char *comma = "";
	buf_add_text(out,
	    "{\"type\": \"object\", \"additionalProperties\": "
	    "false, \"properties\": {\n");
	if (mode) {
		schema_member(out, mode, "mode", "      ");
		comma = ",\n";
	}
	for (; i < CONFIG_OPTIONS; i++) {
		if (strncmp(config_keys[i], group, length) != 0)
			break;
		buf_add_text(out, comma);
		schema_member(
		    out, &config_options[i], config_keys[i] + length, "      ");
		comma = ",\n";
	}
	buf_add_text(out, "\n    }}");
	return i;
}

/* auth is a word or a group: {"auth": "off"}, {"auth": {"mode": "off"}}. */
static size_t
schema_value_or_group(struct buf *out, size_t i)
{
	buf_addf(out, "    \"%s\": {\"anyOf\": [{", config_keys[i]);
	schema_type(out, &config_options[i]);
	buf_add_text(out, "},\n    ");
	i = schema_group(out, i + 1, &config_options[i]);
	buf_add_text(out, "]}");
	return i;
}

static bool
starts_group(size_t i)
{
	size_t length = strlen(config_keys[i]);
	return i + 1 < CONFIG_OPTIONS &&
	    strncmp(config_keys[i + 1], config_keys[i], length) == 0 &&
	    config_keys[i + 1][length] == '.';
}

void
config_schema(struct buf *out)
{
	buf_add_text(out,
	    "{\n  \"$schema\": "
	    "\"https://json-schema.org/draft/2020-12/schema\","
	    "\n  \"title\": \"The config file of relayd\",\n"
	    "  \"$comment\": \"Generated from relay/base/options.def.\",\n"
	    "  \"type\": \"object\",\n  \"additionalProperties\": false,\n"
	    "  \"properties\": {\n");
	for (size_t i = 0; i < CONFIG_OPTIONS;) {
		buf_add_text(out, i ? ",\n" : "");
		const char *dot = strchr(config_keys[i], '.');
		if (starts_group(i)) {
			i = schema_value_or_group(out, i);
		} else if (dot) {
			buf_addf(out,
			    "    \"%.*s\": ", (int)(dot - config_keys[i]),
			    config_keys[i]);
			i = schema_group(out, i, NULL);
		} else {
			schema_member(
			    out, &config_options[i], config_keys[i], "    ");
			i++;
		}
	}
	buf_add_text(out, "\n  }\n}\n");
}
