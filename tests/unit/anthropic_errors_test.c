/* SPDX-License-Identifier: Apache-2.0 */
/* The module `anthropic`: refusals of the host in the form of the API, however long they are. */
#include "../../modules/anthropic/errors.h"
#include "support/test_main.h"

#include <jansson.h>
#include <string.h>

static struct koine_text text_of(const char *string) {
    return (struct koine_text){string, strlen(string)};
}

/* What is rendered, read; NULL: it was not. */
static json_t *rendered(uint16_t status, const char *code, const char *message, size_t capacity) {
    const struct koine_failure failure = {.size = sizeof(failure),
                                          .status = status,
                                          .code = text_of(code),
                                          .message = text_of(message)};
    const char *type = "unchanged";
    char *out = malloc(capacity ? capacity : 1);
    size_t length = 0;
    json_t *json = NULL;
    if (error_render(NULL, &failure, out, capacity, &length, &type) == KOINE_OK) {
        ck_assert_uint_le(length, capacity);
        json = json_loadb(out, length, 0, NULL);
        ck_assert_msg(json != NULL, "no JSON: %.*s", (int)length, out);
    }
    ck_assert_str_eq(type, "unchanged");
    free(out);
    return json;
}

static const char *at(const json_t *json, const char *name) {
    return json_string_value(json_object_get(json_object_get(json, "error"), name));
}

static const struct {
    uint16_t status;
    const char *type;
} types[] = {
    {400, "invalid_request_error"},
    {401, "authentication_error"},
    {402, "billing_error"},
    {403, "permission_error"},
    {404, "not_found_error"},
    {405, "invalid_request_error"},
    {409, "invalid_request_error"},
    {413, "request_too_large"},
    {415, "invalid_request_error"},
    {429, "rate_limit_error"},
    {500, "api_error"},
    {501, "api_error"},
    {502, "api_error"},
    {503, "overloaded_error"},
    {504, "timeout_error"},
    {529, "overloaded_error"},
    {431, "invalid_request_error"},
    {599, "api_error"},
};

START_TEST(each_status_has_its_type)
{
    json_t *json = rendered(types[_i].status, "CODE", "A \"sentence\".", 4096);
    ck_assert_str_eq(json_string_value(json_object_get(json, "type")), "error");
    ck_assert_str_eq(at(json, "type"), types[_i].type);
    ck_assert_str_eq(at(json, "message"), "A \"sentence\".");
    ck_assert(json_is_null(json_object_get(json, "request_id")));
    ck_assert_ptr_null(json_object_get(json_object_get(json, "error"), "details"));
    json_decref(json);
}
END_TEST

/* The host brings room for twice the sentence; escapes can take six times of it. */
START_TEST(a_sentence_that_does_not_fit_is_cut_between_characters)
{
    char message[3001];
    for (size_t i = 0; i < 3000; i += 3)
        memcpy(message + i, "\001ä", 3);
    message[3000] = '\0';
    json_t *json = rendered(400, "CODE", message, 4096);
    const char *kept = at(json, "message");
    ck_assert_uint_gt(strlen(kept), 500);
    ck_assert_int_eq(strncmp(kept, message, strlen(kept)), 0);
    json_decref(json);
    for (size_t capacity = 256; capacity < 600; capacity++) {
        json = rendered(400, "CODE", message, capacity);
        ck_assert_msg(json != NULL, "not in %zu bytes", capacity);
        json_decref(json);
    }
}
END_TEST

START_TEST(without_room_the_host_uses_its_own_form)
{
    ck_assert_ptr_null(rendered(400, "CODE", "A sentence.", 0));
    ck_assert_ptr_null(rendered(400, "CODE", "A sentence.", 40));
}
END_TEST

START_TEST(an_unsupported_thread_has_details)
{
    json_t *json = rendered(400, "THREAD_UNSUPPORTED", "thread: is not supported", 4096);
    const json_t *details = json_object_get(json_object_get(json, "error"), "details");
    ck_assert_str_eq(json_string_value(json_object_get(details, "error_code")),
                     "thread_unsupported_request");
    json_decref(json);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("anthropic_errors");
    TCase *tcase = tcase_create("anthropic_errors");
    tcase_add_loop_test(tcase, each_status_has_its_type, 0, sizeof(types) / sizeof(*types));
    tcase_add_test(tcase, a_sentence_that_does_not_fit_is_cut_between_characters);
    tcase_add_test(tcase, without_room_the_host_uses_its_own_form);
    tcase_add_test(tcase, an_unsupported_thread_has_details);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
