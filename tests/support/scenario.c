/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies for the stand-in CLI and the questions that most end-to-end tests ask. */
#include "support/scenario.h"

#include "support/scratch_directory.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

json_t *quoted_json(const char *text) {
    char *copy = scratch_text("%s", text);
    json_error_t error;
    for (char *at = copy; (at = strchr(at, '\'')); at++)
        *at = '"';
    json_t *json = json_loads(copy, JSON_DECODE_ANY, &error);
    ck_assert_msg(json != NULL, "%s: %s", text, error.text);
    free(copy);
    return json;
}

json_t *scenario_body(const char *scenario, const char *fields) {
    json_t *script = quoted_json(scenario), *body = fields ? quoted_json(fields) : json_object();
    char *text = json_dumps(script, JSON_COMPACT);
    json_object_set_new(body, "prompt", json_sprintf("standin:%s", text));
    free(text);
    json_decref(script);
    return body;
}

struct http_response generate(const struct gateway *gateway, const char *scenario,
                              const char *fields) {
    return http_post(gateway, "/generate-text", scenario_body(scenario, fields));
}

struct http_call *generate_begin(const struct gateway *gateway, const char *scenario,
                                 const char *fields) {
    return http_begin_post(gateway, "/generate-text", scenario_body(scenario, fields));
}

struct http_response generate_raw(const struct gateway *gateway, const char *body) {
    return http_send(
        gateway, &(struct http_request){.path = "/generate-text", .method = "POST", .body = body});
}

json_t *echoed(const struct http_response *response) {
    http_assert_status(response, 200);
    const char *text = http_string(response, "text");
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    ck_assert_msg(json != NULL, "no JSON was echoed: %s", text);
    return json;
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void await_active_slots(const struct gateway *gateway, int active, unsigned timeout_ms) {
    uint64_t until = now_ms() + timeout_ms;
    json_int_t seen;
    do {
        struct http_response health = http_get(gateway, "/health");
        seen = http_integer(&health, "concurrency.nonStreaming.active");
        http_response_finish(&health);
    } while (seen != active && now_ms() < until);
    ck_assert_msg(seen == active, "%d slots are taken after %u ms, expected %d", (int)seen,
                  timeout_ms, active);
}
