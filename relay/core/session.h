/* SPDX-License-Identifier: MIT */
#ifndef SESSION_H
#define SESSION_H

/*
 * One client connection, from its first frame to its last: hello and notices,
 * the subscription it holds, the commands it sends, what it is refused. Knows
 * neither libwebsockets nor hiredis: bytes go out through a transport, commands
 * through a sink, both given as tables of functions.
 */

#include "hub.h"

struct drift;
struct key_set;
struct session;
struct users;
struct
    session_env; /* what all sessions of a worker share; see session_env_new */

/* How bytes reach the peer. Frames are complete WebSocket frames. */
struct transport_ops {
	/* FULL holds back events only; answers to the client's own frames still
	 * come, so the transport bounds them by not reading on. */
	enum hub_write (*write)(void *conn, struct view frames);
	/* Close after everything written so far: close frame with this code and
	 * an empty reason. Nothing is written after this. */
	void (*close)(void *conn, uint16_t code);
};

struct identity {
	struct view tenant;
	struct view user;
};

/* A command on its way to Redis. Views are good for the call. */
struct command {
	uint64_t session_id;    /* the session's own number, for the answer */
	uint64_t ticket;        /* which of its frames */
	struct view connection; /* text id, unique over nodes */
	struct view frame;      /* bytes as received */
	struct view type;
	struct view tenant, user, session; /* as the client knows them */
	struct view events;                /* the key to answer on */
	struct view traceparent;
	struct view request_id; /* empty: none */
	bool dedup;
	bool session_was_absent; /* by the frame: record under the identity */
	bool session_is_new;     /* made for this frame: a repeat of any session
				  * of the identity counts; else only of this */
	unsigned waited_ms;      /* of its deadline, before it came here */
	struct entry_id from;    /* tail before the command */
};

enum sink_outcome {
	SINK_STORED,
	SINK_REPEATED, /* the same request is already running */
	SINK_DEGRADED, /* Redis away */
	SINK_OVERLOADED,
	SINK_TIMEOUT
};
struct sink_answer {
	enum sink_outcome outcome;
	struct entry_id id;   /* of the (first) command */
	struct entry_id from; /* repeated: where its run's events begin */
	struct view session;  /* repeated: the first one's session id */
};

/* Whose is a command that this connection has had? Views as above. */
struct owner_question {
	uint64_t session_id;
	struct view tenant, user;
	struct view connection;
	struct entry_id command;
};

struct sink_ops {
	/* Answered exactly once by session_answer(), never from inside. -1 when
	 * refused at once: *outcome_r says why and no answer follows. */
	int (*submit)(void *arg, const struct command *command,
	    enum sink_outcome *outcome_r);
	/* The run is over and the owner has it: forget the record of this
	 * command if this connection still owns it. */
	void (*release)(void *arg, struct view tenant, struct view user,
	    struct view session, struct view connection,
	    struct entry_id command);
	/* The owner is still there: keep the record of this command alive. */
	void (*renew)(void *arg, struct view tenant, struct view user,
	    struct view session, struct view connection,
	    struct entry_id command);
	/* Answered once by session_owner_told(), never from inside. -1: nobody
	 * can be asked now, and no answer follows. */
	int (*ask_owner)(void *arg, const struct owner_question *question);
};

struct session_options {
	struct view prefix;         /* of keys, "relay:" */
	size_t max_waiting_bytes;   /* of frames of all sessions; 64 MiB */
	uint32_t max_depth;         /* 64 */
	unsigned frames_per_second; /* 50; 0 = off */
	unsigned frames_burst;      /* 100 */
	unsigned max_unanswered;    /* 8: then the socket is not read */
	unsigned ping_interval_ms;  /* for hello */
	unsigned timeout_ms;        /* commands.timeout_ms, 2000 */
	unsigned renew_ms;          /* a third of dedup.seconds */
	uint64_t max_per_user;      /* connections of a user; 0 = off */
	struct view node;           /* unique text of this process */
};

