/* SPDX-License-Identifier: MIT */
#include "config_parts.h"

#include "exit_code.h"
#include "nearest.h"
#include "xmalloc.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* Words of the `flags` column. */
#define RELOAD OPTION_RELOAD
#define LATER  OPTION_LATER

const struct option config_options[CONFIG_OPTIONS] = {
#define PARAM(name, key, type, initial, min, max, unit, flags, help)         \
	{ key, initial, unit, help, min, max, offsetof(struct config, name), \
		OPTION_##type, flags },
#include "options.def"
#undef PARAM
};

const char *const config_keys[CONFIG_OPTIONS] = {
#define PARAM(name, key, ...) key,
#include "options.def"
#undef PARAM
};

const struct option *
config_find(struct view key)
{
	for (size_t i = 0; i < CONFIG_OPTIONS; i++)
		if (view_is(key, config_options[i].key))
			return &config_options[i];
	return NULL;
}

/* The last step of a dotted key. */
static const char *
leaf_of(const char *key)
{
	const char *dot = strrchr(key, '.');
	return dot ? dot + 1 : key;
}

void
config_suggest(struct view key, char *text, size_t size)
{
	const char *near = nearest_name(key, config_keys, CONFIG_OPTIONS);
	const char *leaves[CONFIG_OPTIONS];
	for (size_t i = 0; i < CONFIG_OPTIONS; i++)
		leaves[i] = leaf_of(config_keys[i]);
	if (!near)
		near = nearest_name(key, leaves, CONFIG_OPTIONS);
	for (size_t i = 0; near && i < CONFIG_OPTIONS; i++)
		if (near == leaves[i])
			near = config_keys[i];
	snprintf(text, size, "%s%s%s", near ? "; did you mean \"" : "",
	    near ? near : "", near ? "\"?" : "");
}

static void
set_defaults(struct config *config)
{
	struct error err;
	*config = (struct config){ .action = CONFIG_RUN };
	for (size_t i = 0; i < CONFIG_OPTIONS; i++)
		config_set(config, &config_options[i],
		    config_options[i].initial, CONFIG_FROM_DEFAULT, &err);
}

void
config_fini(struct config *config)
{
	for (size_t i = 0; i < CONFIG_OPTIONS; i++) {
		const struct option *option = &config_options[i];
		void *field = (char *)config + option->offset;
		if (option->type == OPTION_LIST || option->type == OPTION_MODES)
			config_list_clear(field);
		else if (option->type == OPTION_TEXT ||
		    option->type == OPTION_ADDRESS ||
		    option->type == OPTION_URL)
			free(*(char **)field);
	}
	free(config->file);
	*config = (struct config){ 0 };
}

/* --- flags --- */

/* --limits-frame-bytes and --limits.frame_bytes are limits.frame_bytes. */
static bool
flag_is_key(struct view flag, const char *key)
{
	if (flag.len != strlen(key))
		return false;
	for (size_t i = 0; i < flag.len; i++) {
		char have = flag.data[i] == '-' || flag.data[i] == '.'
		    ? '_'
		    : flag.data[i];
		if (have != (key[i] == '.' ? '_' : key[i]))
			return false;
	}
	return true;
}

static const struct option *
find_flag(struct view flag)
{
	for (size_t i = 0; i < CONFIG_OPTIONS; i++)
		if (flag_is_key(flag, config_options[i].key))
			return &config_options[i];
	return NULL;
}

static bool
find_action(struct view flag, enum config_action *action_r)
{
	static const struct {
		const char *flag;
		enum config_action action;
	} actions[] = {
#define PARAM(...)
#define ACTION(name, flag, help) { flag, CONFIG_##name },
#include "options.def"
#undef ACTION
#undef PARAM
	};
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (!view_is(flag, actions[i].flag))
			continue;
		*action_r = actions[i].action;
		return true;
	}
	return false;
}

static int
unknown_flag(struct view flag, struct error *err)
{
	char key[64];
	char suggestion[128];
	size_t length = flag.len < sizeof(key) ? flag.len : sizeof(key) - 1;
	for (size_t i = 0; i < length; i++)
		key[i] = (char)(flag.data[i] == '-' ? '_' : flag.data[i]);
	config_suggest(view_make(key, length), suggestion, sizeof(suggestion));
	return error_set(err, "", "unknown flag --%.*s%s; see relayd --help",
	    (int)length, flag.data, suggestion);
}

/* One argument: "--flag=value", or "--flag" and its value in `next`.
 * Returns how many arguments were used, or -1. The first pass (`config_only`)
 * looks for --config and checks the names. */
