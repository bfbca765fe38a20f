/* SPDX-License-Identifier: MIT */

/*
 * The frames with which a client's frame is refused. Which refusal it is comes
 * from the contract: unknown or missing type first, then whatever the schema
 * says first. All violations are listed whoever decided, so that one answer
 * shows everything there is to mend.
 */

#include "contract_parts.h"
#include "nearest.h"

#include <stdio.h>

#define VIOLATIONS_MAX 10
#define MESSAGE_MAX    3   /* violations that the message speaks of */
#define TYPE_TEXT_MAX  200 /* bytes of {type} */
#define NAMES_MAX      64  /* types that "did you mean" looks at */

struct refusal {
	const char *code; /* NULL: none in the frame */
	struct view message;
	struct violation *violations;
	size_t count;
};

static void
add_member(struct buf *out, const char *name, struct view value)
{
	buf_addf(out, "\"%s\":", name);
	buf_add_json_string(out, value);
}

static void
add_violation(struct buf *out, const struct violation *violation)
{
	buf_add_char(out, '{');
	add_member(out, "pointer", view_of(violation->pointer));
	buf_add_char(out, ',');
	add_member(out, "rule", view_of(violation->rule));
	buf_add_char(out, ',');
	add_member(out, "expected", view_of(violation->expected));
	buf_add_char(out, ',');
	add_member(out, "got", view_of(violation->got));
	buf_add_char(out, ',');
	if (violation->hint[0])
		add_member(out, "hint", view_of(violation->hint));
	else
		buf_add_text(out, "\"hint\":null");
	buf_add_char(out, '}');
}

/* The frame without its closing brace. */
static void
add_head(struct buf *out, const char *code, struct view message)
{
	buf_add_text(out, "{\"type\":\"error\",");
	if (code) {
		add_member(out, "code", view_of(code));
		buf_add_char(out, ',');
	}
	add_member(out, "message", message);
}

static void
add_frame(struct buf *out, const struct refusal *refusal)
{
	add_head(out, refusal->code, refusal->message);
	buf_add_text(out,
	    ",\"details\":{\"error_type\":\"contract_violation\","
	    "\"violations\":[");
	for (size_t i = 0; i < refusal->count; i++) {
		buf_add_text(out, i ? "," : "");
		add_violation(out, &refusal->violations[i]);
	}
	buf_add_text(out, "]}}");
}

void
contract_error_frame(const char *code, const char *message, struct buf *out)
{
	add_head(out, code, view_of(message));
	buf_add_char(out, '}');
}

/* --- not JSON --- */

static void
refuse_fault(const struct json_fault *fault, struct buf *out)
{
	static const char *const codes[] = {
		[JSON_OK] = "invalid_json",
		[JSON_SYNTAX] = "invalid_json",
		[JSON_TOO_DEEP] = "too_deep",
		[JSON_TOO_LARGE] = "too_large",
	};
	struct violation violation = { .rule = "json",
		.expected = "one JSON object (RFC 8259)" };
	char message[128];
	snprintf(violation.got, sizeof(violation.got), "%s at byte %zu",
	    fault->message, fault->offset);
	snprintf(message, sizeof(message), "Invalid JSON: %s", violation.got);
	struct refusal refusal = { codes[fault->reason], view_of(message),
		&violation, 1 };
	add_frame(out, &refusal);
}

/* --- a payload that its schema refuses --- */

static void
add_sentence(struct buf *out, const struct violation *violation)
{
	const char *pointer = violation->pointer;
	const char *place = *pointer ? pointer : "the frame";
	if (strcmp(violation->rule, "required") == 0)
		buf_addf(out, "%s/%s is missing", pointer, violation->expected);
	else if (strcmp(violation->rule, "additionalProperties") == 0)
		buf_addf(out, "%s is unknown", place);
	else
		buf_addf(out, "%s: expected %s, got %s", place,
		    violation->expected, violation->got);
	if (violation->hint[0])
		buf_addf(out, ", %s", violation->hint);
}

