/* SPDX-License-Identifier: MIT */

/* The report: what was seen and should not be, and what should be and was not
 * seen. Same input, same bytes. */

#include "drift_parts.h"
#include "report_parts.h"

#include <inttypes.h>
#include <stdlib.h>

#define CAPPED_HINT "many more names than these were seen here"

struct printer {
	struct drift *const *drifts;
	size_t count;
	const struct drift *first; /* they all have its messages */
	struct buf *out;
	const char *comma;
};

static const char *
direction_name(unsigned direction)
{
	return direction == DRIFT_CLIENT ? "client" : "server";
}

static const char *
endpoint_name(const struct printer *printer, unsigned endpoint)
{
	return printer->first->contract->endpoints[endpoint].name;
}

static void
begin_item(struct printer *printer)
{
	buf_addf(printer->out, "%s\n{", printer->comma);
	printer->comma = ",";
}

static void
begin_list(struct printer *printer, const char *name)
{
	buf_addf(printer->out, "\"%s\":[", name);
	printer->comma = "";
}

static void
end_list(struct printer *printer)
{
	buf_add_text(printer->out, printer->comma[0] ? "\n]" : "]");
}

/* --- cells --- */

static const char *
source_of(const struct drift *drift, const struct drift_cell *cell)
{
	if (cell->key.message == DRIFT_NO_MESSAGE)
		return "contract.json";
	return drift->messages[cell->key.message].message->reference;
}

static void
add_numbers(struct buf *out, const struct drift_row *row)
{
	buf_addf(out,
	    ",\"count\":%" PRIu64 ",\"first_seen\":%" PRIu64
	    ",\"last_seen\":%" PRIu64 ",\"sample\":%s}",
	    row->count, row->first_seen, row->last_seen,
	    row->cell->sample ? row->cell->sample : "null");
}

static void
add_cell(struct printer *printer, const struct drift_row *row)
{
	struct buf *out = printer->out;
	const struct drift_cell *cell = row->cell;
	const struct drift_key *key = &cell->key;
	char id[ENTRY_ID_TEXT_MAX] = "";
	struct buf pointer;
	buf_init(&pointer, 0);
	drift_add_pointer(&pointer, cell);
	if (!entry_id_is_zero(row->id))
		entry_id_print(row->id, id);
	begin_item(printer);
	buf_addf(out, "\"level\":\"%s\"", report_level_name(cell->facts.level));
	report_add_member(out, "source", source_of(printer->first, cell));
	report_add_member(out, "id", id);
	report_add_member(out, "type", drift_row_type(printer->first, cell));
	buf_add_text(out, ",\"pointer\":");
	buf_add_json_string(out, buf_view(&pointer));
	report_add_member(out, "rule", key->rule);
	report_add_member(out, "expected", cell->facts.expected);
	report_add_member(out, "got", cell->facts.got);
	report_add_member(
	    out, "hint", key->is_capped ? CAPPED_HINT : cell->facts.hint);
	report_add_member(out, "direction", direction_name(key->direction));
	report_add_member(
	    out, "endpoint", endpoint_name(printer, key->endpoint));
	report_add_member(out, "producer", key->producer.text);
	report_add_member(out, "seen", drift_cell_seen(cell));
	report_add_member(
	    out, "nearest", key->is_capped ? NULL : cell->facts.nearest.text);
	add_numbers(out, row);
	buf_fini(&pointer);
}

static void
add_cells(struct printer *printer, const char *name,
    const struct drift_row *rows, size_t count, bool is_breach)
{
	begin_list(printer, name);
	for (size_t i = 0; i < count; i++)
		if ((rows[i].cell->facts.level == FINDING_ERROR) == is_breach)
			add_cell(printer, &rows[i]);
	end_list(printer);
}

/* --- what was never seen --- */

static uint64_t
frames_of(const struct printer *printer, uint32_t message)
{
	uint64_t frames = 0;
	for (size_t i = 0; i < printer->count; i++)
		frames += atomic_load_explicit(
		    &printer->drifts[i]->messages[message].count,
		    memory_order_relaxed);
	return frames;
}

