/* SPDX-License-Identifier: Apache-2.0 */
/* The macros of the ABI headers in use; compiled as C and as C++, pedantic. Never run. */
#include <koine/koine.h>

const struct koine_module *koine_module(void) {
    return NULL;
}

int32_t koine_macros_in_use(const struct koine_host *host, koine_request request);

int32_t koine_macros_in_use(const struct koine_host *host, koine_request request) {
    const struct koine_http *http = (const struct koine_http *)host->service(host, KOINE_HTTP);
    struct koine_text type = KOINE_TEXT("text/plain");
    if (!http || !KOINE_HAS(http, set_deadline))
        return KOINE_UNSUPPORTED;
    return http->respond(host, request, 200, type, KOINE_TEXT("" /* empty, but there */));
}

KOINE_STATIC_ASSERT(KOINE_MODULE_MAGIC == 0x4b4f494eu, "a number of the preprocessor, too");
KOINE_PIN(koine_text, data, 0);
#if KOINE_ABI_MAJOR != 1 || KOINE_MODULE_MAGIC == 0
#error "usable in #if"
#endif
