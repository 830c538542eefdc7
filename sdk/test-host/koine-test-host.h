/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
/*
 * Tests a module of the Koine Gateway without gateway, network or CLI: loads the .so into a host of
 * its own, sends it requests, plays what the CLI would say, and reports what the module does wrong.
 * Everything happens inside the calls below, one after the other, in virtual time; a test reads
 * like a script and runs in milliseconds. For any test framework, or none; valid C++.
 *
 *     struct koine_test_error error;
 *     struct koine_test_host *host = koine_test_host_create(
 *         &(struct koine_test_options){.module = "./hello.so", .settings = "{\"greeting\":\"Hi\"}"},
 *         &error);                                      // NULL: error.message says why
 *     koine_test_play(host, "[{\"text\":\"Hel\"},{\"text\":\"lo\"}]");
 *     struct koine_test_answer *answer =
 *         koine_test_send(host, "POST", "/hello", "{\"name\":\"Ada\"}");
 *     assert(koine_test_status(answer) == 200);
 *     assert(strcmp(koine_test_string(answer, "greeting"), "Hi, Ada") == 0);
 *     assert(koine_test_host_destroy(host) == 0);       // the findings are on stderr
 *
 * Link with -lkoine-test-host -ljansson; put -lkoine-test-host-malloc between the two and the
 * module's own memory is watched too: allocations fail on demand, and what it leaves is found.
 *
 * A host and all that belongs to it is used by one thread, the one that made it: for the module
 * this is the loop thread. What a function returns lives as long as the host unless it says else;
 * what may still grow (a body, headers, pieces, the log, findings), until something happens again.
 */
/* clang-format on */
#ifndef KOINE_TEST_HOST_H
#define KOINE_TEST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct koine_test_host;
struct koine_test_answer;

struct koine_test_error {
    char message[1024];
};

/* ---- the host */

/* A key that clients may send. Lists end with NULL; a list that is NULL allows everything. */
struct koine_test_key {
    const char *name;
    const char *secret;
    /* Paths that it may use; one that ends in a star stands for all that begin so. */
    const char *const *routes;
    const char *const *profiles;   /* of the CLI */
    const char *const *allowed;    /* tool rules */
    const char *const *disallowed; /* tool rules; NULL: none */
};

/* The key that there is when the options name none. */
#define KOINE_TEST_KEY_NAME "test"
#define KOINE_TEST_KEY "koine-test-key"

/* Which call into the module runs. In memory that is shared with the process that has started the
 * test it tells what a test has died of. */
struct koine_test_place {
    char call[160];          /* "" while none does */
    volatile unsigned calls; /* so far */
    volatile bool forked;    /* a child of the module's came back to the host, and was ended */
};

/* Zero is always the gateway's own default. */
struct koine_test_options {
    const char *module;   /* path of the .so */
    const char *settings; /* the module's section of the config, a JSON object */
    const struct koine_test_key *keys;
    size_t key_count;
    /* Routes of other modules, ended by NULL: "POST /hello", "GET /models (with api-version)". */
    const char *const *taken;
    const char *const *profiles; /* of the config besides "full" and "bare"; ends with NULL */
    const char *const *profiles_without_key; /* those that runner->check_profile refuses because
                                                the credentials are missing; ends with NULL */
    uint32_t request_timeout_ms;             /* 600,000 */
    uint32_t keep_alive_ms;                  /* 15,000 */
    uint32_t drain_timeout_ms;               /* 30,000 */
    uint32_t parked_timeout_ms;              /* 300,000 */
    uint32_t parked_runs;                    /* 16 */
    uint32_t slots;                          /* of each of the gateway's own classes; 10 */
    uint64_t max_body_bytes;                 /* 10 MiB */
    uint64_t stream_buffer_bytes;            /* 256 KiB */
    /* In real time: how long a call of the module may hold the loop (100), and how long to wait for
     * its threads and file descriptors before virtual time passes them (2,000). */
    uint32_t slow_call_ms;
    uint32_t thread_wait_ms;
    /* Libraries whose own allocations do not fail and are not watched, by the beginning of their
     * file's name ("libcurl.so"), ended by NULL. The loader, libcrypto and libssl always count
     * among them. (What a library keeps for the life of the process is never taken for a leak.) */
    const char *const *lasting_libraries;
    struct koine_test_place *place; /* noted there, if given */
    FILE *trace;                    /* each call into the module and into the host, a line each */
};

