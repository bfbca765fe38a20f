/* SPDX-License-Identifier: MIT */
#include "redis_tree.h"

#include "xmalloc.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_FIRST 4096
#define CHUNK_KEPT  65536 /* larger ones are given back behind each reply */

/* The address sanitizer shall see who looks at a reply of before. */
#ifdef __SANITIZE_ADDRESS__
#define IS_KEPT false
#else
#define IS_KEPT true
#endif

#if HIREDIS_MAJOR >= 1
typedef size_t slots_t;
#else
typedef int slots_t;
#endif

struct chunk {
	struct chunk *older;
	size_t size;
	size_t used;
	_Alignas(16) char bytes[];
};

/* Owned by the wire; by its reply, when the wire went before that. */
struct redis_tree {
	redisReply root; /* in front, so that a reply leads to its tree */
	redisReplyObjectFunctions functions;
	struct chunk *chunk; /* the newest */
	size_t slots;        /* announced by the reply being read */
	size_t slots_max;
	bool is_out;    /* somebody looks at the reply */
	bool is_orphan; /* and the owner is gone */
};

/* --- memory --- */

static void
free_chunks(struct chunk *chunk)
{
	while (chunk != NULL) {
		struct chunk *older = chunk->older;

		free(chunk);
		chunk = older;
	}
}

/* Each piece is twice as large as the one before, up to what is kept. What is
 * larger has one to itself, all zero, which takes no memory before it is
 * written to: a server may announce much and send nothing. */
static void
add_chunk(struct redis_tree *tree, size_t need)
{
	size_t size = tree->chunk == NULL ? CHUNK_FIRST : tree->chunk->size * 2;
	struct chunk *chunk;

	if (size > CHUNK_KEPT)
		size = CHUNK_KEPT;
	if (size < need)
		size = need;
	chunk = size > CHUNK_KEPT ? xcalloc(1, sizeof(*chunk) + size)
				  : xmalloc(sizeof(*chunk) + size);
	chunk->older = tree->chunk;
	chunk->size = size;
	chunk->used = 0;
	tree->chunk = chunk;
}

static void *
take(struct redis_tree *tree, size_t size)
{
	size_t rounded = (size + 15) & ~(size_t)15;
	char *taken;

	if (tree->chunk == NULL ||
	    tree->chunk->size - tree->chunk->used < rounded)
		add_chunk(tree, rounded);
	taken = tree->chunk->bytes + tree->chunk->used;
	tree->chunk->used += rounded;
	return taken;
}

static void *
take_zeroed(struct redis_tree *tree, size_t size)
{
	void *taken = take(tree, size);

	if (size <= CHUNK_KEPT)
		memset(taken, 0, size);
	return taken;
}

/* The newest piece is the largest that can be kept, if it is no exception. */
static void
empty(struct redis_tree *tree)
{
	struct chunk *chunk = tree->chunk;

	tree->slots = 0;
	if (chunk == NULL)
		return;
	free_chunks(chunk->older);
	chunk->older = NULL;
	chunk->used = 0;
	if (chunk->size <= CHUNK_KEPT && IS_KEPT)
		return;
	free(chunk);
	tree->chunk = NULL;
}

static void
destroy(struct redis_tree *tree)
{
	free_chunks(tree->chunk);
	free(tree);
}

/* --- what the reader calls --- */

static redisReply *
root_of(struct redis_tree *tree)
{
	assert(!tree->is_out);
	empty(tree);
	return &tree->root;
}

static redisReply *
add_node(const redisReadTask *task)
{
	struct redis_tree *tree = task->privdata;
	redisReply *node =
	    task->parent == NULL ? root_of(tree) : take(tree, sizeof(*node));

	memset(node, 0, sizeof(*node));
	node->type = task->type;
	if (task->parent != NULL) {
		redisReply *parent = task->parent->obj;

		parent->element[task->idx] = node;
	}
	return node;
}

static void *
create_text(const redisReadTask *task, char *text, size_t length)
{
	redisReply *node = add_node(task);

	node->str = take(task->privdata, length + 1);
	memcpy(node->str, text, length);
	node->str[length] = '\0';
	node->len = length;
	return node;
}

/* NULL makes the reader give up with REDIS_ERR_OOM. */
static void *
create_array(const redisReadTask *task, slots_t slots)
{
	struct redis_tree *tree = task->privdata;
	redisReply *node = add_node(task);
	size_t count = (size_t)slots;

	if (count > tree->slots_max - tree->slots)
		return NULL;
	tree->slots += count;
	node->elements = count;
	if (count > 0)
		node->element =
		    take_zeroed(tree, count * sizeof(*node->element));
	return node;
}

static void *
create_integer(const redisReadTask *task, long long number)
{
	redisReply *node = add_node(task);

	node->integer = number;
	return node;
}

static void *
create_nil(const redisReadTask *task)
{
	redisReply *node = add_node(task);

	node->type = REDIS_REPLY_NIL;
	return node;
}

#if HIREDIS_MAJOR >= 1
/* RESP3, which nobody asks for: the type says enough. */
static void *
create_double(
    const redisReadTask *task, double number, char *text, size_t length)
{
	(void)number;
	(void)text;
	(void)length;
	return add_node(task);
}

static void *
create_bool(const redisReadTask *task, int is_true)
{
	(void)is_true;
	return add_node(task);
}
#endif

/* What an unfinished reply holds goes with the tree. */
static void
free_nothing(void *reply)
{
	(void)reply;
}

static const redisReplyObjectFunctions builders = {
	.createString = create_text,
	.createArray = create_array,
	.createInteger = create_integer,
	.createNil = create_nil,
#if HIREDIS_MAJOR >= 1
	.createDouble = create_double,
	.createBool = create_bool,
#endif
	.freeObject = free_nothing,
};

/* --- public --- */

struct redis_tree *
redis_tree_new(size_t slots_max)
{
	struct redis_tree *tree = xcalloc(1, sizeof(*tree));

	tree->functions = builders;
	tree->slots_max = slots_max;
	return tree;
}

void
redis_tree_free(struct redis_tree **tree_p)
{
	struct redis_tree *tree = *tree_p;

	*tree_p = NULL;
	if (tree == NULL)
		return;
	if (tree->is_out)
		tree->is_orphan = true;
	else
		destroy(tree);
}

void
redis_tree_serve(struct redis_tree *tree, struct redisReader *reader)
{
	reader->fn = &tree->functions;
	reader->privdata = tree;
}

struct redis_value *
redis_tree_give(struct redis_tree *tree, void *reply)
{
	assert(reply == &tree->root);
	tree->is_out = true;
	return reply;
}

void
redis_tree_drop(struct redis_value *value)
{
	struct redis_tree *tree = (struct redis_tree *)(void *)value;

	if (tree == NULL)
		return;
	assert(tree->is_out);
	tree->is_out = false;
	if (tree->is_orphan)
		destroy(tree);
	else
		empty(tree);
}
