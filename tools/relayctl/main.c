/* SPDX-License-Identifier: MIT */

/* relayctl: finds the command, lets it run, prints the envelope. */

#include "ctl.h"

#include "nearest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct command {
	const char *words;
	int (*run)(struct ctl *ctl); /* NULL: no version has it yet */
	const char *usage;
	const char *help;
};

static const struct command commands[] = {
#define COMMAND(words, handler, usage, help) { words, handler, usage, help },
#define LATER(words, help)                   { words, NULL, "", help },
#include "commands.def"
#undef COMMAND
#undef LATER
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

struct invocation {
	struct ctl ctl;
	bool help;
	bool version;
	const char
	    *lacks_value; /* a global option at the end, or before another */
};

/* --- help --- */

static void
add_command(struct buf *out, const struct command *command)
{
	buf_addf(out, "  %-20s %s%s\n", command->words, command->help,
	    command->run ? "" : " (not yet available)");
}

/* "contract" is the group of "contract lint"; NULL is everything. */
static bool
is_in_group(const struct command *command, const char *group)
{
	size_t length = group ? strlen(group) : 0;
	return !group ||
	    (strncmp(command->words, group, length) == 0 &&
		command->words[length] == ' ');
}

static void
add_usage(struct buf *out, const char *group)
{
	buf_add_text(out,
	    "usage: relayctl [--json] [--relay ADDR] [--redis URL] "
	    "[--config FILE] COMMAND ...\n\ncommands:\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (is_in_group(&commands[i], group))
			add_command(out, &commands[i]);
	buf_add_text(
	    out, "\nrelayctl COMMAND --help tells what a command takes.\n");
	buf_add_text(out,
	    "\n  --json         one JSON object on stdout and nothing else\n"
	    "  --relay ADDR   admin address of the relay; else "
	    "RELAY_ADMIN_LISTEN\n"
	    "  --redis URL    else RELAY_REDIS\n"
	    "  --config FILE  the relay's config file\n"
	    "\nexit codes: 0 fine, 1 findings, 2 usage, 3 input unreadable, "
	    "4 unreachable\n");
}

/* A text as the command's whole answer. */
static void
answer(struct ctl *ctl, const char *name, struct view text)
{
	ctl_printf(ctl, "%.*s", (int)text.len, text.data);
	buf_addf(&ctl->result, "{\"%s\":", name);
	while (text.len && text.data[text.len - 1] == '\n')
		text.len--;
	buf_add_json_string(&ctl->result, text);
	buf_add_char(&ctl->result, '}');
}

static int
show_help(struct ctl *ctl, const struct command *command, const char *group)
{
	struct buf text;
	buf_init(&text, 0);
	if (command)
		buf_addf(&text,
		    "usage: relayctl %s %s\n%s\nEvery command takes: [--json] "
		    "[--relay ADDR] [--redis URL] [--config FILE]\n",
		    command->words, command->usage, command->help);
	else
		add_usage(&text, group);
	answer(ctl, "help", buf_view(&text));
	buf_fini(&text);
	return CTL_FINE;
}

static int
show_version(struct ctl *ctl)
{
	if (ctl->json)
		answer(ctl, "version", view_of(RELAY_VERSION));
	else
		ctl_printf(ctl, "relayctl %s\n", RELAY_VERSION);
	return CTL_FINE;
}

/* --- finding the command --- */

/* Words of the command that argv begins with; 0: it does not. */
static int
matching_words(const struct command *command, int argc, char **argv)
{
	struct view first = view_of(command->words);
	const char *space = strchr(command->words, ' ');
	if (space)
		first.len = (size_t)(space - command->words);
	if (argc < 1 || !view_is(first, argv[0]))
		return 0;
	if (!space)
		return 1;
	return argc >= 2 && strcmp(space + 1, argv[1]) == 0 ? 2 : 0;
}

static const struct command *
find_command(int argc, char **argv, int *words_r)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		*words_r = matching_words(&commands[i], argc, argv);
		if (*words_r)
			return &commands[i];
	}
	return NULL;
}

