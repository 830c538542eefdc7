/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gateway process for a test: its own directories, its own port, its log kept for assertions.
 * Failures abort the running Check test. Knows nothing of HTTP beyond the port.
 */
#ifndef SUPPORT_GATEWAY_H
#define SUPPORT_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define GATEWAY_KEY "test-key-0123456789abcdef"

struct gateway_options {
    const char *config;             /* YAML text; NULL: no file */
    const char *const *environment; /* "NAME=value" on top of the defaults, NULL-terminated */
    const char *const *arguments;   /* further command line arguments, NULL-terminated */
    const char *cli;                /* found as `claude` on PATH; NULL: the stand-in CLI */
    bool no_pool; /* each request starts a process of its own, which ends with it */
    bool no_key;  /* leave CLAUDE_CODE_GATEWAY_API_KEY out */
    bool crashes; /* the test makes workers crash */
};

/*
 * Starts build/koine-gateway (or $KOINE_GATEWAY; under valgrind with KOINE_VALGRIND=1) with
 * `--listen 127.0.0.1:0` and waits until it serves. `options` may be NULL.
 */
struct gateway *gateway_start(const struct gateway_options *options);

/* SIGTERM; asserts that the gateway ends with 0, and that no worker has crashed but for
 * `crashes`; removes its directories. Takes NULL. */
void gateway_stop(struct gateway *gateway);

/* As gateway_stop in two steps: the signal, then the wait that asserts. */
void gateway_terminate(struct gateway *gateway);
void gateway_join(struct gateway *gateway);
/* The same; gives the whole log, which the caller frees. */
char *gateway_join_log(struct gateway *gateway);
/* Waits, frees, removes; returns the exit status, -1 when a signal ended the gateway. */
int gateway_join_status(struct gateway *gateway);

/* The worker: the process that serves and has the CLIs as children. Another one after a crash. */
pid_t gateway_pid(const struct gateway *gateway);
/* The process that was started, the leader of a group of its own. */
pid_t gateway_supervisor_pid(const struct gateway *gateway);
uint16_t gateway_port(const struct gateway *gateway);
const char *gateway_url(const struct gateway *gateway); /* "http://127.0.0.1:PORT" */

/* TEMP, with `home`, `state`, `work` (the working directory) and `bin` in it. */
const char *gateway_directory(const struct gateway *gateway);
/* TEMP/`name`; the caller frees. */
char *gateway_path(const struct gateway *gateway, const char *name);

/* What was logged so far; the caller frees. */
char *gateway_log(struct gateway *gateway);
bool gateway_log_has(struct gateway *gateway, const char *text);
/* Waits until the log holds the text; aborts the test after ten seconds. */
void gateway_await_log(struct gateway *gateway, const char *text);

/* Resident bytes of the worker, from /proc. */
uint64_t gateway_resident_bytes(const struct gateway *gateway);

/* The binaries under test, absolute. The caller frees. */
char *gateway_binary(void);
char *gateway_standin_cli(void);

#endif
