/* SPDX-License-Identifier: MIT */
#ifndef STREAM_KEY_H
#define STREAM_KEY_H

/*
 * Names of keys that hold an identity. Tenant, user and session are
 * percent-encoded (everything outside A-Z a-z 0-9 - . _ ~) and never otherwise
 * altered: two different identities never share a key.
 */

#include "buf.h"

/* `relay:events:{T/U/S}`, the stream on which a session's events are. */
void stream_key_events(struct buf *out, struct view prefix, struct view tenant,
    struct view user, struct view session);

/* `T/U/S`, or `T/U` when session.data is NULL. */
void stream_key_identity(
    struct buf *out, struct view tenant, struct view user, struct view session);

/* What a session id may be: UTF-8, 1 to 256 bytes, no control characters. */
bool stream_key_session_is_valid(struct view session);

#endif
