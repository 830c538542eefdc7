/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gateways with the real CLI of given versions, which talks to a stand-in of the Messages API, and
 * what that API received. Fetches nothing itself: tests/support/fetch-claude does.
 */
#ifndef SUPPORT_REAL_CLI_H
#define SUPPORT_REAL_CLI_H

#include "support/http_client.h"

#include <check.h>

enum { REAL_CLI_VERSIONS = 2 };

/*
 * The main function of a Check program whose tests run once a version, `_i` being its index. Where
 * a CLI cannot be fetched it prints SKIPPED with the reason and returns success, but failure when
 * CI=true.
 */
int real_cli_main(const char *name, void (*teardown)(void), const TTest *const *tests,
                  size_t count);

/* A gateway and its API. `config` may be NULL: then each request has a process of its own;
 * `environment` as in gateway_options, or NULL. */
struct real_cli *real_cli_start(int version, const char *config, const char *const *environment);
void real_cli_stop(struct real_cli *cli); /* takes NULL */
struct gateway *real_cli_gateway(const struct real_cli *cli);

/*
 * POST /generate-text with the prompt "TEXT\napi: SCRIPT" (the script steers the API; NULL: none)
 * and the members of `fields` (NULL: none). Both are JSON with ' for ".
 */
struct http_response real_cli_ask(const struct real_cli *cli, const char *text, const char *script,
                                  const char *fields);
json_t *real_cli_body(const char *text, const char *script, const char *fields);

/* The same, asserts 200 and gives the answer's text; the caller frees. */
char *real_cli_text(const struct real_cli *cli, const char *text, const char *script,
                    const char *fields);

/* How many requests the API received; the body of the newest (new reference). */
size_t real_cli_request_count(const struct real_cli *cli);
json_t *real_cli_request(const struct real_cli *cli);

/* A number that the gateway's /health tells, by path: "pool.starts". */
json_int_t real_cli_count(const struct real_cli *cli, const char *path);

/* A member of a request as JSON text, "" when it is not there; the caller frees. */
char *real_cli_member(const json_t *request, const char *name);
/* True when the request offers the model that tool. */
bool real_cli_offers(const json_t *request, const char *tool);

#endif
