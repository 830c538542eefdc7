/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a module may do what it wants with a request, and what is said when not. */
#include "modules/service_request.h"
#include "http/server.h"

/* It has answered, and the answer is on its way. */
static void complain_twice(struct module *module, const struct request *request, const char *call) {
    struct route_name name;
    module_complain(module, KOINE_LOG_WARNING, request_id_text(request),
                    "%s: %s has been answered already", call,
                    route_name(&request->route->as, &name));
}

static int32_t refuse(struct module *module, const struct request *request, koine_request handle,
                      const char *call, enum service_need need) {
    struct route_name name;
    bool own = request && request->route->module == module;
    bool twice = own && need == SERVICE_ANSWERS && request->state == REQUEST_ANSWERED &&
                 request->how == KOINE_END_ANSWERED;
    if (twice)
        complain_twice(module, request, call);
    else if (own) /* the client has left or the time was over: the module could not know */
        module_complain(module, KOINE_LOG_DEBUG, request_id_text(request), "%s: %s has ended", call,
                        route_name(&request->route->as, &name));
    else
        module_gone(module, call, module->worker->server->requests, handle.id, "request");
    return KOINE_GONE;
}

int32_t service_request(const struct koine_host *host, koine_request handle, const char *call,
                        enum service_need need, struct request **request) {
    struct module *module = module_of(host);
    *request = NULL;
    if (!module_may_call(module, call, true))
        return KOINE_WRONG_STATE;
    struct request *found = request_find(module->worker, handle);
    bool fits = found && found->route->module == module &&
                (need == SERVICE_READS ? found->state != REQUEST_ENDED : request_is_open(found));
    if (!fits)
        return refuse(module, found, handle, call, need);
    *request = found;
    return KOINE_OK;
}
