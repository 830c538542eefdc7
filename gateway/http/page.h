/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page that browsers keep: asked again with its ETag it is answered 304. Knows no paths and where
 * no page comes from.
 */
#ifndef HTTP_PAGE_H
#define HTTP_PAGE_H

#include "http/gate.h"

#define PAGE_ETAG_SIZE 36 /* 32 hexadecimal digits in quotes, and the end */

struct server;

struct page {
    const char *content_type;
    const char *headers;    /* further lines, each ended by CRLF; "" */
    const char *etag;       /* quotes included */
    struct koine_text body; /* as it is until the server is destroyed: it is not copied */
};

/* Names a body by what is in it. */
void page_etag(struct koine_text body, char etag[PAGE_ETAG_SIZE]);

/* Answers GET and HEAD with the page or 304, any other method with 405. */
void page_answer(struct server *server, struct gate_connection *connection,
                 const struct gate_head *head, const char *id, const struct page *page);

/* Whether the request is for this path. */
bool page_path_is(const struct gate_head *head, const char *path);

/* Whether the method is GET or HEAD. */
bool page_is_asked_for(const struct gate_head *head);

/* The same; false: 405 has been answered. */
bool page_is_read(struct server *server, struct gate_connection *connection,
                  const struct gate_head *head, const char *id);

#endif
