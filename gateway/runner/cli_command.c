/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CLI's argument list. Every value stands behind "--flag=" in one argument, so that none can
 * be taken for a flag; what a client sent is checked again here, whoever calls.
 */
#include "runner/cli_command.h"

#include "policy/session_id.h"
#include "runner/cli_settings.h"
#include "runner/string_block.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* MAX_ARG_STRLEN of the kernel, with the terminating zero. */
enum { MAXIMUM_ARGUMENT = 128 * 1024 };

static bool is_alphanumeric(char byte) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9');
}

static bool fail(struct cli_problem *problem, const char *field, const char *message) {
    problem->field = field;
    snprintf(problem->message, sizeof problem->message, "%s", message);
    return false;
}

bool cli_valid_model(struct koine_text model, struct cli_problem *problem) {
    bool fits = model.size >= 1 && model.size <= 128 && is_alphanumeric(model.data[0]);
    for (size_t i = 0; fits && i < model.size; i++) {
        char byte = model.data[i];
        fits = is_alphanumeric(byte) || (byte != '\0' && strchr("._:/@[]-", byte) != NULL);
    }
    return fits || fail(problem, "model",
                        "must be 1 to 128 letters, digits and . _ : / @ [ ] -, and begin with a "
                        "letter or a digit");
}

bool cli_valid_effort(struct koine_text effort, struct cli_problem *problem) {
    static const char *const words[] = {"low", "medium", "high", "xhigh", "max"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (effort.size == strlen(words[i]) && memcmp(effort.data, words[i], effort.size) == 0) {
            return true;
        }
    }
    return fail(problem, "effort", "must be one of low, medium, high, xhigh and max");
}

static bool check(const struct cli_command_options *options, struct cli_problem *problem) {
    if ((options->model.data != NULL && !cli_valid_model(options->model, problem)) ||
        (options->effort.data != NULL && !cli_valid_effort(options->effort, problem))) {
        return false;
    }
    if (!isfinite(options->max_budget_usd) || options->max_budget_usd < 0) {
        return fail(problem, "maxBudgetUsd", "must be a positive number");
    }
    return true;
}

struct arguments {
    struct string_block block;
    struct cli_problem *problem;
    bool failed; /* `problem` says why, or memory is short */
};

static void add(struct arguments *arguments, const char *field, const char *flag,
                struct koine_text value) {
    size_t flag_size = strlen(flag);
    if (value.size >= MAXIMUM_ARGUMENT - flag_size) {
        fail(arguments->problem, field, "is too long for the CLI (128 KiB)");
        arguments->failed = true;
    } else {
        string_block_add(&arguments->block, (struct koine_text){flag, flag_size}, value);
    }
}

static void add_cstring(struct arguments *arguments, const char *field, const char *flag,
                        const char *value) {
    add(arguments, field, flag, (struct koine_text){value, strlen(value)});
}

static void add_given(struct arguments *arguments, const char *field, const char *flag,
                      struct koine_text value) {
    if (value.data != NULL) {
        add(arguments, field, flag, value);
    }
}

static const char *as_settings(const char *flag) {
    static const char name[] = "--settings=";
    return strncmp(flag, name, sizeof name - 1) == 0 ? flag + sizeof name - 1 : NULL;
}

/* With the whole tool allowed only deny patterns are left, and the CLI 2.1.197 does not apply those
 * to a tool that it is told to ask about. */
static bool allows_whole_bash(const struct tool_policy *policy) {
    char *rules = tool_policy_allowed(policy), *rest = rules, *rule;
    bool found = false;
    while (rest != NULL && (rule = strsep(&rest, ",")) != NULL) {
        found = found || strcmp(rule, "Bash") == 0;
    }
    free(rules);
    return found;
}

/*
 * The CLI runs shell commands that only read without asking anybody, also under an allow list that
 * names other commands alone. Where rules let a part of Bash through, it is told to ask always.
 */
bool cli_command_asks_about_bash(const struct tool_policy *policy) {
    return tool_policy_has_allow_list(policy) &&
           tool_policy_judge(policy, KOINE_TEXT("Bash"), NULL) == TOOL_UNCERTAIN &&
           !allows_whole_bash(policy);
}

static void add_settings(struct arguments *arguments, const char *settings) {
    const char *reason = NULL;
    char *value = cli_settings_ask(settings, "Bash", &reason);
    if (value != NULL) {
        add_cstring(arguments, "profile", "--settings=", value);
        free(value);
    } else {
        arguments->failed = true;
        if (reason != NULL) {
            fail(arguments->problem, "profile", reason);
        }
    }
}

static void add_profile(struct arguments *arguments, const struct cli_command_options *options) {
    bool asks = cli_command_asks_about_bash(options->policy);
    const char *settings = NULL;
    const struct config_list none = {NULL, 0};
    const struct config_list *flags = options->profile ? &options->profile->flags : &none;
    for (size_t i = 0; i < flags->count; i++) {
        const char *its_settings = as_settings(flags->items[i]);
        if (asks && its_settings != NULL) {
            settings = its_settings;
        } else {
            add_cstring(arguments, "profile", "", flags->items[i]);
        }
    }
    if (asks) {
        add_settings(arguments, settings);
    }
}