static bool
is_group(const char *word)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (is_in_group(&commands[i], word))
			return true;
	}
	return false;
}

static const char *
nearest_command(int argc, char **argv)
{
	char typed[128];
	const char *names[COMMAND_COUNT];
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		names[i] = commands[i].words;
	snprintf(
	    typed, sizeof(typed), "%s %s", argv[0], argc > 1 ? argv[1] : "");
	const char *near = nearest_name(view_of(typed), names, COMMAND_COUNT);
	if (near)
		return near;
	return nearest_name(view_of(argv[0]), names, COMMAND_COUNT);
}

/* Something like an option where the command should stand. */
static int
unknown_global(struct ctl *ctl, const char *option)
{
	static const char *const names[] = { "--json", "--help", "--version",
		"--relay", "--redis", "--config" };
	size_t count = sizeof(names) / sizeof(names[0]);
	size_t length = strcspn(option, "=");
	const char *near =
	    nearest_name(view_make(option, length), names, count);
	if (near)
		ctl_fix(ctl, "did you mean %s?", near);
	return ctl_fail(ctl, CTL_USAGE, "usage", "unknown option %.*s",
	    (int)length, option);
}

static int
unknown_command(struct ctl *ctl, int argc, char **argv)
{
	bool in_group = argc > 0 && is_group(argv[0]);
	ctl_fix(ctl, "relayctl %s%s--help lists the commands",
	    in_group ? argv[0] : "", in_group ? " " : "");
	if (argc == 0)
		return ctl_fail(ctl, CTL_USAGE, "usage", "no command");
	if (argv[0][0] == '-')
		return unknown_global(ctl, argv[0]);
	if (in_group && argc == 1)
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "%s is a group of commands: name one of them", argv[0]);
	const char *near = nearest_command(argc, argv);
	if (near)
		ctl_fix(ctl, "did you mean relayctl %s?", near);
	return ctl_fail(ctl, CTL_USAGE, "unknown_command",
	    "unknown command %s%s%s", argv[0], in_group ? " " : "",
	    in_group ? argv[1] : "");
}

static int
run_command(struct invocation *invocation)
{
	struct ctl *ctl = &invocation->ctl;
	int words = 0;
	const struct command *command =
	    find_command(ctl->argc, ctl->argv, &words);
	if (invocation->lacks_value)
		return ctl_fail(ctl, CTL_USAGE, "usage", "%s needs a value",
		    invocation->lacks_value);
	if (invocation->version && ctl->argc == 0)
		return show_version(ctl);
	bool is_named_alone = ctl->argc == 1 && is_group(ctl->argv[0]);
	if (invocation->help && (command || ctl->argc == 0 || is_named_alone))
		return show_help(ctl, command, ctl->argv[0]);
	if (!command)
		return unknown_command(ctl, ctl->argc, ctl->argv);
	ctl->command = command->words;
	ctl->usage = command->usage;
	if (!command->run)
		return ctl_fail(ctl, CTL_USAGE, "not_available",
		    "not yet available in version %s", RELAY_VERSION);
	ctl->argc -= words;
	ctl->argv += words;
	return command->run(ctl);
}

/* --- global options --- */

/* True when argv[*i] is one of ours; *i moves onto its value. */
static bool
take_global(struct invocation *invocation, int argc, char **argv, int *i)
{
	struct ctl *ctl = &invocation->ctl;
	const struct {
		const char *name;
		bool *flag;
		const char **value;
	} globals[] = {
		{ "--json", &ctl->json, NULL },
		{ "--help", &invocation->help, NULL },
		{ "-h", &invocation->help, NULL },
		{ "--version", &invocation->version, NULL },
		{ "--relay", NULL, &ctl->relay },
		{ "--redis", NULL, &ctl->redis },
		{ "--config", NULL, &ctl->config },
	};
	for (size_t n = 0; n < sizeof(globals) / sizeof(globals[0]); n++) {
		size_t length = strlen(globals[n].name);
		if (strncmp(argv[*i], globals[n].name, length) != 0)
			continue;
		char behind = argv[*i][length];
		if (globals[n].flag && behind == '\0')
			*globals[n].flag = true;
		else if (globals[n].value && behind == '=')
			*globals[n].value = argv[*i] + length + 1;
		else if (globals[n].value && behind == '\0' &&
		    (*i + 1 >= argc || strncmp(argv[*i + 1], "--", 2) == 0))
			invocation->lacks_value = globals[n].name;
		else if (globals[n].value && behind == '\0')
			*globals[n].value = argv[++*i];
		else
			continue;
		return true;
	}
	return false;
}

