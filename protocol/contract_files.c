/* SPDX-License-Identifier: MIT */
#include "contract_files.h"

#include "xmalloc.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILES_MAX  256
#define FILE_BYTES (4u << 20)
#define ALL_BYTES  (16u << 20)
#define FOLDER_MAX 4 /* folders inside each other */
#define JSON_DEPTH 128
#define READ_STEP  (16u << 10)

/* A walk through the folder. `root` is its real path: links may be used
 * (mounted configuration is full of them) but not to leave it. */
struct walk {
	struct contract_files *files;
	char *root;
	struct error *err;
};

int
contract_files_error(const struct contract_files *files, const char *path,
    const char *pointer, struct error *err, const char *message)
{
	char where[sizeof(err->where)];
	/* The end says more than the beginning of a long folder name. */
	size_t length = strlen(files->directory);
	const char *directory =
	    files->directory + (length > 100 ? length - 100 : 0);
	snprintf(where, sizeof(where), "%s/%.80s%s%s", directory, path,
	    pointer ? "#" : "", pointer ? pointer : "");
	return error_set(err, where, "%s", message);
}

static bool
ends_with(const char *name, const char *ending)
{
	size_t length = strlen(name);
	size_t size = strlen(ending);
	return length > size && strcmp(name + length - size, ending) == 0;
}

/* Names become parts of URIs and of the hash: nothing that needs escapes. */
static bool
is_plain_name(const char *name)
{
	return name[strspn(name,
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		   "0123456789._-")] == '\0';
}

static bool
is_inside(const struct walk *walk, const char *full)
{
	char *real = realpath(full, NULL);
	size_t length = strlen(walk->root);
	bool inside = real && strncmp(real, walk->root, length) == 0 &&
	    (real[length] == '/' || walk->root[length - 1] == '/');
	free(real);
	return inside;
}

/* At most one step more than a file may have. */
static struct buf
read_stream(FILE *stream)
{
	struct buf text;
	size_t got = 1;
	buf_init(&text, FILE_BYTES + READ_STEP);
	while (got > 0 && text.len <= FILE_BYTES) {
		char *room = buf_reserve(&text, READ_STEP);
		got = room ? fread(room, 1, READ_STEP, stream) : 0;
		text.len += got;
	}
	return text;
}

static int
read_text(struct walk *walk, const char *full, struct contract_file *file)
{
	FILE *stream = fopen(full, "re");
	if (!stream)
		return contract_files_error(
		    walk->files, file->path, NULL, walk->err, strerror(errno));
	struct buf text = read_stream(stream);
	file->text = text.data; /* file->text owns it from here on */
	file->size = text.len;
	bool failed = ferror(stream);
	fclose(stream);
	if (failed)
		return contract_files_error(
		    walk->files, file->path, NULL, walk->err, "cannot be read");
	if (file->size > FILE_BYTES)
		return contract_files_error(walk->files, file->path, NULL,
		    walk->err, "is larger than 4 MiB");
	walk->files->bytes += file->size;
	if (walk->files->bytes > ALL_BYTES)
		return contract_files_error(walk->files, file->path, NULL,
		    walk->err, "makes the folder larger than 16 MiB");
	file->text = xrealloc(file->text, file->size ? file->size : 1);
	return 0;
}

static int
scan_text(struct walk *walk, struct contract_file *file)
{
	struct json_limits limits = { .max_depth = JSON_DEPTH,
		.strict_keys = true };
	struct json_fault fault;
	struct view text = view_make(file->text, file->size);
	if (json_scan(&file->doc, text, &limits, &fault) == 0)
		return 0;
	size_t line = 1;
	for (size_t i = 0; i < fault.offset && i < file->size; i++)
		line += file->text[i] == '\n';
	char message[128];
	snprintf(message, sizeof(message), "is not JSON: %s in line %zu",
	    fault.message, line);
	return contract_files_error(
	    walk->files, file->path, NULL, walk->err, message);
}

static struct contract_file *
add_file(struct contract_files *files, const char *path)
{
	files->items =
	    xrealloc(files->items, (files->count + 1) * sizeof(*files->items));
	struct contract_file *file = &files->items[files->count++];
	*file = (struct contract_file){ .path = xstrdup(path) };
	json_doc_init(&file->doc);
	return file;
}

