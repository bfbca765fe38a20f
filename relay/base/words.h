/* SPDX-License-Identifier: MIT */
#ifndef WORDS_H
#define WORDS_H

/*
 * The words that the program was started with, arguments and environment. Who
 * may look at processes can read them, and a URL among them may hold a
 * password: then the program keeps a copy, and the words become asterisks.
 */

/* Returns the arguments as they were, NULL-terminated, for words_free. Call it
 * first of all, with one thread; getenv() tells what it did before. */
char **words_hide(int argc, char **argv);
void words_free(char ***words);

/* What is secret in one word: of a URL all between "//" and the last @, and all
 * behind "?" or "#"; each byte becomes an asterisk. */
void words_mask(char *word);

#endif
