/* SPDX-License-Identifier: Apache-2.0 */
/* "koine.runner/1": checks what a module hands in and calls the runner. */
#include "http/request.h"
#include "modules/module.h"
#include "runner/runner.h"

#define OPTIONS_MINIMUM offsetof(struct koine_run_options, prompt)
#define KNOWN_FLAGS                                                                                \
    (KOINE_RUN_FORK | KOINE_RUN_TIE_STREAM | KOINE_RUN_WANT_THINKING | KOINE_RUN_WANT_TOOLS)

static struct request *find_request(struct module *module, koine_request handle) {
    struct request *request = request_find(module->worker, handle);
    return request_is_open(request) && request->route->module == module ? request : NULL;
}

static struct run *find_run(const struct koine_host *host, koine_run handle, const char *call) {
    struct module *module = module_of(host);
    struct run *run =
        module_may_call(module, call, true) ? runner_find(module->worker->runner, handle) : NULL;
    return run && run_module(run) == module ? run : NULL;
}

static int32_t refuse(struct koine_failure *failure, int32_t result, const char *message) {
    failure_set(failure, 500, "INTERNAL_ERROR", message);
    return result;
}

static int32_t runner_service_start(const struct koine_host *host, koine_request handle,
                                    const struct koine_run_options *given,
                                    koine_run_callback on_event, void *data, koine_run *run,
                                    struct koine_failure *failure) {
    struct module *module = module_of(host);
    struct koine_run_options options;
    if (!on_event || !run || !failure)
        return module_invalid(module, "runner->start", "on_event, run and failure must be given");
    if (!module_may_call(module, "runner->start", true))
        return KOINE_WRONG_STATE;
    struct request *request = find_request(module, handle);
    if (!request)
        return refuse(failure, KOINE_GONE, "The request has ended.");
    if (request->run)
        return refuse(failure, KOINE_WRONG_STATE, "The request has a run already.");
    int32_t result = module_read_struct(&options, sizeof(options), given, OPTIONS_MINIMUM);
    if (result == KOINE_OK && (options.flags & ~(uint32_t)KNOWN_FLAGS))
        result = KOINE_UNSUPPORTED;
    if (result == KOINE_OK && options.tool_count && !options.tools)
        result = KOINE_INVALID;
    if (result != KOINE_OK) {
        module_invalid(module, "runner->start", "the options' size, flags or tools are wrong");
        return refuse(failure, result, "The module asked for what this gateway does not know.");
    }
    return runner_start(request, module, &options, on_event, data, run, failure);
}

static int32_t runner_service_cancel(const struct koine_host *host, koine_run handle) {
    struct run *run = find_run(host, handle, "runner->cancel");
    return run ? runner_cancel(run, "cancelled") : KOINE_GONE;
}

static int32_t set_paused(const struct koine_host *host, koine_run handle, const char *call,
                          bool paused) {
    struct run *run = find_run(host, handle, call);
    if (!run)
        return KOINE_GONE;
    runner_pause(run, paused);
    return KOINE_OK;
}

static int32_t runner_service_pause(const struct koine_host *host, koine_run handle) {
    return set_paused(host, handle, "runner->pause", true);
}

static int32_t runner_service_resume(const struct koine_host *host, koine_run handle) {
    return set_paused(host, handle, "runner->resume", false);
}

static int32_t runner_service_tool_result(const struct koine_host *host, koine_call call,
                                          const struct koine_tool_result *given) {
    struct module *module = module_of(host);
    struct koine_tool_result result;
    if (!module_may_call(module, "runner->tool_result", true))
        return KOINE_WRONG_STATE;
    int32_t read =
        module_read_struct(&result, sizeof(result), given, LENGTH_WITH(koine_tool_result, content));
    if (read != KOINE_OK)
        return module_invalid(module, "runner->tool_result", "the struct's size is wrong"), read;
    struct runner *runner = module->worker->runner; /* NULL while all is taken down */
    return runner ? runner_tool_result(runner, module, call, &result) : KOINE_GONE;
}

static int32_t runner_service_park(const struct koine_host *host, koine_run handle,
                                   uint32_t timeout_ms) {
    struct run *run = find_run(host, handle, "runner->park");
    return run ? runner_park(run, timeout_ms) : KOINE_GONE;
}

static int32_t runner_service_adopt(const struct koine_host *host, koine_run handle,
                                    koine_request request_handle, koine_run_callback on_event,
                                    void *data, struct koine_failure *failure) {
    struct run *run = find_run(host, handle, "runner->adopt");
    struct request *request = run ? find_request(module_of(host), request_handle) : NULL;
    if (!on_event || !failure)
        return KOINE_INVALID;
    return request ? runner_adopt(run, request, on_event, data, failure) : KOINE_GONE;
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
};
