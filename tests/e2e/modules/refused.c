/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module that is refused: which way, the environment variable KOINE_TEST_REFUSE says. It ends or
 * hangs when it is loaded ("exit", "hang", "chatter") or asked for its descriptor ("abort"), or
 * shows a wrong one, or fails later on.
 */
#include <koine/koine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int wants(const char *way) {
    const char *asked = getenv("KOINE_TEST_REFUSE");
    return asked && strcmp(asked, way) == 0;
}

__attribute__((constructor)) static void load(void) {
    if (wants("exit")) {
        fputs("first line\n  the licence has expired  \n\n", stderr);
        exit(3);
    }
    while (wants("hang"))
        pause();
    while (wants("chatter"))
        fputs("this is about to end\n", stderr);
}

static void handler(void *self, koine_request request) {
    (void)self;
    (void)request;
}

/* Must not come after a start that failed. */
static void on_timer(void *data, koine_timer timer) {
    (void)data;
    (void)timer;
    if (wants("start"))
        abort();
}

static void on_post(void *data) {
    (void)data;
    if (wants("start"))
        abort();
}

static int32_t create(const struct koine_host *host, void **self) {
    *self = (void *)(uintptr_t)host;
    return wants("create") ? KOINE_NO_MEMORY : KOINE_OK;
}

static int32_t init(void *self, struct koine_text config, struct koine_error *error) {
    const struct koine_host *host = self;
    const struct koine_http *http = host->service(host, KOINE_HTTP);
    (void)config;
    if (wants("init-crash"))
        abort();
    struct koine_route route = {.size = sizeof(route),
                                .method = "POST",
                                .path = wants("route") ? "/generate-text" : "/refused",
                                .handler = handler};
    int32_t result = http->route(host, &route);
    if (result != KOINE_OK) {
        snprintf(error->message, error->capacity, "the route is taken");
        return result;
    }
    if (wants("init")) {
        snprintf(error->message, error->capacity, "the answer is not 42");
        return KOINE_INVALID;
    }
    return KOINE_OK;
}

static int32_t start(void *self, struct koine_error *error) {
    const struct koine_host *host = self;
    const struct koine_loop *loop = host->service(host, KOINE_LOOP);
    koine_timer timer;
    loop->timer_start(host, 1, 1, on_timer, self, &timer);
    loop->post(host, on_post, self);
    if (wants("start-crash"))
        abort();
    if (!wants("start"))
        return KOINE_OK;
    snprintf(error->message, error->capacity, "no licence");
    return KOINE_INVALID;
}

static void say(const struct koine_host *host, struct koine_text text) {
    const struct koine_log *log = host->service(host, KOINE_LOG);
    log->write(host, KOINE_LOG_INFO, (koine_request){0}, text);
}

static void quiesce(void *self) {
    say(self, KOINE_TEXT("refused quiesces"));
}

static void destroy(void *self) {
    say(self, KOINE_TEXT("refused is destroyed"));
    if (wants("destroy-crash"))
        abort();
}

static void call_tool(void *self, const struct koine_tool_call *call) {
    (void)self;
    (void)call;
}

/* One tool that can be used, and one that cannot; the second is NULL, or lacks something. */
static const struct koine_tool_set *tools(void) {
    static struct koine_tool good, bad;
    static const struct koine_tool *const list[] = {&good, &bad}, *const hole[] = {&good, NULL};
    static struct koine_tool_set set;
    good = (struct koine_tool){.size = sizeof(good),
                               .name = KOINE_TEXT("good"),
                               .description = KOINE_TEXT("Does"),
                               .input_schema = KOINE_TEXT("{\"type\":\"object\"}"),
                               .call = call_tool};
    bad = good;
    bad.name = wants("tool-name") ? good.name : KOINE_TEXT("bad");
    if (wants("tool-schema"))
        bad.input_schema = KOINE_TEXT("}}");
    if (wants("tool-text"))
        bad.description = KOINE_TEXT("\xff");
    if (wants("tool-call"))
        bad.call = NULL;
    set = (struct koine_tool_set){sizeof(set), 2, wants("tool-null") ? hole : list};
    if (wants("tools"))
        set.tools = NULL;
    return &set;
}

static const void *extension(void *self, const char *id) {
    static const struct koine_document none = {.size = 4};
    static const struct koine_document nowhere = {
        .size = sizeof(nowhere),
        .text = {(const char *)16, 5000}}; /* NOLINT(performance-no-int-to-ptr) */
    (void)self;
    if (getenv("KOINE_TEST_REFUSE") && strcmp(id, KOINE_EXTENSION_TOOLS) == 0)
        return tools();
    if (wants("openapi-memory") && strcmp(id, KOINE_EXTENSION_OPENAPI) == 0)
        return &nowhere;
    return wants("openapi") && strcmp(id, KOINE_EXTENSION_OPENAPI) == 0 ? &none : NULL;
}

const struct koine_module *koine_module(void) {
    static struct koine_module module;
    if (wants("abort"))
        abort();
    module = (struct koine_module){
        .magic = wants("magic") ? 1 : KOINE_MODULE_MAGIC,
        .abi_major = wants("major") ? 9 : KOINE_ABI_MAJOR,
        .abi_minor = wants("minor") ? 99 : KOINE_ABI_MINOR,
        .size = wants("size")        ? 40
                : wants("long-size") ? 60000
                                     : sizeof(struct koine_module),
        .name = wants("name") ? "Bad Name" : "refused",
        .version = wants("version") ? (const char *)16 /* NOLINT(performance-no-int-to-ptr) */
                                    : "1.0.0",
        .summary =
            wants("summary") ? "One line\nloaded   and another" : "Is refused when asked to be",
        .create = create,
        .init = init,
        .start = start,
        .quiesce = quiesce,
        .destroy = destroy,
        .extension = extension,
    };
    return &module;
}
