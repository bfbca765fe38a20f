/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as a contract folder: contract.json, a NUL, a schema file. Refused
 * with file and reason, or a contract that is whole: its messages are found by
 * their own names, and lint refuses nothing that loads.
 */

#include "contract_lint.h"
#include "drift.h"
#include "fuzz.h"
#include "mode_rule.h"
#include "reference_report.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static char folder[] = "/dev/shm/fuzz-contract-XXXXXX";

static void
remove_folder(void)
{
	char path[64];
	static const char *const names[] = { "contract.json", "a.schema.json" };
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

static void
put(const char *name, struct view text)
{
	char path[64];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	must(file != -1);
	must(write(file, text.data, text.len) == (ssize_t)text.len);
	close(file);
}

static void
check_side(const struct contract_side *side)
{
	struct buf frame;
	struct json_doc doc;
	struct json_limits limits = { .max_depth = 64 };
	struct json_fault fault;
	buf_init(&frame, 0);
	json_doc_init(&doc);
	for (size_t i = 0; i < side->message_count; i++) {
		const struct contract_message *message = &side->messages[i];
		must(message->schema && message->type);
		if (!side->discriminator ||
		    strcmp(side->discriminator, "/type") != 0)
			continue;
		buf_clear(&frame);
		buf_add_text(&frame, "{\"type\":");
		buf_add_json_string(&frame, view_of(message->type));
		buf_add_char(&frame, '}');
		must(json_scan(&doc, buf_view(&frame), &limits, &fault) == 0);
		must(contract_select(side, &doc) == message);
	}
	json_doc_fini(&doc);
	buf_fini(&frame);
}

static void
check_contract(const struct contract *contract)
{
	struct buf out;
	struct mode_rule rule;
	struct error err;
	struct drift_bound bound = { .cells_max = 1 };
	struct drift *drift = drift_new(contract, &bound, 1);
	must(strlen(contract->hash) == 64);
	must(contract->endpoint_count <= CONTRACT_ENDPOINTS_MAX);
	for (size_t i = 0; i < contract->endpoint_count; i++) {
		const struct contract_endpoint *endpoint =
		    &contract->endpoints[i];
		check_side(&endpoint->server);
		if (endpoint->has_client)
			check_side(&endpoint->client);
		mode_rule_parse(contract, endpoint->name, &rule, &err);
	}
	buf_init(&out, 0);
	drift_print(&drift, 1, 1, &out);
	must_be_json(buf_view(&out));
	buf_fini(&out);
	drift_free(&drift);
}

static void
on_finding(void *arg, const struct contract_finding *finding)
{
	bool *refuses = arg;
	*refuses |= strcmp(finding->violation.rule, "load") == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { 0 };
	static bool is_made;
	if (!is_made) {
		must(mkdtemp(folder) != NULL);
		atexit(remove_folder);
		is_made = true;
	}
	const uint8_t *cut = size ? memchr(data, '\0', size) : NULL;
	size_t length = cut ? (size_t)(cut - data) : size;
	put("contract.json", view_make(data, length));
	put("a.schema.json",
	    cut ? view_make(cut + 1, size - length - 1) : view_of("{}"));
	struct contract *contract = contract_load(folder, &err);
	must(contract || (err.message[0] && err.where[0]));
	if (contract)
		check_contract(contract);
	bool lint_refuses = false;
	struct contract *linted = NULL;
	contract_lint(folder, &linted, on_finding, &lint_refuses);
	must(lint_refuses == (contract == NULL));
	must((linted == NULL) == (contract == NULL));
	contract_free(&linted);
	contract_free(&contract);
	return 0;
}