/* Global options may stand anywhere before "--"; the rest is left in order. */
static void
parse_globals(struct invocation *invocation, int argc, char **argv)
{
	int kept = 0;
	bool looking = true;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0)
			looking = false;
		if (looking && take_global(invocation, argc, argv, &i))
			continue;
		argv[kept++] = argv[i];
	}
	argv[kept] = NULL;
	invocation->ctl.argc = kept;
	invocation->ctl.argv = argv;
}

/* --- the answer --- */

static void
add_advice(struct buf *out, const struct ctl_advice *advice)
{
	for (size_t i = 0; i < advice->count; i++) {
		buf_add_char(out, i == 0 ? '[' : ',');
		buf_add_json_string(out, view_of(advice->items[i]));
	}
	buf_add_text(out, advice->count ? "]" : "[]");
}

static void
free_advice(struct ctl_advice *advice)
{
	for (size_t i = 0; i < advice->count; i++)
		free(advice->items[i]);
}

static void
print_envelope(struct ctl *ctl, int exit_code)
{
	struct buf out;
	buf_init(&out, 0);
	buf_addf(&out, "{\"ok\":%s,\"command\":",
	    exit_code == CTL_FINE ? "true" : "false");
	buf_add_json_string(&out, view_of(ctl->command));
	buf_add_text(&out, ",\"result\":");
	buf_add(
	    &out, ctl->result.len ? buf_view(&ctl->result) : view_of("null"));
	if (ctl->error.where[0]) {
		buf_add_text(&out, ",\"error\":{\"code\":");
		buf_add_json_string(&out, view_of(ctl->error.where));
		buf_add_text(&out, ",\"message\":");
		buf_add_json_string(&out, view_of(ctl->error.message));
		buf_add_char(&out, '}');
	}
	buf_add_text(&out, ",\"fix\":");
	add_advice(&out, &ctl->fix);
	buf_add_text(&out, ",\"next\":");
	add_advice(&out, &ctl->next);
	buf_add_text(&out, "}\n");
	fwrite(out.data, 1, out.len, stdout);
	buf_fini(&out);
}

static void
print_advice(const char *label, const struct ctl_advice *advice)
{
	for (size_t i = 0; i < advice->count; i++)
		fprintf(stderr, "%s: %s\n", label, advice->items[i]);
}

static void
print_text(struct ctl *ctl)
{
	fflush(stdout);
	if (ctl->error.where[0])
		fprintf(stderr, "relayctl%s%s: %s\n",
		    ctl->command[0] ? " " : "", ctl->command,
		    ctl->error.message);
	print_advice("fix", &ctl->fix);
	print_advice("next", &ctl->next);
}

static bool
wants_color(void)
{
	const char *off = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	return isatty(STDOUT_FILENO) && !(off && off[0]) &&
	    !(term && strcmp(term, "dumb") == 0);
}

int
main(int argc, char **argv)
{
	struct invocation invocation = { .ctl = { .command = "" } };
	struct ctl *ctl = &invocation.ctl;
	parse_globals(&invocation, argc, argv);
	ctl->color = !ctl->json && wants_color();
	int exit_code = run_command(&invocation);
	if (ctl->json)
		print_envelope(ctl, exit_code);
	else
		print_text(ctl);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("relayctl: stdout");
		exit_code = CTL_INPUT;
	}
	buf_fini(&ctl->result);
	buf_wipe(&ctl->address);
	free_advice(&ctl->fix);
	free_advice(&ctl->next);
	return exit_code;
}