/* printf would write the decimal point of the locale, and an exponent. */
static void add_budget(struct arguments *arguments, double budget_usd) {
    const double most = 1e12; /* no bill is that high: more is no limit */
    char text[48];
    double limit = budget_usd < most ? budget_usd : most;
    uint64_t micros = (uint64_t)(limit * 1e6 + 0.5);
    micros = micros > 0 ? micros : 1;
    snprintf(text, sizeof text, "%" PRIu64 ".%06" PRIu64, micros / 1000000, micros % 1000000);
    add_cstring(arguments, "maxBudgetUsd", "--max-budget-usd=", text);
}

static void add_limits(struct arguments *arguments, const struct cli_command_options *options) {
    add_given(arguments, "model", "--model=", options->model);
    add_given(arguments, "effort", "--effort=", options->effort);
    if (options->max_turns > 0) {
        char turns[16];
        snprintf(turns, sizeof turns, "%" PRIu32, options->max_turns);
        add_cstring(arguments, "maxTurns", "--max-turns=", turns);
    }
    if (options->max_budget_usd > 0) {
        add_budget(arguments, options->max_budget_usd);
    }
}

/* Adds `flag` with both lists joined; `given` is the policy's and freed here, NULL: no memory. */
static void add_rules(struct arguments *arguments, const char *field, const char *flag, char *given,
                      const char *more) {
    char *joined = NULL;
    const char *comma = given != NULL && *given != '\0' && *more != '\0' ? "," : "";
    if (given == NULL || asprintf(&joined, "%s%s%s", given, comma, more) < 0) {
        arguments->failed = true;
    } else {
        add_cstring(arguments, field, flag, joined);
        free(joined);
    }
    free(given);
}

static void add_tools(struct arguments *arguments, const struct cli_command_options *options) {
    /* These come with the permission prompt; nobody is there to answer them. */
    static const char unanswerable[] = "AskUserQuestion,EnterPlanMode,ExitPlanMode";
    const struct tool_policy *policy = options->policy;
    if (tool_policy_has_allow_list(policy) || tool_policy_denies_all(policy)) {
        add_rules(arguments, "allowedTools", "--tools=", tool_policy_tools(policy), "");
        add_rules(arguments, "allowedTools", "--allowedTools=", tool_policy_allowed(policy), "");
    }
    add_rules(arguments, "disallowedTools",
              "--disallowedTools=", tool_policy_disallowed_at_start(policy, options->base),
              unanswerable);
    if (!tool_policy_allows_mcp(policy)) {
        add_cstring(arguments, "allowedTools", "--strict-mcp-config", "");
    }
}

char **cli_command_arguments(const struct cli_command_options *options,
                             struct cli_problem *problem) {
    static const char *const protocol[] = {
        "--print",
        "--verbose",
        "--input-format=stream-json",
        "--output-format=stream-json",
        "--include-partial-messages",
        "--permission-prompt-tool=stdio",
    };
    struct arguments arguments = {.problem = problem};
    *problem = (struct cli_problem){.field = NULL};
    if (!check(options, problem)) {
        return NULL;
    }
    add_cstring(&arguments, NULL, "", options->path);
    for (size_t i = 0; i < sizeof protocol / sizeof *protocol; i++) {
        add_cstring(&arguments, NULL, protocol[i], "");
    }
    /* Before the rest: of two flags of a name the CLI takes the last, which is then ours. */
    add_profile(&arguments, options);
    add_limits(&arguments, options);
    add_tools(&arguments, options);
    if (arguments.failed) {
        string_block_finish(&arguments.block);
        return NULL;
    }
    return string_block_take(&arguments.block);
}

/* False: no UUID. */
static bool add_id(struct string_block *block, const char *flag, struct koine_text id) {
    if (id.data == NULL) {
        return true;
    }
    string_block_add(block, (struct koine_text){flag, strlen(flag)}, id);
    return session_id_is_uuid(id);
}

char **cli_command_with_session(char *const *arguments, const struct cli_session *session) {
    struct string_block block = {0};
    bool resumes = session->resume_id.data != NULL;
    for (size_t i = 0; arguments[i] != NULL; i++) {
        string_block_add(&block, (struct koine_text){arguments[i], strlen(arguments[i])},
                         KOINE_TEXT(""));
    }
    bool good = add_id(&block, "--resume=", session->resume_id) &&
                (!resumes || add_id(&block, "--resume-session-at=", session->resume_at));
    if (resumes && session->fork) {
        string_block_add(&block, KOINE_TEXT("--fork-session"), KOINE_TEXT(""));
    }
    if (session->passing) {
        string_block_add(&block, KOINE_TEXT("--no-session-persistence"), KOINE_TEXT(""));
    }
    if (!resumes || session->fork) {
        good = add_id(&block, "--session-id=", session->id) && good;
    }
    if (good) {
        return string_block_take(&block);
    }
    string_block_finish(&block);
    return NULL;
}
