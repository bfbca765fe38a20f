/* SPDX-License-Identifier: MIT */
#include "url_secrets.h"

struct url_secrets
url_secrets(const char *url)
{
	struct url_secrets found = { 0 };
	const char *slashes = strstr(url, "://");
	if (!slashes)
		return found;
	const char *host = slashes + 3;
	const char *at = strrchr(host, '@');
	if (at) {
		found.credentials = view_make(host, (size_t)(at - host));
		host = at;
	}
	host += strcspn(host, "?#");
	if (*host)
		found.query = view_of(host + 1);
	return found;
}
