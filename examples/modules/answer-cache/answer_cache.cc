/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /cached-answer: a prompt as text in, the answer as text out; a prompt that this key has sent
 * before is answered from memory, without a run of the CLI and without a slot.
 * No tool may be used, so an answer depends on the prompt alone. Sessions are not offered.
 * Needs the ABI headers and the C++ standard library, nothing else.
 */
#include "border.h"
#include "cache.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

namespace {

/* openapi.yaml as bytes in the module; the Makefile says where it is. */
__asm__(".pushsection .rodata\n"
        "openapi: .incbin \"" OPENAPI_YAML "\"\n"
        "openapi_end:\n"
        ".balign 8\n"
        "openapi_size: .8byte openapi_end - openapi\n"
        ".popsection\n");
extern "C" const char openapi[];
extern "C" const std::uint64_t openapi_size;

constexpr std::string_view config_schema = R"({
    "type": "object",
    "additionalProperties": false,
    "properties": {
        "max_entries": {"type": "integer", "minimum": 1, "maximum": 1000000},
        "max_age_s": {"type": "integer", "minimum": 1, "maximum": 31536000}
    }
})";

/* The state of the module: made by create, gone with destroy, members and all. */
struct Module {
    const koine_host *host;
    const koine_http *http = nullptr;
    const koine_runner *runner = nullptr;
    const koine_tools *tools = nullptr;
    const koine_auth *auth = nullptr;
    const koine_config *config = nullptr;
    const koine_loop *loop = nullptr;
    const koine_metrics *metrics = nullptr;
    koine_metric hits{}, misses{}, entries{};
    Cache cache;
};

/* One run: what is known when the answer comes. Deleted with END, which comes once, always. */
struct Pending {
    Module &module;
    std::string question;
};

/* The host's answer to a refusal of its own (a full slot class, say), in the form of the route. */
void fail(const Module &module, koine_request request, const koine_failure &failure) {
    module.http->fail(module.host, request, &failure);
}

void fail_internal(const Module &module, koine_request request, std::int32_t result) {
    auto failure = sized<koine_failure>();
    failure.status = 500;
    failure.code = KOINE_TEXT("INTERNAL_ERROR");
    failure.message = result == KOINE_NO_MEMORY ? KOINE_TEXT("The gateway is out of memory.")
                                                : KOINE_TEXT("The answer cache failed.");
    fail(module, request, failure);
}

void answer(const Module &module, koine_request request, std::string_view body,
            std::string_view state, std::uint64_t age_s) {
    const auto age = std::to_string(age_s);
    module.http->set_header(module.host, request, KOINE_TEXT("X-Cache"), text(state));
    module.http->set_header(module.host, request, KOINE_TEXT("Age"), text(age));
    module.http->respond(module.host, request, 200, KOINE_TEXT("text/plain; charset=utf-8"),
                         text(body));
}

/* Keys see their own answers only: the key's name is part of what is looked for. */
std::string question_of(const Module &module, koine_request request) {
    koine_text key{}, body{};
    module.auth->key_name(module.host, request, &key);
    module.http->body(module.host, request, &body);
    std::string question(view(key));
    question += '\n'; /* no name holds one */
    question += view(body);
    return question;
}

bool answer_from_memory(Module &module, koine_request request, const std::string &question) {
    koine_text control{};
    module.http->header(module.host, request, "Cache-Control", &control);
    if (view(control) == "no-cache")
        return false; /* the client wants a fresh one */
    const auto now_ms = module.loop->now_ms(module.host);
    const Cache::Entry *entry = module.cache.find(question, now_ms);
    if (!entry)
        return false;
    module.metrics->add(module.host, module.hits, 1);
    answer(module, request, entry->answer, "hit", (now_ms - entry->stored_ms) / 1000);
    return true;
}

void keep_and_answer(Pending &pending, const koine_run_event &event) {
    auto &module = pending.module;
    const auto body = view(event.result->text);
    module.cache.store(std::move(pending.question), body, module.loop->now_ms(module.host));
    module.metrics->set(module.host, module.entries, static_cast<double>(module.cache.size()));
    answer(module, event.request, body, "miss", 0);
}

/* ---- what the host calls: C linkage, and nothing outside of guarded() that could throw */

