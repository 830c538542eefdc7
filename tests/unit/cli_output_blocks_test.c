/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages and their content blocks, as whoever repeats them to a client of the API needs them.
 */
#include "cli_output_fixture.h"

static struct told told;
static struct cli_output_callbacks callbacks;

static void on_message_begin(void *data, const struct koine_message *message) {
    struct told *to = data;
    fprintf(to->to, "begin %.*s in=%llu stop=%.*s\n", SHOWN(message->model),
            (unsigned long long)message->usage.input_tokens, SHOWN(message->stop_reason));
}

static void on_block_begin(void *data, const struct koine_block *block) {
    struct told *to = data;
    fprintf(to->to, "[%u %.*s id=%.*s name=%.*s %.*s\n", block->index, SHOWN(block->type),
            SHOWN(block->id), SHOWN(block->name), SHOWN(block->json));
}

static void on_block_delta(void *data, const struct koine_block *delta, struct koine_text piece) {
    struct told *to = data;
    fprintf(to->to, "+%u %.*s <%.*s> %.*s\n", delta->index, SHOWN(delta->type), SHOWN(piece),
            SHOWN(delta->json));
}

static void on_block_end(void *data, const struct koine_block *block) {
    struct told *to = data;
    fprintf(to->to, "]%u\n", block->index);
}

static void setup(void) {
    told_init(&told);
    callbacks = told_callbacks;
    callbacks.tool = NULL;
    callbacks.message_begin = on_message_begin;
    callbacks.block_begin = on_block_begin;
    callbacks.block_delta = on_block_delta;
    callbacks.block_end = on_block_end;
    cli_output_listen(told.output, &callbacks, &told);
}

static void teardown(void) {
    told_finish(&told);
}

#define MAIN ",\"session_id\":\"s\",\"parent_tool_use_id\":null,\"uuid\":\"c0e7a8b1\"}"
#define SUB ",\"session_id\":\"s\",\"parent_tool_use_id\":\"toolu_9\",\"uuid\":\"c0e7a8b1\"}"
#define EVENT "{\"type\":\"stream_event\",\"event\":"
#define DELTA(index, delta)                                                                        \
    EVENT "{\"type\":\"content_block_delta\",\"index\":" index ",\"delta\":" delta "}"
#define START(index, block)                                                                        \
    EVENT "{\"type\":\"content_block_start\",\"index\":" index ",\"content_block\":" block "}"
#define STOP(index) EVENT "{\"type\":\"content_block_stop\",\"index\":" index "}" MAIN
#define MESSAGE_START                                                                              \
    EVENT "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude-x-1\","    \
          "\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}}" MAIN
#define MESSAGE_STOP EVENT "{\"type\":\"message_stop\"}" MAIN
#define ASSISTANT(id, block)                                                                       \
    "{\"type\":\"assistant\",\"message\":{\"id\":\"" id                                            \
    "\",\"model\":\"claude-x-1\",\"content\":["                                                    \
    "" block "]},\"parent_tool_use_id\":null}"

#define TEXT "{\"type\":\"text\",\"text\":\"\"}"
#define BASH "{\"type\":\"tool_use\",\"id\":\"toolu_2\",\"name\":\"Bash\",\"input\":{}}"
#define STRUCTURED                                                                                 \
    "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"StructuredOutput\",\"input\":{}}"
#define SIGNATURE "{\"type\":\"signature_delta\",\"signature\":\"c3\\/Q=\"}"
#define INPUT "{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"ci\"}"
#define THINKING "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}"

