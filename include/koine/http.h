/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service "koine.http/1": routes, requests, answers and event streams.
 *
 * A request ends exactly once: answered, past its deadline (the host answers 504), or left by the
 * client. After that every call with its handle answers KOINE_GONE, so a late answer from a timer
 * or a thread's post is harmless. A module never frees a request.
 *
 * Every function is [loop]: call it on the loop thread, in the state "serving" unless it says else.
 */
#ifndef KOINE_HTTP_H
#define KOINE_HTTP_H

#include <koine/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KOINE_HTTP "koine.http/1"

/* How a request proves who sends it. */
enum {
    KOINE_AUTH_REQUIRED = 0, /* a key of the gateway, or 401/403 before the handler runs */
    KOINE_AUTH_NONE = 1      /* public: anybody reaches the handler */
};

/* Where clients put the key (flags; 0 means KOINE_KEY_BEARER). */
enum {
    KOINE_KEY_BEARER = 1,   /* Authorization: Bearer KEY */
    KOINE_KEY_X_API_KEY = 2 /* X-Api-Key: KEY */
};

/* Names of the host's own slot classes; the config may add others, see slots.h. */
#define KOINE_SLOT_NONSTREAMING "nonStreaming"
#define KOINE_SLOT_STREAMING "streaming"

/*
 * Handles one request. It has been authenticated, the body is complete.
 * Answer now, or keep the handle and answer later. Memory of the request comes from alloc.
 */
typedef void (*koine_handler)(void *self, koine_request request);

/*
 * Turns a refusal of the host's (401, 404 below the route's prefix, 413, 429, 500, 504 …) into the
 * module's dialect: writes a body into `out` and its length to `*length`.
 * `content_type` is preset to "application/json; charset=utf-8" and may be replaced by a constant.
 * Returns KOINE_OK, or a negative code: the host then uses its own form. Must not call the host.
 */
typedef int32_t (*koine_render_failure)(void *self, const struct koine_failure *failure, char *out,
                                        size_t capacity, size_t *length, const char **content_type);

struct koine_route {
    uint32_t size;           /* sizeof(struct koine_route) */
    uint32_t authentication; /* KOINE_AUTH_… */
    uint32_t key_places;     /* KOINE_KEY_… flags; 0: Bearer */
    uint32_t deadline_ms;    /* whole request; 0: http.request_timeout_ms of the config */
    const char *method;      /* "POST"; GET also answers HEAD */
    const char *path;        /* "/v1/models/{model}": a name in braces takes one segment */
    const char *slot_class;  /* the slot that a run of this route takes; NULL: none */
    uint64_t max_body_bytes; /* 0: http.max_body_bytes; for a bodiless method nothing is read */
    koine_handler handler;
    koine_render_failure render_failure; /* NULL: the host's JSON errors */
    const char *failure_prefix; /* render_failure also serves 404 and 405 of paths that begin so;
                                   NULL: this path only */
    /* Since 1.1. Only requests that carry a header of this name ("anthropic-version"), whatever its
     * value, match the route, and only their 404 and 405 are rendered by it. So two modules can
     * share a path: one with a header goes before one without. NULL: all requests match. */
    const char *header;
    /* Since 1.1. The status of a refusal of a key that nobody knows: 401 where the dialect tells it
     * apart from what a key may not do, as most APIs do. 0: 403. */
    uint32_t wrong_key_status;
    uint32_t reserved; /* 0 */
};

/* Why a request ended. */
enum {
    KOINE_END_ANSWERED = 0,
    KOINE_END_CLIENT_LEFT = 1,
    KOINE_END_DEADLINE = 2,
    KOINE_END_SHUTDOWN = 3 /* the drain deadline has passed */
};

