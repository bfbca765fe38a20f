/* SPDX-License-Identifier: MIT */
#include "port_owner.h"

#include "exit_code.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TCP_LISTEN 0x0a

/* A line of /proc/net/tcp or tcp6: "n: addr:port addr:port state … inode". */
static bool
is_listener(const char *line, unsigned port, unsigned long *inode_r)
{
	unsigned local_port = 0;
	unsigned state = 0;
	return sscanf(line,
		   " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s "
		   "%*u %*u %lu",
		   &local_port, &state, inode_r) == 3 &&
	    local_port == port && state == TCP_LISTEN;
}

static unsigned long
tcp_inode(const char *table, unsigned port)
{
	char line[512];
	unsigned long inode = 0;
	FILE *file = fopen(table, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (is_listener(line, port, &inode))
			break;
		inode = 0;
	}
	if (file)
		fclose(file);
	return inode;
}

/* A line of /proc/net/unix: "… inode path". */
static unsigned long
unix_inode(const char *path)
{
	char line[512];
	unsigned long inode = 0;
	FILE *file = fopen("/proc/net/unix", "re");
	while (file && fgets(line, sizeof(line), file)) {
		char found[256] = "";
		unsigned long number = 0;
		if (sscanf(line, "%*s %*s %*s %*s %*s %*s %lu %255s", &number,
			found) == 2 &&
		    strcmp(found, path) == 0)
			inode = number;
	}
	if (file)
		fclose(file);
	return inode;
}

static bool
has_socket(const char *pid, unsigned long inode)
{
	char path[512];
	char wanted[64];
	bool found = false;
	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	DIR *directory = opendir(path);
	for (struct dirent *entry; directory && !found;) {
		char link[64] = "";
		if (!(entry = readdir(directory)))
			break;
		snprintf(path, sizeof(path), "/proc/%.20s/fd/%.20s", pid,
		    entry->d_name);
		ssize_t length = readlink(path, link, sizeof(link) - 1);
		found = length > 0 && strcmp(link, wanted) == 0;
	}
	if (directory)
		closedir(directory);
	return found;
}

static void
print_process(const char *pid, char *text, size_t size)
{
	char path[64];
	char name[64] = "?";
	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	FILE *file = fopen(path, "re");
	if (file && fgets(name, sizeof(name), file))
		name[strcspn(name, "\n")] = '\0';
	if (file)
		fclose(file);
	snprintf(text, size, "pid %.20s (%s)", pid, name);
}

static int
socket_owner(unsigned long inode, char *text_r, size_t size)
{
	int status = -1;
	DIR *processes = inode ? opendir("/proc") : NULL;
	if (!processes)
		return -1;
	for (struct dirent *entry; (entry = readdir(processes));) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !has_socket(entry->d_name, inode))
			continue;
		print_process(entry->d_name, text_r, size);
		status = 0;
		break;
	}
	closedir(processes);
	return status;
}

int
port_owner(const char *address, char *text_r, size_t size)
{
	if (strncmp(address, "unix:", 5) == 0)
		return socket_owner(unix_inode(address + 5), text_r, size);
	const char *colon = strrchr(address, ':');
	unsigned port = colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
	unsigned long inode = tcp_inode("/proc/net/tcp", port);
	if (inode == 0)
		inode = tcp_inode("/proc/net/tcp6", port);
	return socket_owner(inode, text_r, size);
}

int
port_owner_explain(const char *address, int problem, struct error *err)
{
	char owner[128];
	size_t length = strlen(err->message);
	char *end = err->message + length;
	size_t room = sizeof(err->message) - length;
	const char *what = strncmp(address, "unix:", 5) == 0 ? "path" : "port";
	switch (problem) {
	case EADDRINUSE:
		if (port_owner(address, owner, sizeof(owner)) == 0)
			snprintf(end, room,
			    "; %s holds it; end that or "
			    "choose another %s",
			    owner, what);
		else
			snprintf(end, room, "; choose another %s", what);
		return EXIT_CODE_PORT;
	case EACCES:
	case EPERM:
	case EROFS:
		snprintf(
		    end, room, "; choose an address that this user may bind");
		return EXIT_CODE_PERMISSION;
	default:
		snprintf(end, room, "; mend the address");
		return EXIT_CODE_CONFIG;
	}
}
