/* SPDX-License-Identifier: MIT */

/* The parts that a running relay is asked for, and its contract beside the one
 * that lies here. */

#include "bundle.h"
#include "contract.h"

#include <stdio.h>
#include <string.h>

int
bundle_gather_status(struct bundle *bundle, struct bundle_part *part)
{
	char text[512];
	part->is_json = true;
	if (bundle_ask(bundle, part, "/api/v1/runtime/status") != 0)
		return -1;
	bundle_string(part, "/version", bundle->relay_version,
	    sizeof(bundle->relay_version));
	bundle_string(part, "/contract/hash", bundle->relay_contract,
	    sizeof(bundle->relay_contract));
	if (!bundle->relay_version[0])
		return bundle_error(
		    part, "what answers at %s is no relay", bundle->relay);
	/* Of the relay's own Redis only the relay knows where it is. */
	bundle_string(part, "/redis/url", text, sizeof(text));
	if (!bundle->redis[0])
		snprintf(bundle->redis, sizeof(bundle->redis), "%s", text);
	return 0;
}

int
bundle_gather_ready(struct bundle *bundle, struct bundle_part *part)
{
	part->is_json = true;
	return bundle_ask(bundle, part, "/ready");
}

int
bundle_gather_drift(struct bundle *bundle, struct bundle_part *part)
{
	part->is_json = true;
	return bundle_ask(bundle, part, "/api/v1/contract/drift");
}

int
bundle_gather_metrics(struct bundle *bundle, struct bundle_part *part)
{
	return bundle_ask(bundle, part, "/metrics");
}

static void
print_contract(const struct contract *contract, struct buf *out)
{
	buf_addf(out, "here: %s %s, hash %s, in %s\n", contract->name,
	    contract->version, contract->hash, contract->directory);
	for (size_t i = 0; i < contract->endpoint_count; i++)
		buf_addf(out, "endpoint %s: %s\n", contract->endpoints[i].name,
		    contract->endpoints[i].path);
}

static void
compare(const struct bundle *bundle, const struct contract *contract,
    struct buf *out)
{
	const struct bundle_part *status = &bundle->parts[BUNDLE_status];
	char name[128];
	char version[64];
	if (!bundle->relay_contract[0]) {
		buf_add_text(out, "relay: not known\n");
		return;
	}
	bundle_string(status, "/contract/name", name, sizeof(name));
	bundle_string(status, "/contract/version", version, sizeof(version));
	buf_addf(out, "relay: %s %s, hash %s\n", name, version,
	    bundle->relay_contract);
	if (contract)
		buf_addf(out, "the two are %s\n",
		    strcmp(bundle->relay_contract, contract->hash) == 0
			? "the same"
			: "DIFFERENT: the relay enforces another one");
}

int
bundle_gather_contract(struct bundle *bundle, struct bundle_part *part)
{
	struct error err = { "", "" };
	struct contract *contract = NULL;
	if (bundle->has_config)
		contract = contract_load(bundle->config.contract, &err);
	else
		bundle_error(part, "the configuration cannot be read");
	if (contract)
		print_contract(contract, &part->text);
	else
		bundle_error(part, "%s: %s", err.where, err.message);
	compare(bundle, contract, &part->text);
	contract_free(&contract);
	return part->error[0] ? -1 : 0;
}
