/* SPDX-License-Identifier: MIT */
#include "versions.h"

#include "log.h"

#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef const char *text_fn(void);
typedef const char *text_of_int_fn(int);

struct library {
	const char *name;
	const char *symbol;       /* anything that it defines: finds its file */
	const char *version_text; /* const char *(void), or NULL */
	const char *version_of_0; /* const char *(int), or NULL */
};

static const struct library libraries[] = {
	{ "libwebsockets", "lws_create_context", "lws_get_library_version",
	    NULL },
	{ "libuv", "uv_run", "uv_version_string", NULL },
	{ "hiredis", "redisAsyncFree", NULL, NULL },
	{ "json-c", "json_tokener_new", "json_c_version", NULL },
	{ "OpenSSL", "OPENSSL_init_crypto", NULL, "OpenSSL_version" },
	{ "PCRE2", "pcre2_compile_8", NULL, NULL },
};

/* Holes that are known and that a supported distribution still ships, by the
 * first version without. */
static const struct hole {
	const char *library;
	int fixed_major, fixed_minor;
	const char *name;
	const char *effect;
} holes[] = {
	{ "libwebsockets", 4, 5, "CVE-2025-11677",
	    "memory is used after it was freed by an upgrade that is not to "
	    "websocket; the relay's own gate lets no such request through, "
	    "but mend the library" },
};

static const char *
version_of(const struct library *library)
{
	if (library->version_text) {
		text_fn *ask = NULL;
		*(void **)&ask = dlsym(RTLD_DEFAULT, library->version_text);
		return ask ? ask() : "";
	}
	if (library->version_of_0) {
		text_of_int_fn *ask = NULL;
		*(void **)&ask = dlsym(RTLD_DEFAULT, library->version_of_0);
		return ask ? ask(0) : "";
	}
	return "";
}

static void
print_library(const struct library *library, struct buf *out)
{
	Dl_info info;
	void *symbol = dlsym(RTLD_DEFAULT, library->symbol);
	if (!symbol || dladdr(symbol, &info) == 0) {
		buf_addf(out, "%s not loaded\n", library->name);
		return;
	}
	/* The file's own name carries the version of those that do not say. */
	char file[PATH_MAX];
	const char *version = version_of(library);
	if (!realpath(info.dli_fname, file))
		file[0] = '\0';
	buf_addf(out, "%s %s%s(%s)\n", library->name, version,
	    *version ? " " : "", basename(file));
}

void
versions_print(struct buf *out)
{
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		print_library(&libraries[i], out);
}

/* The first "N.N" in what a library says of itself. */
static bool
parse_version(const char *text, int *major_r, int *minor_r)
{
	text += strcspn(text, "0123456789");
	return sscanf(text, "%d.%d", major_r, minor_r) == 2;
}

static const struct library *
find_library(const char *name)
{
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		if (strcmp(libraries[i].name, name) == 0)
			return &libraries[i];
	return NULL;
}

void
versions_warn(void)
{
	for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
		const struct library *library = find_library(holes[i].library);
		const char *version = library ? version_of(library) : "";
		int major, minor;
		if (!parse_version(version, &major, &minor) ||
		    major > holes[i].fixed_major ||
		    (major == holes[i].fixed_major &&
			minor >= holes[i].fixed_minor))
			continue;
		log_event(LOG_LEVEL_WARN, "relayd", "library_with_known_hole",
		    "library", holes[i].library, "version", version, "hole",
		    holes[i].name, "effect", holes[i].effect, NULL);
	}
}
