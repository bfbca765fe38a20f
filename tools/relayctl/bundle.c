/* SPDX-License-Identifier: MIT */
#include "bundle.h"

#include "http_get.h"
#include "json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS 5000

static const struct {
	const char *name;
	const char *title;
	int (*gather)(struct bundle *bundle, struct bundle_part *part);
} parts[BUNDLE_PARTS] = {
#define PART(name, title) { #name, title, bundle_gather_##name },
#include "bundle_parts.def"
#undef PART
};

void
bundle_init(struct bundle *bundle, struct ctl *ctl)
{
	memset(bundle, 0, sizeof(*bundle));
	bundle->ctl = ctl;
	redact_init(&bundle->redact);
	for (size_t i = 0; i < BUNDLE_PARTS; i++)
		buf_init(&bundle->parts[i].text, 0);
}

void
bundle_fini(struct bundle *bundle)
{
	config_fini(&bundle->config);
	redact_fini(&bundle->redact);
	explicit_bzero(bundle->redis, sizeof(bundle->redis));
	for (size_t i = 0; i < BUNDLE_PARTS; i++)
		buf_wipe(&bundle->parts[i].text);
}

int
bundle_error(struct bundle_part *part, const char *format, ...)
{
	va_list args;
	if (part->error[0])
		return -1;
	va_start(args, format);
	vsnprintf(part->error, sizeof(part->error), format, args);
	va_end(args);
	return -1;
}

int
bundle_ask(struct bundle *bundle, struct bundle_part *part, const char *path)
{
	struct error err = { "", "" };
	if (bundle->is_silent)
		return bundle_error(part, "not asked: the relay is silent");
	int code = http_get(bundle->relay, path, TIMEOUT_MS, &part->text, &err);
	if (code < 0) {
		bundle->is_silent = true;
		return bundle_error(part, "%s: %s", err.where, err.message);
	}
	if (code == 200 || code == 503)
		return 0;
	buf_clear(&part->text);
	return bundle_error(part, "%s answered %d: is it the admin listener?",
	    bundle->relay, code);
}

/* --- JSON --- */

bool
bundle_is_json(struct view text)
{
	struct json_doc doc;
	struct json_fault fault;
	struct json_limits limits = { .max_depth = 128 };
	json_doc_init(&doc);
	bool is_valid = json_scan(&doc, text, &limits, &fault) == 0;
	json_doc_fini(&doc);
	return is_valid;
}

void
bundle_string(const struct bundle_part *part, const char *pointer, char *text,
    size_t size)
{
	struct json_doc doc;
	struct json_fault fault;
	struct json_limits limits = { .max_depth = 64 };
	struct buf scratch;
	uint32_t node;
	json_doc_init(&doc);
	buf_init(&scratch, 0);
	text[0] = '\0';
	if (json_scan(&doc, buf_view(&part->text), &limits, &fault) == 0 &&
	    json_pointer_get(&doc, view_of(pointer), &node) &&
	    doc.nodes[node].type == JSON_STRING) {
		struct view value = json_string(&doc, node, &scratch);
		snprintf(text, size, "%.*s", (int)value.len, value.data);
	}
	buf_fini(&scratch);
	json_doc_fini(&doc);
}

/* --- gathering --- */

/* Control bytes of others' texts must not reach a terminal; a NUL would end the
 * text for some readers. */
static void
make_printable(struct buf *text)
{
	for (size_t i = 0; i < text->len; i++) {
		uint8_t byte = (uint8_t)text->data[i];
		if ((byte < ' ' && byte != '\n' && byte != '\t') ||
		    byte == 0x7f)
			text->data[i] = '?';
	}
}

static void
redact_part(const struct redact *redact, struct bundle_part *part)
{
	struct buf clean;
	buf_init(&clean, 0);
	make_printable(&part->text);
	redact_text(redact, buf_view(&part->text), &clean);
	buf_wipe(&part->text);
	part->text = clean;
	buf_init(&clean, 0);
	redact_text(redact, view_of(part->error), &clean);
	snprintf(part->error, sizeof(part->error), "%.*s", (int)clean.len,
	    clean.len ? clean.data : "");
	buf_wipe(&clean);
	part->is_json = part->is_json && bundle_is_json(buf_view(&part->text));
}

void
bundle_gather(struct bundle *bundle)
{
	for (size_t i = 0; i < BUNDLE_PARTS; i++) {
		struct bundle_part *part = &bundle->parts[i];
		if (parts[i].gather(bundle, part) == 0 || part->error[0])
			continue;
		bundle_error(part, "cannot be had");
	}
	for (size_t i = 0; i < BUNDLE_PARTS; i++)
		redact_part(&bundle->redact, &bundle->parts[i]);
}

/* --- printing --- */

static void
print_part(const struct bundle *bundle, size_t index, struct buf *out)
{
	const struct bundle_part *part = &bundle->parts[index];
	buf_addf(out, "\n=== %s ===\n", parts[index].title);
	if (part->error[0])
		buf_addf(out, "! %s\n", part->error);
	buf_add(out, buf_view(&part->text));
	if (part->text.len && part->text.data[part->text.len - 1] != '\n')
		buf_add_char(out, '\n');
}

void
bundle_print(const struct bundle *bundle, struct buf *out)
{
	print_part(bundle, BUNDLE_PARTS - 1, out);
	for (size_t i = 0; i + 1 < BUNDLE_PARTS; i++)
		print_part(bundle, i, out);
}

static void
print_json_part(const struct bundle *bundle, size_t index, struct buf *out)
{
	const struct bundle_part *part = &bundle->parts[index];
	buf_addf(out, "\"%s\":{\"ok\":%s", parts[index].name,
	    part->error[0] ? "false" : "true");
	if (part->error[0]) {
		buf_add_text(out, ",\"error\":");
		buf_add_json_string(out, view_of(part->error));
	}
	if (part->is_json) {
		buf_add_text(out, ",\"data\":");
		buf_add(out, buf_view(&part->text));
	} else if (part->text.len) {
		buf_add_text(out, ",\"text\":");
		buf_add_json_string(out, buf_view(&part->text));
	}
	buf_add_char(out, '}');
}

void
bundle_print_json(const struct bundle *bundle, struct buf *out)
{
	print_json_part(bundle, BUNDLE_PARTS - 1, out);
	for (size_t i = 0; i + 1 < BUNDLE_PARTS; i++) {
		buf_add_char(out, ',');
		print_json_part(bundle, i, out);
	}
}
