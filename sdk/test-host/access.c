/* SPDX-License-Identifier: Apache-2.0 */
/* Who a request acts for and what that key may use: routes, profiles, sessions, slots. */
#include "http/failure_form.h"
#include "http/refusal_words.h"
#include "policy/session_id.h"
#include "test-host/answer.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- keys */

const struct host_key *access_find_key(const struct koine_test_host *host, const char *name) {
    for (size_t i = 0; i < host->key_count; i++)
        if (strcmp(host->keys[i].name, name) == 0)
            return &host->keys[i];
    return NULL;
}

static const char *field(const struct koine_test_answer *answer, const char *name) {
    return json_string_value(json_object_get(answer->fields, name));
}

/* The secret in "Bearer KEY"; none when the header has another form. */
static struct koine_text bearer(const char *value) {
    struct koine_text none = {0};
    if (!value || strncasecmp(value, "Bearer", 6) != 0 || !strchr(" \t", value[6]))
        return none;
    value += 6 + strspn(value + 6, " \t");
    size_t size = strlen(value);
    while (size && strchr(" \t", value[size - 1]))
        size--;
    return size ? (struct koine_text){value, size} : none;
}

int access_check(struct koine_test_answer *answer, const struct route *route) {
    uint32_t places = route && route->as.key_places ? route->as.key_places : KOINE_KEY_BEARER;
    struct koine_text secret = {0};
    if (places & KOINE_KEY_X_API_KEY)
        secret = text_of(field(answer, "x-api-key"));
    if (!secret.data && (places & KOINE_KEY_BEARER))
        secret = bearer(field(answer, "authorization"));
    if (!secret.data || !secret.size)
        return 401;
    for (size_t i = 0; i < answer->host->key_count; i++) {
        const struct host_key *key = &answer->host->keys[i];
        if (strlen(key->secret) == secret.size &&
            memcmp(key->secret, secret.data, secret.size) == 0) {
            answer->key = key;
            return 0;
        }
    }
    return 403;
}

bool access_may_use(const struct host_key *key, struct koine_text path) {
    size_t index;
    json_t *pattern;
    if (!key->routes)
        return true;
    json_array_foreach(key->routes, index, pattern) {
        const char *text = json_string_value(pattern);
        size_t size = strlen(text);
        bool below = size && text[size - 1] == '*';
        if (below ? path.size >= size - 1 && memcmp(text, path.data, size - 1) == 0
                  : path.size == size && memcmp(text, path.data, size) == 0)
            return true;
    }
    return false;
}

void access_act_as(struct koine_test_answer *request, const struct host_key *key) {
    struct tool_policy *policy = tool_policy_ref(key->policy);
    tool_policy_unref(request->policy);
    request->policy = policy;
    request->key = key;
}

/* ---- sessions */

const char *access_make_session(struct koine_test_host *host, const struct host_key *key) {
    char id[SESSION_ID_SIZE];
    snprintf(id, sizeof(id), "00000000-0000-8000-8000-%012" PRIx64, ++host->session_count);
    json_object_set_new(host->sessions, id, memory_need(json_string(key ? key->name : "")));
    return json_object_iter_key(json_object_iter_at(host->sessions, id));
}

const char *koine_test_session(struct koine_test_host *host, const char *key_name) {
    const struct host_key *key = key_name ? access_find_key(host, key_name) : &host->keys[0];
    return key ? access_make_session(host, key) : NULL;
}

/* As the gateway by default: with one key any session is taken, else those of the key alone; a
 * request of nobody's continues none. */
int32_t access_check_session(struct koine_test_answer *request, struct koine_text id,
                             struct koine_failure *failure) {
    const struct koine_test_host *host = request->host;
    if (!session_id_is_uuid(id))
        return failure_issue(request, failure, "sessionId",
                             "must be a UUID that an earlier answer gave");
    const char *owner = json_string_value(json_object_getn(host->sessions, id.data, id.size));
    const struct host_key *key = request->key;
    if (key && (host->key_count == 1 || (owner && strcmp(owner, key->name) == 0)))
        return KOINE_OK;
    return failure_set(failure, 404, "SESSION_NOT_FOUND", REFUSAL_NO_SESSION);
}

/* ---- slots */

struct slot_class *slot_class_find(const struct koine_test_host *host, const char *name) {
    struct slot_class *class = host->slots;
    while (class && strcmp(class->name, name) != 0)
        class = class->next;
    return class;
}

bool slot_class_declare(struct koine_test_host *host, const char *name, uint32_t limit) {
    if (slot_class_find(host, name))
        return false;
    struct slot_class *class = memory_zeroed(sizeof(*class));
    *class = (struct slot_class){host->slots, memory_text(text_of(name)), 0, limit};
    host->slots = class;
    return true;
}

bool slot_take(struct koine_test_answer *request, struct koine_failure *failure) {
    struct slot_class *class = request->route->slot_class;
    if (!class || request->slot_held)
        return true;
    if (class->active >= class->limit) {
        failure_set(failure, 429, "CONCURRENCY_LIMIT_ERROR", "Concurrency limit exceeded");
        return false;
    }
    class->active++;
    request->slot_held = true;
    return true;
}

void slot_return(struct koine_test_answer *request) {
    if (!request->slot_held)
        return;
    request->slot_held = false;
    request->route->slot_class->active--;
}
