/* SPDX-License-Identifier: MIT */

/*
 * Both names of a drift: the one that was seen, and the declared one that it
 * most likely stands for. What may be shown of what was seen is narrow: names
 * of members, and where the contract lists values, short identifiers.
 */

#include "drift_parts.h"

#include "discreet.h"
#include "nearest.h"
#include "utf8.h"

#include <stdio.h>

#define CANDIDATES_MAX 256
#define IDENTIFIER_MAX 40
#define DIGITS_MAX     4 /* more of them look like an id or a secret */

struct candidates {
	const char *names[CANDIDATES_MAX];
	size_t count;
};

/* --- what may be shown --- */

struct drift_name
drift_name_of(struct view text)
{
	struct drift_name name = { { 0 } };
	size_t length = 0;
	for (size_t i = 0; i < text.len;) {
		const uint8_t *at = (const uint8_t *)text.data + i;
		size_t size = utf8_sequence(at, at + (text.len - i));
		bool is_bad = size == 0 || *at < 0x20 || *at == 0x7f;
		size_t step = size ? size : 1;
		if (length + step > DRIFT_NAME_MAX)
			break;
		if (is_bad)
			name.text[length] = '?';
		else
			memcpy(name.text + length, at, step);
		length += step;
		i += step;
	}
	return name;
}

struct drift_name
drift_member_name(const struct json_doc *doc, uint32_t key, struct buf *scratch)
{
	struct drift_name none = { { 0 } };
	struct view text = json_string(doc, key, scratch);
	return discreet_is_name(text) ? drift_name_of(text) : none;
}

static bool
is_type_byte(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	    (byte >= '0' && byte <= '9') || (byte && strchr("_-.:/", byte));
}

struct drift_name
drift_type_name(const struct json_doc *doc, uint32_t at, struct buf *scratch)
{
	struct drift_name none = { { 0 } };
	if (doc->nodes[at].type != JSON_STRING)
		return none;
	struct view text = json_string(doc, at, scratch);
	for (size_t i = 0; i < text.len; i++)
		if (!is_type_byte(text.data[i]))
			return none;
	return discreet_is_name(text) ? drift_name_of(text) : none;
}

static bool
is_identifier(struct view text)
{
	size_t digits = 0;
	if (text.len == 0 || text.len > IDENTIFIER_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char byte = text.data[i];
		bool is_letter = (byte >= 'a' && byte <= 'z') ||
		    (byte >= 'A' && byte <= 'Z');
		bool is_digit = byte >= '0' && byte <= '9';
		digits += is_digit;
		if (!is_letter && !is_digit && byte != '_' && byte != '-' &&
		    byte != '.')
			return false;
	}
	return digits <= DIGITS_MAX;
}

/* A member by such a name never has its value shown. */
static bool
is_secret(const struct json_doc *doc, uint32_t at)
{
	static const char *const words[] = { "token", "secret", "password",
		"authorization", "api_key" };
	if (at == 0 || !(doc->nodes[at - 1].flags & JSON_IS_KEY))
		return false;
	struct view key = json_text(doc, at - 1);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (size_t n = 0; n + strlen(words[i]) <= key.len; n++)
			if (strncasecmp(
				key.data + n, words[i], strlen(words[i])) == 0)
				return true;
	return false;
}

struct drift_name
drift_value_name(const struct json_doc *doc, uint32_t at, struct buf *scratch)
{
	const struct json_node *node = &doc->nodes[at];
	struct drift_name none = { { 0 } };
	if (is_secret(doc, at) || node->type >= JSON_ARRAY)
		return none;
	struct view text = node->type == JSON_STRING
	    ? json_string(doc, at, scratch)
	    : json_text(doc, at);
	return is_identifier(text) ? drift_name_of(text) : none;
}

/* --- patterns --- */

void
drift_pattern(
    const struct json_doc *doc, const char *pointer, char *out, size_t size)
{
	const char *at = pointer;
	size_t length = 0;
	while (*at == '/') {
		size_t token = 1 + strcspn(at + 1, "/");
		bool is_hidden =
		    !discreet_is_name(view_make(at + 1, token - 1));
		uint32_t node = 0;
		struct view before = view_make(pointer, (size_t)(at - pointer));
		bool is_item = json_pointer_get(doc, before, &node) &&
		    doc->nodes[node].type == JSON_ARRAY;
		if (length + token + 1 > size)
			break;
		if (is_item || is_hidden)
			length +=
			    (size_t)snprintf(out + length, size - length, "/*");
		else
			length += (size_t)snprintf(out + length, size - length,
			    "%.*s", (int)token, at);
		at += token;
	}
	out[length] = '\0';
}

