/* SPDX-License-Identifier: MIT */

/*
 * relayd: reads what it was told, checks it, and runs the daemon. Every failure
 * ends in one line on stderr that says what to do, and in its own exit code.
 */

#include "bundled.h"
#include "confine.h"
#include "daemon.h"
#include "exit_code.h"
#include "log.h"
#include "redis_link.h"
#include "versions.h"
#include "words.h"

#include <limits.h>
#include <stdio.h>

static int
fail(int code, const struct error *err)
{
	fprintf(stderr, "relayd: %s%s%s\n", err->where,
	    err->where[0] ? ": " : "", err->message);
	return code;
}

static int
print(struct buf *text)
{
	fwrite(text->data, 1, text->len, stdout);
	buf_fini(text);
	return fflush(stdout) == 0 ? 0 : EXIT_CODE_BUG;
}

static int
print_help(void)
{
	struct buf text;
	buf_init(&text, 0);
	config_help(&text);
	return print(&text);
}

static int
print_config(const struct config *config)
{
	struct buf text;
	buf_init(&text, 0);
	config_print(config, &text);
	return print(&text);
}

static int
print_version(const struct config *config)
{
	struct buf text;
	struct error err;
	buf_init(&text, 0);
	buf_addf(&text, "relayd %s\n", RELAY_VERSION);
	struct contract *contract = contract_load(config->contract, &err);
	if (contract)
		buf_addf(&text, "contract %s/%s %s\n", contract->name,
		    contract->version, contract->hash);
	else
		buf_addf(&text, "contract unusable: %s: %s\n", err.where,
		    err.message);
	contract_free(&contract);
	versions_print(&text);
	return print(&text);
}

/* Where everything was read from, to be read again on SIGHUP. */
struct sources {
	int argc;
	char *const *argv;
	const char *bundled_contract;
};

static struct settings *
read_again(void *arg, struct error *err)
{
	const struct sources *sources = arg;
	int code;
	return settings_read(sources->argc, sources->argv,
	    sources->bundled_contract, &code, err);
}

static int
run(struct settings *settings, struct sources *sources, struct error *err)
{
	struct redis_target target = { 0 };
	const struct config *config = &settings->config;
	struct daemon_plan plan = { .settings = settings,
		.redis = *config->redis ? &target : NULL,
		.version = RELAY_VERSION,
		.read_again = read_again,
		.arg = sources };
	if (plan.redis &&
	    redis_target_parse(&target, view_of(config->redis), err) == -1)
		return EXIT_CODE_REDIS;
	if (config->action == CONFIG_CHECK) {
		printf("configuration and contract %s are fine\n",
		    settings->contract_id);
		redis_target_fini(&target);
		return 0;
	}
	if (config->action == CONFIG_PROBE) {
		int probed = confine_probe(config, plan.redis, err);
		redis_target_fini(&target);
		return probed;
	}
	log_setup((enum log_level)config->log_level,
	    (enum log_format)config->log_format,
	    (unsigned)config->limits_log_lines);
	int code = daemon_run(&plan, err);
	redis_target_fini(&target);
	return code;
}

static int
check_and_run(struct config *config, struct sources *sources)
{
	struct error err = { 0 };
	int code = daemon_check(config, &err);
	if (code)
		return fail(code, &err);
	struct settings *settings = settings_new(config, &code, &err);
	if (settings)
		code = run(settings, sources, &err);
	settings_release(&settings);
	return err.message[0] ? fail(code, &err) : code;
}

static int
act(struct config *config, struct sources *sources)
{
	switch (config->action) {
	case CONFIG_HELP:
		return print_help();
	case CONFIG_VERSION:
		return print_version(config);
	case CONFIG_PRINT:
		return print_config(config);
	case CONFIG_CHECK:
	case CONFIG_PROBE:
	case CONFIG_RUN:
		return check_and_run(config, sources);
	}
	return EXIT_CODE_BUG;
}

int
main(int argc, char **argv)
{
	char contract[PATH_MAX];
	struct config config;
	struct error err = { 0 };
	char **words = words_hide(argc, argv);
	struct sources sources = { argc, words, contract };
	bundled_contract(contract, sizeof(contract));
	int code = config_read(&config, argc, words, contract, &err);
	code = code ? fail(code, &err) : act(&config, &sources);
	config_fini(&config);
	words_free(&words);
	return code;
}
