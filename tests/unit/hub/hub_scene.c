/* SPDX-License-Identifier: MIT */
#include "hub_scene.h"

#include "hub_parts.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

int
scene_begin_with(void **state, const struct hub_options *options)
{
	struct scene *scene = test_calloc(1, sizeof(*scene));
	world_init(&scene->world, options);
	scene->stream = world_stream(&scene->world, "key");
	listener_init(&scene->a, &scene->world);
	listener_init(&scene->b, &scene->world);
	listener_init(&scene->c, &scene->world);
	*state = scene;
	return 0;
}

int
scene_begin(void **state)
{
	return scene_begin_with(state, NULL);
}

int
scene_end(void **state)
{
	struct scene *scene = *state;
	listener_fini(&scene->a);
	listener_fini(&scene->b);
	listener_fini(&scene->c);
	world_fini(&scene->world);
	test_free(scene);
	return 0;
}

struct start
scene_after(uint64_t ms)
{
	return (struct start){ .kind = START_AFTER, .after = { ms, 0 } };
}

void
scene_resume(struct scene *scene, struct listener *listener, uint64_t ms)
{
	listener_subscribe(
	    listener, scene->stream, 0, scene_after(ms), true, false);
}

void
scene_turn(struct scene *scene)
{
	if (scene->world.request_count > 0)
		world_answer_request(&scene->world, 0);
	hub_flush(scene->world.hub, scene->world.now_ms);
	hub_check(scene->world.hub);
}

void
scene_add(struct model_stream *stream, uint64_t from, uint64_t to)
{
	for (uint64_t ms = from; ms <= to; ms++)
		model_add(stream, ms, 'a', 50, ENTRY_ID_ZERO);
}

uint64_t
scene_windows_read(const struct scene *scene)
{
	return stat_get(&scene->world.stats, windows_read);
}

struct hub_figures
scene_figures(struct scene *scene)
{
	struct hub_figures now;
	hub_figures(scene->world.hub, &now);
	return now;
}
