/* SPDX-License-Identifier: MIT */
#include "ws_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <errno.h>

/* OpenSSL keeps reading and writing apart: that libwebsockets is in the middle
 * of writing a record does not matter. The queue of errors is the thread's, and
 * what is left in it would be taken for the next connection's. */
ssize_t
ws_tls_recv(SSL *tls, char *bytes, size_t size)
{
	int count;
	int reason;

	ERR_clear_error();
	count = SSL_read(tls, bytes, (int)size);
	if (count > 0)
		return count;
	reason = SSL_get_error(tls, count);
	ERR_clear_error();
	if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
		return 0;
	errno = EAGAIN;
	return -1;
}

void
ws_tls_goodbye(SSL *tls)
{
	ERR_clear_error();
	SSL_shutdown(tls);
	ERR_clear_error();
}
