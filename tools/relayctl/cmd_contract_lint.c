/* SPDX-License-Identifier: MIT */

/* relayctl contract lint: is this folder a contract, and a good one? */

#include "contract_lint.h"
#include "ctl.h"
#include "schema_files.h"

struct linting {
	struct ctl *ctl;
	size_t count;
};

static void
on_finding(void *arg, const struct contract_finding *finding)
{
	struct linting *linting = arg;
	struct ctl *ctl = linting->ctl;
	const struct violation *violation = &finding->violation;
	buf_add_text(
	    &ctl->result, linting->count++ ? ",{\"source\":" : "{\"source\":");
	buf_add_json_string(&ctl->result, view_of(finding->source));
	buf_add_text(&ctl->result, ",\"type\":");
	if (finding->type)
		buf_add_json_string(&ctl->result, view_of(finding->type));
	else
		buf_add_text(&ctl->result, "null");
	buf_add_char(&ctl->result, ',');
	schema_files_add_violation(&ctl->result, violation);
	buf_add_char(&ctl->result, '}');
	ctl_printf(ctl, "%s%s%s%s%s %s: %s%s%s%s\n", ctl_red(ctl),
	    finding->source, violation->pointer[0] ? "#" : "",
	    violation->pointer, ctl_plain(ctl), violation->rule,
	    violation->got[0] ? "expected " : "", violation->expected,
	    violation->got[0] ? ", got " : "", violation->got);
}

static void
add_contract(struct buf *result, const struct contract *contract)
{
	if (!contract) {
		buf_add_text(result, "null");
		return;
	}
	buf_addf(result, "{\"name\":\"%s\",\"version\":\"%s\",\"hash\":\"%s\"}",
	    contract->name, contract->version, contract->hash);
}

int
cmd_contract_lint(struct ctl *ctl)
{
	struct linting linting = { .ctl = ctl };
	struct contract *contract = NULL;
	int status = ctl_parse(ctl, NULL, 0);
	if (status != 0)
		return status;
	if (ctl->argc != 1) {
		ctl_fix(ctl, "usage: relayctl %s %s", ctl->command, ctl->usage);
		return ctl_fail(
		    ctl, CTL_USAGE, "usage", "one contract folder at a time");
	}
	buf_add_text(&ctl->result, "{\"findings\":[");
	contract_lint(ctl->argv[0], &contract, on_finding, &linting);
	buf_add_text(&ctl->result, "],\"contract\":");
	add_contract(&ctl->result, contract);
	buf_add_char(&ctl->result, '}');
	if (contract)
		ctl_printf(ctl, "%s%s/%s%s %s: %zu findings\n",
		    linting.count ? ctl_yellow(ctl) : ctl_green(ctl),
		    contract->name, contract->version, ctl_plain(ctl),
		    contract->hash, linting.count);
	contract_free(&contract);
	return linting.count ? CTL_FINDINGS : CTL_FINE;
}
