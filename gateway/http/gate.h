/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate: evhttp's connections without evhttp's holes. It reads and judges each request head by
 * itself, so that nobody without a key makes the gateway buffer a body, and it is the only unit
 * that knows of evhttp and its insides. It knows nothing of routes, keys or modules.
 *
 * Everything here runs on the loop thread. A connection has at most one request at a time; a
 * pipelined one is looked at when the one before it has ended.
 */
#ifndef HTTP_GATE_H
#define HTTP_GATE_H

#include <event2/event.h>
#include <event2/util.h>
#include <koine/base.h>
#include <stdbool.h>
#include <stdint.h>

struct gate;
struct gate_connection;

/* A head that has passed the syntax rules. Texts live until the head callback returns. */
struct gate_head {
    struct koine_text method;        /* "GET", as sent */
    struct koine_text target;        /* the whole request target; begins with '/' */
    struct koine_text path;          /* target up to '?', still percent-encoded */
    struct koine_text query;         /* after '?', none without one */
    struct koine_text fields;        /* all header lines, each ended by CRLF */
    struct koine_text authorization; /* value of the header, none when absent */
    struct koine_text api_key;       /* X-Api-Key */
    struct koine_text request_id;    /* X-Request-Id */
    struct koine_text content_type;
    int64_t content_length; /* -1: none given */
    bool chunked;
    bool has_body;          /* chunked, or content_length > 0 */
    bool is_head;           /* method is HEAD */
    unsigned minor_version; /* 0 or 1 */
};

/* Finds a header line's value in `fields`, without surrounding blanks; name is matched without
 * regard to case. Returns false when there is none (the first one counts). */
bool gate_field(struct koine_text fields, const char *name, struct koine_text *value);

enum gate_verdict {
    GATE_PASS,    /* read the body, at most `*max_body_bytes`, then call `request` */
    GATE_ANSWERED /* the callback has called gate_answer */
};

enum gate_end {
    GATE_SENT,        /* the answer is in the kernel's hands */
    GATE_CLIENT_LEFT, /* closed, reset or half-closed by the client before that */
    GATE_TIMED_OUT,   /* the client did not read for write_timeout_ms */
    GATE_ABORTED      /* gate_abort or gate_destroy */
};

struct gate_callbacks {
    /*
     * A head is complete. Store what was decided in `*decision`: it comes back with the request.
     * For GATE_PASS exactly one `ended` follows (with or without `request` before it), so what
     * `*decision` owns is released there. For GATE_ANSWERED none follows.
     */
    enum gate_verdict (*head)(void *data, struct gate_connection *connection,
                              const struct gate_head *head, uint64_t *max_body_bytes,
                              void **decision);
    /* The body is complete. Answer now or later, exactly once, with gate_reply or
     * gate_stream_begin … gate_stream_end. `fields` and `body` live until `ended`. */
    void (*request)(void *data, struct gate_connection *connection, void *decision,
                    struct koine_text fields, struct koine_text body);
    /* The request is over; forget the connection. Called once, never inside a gate_ call that this
     * unit's user makes (gate_abort and gate_destroy excepted). */
    void (*ended)(void *data, struct gate_connection *connection, void *decision,
                  enum gate_end how);
    /* A stream that had answered KOINE_FULL has room again. */
    void (*drained)(void *data, struct gate_connection *connection, void *decision);
    /*
     * The gate itself refuses (bad syntax, head too large, body too large or too slow …): answer
     * with gate_answer. `head` is NULL when it could not be read; `decision` is NULL unless the
     * head had passed (then `ended` follows as GATE_SENT or GATE_CLIENT_LEFT).
     * `code` and `message` as in the HTTP contract.
     */
    void (*refuse)(void *data, struct gate_connection *connection, const struct gate_head *head,
                   void *decision, int status, const char *code, const char *message);
    /* No answer to a head alone (gate_answer) is on its way any more. May be NULL. */
    void (*sent)(void *data);
};

struct gate_options {
    uint32_t max_head_bytes;
    uint32_t head_timeout_ms;  /* from the first byte of a head to its end */
    uint32_t body_timeout_ms;  /* silence within a body */
    uint32_t idle_timeout_ms;  /* between requests */
    uint32_t write_timeout_ms; /* no progress while bytes wait for the client */
    uint32_t max_connections;  /* above it new ones wait in the kernel's backlog */
    const char *header_line;   /* in every answer; ended by CRLF; lives as long as the gate; NULL:
                                  none */
};

