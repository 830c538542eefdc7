/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/models and /v1/models/{model}: the names that clients may use. The CLI does not tell what
 * a model can do or since when it is there; both are null or the epoch, as the API allows.
 */
#include "anthropic.h"
#include "errors.h"
#include <koine-module/answer.h>
#include <koine-module/request.h>
#include <string.h>

enum { DEFAULT_LIMIT = 20, LARGEST_LIMIT = 1000 };

struct page {
    struct koine_text after_id;
    struct koine_text before_id;
    uint32_t limit;
};

static const struct koine_body_field parameters[] = {
    KOINE_BODY_FIELD(struct page, after_id, "after_id", KOINE_BODY_STRING, 0),
    KOINE_BODY_FIELD(struct page, before_id, "before_id", KOINE_BODY_STRING, 0),
    KOINE_BODY_LIMITED(struct page, limit, "limit", KOINE_BODY_POSITIVE_INTEGER, 0, 1,
                       LARGEST_LIMIT),
};

static json_t *model_json(struct koine_text name) {
    return json_pack("{s:s,s:s%,s:s%,s:s,s:n,s:n,s:n,s:n}", "type", "model", "id", name.data,
                     name.size, "display_name", name.data, name.size, "created_at",
                     "1970-01-01T00:00:00Z", "max_input_tokens", "max_tokens", "line",
                     "capabilities");
}

static struct koine_text name_at(const struct anthropic *self, size_t index) {
    const char *name = koine_chat_model_at(self->chat, index);
    return (struct koine_text){name, name ? strlen(name) : 0};
}

static size_t count_models(const struct anthropic *self) {
    size_t count = 0;
    while (koine_chat_model_at(self->chat, count))
        count++;
    return count;
}

/* Its place in the list; how many there are: none. */
static size_t place_of(const struct anthropic *self, struct koine_text wanted) {
    size_t index = 0;
    struct koine_text name;
    while ((name = name_at(self, index)).data) {
        if (name.size == wanted.size && memcmp(name.data, wanted.data, name.size) == 0)
            break;
        index++;
    }
    return index;
}

/* From `begin` up to and without `end`. */
static json_t *list_json(const struct anthropic *self, size_t begin, size_t end, bool has_more) {
    json_t *data = json_array();
    for (size_t i = begin; i < end; i++) {
        if (json_array_append_new(data, model_json(name_at(self, i)))) {
            json_decref(data);
            return NULL; /* a list with a hole would be taken for whole */
        }
    }
    json_t *first = begin < end ? json_string(koine_chat_model_at(self->chat, begin)) : json_null();
    json_t *last =
        begin < end ? json_string(koine_chat_model_at(self->chat, end - 1)) : json_null();
    return json_pack("{s:o,s:b,s:o,s:o}", "data", data, "has_more", (int)has_more, "first_id",
                     first, "last_id", last);
}

/* False: answered. */
static bool read_page(const struct anthropic *self, koine_request request, struct page *page) {
    const size_t count = count_models(self);
    if (!koine_query_parse(self->self.host, request, parameters, KOINE_COUNT(parameters), page))
        return false;
    if (page->after_id.data && page->before_id.data)
        koine_fail(&self->self, request, 400, "VALIDATION_ERROR",
                   "after_id: must not stand beside before_id");
    else if (page->after_id.data && place_of(self, page->after_id) == count)
        koine_fail(&self->self, request, 400, "VALIDATION_ERROR", "after_id: no such model");
    else if (page->before_id.data && place_of(self, page->before_id) == count)
        koine_fail(&self->self, request, 400, "VALIDATION_ERROR", "before_id: no such model");
    else
        return true;
    return false;
}

void list_models(void *data, koine_request request) {
    struct anthropic *self = anthropic_of(data);
    struct page page = {.limit = DEFAULT_LIMIT};
    anthropic_name_request(&self->self, request);
    if (!read_page(self, request, &page))
        return;
    const size_t count = count_models(self);
    size_t begin = page.after_id.data ? place_of(self, page.after_id) + 1 : 0;
    size_t end = begin + page.limit < count ? begin + page.limit : count;
    bool has_more = end < count;
    if (page.before_id.data) {
        end = place_of(self, page.before_id);
        begin = end > page.limit ? end - page.limit : 0;
        has_more = begin > 0;
    }
    koine_answer(&self->self, request, 200, list_json(self, begin, end, has_more));
}

void retrieve_model(void *data, koine_request request) {
    struct anthropic *self = anthropic_of(data);
    struct koine_text name = {NULL, 0};
    anthropic_name_request(&self->self, request);
    self->self.http->param(self->self.host, request, "model", &name);
    if (koine_chat_model(self->chat, name).data)
        koine_answer(&self->self, request, 200, model_json(name));
    else
        fail_unknown_model(&self->self, request, name);
}
