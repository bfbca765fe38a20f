/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_HELPER_H
#define CONFIG_HELPER_H

/* What the tests of the configuration share: flags and a file of their own. */

#include "config.h"

#include "exit_code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define BUNDLED "/bundled"

static char file_path[64];

/* Writes the text to a file of its own and returns its path. */
static inline const char *
config_file(const char *text)
{
	snprintf(file_path, sizeof(file_path), "/tmp/test_config.XXXXXX");
	int fd = mkstemp(file_path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	return file_path;
}

static inline int
read_with(struct config *config, struct error *err, const char *a,
    const char *b, const char *c, const char *d)
{
	const char *argv[] = { "relayd", a, b, c, d, NULL };
	int argc = 1;
	while (argv[argc])
		argc++;
	*err = (struct error){ 0 };
	return config_read(
	    config, argc, (char *const *)(uintptr_t)argv, BUNDLED, err);
}

static inline int
read_file(struct config *config, struct error *err, const char *text)
{
	int code =
	    read_with(config, err, "--config", config_file(text), NULL, NULL);
	unlink(file_path);
	return code;
}

#endif
