/* SPDX-License-Identifier: MIT */

/* The last lines of log files. They may hold what others have written, so that
 * nothing is taken on trust: they are redacted as a whole like all parts. */

#include "bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES_MAX 200
#define BYTES_MAX 262144

/* The start of the last lines of `text`. */
static size_t
start_of_tail(struct view text)
{
	size_t at = text.len;
	size_t lines = 0;
	if (at > 0 && text.data[at - 1] == '\n')
		at--;
	while (at > 0) {
		if (text.data[at - 1] == '\n' && ++lines == LINES_MAX)
			break;
		at--;
	}
	return at;
}

/* Half a line may be half a secret that nobody would know again. */
static size_t
behind_first_line(struct view text)
{
	const char *end = memchr(text.data, '\n', text.len);
	return end ? (size_t)(end - text.data) + 1 : text.len;
}

static int
read_tail(int fd, off_t size, struct buf *tail)
{
	off_t from = size > BYTES_MAX ? size - BYTES_MAX : 0;
	char *room = buf_reserve(tail, BYTES_MAX);
	while (tail->len < BYTES_MAX) {
		ssize_t got = pread(fd, room + tail->len, BYTES_MAX - tail->len,
		    from + (off_t)tail->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		tail->len += (size_t)got;
	}
	return 0;
}

static void
add_tail(struct buf *out, const char *path, off_t size, struct view text)
{
	if (size > BYTES_MAX) {
		size_t skip = behind_first_line(text);
		text = view_make(text.data + skip, text.len - skip);
	}
	size_t start = start_of_tail(text);
	buf_addf(out, "--- %s\n", path);
	buf_add(out, view_make(text.data + start, text.len - start));
	if (text.len == start || text.data[text.len - 1] != '\n')
		buf_add_char(out, '\n');
}

/* Each one that cannot be read is told in its place too. */
static void
add_no_log(struct bundle_part *part, const char *path, const char *reason)
{
	bundle_error(part, "%s: %s", path, reason);
	buf_addf(&part->text, "--- %s: %s\n", path, reason);
}

static void
add_log(const char *path, struct bundle_part *part)
{
	struct stat info;
	struct buf tail;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	buf_init(&tail, 0);
	if (fd < 0 || fstat(fd, &info) != 0)
		add_no_log(part, path, strerror(errno));
	else if (!S_ISREG(info.st_mode))
		add_no_log(part, path, "is no regular file");
	else if (read_tail(fd, info.st_size, &tail) != 0)
		add_no_log(part, path, strerror(errno));
	else
		add_tail(&part->text, path, info.st_size, buf_view(&tail));
	if (fd >= 0)
		close(fd);
	buf_wipe(&tail);
}

int
bundle_gather_log(struct bundle *bundle, struct bundle_part *part)
{
	if (bundle->logs->count == 0)
		return bundle_error(part,
		    "none was named: --log FILE (under systemd write one "
		    "first: "
		    "journalctl -u relayd -n 200 >FILE)");
	for (size_t i = 0; i < bundle->logs->count; i++)
		add_log(bundle->logs->items[i], part);
	return part->error[0] ? -1 : 0;
}
