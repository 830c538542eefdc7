/* SPDX-License-Identifier: Apache-2.0 */
/* Conditional requests (RFC 9110 section 13.1.2) and the header lines that all pages share. */
#include "http/page.h"
#include "http/refusal_text.h"
#include "http/server.h"
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

void page_etag(struct koine_text body, char etag[PAGE_ETAG_SIZE]) {
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)body.data, body.size, hash);
    *etag = '"';
    for (int i = 0; i < 16; i++)
        snprintf(etag + 1 + 2 * i, 3, "%02x", hash[i]);
    memcpy(etag + 33, "\"", 2);
}

/* Within a list of tags, strong or weak: quotes begin and end each, and hex needs no escapes. */
static bool client_has(const struct gate_head *head, const char *etag) {
    struct koine_text known;
    if (!gate_field(head->fields, "If-None-Match", &known) || !known.size)
        return false;
    return (known.size == 1 && *known.data == '*') ||
           memmem(known.data, known.size, etag, strlen(etag)) != NULL;
}

bool page_path_is(const struct gate_head *head, const char *path) {
    return head->path.size == strlen(path) && memcmp(head->path.data, path, head->path.size) == 0;
}

bool page_is_asked_for(const struct gate_head *head) {
    return head->is_head || (head->method.size == 3 && memcmp(head->method.data, "GET", 3) == 0);
}

bool page_is_read(struct server *server, struct gate_connection *connection,
                  const struct gate_head *head, const char *id) {
    struct koine_failure failure = {0};
    struct refusal_text text;
    if (page_is_asked_for(head))
        return true;
    failure_set(&failure, 405, "METHOD_NOT_ALLOWED",
                refusal_wrong_method(&text, head->method, head->path, "GET, HEAD"));
    server_refuse(server, connection, NULL, id, &failure, "Allow: GET, HEAD\r\n");
    return false;
}

void page_answer(struct server *server, struct gate_connection *connection,
                 const struct gate_head *head, const char *id, const struct page *page) {
    char headers[1280];
    if (!page_is_read(server, connection, head, id))
        return;
    int size = snprintf(headers, sizeof(headers),
                        "Content-Type: %s\r\nETag: %s\r\nCache-Control: no-cache\r\n"
                        "X-Content-Type-Options: nosniff\r\nX-Request-Id: %s\r\n%s",
                        page->content_type, page->etag, id, page->headers);
    gate_answer_kept(connection, client_has(head, page->etag) ? 304 : 200,
                     (struct koine_text){headers, (size_t)size}, page->body);
}
