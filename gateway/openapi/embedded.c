/* SPDX-License-Identifier: Apache-2.0 */
/* The host's part as it was when the gateway was built: make knows that this depends on it. */
#include "openapi/merge.h"
#include <koine-module/embed.h>

KOINE_EMBED(koine_openapi_host_part, "gateway/openapi.yaml");

struct koine_text openapi_host_part(void) {
    return koine_openapi_host_part.text;
}
