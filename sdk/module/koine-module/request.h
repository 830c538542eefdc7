/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request says beside its body: the parameters of its query, as a table of fields like that
 * of a body (body.h), and the kinds of answers that its client takes.
 *
 *     struct count { struct koine_text file; uint32_t every_ms; };
 *     static const struct koine_body_field parameters[] = {
 *         KOINE_BODY_FIELD(struct count, file, "file", KOINE_BODY_STRING, KOINE_BODY_REQUIRED),
 *         KOINE_BODY_LIMITED(struct count, every_ms, "every_ms", KOINE_BODY_POSITIVE_INTEGER, 0,
 *                            100, 60000),
 *     };
 *     struct count count = {.every_ms = 1000};
 *     if (!koine_query_parse(self->host, request, parameters, KOINE_COUNT(parameters), &count))
 *         return;
 */
#ifndef KOINE_MODULE_REQUEST_H
#define KOINE_MODULE_REQUEST_H

#include <koine-module/body.h>
#include <koine-module/module.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Reads the query into `out`, which holds the defaults: a parameter that is left out stays as it
 * is. Names and values are decoded (%41, and "+" for a space); those that no field names are
 * ignored. Fields may be strings, numbers and booleans ("true", "false"). Texts live as long as the
 * request. False: the request has been answered 400 with all problems at once, or is gone.
 */
bool koine_query_parse(const struct koine_host *host, koine_request request,
                       const struct koine_body_field *fields, size_t count, void *out);

/* Whether the client's Accept header names this type ("text/event-stream") and not with q=0. A
 * header that takes everything names nothing. */
bool koine_accepts(const struct koine_self *self, koine_request request, const char *type);

#ifdef __cplusplus
}
#endif
#endif
