/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CLI's questions whether a tool may run, answered from the effective policy of the run. The
 * judgement and the answer are apart, so that somebody else than the policy could be asked between
 * them and answer later.
 */
#include "modules/module.h"
#include "runner/cli_input.h"
#include "runner/run.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The text "Bash(COMMAND)" for a can_use_tool input; malloc'd, NULL when it cannot be a rule. */
static char *command_as_rule(struct koine_text input) {
    json_t *arguments =
        json_loadb(input.data, input.size, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    const json_t *command = json_object_get(arguments, "command");
    size_t size = json_string_length(command);
    char *rule = NULL;
    if (json_is_string(command) && size < 900 && !memchr(json_string_value(command), 0, size) &&
        asprintf(&rule, "Bash(%s)", json_string_value(command)) < 0)
        rule = NULL;
    json_decref(arguments);
    return rule;
}

/* The first of these rules within which the command lies; NULL: none. */
static const char *rule_for_command(const json_t *rules, const char *wanted) {
    const json_t *rule;
    size_t index;
    json_array_foreach(rules, index, rule) {
        struct koine_text outer = {json_string_value(rule), json_string_length(rule)};
        if (strcmp(outer.data, "Bash") == 0 ||
            (wanted && tool_rule_covers(outer, (struct koine_text){wanted, strlen(wanted)})))
            return outer.data;
    }
    return NULL;
}

/* One simple command, word by word: what a pattern says of it can be told for certain. */
static bool is_plain(const char *rule) {
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                               "_./:=@%+,- ";
    const char *command = rule + strlen("Bash(");
    size_t size = strlen(command) - 1;
    return strspn(command, safe) == size && command[0] != ' ' && !strstr(command, "  ");
}

/* Whether a deny rule may reach this command: of what cannot be judged any pattern is feared. */
static bool command_is_denied(const json_t *rules, const char *wanted) {
    const json_t *rule;
    size_t index;
    bool patterns = false;
    json_array_foreach(rules, index, rule) patterns =
        patterns || strncmp(json_string_value(rule), "Bash(", 5) == 0;
    return rule_for_command(rules, wanted) || (patterns && (!wanted || !is_plain(wanted)));
}

/* ---- the judgement */

struct question {
    const char *request_id;
    struct koine_text tool, input, tool_use_id; /* the input is a JSON object */
};

struct verdict {
    bool permitted;
    char rule[128]; /* that decided, or what did so in its place */
};

static void decide(struct verdict *verdict, bool permitted, const char *rule) {
    verdict->permitted = permitted;
    snprintf(verdict->rule, sizeof(verdict->rule), "%s", rule);
}

/*
 * An allow rule must cover this very command: the bare tool does, else "Bash(COMMAND)" must lie
 * within a pattern, and in none that is denied: the CLI 2.1.197 asks before it applies deny rules.
 */
static void judge_command(const struct run *run, const struct question *question,
                          struct verdict *verdict) {
    char *text = tool_policy_json(run->policy), *wanted = command_as_rule(question->input);
    json_t *policy = text ? json_loads(text, 0, NULL) : NULL;
    const char *rule = rule_for_command(json_object_get(policy, "allowed"), wanted);
    if (command_is_denied(json_object_get(policy, "disallowed"), wanted))
        decide(verdict, false, "a pattern that is denied");
    else if (rule)
        decide(verdict, true, rule);
    else
        decide(verdict, false, "no pattern that is allowed");
    json_decref(policy);
    free(wanted);
    free(text);
}

static void judge(const struct run *run, const struct question *question, struct verdict *verdict) {
    const char *rule = NULL;
    bool is_bash = question->tool.size == 4 && memcmp(question->tool.data, "Bash", 4) == 0;
    if (run_tools_has(run, question->tool)) {
        decide(verdict, true, "being a tool of this run");
        return;
    }
    switch (tool_policy_judge(run->policy, question->tool, &rule)) {
    case TOOL_ALLOWED:
        decide(verdict, true, rule);
        break;
    case TOOL_UNCERTAIN:
        if (is_bash && tool_policy_has_allow_list(run->policy))
            judge_command(run, question, verdict);
        else
            decide(verdict, false, "default: nothing allows it expressly");
        break;
    default:
        decide(verdict, false, rule ? rule : "the list of what is allowed");
        break;
    }
}

/* ---- the answer */

/* What the tool was to do is nobody's business who reads a log, unless the operator says so. */
static void log_verdict(const struct run *run, const struct question *question,
                        const struct verdict *verdict) {
    const struct worker *worker = run->runner->worker;
    struct koine_text input = question->input, tool = question->tool, id = question->tool_use_id;
    if (!worker->config->log.tool_inputs)
        input.size = 0;
    log_print_request(worker->log, KOINE_LOG_INFO, "runner",
                      run->request ? request_id_text(run->request) : (struct koine_text){0},
                      "tool %.*s (%.*s) %s by %s%s%.*s", (int)(tool.size < 128 ? tool.size : 128),
                      tool.data, (int)(id.size < 64 ? id.size : 64), id.data ? id.data : "",
                      verdict->permitted ? "allowed" : "denied", verdict->rule,
                      input.size ? ": " : "", (int)(input.size < 2048 ? input.size : 2048),
                      input.data ? input.data : "");
}

/* May come at any time after the question, as long as the run lives. */
static void answer(struct run *run, const struct question *question,
                   const struct verdict *verdict) {
    size_t size;
    char *line =
        verdict->permitted
            ? cli_input_permit(question->request_id, question->input, &size)
            : cli_input_deny(question->request_id,
                             KOINE_TEXT("The policy of this gateway does not allow this."), &size);
    run_write(run, line, size);
}

void run_on_can_use_tool(void *data, const char *request_id, struct koine_text tool,
                         struct koine_text input, struct koine_text tool_use_id) {
    struct run *run = data;
    const struct question question = {request_id, tool, input, tool_use_id};
    struct verdict verdict = {0};
    judge(run, &question, &verdict);
    log_verdict(run, &question, &verdict);
    answer(run, &question, &verdict);
}
