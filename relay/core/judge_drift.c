/* SPDX-License-Identifier: MIT */
#include "judge_drift.h"

#include "once.h"

static bool
is_first(void *arg)
{
	struct judge_drift *drift = arg;
	if (!drift->is_known && drift->once)
		drift->is_first =
		    once_take(drift->once, drift->stream, drift->origin.id);
	drift->is_known = true;
	return drift->is_first;
}

void
judge_drift_begin(struct judge_drift *drift, struct view stream,
    const struct batch_entry *entry, bool first_look)
{
	drift->origin = (struct drift_origin){ .direction = DRIFT_SERVER,
		.producer = entry->producer,
		.id = entry->id,
		.is_first = is_first,
		.arg = drift };
	drift->stream = stream;
	drift->is_known = !first_look;
	drift->is_first = first_look;
}

bool
judge_drift_wants(struct judge_drift *drift)
{
	return drift->drift && is_first(drift);
}

/* Valid frames are told of without asking: only cells are asked for. */
void
judge_drift_see(struct judge_drift *drift, size_t endpoint,
    const struct contract_message *message, struct schema_scratch *scratch,
    const struct json_doc *doc)
{
	if (!drift->drift || (drift->is_known && !drift->is_first))
		return;
	drift->origin.endpoint = endpoint;
	drift_see(drift->drift, &drift->origin, message, scratch, doc);
}

void
judge_drift_breach(struct judge_drift *drift, size_t endpoint,
    const struct contract_message *message, const struct json_doc *doc,
    const struct violation *violations, size_t count)
{
	drift->origin.endpoint = endpoint;
	if (judge_drift_wants(drift))
		drift_breach(drift->drift, &drift->origin, message, doc,
		    violations, count);
}

void
judge_drift_unknown(struct judge_drift *drift, const struct json_doc *doc)
{
	if (judge_drift_wants(drift))
		drift_unknown(drift->drift, &drift->origin, doc);
}

void
judge_drift_fault(struct judge_drift *drift, const char *code,
    const char *pointer, const char *why)
{
	if (judge_drift_wants(drift))
		drift_fault(drift->drift, &drift->origin, code, pointer, why);
}
