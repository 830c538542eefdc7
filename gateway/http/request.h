/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request of a module's route, from its head to the moment when its answer is out and its run is
 * over. Owns everything that belongs to it: memory, policy, slot, run, deadline.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/failure_form.h"
#include "http/gate.h"
#include "http/router.h"
#include "policy/keys.h"
#include "policy/slots.h"
#include "policy/tool_policy.h"
#include "worker.h"
#include <koine/koine.h>

#define REQUEST_ID_SIZE 72

enum request_state {
    REQUEST_READING,   /* the head has passed, the body is arriving */
    REQUEST_OPEN,      /* with its handler, not answered */
    REQUEST_STREAMING, /* an event stream is open */
    REQUEST_ANSWERED,  /* the whole answer is queued */
    REQUEST_ENDED      /* the connection is gone or free; waits for its run */
};

struct request_memory;  /* one allocation of the module */
struct request_watcher; /* one on_end callback */
struct run;
struct server;

struct request {
    uint64_t handle;
    enum request_state state;
    int32_t how; /* KOINE_END_… once it is known */
    struct worker *worker;
    struct gate_connection *connection; /* NULL once ended */
    const struct route *route;
    struct key *key;            /* NULL: a public route */
    struct tool_policy *policy; /* never NULL */
    bool slot_held;
    struct key *slot_key; /* whom the slot is counted for */
    struct run *run;      /* NULL: none, parked or over */
    char *head;           /* copies of method, path, query, parameters */
    struct koine_text method, path, query, params[ROUTE_MAX_PARAMS];
    struct koine_text fields, body; /* of the gate, until ended */
    char id[REQUEST_ID_SIZE];
    char *headers; /* lines added by set_header */
    size_t headers_size;
    struct request_memory *memory;
    struct request_watcher *watchers;
    struct event *deadline;
    /* Once there is a deadline: the route's, and the one that is set. */
    uint64_t opened_ms, deadline_at_ms, expires_ms;
    void (*drained)(void *data, koine_request request);
    void *drained_data;
    bool stream_full;
    size_t largest_write; /* to the stream while it was full */
};

/* Makes the record when the head has passed. NULL when memory is short. */
struct request *request_create(struct worker *worker, struct gate_connection *connection,
                               const struct gate_head *head, const struct route_match *match,
                               struct key *key, const char *id);
/* The body is here: runs the handler. */
void request_dispatch(struct request *request, struct koine_text fields, struct koine_text body);
/* The gate says that it is over. */
void request_ended(struct request *request, enum gate_end how);
/* The stream has room again. */
void request_drained(struct request *request);
/* The time to finish is over: answers 503, or has the run say so on its stream. */
void request_shut_down(struct request *request);
/* No module's code runs any more: frees what was kept for it. */
void request_free_kept(struct server *server);
/* The run says that it is over. */
void request_run_over(struct request *request);

struct request *request_find(struct worker *worker, koine_request handle); /* any state but dead */
/* Whether an answer is still owed; every service call but accessors asks this. */
bool request_is_open(const struct request *request);
struct koine_text request_id_text(const struct request *request);

void *request_alloc(struct request *request, size_t bytes);
/* Copies text into the request's memory; none stays none; data NULL when memory is short. */
struct koine_text request_copy(struct request *request, struct koine_text text);
int request_on_end(struct request *request, void (*callback)(void *, koine_request, int32_t),
                   void *data);

/* Answers; see koine_http. */
int request_respond(struct request *request, int status, struct koine_text content_type,
                    struct koine_text body);
int request_fail(struct request *request, const struct koine_failure *failure);
int request_stream_begin(struct request *request, const struct koine_stream_options *options);
int request_stream_write(struct request *request, struct koine_text bytes);
int request_stream_end(struct request *request);
int request_add_header(struct request *request, struct koine_text name, struct koine_text value);
int request_set_deadline(struct request *request, uint32_t deadline_ms);

/* Lets the request act under a key: its policy and limits. */
void request_act_as(struct request *request, struct key *key);

/* Whether the request's key may continue a session: KOINE_OK, or KOINE_REFUSED with `failure`. */
int32_t request_check_session(struct request *request, struct koine_text session_id,
                              struct koine_failure *failure);

/* Takes and returns the slot of its route. False: no slot is free, `failure` filled. */
bool request_take_slot(struct request *request, struct koine_failure *failure);
/* It has been given the slot for which it waited in line, counted for its key. */
void request_hold_slot(struct request *request);
/* The refusal of a request that gets no slot. Returns KOINE_REFUSED. */
int32_t request_refuse_slot(const struct request *request, struct koine_failure *failure);
void request_return_slot(struct request *request);

/* As failure_set, with text that is copied into the request. */
int32_t failure_print(struct request *request, struct koine_failure *failure, int status,
                      const char *code, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* … with one issue at a path ("schema", "type", … NULL). */
int32_t failure_issue(struct request *request, struct koine_failure *failure, const char *path,
                      const char *message);

#endif
