/* SPDX-License-Identifier: MIT */
#include "line_file.h"

#include "xmalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)64 << 10)

static int
refuse(const struct line_file *file, struct error *err)
{
	return error_set(err, file->name, "%s", strerror(errno));
}

/* Opening a folder works; say at once what reading it would say. */
static int
look_at(struct line_file *file)
{
	struct stat info;
	if (fstat(file->fd, &info) == -1)
		return -1;
	if (S_ISDIR(info.st_mode)) {
		errno = EISDIR;
		return -1;
	}
	if (S_ISREG(info.st_mode))
		file->size = (uint64_t)info.st_size;
	return 0;
}

int
line_file_open(
    struct line_file *file, const char *name, size_t limit, struct error *err)
{
	bool is_stdin = strcmp(name, "-") == 0;
	*file = (struct line_file){ .name = name, .limit = limit };
	buf_init(&file->line, 0);
	file->fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	if (file->fd == -1)
		return refuse(file, err);
	if (look_at(file) == -1) {
		refuse(file, err);
		line_file_close(file);
		return -1;
	}
	file->chunk = xmalloc(CHUNK_BYTES);
	return 0;
}

void
line_file_close(struct line_file *file)
{
	if (file->fd > STDIN_FILENO)
		close(file->fd);
	file->fd = -1;
	free(file->chunk);
	file->chunk = NULL;
	buf_fini(&file->line);
}

/* 1: there is more; 0: there is not; -1 and err. */
static int
fill(struct line_file *file, struct error *err)
{
	ssize_t got;
	do {
		got = read(file->fd, file->chunk, CHUNK_BYTES);
	} while (got == -1 && errno == EINTR);
	if (got == -1)
		return refuse(file, err);
	file->chunk_start = 0;
	file->chunk_end = (size_t)got;
	file->position += (uint64_t)got;
	return got > 0;
}

static void
keep(struct line_file *file, struct line *line, struct view part)
{
	line->length += part.len;
	size_t room = file->limit - file->line.len;
	if (part.len > room) {
		line->is_too_long = true;
		part.len = room;
	}
	buf_add(&file->line, part);
}

/* Takes what the chunk has of the line; true: the line is complete. */
static bool
take_part(struct line_file *file, struct line *line)
{
	const char *start = file->chunk + file->chunk_start;
	size_t length = file->chunk_end - file->chunk_start;
	const char *end = memchr(start, '\n', length);
	if (end)
		length = (size_t)(end - start);
	keep(file, line, view_make(start, length));
	file->chunk_start += length + (end != NULL);
	return end != NULL;
}

int
line_file_next(struct line_file *file, struct line *line_r, struct error *err)
{
	bool is_complete = false;
	*line_r = (struct line){ .length = 0 };
	buf_clear(&file->line);
	while (!is_complete && !file->is_at_end) {
		if (file->chunk_start < file->chunk_end) {
			is_complete = take_part(file, line_r);
			continue;
		}
		int status = fill(file, err);
		if (status == -1)
			return -1;
		file->is_at_end = status == 0;
	}
	if (!is_complete && line_r->length == 0)
		return 0;
	file->number++;
	line_r->text = buf_view(&file->line);
	return 1;
}
