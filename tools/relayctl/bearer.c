/* SPDX-License-Identifier: MIT */
#include "bearer.h"

#include "token.h"

#include <stdlib.h>

static bool
is_token(struct view text)
{
	if (text.len == 0 || text.len > TOKEN_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= ' ' || text.data[i] > '~')
			return false;
	return true;
}

static void
trim_end(struct buf *text)
{
	while (text->len > 0 && (uint8_t)text->data[text->len - 1] <= ' ')
		text->len--;
}

int
bearer_read(struct ctl *ctl, const char *file, struct buf *token_r)
{
	const char *variable = getenv("RELAY_TOKEN");
	buf_init(token_r, 0);
	if (!file && !(variable && *variable))
		return 0;
	if (!file)
		buf_add_text(token_r, variable);
	else if (ctl_read_file(ctl, file, token_r) == -1)
		return CTL_INPUT;
	trim_end(token_r);
	if (!is_token(buf_view(token_r)))
		return ctl_fail(ctl, CTL_INPUT, "token",
		    "%s holds no token: one line of at most %d characters is "
		    "wanted",
		    file ? file : "RELAY_TOKEN", TOKEN_MAX);
	buf_add_char(token_r, '\0');
	token_r->len--;
	return 0;
}
