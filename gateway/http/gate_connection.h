/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the gate share: the record of one connection, its states and the calls by which
 * they hand it to each other. Nothing outside gate*.c includes this.
 *
 * Why evhttp never sees a client's bytes
 *   evhttp buffers a body before anybody can ask for a key, accepts a dozen shapes that other
 *   readers understand differently (bare LF, "+5" as a length, the body of a HEAD as the next
 *   request …), grows without bound on an endless chunk-size line and answers its own errors in
 *   HTML. Guarding each hole one by one means tracking evhttp's state byte by byte. So the gate
 *   keeps the bufferevent's callbacks to itself and reads, judges and answers each request. evhttp
 *   accepts and owns the connection object, which waits for a first byte that never comes; none of
 *   its callbacks is installed, and no code of the gate's user ever runs on top of evhttp's stack.
 *   (Handing it complete requests, rewritten, cost a third of the time of a short one.)
 */
#ifndef HTTP_GATE_CONNECTION_H
#define HTTP_GATE_CONNECTION_H

#include "http/gate.h"
#include "http/gate_head.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event_struct.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <sys/queue.h>
#include <sys/uio.h>
#include <time.h>

enum {
    GATE_INPUT_BYTES = 65536,      /* held, beyond a head's worth, while a request is under way */
    GATE_SKIP_BYTES = 65536,       /* a refused body up to this is read past, the connection kept */
    GATE_LINGER_BYTES = 1 << 20,   /* discarded after a last answer, at most … */
    GATE_LINGER_MS = 2000,         /* … and for no longer than this */
    GATE_SUSPENDED_POLL_MS = 1000, /* looks for a leaving client behind a full input */
    GATE_ACCEPT_PAUSE_MS = 100,    /* after accept failed for lack of descriptors */
    GATE_HEADS_PER_TURN = 16,      /* then other connections have their turn */
    GATE_WRITE_BYTES = 131072,     /* one write to the socket; libevent's own limit is 16 KiB */
    GATE_PEER_BYTES = INET6_ADDRSTRLEN + 8
};

#define GATE_NEVER UINT64_MAX

enum gate_state {
    GATE_STARTING,  /* accepted, evhttp has not finished making its connection */
    GATE_HEAD,      /* a head is awaited or has begun */
    GATE_BODY,      /* the head has passed, the body is arriving */
    GATE_PENDING,   /* the user has the request and owes an answer */
    GATE_STREAMING, /* the user is answering in pieces */
    GATE_SENDING,   /* the answer is complete and on its way */
    GATE_FINISHING, /* `ended` is being called */
    GATE_SKIPPING,  /* a short body that nobody wants is read past */
    GATE_LINGERING, /* answered for the last time: waiting for the client to stop sending */
    GATE_CLOSED     /* over; the gate frees the record soon */
};

enum gate_chunk_state {
    GATE_CHUNK_SIZE,
    GATE_CHUNK_DATA,
    GATE_CHUNK_DATA_END, /* the CRLF behind the data */
    GATE_CHUNK_LAST      /* the CRLF behind the size 0 */
};

/* An answer in pieces; exists from gate_stream_begin to `ended`. */
struct gate_stream {
    char *batch; /* written in this turn of the loop, or held back while the socket is full */
    size_t batch_size;
    size_t batch_capacity;
    uint32_t buffer_bytes;
    uint32_t keep_alive_ms;
    uint64_t written_ms; /* when bytes last left, for keep_alive */
    bool chunked;
    bool swallowing; /* HEAD: nothing but the head is sent */
    bool full;       /* the user waits for `drained` */
    bool drain_due;  /* and gets it in the next turn of the loop */
    bool ended;
    size_t keep_alive_size;
    char keep_alive[];
};

