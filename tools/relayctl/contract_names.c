/* SPDX-License-Identifier: MIT */

/*
 * One walk over the contract tells each fact once, in order; two tellers write
 * it down, one as lines and one as JSON.
 */

#include "contract_names.h"

#include "schema_declared.h"

#include <stdlib.h>
#include <string.h>

#define TYPES_ALL 0x7fu

/* Where the walk is. */
struct place {
	const struct contract_endpoint *endpoint;
	const struct contract_side *side; /* NULL: the direction is closed */
	const char *direction;
	const struct contract_message *message;
	const struct declared_entry *entries;
	uint32_t entry_count;
};

struct names {
	struct buf *out;
	const struct contract *contract;
	void (*tell_message)(struct names *names, const struct place *place);
};

/* --- order --- */

static int
by_endpoint_name(const void *a, const void *b)
{
	const struct contract_endpoint *const *left = a;
	const struct contract_endpoint *const *right = b;
	return strcmp((*left)->name, (*right)->name);
}

static int
by_type(const void *a, const void *b)
{
	const struct contract_message *const *left = a;
	const struct contract_message *const *right = b;
	return strcmp((*left)->type, (*right)->type);
}

/* A member stands before its values, and both before what is below it. */
static int
by_pointer(const void *a, const void *b)
{
	const struct declared_entry *const *left = a;
	const struct declared_entry *const *right = b;
	int order = strcmp((*left)->pointer, (*right)->pointer);
	if (order == 0)
		order = (int)(*left)->kind - (int)(*right)->kind;
	if (order == 0)
		order = (int)(*left)->value_type - (int)(*right)->value_type;
	if (order == 0 && (*left)->value && (*right)->value)
		order = strcmp((*left)->value, (*right)->value);
	return order;
}

/* Pointers to `count` things of `size` bytes, sorted; free them. */
static const void **
sort(const void *first, size_t count, size_t size,
    int (*compare)(const void *, const void *))
{
	const void **sorted = calloc(count + 1, sizeof(*sorted));
	if (!sorted)
		abort();
	for (size_t i = 0; i < count; i++)
		sorted[i] = (const char *)first + i * size;
	qsort(sorted, count, sizeof(*sorted), compare);
	return sorted;
}

/* --- words --- */

static bool
is_required(const struct place *place, const struct declared_entry *entry)
{
	return entry->ways > 0 &&
	    entry->ways == place->entries[entry->place].ways;
}

/* "any", or the names of types in a fixed order. */
static void
list_types(
    struct buf *out, unsigned types, const char *quote, const char *comma)
{
	const char *before = "";
	bool is_any = (types & TYPES_ALL) == TYPES_ALL;
	bool is_integer = !(types & DECLARED_FRACTION);
	if (is_any && !is_integer) {
		buf_addf(out, "%sany%s", quote, quote);
		return;
	}
	for (unsigned type = JSON_NULL; type <= JSON_OBJECT; type++) {
		bool is_false = type == JSON_FALSE;
		if (!(types & (1u << type)) ||
		    (is_false && types & (1u << JSON_TRUE)))
			continue;
		const char *name = is_false || type == JSON_TRUE ? "boolean"
		    : type == JSON_NUMBER && is_integer
		    ? "integer"
		    : json_type_name((enum json_type)type);
		buf_addf(out, "%s%s%s%s", before, quote, name, quote);
		before = comma;
	}
}

/* The value as JSON. */
static void
add_value(struct buf *out, const struct declared_entry *entry)
{
	if (entry->value_type == JSON_STRING)
		buf_add_json_string(out, view_of(entry->value));
	else
		buf_add_text(out, entry->value);
}

static void
list_flags(struct buf *out, const struct contract_message *message,
    const char *before, const char *after)
{
	const struct {
		bool is_set;
		const char *name;
	} flags[] = {
		{ message->is_terminal, "terminal" },
		{ message->is_direct, "direct" },
		{ message->is_dedup, "dedup" },
		{ message->creates_session, "creates_session" },
	};
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].is_set)
			buf_addf(out, "%s%s%s", before, flags[i].name, after);
}

/* --- lines --- */

static void
begin_line(struct names *names, const struct place *place)
{
	buf_addf(names->out, "%s %s %s", place->endpoint->name,
	    place->direction, place->message->type);
}

