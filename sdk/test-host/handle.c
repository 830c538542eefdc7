/* SPDX-License-Identifier: Apache-2.0 */
/* The handles that a module holds, and which ones it was ever given. */
#include "test-host/host.h"

void handle_note(struct koine_test_host *host, enum handle_kind kind, uint64_t id) {
    struct issued *issued = &host->issued[kind];
    issued->ids = memory_resize(issued->ids, (issued->count + 1) * sizeof(uint64_t));
    issued->ids[issued->count++] = id;
}

uint64_t handle_add(struct koine_test_host *host, enum handle_kind kind, void *object) {
    uint64_t id = handles_add(host->handles[kind], object);
    memory_need(id ? object : NULL);
    handle_note(host, kind, id);
    return id;
}

void *handle_get(const struct koine_test_host *host, enum handle_kind kind, uint64_t id) {
    return handles_get(host->handles[kind], id);
}

void handle_remove(struct koine_test_host *host, enum handle_kind kind, uint64_t id) {
    handles_remove(host->handles[kind], id);
}

bool handle_was_issued(const struct koine_test_host *host, enum handle_kind kind, uint64_t id) {
    const struct issued *issued = &host->issued[kind];
    for (size_t i = 0; i < issued->count; i++)
        if (issued->ids[i] == id)
            return true;
    return false;
}
