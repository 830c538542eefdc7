/* SPDX-License-Identifier: Apache-2.0 */
/* Ids that tell answers and uses of tools apart. They are no secret: whoever has one can do nothing
 * with it. */
#include <koine-module/chat.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

enum { DIGITS = 32 };

struct koine_chat_id koine_chat_id_make(const char *prefix) {
    struct koine_chat_id id;
    unsigned long long random[2] = {0, 0};
    /* Sixteen bytes come at once or, without that call, not at all: then it is the time. */
    if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        random[0] = (unsigned long long)now.tv_sec;
        random[1] = (unsigned long long)now.tv_nsec;
    }
    snprintf(id.text, sizeof(id.text), "%.*s%016llx%016llx", KOINE_CHAT_ID_BYTES - DIGITS - 1,
             prefix, random[0], random[1]);
    return id;
}
