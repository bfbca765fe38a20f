/* SPDX-License-Identifier: MIT */
#include "fake_judge.h"

struct judge *
fake_judge(struct fake_judge *fake)
{
	*fake = (struct fake_judge){ 0 };
	return (struct judge *)(void *)fake;
}

bool
fake_judge_delivers(char kind, size_t endpoint)
{
	switch (kind) {
	case 'a':
	case 't':
		return true;
	case '0':
	case 'd':
		return endpoint == 0;
	case '1':
		return endpoint == 1;
	default:
		return false;
	}
}

static char
kind_of(struct view text)
{
	static const char mark[] = "\"k\":\"";
	const char *at = memmem(text.data, text.len, mark, sizeof(mark) - 1);
	return at == NULL ? 'a' : at[sizeof(mark) - 1];
}

void
judge_entry(struct judge *judge, struct view stream,
    const struct batch_entry *entry, enum judge_look look,
    struct verdict *verdict_r)
{
	struct fake_judge *fake = (struct fake_judge *)(void *)judge;
	char kind = kind_of(entry->event);
	(void)stream;
	fake->judged++;
	fake->first_looks += look == LOOK_FIRST;
	fake->anew_looks += look == LOOK_ANEW;
	*verdict_r = (struct verdict){ .object = entry->event };
	while (verdict_r->object.len > 0 && verdict_r->object.data[0] == ' ')
		verdict_r->object = view_make(
		    verdict_r->object.data + 1, verdict_r->object.len - 1);
	verdict_r->is_empty_object = view_is(verdict_r->object, "{}") ||
	    view_is(verdict_r->object, "{ }");
	for (size_t i = 0; i < 2; i++) {
		if (kind == 'r')
			verdict_r->view[i] = VIEW_REFUSE;
		else if (fake_judge_delivers(kind, i))
			verdict_r->view[i] = VIEW_DELIVER;
		verdict_r->terminal[i] = kind == 't';
		verdict_r->direct[i] = kind == 'd';
	}
}
