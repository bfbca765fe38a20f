/* SPDX-License-Identifier: MIT */
#include "run_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
run_file_open(struct run_file *run, const char *name, struct error *err)
{
	*run = (struct run_file){ .name = name };
	json_doc_init(&run->doc);
	run->file = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
	if (run->file)
		return 0;
	return error_set(err, name, "cannot be read: %s", strerror(errno));
}

void
run_file_close(struct run_file *run)
{
	if (run->file && run->file != stdin)
		fclose(run->file);
	run->file = NULL;
	free(run->line);
	run->line = NULL;
	json_doc_fini(&run->doc);
}

static int
refuse_line(const struct run_file *run, const char *why, size_t offset,
    struct error *err)
{
	char where[256];
	snprintf(where, sizeof(where), "%s:%zu", run->name, run->number);
	return error_set(err, where, "%s at byte %zu", why, offset);
}

static uint64_t
number_of(struct view text)
{
	uint64_t number = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			break;
		number = number * 10 + (uint64_t)(text.data[i] - '0');
	}
	return number;
}

/* 1; 0 at the end; -1: err. */
static int
read_line(struct run_file *run, struct view *line_r, struct error *err)
{
	ssize_t len;
	do {
		len = getline(&run->line, &run->capacity, run->file);
		run->number++;
	} while (len == 1 && run->line[0] == '\n');
	if (len < 0 && ferror(run->file))
		return error_set(
		    err, run->name, "cannot be read: %s", strerror(errno));
	if (len < 0)
		return 0;
	if (len > 0 && run->line[len - 1] == '\n')
		len--;
	*line_r = view_make(run->line, (size_t)len);
	return 1;
}

int
run_file_next(struct run_file *run, uint64_t *at_ms_r, struct view *event_r,
    struct error *err)
{
	struct view line;
	int got = read_line(run, &line, err);
	if (got <= 0)
		return got;
	struct json_fault fault;
	struct json_limits limits = { .max_depth = 128 };
	if (json_scan(&run->doc, line, &limits, &fault) != 0)
		return refuse_line(run, fault.message, fault.offset, err);
	if (run->doc.nodes[0].type != JSON_OBJECT)
		return refuse_line(run, "not an object", 0, err);
	uint32_t at = json_member(&run->doc, 0, view_of("at_ms"));
	uint32_t event = json_member(&run->doc, 0, view_of("event"));
	bool is_tape = at != 0 && event != 0;
	*at_ms_r = is_tape ? number_of(json_text(&run->doc, at)) : 0;
	*event_r = json_text(&run->doc, is_tape ? event : 0);
	return 1;
}