/* Borrowed for the env's life: contract, hub, stats. */
struct session_env *session_env_new(const struct session_options *options,
    const struct contract *contract, struct hub *hub, struct stats *stats,
    const struct sink_ops *sink, void *sink_arg);
/* Likewise from now on; prefix and node stay what they are. The contract has the
 * same endpoints in the same order as the one before. */
void session_env_reload(struct session_env *env,
    const struct session_options *options, const struct contract *contract);
void session_env_free(struct session_env **env);
/* Where client frames are told of; borrowed. Without it they are not. */
void session_env_attach_drift(struct session_env *env, struct drift *drift);
/* Where connections are counted by user; borrowed. Without it they are not. */
void session_env_attach_users(struct session_env *env, struct users *users);

/* Redis came or went: degraded / recovered notices, once each. */
void session_env_redis(
    struct session_env *env, bool up, const char *reason, uint64_t now_ms);
/* About every 50 ms: late hellos, rate limits, record renewal. */
void session_env_tick(struct session_env *env, uint64_t now_ms);
/* As often, by the wall clock: tokens that end. */
void session_env_expire(
    struct session_env *env, uint64_t unix_ms, uint64_t now_ms);
/* The keys that are good from now on: who came by another one has to go. */
void session_env_trust(
    struct session_env *env, const struct key_set *keys, uint64_t now_ms);
/* The planned end: relay.drain to everyone, close 1012 in waves until
 * deadline_ms; those with a run in progress last. */
void session_env_drain(
    struct session_env *env, uint64_t now_ms, unsigned over_ms);
size_t session_env_count(const struct session_env *env);
/* Those that have more in memory, since they sent a frame a short time ago or
 * have something under way; counted anew each time. */
size_t session_env_chats(const struct session_env *env);

/* How long a connection may stay: as long as the token that it came with. Unix
 * milliseconds. */
struct session_term {
	uint64_t expires_ms; /* `exp` */
	uint64_t ends_ms;    /* the leeway added; 0: without end */
	uint8_t key_id[32];  /* the key that the token was signed with */
};

struct session_params {
	size_t endpoint;         /* index in the contract */
	struct view query;       /* raw query string, without '?' */
	struct view traceparent; /* handshake header; empty: none */
	bool notices;            /* offered sub-protocol relay.v1 */
	uint8_t deflate_bits;    /* 9 to 15: window of permessage-deflate for
				  * what is sent; 0: not negotiated */
	struct identity identity;
	/* Not NULL: authentication failed; answered after query refusals. */
	const struct contract_refusal *auth_refusal;
	struct session_term term;
};

/* The upgrade is done. May write and close at once (refusals, hello). All
 * views are copied. Owned by the caller, who frees it when the socket is
 * gone; after transport close() the session only waits for that. */
struct session *session_new(struct session_env *env,
    const struct session_params *params, const struct transport_ops *transport,
    void *conn, uint64_t now_ms);
void session_free(struct session **session);

/* One complete text message. Ask session_wants_input() after it, and while that
 * says no (too many unanswered) again each loop turn. */
void session_message(
    struct session *session, struct view message, uint64_t now_ms);
/* A data message of the wrong kind or size: the session counts and closes. */
void session_violation(struct session *session, uint16_t close_code);
void session_writable(struct session *session, uint64_t now_ms);
void session_pong(
    struct session *session, struct view payload, uint64_t now_ms);
/* The peer sent a close frame (it has read all that was written before). */
void session_peer_closed(struct session *session);
bool session_wants_input(const struct session *session);

/* The sink's answer; session_id and ticket as in struct command. A session
 * that is gone is no error. */
void session_answer(struct session_env *env, uint64_t session_id,
    uint64_t ticket, const struct sink_answer *answer, uint64_t now_ms);
/* The answer to ask_owner: has the command gone to another connection? */
void session_owner_told(struct session_env *env, uint64_t session_id,
    struct entry_id command, bool is_moved, uint64_t now_ms);

#endif
