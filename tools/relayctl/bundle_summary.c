/* SPDX-License-Identifier: MIT */

/* What could be reached and what could not, and what to do about it. */

#include "bundle.h"

static void
say(const struct bundle *bundle, enum bundle_part_name name, const char *what,
    const char *advice, struct buf *out)
{
	const struct bundle_part *part = &bundle->parts[name];
	if (part->error[0])
		buf_addf(out, "%s: NOT as it should be: %s\n    %s\n", what,
		    part->error, advice);
	else
		buf_addf(out, "%s: fine\n", what);
}

static void
say_relay(const struct bundle *bundle, struct buf *out)
{
	const struct bundle_part *status = &bundle->parts[BUNDLE_status];
	char mode[64];
	bundle_string(status, "/mode", mode, sizeof(mode));
	if (status->error[0])
		buf_addf(out,
		    "relay: NO ANSWER: %s\n    is relayd running, and is this "
		    "its admin address? (--relay, --config)\n",
		    status->error);
	else
		buf_addf(out, "relay: answers at %s, version %s, mode %s\n",
		    bundle->relay, bundle->relay_version, mode);
}

int
bundle_gather_summary(struct bundle *bundle, struct bundle_part *part)
{
	struct buf *out = &part->text;
	say_relay(bundle, out);
	say(bundle, BUNDLE_config, "configuration",
	    "run relayd --check-config with the same file and environment",
	    out);
	say(bundle, BUNDLE_contract, "contract",
	    "relayctl contract lint DIR says what is wrong", out);
	say(bundle, BUNDLE_redis, bundle->has_redis ? "Redis answers" : "Redis",
	    "does redis-server run, are URL, password and rights right?", out);
	say(bundle, BUNDLE_log, "log", "name a log file with --log FILE", out);
	buf_add_text(out,
	    "A diagnosis layer by layer (relayctl diagnose) is not yet "
	    "available.\n");
	return 0;
}
