/* SPDX-License-Identifier: MIT */
#include "frame_check.h"

#include "generations.h"
#include "json_hint.h"
#include "nearest.h"

#include <inttypes.h>

#include <stdio.h>

#define VIOLATIONS_MAX 10
#define DEPTH_MAX      64 /* as the daemon's default */
#define NAMES_MAX      64 /* types that "did you mean" looks at */

void
frame_check_init(struct frame_check *check, struct report *report,
    const struct contract *contract)
{
	*check = (struct frame_check){ .report = report,
		.scope = { .contract = contract } };
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
	bool is_deep = fault->reason == JSON_TOO_DEEP;
	snprintf(violation.rule, sizeof(violation.rule), "%s",
	    is_deep ? "too_deep" : "json");
	if (is_deep)
		snprintf(violation.expected, sizeof(violation.expected),
		    "at most %d levels", DEPTH_MAX);
	else
		snprintf(violation.expected, sizeof(violation.expected),
		    "one JSON object (RFC 8259)");
	snprintf(violation.got, sizeof(violation.got), "%s at byte %zu",
	    fault->message, fault->offset);
	snprintf(violation.hint, sizeof(violation.hint), "%s",
	    json_hint(check->frame, fault));
	tell(check, place, &violation, &fault->offset);
}

void
frame_check_long(
    struct frame_check *check, const struct frame_place *place, uint64_t bytes)
{
	char expected[48];
	char got[48];
	bool is_client = check->scope.direction == FRAME_CLIENT;
	check->frames++;
	check->invalid++;
	check->frame = view_of("");
	buf_clear(&check->type);
	snprintf(expected, sizeof(expected), "at most %zu bytes",
	    is_client ? FRAME_CLIENT_BYTES_MAX : FRAME_BYTES_MAX);
	snprintf(got, sizeof(got), "%" PRIu64 " bytes", bytes);
	report_plain(check, place, "", "too_large", expected, got);
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

/* The types that are declared in all places asked for. */
struct types {
	const char *names[NAMES_MAX];
	size_t count;
};

static void
add_types(struct types *types, const struct contract_side *side)
{
	for (size_t i = 0; i < side->message_count; i++) {
		const char *name = side->messages[i].type;
		bool is_there = types->count == NAMES_MAX;
		for (size_t n = 0; n < types->count && !is_there; n++)
			is_there = strcmp(types->names[n], name) == 0;
		if (!is_there)
			types->names[types->count++] = name;
	}
}

static struct types
gather_types(const struct frame_scope *scope)
{
	struct types types = { .count = 0 };
	for (size_t i = 0; i < scope->contract->endpoint_count; i++) {
		const struct contract_endpoint *endpoint =
		    &scope->contract->endpoints[i];
		if (scope->endpoint && scope->endpoint != endpoint)
			continue;
		if (scope->direction != FRAME_SERVER && endpoint->has_client)
			add_types(&types, &endpoint->client);
		if (scope->direction != FRAME_CLIENT)
			add_types(&types, &endpoint->server);
	}
	return types;
}

/* As many as there is room for. */
static void
list_types(const struct types *types, char *text, size_t size)
{
	size_t at = (size_t)snprintf(text, size, "one of ");
	for (size_t i = 0; i < types->count; i++) {
		if (at + strlen(types->names[i]) + sizeof(", \"\", ...") >
		    size) {
			snprintf(text + at, size - at, ", ...");
			return;
		}
		at += (size_t)snprintf(text + at, size - at, "%s\"%s\"",
		    i ? ", " : "", types->names[i]);
	}
}

/* Is the frame itself a member of what was sent? Its key, or empty. */
static struct view
find_wrapped(const struct frame_check *check, const char *discriminator)
{
	const struct json_node *nodes = check->doc.nodes;
	struct view name = view_of(discriminator);
	uint32_t type;
	if (name.len < 2 || memchr(name.data + 1, '/', name.len - 1))
		return view_of("");
	name = view_make(name.data + 1, name.len - 1);
	for (uint32_t key = 1; key < nodes[0].next; key = nodes[key + 1].next) {
		type = json_member(&check->doc, key + 1, name);
		if (type && nodes[type].type == JSON_STRING)
			return json_text(&check->doc, key);
	}
	return view_of("");
}

/* As the schema itself would say it: the object lacks a member. */
static void
report_missing_type(struct frame_check *check, const struct frame_place *place,
    const struct contract_side *side)
{
	struct violation violation = { .refusal = NULL };
	const char *slash = strrchr(side->discriminator, '/');
	const char *name = slash ? slash : side->discriminator;
	struct types types = gather_types(&check->scope);
	struct view key = find_wrapped(check, side->discriminator);
	char list[sizeof(violation.hint) - sizeof("it is ")];
	list_types(&types, list, sizeof(list));
	snprintf(violation.pointer, sizeof(violation.pointer), "%.*s",
	    (int)(name - side->discriminator), side->discriminator);
	snprintf(violation.rule, sizeof(violation.rule), "required");
	snprintf(violation.expected, sizeof(violation.expected), "%s",
	    slash ? slash + 1 : "a type");
	snprintf(violation.got, sizeof(violation.got), "no such member");
	if (key.len > 0 && key.len < 60)
		snprintf(violation.hint, sizeof(violation.hint),
		    "or send what stands under %.*s alone", (int)key.len,
		    key.data);
	else
		snprintf(
		    violation.hint, sizeof(violation.hint), "it is %s", list);
	tell(check, place, &violation, NULL);
}

static void
report_type(struct frame_check *check, const struct frame_place *place,
    const struct frame_attempt *attempt)
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
	struct types types = gather_types(&check->scope);
	list_types(&types, violation.expected, sizeof(violation.expected));
	const char *near =
	    nearest_name(buf_view(&check->type), types.names, types.count);
	if (near)
		snprintf(violation.hint, sizeof(violation.hint),
		    "did you mean \"%.100s\"?", near);
	tell(check, place, &violation, NULL);
}

