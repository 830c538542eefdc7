/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session ids that say whose they are: a version 8 UUID (RFC 9562) whose second half is a MAC over
 * its random first half and the key's name. No table, survives a restart, holds on every node that
 * shares the secret.
 */
#ifndef POLICY_SESSION_ID_H
#define POLICY_SESSION_ID_H

#include <koine/base.h>
#include <stdbool.h>

#define SESSION_ID_SIZE 37 /* with the terminating zero */

struct session_ids; /* holds the secret, ready for MACs */
struct session_ids *session_ids_create(const unsigned char secret[32]);
void session_ids_destroy(struct session_ids *ids); /* takes NULL; wipes the secret */

/* Makes an id for the key's name. 0, or -1 when there is no randomness. */
int session_id_make(struct session_ids *ids, const char *key_name, char id[SESSION_ID_SIZE]);

/* Whether the text is a UUID in its 36-character form (hex in any case, version 1-8). */
bool session_id_is_uuid(struct koine_text text);

/* Whether `id` was made for that key by a holder of the secret. Constant time in the MAC. */
bool session_id_belongs(struct session_ids *ids, const char *key_name, struct koine_text id);

#endif