START_TEST(a_message_of_three_blocks)
{
    expect(&told, MESSAGE_START, "begin claude-x-1 in=10 stop=\n");
    expect(&told, START("0", THINKING) MAIN, "[0 thinking id= name= " THINKING "\n");
    expect(&told, DELTA("0", "{\"type\":\"thinking_delta\",\"thinking\":\"hmm\"}") MAIN,
           "thinking hmm\n");
    expect(&told, DELTA("0", SIGNATURE) MAIN, "+0 signature_delta <c3/Q=> " SIGNATURE "\n");
    expect(&told, STOP("0"), "]0\n");
    expect(&told, START("1", TEXT) MAIN, "[1 text id= name= " TEXT "\n");
    expect(&told, DELTA("1", "{\"type\":\"text_delta\",\"text\":\"hi\"}") MAIN, "text hi\n");
    expect(&told, STOP("1"), "]1\n");
    expect(&told, START("2", BASH) MAIN, "[2 tool_use id=toolu_2 name=Bash " BASH "\n");
    expect(&told, DELTA("2", INPUT) MAIN, "+2 input_json_delta <{\"ci> " INPUT "\n");
    expect(&told, DELTA("2", "{\"type\":\"input_json_delta\",\"partial_json\":\"\"}") MAIN,
           "+2 input_json_delta <> {\"type\":\"input_json_delta\",\"partial_json\":\"\"}\n");
    expect(&told, STOP("2"), "]2\n");
    expect(&told,
           EVENT "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"}}" MAIN, "");
    expect(&told, MESSAGE_STOP, "message claude-x-1 tool_use tools=1 in=10 out=1\n");
}
END_TEST

START_TEST(blocks_and_deltas_of_types_yet_unknown_are_handed_on)
{
    static const char citation[] = "{\"type\":\"citations_delta\",\"citation\":{\"at\": 1.50}}";
    static const char redacted[] = "{\"type\":\"redacted_thinking\",\"data\":\"RUE=\"}";
    char line[512], expected[512];
    told_line(&told, MESSAGE_START);
    told_take(&told);
    snprintf(line, sizeof line, START("0", "%s") MAIN, redacted);
    snprintf(expected, sizeof expected, "[0 redacted_thinking id= name= %s\n", redacted);
    expect(&told, line, expected);
    snprintf(line, sizeof line, DELTA("0", "%s") MAIN, citation);
    snprintf(expected, sizeof expected, "+0 citations_delta <> %s\n", citation);
    expect(&told, line, expected);
}
END_TEST

START_TEST(structured_output_is_no_block)
{
    told_line(&told, MESSAGE_START);
    told_take(&told);
    expect(&told, START("0", STRUCTURED) MAIN, "object\n");
    expect(&told, DELTA("0", INPUT) MAIN, "delta {\"ci\n");
    expect(&told, DELTA("0", SIGNATURE) MAIN, "");
    expect(&told, STOP("0"), "");
    expect(&told, START("1", BASH) MAIN, "[1 tool_use id=toolu_2 name=Bash " BASH "\n");
    expect(&told, DELTA("1", INPUT) MAIN, "+1 input_json_delta <{\"ci> " INPUT "\n");
    expect(&told, START("2", STRUCTURED) MAIN, "]1\nobject\n");
}
END_TEST

START_TEST(sub_agents_have_no_blocks)
{
    told_line(&told, MESSAGE_START);
    told_line(&told, START("0", BASH) MAIN);
    told_take(&told);
    expect(&told, EVENT "{\"type\":\"message_start\",\"message\":{\"model\":\"small\"}}" SUB, "");
    expect(&told, START("1", BASH) SUB, "");
    expect(&told, DELTA("0", INPUT) SUB, "");
    expect(&told, EVENT "{\"type\":\"content_block_stop\",\"index\":0}" SUB, "");
    expect(&told, EVENT "{\"type\":\"message_stop\"}" SUB, "");
    expect(&told, STOP("0"), "]0\n");
}
END_TEST

START_TEST(each_block_that_begins_ends)
{
    told_line(&told, MESSAGE_START);
    told_line(&told, START("0", TEXT) MAIN);
    told_take(&told);
    expect(&told, START("1", TEXT) MAIN, "]0\n[1 text id= name= " TEXT "\n");
    expect(&told, MESSAGE_STOP, "]1\nmessage claude-x-1  tools=0 in=10 out=1\n");
    expect(&told, STOP("1"), "");
    told_line(&told, START("0", TEXT) MAIN);
    told_take(&told);
    expect(&told, MESSAGE_START, "]0\nbegin claude-x-1 in=10 stop=\n");
}
END_TEST