/* How many frames a message could have been among. */
static uint64_t
frames_around(const struct printer *printer, const struct drift_message *own)
{
	uint64_t frames = 0;
	for (uint32_t i = 0; i < printer->first->message_count; i++)
		if (printer->first->messages[i].direction == own->direction)
			frames += frames_of(printer, i);
	return frames;
}

static bool
was_seen(const struct printer *printer, uint32_t message, uint32_t entry)
{
	for (size_t i = 0; i < printer->count; i++)
		if (drift_is_seen(
			&printer->drifts[i]->messages[message], entry))
			return true;
	return false;
}

static void
begin_message(struct printer *printer, const struct drift_message *message)
{
	begin_item(printer);
	buf_addf(printer->out, "\"direction\":\"%s\"",
	    direction_name(message->direction));
	report_add_member(printer->out, "endpoint",
	    endpoint_name(printer, message->endpoint));
	report_add_member(printer->out, "type", message->message->type);
}

static void
add_types(struct printer *printer, const char *name, bool is_seen)
{
	begin_list(printer, name);
	for (uint32_t i = 0; i < printer->first->message_count; i++) {
		const struct drift_message *message =
		    &printer->first->messages[i];
		uint64_t frames = frames_of(printer, i);
		uint64_t around = frames_around(printer, message);
		if ((frames > 0) != is_seen || around == 0)
			continue;
		begin_message(printer, message);
		buf_addf(printer->out, ",\"%s\":%" PRIu64 "}",
		    is_seen ? "count" : "sample_size",
		    is_seen ? frames : around);
	}
	end_list(printer);
}

/* Below what never came nothing could. */
static bool
is_missed(const struct printer *printer, uint32_t message,
    const struct declared_entry *entries, uint32_t entry,
    enum declared_kind kind)
{
	return entries[entry].kind == kind && !entries[entry].is_sole &&
	    !was_seen(printer, message, entry) &&
	    was_seen(printer, message, entries[entry].place);
}

static void
add_missed(struct printer *printer, uint32_t index, enum declared_kind kind)
{
	const struct drift_message *message = &printer->first->messages[index];
	uint64_t frames = frames_of(printer, index);
	uint32_t count = 0;
	const struct declared_entry *entries =
	    schema_declared_entries(message->declared, &count);
	for (uint32_t i = 1; i < count && frames > 0; i++) {
		if (!is_missed(printer, index, entries, i, kind))
			continue;
		begin_message(printer, message);
		buf_add_text(printer->out, ",\"pointer\":");
		buf_add_json_string(printer->out, view_of(entries[i].pointer));
		if (kind == DECLARED_VALUE)
			report_add_member(
			    printer->out, "value", entries[i].value);
		buf_addf(printer->out, ",\"sample_size\":%" PRIu64 "}", frames);
	}
}

static void
add_all_missed(
    struct printer *printer, const char *name, enum declared_kind kind)
{
	begin_list(printer, name);
	for (uint32_t i = 0; i < printer->first->message_count; i++)
		add_missed(printer, i, kind);
	end_list(printer);
}

/* --- the whole --- */

static void
add_head(struct printer *printer, uint64_t now_ms)
{
	struct buf *out = printer->out;
	const struct contract *contract = printer->first->contract;
	struct drift_totals totals =
	    drift_totals(printer->drifts, printer->count);
	uint64_t since = printer->first->since_ms;
	for (size_t i = 1; i < printer->count; i++)
		if (printer->drifts[i]->since_ms < since)
			since = printer->drifts[i]->since_ms;
	buf_add_text(out, "{\"contract\":{\"name\":");
	buf_add_json_string(out, view_of(contract->name));
	report_add_member(out, "version", contract->version);
	report_add_member(out, "hash", contract->hash);
	buf_addf(out,
	    "},\"since\":%" PRIu64 ",\"now\":%" PRIu64 ",\"breaches\":%" PRIu64
	    ",\"cells_max\":%u,\"other\":{\"count\":%" PRIu64 "},",
	    since, now_ms, totals.breaches, printer->first->bound->cells_max,
	    totals.other);
}

