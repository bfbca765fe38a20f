/* SPDX-License-Identifier: MIT */
#include "load_answers.h"

#include <stdio.h>
#include <string.h>

static void
refuse(struct load_answers *answers)
{
	if (answers->refused++ == 0)
		snprintf(answers->refusal, sizeof(answers->refusal), "%s",
		    answers->head);
}

/* An id comes as a bulk string; an error begins with a dash; the answers of
 * a transaction's parts (+QUEUED) and headers of HTTP count for nothing. A
 * status line of HTTP may stand behind a body that ends without a newline. */
static void
judge_line(struct load_answers *answers)
{
	const char *line = answers->head;
	answers->head[answers->len] = '\0';
	answers->len = 0;
	const char *status = strstr(line, "HTTP/1.1 ");
	if (line[0] == '$')
		answers->taken++;
	else if (line[0] == '-')
		refuse(answers);
	else if (status && status[9] == '2')
		answers->taken++;
	else if (status)
		refuse(answers);
}

void
load_answers_read(struct load_answers *answers, const char *bytes, size_t len)
{
	const char *end = bytes + len;
	while (bytes < end) {
		const char *stop = memchr(bytes, '\n', (size_t)(end - bytes));
		size_t part = (size_t)((stop ? stop : end) - bytes);
		size_t room = sizeof(answers->head) - 1 - answers->len;
		size_t kept = part < room ? part : room;
		memcpy(answers->head + answers->len, bytes, kept);
		answers->len += kept;
		if (!stop)
			return;
		judge_line(answers);
		bytes = stop + 1;
	}
}
