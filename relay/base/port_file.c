/* SPDX-License-Identifier: MIT */
#include "port_file.h"

#include "buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

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

int
port_file_write(
    const char *path, const struct port_file *content, struct error *err)
{
	char beside[4096];
	struct buf text;
	int length =
	    snprintf(beside, sizeof(beside), "%s.%d", path, (int)getpid());
	if (length < 0 || (size_t)length >= sizeof(beside))
		return error_set(err, "port_file", "the path is too long");
	buf_init(&text, 0);
	print_content(content, &text);
	int status = write_whole(beside, buf_view(&text));
	buf_fini(&text);
	if (status == 0 && rename(beside, path) == 0)
		return 0;
	error_set(err, path,
	    "the port file cannot be written: %s; mend "
	    "--port-file",
	    strerror(errno));
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
