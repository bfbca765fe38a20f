/* SPDX-License-Identifier: MIT */
#ifndef KEEP_H
#define KEEP_H

/*
 * Windows are kept for a moment, whole, although nobody stands in them any
 * more, or not yet: who resumes from the same place as somebody a moment ago,
 * or goes on from the end of one window to the next, needs no read of its own.
 *
 * Of windows that one subscription alone has used a stream keeps the two that
 * were read first; those that were shared are bounded by the number and the
 * bytes of all windows. Private to the hub.
 */

#include "window.h"

struct stream_info;
struct subscription;

/* It is not given back before keep_drop. */
void keep_window(struct window *window);
/* Gone, if nobody stands in it. */
void keep_drop(struct window *window);

/* Those of this stream that are too many. */
void keep_limit(struct stream *stream);
/* Those that were kept for long enough. */
void keep_expire(struct hub *hub);
/* All of this topic; NULL: all of all topics. */
void keep_forget(struct hub *hub, const struct topic *topic);

/* Keeps the oldest no longer; false: none is kept. */
bool keep_less(struct hub *hub);
/* The window to be given up first; there must be one. */
struct window *keep_spare(struct hub *hub);

/* A place in the window that was kept behind the one it has just left, if that
 * is of the same life of the stream; false: there is none. */
bool keep_follow(struct subscription *subscription, uint32_t generation);
/* Likewise for one who begins behind `after`, if nothing that it would get was
 * taken away from the stream since, by what Redis says of it now. */
bool keep_share(struct subscription *subscription, struct entry_id after,
    const struct stream_info *info);

#endif
