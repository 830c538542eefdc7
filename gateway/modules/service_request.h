/* SPDX-License-Identifier: Apache-2.0 */
/* The way from a handle that a module holds to its request, for all services; every refusal is
 * logged with the module's name. */
#ifndef MODULES_SERVICE_REQUEST_H
#define MODULES_SERVICE_REQUEST_H

#include "http/request.h"
#include "modules/module.h"

/* What a call needs of the request. */
enum service_need {
    SERVICE_READS,  /* it has not ended */
    SERVICE_ACTS,   /* … and an answer is still owed */
    SERVICE_ANSWERS /* likewise, and to answer twice is a mistake that is logged */
};

/* KOINE_OK with `*request`; KOINE_GONE; KOINE_WRONG_STATE: on a wrong thread or too early. */
int32_t service_request(const struct koine_host *host, koine_request handle, const char *call,
                        enum service_need need, struct request **request);

#endif
