/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person reads whose request is refused: the sentence names what was wrong, where, and who
 * mends it how. No sentence holds a key, a path of the machine, or what the CLI has written. Codes
 * and statuses have tests of their own, each where the feature is.
 */
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

static struct gateway *gateway;

static void start(const struct gateway_options *options) {
    gateway = gateway_start(options);
}

static void teardown(void) {
    gateway_stop(gateway);
    gateway = NULL;
}

static void assert_sentence(struct http_response *answer, long status, const char *code,
                            const char *sentence) {
    http_assert_error(answer, status, code);
    ck_assert_str_eq(http_string(answer, "error"), sentence);
    ck_assert_msg(!strstr(answer->body, gateway_directory(gateway)), "a path shows: %s",
                  answer->body);
    ck_assert_msg(!strstr(answer->body, GATEWAY_KEY), "the key shows: %s", answer->body);
    http_response_finish(answer);
}

static struct http_response ask(const char *method, const char *path, const char *key,
                                const char *body) {
    return http_send(
        gateway, &(struct http_request){.method = method, .path = path, .key = key, .body = body});
}

/* ---- the path and the method */

#define PATHS " /openapi.yaml lists every path, /docs shows them unless it is turned off."

START_TEST(a_path_that_nobody_serves)
{
    static const struct {
        const char *path, *sentence;
    } cases[] = {
        {"/generate-txt", "Nothing is served at /generate-txt; did you mean /generate-text?" PATHS},
        {"/stream-object/",
         "Nothing is served at /stream-object/; did you mean /stream-object?" PATHS},
        {"/healthz", "Nothing is served at /healthz; did you mean /health?" PATHS},
        {"/far/away/from/all", "Nothing is served at /far/away/from/all:" PATHS},
        {"/%22%0a?q=1", "Nothing is served at /%22%0a:" PATHS},
    };
    start(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_response answer = ask("POST", cases[i].path, NULL, "{}");
        assert_sentence(&answer, 404, "NOT_FOUND", cases[i].sentence);
    }
}
END_TEST

START_TEST(a_long_path_is_shortened)
{
    char path[1024] = "/";
    memset(path + 1, 'x', sizeof path - 2);
    start(NULL);
    struct http_response answer = ask("GET", path, NULL, NULL);
    char *sentence = scratch_text("Nothing is served at %.100s…:" PATHS, path);
    assert_sentence(&answer, 404, "NOT_FOUND", sentence);
    free(sentence);
}
END_TEST

START_TEST(a_method_that_the_path_does_not_take)
{
    start(NULL);
    struct http_response answer = ask("PUT", "/generate-text", NULL, "{}");
    assert_sentence(&answer, 405, "METHOD_NOT_ALLOWED",
                    "PUT is not served at /generate-text, only POST.");
    answer = ask("POST", "/health", NULL, "{}");
    assert_sentence(&answer, 405, "METHOD_NOT_ALLOWED",
                    "POST is not served at /health, only GET, HEAD.");
}
END_TEST

/* ---- keys */

START_TEST(no_key_and_a_wrong_one)
{
    start(NULL);
    struct http_response answer = ask("POST", "/generate-text", "", "{}");
    assert_sentence(&answer, 401, "UNAUTHORIZED",
                    "A key is needed: send the header \"Authorization: Bearer KEY\"; KEY is the "
                    "value of CLAUDE_CODE_GATEWAY_API_KEY where the gateway runs, or another key "
                    "of its configuration.");
    answer = ask("POST", "/generate-text", "sk-ant-of-somebody", "{}");
    assert_sentence(&answer, 403, "AUTH_ERROR",
                    "This key is not known here: compare it, to the last character, with "
                    "CLAUDE_CODE_GATEWAY_API_KEY where the gateway runs, or with the keys of its "
                    "configuration. A key of Anthropic's is not meant.");
}
END_TEST

/* ---- sizes */