struct koine_stream_options {
    uint32_t size;                  /* sizeof(struct koine_stream_options) */
    uint32_t status;                /* 0: 200 */
    struct koine_text content_type; /* none: "text/event-stream"; that type also gets
                                       Cache-Control: no-cache and X-Accel-Buffering: no */
    struct koine_text keep_alive;   /* sent in silence; copied. None: ": keep-alive\n\n" for
                                       text/event-stream, nothing for other types */
    uint32_t keep_alive_ms;         /* 0: http.keep_alive_ms of the config */
    uint32_t reserved;
    /* Called when a stream that answered KOINE_FULL has room again. May be NULL. */
    void (*drained)(void *data, koine_request request);
    void *data;
};

struct koine_http {
    uint32_t size;
    uint32_t reserved;

    /*
     * Registers a route, at most 1,000 a module. Only in init. The struct is copied; what it points
     * to must be constant. The operator may have moved or disabled it: the module does not notice.
     * Of two routes that match a path the one with the first fixed segment answers. KOINE_EXISTS:
     * another module or the gateway itself has it, and this module is refused whatever init returns
     * (the log says why); or the module has it already. KOINE_INVALID: a bad path, method or slot
     * class; KOINE_WRONG_STATE; KOINE_UNSUPPORTED; KOINE_NO_MEMORY.
     */
    int32_t (*route)(const struct koine_host *host, const struct koine_route *route);

    /*
     * Accessors. Each fills `out` with text that lives until the request ends, and returns
     * KOINE_OK, KOINE_GONE, or KOINE_NOT_FOUND (`out` is then "none").
     *  method: "POST". path: decoded, as matched. query: raw, after '?'.
     *  param: the decoded segment for a name in braces of the route's path.
     *  header: the first header of that name, any case. Authorization, X-Api-Key, Cookie and
     *    Proxy-Authorization are withheld: KOINE_NOT_FOUND.
     *  body: the whole body. request_id: the value of X-Request-Id. peer: "127.0.0.1:4711".
     */
    int32_t (*method)(const struct koine_host *host, koine_request request, struct koine_text *out);
    int32_t (*path)(const struct koine_host *host, koine_request request, struct koine_text *out);
    int32_t (*query)(const struct koine_host *host, koine_request request, struct koine_text *out);
    int32_t (*param)(const struct koine_host *host, koine_request request, const char *name,
                     struct koine_text *out);
    int32_t (*header)(const struct koine_host *host, koine_request request, const char *name,
                      struct koine_text *out);
    int32_t (*body)(const struct koine_host *host, koine_request request, struct koine_text *out);
    int32_t (*request_id)(const struct koine_host *host, koine_request request,
                          struct koine_text *out);
    int32_t (*peer)(const struct koine_host *host, koine_request request, struct koine_text *out);

    /*
     * Zeroed memory that the host frees after the request's on_end callbacks and the END event of
     * its run, and never before the callback of a module that is running returns: a call that ends
     * the request does not take it away at once. Aligned for any type. NULL: the request has ended,
     * or memory is short.
     */
    void *(*alloc)(const struct koine_host *host, koine_request request, size_t bytes);

    /*
     * Has `callback(data, request, how)` called once when the request has ended (KOINE_END_…).
     * The request is already dead for every other call. Several may be set: called in the
     * reverse order. KOINE_OK, KOINE_GONE, KOINE_NO_MEMORY.
     */
    int32_t (*on_end)(const struct koine_host *host, koine_request request,
                      void (*callback)(void *data, koine_request request, int32_t how), void *data);

    /*
     * Adds a header to the coming answer. Names are tokens, values hold no control character and
     * at most 8,192 bytes; all of them together 64 KiB. KOINE_INVALID also for headers that are the
     * host's: Content-Length, Transfer-Encoding, Connection, Date, X-Request-Id, Content-Type
     * (which respond and stream_begin take). KOINE_WRONG_STATE: the head is out. KOINE_GONE,
     * KOINE_NO_MEMORY.
     */
    int32_t (*set_header)(const struct koine_host *host, koine_request request,
                          struct koine_text name, struct koine_text value);

