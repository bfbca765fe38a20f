/* SPDX-License-Identifier: MIT */
#include "confine.h"

#include "bundled.h"
#include "config.h"
#include "exit_code.h"
#include "log.h"
#include "xmalloc.h"

#include <arpa/inet.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DNS_PORT 53

static const char *
own(struct confine *confine, char *take_text)
{
	if (confine->owned_count < 2 * SANDBOX_PATHS_MAX) {
		confine->owned[confine->owned_count++] = take_text;
		return take_text;
	}
	free(take_text);
	return NULL;
}

static void
add_path(
    struct confine *confine, const char **paths, size_t *count, char *take_path)
{
	const char *path = own(confine, take_path);
	if (path && *count < SANDBOX_PATHS_MAX)
		paths[(*count)++] = path;
}

static void
add_read(struct confine *confine, const char *path)
{
	add_path(confine, confine->plan.read, &confine->plan.read_count,
	    xstrdup(path));
}

/* Folders that hold much that is none of the relay's business. */
static bool
is_common(const char *folder)
{
	static const char *const common[] = { "/", "/bin", "/boot", "/dev",
		"/etc", "/home", "/lib", "/mnt", "/opt", "/proc", "/root",
		"/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/usr/local",
		"/usr/share", "/var", "/var/lib", "/var/run", "/var/tmp" };
	for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++)
		if (strcmp(folder, common[i]) == 0)
			return true;
	return false;
}

static char *
folder_of(const char *path)
{
	char *copy = xstrdup(path);
	char *folder = xstrdup(dirname(copy));
	free(copy);
	return folder;
}

static char *
resolved(const char *path)
{
	char *real = realpath(path, NULL);
	char *copy = xstrdup(real ? real : path);
	free(real);
	return copy;
}

/* A file that a reload reads is most often replaced by another one of the same
 * name; so its folder counts, where that is the relay's own. */
static void
add_file_and_folder(struct confine *confine, const char *path)
{
	char *folder = folder_of(path);
	char *real = resolved(folder);
	add_read(confine, is_common(real) ? path : folder);
	free(real);
	free(folder);
}

/* Behind a symbolic link lies another folder. */
static void
add_reloaded(struct confine *confine, const char *path)
{
	if (!path || !*path || strstr(path, "://"))
		return;
	char *real = resolved(path);
	add_file_and_folder(confine, path);
	add_file_and_folder(confine, real);
	free(real);
}

/* Where files are made and removed; by the folder, which is there. */
static void
add_made(struct confine *confine, const char *path)
{
	if (path && *path)
		add_path(confine, confine->plan.write,
		    &confine->plan.write_count, folder_of(path));
}

static void
add_socket(struct confine *confine, const char *address)
{
	static const char prefix[] = "unix:";
	if (strncmp(address, prefix, sizeof(prefix) - 1) == 0)
		add_made(confine, address + sizeof(prefix) - 1);
}

static void
add_port(struct confine *confine, uint16_t port)
{
	if (confine->plan.port_count < SANDBOX_PORTS_MAX)
		confine->plan.ports[confine->plan.port_count++] = port;
}

/* What the resolver of the C library opens. */
static void
add_resolver(struct confine *confine)
{
	static const char *const files[] = { "/etc/hosts", "/etc/resolv.conf",
		"/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf",
		"/etc/services", "/run/systemd/resolve" };
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		add_read(confine, files[i]);
	confine->plan.resolves_names = true;
	add_port(confine, DNS_PORT);
}

static bool
is_name(const char *host)
{
	struct in6_addr any;
	return inet_pton(AF_INET, host, &any) != 1 &&
	    inet_pton(AF_INET6, host, &any) != 1;
}

static void
add_redis(struct confine *confine, const struct redis_target *redis)
{
	if (!redis || !redis->host)
		return;
	add_port(confine, (uint16_t)redis->port);
	if (is_name(redis->host))
		add_resolver(confine);
}

void
confine_init(struct confine *confine, const struct config *config,
    const struct redis_target *redis)
{
	char bundled[PATH_MAX];
	*confine = (struct confine){ 0 };
	confine->plan.mode = (enum sandbox_mode)config->sandbox;
	add_read(confine, "/dev/null");
	add_read(confine, "/dev/urandom");
	add_reloaded(confine, config->file);
	bundled_contract(bundled, sizeof(bundled));
	add_reloaded(confine, bundled);
	add_reloaded(confine, config->contract);
	add_read(confine, config->contract);
	add_reloaded(confine, config->tls_cert);
	add_reloaded(confine, config->tls_key);
	add_reloaded(confine, config->auth_secret_file);
	add_redis(confine, redis);
	add_reloaded(confine, config->auth_jwks);
	add_made(confine, config->port_file);
	add_socket(confine, config->listen);
	add_socket(confine, config->admin_listen);
}

void
confine_fini(struct confine *confine)
{
	for (size_t i = 0; i < confine->owned_count; i++)
		free(confine->owned[i]);
}

static void
warn(const struct sandbox_outcome *outcome)
{
	if (outcome->landlock_abi < 4)
		log_event(LOG_LEVEL_WARN, "relayd", "sandbox_weaker",
		    "landlock", outcome->landlock_abi ? "old" : "none",
		    "effect",
		    outcome->landlock_abi ? "ports are not limited"
					  : "files are not limited",
		    "fix", "a newer kernel, or the systemd unit", NULL);
	if (!outcome->has_seccomp)
		log_event(LOG_LEVEL_WARN, "relayd", "sandbox_weaker", "seccomp",
		    "none", "effect", "system calls are not limited", NULL);
}

int
confine_enter(const struct config *config, const struct redis_target *redis,
    struct error *err)
{
	struct confine confine;
	struct sandbox_outcome outcome;
	confine_init(&confine, config, redis);
	int status = sandbox_enter(&confine.plan, &outcome, err);
	if (status == 0 && confine.plan.mode != SANDBOX_OFF)
		warn(&outcome);
	confine_fini(&confine);
	return status;
}

int
confine_probe(const struct config *config, const struct redis_target *redis,
    struct error *err)
{
	struct confine confine;
	struct sandbox_outcome outcome;
	confine_init(&confine, config, redis);
	confine.plan.mode = SANDBOX_ON;
	int status = sandbox_enter(&confine.plan, &outcome, err);
	confine_fini(&confine);
	if (status == -1)
		return EXIT_CODE_BUG;
	printf("landlock ABI %d, seccomp %s\n", outcome.landlock_abi,
	    outcome.has_seccomp ? "yes" : "no");
	return sandbox_probe() ? 1 : 0;
}
