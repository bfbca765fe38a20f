/* SPDX-License-Identifier: MIT */

/* Any bytes as the config file: refused with file and reason, or read; and
 * what was read, written as a file, is read as the same again. */

#include "config_parts.h"
#include "fuzz.h"
#include "reference_report.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static char path[64];
static int file = -1;

static void
put(struct view text)
{
	if (file == -1) {
		file = memfd_create("config", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	}
	must(ftruncate(file, 0) == 0);
	must(pwrite(file, text.data, text.len, 0) == (ssize_t)text.len);
}

/* "limits.frame_bytes" is written as {"limits": {"frame_bytes": …}}, one
 * option alone, since a later one may hang on nothing but its own text. */
static void
write_one(
    const struct config *config, const struct option *option, struct buf *out)
{
	const char *dot = strchr(option->key, '.');
	buf_clear(out);
	if (dot)
		buf_addf(out, "{\"%.*s\":{\"%s\":", (int)(dot - option->key),
		    option->key, dot + 1);
	else
		buf_addf(out, "{\"%s\":", option->key);
	config_value(config, option, out);
	buf_add_text(out, dot ? "}}" : "}");
	must_be_json(buf_view(out));
}

static void
check_again(const struct config *config)
{
	struct buf out;
	struct error err = { 0 };
	buf_init(&out, 0);
	for (size_t i = 0; i < CONFIG_OPTIONS; i++) {
		const struct option *option = &config_options[i];
		struct config again = { 0 };
		if (config->origin[i] != CONFIG_FROM_FILE)
			continue;
		write_one(config, option, &out);
		/* Secrets are left out there, and modes are written as the
		 * list that flags take. */
		if (option->type == OPTION_URL || option->type == OPTION_MODES)
			continue;
		put(buf_view(&out));
		must(config_read_file(&again, path, &err) == 0);
		must(config_is_equal(config, &again, option));
		config_fini(&again);
	}
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config = { 0 };
	struct error err = { 0 };
	put(view_make(data, size));
	int status = config_read_file(&config, path, &err);
	if (status == 0)
		check_again(&config);
	else
		must(err.message[0] && strncmp(err.where, path, 14) == 0);
	config_fini(&config);
	return 0;
}
