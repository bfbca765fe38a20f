/* SPDX-License-Identifier: MIT */

/* relayctl contract export: what a contract says, as a text to keep. */

#include "contract_names.h"
#include "ctl.h"

static int
export_names(struct ctl *ctl, const struct contract *contract)
{
	const char *type = contract_names_overflow(contract);
	if (type)
		return ctl_fail(ctl, CTL_INPUT, "too_many_names",
		    "type %s has more names and values than can be listed",
		    type);
	if (ctl->json) {
		contract_names_json(contract, &ctl->result);
		return CTL_FINE;
	}
	struct buf text;
	buf_init(&text, 0);
	contract_names_text(contract, &text);
	ctl_printf(ctl, "%.*s", (int)text.len, text.data);
	buf_fini(&text);
	return CTL_FINE;
}

static int
load_and_export(struct ctl *ctl, const char *directory)
{
	struct error err = { "", "" };
	struct contract *contract = contract_load(directory, &err);
	if (!contract) {
		ctl_next(ctl, "relayctl contract lint %s", directory);
		return ctl_fail(ctl, CTL_INPUT, "contract_invalid", "%s: %s",
		    err.where, err.message);
	}
	int status = export_names(ctl, contract);
	contract_free(&contract);
	return status;
}

int
cmd_contract_export(struct ctl *ctl)
{
	bool names = false;
	bool asyncapi = false;
	const struct ctl_option options[] = {
		{ .name = "--names", .flag = &names },
		{ .name = "--asyncapi", .flag = &asyncapi },
	};
	int status = ctl_parse(ctl, options, 2);
	if (status != 0)
		return status;
	if (asyncapi)
		return ctl_fail(ctl, CTL_USAGE, "not_available",
		    "--asyncapi is not yet available in version %s",
		    RELAY_VERSION);
	if (names && ctl->argc == 1)
		return load_and_export(ctl, ctl->argv[0]);
	ctl_fix(ctl, "usage: relayctl %s %s", ctl->command, ctl->usage);
	return ctl_fail(ctl, CTL_USAGE, "usage", "%s",
	    names ? "one contract folder at a time" : "--names is missing");
}
