/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run that counts tokens: the CLI goes on with a transcript of the whole conversation, and is
 * asked how large its context is rather than for an answer. It asks the API to count each part.
 */
#include "runner/cli_input.h"
#include "runner/run.h"
#include <stdlib.h>
#include <string.h>

#define SERVERS_ID "count-servers"
#define STATUS_ID "count-status"
#define USAGE_ID "count-usage"

#define NOT_SUPPORTED                                                                              \
    "This version of the CLI cannot count tokens: update it where the gateway runs (npm "          \
    "install -g @anthropic-ai/claude-code)."

/* Both are freed. */
static char *join(char *first, size_t first_size, char *second, size_t second_size, size_t *size) {
    char *joined = first && second ? malloc(first_size + second_size) : NULL;
    if (joined) {
        memcpy(joined, first, first_size);
        memcpy(joined + first_size, second, second_size);
        *size = first_size + second_size;
    }
    free(first);
    free(second);
    return joined;
}

/* Tools count only once the CLI has been told of them. For the servers of initialize 2.1.197 waits
 * for a turn, which does not come; for those of mcp_set_servers neither version does. */
char *run_count_question(const struct run *run, size_t *size) {
    size_t servers_size = 0, status_size = 0;
    if (!run->server_count)
        return cli_input_request(USAGE_ID, "get_context_usage", size);
    struct koine_text *names = run_server_names(run);
    char *servers =
        names ? cli_input_servers(SERVERS_ID, names, run->server_count, &servers_size) : NULL;
    char *status = cli_input_request(STATUS_ID, "mcp_status", &status_size);
    free(names);
    return join(servers, servers_size, status, status_size, size);
}

static void ask(struct run *run, const char *id, const char *subtype) {
    size_t size;
    char *line = cli_input_request(id, subtype, &size);
    if (run_write(run, line, size) == KOINE_NO_MEMORY)
        run_short_of_memory(run);
}

static void answer(struct run *run, uint64_t tokens) {
    const struct koine_run_result result = {
        .size = sizeof(result),
        .text = KOINE_TEXT(""),
        .session_id = {run->session_id, strlen(run->session_id)},
        .permission_denials = KOINE_TEXT("[]"),
        .usage = {.input_tokens = tokens},
        .duration_ms = worker_now_ms() - run->started_ms,
    };
    run_succeed(run, &result);
}

static void finish(struct run *run, const struct cli_response *response) {
    if (run->request && !run->reason)
        request_return_slot(run->request);
    if (response->has_total_tokens)
        answer(run, response->total_tokens);
    else
        run_fail(run, 501, "NOT_SUPPORTED", NOT_SUPPORTED);
    if (!run->reason || run->interrupting)
        run_leave(run, false);
}

bool run_count_on_response(struct run *run, const struct cli_response *response) {
    const char *id = response->request_id;
    if (!(run->flags & KOINE_RUN_COUNT_TOKENS))
        return false;
    if (strcmp(id, USAGE_ID) == 0)
        finish(run, response);
    else if (strcmp(id, STATUS_ID) == 0 && response->pending_servers) /* they shake hands */
        ask(run, STATUS_ID, "mcp_status");
    else if (strcmp(id, STATUS_ID) == 0)
        ask(run, USAGE_ID, "get_context_usage");
    else
        return strcmp(id, SERVERS_ID) == 0;
    return true;
}