static void
refuse_invalid(struct violation *violations, size_t count, struct buf *out)
{
	struct buf message;
	buf_init(&message, 0);
	buf_add_text(&message, "Invalid payload: ");
	for (size_t i = 0; i < count && i < MESSAGE_MAX; i++) {
		buf_add_text(&message, i ? "; " : "");
		add_sentence(&message, &violations[i]);
	}
	if (count == VIOLATIONS_MAX)
		buf_add_text(&message, "; and more");
	else if (count > MESSAGE_MAX)
		buf_addf(&message, "; and %zu more", count - MESSAGE_MAX);
	struct refusal refusal = { "invalid_payload", buf_view(&message),
		violations, count };
	add_frame(out, &refusal);
	buf_fini(&message);
}

/* A member that a refusal of its own names is not listed again by the rule
 * that closes the object. Returns how many are left. */
static size_t
drop_repeated(struct violation *violations, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		bool repeated = false;
		for (size_t j = 0; j < kept && !violations[i].refusal; j++)
			repeated |= violations[j].refusal &&
			    violations[j].pointer[0] &&
			    strcmp(violations[j].pointer,
				violations[i].pointer) == 0;
		if (!repeated)
			violations[kept++] = violations[i];
	}
	return kept;
}

static void
refuse_payload(const struct contract_message *message,
    struct schema_scratch *scratch, const struct json_doc *doc, struct buf *out)
{
	struct violation violations[VIOLATIONS_MAX];
	size_t count = schema_explain(
	    message->schema, scratch, doc, 0, violations, VIOLATIONS_MAX);
	count = drop_repeated(violations, count);
	const struct schema_refusal *own = count ? violations[0].refusal : NULL;
	if (!own) {
		refuse_invalid(violations, count, out);
		return;
	}
	struct refusal refusal = { own->code, view_of(own->message), violations,
		count };
	add_frame(out, &refusal);
}

/* --- no type, or one that nobody knows --- */

/* "message, cancel or command" */
static void
list_types(const struct contract_side *side, char *text, size_t size)
{
	size_t at = 0;
	for (size_t i = 0; i < side->message_count && at < size; i++) {
		bool is_last = i + 1 == side->message_count;
		const char *glue = i == 0 ? "" : is_last ? " or " : ", ";
		at += (size_t)snprintf(
		    text + at, size - at, "%s%s", glue, side->messages[i].type);
	}
}

static struct violation
type_violation(const struct contract_side *side, const char *rule)
{
	struct violation violation = { .refusal = NULL };
	snprintf(violation.pointer, sizeof(violation.pointer), "%s",
	    side->discriminator);
	snprintf(violation.rule, sizeof(violation.rule), "%s", rule);
	list_types(side, violation.expected, sizeof(violation.expected));
	return violation;
}

static void
hint_type(const struct contract_side *side, struct view type,
    struct violation *violation)
{
	const char *names[NAMES_MAX];
	size_t count = 0;
	for (; count < side->message_count && count < NAMES_MAX; count++)
		names[count] = side->messages[count].type;
	const char *near = nearest_name(type, names, count);
	if (near)
		snprintf(violation->hint, sizeof(violation->hint),
		    "did you mean \"%.100s\"?", near);
}

/* The refusal's message with {type} filled in. */
static void
add_worded(struct buf *out, const char *message, struct view type)
{
	const char *place = strstr(message, "{type}");
	if (!place) {
		buf_add_text(out, message);
		return;
	}
	buf_add(out, view_make(message, (size_t)(place - message)));
	buf_add(out, type);
	buf_add_text(out, place + strlen("{type}"));
}

static void
refuse_type(const struct contract_refusal *own, const char *code,
    const char *message, struct view type, struct violation *violation,
    struct buf *out)
{
	struct buf text;
	buf_init(&text, 0);
	add_worded(&text, own ? own->message : message, type);
	struct refusal refusal = { own ? own->code : code, buf_view(&text),
		violation, 1 };
	add_frame(out, &refusal);
	buf_fini(&text);
}

/* For a discriminator that is not there: a member beside its place whose name
 * is nearly right. */
