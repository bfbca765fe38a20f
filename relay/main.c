/* SPDX-License-Identifier: MIT */

/*
 * relayd: reads what it was told, checks it, and runs the daemon. Every failure
 * ends in one line on stderr that says what to do, and in its own exit code.
 */

#include "bundled.h"
#include "config.h"
#include "contract.h"
#include "daemon.h"
#include "exit_code.h"
#include "log.h"
#include "redis_link.h"
#include "versions.h"

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

static int
run(const struct config *config, const struct contract *contract,
    const struct redis_target *redis)
{
	struct error err = { 0 };
	if (config->action == CONFIG_CHECK) {
		printf("configuration and contract %s/%s are fine\n",
		    contract->name, contract->version);
		return 0;
	}
	int code = daemon_run(config, contract, redis, RELAY_VERSION, &err);
	return err.message[0] ? fail(code, &err) : code;
}

static int
check_and_run(const struct config *config)
{
	struct error err = { 0 };
	struct redis_target target = { 0 };
	bool is_given = *config->redis;
	int code = config_check(config, &err);
	if (code == 0)
		code = daemon_check(config, &err);
	if (code)
		return fail(code, &err);
	if (is_given &&
	    redis_target_parse(&target, view_of(config->redis), &err) == -1)
		return fail(EXIT_CODE_REDIS, &err);
	struct contract *contract = contract_load(config->contract, &err);
	if (!contract) {
		redis_target_fini(&target);
		return fail(EXIT_CODE_CONTRACT, &err);
	}
	log_setup((enum log_level)config->log_level,
	    (enum log_format)config->log_format);
	code = run(config, contract, is_given ? &target : NULL);
	contract_free(&contract);
	redis_target_fini(&target);
	return code;
}

static int
act(const struct config *config)
{
	switch (config->action) {
	case CONFIG_HELP:
		return print_help();
	case CONFIG_VERSION:
		return print_version(config);
	case CONFIG_PRINT:
		return print_config(config);
	case CONFIG_CHECK:
	case CONFIG_RUN:
		return check_and_run(config);
	}
	return EXIT_CODE_BUG;
}

int
main(int argc, char **argv)
{
	char contract[PATH_MAX];
	struct config config;
	struct error err = { 0 };
	bundled_contract(contract, sizeof(contract));
	int code = config_read(&config, argc, argv, contract, &err);
	code = code ? fail(code, &err) : act(&config);
	config_fini(&config);
	return code;
}
