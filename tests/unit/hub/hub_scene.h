/* SPDX-License-Identifier: MIT */
#ifndef HUB_SCENE_H
#define HUB_SCENE_H

/* The scene of most tests of the hub: a world with one stream and three
 * listeners that have not yet subscribed. */

#include "hub_world.h"

struct scene {
	struct world world;
	struct model_stream *stream;
	struct listener a;
	struct listener b;
	struct listener c;
};

/* For cmocka. `options` as with world_init(). */
int scene_begin(void **state);
int scene_begin_with(void **state, const struct hub_options *options);
int scene_end(void **state);

/* To resume behind ms-0. */
struct start scene_after(uint64_t ms);
void scene_resume(struct scene *scene, struct listener *listener, uint64_t ms);
/* Answers the first of what was asked, and serves. */
void scene_turn(struct scene *scene);
/* One event for each millisecond, the last one included. */
void scene_add(struct model_stream *stream, uint64_t from, uint64_t to);
uint64_t scene_windows_read(const struct scene *scene);
struct hub_figures scene_figures(struct scene *scene);

#endif
