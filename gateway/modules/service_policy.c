/* SPDX-License-Identifier: Apache-2.0 */
/* "koine.slots/1", "koine.tools/1", "koine.auth/1": what a request may use, and whose it is. */
#include "http/refusal_words.h"
#include "http/server.h"
#include "modules/module.h"
#include "modules/service_request.h"
#include "policy/session_id.h"
#include <stdlib.h>
#include <string.h>

/* A call that may be refused for the client's sake. */
static int32_t find(const struct koine_host *host, koine_request handle, const char *call,
                    const struct koine_failure *failure, struct request **request) {
    int32_t result = service_request(host, handle, call, SERVICE_ACTS, request);
    if (result == KOINE_OK && !module_can_fail(module_of(host), call, failure))
        result = KOINE_INVALID;
    return result;
}

/* ---- slots */

static int32_t slots_service_declare(const struct koine_host *host, const char *name,
                                     uint32_t default_limit) {
    static const char call[] = "slots->declare";
    struct module *module = module_of(host);
    if (!module_may_call(module, call, false))
        return KOINE_WRONG_STATE;
    if (module->state != MODULE_INITIALISING)
        return module_wrong_state(module, call, "may be called in init only");
    int32_t result =
        name ? slots_declare(module->worker->slots, name, default_limit) : KOINE_INVALID;
    if (result == KOINE_INVALID)
        module_invalid(module, call, "the name must be [A-Za-z][A-Za-z0-9-]{0,31}");
    else if (result != KOINE_OK)
        module_refused(module, call, result, "the class exists already, or memory is short");
    return result;
}

static int32_t slots_service_acquire(const struct koine_host *host, koine_request handle,
                                     struct koine_failure *failure) {
    struct request *request;
    int32_t result = find(host, handle, "slots->acquire", failure, &request);
    if (result != KOINE_OK)
        return result;
    return request_take_slot(request, failure) ? KOINE_OK : KOINE_REFUSED;
}

static int32_t slots_service_release(const struct koine_host *host, koine_request handle) {
    struct request *request;
    int32_t result = service_request(host, handle, "slots->release", SERVICE_ACTS, &request);
    if (result != KOINE_OK)
        return result;
    if (request->run)
        return module_wrong_state(module_of(host), "slots->release",
                                  "the request's run holds the slot");
    request_return_slot(request);
    return KOINE_OK;
}

static int32_t slots_service_usage(const struct koine_host *host, const char *name,
                                   uint32_t *active, uint32_t *limit) {
    struct module *module = module_of(host);
    if (!module_may_call(module, "slots->usage", false))
        return KOINE_WRONG_STATE;
    struct slot_class *class = name ? slots_find(module->worker->slots, name) : NULL;
    if (!class)
        return KOINE_NOT_FOUND;
    if (active)
        *active = slot_class_active(class);
    if (limit)
        *limit = slot_class_limit(class);
    return KOINE_OK;
}

const struct koine_slots service_slots = {
    .size = sizeof(struct koine_slots),
    .declare = slots_service_declare,
    .acquire = slots_service_acquire,
    .release = slots_service_release,
    .usage = slots_service_usage,
};

/* ---- tools */

static int32_t narrow_refused(struct request *request, const struct tool_policy_error *error,
                              struct koine_failure *failure) {
    char path[32], message[256];
    switch (error->problem) {
    case TOOL_POLICY_BAD_RULE:
        snprintf(path, sizeof(path), "%s",
                 error->in_disallowed ? "disallowedTools" : "allowedTools");
        snprintf(message, sizeof(message), "rule %zu: %s", error->index, error->reason);
        return failure_issue(request, failure, path, message);
    case TOOL_POLICY_NOTHING_LEFT:
        return failure_set(failure, 400, "NO_TOOLS_AVAILABLE", REFUSAL_NO_TOOLS);
    default:
        failure_set(failure, 500, "INTERNAL_ERROR", REFUSAL_NO_MEMORY);
        return KOINE_NO_MEMORY;
    }
}

static bool rules_are_sane(struct module *module, const struct koine_text *rules, size_t count) {
    for (size_t i = 0; rules && i < count; i++)
        if (!module_text_is_sane(module, "tools->narrow", rules[i]))
            return false;
    return true;
}

static int32_t tools_narrow(const struct koine_host *host, koine_request handle,
                            const struct koine_text *allowed, size_t allowed_count,
                            const struct koine_text *disallowed, size_t disallowed_count,
                            struct koine_failure *failure) {
    struct module *module = module_of(host);
    struct request *request;
    int32_t result = find(host, handle, "tools->narrow", failure, &request);
    if (result != KOINE_OK)
        return result;
    if (request->run)
        return module_wrong_state(module, "tools->narrow", "the request's run has started");
    if (!rules_are_sane(module, allowed, allowed_count) ||
        !rules_are_sane(module, disallowed, disallowed_count))
        return KOINE_INVALID;
    struct tool_policy_error error;
    struct tool_policy *narrowed =
        tool_policy_narrow(request->policy, allowed, allowed_count, disallowed,
                           disallowed ? disallowed_count : 0, false, &error);
    if (!narrowed)
        return narrow_refused(request, &error, failure);
    tool_policy_unref(request->policy);
    request->policy = narrowed;
    return KOINE_OK;
}

