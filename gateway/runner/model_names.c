/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/model_names.h"
#include <stdbool.h>
#include <string.h>

static bool is(const char *name, struct koine_text text) {
    return strlen(name) == text.size && (!text.size || memcmp(name, text.data, text.size) == 0);
}

/* MODEL_NAMES: it is not there. */
static size_t find(const struct model_names *names, struct koine_text asked) {
    size_t at = 0;
    while (at < MODEL_NAMES && !(*names->names[at].answered && is(names->names[at].asked, asked)))
        at++;
    return at;
}

static void keep(char out[MODEL_NAME_BYTES], struct koine_text text) {
    if (text.size)
        memcpy(out, text.data, text.size);
    out[text.size] = '\0';
}

void model_names_note(struct model_names *names, struct koine_text asked,
                      struct koine_text answered) {
    size_t at = find(names, asked);
    if (!answered.size || answered.size >= MODEL_NAME_BYTES || asked.size >= MODEL_NAME_BYTES)
        return;
    if (at == MODEL_NAMES) {
        at = names->next;
        names->next = (at + 1) % MODEL_NAMES;
        keep(names->names[at].asked, asked);
    }
    keep(names->names[at].answered, answered);
}

struct koine_text model_names_find(const struct model_names *names, struct koine_text asked) {
    const size_t at = find(names, asked);
    if (at == MODEL_NAMES)
        return (struct koine_text){NULL, 0};
    return (struct koine_text){names->names[at].answered, strlen(names->names[at].answered)};
}
