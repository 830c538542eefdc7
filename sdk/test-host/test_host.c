/* SPDX-License-Identifier: Apache-2.0 */
/* A test host from its options to its end; what it is asked about the module. */
#include "test-host/answer.h"
#include "test-host/call.h"
#include "test-host/run.h"
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Not 0, which a module might take for "not yet". */
enum { FIRST_MOMENT_MS = 1000000 };

/* ---- services */

static const void *find_service(const struct koine_host *seen, const char *id) {
    static const struct {
        const char *id;
        const void *table;
    } services[] = {
        {KOINE_HTTP, &test_http},     {KOINE_RUNNER, &test_runner}, {KOINE_SLOTS, &test_slots},
        {KOINE_TOOLS, &test_tools},   {KOINE_AUTH, &test_auth},     {KOINE_LOG, &test_log},
        {KOINE_CONFIG, &test_config}, {KOINE_LOOP, &test_loop},     {KOINE_METRICS, &test_metrics},
    };
    (void)host_of(seen);
    for (size_t i = 0; id && i < sizeof(services) / sizeof(*services); i++)
        if (strcmp(services[i].id, id) == 0)
            return services[i].table;
    return NULL;
}

/* ---- options */

static void set_limits(struct koine_test_host *host, const struct koine_test_options *options) {
    struct koine_test_options *limits = &host->limits;
    *limits = *options;
    if (!limits->request_timeout_ms)
        limits->request_timeout_ms = 600000;
    if (!limits->keep_alive_ms)
        limits->keep_alive_ms = 15000;
    if (!limits->drain_timeout_ms)
        limits->drain_timeout_ms = 30000;
    if (!limits->parked_timeout_ms)
        limits->parked_timeout_ms = 300000;
    if (!limits->parked_runs)
        limits->parked_runs = 16;
    if (!limits->slots)
        limits->slots = 10;
    if (!limits->max_body_bytes)
        limits->max_body_bytes = 10 << 20;
    if (!limits->stream_buffer_bytes)
        limits->stream_buffer_bytes = 256 << 10;
    if (!limits->slow_call_ms)
        limits->slow_call_ms = 100;
    if (!limits->thread_wait_ms)
        limits->thread_wait_ms = 2000;
}

static json_t *string_list(const char *const *list) {
    json_t *array = list ? memory_need(json_array()) : NULL;
    for (; list && *list; list++)
        json_array_append_new(array, memory_need(json_string(*list)));
    return array;
}

static size_t copy_rules(const char *const *rules, struct koine_text texts[256]) {
    size_t count = 0;
    for (; rules && *rules && count < 256; rules++)
        texts[count++] = text_of(*rules);
    return count;
}

static bool add_key(struct koine_test_host *host, const struct koine_test_key *key,
                    struct koine_test_error *error) {
    struct koine_text allowed[256], disallowed[256];
    struct tool_policy_error problem = {0};
    size_t allowed_count = copy_rules(key->allowed, allowed);
    size_t disallowed_count = copy_rules(key->disallowed, disallowed);
    struct tool_policy *all = memory_need(tool_policy_create());
    struct tool_policy *policy =
        tool_policy_narrow(all, key->allowed ? allowed : NULL, allowed_count, disallowed,
                           disallowed_count, true, &problem);
    tool_policy_unref(all);
    if (!policy) {
        snprintf(error->message, sizeof(error->message), "key %s: rule %zu: %s", key->name,
                 problem.index, problem.reason);
        return false;
    }
    host->keys = memory_resize(host->keys, (host->key_count + 1) * sizeof(*host->keys));
    host->keys[host->key_count++] = (struct host_key){
        .name = memory_text(text_of(key->name)),
        .secret = memory_text(text_of(key->secret)),
        .routes = string_list(key->routes),
        .profiles = string_list(key->profiles),
        .policy = policy,
    };
    return true;
}

static bool add_keys(struct koine_test_host *host, const struct koine_test_options *options,
                     struct koine_test_error *error) {
    static const struct koine_test_key only = {.name = KOINE_TEST_KEY_NAME,
                                               .secret = KOINE_TEST_KEY};
    if (!options->key_count)
        return add_key(host, &only, error);
    for (size_t i = 0; i < options->key_count; i++)
        if (!add_key(host, &options->keys[i], error))
            return false;
    return true;
}

/* A handler that is never called: the route belongs to another module. */
static void elsewhere(void *self, koine_request request) {
    (void)self;
    (void)request;
}

