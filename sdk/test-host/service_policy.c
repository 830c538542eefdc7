/* SPDX-License-Identifier: Apache-2.0 */
/* "koine.slots/1", "koine.tools/1", "koine.auth/1": what a request may use, and whose it is. */
#include "http/failure_form.h"
#include "http/refusal_words.h"
#include "test-host/answer.h"
#include "test-host/call.h"
#include <stdlib.h>
#include <string.h>

/* ---- slots */

static bool is_class_name(const char *name) {
    size_t size = name ? strlen(name) : 0;
    bool letter =
        size && ((name[0] >= 'a' && name[0] <= 'z') || (name[0] >= 'A' && name[0] <= 'Z'));
    return letter && size <= 32 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == size;
}

static int32_t slots_declare(const struct koine_host *host, const char *name,
                             uint32_t default_limit) {
    struct call call;
    if (!call_begin(&call, host, "slots->declare", CALL_IN_INIT))
        return call_end(&call, call.result);
    if (!is_class_name(name))
        return call_end(&call, call_invalid(&call, "the name must be [A-Za-z][A-Za-z0-9-]{0,31}"));
    return call_end(&call,
                    slot_class_declare(call.host, name, default_limit) ? KOINE_OK : KOINE_EXISTS);
}

static int32_t slots_acquire(const struct koine_host *host, koine_request handle,
                             struct koine_failure *failure) {
    struct call call;
    struct koine_test_answer *request =
        call_request(&call, host, "slots->acquire", handle, REQUEST_OPEN);
    if (!request)
        return call_end(&call, call.result);
    if (!call_wants(&call, failure))
        return call_end(&call, KOINE_INVALID);
    return call_end(&call, slot_take(request, failure) ? KOINE_OK : KOINE_REFUSED);
}

static int32_t slots_release(const struct koine_host *host, koine_request handle) {
    struct call call;
    struct koine_test_answer *request =
        call_request(&call, host, "slots->release", handle, REQUEST_OPEN);
    if (!request)
        return call_end(&call, call.result);
    if (request->run) {
        finding_add(call.host, "wrong-state", "slots->release was called for %s while its run %s",
                    answer_name(request), "holds the slot");
        return call_end(&call, KOINE_WRONG_STATE);
    }
    slot_return(request);
    return call_end(&call, KOINE_OK);
}

static int32_t slots_usage(const struct koine_host *host, const char *name, uint32_t *active,
                           uint32_t *limit) {
    struct call call;
    if (!call_begin(&call, host, "slots->usage", CALL_FROM_INIT))
        return call_end(&call, call.result);
    const struct slot_class *class = name ? slot_class_find(call.host, name) : NULL;
    if (!class)
        return call_end(&call, KOINE_NOT_FOUND);
    if (active)
        *active = class->active;
    if (limit)
        *limit = class->limit;
    return call_end(&call, KOINE_OK);
}

const struct koine_slots test_slots = {
    .size = sizeof(struct koine_slots),
    .declare = slots_declare,
    .acquire = slots_acquire,
    .release = slots_release,
    .usage = slots_usage,
};

/* ---- tools */

static int32_t narrow_refused(struct koine_test_answer *request,
                              const struct tool_policy_error *error,
                              struct koine_failure *failure) {
    char message[256];
    switch (error->problem) {
    case TOOL_POLICY_BAD_RULE:
        snprintf(message, sizeof(message), "rule %zu: %s", error->index, error->reason);
        return failure_issue(request, failure,
                             error->in_disallowed ? "disallowedTools" : "allowedTools", message);
    case TOOL_POLICY_NOTHING_LEFT:
        return failure_set(failure, 400, "NO_TOOLS_AVAILABLE", REFUSAL_NO_TOOLS);
    default:
        failure_set(failure, 500, "INTERNAL_ERROR", REFUSAL_NO_MEMORY);
        return KOINE_NO_MEMORY;
    }
}

static int32_t narrow(const struct call *call, struct koine_test_answer *request,
                      const struct koine_text *allowed, size_t allowed_count,
                      const struct koine_text *disallowed, size_t disallowed_count,
                      struct koine_failure *failure) {
    struct tool_policy_error error = {.problem = TOOL_POLICY_NO_MEMORY};
    if (request->run) {
        finding_add(call->host, "wrong-state", "tools->narrow was called for %s, whose run has %s",
                    answer_name(request), "started");
        return KOINE_WRONG_STATE;
    }
    if (!host_may_allocate(call->host))
        return narrow_refused(request, &error, failure);
    struct tool_policy *narrowed =
        tool_policy_narrow(request->policy, allowed, allowed_count, disallowed,
                           disallowed ? disallowed_count : 0, false, &error);
    if (!narrowed)
        return narrow_refused(request, &error, failure);
    tool_policy_unref(request->policy);
    request->policy = narrowed;
    return KOINE_OK;
}

static int32_t tools_narrow(const struct koine_host *host, koine_request handle,
                            const struct koine_text *allowed, size_t allowed_count,
                            const struct koine_text *disallowed, size_t disallowed_count,
                            struct koine_failure *failure) {
    struct call call;
    struct koine_test_answer *request =
        call_request(&call, host, "tools->narrow", handle, REQUEST_OPEN);
    if (!request)
        return call_end(&call, call.result);
    if (!call_wants(&call, failure))
        return call_end(&call, KOINE_INVALID);
    return call_end(&call, narrow(&call, request, allowed, allowed_count, disallowed,
                                  disallowed_count, failure));
}

