/* SPDX-License-Identifier: Apache-2.0 */
/* Constant refusals, and the JSON form that every refusal has by the HTTP contract. */
#include "http/failure_form.h"
#include "runner/json_writer.h"
#include <jansson.h>
#include <string.h>

static struct koine_text text_of(const char *string) {
    return (struct koine_text){string, strlen(string)};
}

int32_t failure_set(struct koine_failure *failure, int status, const char *code,
                    const char *message) {
    uint32_t size = failure->size;
    /* A module's may be shorter than today's: what it does not have is not ours to clear. */
    memset(failure, 0, size && size < sizeof(*failure) ? size : sizeof(*failure));
    failure->size = size ? size : (uint32_t)sizeof(*failure);
    failure->status = (uint16_t)status;
    failure->code = text_of(code);
    failure->message = text_of(message);
    if (status == 429)
        failure->retry_after_s = 5;
    return KOINE_REFUSED;
}

/* Issues come from a module: what is no JSON array is left out rather than break the answer. */
static bool is_json_array(struct koine_text text) {
    json_t *value = text.size ? json_loadb(text.data, text.size, 0, NULL) : NULL;
    bool is_array = json_is_array(value);
    json_decref(value);
    return is_array;
}

char *failure_json(const struct koine_failure *failure, size_t *size) {
    struct json_writer out = {0};
    json_writer_literal(&out, "{\"error\":");
    json_writer_string(&out, failure->message);
    json_writer_literal(&out, ",\"code\":");
    json_writer_string(&out, failure->code);
    if (is_json_array(failure->issues)) {
        json_writer_literal(&out, ",\"rawText\":");
        json_writer_string(&out, failure->issues);
        json_writer_literal(&out, ",\"issues\":");
        json_writer_json(&out, failure->issues);
    }
    json_writer_literal(&out, "}");
    return json_writer_take(&out, size);
}
