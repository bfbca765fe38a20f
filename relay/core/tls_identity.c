/* SPDX-License-Identifier: MIT */
#include "tls_identity.h"

#include "view.h"
#include "xmalloc.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* For TLS 1.2: forward secrecy and authenticated encryption only. Those of TLS
 * 1.3 are all of this kind. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

/* No renegotiation and no compression; a peer that hangs up without saying so
 * is gone, which is no error. */
#define OPTIONS                                            \
	(SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | \
	    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF)

/* Owned by the settings. */
struct tls_identity {
	SSL_CTX *context;
	char cert_file[256];
	char warning[512];
};

/* OpenSSL's own reason, without its file names and codes. */
static const char *
reason(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *text = ERR_reason_error_string(code);

	if (ERR_SYSTEM_ERROR(code))
		text = strerror(ERR_GET_REASON(code));
	ERR_clear_error();
	return text != NULL ? text : "unknown";
}

/* --- what is spoken --- */

/* Whoever names protocols must name ours. */
static int
choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *length,
    const unsigned char *offered, unsigned offered_length, void *arg)
{
	static const char ours[] = "http/1.1";

	(void)ssl;
	(void)arg;
	for (unsigned at = 0; at < offered_length; at += offered[at] + 1U) {
		if (!view_is(view_make(offered + at + 1, offered[at]), ours))
			continue;
		*chosen = offered + at + 1;
		*length = offered[at];
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Tickets hold all that resumption needs, under keys of this process. Buffers
 * are given back while a connection is idle. */
static SSL_CTX *
make_context(void)
{
	static const unsigned char name[] = "relayd";
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (context == NULL)
		return NULL;
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_options(context, OPTIONS);
	SSL_CTX_set_cipher_list(context, CIPHERS);
	SSL_CTX_set_mode(context,
	    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(context, name, sizeof(name) - 1);
	SSL_CTX_set_num_tickets(context, 1);
	SSL_CTX_set_max_early_data(context, 0);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	return context;
}

/* --- files --- */

static int
check_readable(const char *option, const char *file, struct error *err)
{
	FILE *stream;

	if (*file == '\0')
		return error_set(err, option,
		    "must name a PEM file, since the other of tls.cert and "
		    "tls.key does");
	stream = fopen(file, "re");
	if (stream == NULL)
		return error_set(err, file, "%s cannot be read: %s", option,
		    strerror(errno));
	fclose(stream);
	return 0;
}

/* Nobody is there to type a passphrase. */
static int
no_passphrase(char *into, int size, int is_for_writing, void *arg)
{
	bool *was_asked = arg;

	(void)into;
	(void)size;
	(void)is_for_writing;
	*was_asked = true;
	return -1;
}

static int
load_key(SSL_CTX *context, const char *file, struct error *err)
{
	bool was_asked = false;
	int status;

	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	SSL_CTX_set_default_passwd_cb_userdata(context, &was_asked);
	status = SSL_CTX_use_PrivateKey_file(context, file, SSL_FILETYPE_PEM);
	SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
	if (status == 1)
		return 0;
	if (was_asked)
		return error_set(err, file,
		    "the private key is encrypted; give one without a "
		    "passphrase, readable by the relay alone");
	if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH)
		return error_set(err, file,
		    "this private key does not belong to the certificate of "
		    "tls.cert (%s); give the pair that was made together",
		    reason());
	return error_set(err, file,
	    "holds no private key in PEM that can be used: %s", reason());
}

static int
load_pair(SSL_CTX *context, const char *cert_file, const char *key_file,
    struct error *err)
{
	if (SSL_CTX_use_certificate_chain_file(context, cert_file) != 1)
		return error_set(err, cert_file,
		    "holds no certificate chain in PEM that can be used: %s",
		    reason());
	return load_key(context, key_file, err);
}

struct tls_identity *
tls_identity_load(
    const char *cert_file, const char *key_file, struct error *err)
{
	struct tls_identity *identity;

	ERR_clear_error();
	if (check_readable("tls.cert", cert_file, err) == -1 ||
	    check_readable("tls.key", key_file, err) == -1)
		return NULL;
	identity = xcalloc(1, sizeof(*identity));
	snprintf(
	    identity->cert_file, sizeof(identity->cert_file), "%s", cert_file);
	identity->context = make_context();
	if (identity->context == NULL)
		error_set(err, cert_file, "OpenSSL: %s", reason());
	if (identity->context == NULL ||
	    load_pair(identity->context, cert_file, key_file, err) == -1)
		tls_identity_free(&identity);
	ERR_clear_error();
	return identity;
}

void
tls_identity_free(struct tls_identity **identity_p)
{
	struct tls_identity *identity = *identity_p;

	if (identity == NULL)
		return;
	SSL_CTX_free(identity->context);
	free(identity);
	*identity_p = NULL;
}

SSL_CTX *
tls_identity_context(const struct tls_identity *identity)
{
	return identity->context;
}

/* --- what to warn of --- */

static void
warn_of_time(struct tls_identity *identity, X509 *certificate, time_t now)
{
	int begin = X509_cmp_time(X509_get0_notBefore(certificate), &now);
	int end = X509_cmp_time(X509_get0_notAfter(certificate), &now);
	const char *what = end < 0 ? "has expired"
	    : begin > 0            ? "is not valid yet"
				   : NULL;

	if (what != NULL)
		snprintf(identity->warning, sizeof(identity->warning),
		    "%s: the certificate %s; clients will refuse it, replace "
		    "it and send SIGHUP",
		    identity->cert_file, what);
}

/* Each certificate of the file issued the one before it? */
static void
warn_of_chain(struct tls_identity *identity, X509 *certificate)
{
	STACK_OF(X509) *chain = NULL;
	X509 *below = certificate;

	SSL_CTX_get0_chain_certs(identity->context, &chain);
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *above = sk_X509_value(chain, i);
		if (X509_check_issued(above, below) != X509_V_OK) {
			snprintf(identity->warning, sizeof(identity->warning),
			    "%s: certificate %d did not issue the one before "
			    "it; put the chain in order",
			    identity->cert_file, i + 2);
			return;
		}
		below = above;
	}
}

const char *
tls_identity_warning(struct tls_identity *identity, uint64_t now_unix_ms)
{
	X509 *certificate = SSL_CTX_get0_certificate(identity->context);

	identity->warning[0] = '\0';
	warn_of_chain(identity, certificate);
	warn_of_time(identity, certificate, (time_t)(now_unix_ms / 1000));
	ERR_clear_error();
	return identity->warning;
}
