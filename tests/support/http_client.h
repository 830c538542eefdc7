/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests as an ordinary client sends them (libcurl), answers with their JSON read.
 * Bytes that no proper client sends are raw_client's. Failures to talk abort the Check test.
 */
#ifndef SUPPORT_HTTP_CLIENT_H
#define SUPPORT_HTTP_CLIENT_H

#include "support/gateway.h"

#include <jansson.h>
#include <stddef.h>

struct http_request {
    const char *method;         /* NULL: POST with a body, else GET */
    const char *path;           /* "/generate-text" */
    const char *key;            /* NULL: GATEWAY_KEY; "": no Authorization */
    const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
    const char *body;           /* NULL: none; sent as application/json */
    size_t body_size;           /* 0: strlen(body) */
    long timeout_ms;            /* 0: 60 s */
};

struct http_response {
    long status;
    char *headers; /* of the last answer, as received */
    char *body;    /* terminated */
    size_t body_size;
    json_t *json; /* NULL when the body is no JSON */
};

struct http_response http_send(const struct gateway *gateway, const struct http_request *request);
void http_response_finish(struct http_response *response);

/* GET; POST of a JSON value, which is taken over. */
struct http_response http_get(const struct gateway *gateway, const char *path);
struct http_response http_post(const struct gateway *gateway, const char *path, json_t *body);
/* … by another client: `key` as in http_request. */
struct http_response http_post_as(const struct gateway *gateway, const char *key, const char *path,
                                  json_t *body);

/* The same in a thread: begin, do something else, wait. Every call must be waited for. */
struct http_call *http_begin_post(const struct gateway *gateway, const char *path, json_t *body);
struct http_call *http_begin_post_as(const struct gateway *gateway, const char *key,
                                     const char *path, json_t *body);
struct http_response http_wait(struct http_call *call);

/* A header's value, NULL when it is not there; the caller frees. */
char *http_header(const struct http_response *response, const char *name);
void http_assert_header(const struct http_response *response, const char *name, const char *value);

/* A member of the answer by path, "usage.inputTokens" or "issues.0.message"; aborts when missing.
 */
json_t *http_member(const struct http_response *response, const char *path);
const char *http_string(const struct http_response *response, const char *path);
json_int_t http_integer(const struct http_response *response, const char *path);

/* The same for any JSON value; NULL when missing. */
json_t *http_json_at(json_t *json, const char *path);

/* Asserts status and `code` of an error answer, and that it is a JSON error in due form. */
void http_assert_error(const struct http_response *response, long status, const char *code);
/* Asserts the status, showing the body. */
void http_assert_status(const struct http_response *response, long status);

#endif
