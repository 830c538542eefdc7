/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/models and /v1/models/{model}: the names that may stand in `model`. When a model was made
 * the CLI does not tell: `created` is when the gateway began to serve it. */
#include "question.h"
#include <koine-module/answer.h>

static json_t *describe(const struct openai *module, struct koine_text name) {
    return json_pack("{s:s%,s:s,s:I,s:s}", "id", name.data, name.size, "object", "model", "created",
                     (json_int_t)module->started_at, "owned_by", "anthropic");
}

void models_list_handle(void *data, koine_request request) {
    const struct openai *module = openai_of(data);
    json_t *models = json_array();
    const char *name;
    for (size_t i = 0; (name = koine_chat_model_at(module->chat, i)); i++) {
        if (json_array_append_new(models, describe(module, openai_text(name)))) {
            json_decref(models);
            models = NULL;
            break;
        }
    }
    koine_answer(&module->self, request, 200,
                 json_pack("{s:s,s:o}", "object", "list", "data", models));
}

void models_get_handle(void *data, koine_request request) {
    const struct openai *module = openai_of(data);
    struct koine_text name = {NULL, 0};
    if (module->self.http->param(module->self.host, request, "model", &name) != KOINE_OK)
        return; /* it has ended */
    if (koine_chat_model(module->chat, name).size)
        koine_answer(&module->self, request, 200, describe(module, name));
    else
        model_not_found(module, request, name);
}
