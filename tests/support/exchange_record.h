/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the clients of the tests asked and were answered, kept in files for tests/openapi, which
 * holds all of it against the document. Does nothing unless KOINE_EXCHANGES names a folder.
 */
#ifndef SUPPORT_EXCHANGE_RECORD_H
#define SUPPORT_EXCHANGE_RECORD_H

#include <stdbool.h>
#include <stddef.h>

/* Request bodies and answers are kept up to that size. */
enum { EXCHANGE_REQUEST_BYTES = 64 * 1024, EXCHANGE_BODY_BYTES = 256 * 1024 };

struct exchange {
    const char
        *request; /* the request line and headers as sent, with the empty line, and the body */
    size_t request_size;
    const char *head; /* of the answer, terminated */
    const char *body;
    size_t body_size;
    bool cut; /* the client has not seen all of the body */
};

bool exchange_is_wanted(void);
/* Adds it to the file of this program, in one write. Of the request's headers only those that the
 * answer depends on are kept, and no key. */
void exchange_record(const struct exchange *exchange);

/* How many of the bytes sent are the first request; all, where its end is not to be seen. */
size_t exchange_request_size(const char *sent, size_t size);

#endif
