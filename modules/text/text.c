/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /generate-text: one prompt in, the whole answer out as JSON.
 * Streams nothing and knows no schema; keys, slots, time limits and clients that leave are the
 * host's affair.
 */
#include "module/embed.h"
#include "module/generate.h"
#include <koine/koine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

KOINE_EMBED(text_openapi, "modules/text/openapi.yaml");

struct text {
    const struct koine_host *host;
    const struct koine_http *http;
    const struct koine_tools *tools;
    const struct koine_runner *runner;
    struct koine_document openapi;
};

struct text_body {
    struct koine_generate common;
};

static const struct koine_body_field fields[] = {
    KOINE_GENERATE_FIELDS(struct text_body, common),
};

/* ---- the answer -------------------------------------------------------------------------- */

static json_t *string_or_null(struct koine_text text) {
    return text.size ? json_stringn(text.data, text.size) : json_null();
}

/* The CLI's own list; a tool's input in it may hold any text. */
static json_t *permission_denials(struct koine_text denials) {
    json_t *list =
        denials.size ? json_loadb(denials.data, denials.size, JSON_ALLOW_NUL, NULL) : json_array();
    return list ? list : json_array();
}

/* malloc'd; NULL when memory is short. */
static char *answer_json(const struct koine_run_result *result) {
    json_t *answer = json_pack(
        "{s:o,s:o,s:o,s:f,s:o,s:I,s:I,s:o}", "text",
        json_stringn(result->text.data ? result->text.data : "", result->text.size), "usage",
        koine_generate_usage(&result->usage), "sessionId", string_or_null(result->session_id),
        "costUsd", result->cost_usd, "model", string_or_null(result->model), "numTurns",
        (json_int_t)result->num_turns, "durationMs", (json_int_t)result->duration_ms,
        "permissionDenials", permission_denials(result->permission_denials));
    /* 15 digits: 0.0123 stays 0.0123. */
    char *json = answer ? json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(answer);
    return json;
}

static void answer(const struct text *self, koine_request request,
                   const struct koine_run_result *result) {
    char *json = answer_json(result);
    if (json) {
        self->http->respond(self->host, request, 200, (struct koine_text){NULL, 0},
                            (struct koine_text){json, strlen(json)});
    } else {
        struct koine_failure failure = {
            .size = sizeof(failure),
            .status = 500,
            .code = KOINE_TEXT("INTERNAL_ERROR"),
            .message = KOINE_TEXT("The answer could not be written: memory is short"),
        };
        self->http->fail(self->host, request, &failure);
    }
    free(json);
}

static void on_event(void *data, const struct koine_run_event *event) {
    const struct text *self = data;
    if (event->type == KOINE_RUN_RESULT)
        answer(self, event->request, event->result);
    else if (event->type == KOINE_RUN_FAILURE)
        self->http->fail(self->host, event->request, event->failure);
}

/* ---- the request ------------------------------------------------------------------------- */

static void handle(void *data, koine_request request) {
    struct text *self = data;
    struct text_body body = {0};
    const struct koine_generate *common = &body.common;
    if (!koine_generate_parse(self->host, request, fields, sizeof(fields) / sizeof(fields[0]),
                              &body, common))
        return;
    struct koine_run_options options = koine_generate_options(common);
    struct koine_failure failure = {.size = sizeof(failure)};
    koine_run run;
    if (self->tools->narrow(self->host, request, common->allowed_tools.items,
                            common->allowed_tools.count, common->disallowed_tools.items,
                            common->disallowed_tools.count, &failure) != KOINE_OK ||
        self->runner->start(self->host, request, &options, on_event, self, &run, &failure) !=
            KOINE_OK)
        self->http->fail(self->host, request, &failure);
}

/* ---- the module -------------------------------------------------------------------------- */

static int32_t create(const struct koine_host *host, void **out) {
    struct text *self = calloc(1, sizeof(*self));
    if (!self)
        return KOINE_NO_MEMORY;
    self->host = host;
    self->openapi = (struct koine_document){
        .size = sizeof(self->openapi),
        .text = {text_openapi, (size_t)text_openapi_size},
    };
    *out = self;
    return KOINE_OK;
}

static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    static const struct koine_route route = {
        .size = sizeof(route),
        .method = "POST",
        .path = "/generate-text",
        .slot_class = KOINE_SLOT_NONSTREAMING,
        .handler = handle,
    };
    struct text *self = data;
    const struct koine_host *host = self->host;
    (void)config;
    self->http = host->service(host, KOINE_HTTP);
    self->tools = host->service(host, KOINE_TOOLS);
    self->runner = host->service(host, KOINE_RUNNER);
    if (!self->http || !self->tools || !self->runner) {
        snprintf(error->message, error->capacity, "this gateway lacks %s",
                 !self->http    ? KOINE_HTTP
                 : !self->tools ? KOINE_TOOLS
                                : KOINE_RUNNER);
        return KOINE_UNSUPPORTED;
    }
    int32_t result = self->http->route(host, &route);
    if (result != KOINE_OK)
        snprintf(error->message, error->capacity, "POST /generate-text cannot be registered (%d)",
                 (int)result);
    return result;
}

static const void *extension(void *data, const char *id) {
    struct text *self = data;
    return strcmp(id, KOINE_EXTENSION_OPENAPI) ? NULL : &self->openapi;
}

const struct koine_module *koine_module(void) {
    static const struct koine_module module = {
        .magic = KOINE_MODULE_MAGIC,
        .abi_major = KOINE_ABI_MAJOR,
        .abi_minor = KOINE_ABI_MINOR,
        .size = sizeof(module),
        .name = "text",
        .version = KOINE_VERSION,
        .summary = "POST /generate-text: a whole answer as text",
        .create = create,
        .init = init,
        .destroy = free,
        .extension = extension,
    };
    return &module;
}
