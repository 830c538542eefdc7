/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The quick reading of frequent lines must tell exactly what the parser would. A blank before a
 * line means nothing in JSON but keeps it from being read quickly: so both can be compared.
 */
#include "cli_output_fixture.h"

#define HEAD "{\"type\":\"stream_event\",\"event\":{\"type\":\"content_block_delta\",\"index\":0,"
#define TEXT HEAD "\"delta\":{\"type\":\"text_delta\",\"text\":\""
#define OLDER                                                                                      \
    "\"}},\"session_id\":\"5b1c2f7e-0000-8000-8000-0123456789ab\",\"parent_tool_use_id\":null,"    \
    "\"uuid\":\"c0e7a8b1-63ac-430b-9239-a36852625f9c\"}"
#define NEWER                                                                                      \
    "\"}},\"session_id\":\"5b1c2f7e-0000-8000-8000-0123456789ab\",\"parent_tool_use_id\":null,"    \
    "\"uuid\":\"23dd3fa7\",\"thinking_display\":\"updates\",\"api_message_id\":\"msg_9\","         \
    "\"ttft_ms\":19}"

static bool is_read_quickly(struct told *told, const char *line) {
    char *copy = strdup(line);
    ck_assert_ptr_nonnull(copy);
    bool quickly = cli_output_fast(told->output, copy, strlen(copy));
    ck_assert_msg(quickly || strcmp(copy, line) == 0, "changed though not understood: %s", line);
    free(copy);
    return quickly;
}

START_TEST(what_the_cli_writes_is_read_quickly)
{
    static const struct {
        const char *line;
        const char *tells;
    } lines[] = {
        {TEXT "Hello" OLDER, "text Hello\n"},
        {TEXT "Hello" NEWER, "text Hello\n"},
        {TEXT "Grüße 😀 日本" NEWER, "text Grüße 😀 日本\n"},
        {TEXT "\\\"\\\\\\/\\b\\f\\n\\r\\t" OLDER, "text \"\\/\b\f\n\r\t\n"},
        {TEXT "\\u00fc\\u65e5\\ud83d\\uDE00\\u0041" OLDER, "text ü日😀A\n"},
        {TEXT OLDER, ""},
        {HEAD "\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hmm" OLDER, "thinking hmm\n"},
        {HEAD "\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"n" OLDER,
         "delta {\"n\n"},
    };
    struct told told;
    told_init(&told);
    told.output->structured_index = 0;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ck_assert_msg(is_read_quickly(&told, lines[i].line), "not read quickly: %s", lines[i].line);
        ck_assert_str_eq(told_take(&told), lines[i].tells);
    }
    told_finish(&told);
}
END_TEST

START_TEST(anything_else_is_left_to_the_parser)
{
    static const char *const lines[] = {
        "",
        "{}",
        " " TEXT "x" OLDER,
        TEXT "x" OLDER " ",
        TEXT "x" OLDER "}",
        TEXT "x",
        TEXT "x\\",
        TEXT "\\x" OLDER,
        TEXT "\\u12" OLDER,
        TEXT "\\ud83d" OLDER,
        TEXT "\\ude00" OLDER,
        TEXT "\\ud83d\\u0041" OLDER,
        TEXT "\xFF" OLDER,
        TEXT "\xED\xA0\xBD" OLDER,
        TEXT "\x01" OLDER,
        TEXT "x\"}}",
        TEXT "x\"}},\"parent_tool_use_id\":\"toolu_1\"}",
        TEXT "x\"}},\"parent_tool_use_id\":null,\"parent_tool_use_id\":\"toolu_1\"}",
        TEXT "x\"}},\"p\\u0061rent_tool_use_id\":\"toolu_1\"}",
        TEXT "x\"}},\"type\":\"result\"}",
        TEXT "x\"}},\"event\":{}}",
        TEXT "x\"}},\"more\":{}}",
        TEXT "x\"}},\"more\":01}",
        TEXT "x\"}},\"more\":-1}",
        TEXT "x\"}},\"more\":1.5}",
        TEXT "x\"}},\"more\":99999999999999999999}",
        TEXT "x\",\"more\":1}},\"uuid\":\"\"}",
        HEAD "\"delta\":{\"type\":\"signature_delta\",\"signature\":\"x" OLDER,
    };
    struct told told;
    told_init(&told);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ck_assert_msg(!is_read_quickly(&told, lines[i]), "read quickly: %s", lines[i]);
        ck_assert_str_eq(told_take(&told), "");
    }
    told_finish(&told);
}
END_TEST

/* ---- both ways tell the same */

static uint32_t state;

static uint32_t random_below(uint32_t limit) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % limit;
}

struct made {
    char text[4096];
    size_t size;
};

static void put(struct made *line, const char *data, size_t size) {
    ck_assert_uint_le(line->size + size, sizeof line->text);
    memcpy(line->text + line->size, data, size);
    line->size += size;
}