static void
tell_line(struct names *names, const struct place *place,
    const struct declared_entry *entry)
{
	struct buf *out = names->out;
	if (entry->kind == DECLARED_PLACE)
		return;
	begin_line(names, place);
	buf_addf(out, " %s ", entry->pointer[0] ? entry->pointer : "\"\"");
	if (entry->kind == DECLARED_VALUE) {
		buf_add_text(out, "= ");
		add_value(out, entry);
	} else {
		buf_add_text(
		    out, is_required(place, entry) ? "required " : "optional ");
		list_types(out, entry->types, "", "|");
	}
	buf_add_char(out, '\n');
}

static void
tell_message_as_lines(struct names *names, const struct place *place)
{
	begin_line(names, place);
	list_flags(names->out, place->message, " ", "");
	buf_add_char(names->out, '\n');
	const void **sorted = sort(place->entries + 1, place->entry_count - 1,
	    sizeof(*place->entries), by_pointer);
	for (uint32_t i = 0; i + 1 < place->entry_count; i++)
		tell_line(names, place, sorted[i]);
	free(sorted);
}

/* --- JSON --- */

/* All values at one pointer: from `from` on in the sorted list. */
static void
add_values(struct buf *out, const void *const *sorted, uint32_t count,
    uint32_t from, const char *pointer)
{
	const char *before = "";
	buf_add_text(out, ",\"values\":[");
	for (uint32_t i = from; i < count; i++) {
		const struct declared_entry *entry = sorted[i];
		if (strcmp(entry->pointer, pointer) != 0)
			break;
		if (entry->kind != DECLARED_VALUE)
			continue;
		buf_add_text(out, before);
		add_value(out, entry);
		before = ",";
	}
	buf_add_char(out, ']');
}

static bool
is_new_pointer(const void *const *sorted, uint32_t i)
{
	const struct declared_entry *entry = sorted[i];
	const struct declared_entry *last = i ? sorted[i - 1] : NULL;
	return !last || strcmp(last->pointer, entry->pointer) != 0;
}

/* The first entry of this kind at the pointer of `from`; NULL: none. */
static const struct declared_entry *
find_kind(const void *const *sorted, uint32_t count, uint32_t from,
    enum declared_kind kind)
{
	const struct declared_entry *first = sorted[from];
	for (uint32_t i = from; i < count; i++) {
		const struct declared_entry *entry = sorted[i];
		if (strcmp(entry->pointer, first->pointer) != 0)
			break;
		if (entry->kind == kind)
			return entry;
	}
	return NULL;
}

static void
add_members(struct names *names, const struct place *place,
    const void *const *sorted, uint32_t count)
{
	struct buf *out = names->out;
	const char *before = "";
	for (uint32_t i = 0; i < count; i++) {
		const struct declared_entry *entry = sorted[i];
		if (!is_new_pointer(sorted, i))
			continue;
		/* Without one it is an item, or the frame itself. */
		const struct declared_entry *member =
		    find_kind(sorted, count, i, DECLARED_MEMBER);
		if (!member && !find_kind(sorted, count, i, DECLARED_VALUE))
			continue;
		buf_addf(out, "%s\n{\"pointer\":", before);
		buf_add_json_string(out, view_of(entry->pointer));
		buf_addf(out, ",\"required\":%s,\"types\":[",
		    !member                          ? "null"
			: is_required(place, member) ? "true"
						     : "false");
		list_types(out, member ? member->types : 0xff, "\"", ",");
		buf_add_char(out, ']');
		add_values(out, sorted, count, i, entry->pointer);
		buf_add_char(out, '}');
		before = ",";
	}
}

static void
tell_message_as_json(struct names *names, const struct place *place)
{
	struct buf *out = names->out;
	uint32_t count = place->entry_count - 1;
	bool is_first = out->data[out->len - 1] == '[';
	buf_add_text(out, is_first ? "\n{\"type\":" : ",\n{\"type\":");
	buf_add_json_string(out, view_of(place->message->type));
	buf_add_text(out, ",\"flags\":[");
	size_t start = out->len;
	list_flags(out, place->message, "\"", "\",");
	out->len -= out->len > start;
	buf_add_text(out, "],\"members\":[");
	const void **sorted = sort(
	    place->entries + 1, count, sizeof(*place->entries), by_pointer);
	add_members(names, place, sorted, count);
	free(sorted);
	buf_add_text(out, "]}");
}

/* --- the walk --- */

