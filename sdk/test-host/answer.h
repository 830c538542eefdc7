/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request and its answer: what the module sees of it until it has ended, and what the client has
 * got, which stays for the test.
 */
#ifndef TEST_HOST_ANSWER_H
#define TEST_HOST_ANSWER_H

#include "test-host/host.h"

enum answer_state {
    ANSWER_OPEN,      /* with its handler, not answered */
    ANSWER_STREAMING, /* a stream has begun */
    ANSWER_SENDING,   /* the module is done, the end comes from the loop or the client */
    ANSWER_ENDED      /* waits for its run */
};

/* A module that has not ended its stream some seconds after the deadline gets no more time. */
enum { ANSWER_GRACE_MS = 5000 };

struct answer_memory;
struct answer_watcher;

struct koine_test_answer {
    struct koine_test_host *host;
    uint64_t handle; /* 0: refused by the host, the module has not seen it */
    enum answer_state state;
    bool complete;
    bool by_module; /* it was the module that ended it */
    bool is_head;
    bool forgotten; /* its deadline came before the module answered, or ended its stream */
    int32_t how;

    /* what the module sees */
    const struct route *route;
    const struct host_key *key;
    struct tool_policy *policy;
    bool slot_held;
    struct run *run;
    json_t *fields; /* {lower-case name: value} */
    struct koine_text method, path, query, body, id, peer, params[ROUTE_MAX_PARAMS];
    struct answer_memory *memory;
    struct answer_watcher *watchers;
    struct timed deadline, ending, keep_alive, drain;
    uint64_t deadline_at_ms;

    /* the stream */
    char *keep_alive_bytes;
    uint32_t keep_alive_ms;
    void (*drained)(void *data, koine_request request);
    void *drained_data;
    bool stream_full;
    size_t largest_write;

    /* what the client has */
    int status;
    struct buffer headers; /* those that set_header adds come first */
    struct buffer read, unread;
    size_t stops_after; /* 0: reads on */
    struct koine_test_piece *pieces;
    size_t piece_count;
    json_t *parsed;
    struct koine_test_event *events;
    size_t event_count;
    char *event_text;
};

/* "POST /hello": for findings. */
const char *answer_name(const struct koine_test_answer *answer);
uint64_t answer_limit_ms(const struct koine_test_answer *answer);
bool answer_waits_for_reader(const struct koine_test_answer *answer);
bool answer_is_open(const struct koine_test_answer *answer);

/* request.c: the life of what the module sees. */
void request_dispatch(struct koine_test_answer *request);
void request_end(struct koine_test_answer *request, int32_t how);
void request_run_over(struct koine_test_answer *request);
void request_shut_down(struct koine_test_answer *request);
void request_drained(struct koine_test_answer *request);
void request_set_deadline(struct koine_test_answer *request, uint32_t deadline_ms);
void request_free(struct koine_test_answer *request);
/* Memory of the request, which does not count as the module's. */
/* No code of the module runs any more. */
void request_free_kept(struct koine_test_host *host);
void *request_alloc(struct koine_test_answer *request, size_t bytes);
struct koine_text request_copy(struct koine_test_answer *request, struct koine_text text);
void request_on_end(struct koine_test_answer *request,
                    void (*callback)(void *data, koine_request request, int32_t how), void *data);

/* refusal.c: koine_failure filled with text of the request. All return KOINE_REFUSED. */
int32_t failure_issue(struct koine_test_answer *request, struct koine_failure *failure,
                      const char *path, const char *message);
/* The body of a refusal in the form of the route (may be NULL). malloc'd. */
char *failure_render(struct koine_test_host *host, const struct route *route,
                     const struct koine_failure *failure, size_t *size, const char **type);

/* reply.c: see koine_http. */
int32_t reply_respond(struct koine_test_answer *request, int status, struct koine_text type,
                      struct koine_text body);
int32_t reply_fail(struct koine_test_answer *request, const struct koine_failure *failure);
/* A refusal of the host's for a path that has no request; `route` may be NULL. */
void reply_refuse(struct koine_test_answer *answer, const struct route *route, int status,
                  const char *code, const char *message, const char *header);
int32_t reply_add_header(struct koine_test_answer *request, struct koine_text name,
                         struct koine_text value);

int32_t stream_begin(struct koine_test_answer *request, const struct koine_stream_options *options);
int32_t stream_write(struct koine_test_answer *request, struct koine_text bytes);
int32_t stream_end(struct koine_test_answer *request);

/* client.c: a header that was sent, or NULL; the client takes bytes, as far as it reads. */
const char *client_field(const struct koine_test_answer *answer, const char *name);
void client_receive(struct koine_test_answer *answer, struct koine_text bytes);
void client_note_piece(struct koine_test_answer *answer, struct koine_text bytes, bool keep_alive);

/* access.c: keys and slots. */
const struct host_key *access_find_key(const struct koine_test_host *host, const char *name);
/* 0, 401 or 403: what the key in the fields is worth at the route (NULL: none matches). */
int access_check(struct koine_test_answer *answer, const struct route *route);
bool access_may_use(const struct host_key *key, struct koine_text path);
void access_act_as(struct koine_test_answer *request, const struct host_key *key);
int32_t access_check_session(struct koine_test_answer *request, struct koine_text id,
                             struct koine_failure *failure);
/* A new session id of the request's key, kept by the host. */
const char *access_make_session(struct koine_test_host *host, const struct host_key *key);
struct slot_class *slot_class_find(const struct koine_test_host *host, const char *name);
bool slot_class_declare(struct koine_test_host *host, const char *name, uint32_t limit);
bool slot_take(struct koine_test_answer *request, struct koine_failure *failure);
void slot_return(struct koine_test_answer *request);

/* service_http.c: the request behind a handle; NULL: call->result says why. `answers`: the call is
 * one that ends or goes on with the answer, which must still be owed. */
struct call;
enum request_use { REQUEST_ANY, REQUEST_OPEN, REQUEST_ANSWERING };
struct koine_test_answer *call_request(struct call *call, const struct koine_host *host,
                                       const char *name, koine_request handle,
                                       enum request_use use);

#endif
