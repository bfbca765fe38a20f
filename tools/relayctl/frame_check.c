/* SPDX-License-Identifier: MIT */
#include "frame_check.h"

#include "nearest.h"

#include <stdio.h>

#define VIOLATIONS_MAX 10
#define DEPTH_MAX      64 /* as the daemon's default */
#define NAMES_MAX      64 /* types that "did you mean" looks at */

/* The side that came nearest to taking a frame. */
struct attempt {
	enum contract_verdict verdict;
	const struct contract_endpoint *endpoint;
	const struct contract_side *side; /* NULL: nothing is taken there */
	const struct contract_message *message;
	bool is_made;
};

void
frame_check_init(struct frame_check *check, struct report *report,
    const struct contract *contract)
{
	*check = (struct frame_check){ .report = report, .contract = contract };
	json_doc_init(&check->doc);
	buf_init(&check->type, 0);
	check->scratch = schema_scratch_new();
}

void
frame_check_fini(struct frame_check *check)
{
	json_doc_fini(&check->doc);
	buf_fini(&check->type);
	schema_scratch_free(&check->scratch);
}

/* --- findings --- */

static void
tell(struct frame_check *check, const struct frame_place *place,
    const struct violation *violation, const size_t *offset)
{
	const struct schema_refusal *refusal = violation->refusal;
	const char *hint = violation->hint;
	if (!hint[0] && refusal)
		hint = refusal->message;
	buf_add_char(&check->type, '\0');
	check->type.len--;
	const struct finding finding = {
		.level = FINDING_ERROR,
		.source = check->source,
		.line = place->line,
		.id = place->id,
		.type = check->type.len ? check->type.data : NULL,
		.pointer = violation->pointer,
		.rule = violation->rule,
		.expected = violation->expected,
		.got = violation->got,
		.hint = hint,
		.code = refusal ? refusal->code : NULL,
		.text = check->hides_frames ? view_of("") : check->frame,
		.before = place->column,
		.has_offset = offset != NULL && !check->hides_frames,
		.offset = offset ? *offset : 0,
	};
	report_add(check->report, &finding);
}

static void
report_plain(struct frame_check *check, const struct frame_place *place,
    const char *pointer, const char *rule, const char *expected,
    const char *got)
{
	struct violation violation = { .refusal = NULL };
	snprintf(violation.pointer, sizeof(violation.pointer), "%s", pointer);
	snprintf(violation.rule, sizeof(violation.rule), "%s", rule);
	snprintf(
	    violation.expected, sizeof(violation.expected), "%s", expected);
	snprintf(violation.got, sizeof(violation.got), "%s", got);
	tell(check, place, &violation, NULL);
}

static void
report_fault(struct frame_check *check, const struct frame_place *place,
    const struct json_fault *fault)
{
	struct violation violation = { .refusal = NULL };
	check->invalid++;
	snprintf(violation.rule, sizeof(violation.rule), "json");
	snprintf(violation.expected, sizeof(violation.expected),
	    "one JSON object (RFC 8259)");
	snprintf(violation.got, sizeof(violation.got), "%s at byte %zu",
	    fault->message, fault->offset);
	tell(check, place, &violation, &fault->offset);
}

void
frame_check_missing(struct frame_check *check, const struct frame_place *place,
    const char *what)
{
	check->frames++;
	check->invalid++;
	check->frame = view_of("");
	buf_clear(&check->type);
	report_plain(check, place, "", "missing_field", what, "no such field");
}

/* --- what is wrong --- */

static void
list_types(const struct contract_side *side, char *text, size_t size)
{
	size_t at = 0;
	for (size_t i = 0; i < side->message_count && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%s",
		    i ? ", " : "", side->messages[i].type);
}

static void
hint_type(const struct frame_check *check, const struct contract_side *side,
    struct violation *violation)
{
	const char *names[NAMES_MAX];
	size_t count = 0;
	for (; count < side->message_count && count < NAMES_MAX; count++)
		names[count] = side->messages[count].type;
	const char *near = nearest_name(buf_view(&check->type), names, count);
	if (near)
		snprintf(violation->hint, sizeof(violation->hint),
		    "did you mean \"%.100s\"?", near);
}

/* As the schema itself would say it: the object lacks a member. */
static void
report_missing_type(struct frame_check *check, const struct frame_place *place,
    const struct contract_side *side)
{
	struct violation violation = { .refusal = NULL };
	const char *slash = strrchr(side->discriminator, '/');
	const char *name = slash ? slash : side->discriminator;
	char types[100];
	list_types(side, types, sizeof(types));
	snprintf(violation.pointer, sizeof(violation.pointer), "%.*s",
	    (int)(name - side->discriminator), side->discriminator);
	snprintf(violation.rule, sizeof(violation.rule), "required");
	snprintf(violation.expected, sizeof(violation.expected), "%s",
	    slash ? slash + 1 : "a type");
	snprintf(violation.got, sizeof(violation.got), "no such member");
	snprintf(violation.hint, sizeof(violation.hint), "types are %s", types);
	tell(check, place, &violation, NULL);
}

