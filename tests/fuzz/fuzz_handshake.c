/* SPDX-License-Identifier: MIT */

/* The gate: a verdict never changes as more bytes come, what passes is clean,
 * and the answer to it is our own. */

#include "credential.h"
#include "fuzz.h"
#include "handshake.h"

struct verdict {
	enum handshake_state state;
	struct handshake handshake;
	int status;
	const char *reason;
};

static struct verdict
judge(struct view head)
{
	struct verdict verdict;
	verdict.state = handshake_parse(
	    head, &verdict.handshake, &verdict.status, &verdict.reason);
	return verdict;
}

static void
check_inside(struct view part, struct view head)
{
	if (part.len == 0)
		return;
	must(part.data >= head.data &&
	    part.data + part.len <= head.data + head.len);
	for (size_t i = 0; i < part.len; i++)
		must(part.data[i] != '\r' && part.data[i] != '\n' &&
		    part.data[i] != '\0');
}

static void
check_views(const struct handshake *handshake, struct view head)
{
	const struct view parts[] = { handshake->method, handshake->target,
		handshake->path, handshake->query, handshake->version,
		handshake->host, handshake->origin, handshake->authorization,
		handshake->key, handshake->protocols, handshake->traceparent,
		handshake->forwarded_for[0],
		handshake->forwarded_for[HANDSHAKE_FORWARDED_MAX - 1],
		handshake->forwarded_proto, handshake->forwarded_host,
		handshake->accept, handshake->ticket };
	must(handshake->head_length <= head.len);
	must(handshake->head_length <= HANDSHAKE_HEAD_MAX);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		check_inside(parts[i], head);
	must(handshake->path.len > 0 && handshake->path.data[0] == '/');
}

/* Nothing of the client's stands in the answer. */
static void
check_answer(const struct handshake *handshake)
{
	static const char begin[] = "HTTP/1.1 101 Switching Protocols\r\n";
	struct buf out;
	struct buf missing;
	bool has_protocol;
	buf_init(&out, 0);
	buf_init(&missing, 0);
	handshake_missing(handshake, &missing);
	handshake_accept(handshake, true, &out);
	must(memcmp(out.data, begin, sizeof(begin) - 1) == 0);
	must(memcmp(out.data + out.len - 4, "\r\n\r\n", 4) == 0);
	must(out.len < 400);
	has_protocol = memmem(out.data, out.len, "relay.v1", 8) != NULL;
	must(has_protocol == handshake->offers_relay_v1);
	buf_fini(&missing);
	buf_fini(&out);
}

static void
check_prefixes(struct view head, const struct verdict *whole)
{
	size_t step = head.len / 32 + 1;
	for (size_t size = 0; size < head.len; size += step) {
		struct verdict part = judge(view_make(head.data, size));
		if (whole->state == HANDSHAKE_COMPLETE &&
		    size < whole->handshake.head_length)
			must(part.state == HANDSHAKE_MORE);
		if (part.state == HANDSHAKE_BAD)
			must(whole->state == HANDSHAKE_BAD &&
			    whole->status == part.status);
		if (part.state == HANDSHAKE_COMPLETE)
			must(whole->state == HANDSHAKE_COMPLETE);
	}
}

/* What shows who it is was said in the head, decoded at most. */
static void
check_credential(const struct handshake *handshake, struct view head)
{
	struct credential credential;
	credential_bearer(handshake, &credential);
	must(credential.kind != CREDENTIAL_TICKET);
	check_inside(credential.text, head);
	credential_fini(&credential);
	for (int query_token = 0; query_token < 2; query_token++) {
		credential_find(handshake, query_token, &credential);
		must((credential.kind != CREDENTIAL_NONE) ||
		    credential.text.len == 0);
		must(credential.text.len <= head.len);
		if (credential.value.len == 0)
			check_inside(credential.text, head);
		credential_fini(&credential);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view head = view_make(data, size);
	struct verdict whole = judge(head);
	struct origin known;
	must(origin_parse(view_of("https://app.example"), &known));
	check_prefixes(head, &whole);
	if (whole.state == HANDSHAKE_BAD)
		must(whole.reason &&
		    (whole.status == 0 ||
			(whole.status >= 400 && whole.status < 500)));
	if (whole.state != HANDSHAKE_COMPLETE)
		return 0;
	check_views(&whole.handshake, head);
	handshake_origin_allowed(&whole.handshake, &known, 1);
	check_answer(&whole.handshake);
	check_credential(&whole.handshake, head);
	return 0;
}