/*
 * Loads, creates, initialises and starts the module as the gateway does. NULL with the reason when
 * the gateway would refuse it; the module's destroy has then been called as in the gateway.
 */
struct koine_test_host *koine_test_host_create(const struct koine_test_options *options,
                                               struct koine_test_error *error);

/*
 * Shuts the module down: quiesce, what is open may finish in virtual time until the drain timeout,
 * last posts, destroy. Done by destroy too; of use when a test looks at the findings itself.
 */
void koine_test_stop(struct koine_test_host *host);

/* Stops, prints the findings that no koine_test_expect has taken to stderr, frees the host.
 * Returns how many they are. NULL: 0. */
size_t koine_test_host_destroy(struct koine_test_host *host);

/* ---- requests */

struct koine_test_request {
    const char *method; /* NULL: "GET" */
    const char *path;   /* with the query, as a client sends it */
    const char *body;   /* NULL: none */
    size_t body_size;   /* 0: strlen(body) */
    const char *key; /* a secret, as Authorization: Bearer; NULL: that of the first key; "": none */
    const char *const *headers; /* "Name: value" …, NULL */
    const char *peer;           /* NULL: "127.0.0.1:4711" */
    /* The client reads so much of a stream and then stops, until koine_test_client_reads. 0: it
     * reads everything. */
    size_t stops_reading_after;
};

/*
 * A request, and everything until its answer is complete: events of its run, posts of threads,
 * timers in virtual time, at last the request's deadline.
 */
struct koine_test_answer *koine_test_send(struct koine_test_host *host, const char *method,
                                          const char *path, const char *body);

/* A request, and only what happens at once: the answer may still be open. */
struct koine_test_answer *koine_test_request(struct koine_test_host *host,
                                             const struct koine_test_request *request);

/* Goes on as koine_test_send does, until the answer is complete. */
void koine_test_await(struct koine_test_answer *answer);
/* Lets virtual time pass; all that is due in it happens. */
void koine_test_advance_ms(struct koine_test_host *host, uint64_t ms);
/* Virtual time since the host was made. */
uint64_t koine_test_now_ms(const struct koine_test_host *host);
/* Waits in real time until `count` posts of the module's threads have been run, counted from the
 * last such call. False: `timeout_ms` was over before. */
bool koine_test_await_posts(struct koine_test_host *host, size_t count, uint32_t timeout_ms);

void koine_test_client_leaves(struct koine_test_answer *answer);
/* A client that had stopped reading reads on, to the end. */
void koine_test_client_reads(struct koine_test_answer *answer);

/* ---- answers */

enum {
    KOINE_TEST_OPEN = -1, /* otherwise KOINE_END_… of koine/http.h */
};

bool koine_test_is_complete(const struct koine_test_answer *answer);
int koine_test_how(const struct koine_test_answer *answer);    /* KOINE_TEST_OPEN, KOINE_END_… */
int koine_test_status(const struct koine_test_answer *answer); /* 0: no head yet */
/* The first header of this name, any case; NULL: none. */
const char *koine_test_header(const struct koine_test_answer *answer, const char *name);
/* All headers, each with "\r\n". */
const char *koine_test_headers(const struct koine_test_answer *answer);
/* The body that the client has read so far, terminated. */
const char *koine_test_body(const struct koine_test_answer *answer);
size_t koine_test_body_size(const struct koine_test_answer *answer);

/* A member of a JSON body: "user.names.0". NULL, 0, false when it is missing or of another type;
 * koine_test_json is the member as compact JSON ("" for the whole body), NULL when it is missing.
 */
const char *koine_test_string(struct koine_test_answer *answer, const char *path);
long long koine_test_integer(struct koine_test_answer *answer, const char *path);
double koine_test_number(struct koine_test_answer *answer, const char *path);
bool koine_test_boolean(struct koine_test_answer *answer, const char *path);
const char *koine_test_json(struct koine_test_answer *answer, const char *path);

/* The writes of a stream, in order; keep-alives too. Sent by the module, read or not. */
struct koine_test_piece {
    const char *data; /* terminated */
    size_t size;
    uint64_t at_ms; /* of koine_test_now_ms */
    bool is_keep_alive;
};
size_t koine_test_piece_count(const struct koine_test_answer *answer);
const struct koine_test_piece *koine_test_piece(const struct koine_test_answer *answer,
                                                size_t index);

