/* SPDX-License-Identifier: MIT */
#ifndef SOURCE_PARTS_H
#define SOURCE_PARTS_H

/*
 * What the source_*.c files share and nobody else sees: the struct, and who
 * calls whom. source.c owns it and runs the turn; source_track.c makes and
 * guards the connections; source_read.c reads live streams; source_window.c
 * serves those behind.
 */

#include "source.h"
#include "source_pace.h"
#include "source_parse.h"
#include "source_table.h"
#include "turn.h"

#include <uv.h>

enum source_mode {
	SOURCE_DOWN,
	SOURCE_POLL,     /* tracking refused: every stream again and again */
	SOURCE_TRACKING, /* pushes for what was read */
	SOURCE_BROADCAST /* pushes for all keys of a prefix */
};

/* What is known of the connections while they are made into a pair. */
struct source_pair {
	bool read_seen, push_seen; /* INFO was answered */
	char read_run_id[SOURCE_RUN_ID_MAX];
	char push_run_id[SOURCE_RUN_ID_MAX];
	bool is_master; /* ROLE said so, or may not be asked */
	bool is_subscribed;
	int64_t push_client; /* CLIENT ID of the push link; 0: not known */
	bool is_asked;       /* CLIENT TRACKING was sent */
	bool is_refused;     /* … or cannot be: poll */
	bool broadcast_tried;
};

struct source {
	uv_loop_t *loop;
	struct source_options options;
	struct stats *stats;
	struct source_events events;
	void *arg;
	struct hub *hub;

	enum source_mode mode;
	bool was_told_down;
	bool is_closing;
	bool is_paused;
	struct redis_link *read, *push, *window;
	struct source_pair pair;
	uint64_t check_due_ms; /* the next ROLE */
	bool window_is_ready;  /* connected to the same server */

	struct source_table table;
	struct source_entries entries; /* of the answer being handled */
	size_t in_flight;              /* reads of live streams */
	struct source_window *windows; /* list, in the order of asking */
	bool may_yield;   /* a window was answered since they last did */
	bool is_yielding; /* their answers wait for those of live reads */
	uint64_t last_watch;
	size_t watches;

	struct turn *turn; /* sends what is queued */
	uv_timer_t tick;
	struct source_pace *pace;
	size_t sweep_at;         /* index in table.all */
	uint64_t sweep_credit;   /* streams × ms that are due */
	uint64_t second_ms;      /* when the counts below began */
	unsigned useful, wasted; /* reads after a push: with news, without */
};

/* source.c */
void source_wake(struct source *source);
void source_came_up(struct source *source, enum source_mode mode);
void source_went_down(struct source *source, const char *reason);

/* source_track.c */
void source_track_init(
    struct source *source, const struct redis_target *target);
void source_track_tick(struct source *source, uint64_t now_ms);

/* source_read.c */
/* Something may be new. `pushed`: Redis said so, then nothing is wrong only
 * if a reason is found. */
void source_read_mark(struct source_stream *stream, bool pushed);
void source_read_mark_all(struct source *source, bool pushed);
/* Streams that brought news and are quiet since are read once more. */
void source_read_confirm(struct source *source, uint64_t now_ms);
/* Sends what the stream wants next. */
void source_read_step(struct source_stream *stream);
/* To the hub, unless the stream is a watch's. */
void source_read_opened(
    struct source_stream *stream, const struct stream_info *info);

/* source_window.c */
void source_window_fetch(struct source *source, uint64_t stream_id,
    uint64_t window_id, struct entry_id after, uint64_t since_ms,
    size_t max_bytes);
/* Live reads are under way … */
void source_window_yield(struct source *source);
/* … and were answered. */
void source_window_go_on(struct source *source);
void source_window_send_all(struct source *source);
void source_window_fail_all(struct source *source);

/* source_watch.c */
void source_watch_entries(struct source_watch *watch,
    const struct source_entries *entries, size_t first);

#endif
