/* SPDX-License-Identifier: Apache-2.0 */
/* "koine.runner/1": checks what a module hands in and calls the runner. */
#include "http/request.h"
#include "modules/module.h"
#include "modules/service_request.h"
#include "runner/cli_profile.h"
#include "runner/runner.h"

#define OPTIONS_MINIMUM offsetof(struct koine_run_options, prompt)
#define KNOWN_FLAGS                                                                                \
    (KOINE_RUN_FORK | KOINE_RUN_TIE_STREAM | KOINE_RUN_WANT_THINKING | KOINE_RUN_WANT_TOOLS |      \
     KOINE_RUN_WANT_BLOCKS | KOINE_RUN_COUNT_TOKENS)

/* The module's run behind a handle: KOINE_OK, KOINE_GONE, KOINE_WRONG_STATE. */
static int32_t find_run(const struct koine_host *host, koine_run handle, const char *call,
                        struct run **run) {
    struct module *module = module_of(host);
    if (!module_may_call(module, call, true))
        return KOINE_WRONG_STATE;
    *run = runner_find(module->worker->runner, handle);
    if (!*run || run_module(*run) != module)
        return module_gone(module, call, runner_runs(module->worker->runner), handle.id, "run");
    return KOINE_OK;
}

static int32_t refuse(struct koine_failure *failure, int32_t result, const char *message) {
    failure_set(failure, 500, "INTERNAL_ERROR", message);
    return result;
}

static bool texts_are_sane(struct module *module, const struct koine_run_options *options) {
    const struct koine_text *const texts[] = {&options->prompt,
                                              &options->prompt_blocks,
                                              &options->history,
                                              &options->system,
                                              &options->append_system,
                                              &options->schema,
                                              &options->session_id,
                                              &options->model,
                                              &options->effort,
                                              &options->profile,
                                              NULL};
    for (const struct koine_text *const *text = texts; *text; text++)
        if (!module_text_is_sane(module, "runner->start", **text))
            return false;
    return true;
}

static int32_t check_tools(struct module *module, const struct koine_run_options *options) {
    struct koine_tool tool;
    if (options->tool_count && !options->tools)
        return module_invalid(module, "runner->start", "tool_count is given without tools");
    for (uint32_t i = 0; i < options->tool_count; i++) {
        int32_t result =
            module_read_struct(module, "runner->start (struct koine_tool)", &tool, sizeof(tool),
                               options->tools[i], offsetof(struct koine_tool, call));
        if (result != KOINE_OK)
            return result;
        if (tool.flags & ~(uint32_t)KOINE_TOOL_ALONE)
            return module_refused(module, "runner->start (struct koine_tool)", KOINE_UNSUPPORTED,
                                  "flags holds one that this gateway does not know");
    }
    return KOINE_OK;
}

static int32_t read_options(struct module *module, struct koine_run_options *options,
                            const struct koine_run_options *given) {
    int32_t result = module_read_struct(module, "runner->start", options, sizeof(*options), given,
                                        OPTIONS_MINIMUM);
    if (result != KOINE_OK)
        return result;
    if (options->flags & ~(uint32_t)KNOWN_FLAGS)
        return module_refused(module, "runner->start", KOINE_UNSUPPORTED,
                              "flags holds one that this gateway does not know");
    if (!texts_are_sane(module, options))
        return KOINE_INVALID;
    return check_tools(module, options);
}

static int32_t runner_service_start(const struct koine_host *host, koine_request handle,
                                    const struct koine_run_options *given,
                                    koine_run_callback on_event, void *data, koine_run *run,
                                    struct koine_failure *failure) {
    static const char call[] = "runner->start";
    struct module *module = module_of(host);
    struct koine_run_options options;
    struct request *request;
    if (!module_can_fail(module, call, failure))
        return KOINE_INVALID;
    if (!on_event || !run) {
        module_invalid(module, call, "on_event and run must be given");
        return refuse(failure, KOINE_INVALID, "The module made a mistake; the log says which.");
    }
    int32_t result = service_request(host, handle, call, SERVICE_ACTS, &request);
    if (result != KOINE_OK)
        return refuse(failure, result, "The request has ended.");
    if (request->run && !run_is_over(request->run)) {
        module_wrong_state(module, call, "the request has a run already");
        return refuse(failure, KOINE_WRONG_STATE, "The request has a run already.");
    }
    result = read_options(module, &options, given);
    if (result != KOINE_OK)
        return refuse(failure, result, "The module asked for what this gateway does not know.");
    return runner_start(request, module, &options, on_event, data, run, failure);
}

