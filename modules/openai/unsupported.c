/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints of the API that the CLI has nothing for. Clients are told so by name instead of
 * searching for a mistake in their URL. */
#include "openai.h"
#include <koine-module/answer.h>

enum { SHOWN_PATH_BYTES = 200 };

void unsupported_handle(void *data, koine_request request) {
    const struct openai *module = openai_of(data);
    struct koine_text path = {NULL, 0};
    module->self.http->path(module->self.host, request, &path);
    path = koine_text_front(path, SHOWN_PATH_BYTES);
    koine_fail(&module->self, request, 404, "NOT_SUPPORTED",
               "%.*s is not supported: this gateway serves /v1/chat/completions, /v1/responses and "
               "/v1/models",
               (int)path.size, path.data ? path.data : "");
}

void not_stored_handle(void *data, koine_request request) {
    const struct openai *module = openai_of(data);
    koine_fail(&module->self, request, 404, "NOT_SUPPORTED",
               "Answers are not stored here: send the whole conversation in input");
}
