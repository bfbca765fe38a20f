/* SPDX-License-Identifier: MIT */

/* Findings whose every text is arbitrary, in every format at once. Texts stand
 * behind each other, ended by NUL; the first byte sets what is no text. */

#include "fuzz.h"
#include "reference_report.h"

#include <stdio.h>

#define TEXTS 14

/* As C strings, the missing ones NULL. */
struct texts {
	char *copy;
	const char *item[TEXTS];
};

static void
texts_init(struct texts *texts, const uint8_t *data, size_t size)
{
	*texts = (struct texts){ .copy = malloc(size + 1) };
	memcpy(texts->copy, data, size);
	texts->copy[size] = '\0';
	const char *at = texts->copy;
	for (size_t i = 0; i < TEXTS && at < texts->copy + size; i++) {
		texts->item[i] = at;
		at += strlen(at) + 1;
	}
}

static struct finding
make_finding(const struct texts *texts, unsigned bits,
    const struct finding_traffic *traffic)
{
	const char *text = texts->item[0];
	return (struct finding){
		.level = (enum finding_level)(bits % 3),
		.text = text ? view_of(text) : view_of(""),
		.pointer = texts->item[1],
		.rule = texts->item[2] ? texts->item[2] : "",
		.expected = texts->item[3],
		.got = texts->item[4],
		.hint = texts->item[5],
		.type = texts->item[6],
		.source = texts->item[7],
		.id = texts->item[8],
		.code = texts->item[9],
		.line = bits & 4 ? 7 : 0,
		.before = bits & 8 ? 100 : 0,
		.has_offset = bits & 16,
		.offset = bits >> 4,
		.traffic = bits & 32 ? traffic : NULL,
	};
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct report_outputs outputs;
	struct texts texts;
	char digits[33];
	if (size == 0)
		return 0;
	texts_init(&texts, data + 1, size - 1);
	const struct finding_traffic traffic = {
		.direction = "server",
		.endpoint = texts.item[10] ? texts.item[10] : "chat",
		.producer = texts.item[11],
		.seen = texts.item[12],
		.nearest = texts.item[13],
		.count = size,
	};
	struct finding finding = make_finding(&texts, data[0], &traffic);
	report_outputs_open(&outputs);
	report_add(outputs.report, &finding);
	report_fingerprint(&finding, digits);
	must(strlen(digits) == 32);
	finding.level = FINDING_NOTE;
	report_add(outputs.report, &finding);
	report_outputs_close(&outputs, 2);
	free(texts.copy);
	return 0;
}
