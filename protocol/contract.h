/* SPDX-License-Identifier: MIT */
#ifndef CONTRACT_H
#define CONTRACT_H

/*
 * A contract is a folder: contract.json and the JSON Schema files that it
 * names (wire.md section 7 gives the shape). Loaded once, immutable, shared by
 * threads. Nothing of any one platform is known here: paths, discriminators,
 * terminal types and refusals all come from the folder.
 *
 * The structs are open for reading: they are the contract. All strings are
 * NUL-terminated, owned by the contract, good until contract_free.
 */

#include "schema.h"

#define CONTRACT_ENDPOINTS_MAX 16

enum contract_direction { CONTRACT_BOTH, CONTRACT_SERVER_ONLY };

/* An answer with which a client is refused. close 0 = the socket stays open. */
struct contract_refusal {
	char *name;    /* what it is for: the query parameter; else NULL */
	char *code;    /* NULL: no `code` member in the frame */
	char *message; /* may hold {type}: the discriminator's value */
	uint16_t close;
	bool allow_blank; /* query parameter: blank is as good as absent */
};

struct contract_message {
	char *type;             /* the discriminator's value */
	char *reference;        /* file#fragment of its schema */
	struct schema *schema;  /* the contract's; shared by equal references */
	bool is_terminal;       /* server: ends a run; see contract_ends_run */
	char *terminal_at;      /* pointer to what must be one of */
	char **terminal_values; /* these texts for that; NULL: it always does */
	size_t terminal_value_count;
	bool is_direct;       /* server: only to the connection it answers */
	bool is_dedup;        /* client: not run twice */
	bool creates_session; /* client: without a session id makes one */
};

/* One direction of an endpoint: which messages there are. */
struct contract_side {
	char *discriminator; /* RFC 6901 pointer, "/type" */
	char *session;       /* client: pointer to the session id, or NULL */
	char *request_id;    /* client: pointer to the request id, or NULL */
	struct contract_message *messages;
	size_t message_count;
	uint32_t *slots; /* hash table: index in messages + 1, or 0 */
	uint32_t slot_mask;
	const struct contract_message
	    *default_message; /* client: without a discriminator; or NULL */
	struct contract_refusal
	    *missing_type; /* client; NULL: invalid_payload */
	struct contract_refusal *unknown_type; /* client; NULL: unknown_type */
	/* {type} as Python's str() prints it, trimmed; a blank one and one that
	 * is known once trimmed are an invalid payload. */
	bool python_type_text;
};

struct contract_endpoint {
	char *name;
	char *path;
	enum contract_direction direction;
	char *session_query; /* name of the required query parameter or NULL */
	struct contract_refusal
	    *missing_session;                  /* NULL unless session_query */
	struct contract_refusal *no_session;   /* a client frame needs one; NULL
					      * unless has_client */
	struct contract_refusal *refuse_query; /* array, checked in order */
	size_t refuse_query_count;
	struct contract_refusal *refuse_client; /* NULL if has_client */
	bool splice_cursor;                     /* default true */
	bool has_client;
	struct contract_side client;
	struct contract_side server;
};

struct contract {
	char *name;
	char *version;
	char *directory;
	char hash[65]; /* SHA-256, hex, over the canonical form of all files */
	struct contract_endpoint *endpoints;
	size_t endpoint_count; /* at most CONTRACT_ENDPOINTS_MAX */
	struct schema **schemas;
	size_t schema_count;
};

/* Reads, compiles and checks the folder: references, duplicate paths, unknown
 * members of contract.json (nearest name), examples in the schemas valid.
 * NULL: err->where is file#pointer. */
struct contract *contract_load(const char *directory, struct error *err);
void contract_free(struct contract **contract);

/* The message whose type the document's discriminator holds; NULL when it is no
 * string, the type is not declared, or there is neither a discriminator nor a
 * default.
 * Constant time in the number of messages. */
const struct contract_message *contract_select(
    const struct contract_side *side, const struct json_doc *doc);

/* Does this document of the server's message end a run? */
bool contract_ends_run(
    const struct contract_message *message, const struct json_doc *doc);

enum contract_verdict {
	CONTRACT_VALID,
	CONTRACT_NOT_OBJECT,
	CONTRACT_MISSING_TYPE, /* discriminator absent, and no default */
	CONTRACT_UNKNOWN_TYPE,
	CONTRACT_INVALID /* the selected schema refuses it */
};

/* Judges a frame; *message_r is the selected message or NULL. No allocation. */
enum contract_verdict contract_check(const struct contract_side *side,
    struct schema_scratch *scratch, const struct json_doc *doc,
    const struct contract_message **message_r);

/* The error frame (a complete JSON object) with which a client frame is
 * refused, wire.md 6.1: unknown or missing type first; else the first
 * violation in schema order decides, by its x-error or as `invalid_payload`.
 * `fault` for what is not JSON (invalid_json, too_deep), else NULL. Appends to
 * `out`; *close_r as in contract_refusal. Call only when contract_check (or
 * the scanner) refused. */
void contract_refuse_frame(const struct contract_side *side,
    struct schema_scratch *scratch, const struct json_doc *doc,
    const struct json_fault *fault, struct buf *out, uint16_t *close_r);

/* {"type":"error","code":…,"message":…} for any refusal. code may be NULL. */
void contract_error_frame(
    const char *code, const char *message, struct buf *out);

#endif