#define PICK(line, choices)                                                                        \
    do {                                                                                           \
        const char *choice = (choices)[random_below(sizeof(choices) / sizeof *(choices))];         \
        put(line, choice, strlen(choice));                                                         \
    } while (0)

static void make_line(struct made *line) {
    static const char *const indexes[] = {"0",
                                          "0",
                                          "1",
                                          "7",
                                          "00",
                                          "-1",
                                          "1.0",
                                          "999999999999999",
                                          "9999999999999999",
                                          "99999999999999999999"};
    static const char *const kinds[] = {"{\"type\":\"text_delta\",\"text\":\"",
                                        "{\"type\":\"input_json_delta\",\"partial_json\":\"",
                                        "{\"type\":\"thinking_delta\",\"thinking\":\"",
                                        "{\"type\":\"citations_delta\",\"text\":\""};
    static const char *const pieces[] = {
        "plain ",  "eightby8",
        "ü",       "日",
        "😀",       "\\n",
        "\\\"",    "\\\\",
        "\\/",     "\\u00fc",
        "\\u0000", "\\ud83d",
        "\\ude00", "\\ud83d\\ude00",
        "\\uFFFF", "\xFF",
        "\xC3",    "\xF0\x9F",
        "\x7F",    "\x1F",
        "\\x",     "\\u12",
        "\"",      "a long piece of plain text, as most of them are; "};
    static const char *const tails[] = {
        OLDER,
        NEWER,
        "\"}},\"parent_tool_use_id\":null}",
        "\"}},\"parent_tool_use_id\":\"toolu_1\"}",
        "\"}},\"x\":true,\"y\":false,\"z\":0,\"s\":\"\\ud83d\"}",
        "\"}},\"x\":\"\",\"x\":12,\"\":null}",
        "\"}},\"type\":\"assistant\"}",
        "\"}}}",
        "\"}}",
        "\"},\"type\":\"message_stop\"}}",
    };
    line->size = 0;
    put(line, "{\"type\":\"stream_event\",\"event\":{\"type\":\"content_block_delta\",\"index\":",
        sizeof(
            "{\"type\":\"stream_event\",\"event\":{\"type\":\"content_block_delta\",\"index\":") -
            1);
    PICK(line, indexes);
    put(line, ",\"delta\":", 9);
    PICK(line, kinds);
    for (uint32_t count = random_below(6); count > 0; count--) {
        PICK(line, pieces);
    }
    PICK(line, tails);
    if (random_below(4) == 0) {
        line->text[random_below((uint32_t)line->size)] = (char)random_below(256);
    }
}

static void compare(struct told *quick, struct told *slow, const struct made *line) {
    static char blank[sizeof line->text + 1];
    blank[0] = ' ';
    memcpy(blank + 1, line->text, line->size);
    quick->output->structured_index = slow->output->structured_index = 1;
    size_t quick_from = quick->size;
    size_t slow_from = slow->size;
    ck_assert_int_eq(told_bytes(quick, line->text, line->size), 0);
    ck_assert_int_eq(told_bytes(slow, blank, line->size + 1), 0);
    fflush(quick->to);
    fflush(slow->to);
    const char *told = quick->text + quick_from;
    const char *expected = slow->text + slow_from;
    size_t told_size = quick->size - quick_from;
    size_t expected_size = slow->size - slow_from;
    if (expected_size > 6 && strncmp(expected, "stray ", 6) == 0) { /* with the blank in it */
        expected_size = told_size = 6;
    }
    ck_assert_msg(told_size == expected_size && memcmp(told, expected, told_size) == 0,
                  "line %.*s\ntold     %.*s\nexpected %.*s", (int)line->size, line->text,
                  (int)told_size, told, (int)expected_size, expected);
}

START_TEST(both_ways_tell_the_same)
{
    static struct made line;
    struct told quick;
    struct told slow;
    int quickly = 0;
    const int lines = getenv("KOINE_VALGRIND") ? 1000 : 4000;
    told_init(&quick);
    told_init(&slow);
    state = (uint32_t)_i + 1;
    for (int i = 0; i < lines; i++) {
        make_line(&line);
        compare(&quick, &slow, &line);
        char *copy = strndup(line.text, line.size);
        quickly += cli_output_fast(quick.output, copy, strlen(copy));
        fflush(quick.to);
        free(copy);
    }
    ck_assert_int_gt(quickly, lines / 20); /* else this compared the parser with itself */
    told_finish(&quick);
    told_finish(&slow);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cli_output_fast");
    TCase *layout = tcase_create("layout");
    tcase_set_timeout(layout, 60);
    tcase_add_test(layout, what_the_cli_writes_is_read_quickly);
    tcase_add_test(layout, anything_else_is_left_to_the_parser);
    tcase_add_loop_test(layout, both_ways_tell_the_same, 0, 4);
    suite_add_tcase(suite, layout);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
