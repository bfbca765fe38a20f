/* SPDX-License-Identifier: MIT */

/*
 * The gate must see the head of a request before libwebsockets does, and under
 * TLS only who has done the handshake can see it. So the gate shakes hands, by
 * OpenSSL, and reads exactly the head; then libwebsockets is to go on reading
 * and writing on the same connection. It has no call for this: it makes a
 * connection by SSL_new() from a context of its own and then asks it to accept,
 * which an established one answers with "done". Hence SSL_new() of this program
 * stands before the library's: for a context to which a handover is attached
 * it returns what was offered there, for all others it does what it always
 * does. The dynamic linker binds libwebsockets to it, as the manual of ld.so
 * says of symbols that the program itself defines.
 *
 * What else was weighed: a pair of sockets and a pump between them costs each
 * frame two more copies and each client two more descriptors; handshake and
 * head inside of libwebsockets would show it hostile bytes first; TLS in the
 * kernel is not there on every machine.
 */

#include "ws_handover.h"

#include <openssl/ssl.h>

#include <dlfcn.h>
#include <stddef.h>

#define HANDOVER_MAGIC 0x68616e64

typedef SSL *new_fn(SSL_CTX *context);

static SSL *
take_offered(SSL_CTX *context)
{
	struct ws_handover *handover = SSL_CTX_get_app_data(context);
	SSL *tls;

	if (handover == NULL || handover->magic != HANDOVER_MAGIC)
		return NULL;
	tls = handover->offered;
	handover->offered = NULL;
	return tls;
}

SSL *
SSL_new(SSL_CTX *context)
{
	SSL *offered = take_offered(context);
	new_fn *real;

	if (offered != NULL)
		return offered;
	*(void **)&real = dlsym(RTLD_NEXT, "SSL_new");
	return real(context);
}

void
ws_handover_attach(struct ws_handover *handover, SSL_CTX *context)
{
	handover->magic = HANDOVER_MAGIC;
	SSL_CTX_set_app_data(context, handover);
}

void
ws_handover_offer(struct ws_handover *handover, SSL *take_tls)
{
	handover->offered = take_tls;
}

bool
ws_handover_was_taken(struct ws_handover *handover)
{
	bool was_taken = handover->offered == NULL;

	SSL_free(handover->offered);
	handover->offered = NULL;
	return was_taken;
}
