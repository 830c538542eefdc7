/* SPDX-License-Identifier: Apache-2.0 */
/* koine.tools/1, koine.slots/1, koine.auth/1, koine.config/1: what a request may, and the module's
 * section. */
#include "fixture.h"

#include <unistd.h>

void narrow(void *data, koine_request request) {
    struct page *page = page_new(data, request);
    struct guarded_failure failure = failure_new();
    struct koine_text body, text, denied = KOINE_TEXT("WebFetch");
    if (!page)
        return;
    struct fixture *self = page->self;
    self->http->body(self->host, request, &body);
    if (self->tools->narrow(self->host, request, &body, 1, &denied, 1, &failure.failure) !=
        KOINE_OK) {
        self->http->fail(self->host, request, failure_checked(&failure));
        return;
    }
    self->tools->effective(self->host, request, &text);
    page_add(page, "policy", text);
    page_add_number(page, "asked", self->tools->judge(self->host, request, body));
    page_add_number(page, "denied", self->tools->judge(self->host, request, denied));
    page_send(page);
}

void take_slot(void *data, koine_request request) {
    struct page *page = page_new(data, request);
    struct guarded_failure failure = failure_new();
    uint32_t active = 0, limit = 0;
    if (!page)
        return;
    struct fixture *self = page->self;
    if (self->slots->acquire(self->host, request, &failure.failure) != KOINE_OK) {
        self->http->fail(self->host, request, failure_checked(&failure));
        return;
    }
    self->slots->usage(self->host, "fixtureClass", &active, &limit);
    page_add_number(page, "active", active);
    page_add_number(page, "limit", limit);
    page_add_number(page, "released", self->slots->release(self->host, request));
    self->slots->usage(self->host, "fixtureClass", &active, &limit);
    page_add_number(page, "active", active);
    page_send(page);
}

/* A public route: a key is asked for here, and with ?act one is given. */
void who(void *data, koine_request request) {
    struct page *page = page_new(data, request);
    struct guarded_failure failure = failure_new();
    struct koine_text query, name = {NULL, 0};
    if (!page)
        return;
    struct fixture *self = page->self;
    self->http->query(self->host, request, &query);
    page_add_number(page, "before", self->auth->key_name(self->host, request, &name));
    int32_t result = query.size ? self->auth->act_as(self->host, request, "other", &failure.failure)
                                : self->auth->authenticate(self->host, request, &failure.failure);
    if (result != KOINE_OK) {
        self->http->fail(self->host, request, failure_checked(&failure));
        return;
    }
    self->auth->key_name(self->host, request, &name);
    page_add(page, "key", name);
    page_add_number(
        page, "session",
        self->auth->check_session(self->host, request, KOINE_TEXT("no-uuid"), &failure.failure));
    page_add(page, "code", failure_checked(&failure)->code);
    page_send(page);
}

void show_config(void *data, koine_request request) {
    struct page *page = page_new(data, request);
    struct koine_text text = KOINE_TEXT("default");
    int64_t integer = 0;
    double number = 0;
    int32_t boolean = 0;
    if (!page)
        return;
    struct fixture *self = page->self;
    const struct koine_config *config = self->config;
    config->text(self->host, "text", &text);
    page_add(page, "text", text);
    config->integer(self->host, "nested.integer", &integer);
    page_add_number(page, "integer", (double)integer);
    config->number(self->host, "number", &number);
    page_add_number(page, "number", number);
    config->boolean(self->host, "boolean", &boolean);
    page_add_number(page, "boolean", boolean);
    page_add_number(page, "missing", config->integer(self->host, "missing", &integer));
    config->section(self->host, &text);
    page_add(page, "section", text);
    page_add_number(page, "directory",
                    config->state_directory(self->host, &text) == KOINE_OK &&
                        access(text.data, W_OK) == 0);
    page_add_number(page, "started", self->started);
    page_add_number(page, "enabled", self->log->enabled(self->host, KOINE_LOG_ERROR) != 0);
    page_send(page);
}
