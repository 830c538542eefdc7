/* SPDX-License-Identifier: Apache-2.0 */
/* The libcurl client of the end-to-end tests. One connection a request. */
#include "support/http_client.h"

#include "support/exchange_record.h"
#include "support/scratch_directory.h"

#include <check.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TIMEOUT_MS = 60000 };

struct bytes {
    char *data;
    size_t size;
};

static size_t add(struct bytes *bytes, const char *data, size_t size) {
    char *grown = realloc(bytes->data, bytes->size + size + 1);
    if (!grown)
        return 0;
    if (size > 0)
        memcpy(grown + bytes->size, data, size);
    bytes->data = grown;
    bytes->size += size;
    grown[bytes->size] = '\0';
    return size;
}

static size_t collect(char *data, size_t unit, size_t count, void *user) {
    return add(user, data, unit * count);
}

static size_t collect_header(char *data, size_t unit, size_t count, void *user) {
    struct bytes *bytes = user;
    if (unit * count > 5 && strncmp(data, "HTTP/", 5) == 0)
        bytes->size = 0; /* what a 100 said is of no interest */
    return collect(data, unit, count, user);
}

static struct curl_slist *header_list(const struct http_request *request) {
    const char *key = request->key ? request->key : GATEWAY_KEY;
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    bool typed = false;
    for (const char *const *header = request->headers; header && *header; header++)
        typed |= strncasecmp(*header, "Content-Type:", 13) == 0;
    if (request->body && !typed)
        list = curl_slist_append(list, "Content-Type: application/json");
    if (*key) {
        char *line = scratch_text("Authorization: Bearer %s", key);
        list = curl_slist_append(list, line);
        free(line);
    }
    for (const char *const *header = request->headers; header && *header; header++)
        list = curl_slist_append(list, *header);
    return list;
}

static size_t body_size(const struct http_request *request) {
    if (!request->body)
        return 0;
    return request->body_size ? request->body_size : strlen(request->body);
}

