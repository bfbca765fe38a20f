/* SPDX-License-Identifier: MIT */
#ifndef REFERENCE_REPORT_H
#define REFERENCE_REPORT_H

/* A report in every format at once, and what each of them must be whatever
 * the findings hold. */

#include "buf.h"
#include "report.h"

struct report_outputs {
	struct report *report;
	struct buf text[REPORT_FORMAT_COUNT];
};

void report_outputs_open(struct report_outputs *outputs);
/* Ends the report and judges it: JSON and SARIF are JSON, JUnit is XML, and no
 * format holds control characters or broken UTF-8. */
void report_outputs_close(struct report_outputs *outputs, uint64_t checked);

/* Ends the run unless the text is JSON. */
void must_be_json(struct view text);

#endif
