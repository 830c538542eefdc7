/* SPDX-License-Identifier: Apache-2.0 */
/* A link in the request's memory, cut by whichever of request and owner ends first. */
#include <koine-module/wanted.h>

struct koine_wanted_link {
    struct koine_wanted *wanted;
};

static void end(struct koine_wanted *wanted) {
    wanted->link = NULL;
    __atomic_store_n(&wanted->over, 1, __ATOMIC_RELAXED);
}

static void request_ended(void *data, koine_request request, int32_t how) {
    struct koine_wanted_link *link = data;
    (void)request;
    (void)how;
    if (link->wanted)
        end(link->wanted);
}

int32_t koine_wanted_follow(struct koine_wanted *wanted, const struct koine_self *self,
                            koine_request request) {
    struct koine_wanted_link *link = self->http->alloc(self->host, request, sizeof(*link));
    int32_t result = KOINE_NO_MEMORY;
    *wanted = (struct koine_wanted){NULL, 0};
    if (link)
        result = self->http->on_end(self->host, request, request_ended, link);
    if (result != KOINE_OK) {
        end(wanted);
        return result;
    }
    link->wanted = wanted;
    wanted->link = link;
    return KOINE_OK;
}

bool koine_wanted(const struct koine_wanted *wanted) {
    return !__atomic_load_n(&wanted->over, __ATOMIC_RELAXED);
}

void koine_wanted_forget(struct koine_wanted *wanted) {
    if (wanted->link)
        wanted->link->wanted = NULL;
    wanted->link = NULL;
}