static void set_method(CURL *curl, const struct http_request *request) {
    if (request->body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_size(request));
    }
    if (request->method && strcmp(request->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else if (request->method)
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

static void record(const struct http_request *request, const struct curl_slist *headers,
                   const struct http_response *response) {
    if (!exchange_is_wanted())
        return;
    struct bytes text = {0};
    const char *method = request->method ? request->method : request->body ? "POST" : "GET";
    char *line = scratch_text("%s %s HTTP/1.1\r\n", method, request->path);
    add(&text, line, strlen(line));
    free(line);
    for (; headers; headers = headers->next) {
        add(&text, headers->data, strlen(headers->data));
        add(&text, "\r\n", 2);
    }
    add(&text, "\r\n", 2);
    add(&text, request->body, body_size(request));
    exchange_record(&(struct exchange){.request = text.data,
                                       .request_size = text.size,
                                       .head = response->headers,
                                       .body = response->body,
                                       .body_size = response->body_size});
    free(text.data);
}

struct http_response http_send(const struct gateway *gateway, const struct http_request *request) {
    struct bytes head = {0}, body = {0};
    struct http_response response = {0};
    CURL *curl = curl_easy_init();
    ck_assert_ptr_nonnull(curl);
    char *url = scratch_text("%s%s", gateway_url(gateway), request->path);
    struct curl_slist *headers = header_list(request);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                     request->timeout_ms ? request->timeout_ms : (long)TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, collect_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &head);
    set_method(curl, request);
    CURLcode failed = curl_easy_perform(curl);
    ck_assert_msg(failed == CURLE_OK, "%s: %s", url, curl_easy_strerror(failed));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &response.status);
    response.headers = head.data ? head.data : strdup("");
    response.body = body.data ? body.data : strdup("");
    response.body_size = body.size;
    record(request, headers, &response);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    free(url);
    response.json = json_loadb(response.body, body.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    return response;
}

void http_response_finish(struct http_response *response) {
    json_decref(response->json);
    free(response->headers);
    free(response->body);
    *response = (struct http_response){0};
}

struct http_response http_get(const struct gateway *gateway, const char *path) {
    return http_send(gateway, &(struct http_request){.path = path});
}

struct http_response http_post_as(const struct gateway *gateway, const char *key, const char *path,
                                  json_t *body) {
    ck_assert_ptr_nonnull(body);
    char *text = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
    struct http_response response =
        http_send(gateway, &(struct http_request){.path = path, .key = key, .body = text});
    free(text);
    json_decref(body);
    return response;
}

struct http_response http_post(const struct gateway *gateway, const char *path, json_t *body) {
    return http_post_as(gateway, NULL, path, body);
}

struct http_call {
    pthread_t thread;
    const struct gateway *gateway;
    char *path;
    const char *key;
    json_t *body;
    struct http_response response;
};

static void *call_thread(void *data) {
    struct http_call *call = data;
    call->response = http_post_as(call->gateway, call->key, call->path, call->body);
    return NULL;
}

struct http_call *http_begin_post_as(const struct gateway *gateway, const char *key,
                                     const char *path, json_t *body) {
    struct http_call *call = calloc(1, sizeof *call);
    ck_assert_ptr_nonnull(call);
    *call = (struct http_call){
        .gateway = gateway, .path = scratch_text("%s", path), .key = key, .body = body};
    ck_assert_int_eq(pthread_create(&call->thread, NULL, call_thread, call), 0);
    return call;
}

struct http_call *http_begin_post(const struct gateway *gateway, const char *path, json_t *body) {
    return http_begin_post_as(gateway, NULL, path, body);
}

struct http_response http_wait(struct http_call *call) {
    pthread_join(call->thread, NULL);
    struct http_response response = call->response;
    free(call->path);
    free(call);
    return response;
}

char *http_header(const struct http_response *response, const char *name) {
    size_t size = strlen(name);
    for (const char *line = response->headers; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncasecmp(line, name, size) != 0 || line[size] != ':')
            continue;
        const char *value = line + size + 1;
        value += strspn(value, " \t");
        return strndup(value, strcspn(value, "\r\n"));
    }
    return NULL;
}

void http_assert_header(const struct http_response *response, const char *name, const char *value) {
    char *found = http_header(response, name);
    ck_assert_msg(found && strcmp(found, value) == 0, "%s: found %s, expected %s", name,
                  found ? found : "none", value);
    free(found);
}

json_t *http_json_at(json_t *json, const char *path) {
    char *names = scratch_text("%s", path), *rest = names, *name;
    while (json && (name = strsep(&rest, ".")))
        json = json_is_array(json) ? json_array_get(json, strtoul(name, NULL, 10))
                                   : json_object_get(json, name);
    free(names);
    return json;
}

json_t *http_member(const struct http_response *response, const char *path) {
    json_t *member = http_json_at(response->json, path);
    ck_assert_msg(member != NULL, "the answer has no '%s': %ld %.2000s", path, response->status,
                  response->body);
    return member;
}

const char *http_string(const struct http_response *response, const char *path) {
    json_t *member = http_member(response, path);
    ck_assert_msg(json_is_string(member), "'%s' is no string: %.2000s", path, response->body);
    return json_string_value(member);
}

json_int_t http_integer(const struct http_response *response, const char *path) {
    json_t *member = http_member(response, path);
    ck_assert_msg(json_is_integer(member), "'%s' is no integer: %.2000s", path, response->body);
    return json_integer_value(member);
}

void http_assert_status(const struct http_response *response, long status) {
    ck_assert_msg(response->status == status, "status %ld, expected %ld: %.2000s", response->status,
                  status, response->body);
}

void http_assert_error(const struct http_response *response, long status, const char *code) {
    http_assert_status(response, status);
    ck_assert_str_eq(http_string(response, "code"), code);
    ck_assert_uint_gt(strlen(http_string(response, "error")), 0);
    char *type = http_header(response, "Content-Type");
    ck_assert_pstr_eq(type, "application/json; charset=utf-8");
    free(type);
}