static void
report_type(struct frame_check *check, const struct frame_place *place,
    const struct attempt *attempt)
{
	struct violation violation = { .refusal = NULL };
	if (attempt->verdict == CONTRACT_MISSING_TYPE) {
		report_missing_type(check, place, attempt->side);
		return;
	}
	snprintf(violation.pointer, sizeof(violation.pointer), "%s",
	    attempt->side->discriminator);
	snprintf(violation.rule, sizeof(violation.rule), "enum");
	snprintf(violation.got, sizeof(violation.got), "another value");
	list_types(
	    attempt->side, violation.expected, sizeof(violation.expected));
	hint_type(check, attempt->side, &violation);
	tell(check, place, &violation, NULL);
}

static void
report_violations(struct frame_check *check, const struct frame_place *place,
    const struct attempt *attempt)
{
	struct violation violations[VIOLATIONS_MAX];
	size_t count = schema_explain(attempt->message->schema, check->scratch,
	    &check->doc, 0, violations, VIOLATIONS_MAX);
	for (size_t i = 0; i < count; i++)
		tell(check, place, &violations[i], NULL);
}

static void
report_attempt(struct frame_check *check, const struct frame_place *place,
    const struct attempt *attempt)
{
	const char *type =
	    json_type_name((enum json_type)check->doc.nodes[0].type);
	check->invalid++;
	if (attempt->verdict == CONTRACT_NOT_OBJECT)
		report_plain(check, place, "", "type", "object", type);
	else if (!attempt->side)
		report_plain(check, place, "", "direction",
		    "no frames from clients", type);
	else if (attempt->verdict == CONTRACT_INVALID)
		report_violations(check, place, attempt);
	else
		report_type(check, place, attempt);
}

/* --- sides --- */

/* A better reason than another: the further the frame got. */
static unsigned
rank(enum contract_verdict verdict)
{
	switch (verdict) {
	case CONTRACT_VALID:
		return 4;
	case CONTRACT_INVALID:
		return 3;
	case CONTRACT_UNKNOWN_TYPE:
		return 2;
	case CONTRACT_MISSING_TYPE:
		return 1;
	case CONTRACT_NOT_OBJECT:
		break;
	}
	return 0;
}

static void
attempt_side(struct frame_check *check,
    const struct contract_endpoint *endpoint, const struct contract_side *side,
    struct attempt *best)
{
	struct attempt attempt = { .verdict = CONTRACT_NOT_OBJECT,
		.endpoint = endpoint,
		.side = side,
		.is_made = true };
	if (side)
		attempt.verdict = contract_check(
		    side, check->scratch, &check->doc, &attempt.message);
	else if (check->doc.nodes[0].type == JSON_OBJECT)
		attempt.verdict = CONTRACT_MISSING_TYPE;
	if (!best->is_made || rank(attempt.verdict) > rank(best->verdict))
		*best = attempt;
}

static struct attempt
attempt_all(struct frame_check *check)
{
	struct attempt best = { .is_made = false };
	for (size_t i = 0; i < check->contract->endpoint_count; i++) {
		const struct contract_endpoint *endpoint =
		    &check->contract->endpoints[i];
		if (check->endpoint && check->endpoint != endpoint)
			continue;
		if (check->direction != FRAME_CLIENT)
			attempt_side(check, endpoint, &endpoint->server, &best);
		if (check->direction != FRAME_SERVER)
			attempt_side(check, endpoint,
			    endpoint->has_client ? &endpoint->client : NULL,
			    &best);
	}
	return best;
}

/* The name under which findings speak of the frame. */
static void
take_type(struct frame_check *check, const struct attempt *attempt)
{
	uint32_t node;
	if (!attempt->side ||
	    !json_pointer_get(
		&check->doc, view_of(attempt->side->discriminator), &node) ||
	    check->doc.nodes[node].type != JSON_STRING)
		return;
	struct buf scratch;
	buf_init(&scratch, 0);
	buf_add(&check->type, json_string(&check->doc, node, &scratch));
	buf_fini(&scratch);
}

/* What no producer may say, whatever the schemas let pass. */
static bool
is_reserved(struct frame_check *check, const struct frame_place *place,
    const struct attempt *attempt)
{
	if (attempt->side != &attempt->endpoint->server)
		return false;
	bool has_cursor = attempt->endpoint->splice_cursor &&
	    json_member(&check->doc, 0, view_of("cursor"));
	bool is_notice =
	    check->type.len >= 6 && memcmp(check->type.data, "relay.", 6) == 0;
	if (has_cursor)
		report_plain(check, place, "/cursor", "reserved",
		    "no such member: the relay adds it", "a member");
	else if (is_notice)
		report_plain(check, place, attempt->side->discriminator,
		    "reserved", "no type relay.*", "a type of the relay's own");
	check->invalid += has_cursor || is_notice;
	return has_cursor || is_notice;
}

void
frame_check_judge(struct frame_check *check, const struct frame_place *place,
    struct view frame)
{
	struct json_limits limits = { .max_depth = DEPTH_MAX,
		.strict_keys = true };
	struct json_fault fault;
	check->frames++;
	buf_clear(&check->type);
	check->frame = frame;
	if (json_scan(&check->doc, frame, &limits, &fault) == -1) {
		report_fault(check, place, &fault);
		return;
	}
	struct attempt best = attempt_all(check);
	take_type(check, &best);
	if (is_reserved(check, place, &best))
		return;
	if (best.verdict != CONTRACT_VALID)
		report_attempt(check, place, &best);
}