static void
tell_message(struct names *names, struct place *place)
{
	struct schema_declared *declared =
	    schema_declared_new(place->message->schema);
	place->entries = schema_declared_entries(declared, &place->entry_count);
	names->tell_message(names, place);
	schema_declared_free(&declared);
}

static void
tell_side(struct names *names, struct place *place)
{
	const struct contract_side *side = place->side;
	const void **sorted = sort(side->messages, side->message_count,
	    sizeof(*side->messages), by_type);
	for (size_t i = 0; i < side->message_count; i++) {
		place->message = sorted[i];
		tell_message(names, place);
	}
	free(sorted);
}

static void
tell_endpoint_as_lines(struct names *names, struct place *place)
{
	const struct contract_endpoint *endpoint = place->endpoint;
	buf_addf(names->out, "%s path %s\n", endpoint->name, endpoint->path);
	place->direction = "client";
	place->side = &endpoint->client;
	if (endpoint->has_client)
		tell_side(names, place);
	place->direction = "server";
	place->side = &endpoint->server;
	tell_side(names, place);
}

static void
add_side_as_json(
    struct names *names, struct place *place, const struct contract_side *side)
{
	struct buf *out = names->out;
	place->side = side;
	buf_add_text(out, "{\"discriminator\":");
	buf_add_json_string(out, view_of(side->discriminator));
	buf_add_text(out, ",\"messages\":[");
	tell_side(names, place);
	buf_add_text(out, "]}");
}

static void
tell_endpoint_as_json(struct names *names, struct place *place)
{
	struct buf *out = names->out;
	const struct contract_endpoint *endpoint = place->endpoint;
	bool is_first = out->data[out->len - 1] == '[';
	buf_add_text(out, is_first ? "\n{\"name\":" : ",\n{\"name\":");
	buf_add_json_string(out, view_of(endpoint->name));
	buf_add_text(out, ",\"path\":");
	buf_add_json_string(out, view_of(endpoint->path));
	buf_add_text(out, ",\"client\":");
	if (endpoint->has_client)
		add_side_as_json(names, place, &endpoint->client);
	else
		buf_add_text(out, "null");
	buf_add_text(out, ",\"server\":");
	add_side_as_json(names, place, &endpoint->server);
	buf_add_char(out, '}');
}

static void
tell_endpoints(
    struct names *names, void (*tell)(struct names *names, struct place *place))
{
	const struct contract *contract = names->contract;
	const void **sorted =
	    sort(contract->endpoints, contract->endpoint_count,
		sizeof(*contract->endpoints), by_endpoint_name);
	for (size_t i = 0; i < contract->endpoint_count; i++) {
		struct place place = { .endpoint = sorted[i] };
		tell(names, &place);
	}
	free(sorted);
}

void
contract_names_text(const struct contract *contract, struct buf *out)
{
	struct names names = { out, contract, tell_message_as_lines };
	buf_addf(out, "contract %s/%s\n", contract->name, contract->version);
	tell_endpoints(&names, tell_endpoint_as_lines);
}

void
contract_names_json(const struct contract *contract, struct buf *out)
{
	struct names names = { out, contract, tell_message_as_json };
	buf_add_text(out, "{\"contract\":{\"name\":");
	buf_add_json_string(out, view_of(contract->name));
	buf_add_text(out, ",\"version\":");
	buf_add_json_string(out, view_of(contract->version));
	buf_add_text(out, "},\"endpoints\":[");
	tell_endpoints(&names, tell_endpoint_as_json);
	buf_add_text(out, "]}");
}

/* --- bounds --- */

static const char *
overflow_of(const struct contract_side *side)
{
	for (size_t i = 0; i < side->message_count; i++) {
		uint32_t count = 0;
		struct schema_declared *declared =
		    schema_declared_new(side->messages[i].schema);
		schema_declared_entries(declared, &count);
		schema_declared_free(&declared);
		if (count >= DECLARED_ENTRIES_MAX)
			return side->messages[i].type;
	}
	return NULL;
}

const char *
contract_names_overflow(const struct contract *contract)
{
	for (size_t i = 0; i < contract->endpoint_count; i++) {
		const struct contract_endpoint *endpoint =
		    &contract->endpoints[i];
		const char *type = endpoint->has_client
		    ? overflow_of(&endpoint->client)
		    : NULL;
		if (!type)
			type = overflow_of(&endpoint->server);
		if (type)
			return type;
	}
	return NULL;
}
