/* SPDX-License-Identifier: MIT */
#include "auth_file.h"

#include "exit_code.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int
fail(const char *path, int reason, struct error *err)
{
	error_set(err, path, "cannot be read: %s", strerror(reason));
	return reason == EACCES || reason == EPERM ? EXIT_CODE_PERMISSION
						   : EXIT_CODE_TLS;
}

static int
read_whole(
    int file, const char *path, size_t max, struct buf *text, struct error *err)
{
	size_t before = text->len;
	char *room = buf_reserve(text, max + 1);
	ssize_t count;
	while ((count = read(file, room + (text->len - before),
		    max + 1 - (text->len - before))) > 0)
		text->len += (size_t)count;
	if (count < 0)
		return fail(path, errno, err);
	if (text->len == before)
		error_set(err, path, "is empty");
	else if (text->len - before > max)
		error_set(err, path, "is larger than %zu bytes", max);
	else
		return 0;
	return EXIT_CODE_TLS;
}

int
auth_file_read(const char *path, size_t max, struct buf *text, bool *is_open_r,
    struct error *err)
{
	struct stat info;
	int code;
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file < 0)
		return fail(path, errno, err);
	if (fstat(file, &info) == -1) {
		code = fail(path, errno, err);
	} else if (!S_ISREG(info.st_mode)) {
		error_set(err, path, "is not a file");
		code = EXIT_CODE_TLS;
	} else {
		*is_open_r = info.st_mode & S_IROTH;
		code = read_whole(file, path, max, text, err);
	}
	close(file);
	return code;
}

struct view
auth_file_line(struct view text)
{
	struct view line = text;
	while (line.len > 0 &&
	    (line.data[line.len - 1] == '\n' ||
		line.data[line.len - 1] == '\r'))
		line.len--;
	for (size_t i = 0; i < line.len; i++)
		if (line.data[i] < ' ' || line.data[i] > '~')
			return text;
	return line;
}