static int32_t runner_service_cancel(const struct koine_host *host, koine_run handle) {
    struct run *run;
    int32_t result = find_run(host, handle, "runner->cancel", &run);
    return result == KOINE_OK ? runner_cancel(run, "cancelled") : result;
}

static int32_t set_paused(const struct koine_host *host, koine_run handle, const char *call,
                          bool paused) {
    struct run *run;
    int32_t result = find_run(host, handle, call, &run);
    if (result == KOINE_OK)
        runner_pause(run, paused);
    return result;
}

static int32_t runner_service_pause(const struct koine_host *host, koine_run handle) {
    return set_paused(host, handle, "runner->pause", true);
}

static int32_t runner_service_resume(const struct koine_host *host, koine_run handle) {
    return set_paused(host, handle, "runner->resume", false);
}

static int32_t runner_service_tool_result(const struct koine_host *host, koine_call handle,
                                          const struct koine_tool_result *given) {
    static const char call[] = "runner->tool_result";
    struct module *module = module_of(host);
    struct runner *runner = module->worker->runner;
    struct koine_tool_result answer;
    if (!module_may_call(module, call, true))
        return KOINE_WRONG_STATE;
    int32_t result = module_read_struct(module, call, &answer, sizeof(answer), given,
                                        LENGTH_WITH(koine_tool_result, content));
    if (result != KOINE_OK)
        return result;
    if (!module_text_is_sane(module, call, answer.text) ||
        !module_text_is_sane(module, call, answer.content))
        return KOINE_INVALID;
    result = runner_tool_result(runner, module, handle, &answer);
    if (result == KOINE_GONE)
        return module_gone(module, call, runner_calls(runner), handle.id, "call");
    if (result == KOINE_INVALID)
        module_invalid(module, call, "content is no JSON array");
    return result;
}

static int32_t runner_service_park(const struct koine_host *host, koine_run handle,
                                   uint32_t timeout_ms) {
    struct run *run;
    int32_t result = find_run(host, handle, "runner->park", &run);
    if (result != KOINE_OK)
        return result;
    result = runner_park(run, timeout_ms);
    return result == KOINE_WRONG_STATE
               ? module_wrong_state(module_of(host), "runner->park", "no call of a tool is open")
               : result;
}

static int32_t runner_service_adopt(const struct koine_host *host, koine_run handle,
                                    koine_request request_handle, koine_run_callback on_event,
                                    void *data, struct koine_failure *failure) {
    static const char call[] = "runner->adopt";
    struct module *module = module_of(host);
    struct request *request;
    struct run *run;
    if (!module_can_fail(module, call, failure))
        return KOINE_INVALID;
    if (!on_event)
        return module_invalid(module, call, "on_event must be given");
    int32_t result = find_run(host, handle, call, &run);
    if (result == KOINE_OK)
        result = service_request(host, request_handle, call, SERVICE_ACTS, &request);
    if (result != KOINE_OK)
        return result;
    result = runner_adopt(run, request, on_event, data, failure);
    return result == KOINE_WRONG_STATE
               ? module_wrong_state(module, call, "the run is not parked, or the request has one")
               : result;
}

static int32_t runner_service_check_profile(const struct koine_host *host, koine_request handle,
                                            struct koine_text name, struct koine_failure *failure) {
    static const char call[] = "runner->check_profile";
    struct module *module = module_of(host);
    struct request *request;
    if (!module_can_fail(module, call, failure) || !module_text_is_sane(module, call, name))
        return KOINE_INVALID;
    int32_t result = service_request(host, handle, call, SERVICE_READS, &request);
    if (result != KOINE_OK)
        return result;
    const struct config_profile *profile = cli_profile_choose(request, name, failure);
    return profile ? cli_profile_check(request, profile, failure) : KOINE_REFUSED;
}

const struct koine_runner service_runner = {
    .size = sizeof(struct koine_runner),
    .start = runner_service_start,
    .cancel = runner_service_cancel,
    .pause = runner_service_pause,
    .resume = runner_service_resume,
    .tool_result = runner_service_tool_result,
    .park = runner_service_park,
    .adopt = runner_service_adopt,
    .check_profile = runner_service_check_profile,
};
