/* SPDX-License-Identifier: MIT */
#ifndef URL_SECRETS_H
#define URL_SECRETS_H

/* What is secret in a URL, for all who show one or hide one. */

#include "view.h"

/* Parts of the URL they were looked for in; .data is NULL where it has none.
 * Whether a ? stands in a password or an @ in a query cannot be told apart:
 * where the first ? comes before the last @, they overlap. */
struct url_secrets {
	struct view credentials; /* between "//" and the last @: a password may
				    hold an @ that nobody encoded */
	struct view query;       /* all behind the first ? or # */
};

/* Nothing in what has no "://". */
struct url_secrets url_secrets(struct view url);
/* The same of what stands behind the "://". */
struct url_secrets url_secrets_behind(struct view text);

#endif
