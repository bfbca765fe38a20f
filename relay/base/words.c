/* SPDX-License-Identifier: MIT */
#include "words.h"

#include "xmalloc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
blot(char *text, size_t len)
{
	memset(text, '*', len);
}

/* The same parts that config_print hides. */
void
words_mask(char *word)
{
	char *slashes = strstr(word, "://");
	if (!slashes)
		return;
	char *host = slashes + 3;
	char *at = strrchr(host, '@');
	if (at) {
		blot(host, (size_t)(at - host));
		host = at;
	}
	host += strcspn(host, "?#");
	if (*host)
		blot(host + 1, strlen(host + 1));
}

/* setenv() puts a copy into the environment; the word itself stays where the
 * kernel shows it. */
static void
hide_variable(char *word)
{
	char *equals = strchr(word, '=');
	if (!equals || !strstr(equals, "://"))
		return;
	char *name = xstrndup(word, (size_t)(equals - word));
	if (setenv(name, equals + 1, 1) == 0)
		words_mask(equals + 1);
	free(name);
}

char **
words_hide(int argc, char **argv)
{
	char **copies = xcalloc((size_t)argc + 1, sizeof(char *));
	for (int i = 0; i < argc; i++) {
		copies[i] = xstrdup(argv[i]);
		words_mask(argv[i]);
	}
	for (size_t i = 0; environ[i]; i++)
		hide_variable(environ[i]);
	return copies;
}

void
words_free(char ***words)
{
	for (char **word = *words; *word; word++)
		free(*word);
	free(*words);
	*words = NULL;
}
