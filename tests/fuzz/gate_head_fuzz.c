/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the syntax of heads. Beyond not crashing: a head that passes lies within its bytes, ends
 * where the scan says, and has an unambiguous length. Links with gateway/http/gate_head.c alone.
 */
#include "http/gate_head.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds) {
    if (!holds) {
        abort();
    }
}

static void require_within(struct koine_text text, struct koine_text bytes) {
    require(text.data == NULL ||
            (text.data >= bytes.data && text.data + text.size <= bytes.data + bytes.size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct koine_text bytes = {(const char *)data, size};
    struct gate_parsed_head parsed;
    struct gate_refusal refusal = {0, NULL, NULL};
    struct koine_text value = {NULL, 0};
    size_t scanned = 0;
    size_t end = 0;
    enum gate_scan scan = gate_head_scan(bytes, &scanned, &end);
    require(scan != GATE_SCAN_COMPLETE || end <= size);
    if (gate_head_parse(bytes, &parsed, &refusal) != 0) {
        require(refusal.status >= 400 && refusal.code != NULL && refusal.message != NULL);
        return 0;
    }
    require(scan == GATE_SCAN_COMPLETE && end == size);
    require_within(parsed.head.method, bytes);
    require_within(parsed.head.target, bytes);
    require_within(parsed.head.query, bytes);
    require_within(parsed.head.fields, bytes);
    require_within(parsed.head.authorization, bytes);
    require(parsed.head.path.size > 0 && parsed.head.path.data[0] == '/');
    require(!(parsed.head.chunked && parsed.head.content_length >= 0));
    require(!gate_field(parsed.head.fields, "content-length", &value) ==
            (parsed.head.content_length < 0));
    return 0;
}