START_TEST(what_belongs_to_no_open_block_is_not_told)
{
    told_line(&told, MESSAGE_START);
    told_take(&told);
    expect(&told, DELTA("0", INPUT) MAIN, "");
    expect(&told, START("-1", BASH) MAIN, "");
    expect(&told, START("4294967296", BASH) MAIN, "");
    expect(&told, START("0", "{\"type\":7}") MAIN, "");
    expect(&told, START("0", "[]") MAIN, "");
    expect(&told, DELTA("-1", INPUT) MAIN, "");
    told_line(&told, START("0", BASH) MAIN);
    told_take(&told);
    expect(&told, DELTA("1", INPUT) MAIN, "");
    expect(&told, DELTA("0", "{\"type\":null}") MAIN, "");
    expect(&told, STOP("1"), "");
    cli_output_reset(told.output);
    expect(&told, DELTA("0", INPUT) MAIN, "");
    expect(&told, STOP("0"), "");
}
END_TEST

/* Where its stream fails the CLI asks the API for the whole message at once: a line a block. */
START_TEST(a_message_that_came_whole)
{
    told_line(&told, MESSAGE_START);
    told_line(&told, START("0", TEXT) MAIN);
    told_take(&told);
    expect(
        &told,
        ASSISTANT("msg_2", "{\"type\":\"thinking\",\"thinking\":\"hmm\",\"signature\":\"c3Q=\"}"),
        "]0\n[0 thinking id= name= " THINKING "\nthinking hmm\n"
        "+0 signature_delta <c3Q=> {\"type\":\"signature_delta\",\"signature\":\"c3Q=\"}\n]0\n");
    expect(&told, ASSISTANT("msg_2", "{\"type\":\"text\",\"text\":\"whole\"}"),
           "[1 text id= name= " TEXT "\ntext whole\n]1\n");
    expect(&told,
           ASSISTANT("msg_2", "{\"type\":\"tool_use\",\"id\":\"toolu_2\",\"name\":\"Bash\","
                              "\"input\":{\"n\": 1.0}}"),
           "[2 tool_use id=toolu_2 name=Bash " BASH "\n"
           "+2 input_json_delta <{\"n\": 1.0}> "
           "{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"n\\\": 1.0}\"}\n]2\n");
    expect(&told, ASSISTANT("msg_2", "{\"type\":\"redacted_thinking\",\"data\": \"RUE=\"}"),
           "[3 redacted_thinking id= name= {\"type\":\"redacted_thinking\",\"data\": \"RUE=\"}\n"
           "]3\n");
    expect(&told,
           ASSISTANT("msg_3", "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":"
                              "\"StructuredOutput\",\"input\":{}},"
                              "{\"type\":\"text\",\"text\":\"x\"}"),
           "object\ndelta {}\n[0 text id= name= " TEXT "\ntext x\n]0\n");
}
END_TEST

START_TEST(a_message_that_was_streamed_is_not_told_again)
{
    told_line(&told, MESSAGE_START);
    told_line(&told, START("0", TEXT) MAIN);
    told_line(&told, DELTA("0", "{\"type\":\"text_delta\",\"text\":\"hi\"}") MAIN);
    told_take(&told);
    expect(&told, ASSISTANT("msg_1", "{\"type\":\"text\",\"text\":\"hi\"}"), "");
    expect(&told, STOP("0"), "]0\n");
}
END_TEST

START_TEST(text_stays_the_quick_way)
{
    static char text[] = DELTA("0", "{\"type\":\"text_delta\",\"text\":\"hi\"}") MAIN;
    static char input[] = DELTA("0", INPUT) MAIN;
    ck_assert(cli_output_fast(told.output, text, strlen(text)));
    ck_assert_str_eq(told_take(&told), "text hi\n");
    ck_assert(!cli_output_fast(told.output, input, strlen(input)));
    ck_assert_str_eq(told_take(&told), "");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cli_output_blocks");
    TCase *blocks = tcase_create("blocks");
    tcase_add_checked_fixture(blocks, setup, teardown);
    tcase_add_test(blocks, a_message_of_three_blocks);
    tcase_add_test(blocks, blocks_and_deltas_of_types_yet_unknown_are_handed_on);
    tcase_add_test(blocks, structured_output_is_no_block);
    tcase_add_test(blocks, sub_agents_have_no_blocks);
    tcase_add_test(blocks, each_block_that_begins_ends);
    tcase_add_test(blocks, what_belongs_to_no_open_block_is_not_told);
    tcase_add_test(blocks, a_message_that_came_whole);
    tcase_add_test(blocks, a_message_that_was_streamed_is_not_told_again);
    tcase_add_test(blocks, text_stays_the_quick_way);
    suite_add_tcase(suite, blocks);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
