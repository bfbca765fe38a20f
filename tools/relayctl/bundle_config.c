/* SPDX-License-Identifier: MIT */

/*
 * The configuration as relayd would read it here, and with it every secret that
 * the rest of the report must not show: of URLs, of the environment, of files
 * that the configuration names.
 */

#include "bundle.h"
#include "bundled.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_FILE_MAX 65536
#define SECRET_LINE_MIN 16 /* of a key in a file of several lines */

extern char **environ;

/* --- what must not be shown --- */

static bool
names_a_secret(struct view name)
{
	static const char *const words[] = { "PASS", "SECRET", "TOKEN", "KEY",
		"CREDENTIAL", "AUTH", "COOKIE" };
	char text[128];
	snprintf(text, sizeof(text), "%.*s", (int)name.len, name.data);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasestr(text, words[i]))
			return true;
	return false;
}

/* Paths and switches of relayd are no secrets, whatever they are called. */
static void
know_variable(struct redact *redact, const char *text)
{
	const char *equals = strchr(text, '=');
	if (!equals)
		return;
	struct view name = view_make(text, (size_t)(equals - text));
	const char *value = equals + 1;
	bool is_option =
	    strncmp(text, "RELAY_", 6) == 0 && !view_is(name, "RELAY_TOKEN");
	if (strstr(value, "://"))
		redact_know_url(redact, view_of(value));
	if (!is_option && strlen(value) >= 8 && value[0] != '/' &&
	    names_a_secret(name))
		redact_know(redact, view_of(value));
}

static size_t
read_small(const char *path, char *text, size_t size)
{
	struct stat info;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return 0;
	bool is_file = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
	ssize_t got = is_file ? read(fd, text, size) : 0;
	close(fd);
	return got > 0 ? (size_t)got : 0;
}

/* Whole, and line by line: a key in PEM is shown in lines. */
static void
know_file(struct redact *redact, const char *path)
{
	static char text[SECRET_FILE_MAX];
	size_t len = *path ? read_small(path, text, sizeof(text)) : 0;
	struct view rest = view_make(text, len);
	redact_know(redact, rest);
	while (rest.len > 0) {
		const char *end = memchr(rest.data, '\n', rest.len);
		size_t line = end ? (size_t)(end - rest.data) : rest.len;
		if (line >= SECRET_LINE_MIN && rest.data[0] != '-')
			redact_know(redact, view_make(rest.data, line));
		line += end ? 1 : 0;
		rest = view_make(rest.data + line, rest.len - line);
	}
	explicit_bzero(text, sizeof(text));
}

/* Every URL in the file, whether another one is used in its place or the file
 * cannot be understood. */
static void
know_config_file(struct redact *redact, const char *path)
{
	static char text[SECRET_FILE_MAX + 1];
	size_t len = read_small(path, text, sizeof(text) - 1);
	text[len] = '\0';
	for (size_t at = 0; at < len;) {
		size_t word = strcspn(text + at, "\"\n");
		struct view url = view_make(text + at, word);
		if (memmem(url.data, url.len, "://", 3))
			redact_know_url(redact, url);
		at += word + 1;
	}
	explicit_bzero(text, sizeof(text));
}

static void
know_all(struct bundle *bundle)
{
	struct redact *redact = &bundle->redact;
	for (char **variable = environ; *variable; variable++)
		know_variable(redact, *variable);
	if (bundle->ctl->redis)
		redact_know_url(redact, view_of(bundle->ctl->redis));
	if (bundle->ctl->relay)
		redact_know_url(redact, view_of(bundle->ctl->relay));
	redact_know_url(redact, view_of(bundle->redis));
	if (bundle->ctl->config)
		know_config_file(redact, bundle->ctl->config);
	if (!bundle->has_config)
		return;
	redact_know_url(redact, view_of(bundle->config.redis));
	redact_know_url(redact, view_of(bundle->config.auth_jwks));
	know_file(redact, bundle->config.auth_secret_file);
	know_file(redact, bundle->config.tls_key);
}

/* --- the part --- */

static void
read_config(struct bundle *bundle, struct bundle_part *part)
{
	const char *file = bundle->ctl->config;
	char *argv[] = { (char *)"relayd", (char *)"--config", (char *)file,
		NULL };
	char contract[PATH_MAX];
	struct error err = { "", "" };
	bundled_contract(contract, sizeof(contract));
	bundle->has_config = config_read(&bundle->config, file ? 3 : 1, argv,
				 contract, &err) == 0;
	if (!bundle->has_config)
		bundle_error(part, "%s%s%s", err.where,
		    err.where[0] ? ": " : "", err.message);
}

static void
find_addresses(struct bundle *bundle)
{
	static const char initial[] = "127.0.0.1:8081";
	const struct ctl *ctl = bundle->ctl;
	const char *relay =
	    bundle->has_config ? bundle->config.admin_listen : initial;
	const char *redis = bundle->has_config ? bundle->config.redis : "";
	if (ctl->relay)
		relay = ctl_relay(bundle->ctl);
	if (ctl->redis)
		redis = ctl->redis;
	snprintf(bundle->relay, sizeof(bundle->relay), "%s", relay);
	snprintf(bundle->redis, sizeof(bundle->redis), "%s", redis);
}

/* pid and addresses of a relay that said where it is. */
static void
read_port_file(struct bundle *bundle, struct bundle_part *part)
{
	struct bundle_part file = { .is_json = true };
	char text[4096];
	const char *path = bundle->port_file;
	if (!path && bundle->has_config)
		path = bundle->config.port_file;
	if (!path || !*path)
		return;
	size_t len = read_small(path, text, sizeof(text));
	if (len == 0) {
		bundle_error(part,
		    "%s: no port file: no relay wrote it, or it "
		    "has ended in order",
		    path);
		return;
	}
	buf_init(&file.text, 0);
	buf_add(&file.text, view_make(text, len));
	if (!bundle->ctl->relay)
		bundle_string(
		    &file, "/admin", bundle->relay, sizeof(bundle->relay));
	const char *pid = memmem(text, len, "\"pid\":", 6);
	bundle->pid = pid ? strtol(pid + 6, NULL, 10) : 0;
	buf_fini(&file.text);
}

int
bundle_gather_config(struct bundle *bundle, struct bundle_part *part)
{
	read_config(bundle, part);
	find_addresses(bundle);
	know_all(bundle);
	read_port_file(bundle, part);
	buf_addf(&part->text, "read from: %s, environment, defaults\n",
	    bundle->ctl->config ? bundle->ctl->config : "no file (--config)");
	if (bundle->has_config)
		config_print(&bundle->config, &part->text);
	return part->error[0] ? -1 : 0;
}
