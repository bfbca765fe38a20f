/* SPDX-License-Identifier: MIT */
#ifndef SESSION_PARTS_H
#define SESSION_PARTS_H

/*
 * What session*.c share and nobody else may include.
 *
 * A session holds one binding, its subscription to a stream. A chat socket gets
 * it with the first frame that names or makes a session: the new binding is
 * `pending`, held, until that frame is stored; then it takes the place of
 * `current`. Fails the frame, then the old one stays. Frames that come
 * meanwhile wait in the inbox.
 */

#include "drift.h"
#include "due.h"
#include "list.h"
#include "notice.h"
#include "rate.h"
#include "session.h"
#include "stats.h"

/* A subscription and what is known of its stream. Owned by its session. */
struct binding {
	struct session *session;
	struct subscription *subscription;
	struct entry_id tail; /* when it was opened, until it is reached */
	bool is_held : 1;
	bool is_sent : 1; /* pending: the frame that binds is in flight */
	bool is_new : 1;  /* its session id was made for the frame that waits */
	bool starts_after : 1; /* from a cursor, not from the tail */
	bool is_opened : 1;
	bool is_live : 1; /* live() came */
	bool
	    is_announced : 1; /* before it came: nothing is told when it does */
	uint16_t id_len;      /* of the session's id, 256 at most */
	char id_bytes[];
};

static inline struct view
binding_id(const struct binding *binding)
{
	return view_make(binding->id_bytes, binding->id_len);
}

/* A client frame that waits. */
struct queued {
	struct list link;
	uint64_t received_ms;
	size_t len;
	char bytes[];
};

/* A client frame that the sink has. */
struct flight {
	struct list link;
	uint64_t ticket;
	struct entry_id from;
	bool is_binding; /* `pending` stands or falls with it */
	/* Of its message: a reload may come before the answer. */
	bool is_dedup;
	bool creates_session;
	size_t type_size; /* with its NUL */
	size_t request_id_len;
	char texts[]; /* the type, then the request id as JSON text */
};

/* A request that a run answers, from its storing to its terminal event; with
 * de-duplication its record in Redis is this session's to renew and release. */
struct run {
	struct list link;
	struct entry_id command;
	struct entry_id from;
	uint64_t ping; /* ended: written behind its terminal event */
	bool is_dedup;
	bool is_ended;
	uint16_t session_len;
	char session[];
};

/* A command whose direct answers are for this connection, unless a repeat of
 * its request has made it another's meanwhile. */
struct owned {
	struct entry_id command; /* 0-0: not any more */
	uint64_t sure_ms;        /* when that was known; 0: not known */
	bool may_move;
	bool is_asked;
};

/* A ring of them; the oldest is forgotten. */
struct owned_ring {
	unsigned room; /* grows up to SESSION_OWNED_MAX */
	unsigned next;
	struct owned commands[];
};

#define SESSION_OWNED_MAX 64
#define SESSION_RUNS_MAX  16

/* What only sessions need that have sent a frame a short time ago or have
 * something under way: made with a frame, gone when it rests. */
struct chat {
	struct session *session;
	struct list link; /* in env->chats, by heard_ms */
	uint64_t heard_ms;
	struct list renew; /* in env->renews while it has runs */
	struct list again; /* in env->agains */
	uint64_t renew_ms;
	struct list inbox;
	struct list flights;
	struct list runs;
	/* Whose answer stood before the hub, and the last flight by then. */
	struct entry_id doubted;
	uint64_t doubted_ticket;
	unsigned unanswered; /* in inbox and flights */
	uint64_t last_ping;
	struct rate rate;
};

