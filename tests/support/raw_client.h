/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A socket for requests that no proper client sends: any bytes, in any pieces, with any end.
 * Sends nothing of its own. Failures abort the Check test, except that the peer may close.
 */
#ifndef SUPPORT_RAW_CLIENT_H
#define SUPPORT_RAW_CLIENT_H

#include "support/gateway.h"

#include <stdbool.h>
#include <stddef.h>

/* What every proper request of the tests carries. */
#define RAW_AUTHORIZATION "Authorization: Bearer " GATEWAY_KEY "\r\n"
#define RAW_HOST "Host: gateway\r\n"

/* One answer; status 0: the connection ended before one. */
struct raw_answer {
    int status;
    char *head; /* with the empty line; never NULL */
    char *body; /* terminated; never NULL */
    size_t body_size;
};

struct raw_client *raw_connect(const struct gateway *gateway);
/* The same with a receive buffer of about that many bytes: the kernel soon takes no more for a
 * client that does not read. 0: the kernel's own choice. */
struct raw_client *raw_connect_narrow(const struct gateway *gateway, int receive_buffer_bytes);
/* Closes; takes NULL. raw_reset closes with RST. */
void raw_close(struct raw_client *client);
void raw_reset(struct raw_client *client);

/* Sends all bytes; false when the gateway has closed before it took them. */
bool raw_send(struct raw_client *client, const void *data, size_t size);
bool raw_send_text(struct raw_client *client, const char *text);
/* Sends what fits now without waiting: bytes taken. */
size_t raw_send_some(struct raw_client *client, const void *data, size_t size);
/* No more bytes from here; answers can still be read. */
void raw_half_close(struct raw_client *client);

/* The next answer, interim ones (1xx) included; its body by Content-Length or to the end, none for
 * `head_request`. raw_answer_finish it. */
struct raw_answer raw_receive(struct raw_client *client, bool head_request);
void raw_answer_finish(struct raw_answer *answer);
/* Bytes as they come, at most `size`: how many, 0 when the connection has ended (reset or not),
 * -1 when nothing came within the time. raw_put_back gives back what belongs to a later answer. */
ssize_t raw_read(struct raw_client *client, void *buffer, size_t size, int timeout_ms);
void raw_put_back(struct raw_client *client, const void *data, size_t size);
/* True when the gateway closes within ten seconds and sends nothing more. */
bool raw_ends(struct raw_client *client);
/* True when the gateway sends something or closes within the time. */
bool raw_readable(struct raw_client *client, int timeout_ms);

/* Records an answer that was read by raw_read to the request that is next, see exchange_record.h.
 */
void raw_record(struct raw_client *client, const char *head, const char *body, size_t body_size,
                bool cut);

/* One connection, one text, one answer. */
struct raw_answer raw_exchange(const struct gateway *gateway, const void *data, size_t size);

#endif
