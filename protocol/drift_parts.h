/* SPDX-License-Identifier: MIT */
#ifndef DRIFT_PARTS_H
#define DRIFT_PARTS_H

/* Inside of drift*.c. */

#include "drift.h"
#include "report.h"
#include "schema_declared.h"

#define DRIFT_NAME_MAX      64
#define DRIFT_SAMPLE_MAX    1024
#define DRIFT_PRODUCERS_MAX 64
/* Named cells of one place and rule: what takes the place of a name by the
 * thousand is no name. */
#define DRIFT_NAMES_MAX 64
#define DRIFT_SHAPES    256u

#define DRIFT_NO_MESSAGE UINT32_MAX

struct drift_name {
	char text[DRIFT_NAME_MAX + 1]; /* empty: none that may be shown */
};

/* What tells cells apart. */
struct drift_key {
	uint8_t direction;
	uint8_t endpoint;
	uint8_t is_capped; /* stands for names beyond DRIFT_NAMES_MAX */
	uint32_t message;  /* index, or DRIFT_NO_MESSAGE */
	char rule[32];
	char pointer[256];
	struct drift_name seen;
	struct drift_name missing; /* which member or type is not there */
	struct drift_name producer;
};

/* The rest that is fixed when the cell is made: dear to find out, and so not
 * before it is needed. */
struct drift_facts {
	enum finding_level level;
	struct drift_name seen; /* where the key has none */
	struct drift_name nearest;
	char expected[160];
	char got[96];
	char hint[128];
};

/* Made by the owner, then published by raising drift->cell_count; only the
 * atomic members change from then on. */
struct drift_cell {
	struct drift_key key;
	struct drift_facts facts;
	uint32_t hash;
	char *sample; /* JSON text, or NULL */
	uint64_t first_seen;
	_Atomic uint64_t last_seen;
	_Atomic uint64_t count;
	_Atomic uint64_t id_ms;
	_Atomic uint64_t id_seq;
};

/* A message of the contract; one that several endpoints declare alike is one,
 * of the first of them. */
struct drift_message {
	const struct contract_message *message;
	uint8_t direction;
	uint8_t endpoint;
	struct schema_declared *declared;
	_Atomic uint64_t *seen; /* a bit for each entry of `declared` */
	_Atomic uint64_t count;
	uint64_t *shapes; /* those whose walk brings nothing new */
};

struct drift_group {
	uint64_t key;
	uint32_t names;
};

struct drift {
	const struct contract *contract;
	uint64_t since_ms;
	uint64_t now_ms;
	struct drift_message *messages;
	uint32_t message_count;
	/* By endpoint and direction: index in messages of each message. */
	uint32_t *index[CONTRACT_ENDPOINTS_MAX][2];
	struct drift_bound *bound;
	struct drift_cell **cells; /* room for bound->cells_max */
	_Atomic uint32_t cell_count;
	_Atomic uint64_t other;
	/* The owner's own. */
	uint32_t *slots; /* cell index + 1; 0: free */
	uint32_t slot_mask;
	struct drift_group *groups;
	uint32_t group_mask;
	struct drift_name producers[DRIFT_PRODUCERS_MAX];
	uint32_t producer_count;
	struct buf text;
};

/* --- drift_cell.c --- */

/* Counts one more in the cell of this key and returns false; true: there is no
 * such cell, make it. The key may have lost its name, when there are too many
 * already. */
bool drift_open(struct drift *drift, struct drift_key *key,
    const struct drift_origin *origin);
/* Makes the cell that drift_open asked for; `doc` is what it has a sample of,
 * NULL: none. */
void drift_make(struct drift *drift, const struct drift_key *key,
    const struct drift_facts *facts, const struct drift_origin *origin,
    const struct json_doc *doc);
/* The name under which this producer is counted. */
struct drift_name drift_producer(struct drift *drift, struct view producer);

/* --- drift_name.c --- */

struct drift_name drift_name_of(struct view text);
/* A name that may be shown: printable and short; else empty. */
struct drift_name drift_member_name(
    const struct json_doc *doc, uint32_t key, struct buf *scratch);
/* The string at `at`, when it may be the name of a type; else empty. */
struct drift_name drift_type_name(
    const struct json_doc *doc, uint32_t at, struct buf *scratch);
/* The value at `at`, when it is a short identifier or number. */
struct drift_name drift_value_name(
    const struct json_doc *doc, uint32_t at, struct buf *scratch);
/* Writes the pointer with `*` for items and for what is no name. */
void drift_pattern(
    const struct json_doc *doc, const char *pointer, char *out, size_t size);
/* Pointer and seen name of a violation … */
void drift_key_violation(struct drift *drift, const struct violation *violation,
    const struct json_doc *doc, struct drift_key *key);
/* … and the declared name that may be meant. */
void drift_name_violation(struct drift *drift,
    const struct drift_message *message, const struct violation *violation,
    const struct json_doc *doc, const struct drift_key *key,
    struct drift_facts *facts);
/* The declared member of `place` (an entry) for which `key` may stand. */
void drift_name_member(struct drift *drift, const struct drift_message *message,
    uint32_t place, const struct json_doc *doc, uint32_t object, uint32_t key,
    struct drift_facts *facts);
/* Of these rules a cell's pointer is the object, and `seen` the member. */
bool drift_is_about_member(const char *rule);

/* --- drift_type.c --- */

/* What a type that is missing (the key has no name) or unknown may stand for. */
void drift_name_type(struct drift *drift, const struct contract_side *side,
    const struct json_doc *doc, const struct drift_key *key,
    struct drift_facts *facts);
/* Is there a message of that type? */
bool drift_has_type(const struct drift *drift, enum drift_direction direction,
    const char *type);

/* --- drift_sample.c --- */

/* The document with types for values, as JSON of at most `size` bytes. */
char *drift_sample(const struct json_doc *doc, size_t size);

/* --- drift_merge.c --- */

/* Equal cells of several drifts taken together. */
struct drift_row {
	const struct drift_cell *cell; /* one of them */
	uint64_t count;
	uint64_t first_seen;
	uint64_t last_seen;
	struct entry_id id; /* of the last one; 0-0: none */
};

/* In order of direction, endpoint, type, pointer, rule, name, producer; free
 * with free(). */
struct drift_row *drift_merge(
    struct drift *const *drifts, size_t count, size_t *row_count_r);
/* By direction, endpoint and message, as qsort() wants it. */
int drift_compare_message(const struct drift_key *a, const struct drift_key *b);
/* The name that was seen; empty: none. */
const char *drift_cell_seen(const struct drift_cell *cell);
/* The cell's pointer, with the member's name where the rule is about one. */
void drift_add_pointer(struct buf *out, const struct drift_cell *cell);
/* The message's type; of an unknown type its name. */
const char *drift_row_type(
    const struct drift *drift, const struct drift_cell *cell);

static inline bool
drift_is_seen(const struct drift_message *message, uint32_t entry)
{
	return atomic_load_explicit(
		   &message->seen[entry / 64], memory_order_relaxed) >>
	    entry % 64 &
	    1;
}

#endif