static int
read_flag(struct config *config, const char *argument, const char *next,
    bool config_only, struct error *err)
{
	if (strcmp(argument, "true") == 0 || strcmp(argument, "false") == 0)
		return error_set(err, "",
		    "unexpected argument \"%s\"; a switch takes its value as "
		    "--flag=%s",
		    argument, argument);
	if (strncmp(argument, "--", 2) != 0 || !argument[2])
		return error_set(err, "",
		    "unexpected argument \"%.64s\"; see relayd --help",
		    argument);
	const char *equals = strchr(argument, '=');
	struct view flag = view_make(argument + 2,
	    equals ? (size_t)(equals - argument - 2) : strlen(argument + 2));
	if (find_action(flag, &config->action) && !equals)
		return 1;
	const struct option *option = find_flag(flag);
	bool is_file = view_is(flag, "config");
	if (!option && !is_file)
		return unknown_flag(flag, err);
	bool is_bare = option && option->type == OPTION_SWITCH && !equals;
	const char *value = equals ? equals + 1 : is_bare ? "true" : next;
	if (!value)
		return error_set(err, "", "%s wants a value", argument);
	if (is_file && config_only) {
		free(config->file);
		config->file = xstrdup(value);
	}
	if (option && !config_only &&
	    config_set(config, option, value, CONFIG_FROM_FLAG, err) == -1) {
		snprintf(err->where, sizeof(err->where), "--%.*s",
		    (int)flag.len, flag.data);
		return -1;
	}
	return equals || is_bare ? 1 : 2;
}

static int
read_flags(struct config *config, int argc, char *const *argv, bool config_only,
    struct error *err)
{
	for (int i = 1; i < argc;) {
		int used = read_flag(config, argv[i],
		    i + 1 < argc ? argv[i + 1] : NULL, config_only, err);
		if (used < 0)
			return -1;
		i += used;
	}
	return 0;
}

/* --- environment --- */

static void
environment_name(const char *key, char name[128])
{
	size_t length = (size_t)snprintf(name, 128, "RELAY_%s", key);
	for (size_t i = 0; i < length; i++)
		name[i] =
		    (char)(name[i] == '.' ? '_' : toupper((uint8_t)name[i]));
}

int
config_read_environment(struct config *config, struct error *err)
{
	for (size_t i = 0; i < CONFIG_OPTIONS; i++) {
		char name[128];
		environment_name(config_options[i].key, name);
		const char *text = getenv(name);
		if (!text)
			continue;
		if (config_set(config, &config_options[i], text,
			CONFIG_FROM_ENVIRONMENT, err) == -1) {
			snprintf(err->where, sizeof(err->where), "%s", name);
			return -1;
		}
	}
	return 0;
}

/* --- defaults that depend on others --- */

static void
fill(char **field, char *take_text)
{
	free(*field);
	*field = take_text;
}

static char *
default_state_dir(void)
{
	char path[4096];
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	if (state && *state == '/')
		snprintf(path, sizeof(path), "%s/relayd", state);
	else
		snprintf(path, sizeof(path), "%s/.local/state/relayd",
		    home && *home ? home : "/var/lib");
	return xstrdup(path);
}

static void
fill_defaults(struct config *config, const char *bundled_contract)
{
	if (!*config->state_dir)
		fill(&config->state_dir, default_state_dir());
	if (!*config->contract)
		fill(&config->contract, xstrdup(bundled_contract));
	if (!*config->commands_stream) {
		char name[512];
		snprintf(
		    name, sizeof(name), "%scommands", config->redis_prefix);
		fill(&config->commands_stream, xstrdup(name));
	}
}

int
config_read(struct config *config, int argc, char *const *argv,
    const char *bundled_contract, struct error *err)
{
	set_defaults(config);
	const char *file = getenv("RELAY_CONFIG");
	config->file = file && *file ? xstrdup(file) : NULL;
	if (read_flags(config, argc, argv, true, err) == -1)
		return EXIT_CODE_USAGE;
	/* These two answer whatever the config file holds. */
	bool is_plain =
	    config->action == CONFIG_HELP || config->action == CONFIG_VERSION;
	if (config->file && !is_plain &&
	    config_read_file(config, config->file, err) == -1)
		return EXIT_CODE_CONFIG;
	if (config_read_environment(config, err) == -1 && !is_plain)
		return EXIT_CODE_CONFIG;
	if (read_flags(config, argc, argv, false, err) == -1)
		return EXIT_CODE_USAGE;
	fill_defaults(config, bundled_contract);
	return 0;
}

int
config_check(const struct config *config, struct error *err)
{
	for (size_t i = 0; i < CONFIG_OPTIONS; i++) {
		const struct option *option = &config_options[i];
		if (!(option->flags & OPTION_LATER) ||
		    config_is_default(config, option))
			continue;
		error_set(err, option->key,
		    "not yet available in this version; leave it at its "
		    "default");
		return EXIT_CODE_CONFIG;
	}
	bool is_prefix = strpbrk(config->redis_prefix, "{}") != NULL;
	if (is_prefix || strpbrk(config->commands_stream, "{}")) {
		error_set(err, is_prefix ? "redis_prefix" : "commands.stream",
		    "braces would move keys to another slot; leave them out");
		return EXIT_CODE_CONFIG;
	}
	return 0;
}

const char *
config_needs_restart(const struct config *now, const struct config *next)
{
	for (size_t i = 0; i < CONFIG_OPTIONS; i++) {
		const struct option *option = &config_options[i];
		if (!(option->flags & OPTION_RELOAD) &&
		    !config_is_equal(now, next, option))
			return option->key;
	}
	return NULL;
}