static int32_t tools_judge(const struct koine_host *host, koine_request handle,
                           struct koine_text tool) {
    struct call call;
    struct koine_test_answer *request =
        call_request(&call, host, "tools->judge", handle, REQUEST_OPEN);
    if (!request)
        return call_end(&call, call.result);
    enum tool_verdict verdict = tool_policy_judge(request->policy, tool, NULL);
    call_end(&call, KOINE_OK);
    if (verdict == TOOL_DENIED)
        return KOINE_TOOL_DENIED;
    return verdict == TOOL_ALLOWED ? KOINE_TOOL_ALLOWED : KOINE_TOOL_DEPENDS;
}

static int32_t tools_effective(const struct koine_host *host, koine_request handle,
                               struct koine_text *json) {
    struct call call;
    struct koine_test_answer *request =
        call_request(&call, host, "tools->effective", handle, REQUEST_OPEN);
    *json = (struct koine_text){0};
    if (!request)
        return call_end(&call, call.result);
    if (!host_may_allocate(call.host))
        return call_end(&call, KOINE_NO_MEMORY);
    char *text = memory_need(tool_policy_json(request->policy));
    *json = request_copy(request, text_of(text));
    free(text);
    return call_end(&call, KOINE_OK);
}

const struct koine_tools test_tools = {
    .size = sizeof(struct koine_tools),
    .narrow = tools_narrow,
    .judge = tools_judge,
    .effective = tools_effective,
};

/* ---- auth */

static int32_t auth_key_name(const struct koine_host *host, koine_request handle,
                             struct koine_text *name) {
    struct call call;
    struct koine_test_answer *request =
        call_request(&call, host, "auth->key_name", handle, REQUEST_OPEN);
    *name = (struct koine_text){0};
    if (!request)
        return call_end(&call, call.result);
    if (!request->key)
        return call_end(&call, KOINE_NOT_FOUND);
    *name = text_of(request->key->name);
    return call_end(&call, KOINE_OK);
}

static int32_t act(struct koine_test_answer *request, const struct host_key *key,
                   struct koine_failure *failure) {
    if (!access_may_use(key, request->path)) {
        request->key = NULL;
        return failure_set(failure, 403, "AUTH_ERROR", REFUSAL_ROUTE_OF_KEY);
    }
    access_act_as(request, key);
    return KOINE_OK;
}

static int32_t authenticate(struct koine_test_answer *request, struct koine_failure *failure) {
    if (request->key)
        return KOINE_OK;
    switch (access_check(request, request->route)) {
    case 0:
        return act(request, request->key, failure);
    case 401:
        return failure_set(failure, 401, "UNAUTHORIZED", route_key_wanted(request->route));
    default:
        return failure_set(failure, route_wrong_key_status(request->route), "AUTH_ERROR",
                           REFUSAL_WRONG_KEY);
    }
}

static int32_t auth_authenticate(const struct koine_host *host, koine_request handle,
                                 struct koine_failure *failure) {
    struct call call;
    struct koine_test_answer *request =
        call_request(&call, host, "auth->authenticate", handle, REQUEST_OPEN);
    if (!request)
        return call_end(&call, call.result);
    return call_end(&call,
                    call_wants(&call, failure) ? authenticate(request, failure) : KOINE_INVALID);
}

static int32_t auth_act_as(const struct koine_host *host, koine_request handle,
                           const char *key_name, struct koine_failure *failure) {
    struct call call;
    struct koine_test_answer *request =
        call_request(&call, host, "auth->act_as", handle, REQUEST_OPEN);
    if (!request)
        return call_end(&call, call.result);
    if (!call_wants(&call, failure) || !key_name)
        return call_end(&call, KOINE_INVALID);
    if (request->run || request->route->as.authentication != KOINE_AUTH_NONE) {
        finding_add(call.host, "wrong-state",
                    "auth->act_as was called for %s, %s; it is for public routes before a run",
                    answer_name(request),
                    request->run ? "whose run has started" : "which the host authenticates");
        return call_end(&call, KOINE_WRONG_STATE);
    }
    const struct host_key *key = access_find_key(call.host, key_name);
    return call_end(&call, key ? act(request, key, failure) : KOINE_NOT_FOUND);
}

static int32_t auth_check_session(const struct koine_host *host, koine_request handle,
                                  struct koine_text session_id, struct koine_failure *failure) {
    struct call call;
    struct koine_test_answer *request =
        call_request(&call, host, "auth->check_session", handle, REQUEST_OPEN);
    if (!request)
        return call_end(&call, call.result);
    return call_end(&call, call_wants(&call, failure)
                               ? access_check_session(request, session_id, failure)
                               : KOINE_INVALID);
}

const struct koine_auth test_auth = {
    .size = sizeof(struct koine_auth),
    .key_name = auth_key_name,
    .authenticate = auth_authenticate,
    .act_as = auth_act_as,
    .check_session = auth_check_session,
};