/* "POST /hello", "GET /models (with anthropic-version)". */
static struct koine_route read_taken(struct koine_test_host *host, const char *taken) {
    static const char with[] = " (with ";
    const size_t method = strcspn(taken, " ");
    const char *path = taken + method + strspn(taken + method, " ");
    const size_t path_size = strcspn(path, " ");
    const char *header = path + path_size;
    const bool has_header = strncmp(header, with, strlen(with)) == 0;
    header += has_header ? strlen(with) : 0;
    return (struct koine_route){
        .size = sizeof(struct koine_route),
        .method = host_keep(host, (struct koine_text){taken, method}),
        .path = host_keep(host, (struct koine_text){path, has_header ? path_size : strlen(path)}),
        .handler = elsewhere,
        .header =
            has_header ? host_keep(host, (struct koine_text){header, strcspn(header, ")")}) : NULL,
    };
}

static bool take_routes(struct koine_test_host *host, const char *const *taken,
                        struct koine_test_error *error) {
    for (; taken && *taken; taken++) {
        const struct route route = {.as = read_taken(host, *taken)};
        const char *problem = router_problem(&route.as);
        if (!problem && router_taken(host->router, &route.as))
            problem = "it stands twice in the list";
        if (problem || router_add(host->router, &route) != KOINE_OK) {
            snprintf(error->message, sizeof(error->message), "taken: \"%s\": %s", *taken,
                     problem ? problem : "no memory");
            return false;
        }
    }
    return true;
}

const char *host_keep(struct koine_test_host *host, struct koine_text text) {
    json_t *kept = memory_need(json_stringn_nocheck(text.data, text.size));
    json_array_append_new(host->kept, kept);
    return json_string_value(kept);
}

/* ---- create */

static struct koine_test_host *make(const struct koine_test_options *options) {
    struct koine_test_host *host = memory_zeroed(sizeof(*host));
    host->seen =
        (struct koine_host){sizeof(host->seen), KOINE_ABI_MAJOR, KOINE_ABI_MINOR, find_service};
    host->magic = HOST_MAGIC;
    host->loop_thread = pthread_self();
    host->pid = getpid();
    host->trace = options->trace;
    host->threads = count_threads();
    host->now_ms = FIRST_MOMENT_MS;
    host->last_post = &host->first_post;
    host->path = memory_text(text_of(options->module ? options->module : ""));
    host->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    host->router = memory_need(router_create());
    host->metrics = memory_need(metrics_create());
    host->sessions = memory_need(json_object());
    host->scripts = memory_need(json_array());
    host->records = memory_need(json_array());
    host->kept = memory_need(json_array());
    host->profiles = options->profiles ? string_list(options->profiles) : memory_need(json_array());
    json_array_append_new(host->profiles, memory_need(json_string("full")));
    json_array_append_new(host->profiles, memory_need(json_string("bare")));
    host->profiles_without_key = string_list(options->profiles_without_key);
    for (int kind = HANDLE_REQUEST; kind < HANDLE_KINDS; kind++)
        host->handles[kind] = memory_need(handles_create((uint8_t)kind));
    pthread_mutex_init(&host->lock, NULL);
    set_limits(host, options);
    slot_class_declare(host, KOINE_SLOT_NONSTREAMING, host->limits.slots);
    slot_class_declare(host, KOINE_SLOT_STREAMING, host->limits.slots);
    return host;
}

/* `fail_at`: which allocation of the module's fails from create on, 0: none. */
struct koine_test_host *host_create(const struct koine_test_options *options, long fail_at,
                                    struct koine_test_host **refused,
                                    struct koine_test_error *error) {
    struct koine_test_host *host = make(options);
    if (refused)
        *refused = NULL;
    error->message[0] = '\0';
    bool good = add_keys(host, options, error) && take_routes(host, options->taken, error) &&
                host_load(host, error);
    if (good) {
        allocation_watch(host);
        koine_test_fail_allocation(host, fail_at);
        good = host_initialise(host, options->settings, error);
    }
    if (good) {
        host_settle(host);
        return host;
    }
    koine_test_stop(host);
    if (refused)
        *refused = host;
    else
        host_free(host);
    return NULL;
}

struct koine_test_host *koine_test_host_create(const struct koine_test_options *options,
                                               struct koine_test_error *error) {
    return host_create(options, 0, NULL, error);
}

/* ---- the end */

static void quiesce(struct koine_test_host *host) {
    struct visit visit;
    if (host->state != HOST_SERVING)
        return;
    host_set_state(host, HOST_DRAINING);
    if (host->descriptor->quiesce) {
        visit_begin(&visit, host, "koine_module.quiesce");
        host->descriptor->quiesce(host->self);
        visit_end(&visit);
    }
}

