/* SPDX-License-Identifier: MIT */
#include "tickets.h"

#define TEXT_OF(number)  TEXT_OF_(number)
#define TEXT_OF_(number) #number

int
tickets_keep(struct redis_link *link, struct view prefix, struct view ticket,
    const struct token_bearer *bearer, redis_answer_fn *answer, void *arg)
{
	struct buf key, value;
	buf_init(&key, 0);
	buf_init(&value, 0);
	ticket_key(prefix, ticket, &key);
	ticket_write(bearer, &value);
	const struct view argv[] = { view_of("SET"), buf_view(&key),
		buf_view(&value), view_of("NX"), view_of("EX"),
		view_of(TEXT_OF(TICKET_SECONDS)) };
	int status = redis_link_command(link, argv,
	    sizeof(argv) / sizeof(argv[0]), TICKETS_MS, answer, arg);
	buf_fini(&value);
	buf_fini(&key);
	return status;
}

bool
tickets_was_kept(const struct redis_value *answer)
{
	return answer && redis_value_type(answer) == REDIS_TEXT;
}

int
tickets_burn(struct redis_link *link, struct view prefix, struct view ticket,
    redis_answer_fn *answer, void *arg)
{
	struct buf key;
	buf_init(&key, 0);
	ticket_key(prefix, ticket, &key);
	const struct view argv[] = { view_of("GETDEL"), buf_view(&key) };
	int status = redis_link_command(link, argv, 2, TICKETS_MS, answer, arg);
	buf_fini(&key);
	return status;
}

enum token_verdict
tickets_read(const struct redis_value *answer, struct token_bearer *bearer_r)
{
	if (!answer || redis_value_type(answer) == REDIS_ERROR)
		return TOKEN_UNAVAILABLE;
	if (redis_value_type(answer) != REDIS_TEXT ||
	    ticket_read(redis_value_text(answer), bearer_r) == -1)
		return TOKEN_TICKET;
	return TOKEN_ACCEPTED;
}
