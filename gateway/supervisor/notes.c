/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker noted, in words. */
#include "supervisor/notes.h"
#include <stdio.h>

static const char *const calls[] = {
    [NOTES_NOTHING] = "its code",
    [NOTES_LOAD] = "loading",
    [NOTES_CREATE] = "create",
    [NOTES_EXTENSION] = "extension",
    [NOTES_INIT] = "init",
    [NOTES_START] = "start",
    [NOTES_HANDLER] = "handler",
    [NOTES_RUN_EVENT] = "callback of a run",
    [NOTES_TOOL_CALL] = "call of a tool",
    [NOTES_TIMER] = "timer",
    [NOTES_WATCH] = "watch",
    [NOTES_POST] = "post",
    [NOTES_DRAINED] = "drained callback of a stream",
    [NOTES_REQUEST_END] = "on_end callback of a request",
    [NOTES_RENDER_FAILURE] = "render_failure",
    [NOTES_QUIESCE] = "quiesce",
    [NOTES_DESTROY] = "destroy",
};

const char *notes_call_text(unsigned call, const char *route, char *out, size_t size) {
    const char *name = call < sizeof(calls) / sizeof(*calls) ? calls[call] : calls[NOTES_NOTHING];
    snprintf(out, size, "%s%s%s", name, route ? " of " : "", route ? route : "");
    return out;
}

const char *notes_describe(const struct worker_notes *notes, unsigned inside, char *out,
                           size_t size) {
    unsigned module = NOTES_MODULE(inside), route = NOTES_ROUTE(inside);
    char name[NOTES_NAME_SIZE + 1] = "?", path[NOTES_ROUTE_SIZE + 1], call[160];
    out[0] = '\0';
    if (!inside)
        return out;
    if (module > 0 && module <= NOTES_MODULES)
        snprintf(name, sizeof(name), "%.*s", NOTES_NAME_SIZE, notes->modules[module - 1]);
    if (route > 0 && route <= NOTES_ROUTES)
        snprintf(path, sizeof(path), "%.*s", NOTES_ROUTE_SIZE, notes->routes[route - 1]);
    else
        route = 0;
    notes_call_text(NOTES_CALL(inside), route ? path : NULL, call, sizeof(call));
    snprintf(out, size, "module %s (%s)", name, call);
    return out;
}
