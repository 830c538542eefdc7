/* SPDX-License-Identifier: Apache-2.0 */
/* What a module may hand to a run as JSON: only what has passed here is written to the CLI. */
#include "runner/run_options.h"
#include "support/test_main.h"
#include <string.h>

static struct run_options_problem problem;

static bool passes(const struct koine_run_options *options) {
    problem = (struct run_options_problem){"", ""};
    json_t *messages;
    bool good = run_options_check(options, &messages, &problem);
    ck_assert_int_eq(messages != NULL, good && options->history.data != NULL);
    json_decref(messages);
    return good;
}

static void refuse_blocks(struct koine_text blocks) {
    const struct koine_run_options options = {.size = sizeof(options), .prompt_blocks = blocks};
    ck_assert_msg(!passes(&options), "%.*s: taken", (int)blocks.size, blocks.data);
    ck_assert_str_eq(problem.field, "prompt");
    ck_assert_str_eq(problem.message, "must be a JSON array that is not empty");
}

START_TEST(blocks_are_a_json_array_that_is_not_empty)
{
    refuse_blocks(KOINE_TEXT("{}"));
    refuse_blocks(KOINE_TEXT("[]"));
    refuse_blocks(KOINE_TEXT(" [ ] "));
    refuse_blocks(KOINE_TEXT("[1"));
    refuse_blocks(KOINE_TEXT("[1] []"));
    refuse_blocks(KOINE_TEXT("[1]\0"));
    refuse_blocks(KOINE_TEXT("[\"\xFF\"]"));
    refuse_blocks(KOINE_TEXT("\"text\""));
    refuse_blocks(KOINE_TEXT(""));
}
END_TEST

START_TEST(blocks_may_hold_whatever_json_can)
{
    const struct koine_run_options options = {
        .size = sizeof(options),
        .prompt_blocks =
            KOINE_TEXT(" [ {\"n\":123456789012345678901234567890,\"n\":\"\\u0000\"}\n] ")};
    ck_assert_msg(passes(&options), "%s", problem.message);
}
END_TEST

static const char image[] = "[{\"type\":\"image\",\"data\":\"\"}]";
enum { DATA_AT = sizeof(image) - sizeof("\"}]"), DATA_BYTES = 1000000 };

START_TEST(a_large_image_is_judged_like_a_small_one)
{
    const size_t size = sizeof(image) - 1 + DATA_BYTES;
    char *blocks = malloc(size);
    ck_assert_ptr_nonnull(blocks);
    memcpy(blocks, image, DATA_AT);
    memset(blocks + DATA_AT, 'x', DATA_BYTES);
    memcpy(blocks + DATA_AT + DATA_BYTES, image + DATA_AT, sizeof(image) - 1 - DATA_AT);
    const struct koine_run_options options = {.size = sizeof(options),
                                              .prompt_blocks = {blocks, size}};
    ck_assert_msg(passes(&options), "%s", problem.message);
    blocks[DATA_AT + DATA_BYTES / 2] = '\n';
    ck_assert(!passes(&options));
    blocks[DATA_AT + DATA_BYTES / 2] = '\xC3';
    ck_assert(!passes(&options));
    blocks[DATA_AT + DATA_BYTES / 2] = '"';
    ck_assert(!passes(&options));
    ck_assert_str_eq(problem.field, "prompt");
    free(blocks);
}
END_TEST

START_TEST(a_schema_is_a_json_object)
{
    struct koine_run_options options = {
        .size = sizeof(options), .prompt = KOINE_TEXT("hi"), .schema = KOINE_TEXT("{}")};
    ck_assert_msg(passes(&options), "%s", problem.message);
    options.schema = KOINE_TEXT("[]");
    ck_assert(!passes(&options));
    ck_assert_str_eq(problem.field, "schema");
    ck_assert_str_eq(problem.message, "must be a JSON Schema object");
}
END_TEST

START_TEST(the_messages_of_a_history_are_there_when_all_is_well)
{
    struct koine_run_options options = {
        .size = sizeof(options),
        .prompt = KOINE_TEXT("go on"),
        .history = KOINE_TEXT("[{\"role\":\"user\",\"content\":\"q\"},"
                              "{\"role\":\"assistant\",\"content\":\"a\"}]")};
    ck_assert_msg(passes(&options), "%s", problem.message);
    options.schema = KOINE_TEXT("[]");
    ck_assert(!passes(&options));
    options.schema = (struct koine_text){NULL, 0};
    options.history = KOINE_TEXT("[]");
    ck_assert(!passes(&options));
    ck_assert_str_eq(problem.field, "history");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        blocks_are_a_json_array_that_is_not_empty,
        blocks_may_hold_whatever_json_can,
        a_large_image_is_judged_like_a_small_one,
        a_schema_is_a_json_object,
        the_messages_of_a_history_are_there_when_all_is_well,
    };
    return test_main("run_options", NULL, NULL, tests, sizeof(tests) / sizeof(*tests));
}
