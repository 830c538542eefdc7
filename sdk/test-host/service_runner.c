/* SPDX-License-Identifier: Apache-2.0 */
/* "koine.runner/1": checks what a module hands in and calls the run. */
#include "http/failure_form.h"
#include "http/refusal_words.h"
#include "modules/struct_size.h"
#include "test-host/call.h"
#include "test-host/run.h"

#define OPTIONS_MINIMUM offsetof(struct koine_run_options, prompt)
#define KNOWN_FLAGS                                                                                \
    (KOINE_RUN_FORK | KOINE_RUN_TIE_STREAM | KOINE_RUN_WANT_THINKING | KOINE_RUN_WANT_TOOLS |      \
     KOINE_RUN_WANT_BLOCKS | KOINE_RUN_COUNT_TOKENS)

static int32_t refuse(const struct call *call, struct koine_failure *failure, int32_t result,
                      const char *message) {
    failure_set(failure, 500, "INTERNAL_ERROR", message);
    return call_end(call, result);
}

static int32_t read_options(const struct call *call, const struct koine_run_options *given,
                            struct koine_run_options *options) {
    int32_t result =
        call_read(call, options, sizeof(*options), given, OPTIONS_MINIMUM, "koine_run_options");
    if (result != KOINE_OK)
        return result;
    if (options->flags & ~(uint32_t)KNOWN_FLAGS) {
        call_invalid(call, "a flag of the options is not known");
        return KOINE_UNSUPPORTED;
    }
    if (options->tool_count && !options->tools)
        return call_invalid(call, "tool_count is set and tools is not");
    return KOINE_OK;
}

static int32_t runner_start(const struct koine_host *seen, koine_request handle,
                            const struct koine_run_options *given, koine_run_callback on_event,
                            void *data, koine_run *run, struct koine_failure *failure) {
    struct call call;
    struct koine_run_options options;
    struct koine_test_answer *request =
        call_request(&call, seen, "runner->start", handle, REQUEST_OPEN);
    if (!on_event || !run || !failure)
        return call_end(&call, call_invalid(&call, "on_event, run and failure must be given"));
    if (!request)
        return refuse(&call, failure, call.result, "The request has ended.");
    call_wants(&call, failure);
    if (request->run && !request->run->over) {
        finding_add(call.host, "wrong-state", "runner->start was called for %s, which has a run",
                    answer_name(request));
        return refuse(&call, failure, KOINE_WRONG_STATE, "The request has a run already.");
    }
    int32_t result = read_options(&call, given, &options);
    if (result != KOINE_OK)
        return refuse(&call, failure, result,
                      "The module asked for what this gateway does not know.");
    if (!host_may_allocate(call.host))
        return refuse(&call, failure, KOINE_NO_MEMORY, REFUSAL_NO_MEMORY);
    return call_end(&call, run_start(request, &options, on_event, data, run, failure));
}

/* The run behind a handle; NULL: call->result says why not. */
static struct run *find(struct call *call, const struct koine_host *seen, const char *name,
                        koine_run handle) {
    struct run *run = NULL;
    if (call_begin(call, seen, name, CALL_FROM_START)) {
        run = handle_get(call->host, HANDLE_RUN, handle.id);
        if (!run)
            call->result = call_gone(call, HANDLE_RUN, handle.id);
    }
    return run;
}

static int32_t runner_cancel(const struct koine_host *seen, koine_run handle) {
    struct call call;
    struct run *run = find(&call, seen, "runner->cancel", handle);
    if (run && !run->finished)
        run_cancel(run, "cancelled");
    return call_end(&call, call.result);
}

static int32_t runner_pause(const struct koine_host *seen, koine_run handle) {
    struct call call;
    struct run *run = find(&call, seen, "runner->pause", handle);
    if (run)
        run_pause(run, true);
    return call_end(&call, call.result);
}

static int32_t runner_resume(const struct koine_host *seen, koine_run handle) {
    struct call call;
    struct run *run = find(&call, seen, "runner->resume", handle);
    if (run)
        run_pause(run, false);
    return call_end(&call, call.result);
}

static int32_t runner_tool_result(const struct koine_host *seen, koine_call handle,
                                  const struct koine_tool_result *given) {
    struct call call;
    struct koine_tool_result result;
    if (!call_begin(&call, seen, "runner->tool_result", CALL_FROM_START))
        return call_end(&call, call.result);
    int32_t read = call_read(&call, &result, sizeof(result), given,
                             LENGTH_WITH(koine_tool_result, content), "koine_tool_result");
    return call_end(&call, read == KOINE_OK ? run_tools_answer(&call, handle, &result) : read);
}

static int32_t runner_park(const struct koine_host *seen, koine_run handle, uint32_t timeout_ms) {
    struct call call;
    struct run *run = find(&call, seen, "runner->park", handle);
    int32_t result = run ? run_park(run, timeout_ms) : call.result;
    if (result == KOINE_WRONG_STATE)
        finding_add(call.host, "wrong-state",
                    "runner->park was called for a run in which no tool call is open");
    return call_end(&call, result);
}

static int32_t runner_adopt(const struct koine_host *seen, koine_run handle,
                            koine_request request_handle, koine_run_callback on_event, void *data,
                            struct koine_failure *failure) {
    struct call call;
    struct run *run = find(&call, seen, "runner->adopt", handle);
    if (!on_event || !call_wants(&call, failure))
        return call_end(&call, KOINE_INVALID);
    struct koine_test_answer *request =
        run ? handle_get(call.host, HANDLE_REQUEST, request_handle.id) : NULL;
    if (!answer_is_open(request))
        return call_end(&call, run ? KOINE_GONE : call.result);
    int32_t result = run_adopt(run, request, on_event, data, failure);
    if (result == KOINE_WRONG_STATE)
        finding_add(call.host, "wrong-state",
                    "runner->adopt was called for a run that is not parked, or a request that has "
                    "one");
    return call_end(&call, result);
}

static int32_t runner_check_profile(const struct koine_host *seen, koine_request handle,
                                    struct koine_text profile, struct koine_failure *failure) {
    struct call call;
    struct koine_test_answer *request =
        call_request(&call, seen, "runner->check_profile", handle, REQUEST_ANY);
    if (!call_wants(&call, failure))
        return call_end(&call, KOINE_INVALID);
    return call_end(&call,
                    request ? run_check_credentials(request, profile, failure) : call.result);
}

const struct koine_runner test_runner = {
    .size = sizeof(struct koine_runner),
    .start = runner_start,
    .cancel = runner_cancel,
    .pause = runner_pause,
    .resume = runner_resume,
    .tool_result = runner_tool_result,
    .park = runner_park,
    .adopt = runner_adopt,
    .check_profile = runner_check_profile,
};