/* One for each client, most of them idle: kept small. */
struct session {
	uint32_t magic;
	uint16_t endpoint_index;
	uint8_t deflate_bits; /* 0: nothing is compressed */
	uint8_t traceparent_len;
	uint64_t number;
	struct session_env *env;
	const struct transport_ops *transport;
	void *conn;
	struct session *hash_next;
	struct list all;   /* env->all, env->drain_busy or env->drain_over */
	struct list timer; /* env->hellos or env->waits */
	uint64_t timer_ms;
	struct binding *current;
	struct binding *pending;
	struct chat *chat; /* owned; NULL: it has nothing to do with frames */
	struct owned_ring *owned; /* owned; NULL: none so far */
	struct entry_id after;    /* the cursor of the query */
	struct term *term;        /* NULL: without end */
	bool has_after : 1;
	bool notices : 1;
	bool
	    is_closed : 1; /* transport->close was called, or the peer is gone */
	bool is_full : 1;  /* the transport wants no more for now */
	bool hello_sent : 1;
	bool told_degraded : 1;
	bool in_hub : 1;         /* a callback from the hub is under way */
	bool pending_failed : 1; /* to be dropped when the hub is left */
	bool is_counted : 1;     /* among its user's connections */
	bool owns_asked : 1;     /* the hub waits in front of a direct frame */
	uint16_t tenant_len;     /* from a head, so both are short */
	uint16_t user_len;
	char texts[]; /* tenant, user, traceparent */
};

static inline struct view
session_tenant(const struct session *session)
{
	return view_make(session->texts, session->tenant_len);
}

static inline struct view
session_user(const struct session *session)
{
	return view_make(
	    session->texts + session->tenant_len, session->user_len);
}

#define SESSION_MAGIC 0x5e551071u

#define SESSION_CLOSE_POLICY    1008
#define SESSION_CLOSE_TOO_LARGE 1009
#define SESSION_CLOSE_UNUSABLE  1011
#define SESSION_CLOSE_RESTART   1012
#define SESSION_CLOSE_EXPIRED   4401

struct session_env {
	struct session_options options;
	const struct contract *contract;
	struct hub *hub;
	struct stats *stats;
	struct drift *drift; /* NULL: no report */
	struct users *users; /* NULL: not counted */
	struct due_heap terms;
	const struct sink_ops *sink;
	void *sink_arg;
	uint64_t now_ms; /* the latest that was given */

	struct session **buckets;
	size_t bucket_count; /* a power of two */
	size_t count;
	uint64_t last_number;
	struct list all;
	/* The head of each list is due first: one delay for all, or added so. */
	struct list hellos;
	struct list waits;
	struct list renews;
	struct list agains;
	struct list chats;
	/* Of all sessions: no answer or pong that comes late is taken for that
	 * to something else. */
	uint64_t last_ticket;
	uint64_t last_ping;
	size_t queued_bytes;

	bool redis_up;
	char redis_reason[32];
	uint64_t down_ms, down_unix_ms;

	bool draining;
	uint64_t drain_ms; /* when it began */
	unsigned drain_over_ms;
	size_t drain_total, drain_done; /* idle ones */
	struct list drain_busy;
	struct list drain_over; /* closed, not yet freed */
	size_t drain_busy_total, drain_busy_done;

	/* Reused by every session, never across a call out of here. */
	struct json_doc doc;
	struct schema_scratch *scratch;
	struct buf frame; /* a frame of our own */
	struct buf key;
	struct buf text;
	struct buf request;
};

static inline const struct contract_endpoint *
session_endpoint(const struct session *session)
{
	return &session->env->contract->endpoints[session->endpoint_index];
}

/* --- session.c --- */
enum hub_write session_write(struct session *session, struct view frames);
/* Takes note of what the transport said. */
void session_answered(struct session *session, enum hub_write answer);
/* The frame in env->frame. */
enum hub_write session_send(struct session *session);
void session_error(struct session *session, const char *code,
    const char *message, struct view request_id);
/* An error frame, then close. */
void session_refuse(struct session *session, const char *code,
    const char *message, uint16_t close_code);
void session_refuse_as(
    struct session *session, const struct contract_refusal *refusal);