/* The entry of the place at this pattern; 0: nothing is declared there. */
static uint32_t
find_place(const struct drift_message *message, const char *pattern)
{
	uint32_t count = 0;
	const struct declared_entry *entries =
	    schema_declared_entries(message->declared, &count);
	for (uint32_t i = 1; i < count; i++)
		if (entries[i].kind == DECLARED_PLACE &&
		    strcmp(entries[i].pointer, pattern) == 0)
			return i;
	return 0;
}

/* --- declared members --- */

/* Which of a place's members may be meant. */
struct wish {
	uint32_t place;
	uint32_t object; /* in which they are not … */
	uint8_t types;   /* … and whose values may be of one of these types */
	bool or_present; /* (or are) */
	bool only_unseen; /* and that no frame had so far */
};

static struct candidates
members_of(const struct drift_message *message, const struct json_doc *doc,
    const struct wish *wish)
{
	uint32_t count = 0;
	struct candidates found = { .count = 0 };
	const struct declared_entry *entries =
	    schema_declared_entries(message->declared, &count);
	for (uint32_t i = 1; i < count && found.count < CANDIDATES_MAX; i++) {
		const struct declared_entry *entry = &entries[i];
		if (entry->kind != DECLARED_MEMBER ||
		    entry->place != wish->place ||
		    !(entry->types & wish->types) ||
		    (wish->only_unseen && drift_is_seen(message, i)) ||
		    (!wish->or_present &&
			json_member(doc, wish->object, view_of(entry->name))))
			continue;
		found.names[found.count++] = entry->name;
	}
	return found;
}

static void
set_name(struct drift_name *name, const char *text)
{
	*name = drift_name_of(view_of(text ? text : ""));
}

void
drift_name_member(struct drift *drift, const struct drift_message *message,
    uint32_t place, const struct json_doc *doc, uint32_t object, uint32_t key,
    struct drift_facts *facts)
{
	struct view seen = json_string(doc, key, &drift->text);
	struct wish wish = { .place = place, .object = object, .types = 0xff };
	struct candidates absent = members_of(message, doc, &wish);
	const char *near = nearest_name(seen, absent.names, absent.count);
	if (near) {
		set_name(&facts->nearest, near);
		if (!facts->hint[0])
			snprintf(facts->hint, sizeof(facts->hint),
			    "did you mean \"%.80s\"?", near);
		return;
	}
	wish.types = (uint8_t)(1u << doc->nodes[key + 1].type);
	wish.only_unseen = true;
	struct candidates unseen = members_of(message, doc, &wish);
	wish.only_unseen = false;
	struct candidates fitting = members_of(message, doc, &wish);
	if (unseen.count == 1 && !facts->hint[0])
		snprintf(facts->hint, sizeof(facts->hint),
		    "\"%.80s\" is declared and never came: was it renamed?",
		    unseen.names[0]);
	wish =
	    (struct wish){ .place = place, .types = 0xff, .or_present = true };
	struct candidates all = members_of(message, doc, &wish);
	const struct candidates *best = unseen.count == 1 ? &unseen
	    : fitting.count > 0                           ? &fitting
	    : absent.count > 0                            ? &absent
							  : &all;
	set_name(
	    &facts->nearest, nearest_of_all(seen, best->names, best->count));
}

/* --- violations --- */

bool
drift_is_about_member(const char *rule)
{
	static const char *const rules[] = { "undeclared_member",
		"additionalProperties", "unevaluatedProperties",
		"propertyNames" };
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strcmp(rule, rules[i]) == 0)
			return true;
	return false;
}

static bool
is_about_missing(const char *rule)
{
	return strcmp(rule, "required") == 0 ||
	    strcmp(rule, "dependentRequired") == 0;
}

static bool
is_about_value(const char *rule)
{
	return strcmp(rule, "enum") == 0 || strcmp(rule, "const") == 0;
}

/* The member's value and the object around it, by the violation's pointer. */
static bool
find_member(const struct violation *violation, const struct json_doc *doc,
    uint32_t *object_r, uint32_t *value_r)
{
	const char *slash = strrchr(violation->pointer, '/');
	if (!slash)
		return false;
	size_t length = (size_t)(slash - violation->pointer);
	return json_pointer_get(doc, view_of(violation->pointer), value_r) &&
	    json_pointer_get(
		doc, view_make(violation->pointer, length), object_r) &&
	    doc->nodes[*object_r].type == JSON_OBJECT;
}