static void
hint_missing(const struct contract_side *side, const struct json_doc *doc,
    struct violation *violation)
{
	const char *token = strrchr(side->discriminator, '/') + 1;
	struct view parent = view_make(
	    side->discriminator, (size_t)(token - 1 - side->discriminator));
	uint32_t object;
	if (!json_pointer_get(doc, parent, &object) ||
	    doc->nodes[object].type != JSON_OBJECT)
		return;
	struct buf scratch;
	buf_init(&scratch, 0);
	for (uint32_t key = object + 1; key < doc->nodes[object].next;
	     key = doc->nodes[key + 1].next) {
		struct view name = json_string(doc, key, &scratch);
		if (!nearest_name(name, &token, 1))
			continue;
		snprintf(violation->hint, sizeof(violation->hint),
		    "is it \"%.*s\" that is meant?",
		    (int)(name.len < 80 ? name.len : 80), name.data);
		break;
	}
	buf_fini(&scratch);
}

static void
refuse_missing(const struct contract_side *side, const struct json_doc *doc,
    struct buf *out)
{
	struct violation violation = type_violation(side, "required");
	hint_missing(side, doc, &violation);
	snprintf(violation.got, sizeof(violation.got), "no such member");
	char message[300];
	snprintf(message, sizeof(message), "Invalid payload: %.200s is missing",
	    side->discriminator);
	refuse_type(side->missing_type, "invalid_payload", message, view_of(""),
	    &violation, out);
}

/* True when the value counts as a type that nobody knows; else it is one that
 * is wrong in itself. *type is what the message calls it. */
static bool
is_unknown_type(const struct contract_side *side, const struct json_doc *doc,
    uint32_t node, struct buf *type)
{
	if (side->python_type_text) {
		contract_python_text(doc, node, TYPE_TEXT_MAX, type);
		return type->len > 0 && !contract_find(side, buf_view(type));
	}
	if (doc->nodes[node].type != JSON_STRING)
		return false;
	struct buf scratch;
	buf_init(&scratch, 0);
	struct view text = json_string(doc, node, &scratch);
	if (text.len > TYPE_TEXT_MAX)
		text.len = TYPE_TEXT_MAX;
	buf_add(type, text);
	buf_fini(&scratch);
	return true;
}

static void
refuse_unknown(const struct contract_side *side, const struct json_doc *doc,
    uint32_t node, struct buf *out)
{
	struct violation violation = type_violation(side, "enum");
	struct buf type;
	buf_init(&type, 0);
	bool is_unknown = is_unknown_type(side, doc, node, &type);
	snprintf(violation.got, sizeof(violation.got), "%s",
	    doc->nodes[node].type == JSON_STRING
		? "another string"
		: json_type_name((enum json_type)doc->nodes[node].type));
	hint_type(side, buf_view(&type), &violation);
	if (is_unknown)
		refuse_type(side->unknown_type, "unknown_type",
		    "Unknown message type: {type}", buf_view(&type), &violation,
		    out);
	else
		refuse_invalid(&violation, 1, out);
	buf_fini(&type);
}

static void
refuse_no_object(const struct json_doc *doc, struct buf *out)
{
	struct violation violation = { .rule = "type", .expected = "object" };
	snprintf(violation.got, sizeof(violation.got), "%s",
	    json_type_name((enum json_type)doc->nodes[0].type));
	refuse_invalid(&violation, 1, out);
}

void
contract_refuse_frame(const struct contract_side *side,
    struct schema_scratch *scratch, const struct json_doc *doc,
    const struct json_fault *fault, struct buf *out, uint16_t *close_r)
{
	const struct contract_message *message;
	uint32_t node;
	*close_r = 0;
	if (fault && fault->reason != JSON_OK) {
		refuse_fault(fault, out);
	} else if (doc->nodes[0].type != JSON_OBJECT) {
		refuse_no_object(doc, out);
	} else if ((message = contract_select(side, doc))) {
		refuse_payload(message, scratch, doc, out);
	} else if (!json_pointer_get(
		       doc, view_of(side->discriminator), &node)) {
		*close_r = side->missing_type ? side->missing_type->close : 0;
		refuse_missing(side, doc, out);
	} else {
		*close_r = side->unknown_type ? side->unknown_type->close : 0;
		refuse_unknown(side, doc, node, out);
	}
}