void session_close(struct session *session, uint16_t close_code);
/* Once; what is known of the stream, or NULL. */
void session_hello(struct session *session, const struct stream_info *info);
/* `<node>-<n>`, into env->text. */
struct view session_connection(struct session *session);
bool session_is_busy(const struct session *session);

/* --- session_open.c --- */
void session_open(struct session *session, const struct session_params *params);
void session_refuse_id(struct session *session);

/* --- session_term.c --- */
void session_term_begin(
    struct session *session, const struct session_term *given);
void session_term_free(struct session *session);

/* --- session_binding.c --- */
/* Subscribes; `id` is valid. */
struct binding *binding_new(
    struct session *session, struct view id, struct start start, bool held);
void binding_free(struct session *session, struct binding **binding);
bool binding_is_ready(const struct binding *binding);
/* Where a command that is stored now begins to be answered. */
struct entry_id binding_tail(struct binding *binding);
struct view binding_key(const struct binding *binding);
/* `pending` becomes `current`. */
void binding_commit(struct session *session);
void binding_rollback(struct session *session);
/* relay.live, when the position is what it begins at. */
void binding_announce(struct session *session);
void binding_release(struct session *session);
void binding_seek(struct session *session, struct entry_id after);

/* --- session_inbox.c --- */
struct chat *session_chat(struct session *session);
void session_chat_free(struct session *session);
/* Those that have rested go. */
void session_chats_tick(struct session_env *env);
/* Answers the frame or keeps it for later. */
void inbox_receive(struct session *session, struct view frame);
/* Does what can be done now with the frames that wait. */
void inbox_pump(struct session *session);
void inbox_fail_all(struct session *session, enum sink_outcome outcome);
/* What a call from inside the hub left undone. */
void inbox_again(struct session *session);
/* A frame waits for the position of its stream: not any longer. */
void inbox_give_up(struct session *session, enum sink_outcome outcome);

/* --- session_command.c --- */
enum frame_fate { FRAME_DONE, FRAME_WAITS };
enum frame_fate command_take(
    struct session *session, struct view frame, uint64_t received_ms);
void command_give_up(
    struct session *session, struct view frame, enum sink_outcome outcome);
void command_fail(
    struct session *session, enum sink_outcome outcome, struct view request_id);
/* Every frame that was not answered. */
void command_fail_all(struct session *session, enum sink_outcome outcome);
void flight_free(struct session *session, struct flight *flight);
static inline struct view
flight_request_id(const struct flight *flight)
{
	return view_make(
	    flight->texts + flight->type_size, flight->request_id_len);
}

/* --- session_drift.c --- */
/* env->doc is its tape; of a frame that is stored. */
void session_drift_valid(
    struct session *session, const struct contract_message *message);
/* `fault`: it has no tape. */
void session_drift_refused(
    struct session *session, const struct json_fault *fault);

/* --- session_run.c --- */
void run_add(struct session *session, struct entry_id command,
    struct entry_id from, const struct flight *flight);
/* `may_move`: a repeat may make it another connection's. */
void run_own(struct session *session, struct entry_id command, bool may_move);
void run_owner_told(
    struct session *session, struct entry_id command, bool is_moved);
/* OWNS_UNKNOWN while an answer from the sink may still name it, or says whose
 * it is now. */
enum hub_owns run_owns(struct session *session, struct entry_id command);
/* A terminal event or a direct answer was written. */
void run_ended(struct session *session, struct entry_id id,
    struct entry_id command, bool is_terminal);
/* Those of the session that the socket leaves are no longer renewed. */
void run_forget(struct session *session, struct view id);
void run_pong(struct session *session, struct view payload);
void run_peer_closed(struct session *session);
void run_renew(struct session *session);
bool run_in_progress(const struct session *session);

/* --- session_env.c, session_drain.c --- */
void session_env_add(struct session_env *env, struct session *session);
void session_env_remove(struct session *session);
struct session *session_env_find(struct session_env *env, uint64_t number);
void session_drain_tick(struct session_env *env);

#endif
