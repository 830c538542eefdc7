/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /heap: how many bytes of the gateway's heap are in use, once what is free has gone back to
 * the system. Growth shows in it at once, where resident pages also tell of peaks and fragments.
 */
#include <koine-module/module.h>
#include <malloc.h>
#include <stdio.h>

static void tell(void *data, koine_request request) {
    const struct koine_self *self = koine_self_of(data);
    char text[64];
    malloc_trim(0);
    const struct mallinfo2 info = mallinfo2();
    int size = snprintf(text, sizeof(text), "{\"bytes\":%zu}", info.uordblks + info.hblkhd);
    self->http->respond(self->host, request, 200, KOINE_TEXT("application/json; charset=utf-8"),
                        (struct koine_text){text, (size_t)size});
}

static const struct koine_route routes[] = {
    {.size = sizeof(struct koine_route), .method = "GET", .path = "/heap", .handler = tell}};
static const struct koine_plan plan = {.routes = routes, .route_count = KOINE_COUNT(routes)};
KOINE_MODULE_DEFINE("heap", "1.0.0", "What the gateway's heap holds", plan);
