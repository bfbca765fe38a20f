/* SPDX-License-Identifier: MIT */

/*
 * NDJSON against a bundled contract, as `relayctl contract check` and as the
 * relay hold it: for each side verdict, reasons and answer must go together,
 * and the report must be sound in every format. The first byte chooses the
 * contract, the endpoint and the direction.
 */

#include "contract.h"
#include "frame_check.h"
#include "fuzz.h"
#include "reference_report.h"

#include <stdio.h>

#define FRAMES_MAX 8

struct bench {
	struct contract *contracts[2];
	struct schema_scratch *scratch;
	struct json_doc doc;
	struct buf out;
};

static void
bench_init(struct bench *bench)
{
	static const char *const folders[] = { RELAY_SOURCE_DIR
		"/schemas/fleet-rlm/3",
		RELAY_SOURCE_DIR "/schemas/fleet-rlm/2" };
	struct error err;
	for (size_t i = 0; i < 2; i++) {
		bench->contracts[i] = contract_load(folders[i], &err);
		must(bench->contracts[i]);
	}
	bench->scratch = schema_scratch_new();
	json_doc_init(&bench->doc);
	buf_init(&bench->out, 0);
}

/* The exhaustive run must come to the same verdict as the fast one, however
 * many violations it has room for. */
static void
check_reasons(struct bench *bench, const struct contract_message *message,
    enum contract_verdict verdict)
{
	struct violation violations[10];
	size_t count = schema_explain(
	    message->schema, bench->scratch, &bench->doc, 0, violations, 10);
	size_t one = schema_explain(
	    message->schema, bench->scratch, &bench->doc, 0, violations, 1);
	must((verdict == CONTRACT_VALID) == (count == 0));
	must(count <= 10 && one == (count > 0));
	if (verdict == CONTRACT_VALID)
		contract_ends_run(message, &bench->doc);
}

static void
check_answer(struct bench *bench, const struct contract_side *side,
    const struct json_fault *fault)
{
	uint16_t close = 0;
	buf_clear(&bench->out);
	contract_refuse_frame(side, bench->scratch, fault ? NULL : &bench->doc,
	    fault, &bench->out, &close);
	must_be_json(buf_view(&bench->out));
	must(close == 0 || (close >= 1000 && close < 5000));
}

static void
check_side(struct bench *bench, const struct contract_side *side, bool answers,
    const struct json_fault *fault)
{
	const struct contract_message *message = NULL;
	if (fault) {
		if (answers)
			check_answer(bench, side, fault);
		return;
	}
	enum contract_verdict verdict =
	    contract_check(side, bench->scratch, &bench->doc, &message);
	if (verdict == CONTRACT_VALID || verdict == CONTRACT_INVALID) {
		must(message);
		check_reasons(bench, message, verdict);
	}
	if (verdict != CONTRACT_VALID && answers)
		check_answer(bench, side, NULL);
}

static void
judge_frame(
    struct bench *bench, const struct contract *contract, struct view frame)
{
	struct json_limits limits = { .max_depth = 64, .strict_keys = true };
	struct json_fault fault;
	bool is_json = json_scan(&bench->doc, frame, &limits, &fault) == 0;
	for (size_t i = 0; i < contract->endpoint_count; i++) {
		const struct contract_endpoint *endpoint =
		    &contract->endpoints[i];
		check_side(
		    bench, &endpoint->server, false, is_json ? NULL : &fault);
		if (endpoint->has_client)
			check_side(bench, &endpoint->client, true,
			    is_json ? NULL : &fault);
	}
}

static struct view
next_line(struct view *rest)
{
	const char *end = memchr(rest->data, '\n', rest->len);
	size_t length = end ? (size_t)(end - rest->data) : rest->len;
	struct view line = view_make(rest->data, length);
	length += end != NULL;
	*rest = view_make(rest->data + length, rest->len - length);
	return line;
}

static void
report_frames(
    const struct contract *contract, unsigned bits, struct view frames)
{
	struct report_outputs outputs;
	struct frame_check check;
	report_outputs_open(&outputs);
	frame_check_init(&check, outputs.report, contract);
	check.source = "frames.ndjson";
	check.scope.direction = (enum frame_direction)(bits / 2 % 3);
	if (bits & 8)
		check.scope.endpoint = &contract->endpoints[0];
	for (unsigned long i = 1; frames.len && i <= FRAMES_MAX; i++) {
		struct frame_place place = { .line = i };
		frame_check_judge(&check, &place, next_line(&frames));
	}
	must(check.invalid <= check.frames);
	must((check.invalid > 0) ==
	    (report_count(outputs.report, FINDING_ERROR) > 0));
	report_outputs_close(&outputs, check.frames);
	frame_check_fini(&check);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bench bench;
	if (size == 0)
		return 0;
	if (!bench.scratch)
		bench_init(&bench);
	const struct contract *contract = bench.contracts[data[0] & 1];
	struct view frames = view_make(data + 1, size - 1);
	struct view rest = frames;
	for (size_t i = 0; rest.len && i < FRAMES_MAX; i++)
		judge_frame(&bench, contract, next_line(&rest));
	if (data[0] >= 0xe0) /* one in eight: slow */
		report_frames(contract, data[0], frames);
	return 0;
}