void
drift_key_violation(struct drift *drift, const struct violation *violation,
    const struct json_doc *doc, struct drift_key *key)
{
	uint32_t object = 0;
	uint32_t value = 0;
	drift_pattern(
	    doc, violation->pointer, key->pointer, sizeof(key->pointer));
	char *last = strrchr(key->pointer, '/');
	if (drift_is_about_member(violation->rule) && last &&
	    find_member(violation, doc, &object, &value)) {
		memset(last, 0, strlen(last)); /* the object's own place */
		key->seen = drift_member_name(doc, value - 1, &drift->text);
	} else if (is_about_value(violation->rule) &&
	    json_pointer_get(doc, view_of(violation->pointer), &value)) {
		key->seen = drift_value_name(doc, value, &drift->text);
	} else if (is_about_missing(violation->rule)) {
		set_name(&key->missing, violation->expected);
	} else if (strcmp(violation->rule, "type") == 0) {
		set_name(&key->seen, violation->got);
	}
}

static void
name_value(struct drift *drift, const struct drift_message *message,
    const struct drift_key *key, struct drift_facts *facts)
{
	uint32_t count = 0;
	struct candidates values = { .count = 0 };
	const struct declared_entry *entries =
	    schema_declared_entries(message->declared, &count);
	for (uint32_t i = 1; i < count && values.count < CANDIDATES_MAX; i++)
		if (entries[i].kind == DECLARED_VALUE &&
		    strcmp(entries[i].pointer, key->pointer) == 0)
			values.names[values.count++] = entries[i].value;
	if (key->seen.text[0] || values.count == 1)
		set_name(&facts->nearest,
		    nearest_of_all(
			view_of(key->seen.text), values.names, values.count));
	if (drift_has_type(
		drift, (enum drift_direction)key->direction, key->seen.text))
		snprintf(facts->hint, sizeof(facts->hint),
		    "\"%s\" is a message type of its own: was it wrapped?",
		    key->seen.text);
}

static bool
is_declared(const struct drift_message *message, uint32_t place,
    const struct json_doc *doc, uint32_t key)
{
	uint32_t count = 0;
	const struct declared_entry *entries =
	    schema_declared_entries(message->declared, &count);
	for (uint32_t i = 1; i < count; i++)
		if (entries[i].kind == DECLARED_MEMBER &&
		    entries[i].place == place &&
		    json_string_is(doc, key, view_of(entries[i].name)))
			return true;
	return false;
}

/* For a missing member: the one that is there instead, if there is just one
 * that nobody declared or one that is spelt alike. */
static void
name_missing(struct drift *drift, const struct drift_message *message,
    const struct violation *violation, const struct json_doc *doc,
    const struct drift_key *key, struct drift_facts *facts)
{
	const struct json_node *nodes = doc->nodes;
	const char *missing = violation->expected;
	uint32_t place = find_place(message, key->pointer);
	uint32_t object = 0;
	uint32_t strangers = 0;
	struct drift_name stranger = { { 0 } };
	set_name(&facts->nearest, missing);
	if (place == 0 ||
	    !json_pointer_get(doc, view_of(violation->pointer), &object))
		return;
	for (uint32_t at = object + 1; at < nodes[object].next;
	     at = nodes[at + 1].next) {
		if (is_declared(message, place, doc, at))
			continue;
		stranger = drift_member_name(doc, at, &drift->text);
		strangers++;
		if (!nearest_name(view_of(stranger.text), &missing, 1))
			continue;
		facts->seen = stranger;
		return;
	}
	if (strangers != 1)
		return;
	facts->seen = stranger;
	if (!facts->hint[0] && stranger.text[0])
		snprintf(facts->hint, sizeof(facts->hint),
		    "\"%s\" is there and not declared: was it renamed?",
		    stranger.text);
}

void
drift_name_violation(struct drift *drift, const struct drift_message *message,
    const struct violation *violation, const struct json_doc *doc,
    const struct drift_key *key, struct drift_facts *facts)
{
	const char *rule = violation->rule;
	uint32_t object = 0;
	uint32_t value = 0;
	if (drift_is_about_member(rule)) {
		if (find_member(violation, doc, &object, &value))
			drift_name_member(drift, message,
			    find_place(message, key->pointer), doc, object,
			    value - 1, facts);
	} else if (is_about_value(rule)) {
		name_value(drift, message, key, facts);
	} else if (is_about_missing(rule)) {
		name_missing(drift, message, violation, doc, key, facts);
	} else if (strcmp(rule, "type") == 0) {
		set_name(&facts->nearest, violation->expected);
	}
}
