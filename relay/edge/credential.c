/* SPDX-License-Identifier: MIT */
#include "credential.h"

#include "handshake_parts.h"
#include "query.h"

static const char scheme[] = "bearer";

/* Another scheme may be a proxy's, and is not looked at. */
static bool
take_bearer(const struct handshake *handshake, struct credential *credential)
{
	struct view field = handshake->authorization;
	size_t length = sizeof(scheme) - 1;
	if (field.len < length ||
	    !handshake_same_word(view_make(field.data, length), scheme) ||
	    (field.len > length && field.data[length] != ' '))
		return false;
	credential->kind = CREDENTIAL_TOKEN;
	credential->text =
	    handshake_trim(view_make(field.data + length, field.len - length));
	return true;
}

static bool
take_parameter(const struct handshake *handshake, const char *name,
    enum credential_kind kind, struct credential *credential)
{
	if (!query_get(handshake->query, name, &credential->value))
		return false;
	credential->kind = kind;
	credential->text = buf_view(&credential->value);
	return true;
}

static void
begin(struct credential *credential)
{
	*credential = (struct credential){ .kind = CREDENTIAL_NONE };
	buf_init(&credential->value, 0);
}

void
credential_bearer(
    const struct handshake *handshake, struct credential *credential_r)
{
	begin(credential_r);
	take_bearer(handshake, credential_r);
}

void
credential_find(const struct handshake *handshake, bool query_token,
    struct credential *credential_r)
{
	begin(credential_r);
	if (take_bearer(handshake, credential_r))
		return;
	if (handshake->ticket.data) {
		credential_r->kind = CREDENTIAL_TICKET;
		credential_r->text = handshake->ticket;
		return;
	}
	if (!take_parameter(
		handshake, "ticket", CREDENTIAL_TICKET, credential_r) &&
	    query_token)
		take_parameter(
		    handshake, "access_token", CREDENTIAL_TOKEN, credential_r);
}

void
credential_fini(struct credential *credential)
{
	buf_wipe(&credential->value);
	credential->text = view_make(NULL, 0);
}