    /*
     * Answers and ends the request. `content_type` none: "application/json; charset=utf-8".
     * The body is copied. Runs of the request are ended. KOINE_OK, KOINE_GONE (also when memory is
     * too short for an answer: the connection is then cut, which ends the request),
     * KOINE_WRONG_STATE (a stream has begun), KOINE_INVALID (status not 200 … 599).
     */
    int32_t (*respond)(const struct koine_host *host, koine_request request, int32_t status,
                       struct koine_text content_type, struct koine_text body);

    /*
     * Answers with a refusal in the form of the route (render_failure or the host's JSON) and ends
     * the request; another status than 400 … 599 counts as 500. Results as respond, and
     * KOINE_UNSUPPORTED.
     */
    int32_t (*fail)(const struct koine_host *host, koine_request request,
                    const struct koine_failure *failure);

    /*
     * Begins an answer of unknown length; the head goes out at once. KOINE_OK, KOINE_GONE,
     * KOINE_WRONG_STATE, KOINE_INVALID (status not 200 … 599, content type not one line),
     * KOINE_UNSUPPORTED, KOINE_NO_MEMORY.
     */
    int32_t (*stream_begin)(const struct koine_host *host, koine_request request,
                            const struct koine_stream_options *options);

    /*
     * Queues bytes (copied). KOINE_OK; KOINE_FULL: taken, but stop until `drained` (a run tied to
     * the stream is paused and resumed by the host; a writer that goes on nevertheless is cut, and
     * the request ended, at four times the sum of http.stream_buffer_bytes and its largest write);
     * KOINE_GONE; KOINE_WRONG_STATE.
     */
    int32_t (*stream_write)(const struct koine_host *host, koine_request request,
                            struct koine_text bytes);

    /* Ends the stream and the request once everything has left. KOINE_OK, KOINE_GONE,
     * KOINE_WRONG_STATE. */
    int32_t (*stream_end)(const struct koine_host *host, koine_request request);

    /* Moves the deadline to `deadline_ms` from now, never past the route's own. KOINE_OK,
     * KOINE_GONE, KOINE_NO_MEMORY. */
    int32_t (*set_deadline)(const struct koine_host *host, koine_request request,
                            uint32_t deadline_ms);
};

KOINE_PIN(koine_route, method, 16);
KOINE_PIN(koine_route, path, 24);
KOINE_PIN(koine_route, slot_class, 32);
KOINE_PIN(koine_route, max_body_bytes, 40);
KOINE_PIN(koine_route, handler, 48);
KOINE_PIN(koine_route, render_failure, 56);
KOINE_PIN(koine_route, failure_prefix, 64);
KOINE_PIN(koine_route, header, 72);
KOINE_PIN(koine_route, wrong_key_status, 80);
KOINE_PIN(koine_stream_options, content_type, 8);
KOINE_PIN(koine_stream_options, keep_alive, 24);
KOINE_PIN(koine_stream_options, keep_alive_ms, 40);
KOINE_PIN(koine_stream_options, drained, 48);
KOINE_PIN(koine_stream_options, data, 56);
KOINE_PIN(koine_http, route, 8);
KOINE_PIN(koine_http, method, 16);
KOINE_PIN(koine_http, path, 24);
KOINE_PIN(koine_http, query, 32);
KOINE_PIN(koine_http, param, 40);
KOINE_PIN(koine_http, header, 48);
KOINE_PIN(koine_http, body, 56);
KOINE_PIN(koine_http, request_id, 64);
KOINE_PIN(koine_http, peer, 72);
KOINE_PIN(koine_http, alloc, 80);
KOINE_PIN(koine_http, on_end, 88);
KOINE_PIN(koine_http, set_header, 96);
KOINE_PIN(koine_http, respond, 104);
KOINE_PIN(koine_http, fail, 112);
KOINE_PIN(koine_http, stream_begin, 120);
KOINE_PIN(koine_http, stream_write, 128);
KOINE_PIN(koine_http, stream_end, 136);
KOINE_PIN(koine_http, set_deadline, 144);

#ifdef __cplusplus
}
#endif
#endif