void
drift_print(
    struct drift *const *drifts, size_t count, uint64_t now_ms, struct buf *out)
{
	size_t row_count = 0;
	struct drift_row *rows = drift_merge(drifts, count, &row_count);
	struct printer printer = {
		.drifts = drifts, .count = count, .first = drifts[0], .out = out
	};
	add_head(&printer, now_ms);
	add_cells(&printer, "cells", rows, row_count, true);
	buf_add_text(out, ",\n");
	add_cells(&printer, "undeclared", rows, row_count, false);
	buf_add_text(out, ",\n\"never_seen\":{");
	add_types(&printer, "types", false);
	buf_add_char(out, ',');
	add_all_missed(&printer, "members", DECLARED_MEMBER);
	buf_add_char(out, ',');
	add_all_missed(&printer, "values", DECLARED_VALUE);
	buf_add_text(out, "},\n");
	add_types(&printer, "messages", true);
	buf_add_text(out, "}\n");
	free(rows);
}

/* --- metrics --- */

/* As the exposition format has it: \, " and line feed. */
static void
add_label(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, "%s=\"", name);
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			buf_add_char(out, '\\');
		if (*text == '\n')
			buf_add_text(out, "\\n");
		else
			buf_add_char(out, *text);
	}
	buf_add_char(out, '"');
}

static void
add_metric(
    struct printer *printer, const struct drift_cell *cell, uint64_t count)
{
	struct buf *out = printer->out;
	buf_add_text(out, "relay_contract_violations_total{");
	add_label(out, "endpoint", endpoint_name(printer, cell->key.endpoint));
	add_label(out, ",direction", direction_name(cell->key.direction));
	add_label(out, ",type", drift_row_type(printer->first, cell));
	add_label(out, ",rule", cell->key.rule);
	buf_addf(out, "} %" PRIu64 "\n", count);
}

static int
compare_metric(const void *left, const void *right)
{
	const struct drift_key *a =
	    &((const struct drift_row *)left)->cell->key;
	const struct drift_key *b =
	    &((const struct drift_row *)right)->cell->key;
	int order = drift_compare_message(a, b);
	if (order == 0)
		order = strcmp(a->rule, b->rule);
	/* Labels of unknown types differ by name, and are bounded like cells. */
	bool has_name = strcmp(a->rule, "unknown_type") == 0;
	return order || !has_name ? order : strcmp(a->seen.text, b->seen.text);
}

static bool
is_metric(const struct drift_row *row)
{
	return row->cell->facts.level == FINDING_ERROR;
}

void
drift_print_metrics(struct drift *const *drifts, size_t count,
    bool as_openmetrics, struct buf *out)
{
	size_t row_count = 0;
	struct drift_row *rows = drift_merge(drifts, count, &row_count);
	struct printer printer = { .first = drifts[0], .out = out };
	struct drift_totals totals = drift_totals(drifts, count);
	qsort(rows, row_count, sizeof(*rows), compare_metric);
	const char *ending = as_openmetrics ? "" : "_total";
	buf_addf(out,
	    "# HELP relay_contract_violations%s Breaches of the contract, by "
	    "endpoint, direction, type and rule.\n"
	    "# TYPE relay_contract_violations%s counter\n",
	    ending, ending);
	for (size_t i = 0; i < row_count;) {
		uint64_t sum = 0;
		size_t first = i;
		for (; i < row_count &&
		     compare_metric(&rows[first], &rows[i]) == 0;
		     i++)
			sum += is_metric(&rows[i]) ? rows[i].count : 0;
		if (sum > 0)
			add_metric(&printer, rows[first].cell, sum);
	}
	if (totals.other > 0)
		buf_addf(out,
		    "relay_contract_violations_total{endpoint=\"other\","
		    "direction=\"other\",type=\"other\",rule=\"other\"} "
		    "%" PRIu64 "\n",
		    totals.other);
	free(rows);
}