static int32_t tools_judge(const struct koine_host *host, koine_request handle,
                           struct koine_text tool) {
    struct request *request;
    int32_t result = service_request(host, handle, "tools->judge", SERVICE_ACTS, &request);
    if (result != KOINE_OK)
        return result;
    if (!module_text_is_sane(module_of(host), "tools->judge", tool))
        return KOINE_INVALID;
    switch (tool_policy_judge(request->policy, tool, NULL)) {
    case TOOL_DENIED:
        return KOINE_TOOL_DENIED;
    case TOOL_ALLOWED:
        return KOINE_TOOL_ALLOWED;
    default:
        return KOINE_TOOL_DEPENDS;
    }
}

static int32_t tools_effective(const struct koine_host *host, koine_request handle,
                               struct koine_text *json) {
    struct request *request;
    int32_t result = service_request(host, handle, "tools->effective", SERVICE_ACTS, &request);
    if (!json)
        return module_invalid(module_of(host), "tools->effective", "json must be given");
    *json = (struct koine_text){0};
    if (result != KOINE_OK)
        return result;
    char *text = tool_policy_json(request->policy);
    if (text)
        *json = request_copy(request, (struct koine_text){text, strlen(text)});
    free(text);
    return json->data ? KOINE_OK : KOINE_NO_MEMORY;
}

const struct koine_tools service_tools = {
    .size = sizeof(struct koine_tools),
    .narrow = tools_narrow,
    .judge = tools_judge,
    .effective = tools_effective,
};

/* ---- auth */

static int32_t auth_key_name(const struct koine_host *host, koine_request handle,
                             struct koine_text *name) {
    struct request *request;
    int32_t result = service_request(host, handle, "auth->key_name", SERVICE_ACTS, &request);
    if (!name)
        return module_invalid(module_of(host), "auth->key_name", "name must be given");
    *name = (struct koine_text){0};
    if (result != KOINE_OK)
        return result;
    if (!request->key)
        return KOINE_NOT_FOUND;
    *name = (struct koine_text){request->key->config->name, strlen(request->key->config->name)};
    return KOINE_OK;
}

static int32_t act(struct request *request, struct key *key, struct koine_failure *failure) {
    if (!key_may_use_route(key, request->path))
        return failure_set(failure, 403, "AUTH_ERROR", REFUSAL_ROUTE_OF_KEY);
    request_act_as(request, key);
    return KOINE_OK;
}

static int32_t auth_authenticate(const struct koine_host *host, koine_request handle,
                                 struct koine_failure *failure) {
    struct request *request;
    int32_t result = find(host, handle, "auth->authenticate", failure, &request);
    if (result != KOINE_OK)
        return result;
    if (request->key)
        return KOINE_OK;
    struct koine_text authorization = {0}, api_key = {0};
    struct key *key = NULL;
    gate_field(request->fields, "Authorization", &authorization);
    gate_field(request->fields, "X-Api-Key", &api_key);
    enum key_check check = keys_check(request->worker->keys, request->route->as.key_places,
                                      authorization, api_key, &key);
    if (check == KEY_MISSING)
        return failure_set(failure, 401, "UNAUTHORIZED", route_key_wanted(request->route));
    if (check == KEY_WRONG)
        return failure_set(failure, route_wrong_key_status(request->route), "AUTH_ERROR",
                           REFUSAL_WRONG_KEY);
    return act(request, key, failure);
}

static int32_t auth_act_as(const struct koine_host *host, koine_request handle,
                           const char *key_name, struct koine_failure *failure) {
    struct request *request;
    int32_t result = find(host, handle, "auth->act_as", failure, &request);
    if (result != KOINE_OK)
        return result;
    if (!key_name)
        return module_invalid(module_of(host), "auth->act_as", "key_name must be given");
    if (request->run || request->route->as.authentication != KOINE_AUTH_NONE)
        return module_wrong_state(module_of(host), "auth->act_as",
                                  "is for public routes, before a run starts");
    struct key *key = keys_find(request->worker->keys, key_name);
    return key ? act(request, key, failure) : KOINE_NOT_FOUND;
}

static int32_t auth_check_session(const struct koine_host *host, koine_request handle,
                                  struct koine_text session_id, struct koine_failure *failure) {
    struct request *request;
    int32_t result = find(host, handle, "auth->check_session", failure, &request);
    if (result != KOINE_OK)
        return result;
    if (!module_text_is_sane(module_of(host), "auth->check_session", session_id))
        return KOINE_INVALID;
    return request_check_session(request, session_id, failure);
}

const struct koine_auth service_auth = {
    .size = sizeof(struct koine_auth),
    .key_name = auth_key_name,
    .authenticate = auth_authenticate,
    .act_as = auth_act_as,
    .check_session = auth_check_session,
};
