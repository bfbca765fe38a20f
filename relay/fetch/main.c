/* SPDX-License-Identifier: MIT */

/*
 * relay-fetch: fetches one small document by HTTP or HTTPS and writes it to
 * standard output. A program of its own, started by relayd for each fetch, so
 * that the process that holds the clients resolves no names, speaks no HTTP and
 * has none of libcurl's libraries in it. The URL comes by standard input,
 * because arguments are for all to see. No redirects: whoever names a source of
 * keys means that one.
 */

#include "fetch.h"

#include <curl/curl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct document {
	char bytes[FETCH_MAX];
	size_t size;
	bool is_too_large;
};

static size_t
on_bytes(char *bytes, size_t one, size_t count, void *arg)
{
	struct document *document = arg;
	size_t size = one * count;
	if (size > FETCH_MAX - document->size) {
		document->is_too_large = true;
		return 0;
	}
	memcpy(document->bytes + document->size, bytes, size);
	document->size += size;
	return size;
}

static enum fetch_end
explain(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return FETCH_FINE;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
		return FETCH_URL;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return FETCH_DNS;
	case CURLE_COULDNT_CONNECT:
		return FETCH_REFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return FETCH_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return FETCH_TLS;
	case CURLE_FILESIZE_EXCEEDED:
		return FETCH_TOO_LARGE;
	case CURLE_HTTP_RETURNED_ERROR:
		return FETCH_STATUS;
	default:
		return FETCH_PROTOCOL;
	}
}

static void
set_options(CURL *curl, const char *url, struct document *document)
{
	const char *authorities = getenv("SSL_CERT_FILE");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)FETCH_MS);
	curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, (long)FETCH_MAX);
	curl_easy_setopt(
	    curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "relayd");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, document);
	if (authorities && *authorities)
		curl_easy_setopt(curl, CURLOPT_CAINFO, authorities);
}

/* 200 alone: a redirect has a body too, and it is not the document. */
static bool
is_answered(CURL *curl)
{
	long status = 0;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	return status == 200;
}

static enum fetch_end
fetch(const char *url, struct document *document)
{
	CURL *curl = curl_easy_init();
	if (!curl)
		return FETCH_PROTOCOL;
	set_options(curl, url, document);
	enum fetch_end end = explain(curl_easy_perform(curl));
	if (end == FETCH_FINE && !is_answered(curl))
		end = FETCH_STATUS;
	curl_easy_cleanup(curl);
	if (document->is_too_large)
		return FETCH_TOO_LARGE;
	if (end == FETCH_FINE && document->size == 0)
		return FETCH_PROTOCOL;
	return end;
}

int
main(void)
{
	static struct document document;
	char url[FETCH_URL_MAX + 1];
	size_t length = fread(url, 1, FETCH_URL_MAX, stdin);
	url[length] = '\0';
	curl_global_init(CURL_GLOBAL_DEFAULT);
	enum fetch_end end = fetch(url, &document);
	memset(url, 0, sizeof(url));
	curl_global_cleanup();
	if (end == FETCH_FINE &&
	    (fwrite(document.bytes, 1, document.size, stdout) !=
		    document.size ||
		fflush(stdout) != 0))
		return FETCH_PROTOCOL;
	return (int)end;
}
