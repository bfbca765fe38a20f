/* SPDX-License-Identifier: MIT */
#include "sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * landlock(7). The numbers stand here, since the header of an older
 * distribution lacks the newer ones while its kernel may know them. What a
 * kernel does not know yet is left out by its ABI.
 */

#define CREATE_VERSION 1u
#define RULE_PATH      1
#define RULE_PORT      2

enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_REG = 1 << 8,
	FS_ALL_OF_ABI_1 = (1 << 13) - 1,
	FS_REFER = 1 << 13,
	FS_TRUNCATE = 1 << 14,
	FS_IOCTL_DEV = 1 << 15,
	NET_BIND_TCP = 1 << 0,
	NET_CONNECT_TCP = 1 << 1,
	SCOPE_ABSTRACT_SOCKET = 1 << 0,
	SCOPE_SIGNAL = 1 << 1,
};

struct ruleset {
	uint64_t fs;
	uint64_t net;   /* ABI 4 */
	uint64_t scope; /* ABI 6 */
};

struct path_rule {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

struct port_rule {
	uint64_t allowed;
	uint64_t port;
};

static size_t
ruleset_size(int abi)
{
	if (abi < 4)
		return offsetof(struct ruleset, net);
	return abi < 6 ? offsetof(struct ruleset, scope)
		       : sizeof(struct ruleset);
}

static struct ruleset
handled_by(int abi)
{
	struct ruleset set = { .fs = FS_ALL_OF_ABI_1 };
	if (abi >= 2)
		set.fs |= FS_REFER;
	if (abi >= 3)
		set.fs |= FS_TRUNCATE;
	if (abi >= 5)
		set.fs |= FS_IOCTL_DEV;
	if (abi >= 4)
		set.net = NET_BIND_TCP | NET_CONNECT_TCP;
	if (abi >= 6)
		set.scope = SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL;
	return set;
}

/* A folder's rights may not be given to a file. */
static int
allow_path(int fd, const char *path, uint64_t rights, struct error *err)
{
	struct stat info;
	struct path_rule rule = { .allowed = rights,
		.parent_fd = open(path, O_PATH | O_CLOEXEC) };
	if (rule.parent_fd == -1)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES
		    ? 0
		    : error_set(err, path, "%s", strerror(errno));
	if (fstat(rule.parent_fd, &info) == 0 && !S_ISDIR(info.st_mode))
		rule.allowed &= FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE;
	long status = syscall(SYS_landlock_add_rule, fd, RULE_PATH, &rule, 0);
	int reason = errno;
	close(rule.parent_fd);
	return status == 0
	    ? 0
	    : error_set(err, path, "landlock: %s", strerror(reason));
}

static int
allow_paths(int fd, const struct sandbox_plan *plan, uint64_t handled,
    struct error *err)
{
	uint64_t read = FS_READ_FILE | FS_READ_DIR;
	uint64_t write = (read | FS_WRITE_FILE | FS_REMOVE_FILE | FS_MAKE_REG |
			     FS_TRUNCATE) &
	    handled;
	for (size_t i = 0; i < plan->read_count; i++)
		if (allow_path(fd, plan->read[i], read, err) == -1)
			return -1;
	for (size_t i = 0; i < plan->write_count; i++)
		if (allow_path(fd, plan->write[i], write, err) == -1)
			return -1;
	return 0;
}

static int
allow_ports(int fd, const struct sandbox_plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->port_count; i++) {
		struct port_rule rule = { NET_CONNECT_TCP, plan->ports[i] };
		if (syscall(SYS_landlock_add_rule, fd, RULE_PORT, &rule, 0) ==
		    -1)
			return error_set(err, "", "landlock, port %u: %s",
			    (unsigned)plan->ports[i], strerror(errno));
	}
	return 0;
}

static int
restrict_self(int fd, const struct sandbox_plan *plan,
    const struct ruleset *set, struct error *err)
{
	if (allow_paths(fd, plan, set->fs, err) == -1)
		return -1;
	if ((set->net & NET_CONNECT_TCP) && allow_ports(fd, plan, err) == -1)
		return -1;
	if (syscall(SYS_landlock_restrict_self, fd, 0) == -1)
		return error_set(err, "", "landlock: %s", strerror(errno));
	return 0;
}

int
sandbox_files(const struct sandbox_plan *plan, int *abi_r, struct error *err)
{
	long abi =
	    syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
	*abi_r = abi > 0 ? (int)abi : 0;
	if (*abi_r == 0)
		return 0;
	struct ruleset set = handled_by(*abi_r);
	long fd =
	    syscall(SYS_landlock_create_ruleset, &set, ruleset_size(*abi_r), 0);
	if (fd == -1)
		return error_set(err, "", "landlock: %s", strerror(errno));
	int status = restrict_self((int)fd, plan, &set, err);
	close((int)fd);
	return status;
}