/* Creates a gate on `base` (made with EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST for speed). Options and
 * callbacks are copied. NULL when memory is short. gate_destroy ends every connection and request.
 */
struct gate *gate_create(struct event_base *base, const struct gate_options *options,
                         const struct gate_callbacks *callbacks, void *data);
void gate_destroy(struct gate *gate);

/* Takes a listening socket over (non-blocking is set here); closed by gate_destroy.
 * Returns 0 or -1 with errno. May be called for several sockets. */
int gate_listen(struct gate *gate, evutil_socket_t listener);

/* From now on every answer says `Connection: close` and idle connections are closed once they
 * have been silent for `idle_ms`. New connections are still accepted (503 is the user's affair). */
void gate_drain(struct gate *gate, uint32_t idle_ms);
/* Stops accepting. */
void gate_stop_accepting(struct gate *gate);

struct gate_counters {
    uint64_t accepted;      /* connections since the start */
    uint64_t connections;   /* open now */
    uint64_t requests;      /* heads read */
    uint64_t refused;       /* by the gate itself */
    uint64_t accept_pauses; /* times that accept failed (EMFILE …) and was paused */
    uint64_t answers;       /* to heads alone, of which clients have yet to read */
};
void gate_count(const struct gate *gate, struct gate_counters *counters);

/*
 * Answers a head: for use inside the `head` and `refuse` callbacks only. `headers` are whole lines,
 * each ended by CRLF (Content-Type, X-Request-Id …); Content-Length, Date and Connection are the
 * gate's. The connection is kept when the request is well-formed and had no body, or one of up to
 * 64 KiB that is coming for certain (it is read past); else it is closed after what is still
 * arriving has been discarded (1 MB or 2 s at most), so that the client reads the answer. To HEAD
 * only the head is sent. A client that half-closes gets all of it: no run would go on for nobody.
 */
void gate_answer(struct gate_connection *connection, int status, struct koine_text headers,
                 struct koine_text body);

/* The same with a body that stays as it is until gate_destroy: however many clients are slow to
 * read it, it is not copied. */
void gate_answer_kept(struct gate_connection *connection, int status, struct koine_text headers,
                      struct koine_text body);

/* Refuses a request whose body is still arriving, as the gate itself would: `refuse` is called
 * inside, `ended` follows. Any other request is left alone. `code` and `message` as there. */
void gate_refuse_body(struct gate_connection *connection, int status, const char *code,
                      const char *message);

/* Answers a passed request; headers as above. Returns KOINE_OK, KOINE_WRONG_STATE when it has been
 * answered already, KOINE_NO_MEMORY (the connection is then closed and `ended` follows). */
int gate_reply(struct gate_connection *connection, int status, struct koine_text headers,
               struct koine_text body);

struct gate_stream_options {
    uint32_t buffer_bytes;        /* FULL above this; drained at a quarter of it */
    struct koine_text keep_alive; /* sent in silence; copied; none: nothing is sent */
    uint32_t keep_alive_ms;
};

/* Begins an answer of unknown length (chunked; to HTTP/1.0 ended by the close). The head goes out
 * at once. To HEAD nothing but the head is sent and writes are swallowed.
 * Returns KOINE_OK, KOINE_WRONG_STATE, KOINE_NO_MEMORY. */
int gate_stream_begin(struct gate_connection *connection, int status, struct koine_text headers,
                      const struct gate_stream_options *options);

/* Queues bytes; all writes of one turn of the loop leave as one chunk. Returns KOINE_OK; KOINE_FULL
 * when the queue is now above buffer_bytes (the bytes are taken: stop until `drained`);
 * KOINE_WRONG_STATE outside a stream; KOINE_NO_MEMORY (nothing queued). */
int gate_stream_write(struct gate_connection *connection, struct koine_text bytes);

/* Ends the stream; `ended` follows when everything has left. KOINE_OK or KOINE_WRONG_STATE. */
int gate_stream_end(struct gate_connection *connection);

size_t
gate_stream_queued(const struct gate_connection *connection); /* bytes not yet in the kernel */

/* Closes the connection at once, cutting any answer short; `ended` is called inside. */
void gate_abort(struct gate_connection *connection);

/* The peer's address, "127.0.0.1:4711"; lives as long as the connection. */
const char *gate_peer(const struct gate_connection *connection);

#endif