/* A body of server-sent events, taken apart. The event's name is "message" when it has none. An
 * event lives until the next call about the events of its answer. */
struct koine_test_event {
    const char *name;
    const char *data; /* lines joined with "\n" */
};
size_t koine_test_event_count(struct koine_test_answer *answer);
const struct koine_test_event *koine_test_event(struct koine_test_answer *answer, size_t index);
/* A copy of the data of the n-th event of this name, from 0; NULL: there are fewer. */
const char *koine_test_event_data(struct koine_test_answer *answer, const char *name, size_t n);

/* ---- runs of the CLI */

/* clang-format off */
/*
 * The script for the next run that has none yet: a JSON array of steps, each an object.
 *
 *   {"text":"Hel"}  {"thinking":"…"}
 *   {"object":"{\"a\":"}       a piece of the object's JSON, or {"object":{"a":1}}: the whole
 *   {"object_begin":true}      it begins anew
 *   {"tool":{"name":"Bash","input":{…},"output":…,"is_error":false}}
 *                              the CLI's own tool, all phases
 *   {"tool_call":{"name":"add","input":{…},"expect":"3","id":"toolu_1"}}
 *                              the model uses a tool of the module's; the next step comes after its
 *                              result; "expect" (a text, or an array of content blocks) is compared
 *                              with it. {"tool_calls":[{…},{…}]}: several in one message; as many
 *                              of them are open at a time as are not KOINE_TOOL_ALONE in a row
 *   {"message":{"stop_reason":"tool_use","model":"…","tool_uses":1,"input_tokens":…,…}}
 *                              the message is over
 *
 * Where the module asked for blocks (KOINE_RUN_WANT_BLOCKS) messages and blocks begin and end by
 * themselves, as the CLI tells them: [{"text":"Hi"}] is MESSAGE_BEGIN, BLOCK_BEGIN, TEXT,
 * BLOCK_END, MESSAGE, and a use of a tool is a block. A script that says more of them:
 *
 *   {"message_begin":{"model":"…","input_tokens":…,…}}
 *   {"block":{"type":"thinking","thinking":"…","signature":"…"}}
 *   {"block":{"type":"tool_use","id":"toolu_1","name":"mcp__MODULE__add","input":{…}}}
 *   {"block":{"type":"redacted_thinking","data":"…"}}
 *                              one block, of any type. In place of a text, a signature, an input an
 *                              array of strings: its pieces. "open":true: it is not ended, until
 *                              the next step that tells another. A tool_call with the id of such a
 *                              block is told as that one
 *   {"whole_message":[{"type":"text","text":"…"},…]}
 *                              its blocks, without MESSAGE_BEGIN and MESSAGE
 *
 *   {"retry":{"attempt":1,"max_retries":10,"error_status":529,"delay_ms":500}}
 *   {"pause_ms":500}           virtual time passes
 *   {"refuse":{"status":429,"code":"…","message":"…"}}
 *                              alone: runner->start refuses
 *
 * and at the end one of these; without one a result follows that holds the text or object:
 *
 *   {"result":{"text":…,"object":…,"model":…,"stop_reason":…,"num_turns":…,"cost_usd":…,
 *              "permission_denials":[…],"input_tokens":…,"output_tokens":…}}
 *   {"failure":{"status":…,"code":…,"message":…,"issues":[…],"retry_after_s":…,
 *               "upstream_status":529}}
 *   {"crash":{"exit_code":1}}  {"crash":{"signal":9}}  {"hang":true}
 *
 * A script that cannot be read is a finding.
 */
/* clang-format on */
void koine_test_play(struct koine_test_host *host, const char *script);
/* … for every run that has none of its own. NULL: as at first, the run answers its own prompt as
 * text, or {"echo":PROMPT} where the module asked for an object. One that counts tokens
 * (KOINE_RUN_COUNT_TOKENS) finds one for four bytes of prompt, history and system prompt. */
void koine_test_play_always(struct koine_test_host *host, const char *script);

size_t koine_test_run_count(const struct koine_test_host *host);
/*
 * What the module asked for, by name of the member of struct koine_run_options ("prompt", "system",
 * "schema", "session_id", "flags", "tools.0.name" …) or: "policy" (the tool policy in effect),
 * "key", "new_session_id", "tool_results.0.text", "end.reason", "end.exit_code", "refused" (a
 * code). Text as it is, all else as JSON; NULL when it was not given.
 */