extern "C" {

static void on_event(void *data, const koine_run_event *event) {
    auto *pending = static_cast<Pending *>(data);
    if (event->type == KOINE_RUN_RESULT) {
        const auto result = guarded([&] {
            keep_and_answer(*pending, *event);
            return KOINE_OK;
        });
        if (result != KOINE_OK)
            fail_internal(pending->module, event->request, result);
    } else if (event->type == KOINE_RUN_FAILURE) {
        fail(pending->module, event->request, *event->failure);
    } else if (event->type == KOINE_RUN_END) {
        delete pending;
    }
}

static void handle(void *self, koine_request request) {
    auto &module = *static_cast<Module *>(self);
    const auto result = guarded([&]() -> std::int32_t {
        auto pending = std::make_unique<Pending>(Pending{module, question_of(module, request)});
        if (answer_from_memory(module, request, pending->question))
            return KOINE_OK;
        module.metrics->add(module.host, module.misses, 1);
        auto options = sized<koine_run_options>();
        auto failure = sized<koine_failure>();
        const koine_text all = KOINE_TEXT("*");
        koine_run run;
        module.http->body(module.host, request, &options.prompt);
        auto refused = module.tools->narrow(module.host, request, nullptr, 0, &all, 1, &failure);
        if (refused == KOINE_OK)
            refused = module.runner->start(module.host, request, &options, on_event, pending.get(),
                                           &run, &failure);
        if (refused == KOINE_OK)
            pending.release(); /* on_event has it now */
        else
            fail(module, request, failure);
        return KOINE_OK;
    });
    if (result != KOINE_OK)
        fail_internal(module, request, result);
}

static std::int32_t create(const koine_host *host, void **self) {
    return guarded([&] {
        auto module = std::make_unique<Module>();
        module->host = host;
        *self = module.release();
        return KOINE_OK;
    });
}

static void destroy(void *self) {
    delete static_cast<Module *>(self);
}

} // extern "C"

/* ---- init: services, settings, metrics, the route */

template <typename Service> bool find(const Module &module, const char *id, const Service *&out) {
    out = static_cast<const Service *>(module.host->service(module.host, id));
    return out != nullptr;
}

bool find_services(Module &module) {
    return find(module, KOINE_HTTP, module.http) && find(module, KOINE_RUNNER, module.runner) &&
           find(module, KOINE_TOOLS, module.tools) && find(module, KOINE_AUTH, module.auth) &&
           find(module, KOINE_CONFIG, module.config) && find(module, KOINE_LOOP, module.loop) &&
           find(module, KOINE_METRICS, module.metrics);
}

void read_settings(Module &module) {
    std::int64_t max_entries = 1000, max_age_s = 3600; /* unchanged when they are not given */
    module.config->integer(module.host, "max_entries", &max_entries);
    module.config->integer(module.host, "max_age_s", &max_age_s);
    module.cache.configure(static_cast<std::size_t>(max_entries),
                           static_cast<std::uint64_t>(max_age_s) * 1000);
}

bool define(const Module &module, std::uint32_t type, const char *name, const char *help,
            koine_metric &metric) {
    auto options = sized<koine_metric_options>();
    options.type = type;
    options.name = name;
    options.help = help;
    return module.metrics->define(module.host, &options, &metric) == KOINE_OK;
}

bool define_metrics(Module &module) {
    return define(module, KOINE_METRIC_COUNTER, "hits_total", "Answers from memory.",
                  module.hits) &&
           define(module, KOINE_METRIC_COUNTER, "misses_total", "Answers by a run.",
                  module.misses) &&
           define(module, KOINE_METRIC_GAUGE, "entries", "Answers in memory.", module.entries);
}

std::int32_t add_route(const Module &module) {
    auto route = sized<koine_route>();
    route.method = "POST";
    route.path = "/cached-answer";
    route.slot_class = KOINE_SLOT_NONSTREAMING; /* taken by a run, so only by a miss */
    route.handler = handle;
    return module.http->route(module.host, &route);
}

/* The host's buffer: cut to fit, terminated. */
void explain(koine_error &error, std::string_view sentence) {
    const auto size = std::min<std::size_t>(sentence.size(), error.capacity - 1);
    std::memcpy(error.message, sentence.data(), size);
    error.message[size] = '\0';
}

extern "C" {

static std::int32_t init(void *self, koine_text, koine_error *error) {
    auto &module = *static_cast<Module *>(self);
    return guarded([&]() -> std::int32_t {
        if (!find_services(module)) {
            explain(*error, "this gateway lacks a service that the module needs");
            return KOINE_UNSUPPORTED;
        }
        read_settings(module);
        if (!define_metrics(module)) {
            explain(*error, "the metrics were refused");
            return KOINE_INVALID;
        }
        const auto result = add_route(module);
        if (result != KOINE_OK)
            explain(*error, "the route POST /cached-answer was refused");
        return result;
    });
}

static const void *extension(void *, const char *id) {
    static constexpr koine_document schema{
        sizeof(koine_document), 0, {config_schema.data(), config_schema.size()}};
    static const koine_document fragment{sizeof(koine_document), 0, {openapi, openapi_size}};
    if (id == std::string_view(KOINE_EXTENSION_CONFIG_SCHEMA))
        return &schema;
    return id == std::string_view(KOINE_EXTENSION_OPENAPI) ? &fragment : nullptr;
}

} // extern "C"

/* A function of the same name stands in the way of `koine_module` as a type: hence `struct`. */
constexpr struct koine_module describe() {
    struct koine_module module {};
    module.magic = KOINE_MODULE_MAGIC;
    module.abi_major = KOINE_ABI_MAJOR;
    module.abi_minor = KOINE_ABI_MINOR;
    module.size = sizeof(struct koine_module);
    module.name = "answer-cache";
    module.version = "1.0.0";
    module.summary = "POST /cached-answer: repeated prompts are answered from memory";
    module.create = create;
    module.init = init;
    module.destroy = destroy;
    module.extension = extension;
    return module;
}

constexpr struct koine_module descriptor = describe();

} // namespace

const struct koine_module *koine_module() {
    return &descriptor;
}
