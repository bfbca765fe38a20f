/* SPDX-License-Identifier: MIT */
#include "session_parts.h"

/* What client frames tell the drift report. */

#define VIOLATIONS_MAX 10

static struct drift_origin
origin_of(const struct session *session)
{
	return (struct drift_origin){ .direction = DRIFT_CLIENT,
		.endpoint = session->endpoint_index };
}

void
session_drift_valid(
    struct session *session, const struct contract_message *message)
{
	struct session_env *env = session->env;
	struct drift_origin origin = origin_of(session);
	if (env->drift != NULL)
		drift_see(
		    env->drift, &origin, message, env->scratch, &env->doc);
}

static const char *
fault_code(const struct json_fault *fault)
{
	switch (fault->reason) {
	case JSON_TOO_DEEP:
		return "too_deep";
	case JSON_TOO_LARGE:
		return "too_large";
	case JSON_OK:
	case JSON_SYNTAX:
		break;
	}
	return "invalid_json";
}

static void
tell_invalid(struct session *session, const struct drift_origin *origin,
    const struct contract_message *message)
{
	struct session_env *env = session->env;
	struct violation violations[VIOLATIONS_MAX];
	size_t count = schema_explain(message->schema, env->scratch, &env->doc,
	    0, violations, VIOLATIONS_MAX);
	drift_see(env->drift, origin, message, env->scratch, &env->doc);
	drift_breach(env->drift, origin, message, &env->doc, violations, count);
}

void
session_drift_refused(struct session *session, const struct json_fault *fault)
{
	struct session_env *env = session->env;
	struct drift_origin origin = origin_of(session);
	const struct contract_message *message = NULL;
	if (env->drift == NULL)
		return;
	if (fault != NULL) {
		drift_fault(
		    env->drift, &origin, fault_code(fault), "", fault->message);
		return;
	}
	switch (contract_check(&session_endpoint(session)->client, env->scratch,
	    &env->doc, &message)) {
	case CONTRACT_VALID:
		break;
	case CONTRACT_NOT_OBJECT:
		drift_fault(env->drift, &origin, "not_object", "",
		    json_type_name(env->doc.nodes[0].type));
		break;
	case CONTRACT_MISSING_TYPE:
	case CONTRACT_UNKNOWN_TYPE:
		drift_unknown(env->drift, &origin, &env->doc);
		break;
	case CONTRACT_INVALID:
		tell_invalid(session, &origin, message);
		break;
	}
}