static bool is_busy(const struct koine_test_host *host) {
    for (size_t i = 0; i < host->answer_count; i++)
        if (host->answers[i]->handle && !host->answers[i]->complete)
            return true;
    return host->runs != NULL;
}

/* What is open may finish, as far as it does so by itself. */
static void drain(struct koine_test_host *host) {
    uint64_t until = host->now_ms + host->limits.drain_timeout_ms;
    host->waited_ms = 0;
    runs_drain(host);
    host_settle(host);
    while (is_busy(host) && host_step(host, until)) {
    }
    for (size_t i = 0; i < host->answer_count; i++)
        if (host->answers[i]->handle)
            request_shut_down(host->answers[i]);
    host_settle(host);
    if (is_busy(host))
        koine_test_advance_ms(host, ANSWER_GRACE_MS);
    for (size_t i = 0; i < host->answer_count; i++)
        if (host->answers[i]->handle)
            request_end(host->answers[i], KOINE_END_SHUTDOWN);
    host_settle(host);
}

void koine_test_stop(struct koine_test_host *host) {
    if (host->state == HOST_GONE)
        return;
    bool served = host->state == HOST_SERVING;
    quiesce(host);
    if (served)
        drain(host);
    posts_close(host);
    host_settle(host); /* what was taken is called before destroy */
    loop_report_left(host);
    loop_stop_all(host);
    host_destroy_module(host);
    threads_await_end(host);
    if (host->descriptor)
        allocation_unwatch(host);
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *place) {
    (void)stat;
    (void)type;
    (void)place;
    return remove(path);
}

static void free_keys(struct koine_test_host *host) {
    for (size_t i = 0; i < host->key_count; i++) {
        free(host->keys[i].name);
        free(host->keys[i].secret);
        json_decref(host->keys[i].routes);
        json_decref(host->keys[i].profiles);
        tool_policy_unref(host->keys[i].policy);
    }
    free(host->keys);
}

static void free_slots(struct koine_test_host *host) {
    while (host->slots) {
        struct slot_class *class = host->slots;
        host->slots = class->next;
        free(class->name);
        free(class);
    }
}

static void free_texts(struct koine_test_host *host) {
    for (size_t i = 0; i < host->finding_count; i++)
        free((void *)(uintptr_t)host->findings[i].as.text);
    free(host->findings);
    free(host->path);
    free(host->settings_text);
    free(host->openapi);
    free(host->schema);
    buffer_finish(&host->log);
    buffer_finish(&host->route_names);
    json_decref(host->settings);
    json_decref(host->profiles);
    json_decref(host->profiles_without_key);
    json_decref(host->sessions);
    json_decref(host->scripts);
    json_decref(host->script_always);
    json_decref(host->records);
    json_decref(host->kept);
}

void host_free(struct koine_test_host *host) {
    if (host->state_directory)
        nftw(host->state_directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(host->state_directory);
    posts_finish(host);
    for (size_t i = 0; i < host->answer_count; i++)
        request_free(host->answers[i]);
    free(host->answers);
    for (int kind = HANDLE_REQUEST; kind < HANDLE_KINDS; kind++) {
        handles_destroy(host->handles[kind]);
        free(host->issued[kind].ids);
    }
    router_destroy(host->router);
    metrics_destroy(host->metrics);
    free_keys(host);
    free_slots(host);
    free_texts(host);
    close(host->wake_fd);
    pthread_mutex_destroy(&host->lock);
    host->magic = 0;
    free(host); /* the library stays: threads of its may still run */
}

size_t koine_test_host_destroy(struct koine_test_host *host) {
    if (!host)
        return 0;
    koine_test_stop(host);
    size_t count = koine_test_finding_count(host);
    koine_test_report(host, stderr);
    host_free(host);
    return count;
}

/* ---- what is asked about the module */

uint64_t koine_test_now_ms(const struct koine_test_host *host) {
    return host->now_ms - FIRST_MOMENT_MS;
}

const char *koine_test_module_name(const struct koine_test_host *host) {
    return host_module_name(host);
}

const char *koine_test_openapi(struct koine_test_host *host) {
    return host->openapi;
}

const char *koine_test_config_schema(struct koine_test_host *host) {
    return host->schema;
}

const char *koine_test_route(struct koine_test_host *host, size_t index) {
    const char *name = buffer_text(&host->route_names);
    for (; *name && index > 0; index--)
        name += strcspn(name, "\n") + 1;
    return *name ? host_keep(host, (struct koine_text){name, strcspn(name, "\n")}) : NULL;
}
