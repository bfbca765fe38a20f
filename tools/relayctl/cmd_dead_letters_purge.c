/* SPDX-License-Identifier: MIT */

/* relayctl dead-letters purge: deletes letters, for good; not without --yes. */

#include "dead_letters.h"

#include "redis_link.h"

#include <inttypes.h>

struct purge {
	struct dead_letters letters;
	bool all;
	bool yes;
	uint64_t count; /* deleted, or that would be */
};

static int
on_letter(void *arg, const struct dead_letter *letter)
{
	struct purge *purge = arg;
	struct view argv[] = { view_of("XDEL"), buf_view(&purge->letters.key),
		letter->id };
	if (!purge->yes) {
		purge->count++;
		return 0;
	}
	const struct redis_value *answer =
	    dead_letters_ask(&purge->letters, argv, 3);
	if (!answer)
		return CTL_UNREACHABLE;
	purge->count += (uint64_t)redis_value_integer(answer);
	return 0;
}

/* At once, and letters that come meanwhile stay. */
static int
trim_all(struct purge *purge)
{
	struct view argv[] = { view_of("XTRIM"), buf_view(&purge->letters.key),
		view_of("MAXLEN"), view_of("0") };
	const struct redis_value *answer =
	    dead_letters_ask(&purge->letters, argv, 4);
	if (!answer)
		return CTL_UNREACHABLE;
	purge->count = (uint64_t)redis_value_integer(answer);
	return 0;
}

static int
run(struct purge *purge)
{
	struct ctl *ctl = purge->letters.ctl;
	bool is_everything =
	    ctl->argc == 0 && !dead_letters_has_filter(&purge->letters);
	int status = dead_letters_open(&purge->letters);
	if (status == 0 && is_everything && purge->yes)
		status = trim_all(purge);
	else if (status == 0)
		status =
		    dead_letters_walk(&purge->letters, false, on_letter, purge);
	if (status != 0)
		return status;
	buf_addf(&ctl->result, "{\"%s\":%" PRIu64 "}",
	    purge->yes ? "purged" : "would_be_purged", purge->count);
	if (purge->yes) {
		ctl_printf(
		    ctl, "%" PRIu64 " dead letters purged\n", purge->count);
		return CTL_FINE;
	}
	ctl_fix(ctl, "say --yes to delete them");
	return ctl_fail(ctl, CTL_USAGE, "not_confirmed",
	    "%" PRIu64 " dead letters would be deleted for good", purge->count);
}

int
cmd_dead_letters_purge(struct ctl *ctl)
{
	struct purge purge = { .count = 0 };
	dead_letters_init(&purge.letters, ctl);
	const struct ctl_option options[] = {
		{ .name = "--all", .flag = &purge.all },
		{ .name = "--yes", .flag = &purge.yes },
		DEAD_LETTERS_OPTIONS(purge.letters),
	};
	int status =
	    ctl_parse(ctl, options, sizeof(options) / sizeof(options[0]));
	if (status == 0)
		status = dead_letters_check(&purge.letters, purge.all);
	if (status == 0)
		status = run(&purge);
	dead_letters_fini(&purge.letters);
	return status;
}
