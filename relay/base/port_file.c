/* SPDX-License-Identifier: MIT */
#include "port_file.h"

#include "buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define PATH_BYTES 4096

static void
print_content(const struct port_file *content, struct buf *out)
{
	buf_addf(out, "{\"pid\":%d,\"listen\":", (int)getpid());
	buf_add_json_string(out, view_of(content->listen));
	buf_add_text(out, ",\"admin\":");
	buf_add_json_string(out, view_of(content->admin));
	buf_add_text(out, ",\"redis\":");
	buf_add_json_string(out, view_of(content->redis));
	buf_add_text(out, "}\n");
}

static int
write_whole(const char *path, struct view bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd == -1)
		return -1;
	ssize_t written = write(fd, bytes.data, bytes.len);
	if (close(fd) == -1 || written != (ssize_t)bytes.len)
		return -1;
	return 0;
}

/* It is renamed when it is whole. */
static int
name_beside(const char *path, char beside[PATH_BYTES], struct error *err)
{
	int length = snprintf(beside, PATH_BYTES, "%s.%d", path, (int)getpid());
	if (length < 0 || length >= PATH_BYTES)
		return error_set(err, "port_file", "the path is too long");
	return 0;
}

static int
refuse(const char *path, struct error *err)
{
	return error_set(err, path,
	    "the port file cannot be written: %s; mend --port-file",
	    strerror(errno));
}

int
port_file_check(const char *path, struct error *err)
{
	char beside[PATH_BYTES];
	struct stat info;
	if (name_beside(path, beside, err) == -1)
		return -1;
	if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
		errno = EISDIR;
		return refuse(path, err);
	}
	if (write_whole(beside, view_of("")) == -1)
		return refuse(path, err);
	unlink(beside);
	return 0;
}

int
port_file_write(
    const char *path, const struct port_file *content, struct error *err)
{
	char beside[PATH_BYTES];
	struct buf text;
	if (name_beside(path, beside, err) == -1)
		return -1;
	buf_init(&text, 0);
	print_content(content, &text);
	int status = write_whole(beside, buf_view(&text));
	buf_fini(&text);
	if (status == 0 && rename(beside, path) == 0)
		return 0;
	refuse(path, err);
	unlink(beside);
	return -1;
}

void
port_file_remove(const char *path)
{
	char text[64] = "";
	int pid = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return;
	ssize_t length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length > 0 && sscanf(text, "{\"pid\":%d,", &pid) == 1 &&
	    pid == (int)getpid())
		unlink(path);
}
