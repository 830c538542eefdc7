/* SPDX-License-Identifier: Apache-2.0 */
/* What a `result` line means for the client: an answer, or which of the contract's failures. */
#include "http/refusal_words.h"
#include "runner/run.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { UPSTREAM_RETRY_AFTER_S = 5 };

static bool is(struct koine_text text, const char *want) {
    return text.size == strlen(want) && memcmp(text.data, want, text.size) == 0;
}

static bool holds(struct koine_text text, const char *part) {
    return text.size && memmem(text.data, text.size, part, strlen(part));
}

void run_succeed(struct run *run, const struct koine_run_result *result) {
    struct koine_run_event event = {.type = KOINE_RUN_RESULT, .result = result};
    if (run->concluded)
        return;
    run->concluded = true;
    run_emit(run, &event);
}

/*
 * A process counts on from turn to turn, so the difference is exact. One that goes on with a
 * session of another process may do so too, depending on its version.
 */
static double own_cost(const struct run *run, double total) {
    if (total > run->earlier_cost_usd)
        return total - run->earlier_cost_usd;
    return run->cost_is_sum ? 0 : total;
}

static void answer(struct run *run, const struct cli_result *from) {
    struct koine_run_result result = {
        .size = sizeof(result),
        .num_turns = from->num_turns,
        .text = from->text.data ? from->text : KOINE_TEXT(""),
        .object = from->object,
        .session_id = {run->session_id, strlen(run->session_id)},
        .model = from->model,
        .stop_reason = from->stop_reason,
        .permission_denials = from->permission_denials,
        .usage = from->usage,
        .cost_usd = own_cost(run, from->total_cost_usd),
        .duration_ms = worker_now_ms() - run->started_ms,
    };
    run_succeed(run, &result);
}

/* The answer that maxTokens has cut: what was said until then. */
static void answer_cut(struct run *run, const struct cli_result *from) {
    struct koine_run_result result = {
        .size = sizeof(result),
        .num_turns = from && from->num_turns ? from->num_turns : 1,
        .text = {run->text_size ? run->text : "", run->text_size},
        .session_id = {run->session_id, strlen(run->session_id)},
        .stop_reason = KOINE_TEXT("max_tokens"),
        .permission_denials = KOINE_TEXT("[]"),
        .usage = run->limit_usage,
        .cost_usd = from ? own_cost(run, from->total_cost_usd) : 0,
        .duration_ms = worker_now_ms() - run->started_ms,
    };
    if (run->limit_model)
        result.model = (struct koine_text){run->limit_model, strlen(run->limit_model)};
    if (run->wants_object)
        run_fail(
            run, 500, "PARSE_ERROR",
            "The answer was cut by maxTokens before the object was complete: raise maxTokens, or "
            "ask for less.");
    else
        run_succeed(run, &result);
}

static bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

/* Of 2.1.197, which gives the API's status in its text alone: "API Error: Repeated 529 …". 0: none
 * where it would stand; a number further on may be anything. */
static uint32_t status_in(struct koine_text text) {
    static const char mark[] = "API Error:";
    const char *at = text.size ? memmem(text.data, text.size, mark, sizeof(mark) - 1) : NULL;
    char rest[32] = ""; /* terminated, and a zero byte ends every loop */
    if (!at)
        return 0;
    at += sizeof(mark) - 1;
    size_t size = (size_t)(text.data + text.size - at);
    memcpy(rest, at, size < sizeof(rest) - 1 ? size : sizeof(rest) - 1);
    at = rest + strspn(rest, " ");
    while (isalpha((unsigned char)*at)) /* one word */
        at++;
    at += strspn(at, " ");
    if (!is_digit(at[0]) || !is_digit(at[1]) || !is_digit(at[2]) || isalnum((unsigned char)at[3]))
        return 0;
    uint32_t status = (uint32_t)((at[0] - '0') * 100 + (at[1] - '0') * 10 + (at[2] - '0'));
    return status >= 400 && status <= 599 ? status : 0;
}