const char *koine_test_run_option(struct koine_test_host *host, size_t run, const char *path);

/* A session of the key (NULL: the first) that runs may continue, as an earlier answer gave it. */
const char *koine_test_session(struct koine_test_host *host, const char *key_name);

/*
 * Uses a tool that the module offers to every run (koine.tools/1), as the model does in some run,
 * and waits for its result: text, or content blocks as JSON; `*is_error` (may be NULL) is whether
 * the tool says that it failed. `input`: a JSON object; NULL: {}. NULL: there is no such tool, or
 * it has not answered within the request timeout; both are findings.
 */
const char *koine_test_call_tool(struct koine_test_host *host, const char *name, const char *input,
                                 bool *is_error);

/* ---- memory */

/*
 * The n-th allocation from here on fails, counted from 1: the host's for the module (http->alloc,
 * timers, copies …), and, with libkoine-test-host-malloc, the module's own and those of libraries
 * that it calls; but for jansson's parser, which does not survive it. 0: none fails any more.
 * Returns whether the last one asked for has failed.
 */
bool koine_test_fail_allocation(struct koine_test_host *host, long n);

/* Whether the module's own memory is watched: the library is linked, and no sanitizer and no tool
 * such as valgrind holds malloc. */
bool koine_test_watches_memory(void);

/*
 * Runs the scenario again and again: in round n the n-th allocation after the load of the module
 * fails, until none does. A module that refuses to start in a round is in order. Returns the number
 * of findings, each printed to stderr with its round; `rounds` (may be NULL) is how many there
 * were.
 */
size_t koine_test_each_allocation(const struct koine_test_options *options,
                                  void (*scenario)(struct koine_test_host *host, void *data),
                                  void *data, size_t *rounds);

/* ---- what the module said */

/* All lines of its log: "warning: text\n" …; those of the host about the module too. */
const char *koine_test_log(struct koine_test_host *host);
/* Whether a line holds the text. */
bool koine_test_logged(struct koine_test_host *host, const char *text);
/* A series by its full name, "koine_hello_greetings_total" or "…_total{kind=\"a\"}". False: none.
 */
bool koine_test_metric(struct koine_test_host *host, const char *series, double *value);
/* "GET /hello", "GET /models (with api-version)", in the order of the router; NULL behind the last.
 */
const char *koine_test_route(struct koine_test_host *host, size_t index);
const char *koine_test_openapi(struct koine_test_host *host);       /* its fragment, or NULL */
const char *koine_test_config_schema(struct koine_test_host *host); /* its schema, or NULL */
const char *koine_test_module_name(const struct koine_test_host *host);

/* ---- findings */

/*
 * What the module did wrong. The kinds:
 *   not-answered      a request was left to its deadline or to the end of the drain
 *   stream-not-ended  the same for a stream
 *   answered-twice    respond, fail or stream_… after the module itself had ended the request
 *   wrong-thread      a call from a thread that may not make it
 *   wrong-state       a call at the wrong moment: see the lifecycle table in koine/module.h
 *   made-up-handle    a handle that this host never gave out
 *   invalid-argument  an argument that answers KOINE_INVALID
 *   struct-size       a struct whose size is missing, wrong or too new
 *   route-conflict    a route that the gateway, another module or the module itself has
 *   slow-call         a call that held the loop
 *   timer-left, watch-left   still running after quiesce
 *   thread-left       a thread of the module's that still runs after destroy
 *   memory-left       allocated by the module and not freed after destroy
 *   never-rests       callbacks that call for each other without end
 *   script            a script that cannot be read, or what it expects did not happen
 */
struct koine_test_finding {
    const char *kind;
    const char *text; /* one sentence */
    size_t count;     /* how often */
};
size_t koine_test_finding_count(const struct koine_test_host *host); /* untaken ones */
const struct koine_test_finding *koine_test_finding(const struct koine_test_host *host,
                                                    size_t index);
/* Takes a finding out whose kind or text holds this. False: there is none. */
bool koine_test_expect(struct koine_test_host *host, const char *part);
void koine_test_report(const struct koine_test_host *host, FILE *out);

#ifdef __cplusplus
}
#endif
#endif
