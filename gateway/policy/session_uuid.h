/* SPDX-License-Identifier: Apache-2.0 */
/* Between session_id.c and session_uuid.c: the bytes of a UUID and its text. */
#ifndef POLICY_SESSION_UUID_H
#define POLICY_SESSION_UUID_H

#include <koine/base.h>

enum { SESSION_UUID_SIZE = 16 };

/* Writes 36 characters and a zero byte. */
void session_uuid_write(const unsigned char uuid[SESSION_UUID_SIZE], char *text);
/* `text` must be a UUID, see session_id_is_uuid. */
void session_uuid_read(struct koine_text text, unsigned char uuid[SESSION_UUID_SIZE]);

#endif