/* Its own words are of a login in a terminal, which whoever sent the request does not see. */
static bool lacks_credentials(struct koine_text text, uint32_t status) {
    return status == 401 || holds(text, "Please run /login") || holds(text, "Not logged in") ||
           holds(text, "Invalid API key");
}

#define NO_CREDENTIALS                                                                             \
    "The CLI has no credentials that the model's API accepts: run `claude` once as the user of "   \
    "the gateway and log in, or set ANTHROPIC_API_KEY (or CLAUDE_CODE_OAUTH_TOKEN, which `claude " \
    "setup-token` makes) in the gateway's environment and start it again."

/* The API's own words help whoever reads them; none that look like a credential are passed on. */
static void fail_upstream(struct run *run, const struct cli_result *result) {
    char message[400], status[32] = "";
    struct koine_failure failure = {0};
    struct koine_text text = result->text;
    uint32_t upstream = result->api_error_status ? result->api_error_status : status_in(text);
    if (result->api_error_status)
        snprintf(status, sizeof(status), " with status %u", result->api_error_status);
    if (!text.size || holds(text, "sk-") || holds(text, "oken ") || holds(text, "earer "))
        text = KOINE_TEXT("no details");
    size_t size = text.size < 300 ? text.size : 300;
    while (size && size < text.size && ((unsigned char)text.data[size] & 0xc0) == 0x80)
        size--; /* not within a character */
    snprintf(message, sizeof(message), "The model's API failed%s: %.*s", status, (int)size,
             text.data);
    failure_set(&failure, 502, "UPSTREAM_ERROR",
                lacks_credentials(result->text, upstream) ? NO_CREDENTIALS : message);
    failure.upstream_status = upstream;
    if (upstream == 429 || upstream == 529) /* too many requests; overloaded */
        failure.retry_after_s = UPSTREAM_RETRY_AFTER_S;
    run_fail_as(run, &failure);
}

/* A process that does not know its session is of no further use. */
static bool is_lost(const struct cli_result *result) {
    return holds(result->errors, "No conversation found") ||
           holds(result->text, "No conversation found");
}

static void fail(struct run *run, const struct cli_result *result) {
    if (is(result->subtype, "error_max_turns"))
        run_fail(run, 422, "LIMIT_REACHED",
                 "The run used up its maxTurns before it was done: raise it, or ask for less.");
    else if (is(result->subtype, "error_max_budget_usd"))
        run_fail(run, 422, "LIMIT_REACHED",
                 "The run used up its maxBudgetUsd before it was done: raise it, or ask for less.");
    else if (is(result->subtype, "error_max_structured_output_retries"))
        run_fail(run, 500, "PARSE_ERROR", "The model found" REFUSAL_NO_OBJECT);
    else if (is_lost(result))
        run_fail(run, 404, "SESSION_NOT_FOUND", REFUSAL_NO_SESSION);
    else if (is(result->subtype, "success"))
        fail_upstream(run, result);
    else
        run_fail(run, 500, "CLI_EXIT_ERROR",
                 "The CLI failed while it worked on this request: send it again; if this goes on, "
                 "run the CLI by hand to see why.");
}

static void deliver(struct run *run, const struct cli_result *result) {
    if (run->limit_hit)
        answer_cut(run, result);
    else if (result->is_error || !is(result->subtype, "success"))
        fail(run, result);
    else if (run->wants_object && !result->object.size)
        run_fail(run, 500, "PARSE_ERROR", "The model gave" REFUSAL_NO_OBJECT);
    else
        answer(run, result);
}

void run_on_result(void *data, const struct cli_result *result) {
    struct run *run = data;
    bool may_stay = !is_lost(result);
    /* The work is done: who has this answer may send the next request. */
    if (run->request && !run->reason)
        request_return_slot(run->request);
    run->cli->total_cost_usd = result->total_cost_usd;
    deliver(run, result);
    if (run->reason && !run->interrupting)
        return; /* the callback has ended the run, or it was ended before */
    if (!run->reason && !result->is_error)
        run->runner->last_success_ms = worker_now_ms();
    run_leave(run, may_stay);
}

void run_cut(struct run *run) {
    answer_cut(run, NULL);
    if (!run->reason)
        run_leave(run, false);
}
