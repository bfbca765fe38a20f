/* SPDX-License-Identifier: MIT */
#include "url_secrets.h"

struct url_secrets
url_secrets(struct view url)
{
	const char *slashes = memmem(url.data, url.len, "://", 3);
	if (!slashes)
		return (struct url_secrets){ 0 };
	size_t scheme = (size_t)(slashes + 3 - url.data);
	return url_secrets_behind(
	    view_make(url.data + scheme, url.len - scheme));
}

struct url_secrets
url_secrets_behind(struct view text)
{
	struct url_secrets found = { 0 };
	const char *at = memrchr(text.data, '@', text.len);
	size_t query = 0;
	while (query < text.len && text.data[query] != '?' &&
	    text.data[query] != '#')
		query++;
	if (at)
		found.credentials =
		    view_make(text.data, (size_t)(at - text.data));
	if (query < text.len)
		found.query =
		    view_make(text.data + query + 1, text.len - query - 1);
	return found;
}