struct gate_connection {
    struct gate *gate;
    LIST_ENTRY(gate_connection) link;
    struct bufferevent *bev;
    struct evhttp_connection *evcon; /* NULL: not yet made, or freed */
    struct event turn;               /* what must not happen inside the user's call, soon */
    struct event timer;              /* the only one; armed lazily, see gate_connection_arm */
    uint64_t timer_at_ms;
    uint64_t deadline_ms;
    enum gate_state state;
    enum gate_end doom; /* valid when `doomed` */
    unsigned entered;   /* callbacks of libevent on the stack: advance will follow */
    bool doomed : 1;
    bool owes_ended : 1;
    bool answering : 1; /* inside `head` or `refuse`: gate_answer is allowed */
    bool answered : 1;
    bool counted : 1; /* among the answers to heads alone that are on their way */
    bool close_after : 1;
    bool keep_asked : 1; /* HTTP/1.0 wants to be told that the connection is kept */
    bool is_head : 1;
    bool old_version : 1; /* HTTP/1.0 */
    bool head_begun : 1;
    bool blank_skipped : 1;
    bool chunked : 1;
    size_t scanned; /* bytes of the arriving head that hold no end */
    void *decision;
    char *head_bytes; /* copy of a passed head */
    size_t head_size;
    struct koine_text fields; /* within head_bytes */
    struct evbuffer *body;    /* what has arrived of it */
    uint64_t body_limit;
    uint64_t body_left; /* of the body, or of the chunk */
    uint64_t body_received;
    uint64_t body_begun_ms;
    enum gate_chunk_state chunk_state;
    size_t linger_left;
    struct gate_stream *stream;
    char peer[GATE_PEER_BYTES];
};

struct gate_listener {
    LIST_ENTRY(gate_listener) link;
    struct evhttp_bound_socket *socket;
};

struct gate {
    struct event_base *base;
    struct evhttp *http;
    struct gate_options options;
    struct gate_callbacks callbacks;
    void *data;
    LIST_HEAD(gate_connection_list, gate_connection) connections;
    LIST_HEAD(gate_listeners, gate_listener) listeners;
    struct gate_connection_list buried; /* closed; freed when no callback runs */
    struct event burial;
    struct event accept_timer; /* ends a pause of accept */
    struct gate_counters counters;
    bool stopped;
    bool paused; /* accept failed a moment ago */
    bool draining;
    uint32_t drain_idle_ms;
    time_t date_second;
    char date[40]; /* the Date header's value of that second */
};

/* gate.c */
uint64_t gate_now_ms(void);
const char *gate_date(struct gate *gate);
void gate_update_listeners(struct gate *gate);
void gate_bury(struct gate_connection *connection);

/* gate_connection.c */
struct gate_connection *gate_connection_create(struct gate *gate);
void gate_connection_close(struct gate_connection *connection, enum gate_end how);
void gate_connection_doom(struct gate_connection *connection, enum gate_end how);
void gate_connection_schedule(struct gate_connection *connection);
void gate_connection_arm(struct gate_connection *connection, uint64_t deadline_ms);
void gate_connection_arm_idle(struct gate_connection *connection);

/* gate_request.c: each returns true when there may be more to do with what has arrived. */
bool gate_request_read_head(struct gate_connection *connection);
bool gate_request_read_body(struct gate_connection *connection);
bool gate_request_skip_body(struct gate_connection *connection);
bool gate_request_finish(struct gate_connection *connection);
void gate_request_refuse(struct gate_connection *connection, const struct gate_head *head,
                         struct gate_refusal refusal);
void gate_request_refuse_late(struct gate_connection *connection, struct gate_refusal refusal);
void gate_request_release(struct gate_connection *connection);

/* gate_body.c */
enum gate_body_progress {
    GATE_BODY_MORE,
    GATE_BODY_COMPLETE,
    GATE_BODY_REFUSED,
    GATE_BODY_NO_MEMORY
};
enum gate_body_progress gate_body_read(struct gate_connection *connection,
                                       struct gate_refusal *refusal);
void gate_body_arm(struct gate_connection *connection);

/* gate_reply.c */
int gate_send(struct gate_connection *connection, struct iovec *parts, int count, int kept);
size_t gate_unsent(const struct gate_connection *connection);
int gate_respond_stream(struct gate_connection *connection, int status, struct koine_text headers);

/* gate_stream.c */
void gate_stream_flush(struct gate_connection *connection);
void gate_stream_tick(struct gate_connection *connection);
void gate_stream_arm(struct gate_connection *connection);

#endif