START_TEST(what_is_too_large_names_its_limit)
{
    start(&(struct gateway_options){.config =
                                        "http: {max_body_bytes: 1KiB, max_head_bytes: 2KiB}\n"});
    char body[2000], header[4000] = "X-Long: ";
    memset(body, ' ', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    memset(header + 8, 'x', sizeof header - 9);
    struct http_response answer = ask("POST", "/generate-text", NULL, body);
    assert_sentence(&answer, 413, "PAYLOAD_TOO_LARGE",
                    "The body of the request is larger than the 1024 bytes that this route "
                    "accepts: send less, or have http.max_body_bytes in the gateway's "
                    "configuration raised.");
    const char *const headers[] = {header, NULL};
    answer = http_send(gateway, &(struct http_request){
                                    .path = "/generate-text", .headers = headers, .body = "{}"});
    assert_sentence(&answer, 431, "HEADERS_TOO_LARGE",
                    "The head of the request, its line and all its headers, is larger than 2048 "
                    "bytes: send less, or have http.max_head_bytes in the gateway's configuration "
                    "raised.");
}
END_TEST

/* ---- the set-up's fault */

/* Whatever the version of the CLI calls it. */
START_TEST(a_cli_without_credentials)
{
    static const char *const scenarios[] = {
        "{'is_error':{'text':'bad sk-secret','api_error_status':401}}",
        "{'is_error':{'text':'API Error: 401 {}'}}",
        "{'is_error':{'text':'Invalid API key \\u00b7 Fix external API key'}}",
        "{'is_error':{'text':'Not logged in \\u00b7 Please run /login'}}",
    };
    start(NULL);
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        struct http_response answer = generate(gateway, scenarios[i], NULL);
        assert_sentence(&answer, 502, "UPSTREAM_ERROR",
                        "The CLI has no credentials that the model's API accepts: run `claude` "
                        "once as the user of the gateway and log in, or set ANTHROPIC_API_KEY (or "
                        "CLAUDE_CODE_OAUTH_TOKEN, which `claude setup-token` makes) in the "
                        "gateway's environment and start it again.");
    }
    gateway_await_log(gateway, "The CLI has no credentials that the model's API accepts");
    ck_assert(!gateway_log_has(gateway, "sk-secret"));
}
END_TEST

/* Why it is not found, and where, is for the log. */
START_TEST(a_cli_that_is_not_there)
{
    start(&(struct gateway_options){.config = "runner: {command: /nowhere/claude}\n"});
    struct http_response answer = generate(gateway, "{}", NULL);
    assert_sentence(&answer, 500, "SPAWN_ERROR",
                    "The CLI was not found: install Claude Code (npm install -g "
                    "@anthropic-ai/claude-code), or set runner.command.");
    gateway_await_log(gateway, "the CLI (/nowhere/claude) cannot be started: No such file");
    answer = http_get(gateway, "/health");
    http_assert_status(&answer, 503);
    ck_assert_ptr_nonnull(strstr(http_string(&answer, "error"), "or set runner.command"));
    http_response_finish(&answer);
}
END_TEST

/* ---- the run */

START_TEST(a_run_that_fails_says_what_to_do)
{
    static const struct {
        const char *scenario, *fields;
        long status;
        const char *code, *sentence;
    } cases[] = {
        {"{'subtype':'error_max_turns'}", "{'maxTurns':1}", 422, "LIMIT_REACHED",
         "The run used up its maxTurns before it was done: raise it, or ask for less."},
        {"{'subtype':'error_during_execution'}", NULL, 500, "CLI_EXIT_ERROR",
         "The CLI failed while it worked on this request: send it again; if this goes on, run the "
         "CLI by hand to see why."},
        {"{'exit':{'code':3,'when':'after_init','stderr':'sk-secret'}}", NULL, 500,
         "CLI_EXIT_ERROR",
         "The CLI ended with exit status 3 before it gave a result. Send the request again; if "
         "this goes on, run the CLI by hand to see why."},
        {"{'text':'half','signal':{'number':9,'when':'mid_text'}}", NULL, 500, "CLI_EXIT_ERROR",
         "The CLI was ended by signal 9 before it gave a result. Most likely the machine was out "
         "of memory: its kernel's log says so then (dmesg)."},
        {"{}", "{'allowedTools':[]}", 400, "NO_TOOLS_AVAILABLE",
         "None of the requested tools may be used here: the policy of this gateway and of this "
         "key leaves nothing of allowedTools. Ask for other tools; \"disallowedTools\": [\"*\"] "
         "asks for an answer without any."},
        {"{}", "{'profile':'none'}", 400, "VALIDATION_ERROR",
         "profile: is no profile of this gateway's configuration: its operator defines them under "
         "\"profiles\""},
    };
    start(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_response answer = generate(gateway, cases[i].scenario, cases[i].fields);
        assert_sentence(&answer, cases[i].status, cases[i].code, cases[i].sentence);
    }
}
END_TEST

START_TEST(a_session_of_nobody)
{
    start(&(struct gateway_options){.config = "sessions: {accept_foreign: false}\n"});
    struct http_response answer =
        generate(gateway, "{}", "{'sessionId':'01234567-89ab-4cde-8f01-23456789abcd'}");
    assert_sentence(&answer, 404, "SESSION_NOT_FOUND",
                    "There is no session with this sessionId for this key: it was begun with "
                    "another key, or is no longer kept. Leave sessionId out to begin a new one.");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_path_that_nobody_serves,
        a_long_path_is_shortened,
        a_method_that_the_path_does_not_take,
        no_key_and_a_wrong_one,
        what_is_too_large_names_its_limit,
        a_cli_without_credentials,
        a_cli_that_is_not_there,
        a_run_that_fails_says_what_to_do,
        a_session_of_nobody,
    };
    return test_main("refusals", NULL, teardown, tests, sizeof(tests) / sizeof(*tests));
}