static int
take_file(struct walk *walk, const char *full, const char *path)
{
	if (walk->files->count == FILES_MAX)
		return contract_files_error(walk->files, path, NULL, walk->err,
		    "is one file too many: a contract has at most 256");
	struct contract_file *file = add_file(walk->files, path);
	if (!is_inside(walk, full))
		return contract_files_error(walk->files, path, NULL, walk->err,
		    "leads out of the contract's folder");
	if (read_text(walk, full, file) == -1)
		return -1;
	return scan_text(walk, file);
}

static int walk_folder(struct walk *walk, const char *path, unsigned depth);

static int
visit(struct walk *walk, const char *folder, const char *name, unsigned depth)
{
	char path[PATH_MAX];
	char full[PATH_MAX];
	struct stat status;
	if (name[0] == '.')
		return 0;
	int length = snprintf(
	    path, sizeof(path), "%s%s%s", folder, *folder ? "/" : "", name);
	int size = snprintf(full, sizeof(full), "%s/%.*s",
	    walk->files->directory, length, path);
	if (length >= (int)sizeof(path) || size >= (int)sizeof(full))
		return contract_files_error(walk->files, name, NULL, walk->err,
		    "has a path that is too long");
	if (stat(full, &status) == -1)
		return contract_files_error(
		    walk->files, path, NULL, walk->err, strerror(errno));
	bool is_folder = S_ISDIR(status.st_mode);
	if (!is_folder && !ends_with(name, ".json"))
		return 0;
	if (!is_plain_name(name))
		return contract_files_error(walk->files, path, NULL, walk->err,
		    "has a name with other characters than letters, digits, "
		    "'.', '_' and '-'");
	if (is_folder)
		return walk_folder(walk, path, depth + 1);
	if (!S_ISREG(status.st_mode))
		return contract_files_error(
		    walk->files, path, NULL, walk->err, "is no regular file");
	return take_file(walk, full, path);
}

static int
walk_folder(struct walk *walk, const char *path, unsigned depth)
{
	char full[PATH_MAX];
	if (depth > FOLDER_MAX)
		return contract_files_error(walk->files, path, NULL, walk->err,
		    "lies deeper than 4 folders");
	snprintf(full, sizeof(full), "%s/%s", walk->files->directory, path);
	DIR *folder = opendir(full);
	if (!folder)
		return error_set(walk->err, walk->files->directory,
		    "cannot be read: %s", strerror(errno));
	int status = 0;
	struct dirent *entry;
	while (status == 0 && (entry = readdir(folder)))
		status = visit(walk, path, entry->d_name, depth);
	closedir(folder);
	return status;
}

static int
by_path(const void *a, const void *b)
{
	const struct contract_file *one = a;
	const struct contract_file *other = b;
	return strcmp(one->path, other->path);
}

int
contract_files_read(
    struct contract_files *files, const char *directory, struct error *err)
{
	*files = (struct contract_files){ .directory = xstrdup(directory) };
	struct walk walk = { .files = files, .err = err };
	walk.root = realpath(directory, NULL);
	if (!walk.root)
		return error_set(err, directory,
		    "is no folder that can be read: %s", strerror(errno));
	int status = walk_folder(&walk, "", 0);
	free(walk.root);
	if (status == -1)
		return -1;
	if (files->count)
		qsort(
		    files->items, files->count, sizeof(*files->items), by_path);
	if (!contract_files_find(files, view_of(CONTRACT_FILE)))
		return contract_files_error(files, CONTRACT_FILE, NULL, err,
		    "is missing: a contract folder holds a contract.json");
	return 0;
}

void
contract_files_fini(struct contract_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		json_doc_fini(&files->items[i].doc);
		free(files->items[i].path);
		free(files->items[i].text);
	}
	free(files->items);
	free(files->directory);
	*files = (struct contract_files){ 0 };
}

const struct contract_file *
contract_files_find(const struct contract_files *files, struct view path)
{
	for (size_t i = 0; i < files->count; i++)
		if (view_is(path, files->items[i].path))
			return &files->items[i];
	return NULL;
}
