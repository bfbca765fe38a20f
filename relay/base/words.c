/* SPDX-License-Identifier: MIT */
#include "words.h"

#include "url_secrets.h"
#include "xmalloc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
blot(char *word, struct view part)
{
	if (part.data)
		memset(word + (part.data - word), '*', part.len);
}

void
words_mask(char *word)
{
	struct url_secrets secrets = url_secrets(view_of(word));
	blot(word, secrets.credentials);
	blot(word, secrets.query);
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