/* That a member which the contract's author refuses in words of its own is not
 * declared either says nothing new. */
static bool
is_repeated(const struct violation *violations, size_t at)
{
	const struct violation *one = &violations[at];
	if (strcmp(one->rule, "additionalProperties") != 0 &&
	    strcmp(one->rule, "unevaluatedProperties") != 0)
		return false;
	for (size_t i = 0; i < at; i++)
		if (violations[i].refusal &&
		    strcmp(violations[i].pointer, one->pointer) == 0)
			return true;
	return false;
}

static void
report_violations(struct frame_check *check, const struct frame_place *place,
    const struct frame_attempt *attempt)
{
	struct violation violations[VIOLATIONS_MAX];
	size_t count = schema_explain(attempt->message->schema, check->scratch,
	    &check->doc, 0, violations, VIOLATIONS_MAX);
	for (size_t i = 0; i < count; i++)
		if (!is_repeated(violations, i))
			tell(check, place, &violations[i], NULL);
}

/* What somebody who sends this instead of an object most likely did. */
static void
report_no_object(struct frame_check *check, const struct frame_place *place)
{
	struct violation violation = { .refusal = NULL };
	const struct json_node *root = &check->doc.nodes[0];
	snprintf(violation.rule, sizeof(violation.rule), "type");
	snprintf(violation.expected, sizeof(violation.expected), "object");
	snprintf(violation.got, sizeof(violation.got), "%s",
	    json_type_name((enum json_type)root->type));
	bool is_quoted = root->type == JSON_STRING && root->length > 2 &&
	    check->doc.text.data[root->start + 1] == '{';
	if (is_quoted)
		snprintf(violation.hint, sizeof(violation.hint),
		    "this is JSON inside a string: send the object itself");
	else if (root->type == JSON_ARRAY)
		snprintf(violation.hint, sizeof(violation.hint),
		    "one frame at a time: no array around them");
	tell(check, place, &violation, NULL);
}

static void
report_attempt(struct frame_check *check, const struct frame_place *place,
    const struct frame_attempt *attempt)
{
	const char *type =
	    json_type_name((enum json_type)check->doc.nodes[0].type);
	check->invalid++;
	if (attempt->verdict == CONTRACT_NOT_OBJECT)
		report_no_object(check, place);
	else if (!attempt->side)
		report_plain(check, place, "", "direction",
		    "no frames from clients", type);
	else if (attempt->verdict == CONTRACT_INVALID)
		report_violations(check, place, attempt);
	else
		report_type(check, place, attempt);
}

/* The name under which findings speak of the frame. */
static void
take_type(struct frame_check *check, const struct frame_attempt *attempt)
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
    const struct frame_attempt *attempt)
{
	switch (frame_reserved(attempt, &check->doc)) {
	case FRAME_FREE:
		return false;
	case FRAME_HAS_CURSOR:
		report_plain(check, place, "/cursor", "reserved",
		    "no such member: the relay adds it", "a member");
		break;
	case FRAME_IS_NOTICE:
		report_plain(check, place, attempt->side->discriminator,
		    "reserved", "no type relay.*", "a type of the relay's own");
		break;
	}
	check->invalid++;
	return true;
}

void
frame_check_judge(struct frame_check *check, const struct frame_place *place,
    struct view frame)
{
	struct json_limits limits = { .max_depth = DEPTH_MAX,
		.strict_keys = true };
	struct json_fault fault;
	bool is_client = check->scope.direction == FRAME_CLIENT;
	if (frame.len >
	    (is_client ? FRAME_CLIENT_BYTES_MAX : FRAME_BYTES_MAX)) {
		frame_check_long(check, place, frame.len);
		return;
	}
	check->frames++;
	buf_clear(&check->type);
	check->frame = frame;
	if (json_scan(&check->doc, frame, &limits, &fault) == -1) {
		report_fault(check, place, &fault);
		return;
	}
	if (check->generations)
		generations_judge(check->generations, &check->doc);
	struct frame_attempt best =
	    frame_attempt(&check->scope, check->scratch, &check->doc);
	take_type(check, &best);
	if (is_reserved(check, place, &best))
		return;
	if (best.verdict != CONTRACT_VALID)
		report_attempt(check, place, &best);
}
