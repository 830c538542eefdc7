/* SPDX-License-Identifier: Apache-2.0 */
/* The last checks before the model is asked. */
#include "question.h"
#include <koine-module/answer.h>
#include <stdio.h>

enum { SHOWN_MODEL_BYTES = 100 };

void model_not_found(const struct openai *module, koine_request request, struct koine_text model) {
    char message[SHOWN_MODEL_BYTES + 200];
    const struct koine_text shown = koine_text_front(model, SHOWN_MODEL_BYTES);
    snprintf(message, sizeof(message),
             "The model '%.*s' does not exist here; GET /v1/models lists those that do, and the "
             "operator can add names for them",
             (int)shown.size, shown.data ? shown.data : "");
    const struct koine_failure failure = {
        .size = sizeof(failure),
        .status = 404,
        .code = KOINE_TEXT("MODEL_NOT_FOUND"),
        .message = openai_text(message),
        .issues = KOINE_TEXT("[{\"path\":[\"model\"],\"message\":\"does not exist here\"}]"),
    };
    module->self.http->fail(module->self.host, request, &failure);
}

bool question_accept(struct question *question) {
    struct reading *reading = &question->reading;
    struct koine_chat_ask *ask = &question->ask;
    conversation_give(&question->conversation, ask);
    if (!reading_accept(reading))
        return false;
    ask->model = koine_chat_model(reading->module->chat, question->model);
    if (!ask->model.size) {
        model_not_found(reading->module, reading->request, question->model);
        return false;
    }
    conversation_check(&question->conversation, ask->messages);
    tools_check(reading, &question->tools, ask);
    return reading_accept(reading);
}
