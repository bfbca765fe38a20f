/* SPDX-License-Identifier: MIT */
#include "private_redis.h"

#include "clock.h"
#include "exit_code.h"
#include "log.h"

#include <uv.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A real redis-server, on a directory of the test's own. */
struct scene {
	char directory[64];
	uv_loop_t loop;
	uv_timer_t turn;
};

static void
nothing(uv_timer_t *timer)
{
	(void)timer;
}

static int
set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	strcpy(scene->directory, "/tmp/test_private_redis.XXXXXX");
	assert_non_null(mkdtemp(scene->directory));
	uv_loop_init(&scene->loop);
	uv_timer_init(&scene->loop, &scene->turn);
	uv_timer_start(&scene->turn, nothing, 1, 5);
	*state = scene;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *scene = *state;
	char command[128];
	uv_close((uv_handle_t *)&scene->turn, NULL);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	snprintf(command, sizeof(command), "rm -rf %s", scene->directory);
	assert_int_equal(system(command), 0);
	free(scene);
	return 0;
}

/* Turns the loop until the server accepts connections, or does no more. */
static void
run_until(struct scene *scene, struct private_redis *redis, bool accepts)
{
	uint64_t deadline = clock_mono_ms() + 20000;
	while (private_redis_accepts(redis) != accepts) {
		assert_true(clock_mono_ms() < deadline);
		uv_run(&scene->loop, UV_RUN_ONCE);
	}
}

static struct private_redis *
start(struct scene *scene)
{
	struct error err;
	int code = 0;
	struct private_redis *redis =
	    private_redis_new(&scene->loop, scene->directory, &code, &err);
	assert_non_null(redis);
	private_redis_start(redis, NULL, NULL);
	run_until(scene, redis, true);
	return redis;
}

static pid_t
server_pid(const struct scene *scene)
{
	char path[96];
	int pid = 0;
	snprintf(path, sizeof(path), "%s/redis.lock", scene->directory);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	return pid;
}

/* Would another redis-server begin to write the same files? */
static bool
files_are_free(const struct scene *scene)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/redis.lock", scene->directory);
	int lock = open(path, O_RDWR | O_CLOEXEC);
	assert_true(lock >= 0);
	bool is_free = flock(lock, LOCK_EX | LOCK_NB) == 0;
	close(lock);
	return is_free;
}

static void
it_listens_on_its_socket_until_it_is_freed(void **state)
{
	struct scene *scene = *state;
	struct private_redis *redis = start(scene);
	assert_memory_equal(private_redis_url(redis), "unix:/tmp/", 10);
	pid_t pid = server_pid(scene);
	assert_int_equal(kill(pid, 0), 0);
	bool were_free = files_are_free(scene);
	private_redis_free(&redis);
	assert_null(redis);
	assert_false(were_free);
	assert_true(files_are_free(scene));
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
}

static void
it_is_started_again_when_it_ends(void **state)
{
	struct scene *scene = *state;
	struct private_redis *redis = start(scene);
	pid_t first = server_pid(scene);
	kill(first, SIGKILL);
	run_until(scene, redis, false);
	run_until(scene, redis, true);
	assert_int_not_equal(server_pid(scene), first);
	private_redis_free(&redis);
}

static void
two_relays_do_not_share_a_directory(void **state)
{
	struct scene *scene = *state;
	struct private_redis *redis = start(scene);
	struct error err;
	int code = 0;
	assert_null(
	    private_redis_new(&scene->loop, scene->directory, &code, &err));
	assert_int_equal(code, EXIT_CODE_PERMISSION);
	char pid[32];
	snprintf(pid, sizeof(pid), "pid %d;", (int)getpid());
	assert_non_null(strstr(err.message, pid));
	private_redis_free(&redis);
	redis = start(scene);
	private_redis_free(&redis);
}

static void
a_directory_that_cannot_be_made_is_refused(void **state)
{
	struct scene *scene = *state;
	struct error err;
	int code = 0;
	assert_null(
	    private_redis_new(&scene->loop, "/dev/null/state", &code, &err));
	assert_int_equal(code, EXIT_CODE_PERMISSION);
	assert_string_equal(err.where, "/dev/null/state");
}

static void
a_path_too_long_for_a_socket_is_refused(void **state)
{
	struct scene *scene = *state;
	struct error err;
	char path[108 - sizeof("/redis.sock") + 2];
	int code = 0;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	memcpy(path, "/dev/null/", 10);
	assert_null(private_redis_new(&scene->loop, path, &code, &err));
	assert_int_equal(code, EXIT_CODE_CONFIG);
	path[sizeof(path) - 2] = '\0';
	assert_null(private_redis_new(&scene->loop, path, &code, &err));
	assert_int_equal(code, EXIT_CODE_PERMISSION);
}

static void
it_ends_when_its_relay_is_killed(void **state)
{
	struct scene *scene = *state;
	pid_t relay = fork();
	if (relay == 0) {
		uv_loop_fork(&scene->loop);
		start(scene);
		raise(SIGKILL);
	}
	int status;
	assert_int_equal(waitpid(relay, &status, 0), relay);
	assert_true(WIFSIGNALED(status));
	/* The next relay waits for it and takes the directory over. */
	pid_t orphan = server_pid(scene);
	struct private_redis *redis = start(scene);
	assert_int_not_equal(server_pid(scene), orphan);
	private_redis_free(&redis);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		SCENE(it_listens_on_its_socket_until_it_is_freed),
		SCENE(it_is_started_again_when_it_ends),
		SCENE(two_relays_do_not_share_a_directory),
		SCENE(a_directory_that_cannot_be_made_is_refused),
		SCENE(a_path_too_long_for_a_socket_is_refused),
		SCENE(it_ends_when_its_relay_is_killed),
	};
	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
