/* SPDX-License-Identifier: MIT */

/* Redaction: whatever stands round it, a secret that is known does not survive,
 * nor one with a telling name at the start of a line. The input is cut in two;
 * they are planted between. */

#include "fuzz.h"
#include "redact.h"

#define SECRET "Qz7~plantedQz7"

static void
check_planted(const struct redact *redact, struct view text, size_t cut,
    const char *planted)
{
	struct buf whole;
	struct buf out;
	buf_init(&whole, 0);
	buf_init(&out, 0);
	buf_add(&whole, view_make(text.data, cut));
	buf_add_text(&whole, planted);
	buf_add(&whole, view_make(text.data + cut, text.len - cut));
	redact_text(redact, buf_view(&whole), &out);
	must(
	    !out.len || !memmem(out.data, out.len, SECRET, sizeof(SECRET) - 1));
	buf_fini(&whole);
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const planted[] = { "\npassword=" SECRET "\n",
		"\n?access_token=" SECRET "&", "\n{\"token\":\"" SECRET "\"",
		"\nAuthorization: Bearer " SECRET,
		"\nredis://:" SECRET "@h/0\n" };
	struct redact none;
	struct redact known;
	struct view text = view_make((const char *)data, size);
	if (size < 2 || memmem(data, size, SECRET, sizeof(SECRET) - 1))
		return 0;
	size_t cut = data[0] % size;
	redact_init(&none);
	redact_init(&known);
	redact_know(&known, view_of(SECRET));
	redact_know(&known, view_make(text.data, size / 2));
	check_planted(&known, text, cut, SECRET);
	for (size_t i = 0; i < sizeof(planted) / sizeof(planted[0]); i++)
		check_planted(&none, text, cut, planted[i]);
	redact_fini(&none);
	redact_fini(&known);
	return 0;
}
