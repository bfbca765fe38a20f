/* SPDX-License-Identifier: MIT */
#ifndef RAW_PEER_H
#define RAW_PEER_H

/*
 * The subscribers of the raw limit server: sockets that were upgraded without
 * a look at more than the stream's number, and bytes sent to them. Nothing is
 * judged, limited or pinged: what is left is what the kernel costs.
 */

#include "buf.h"

#include <stdint.h>

struct raw_peers;

/* Appends a text frame. */
void raw_frame_add(struct buf *out, struct view payload);

struct raw_peers *raw_peers_new(int epoll, unsigned streams);
void raw_peers_free(struct raw_peers **peers);

/* An accepted socket; its events come with the number of the descriptor. */
void raw_peers_add(struct raw_peers *peers, int fd);
/* Something happened on one of them: EPOLL* flags. */
void raw_peers_serve(struct raw_peers *peers, int fd, uint32_t events);

/* One send() to each subscriber of the stream; what does not fit is kept. */
void raw_peers_send(
    struct raw_peers *peers, unsigned stream, struct view frames);
/* Upgraded ones; those that have something kept. */
unsigned raw_peers_count(const struct raw_peers *peers);
unsigned raw_peers_stuck(const struct raw_peers *peers);

#endif
