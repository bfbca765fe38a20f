/* SPDX-License-Identifier: MIT */
#include "script.h"

#include "clock.h"
#include "xmalloc.h"

#include <openssl/sha.h>

#include <stdio.h>
#include <stdlib.h>

#define WORDS_BEFORE_KEYS 3 /* EVALSHA, sha, number of keys */

/* A call under way: its words once more, for a Redis that wants the source. */
struct call {
	const struct script *script;
	struct redis_link *link;
	redis_answer_fn *answer;
	void *arg;
	uint64_t deadline_at_ms;
	bool is_source_sent;
	char key_count[24];
	size_t argc;
	struct view argv[];
};

void
script_init(struct script *script, const char *source)
{
	unsigned char digest[SHA_DIGEST_LENGTH];
	script->source = source;
	SHA1((const unsigned char *)source, strlen(source), digest);
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(script->sha + 2 * i, 3, "%02x", digest[i]);
}

static void
ignore_answer(void *arg, const struct redis_value *answer)
{
	(void)arg;
	(void)answer;
}

void
script_load(const struct script *script, struct redis_link *link)
{
	const struct view argv[] = { view_of("SCRIPT"), view_of("LOAD"),
		view_of(script->source) };
	redis_link_command(link, argv, 3, 0, ignore_answer, NULL);
}

static size_t
total_bytes(const struct view *words, size_t count)
{
	size_t bytes = 0;
	for (size_t i = 0; i < count; i++)
		bytes += words[i].len;
	return bytes;
}

static struct call *
call_new(const struct script *script, const struct view *words,
    size_t key_count, size_t word_count)
{
	size_t argc = WORDS_BEFORE_KEYS + word_count;
	struct call *call = xmalloc(sizeof *call + argc * sizeof *call->argv +
	    total_bytes(words, word_count));
	char *bytes = (char *)(call->argv + argc);
	call->script = script;
	call->is_source_sent = false;
	call->argc = argc;
	snprintf(call->key_count, sizeof call->key_count, "%zu", key_count);
	call->argv[0] = view_of("EVALSHA");
	call->argv[1] = view_of(script->sha);
	call->argv[2] = view_of(call->key_count);
	for (size_t i = 0; i < word_count; i++) {
		call->argv[WORDS_BEFORE_KEYS + i] =
		    view_make(bytes, words[i].len);
		if (words[i].len > 0)
			memcpy(bytes, words[i].data, words[i].len);
		bytes += words[i].len;
	}
	return call;
}

static void on_answer(void *arg, const struct redis_value *answer);

static int
call_send(struct call *call)
{
	uint64_t now_ms = clock_mono_ms();
	unsigned left_ms = call->deadline_at_ms > now_ms
	    ? (unsigned)(call->deadline_at_ms - now_ms)
	    : 1;
	return redis_link_command(
	    call->link, call->argv, call->argc, left_ms, on_answer, call);
}

static bool
wants_source(const struct call *call, const struct redis_value *answer)
{
	static const char code[] = "NOSCRIPT";
	if (answer == NULL || redis_value_type(answer) != REDIS_ERROR)
		return false;
	struct view text = redis_value_text(answer);
	return !call->is_source_sent && text.len >= sizeof code - 1 &&
	    memcmp(text.data, code, sizeof code - 1) == 0;
}

static void
on_answer(void *arg, const struct redis_value *answer)
{
	struct call *call = arg;
	if (wants_source(call, answer)) {
		call->is_source_sent = true;
		call->argv[0] = view_of("EVAL");
		call->argv[1] = view_of(call->script->source);
		if (call_send(call) == 0)
			return;
		answer = NULL;
	}
	call->answer(call->arg, answer);
	free(call);
}

int
script_call(const struct script *script, struct redis_link *link,
    const struct view *words, size_t key_count, size_t word_count,
    unsigned deadline_ms, redis_answer_fn *answer, void *arg)
{
	if (!redis_link_is_up(link))
		return -1;
	struct call *call = call_new(script, words, key_count, word_count);
	call->link = link;
	call->answer = answer;
	call->arg = arg;
	call->deadline_at_ms = clock_mono_ms() + deadline_ms;
	if (call_send(call) == 0)
		return 0;
	free(call);
	return -1;
}
