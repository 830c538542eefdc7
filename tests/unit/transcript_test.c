/* SPDX-License-Identifier: Apache-2.0 */
/* Histories that clients bring: what is refused and how it is said, where they go, what is written.
 */
#include "policy/session_id.h"
#include "runner/transcript.h"

#include <check.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SESSION KOINE_TEXT("5b1c2f7e-0000-8000-8000-0123456789ab")

#define NONE ((struct koine_text){NULL, 0})

/* ---- what is a history */

/* As the functions under test are used: the messages are read once. */
static int judge(struct koine_text history, struct koine_text prompt, char *path, size_t path_size,
                 char *message, size_t message_size) {
    json_t *messages = transcript_messages(history);
    int result =
        transcript_check(history, messages, prompt, path, path_size, message, message_size);
    json_decref(messages);
    return result;
}

static bool awaits_results(struct koine_text history) {
    json_t *messages = transcript_messages(history);
    bool awaits = transcript_awaits_results(messages);
    json_decref(messages);
    return awaits;
}

static void refuse(const char *history, const char *expected_path, const char *expected_message) {
    char path[128] = "";
    char message[192] = "";
    struct koine_text text = {history, strlen(history)};
    ck_assert_int_eq(judge(text, NONE, path, sizeof path, message, sizeof message), -1);
    ck_assert_str_eq(path, expected_path);
    ck_assert_str_eq(message, expected_message);
}

static void accept(const char *history) {
    char path[128] = "";
    char message[192] = "";
    struct koine_text text = {history, strlen(history)};
    int result = judge(text, NONE, path, sizeof path, message, sizeof message);
    ck_assert_msg(result == 0, "%s: %s", path, message);
}

#define ASKED "{\"role\":\"user\",\"content\":\"q\"}"
#define ANSWERED "{\"role\":\"assistant\",\"content\":\"a\"}"

START_TEST(good_histories)
{
    accept("[" ASKED "," ANSWERED "]");
    accept("[" ASKED "," ANSWERED "," ASKED "," ANSWERED "]");
    accept("[" ASKED "," ASKED "," ANSWERED "]");
    accept("[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{}},"
           "{\"type\":\"text\",\"text\":\"what is it?\"}]}," ANSWERED "]");
}
END_TEST

START_TEST(bad_histories)
{
    const char *messages = "must be a non-empty array of messages {role, content}";
    const char *content = "must be a non-empty string or a non-empty array of content blocks";
    refuse("", "history", messages);
    refuse("{}", "history", messages);
    refuse("[]", "history", messages);
    refuse("[1]", "history[0]", "must be an object {role, content}");
    refuse("[{\"role\":\"system\",\"content\":\"x\"}]", "history[0].role",
           "must be \"user\" or \"assistant\"");
    refuse("[" ANSWERED "]", "history[0].role",
           "must be \"user\": a conversation begins with the user");
    refuse("[" ASKED "," ANSWERED "," ASKED "]", "history[2].role",
           "must be \"assistant\": the prompt is the user's next message");
    refuse("[{\"role\":\"user\"}]", "history[0].content", content);
    refuse("[" ASKED ",{\"role\":\"assistant\",\"content\":\"\"}]", "history[1].content", content);
    refuse("[" ASKED ",{\"role\":\"assistant\",\"content\":[]}]", "history[1].content", content);
    refuse("[{\"role\":\"user\",\"content\":[\"x\"]}]", "history[0].content[0]",
           "must be a content block, an object");
    refuse("[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},{}]}]",
           "history[0].content[1].type", "must be the type of a content block, such as \"text\"");
    refuse("[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]", "history[0].content[0].text",
           "must be a non-empty string");
}
END_TEST

/* ---- uses of tools and their results */

#define USE(id) "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"n\",\"input\":{}}"
#define RESULT(id) "{\"type\":\"tool_result\",\"tool_use_id\":\"" id "\",\"content\":\"r\"}"
#define USED(blocks) "[" ASKED ",{\"role\":\"assistant\",\"content\":[" blocks "]}]"
#define MORE "{\"type\":\"text\",\"text\":\"x\"}"

static void accept_prompt(const char *history, const char *prompt) {
    char path[128] = "";
    char message[256] = "";
    int result = judge((struct koine_text){history, strlen(history)},
                       (struct koine_text){prompt, prompt != NULL ? strlen(prompt) : 0}, path,
                       sizeof path, message, sizeof message);
    ck_assert_msg(result == 0, "%s: %s", path, message);
}

static void refuse_prompt(const char *history, const char *prompt, const char *missing) {
    char path[128] = "";
    char message[256] = "";
    char expected[256];
    snprintf(expected, sizeof expected,
             "must begin with a tool_result for each use of a tool that the history ends with; the "
             "one of %s is missing",
             missing);
    int result = judge((struct koine_text){history, strlen(history)},
                       (struct koine_text){prompt, prompt != NULL ? strlen(prompt) : 0}, path,
                       sizeof path, message, sizeof message);
    ck_assert_int_eq(result, -1);
    ck_assert_str_eq(path, "prompt");
    ck_assert_str_eq(message, expected);
}

START_TEST(each_use_at_the_end_has_its_result)
{
    const char *two = USED(MORE "," USE("a") "," USE("b"));
    accept_prompt(two, "[" RESULT("a") "," RESULT("b") "]");
    accept_prompt(two, "[" RESULT("b") "," RESULT("a") "," MORE "]");
    accept_prompt("[" ASKED "," ANSWERED "]", NULL);
    accept_prompt("[" ASKED "," ANSWERED "]", "[" MORE "]");
    refuse_prompt(two, NULL, "a");
    refuse_prompt(two, "[" RESULT("a") "]", "b");
    refuse_prompt(two, "[" RESULT("b") "," RESULT("c") "]", "a");
    refuse_prompt(two, "[" RESULT("a") "," MORE "," RESULT("b") "]", "b");
    refuse_prompt(two, "[" MORE "]", "a");
    refuse_prompt(USED(USE("\\n")), "[]", "a use with a strange id");
    refuse(USED("{\"type\":\"tool_use\",\"name\":\"n\"}"), "history[1].content[0].id",
           "must be the id of this use of a tool");
}
END_TEST

/* Of long strings an outline knows only that they are there. */
START_TEST(long_ids_are_compared_whole)
{
    char id[5001], other[5001], use[6000], history[7000], result[6000], wrong[6000];
    memset(id, 'i', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    memcpy(other, id, sizeof id);
    other[sizeof id - 2] = 'o';
    snprintf(use, sizeof use, "{\"type\":\"tool_use\",\"id\":\"%s\"}", id);
    snprintf(history, sizeof history, "[" ASKED ",{\"role\":\"assistant\",\"content\":[%s]}]", use);
    snprintf(result, sizeof result, "[{\"type\":\"tool_result\",\"tool_use_id\":\"%s\"}]", id);
    snprintf(wrong, sizeof wrong, "[{\"type\":\"tool_result\",\"tool_use_id\":\"%s\"}]", other);
    accept_prompt(history, result);
    refuse_prompt(history, wrong, "a use with a strange id");
}
END_TEST

/* A body of ten megabytes holds as many. Comparing each with each would take minutes. */
START_TEST(very_many_uses_have_very_many_results)
{
    enum { USES = 60000 };
    char *history = NULL, *prompt = NULL;
    size_t size = 0;
    FILE *asked = open_memstream(&history, &size), *told = open_memstream(&prompt, &size);
    fputs("[" ASKED ",{\"role\":\"assistant\",\"content\":[", asked);
    fputs("[", told);
    for (int i = 0; i < USES; i++) {
        fprintf(asked, "%s" USE("toolu_%d"), i > 0 ? "," : "", i);
        fprintf(told, "%s" RESULT("toolu_%d"), i > 0 ? "," : "", i);
    }
    fputs("]}]", asked);
    fputs("]", told);
    fclose(asked);
    fclose(told);
    accept_prompt(history, prompt);
    free(prompt);
    free(history);
}
END_TEST

START_TEST(a_history_awaits_results_or_not)
{
    ck_assert(awaits_results(KOINE_TEXT(USED(MORE "," USE("a")))));
    ck_assert(!awaits_results(KOINE_TEXT(USED(MORE))));
    ck_assert(!awaits_results(KOINE_TEXT("[" ASKED "," ANSWERED "]")));
    ck_assert(!awaits_results(KOINE_TEXT("[]")));
    ck_assert(!awaits_results(NONE));
}
END_TEST

START_TEST(a_short_buffer_is_no_harm)
{
    char path[8];
    char message[8];
    ck_assert_int_eq(judge(KOINE_TEXT("[{}]"), NONE, path, sizeof path, message, sizeof message),
                     -1);
    ck_assert_str_eq(path, "history");
    ck_assert_str_eq(message, "must be");
}
END_TEST

/* ---- where it goes */

static void goes_to(const char *variable, const char *other, const char *directory,
                    const char *expected) {
    char *environment[] = {(char *)(uintptr_t)variable, (char *)(uintptr_t)other, NULL};
    char *path = transcript_path(environment, directory, SESSION);
    ck_assert_ptr_nonnull(path);
    ck_assert_str_eq(path, expected);
    free(path);
}

#define FILE_NAME "/5b1c2f7e-0000-8000-8000-0123456789ab.jsonl"

START_TEST(the_place_follows_the_environment)
{
    goes_to("HOME=/home/me", NULL, "/no/such.dir",
            "/home/me/.claude/projects/-no-such-dir" FILE_NAME);
    goes_to("HOME=/home/me", "CLAUDE_CONFIG_DIR=/etc/claude", "/no/such",
            "/etc/claude/projects/-no-such" FILE_NAME);
    goes_to("HOME=/home/me", "CLAUDE_CONFIG_DIR=", "/no/such",
            "/home/me/.claude/projects/-no-such" FILE_NAME);
    goes_to("CLAUDE_CONFIG_DIR=conf", NULL, "/no/such",
            "/no/such/conf/projects/-no-such" FILE_NAME);
    char *nothing[] = {(char *)(uintptr_t) "PATH=/bin", NULL};
    ck_assert_ptr_null(transcript_path(nothing, "/no/such", SESSION));
}
END_TEST

START_TEST(the_directory_is_named_as_the_cli_names_it)
{
    goes_to("HOME=/h", NULL, "/no/Grüße-x", "/h/.claude/projects/-no-Gr--e-x" FILE_NAME);
    goes_to("HOME=/h", NULL, "/no/a_b@c+d~e f", "/h/.claude/projects/-no-a-b-c-d-e-f" FILE_NAME);
    goes_to("HOME=/h", NULL, "/no/😀", "/h/.claude/projects/-no---" FILE_NAME);
}
END_TEST

/* The hash is the one that the CLI makes of this name; characters count as UTF-16 units. */
START_TEST(a_long_directory_is_cut_and_hashed)
{
    char directory[1024] = "/no/such/";
    char expected[1024] = "/h/.claude/projects/-no-such-";
    for (int i = 0; i < 60; i++) {
        strcat(directory, "xü😀");
    }
    for (int i = 0; i < 47; i++) {
        strcat(expected, "x---");
    }
    strcat(expected, "x--"); /* 200 characters so far */
    strcat(expected, "-isu1tf" FILE_NAME);
    goes_to("HOME=/h", NULL, directory, expected);
}
END_TEST

/* ---- what is written */

static char home[64];
static json_t *messages;

static void make_home(void) {
    strcpy(home, "/tmp/transcript-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
}

static void remove_home(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", home);
    ck_assert_int_eq(system(command), 0);
    json_decref(messages);
}

static char *path_in_home(const char *directory) {
    char variable[96];
    char *environment[] = {variable, NULL};
    snprintf(variable, sizeof variable, "HOME=%s", home);
    char *path = transcript_path(environment, directory, SESSION);
    ck_assert_ptr_nonnull(path);
    return path;
}

static json_t *next_line(FILE *file) {
    char *line = NULL;
    size_t capacity = 0;
    ck_assert_int_gt(getline(&line, &capacity, file), 0);
    json_t *value = json_loads(line, 0, NULL);
    ck_assert_msg(json_is_object(value), "not an object: %s", line);
    free(line);
    return value;
}

static const char *string_at(const json_t *object, const char *name) {
    const char *value = json_string_value(json_object_get(object, name));
    ck_assert_msg(value != NULL, "no string \"%s\"", name);
    return value;
}

static void expect_json(const json_t *value, const char *expected) {
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    ck_assert_str_eq(text, expected);
    free(text);
}

/* Until the next one. */
static struct transcript of(struct koine_text history) {
    json_decref(messages);
    messages = transcript_messages(history);
    return (struct transcript){.history = history,
                               .messages = messages,
                               .session_id = SESSION,
                               .working_directory = "/tmp"};
}

START_TEST(a_transcript_is_what_the_cli_would_have_kept)
{
    char message[256] = "";
    char *path = path_in_home("/tmp");
    const struct koine_text history = KOINE_TEXT(
        "[{\"role\":\"user\",\"content\":\"Grüße\\n\"},{\"content\":\"yes, 1\",\n"
        "\"role\":\"assistant\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\","
        "\"text\":\"more\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\","
        "\"id\":\"t\",\"name\":\"n\",\"input\":{}}]}]");
    struct transcript transcript = of(history);
    ck_assert_msg(transcript_write(path, &transcript, message, sizeof message) == 0, "%s", message);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    static const char *const roles[] = {"user", "assistant", "user", "assistant"};
    static const char *const contents[] = {
        "\"Grüße\\n\"", "[{\"type\":\"text\",\"text\":\"yes, 1\"}]",
        "[{\"type\":\"text\",\"text\":\"more\"}]",
        "[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"n\",\"input\":{}}]"};
    static const char *const stops[] = {NULL, "end_turn", NULL, "tool_use"};
    char before[SESSION_ID_SIZE] = "";
    char time_before[32] = "";
    for (size_t i = 0; i < 4; i++) {
        json_t *line = next_line(file);
        const json_t *said = json_object_get(line, "message");
        ck_assert_str_eq(string_at(line, "type"), roles[i]);
        ck_assert_str_eq(string_at(said, "role"), roles[i]);
        ck_assert_str_eq(string_at(line, "sessionId"), SESSION.data);
        ck_assert_str_eq(string_at(line, "cwd"), "/tmp");
        expect_json(json_object_get(said, "content"), contents[i]);
        if (i == 0) {
            ck_assert(json_is_null(json_object_get(line, "parentUuid")));
        } else {
            ck_assert_str_eq(string_at(line, "parentUuid"), before);
        }
        if (stops[i] != NULL) {
            ck_assert_str_eq(string_at(said, "stop_reason"), stops[i]);
            ck_assert_str_eq(string_at(said, "model"), "claude");
            ck_assert(json_is_object(json_object_get(said, "usage")));
        }
        const char *uuid = string_at(line, "uuid");
        ck_assert(session_id_is_uuid((struct koine_text){uuid, strlen(uuid)}));
        ck_assert_int_eq(uuid[14], '4');
        strcpy(before, uuid);
        ck_assert_str_gt(string_at(line, "timestamp"), time_before);
        ck_assert_uint_eq(strlen(string_at(line, "timestamp")), strlen("2026-01-01T00:00:00.000Z"));
        strcpy(time_before, string_at(line, "timestamp"));
        json_decref(line);
    }
    ck_assert_int_eq(fgetc(file), EOF);
    fclose(file);
    free(path);
}
END_TEST

static void expect_long_content(FILE *file, const char *content) {
    json_t *line = next_line(file);
    const json_t *said = json_object_get(json_object_get(line, "message"), "content");
    const json_t *text =
        json_is_array(said) ? json_object_get(json_array_get(said, 0), "text") : said;
    ck_assert_uint_eq(json_string_length(text), strlen(content));
    ck_assert_mem_eq(json_string_value(text), content, strlen(content));
    json_decref(line);
}

/* Also where the name "content" is written with escapes. */
START_TEST(long_contents_are_written_whole)
{
    char text[5001], history[12000], message[256] = "";
    char *path = path_in_home("/tmp");
    memset(text, 't', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    int size = snprintf(history, sizeof history,
                        "[{\"role\":\"user\",\"content\":\"%s\"},"
                        "{\"role\":\"assistant\",\"cont\\u0065nt\":\"%s\"}]",
                        text, text);
    struct transcript transcript = of((struct koine_text){history, (size_t)size});
    ck_assert_msg(transcript_write(path, &transcript, message, sizeof message) == 0, "%s", message);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    expect_long_content(file, text);
    expect_long_content(file, text);
    fclose(file);
    free(path);
}
END_TEST

/* The uuid of a line and the model in it, "" for none. */
static void expect_line(FILE *file, const char *uuid, const char *model, const char *content) {
    json_t *line = next_line(file);
    const json_t *said = json_object_get(line, "message");
    const char *its_model = json_string_value(json_object_get(said, "model"));
    ck_assert_str_eq(its_model != NULL ? its_model : "", model);
    expect_json(json_object_get(said, "content"), content);
    if (uuid != NULL) {
        ck_assert_str_eq(string_at(line, "uuid"), uuid);
    }
    json_decref(line);
}

START_TEST(a_prompt_stands_behind_the_history)
{
    char message[256] = "";
    char *path = path_in_home("/tmp");
    struct transcript transcript = of(KOINE_TEXT(USED(USE("a"))));
    transcript.prompt = KOINE_TEXT("[" RESULT("a") "]");
    transcript.model = KOINE_TEXT("claude-opus-5");
    ck_assert_int_eq(transcript_write(path, &transcript, message, sizeof message), 0);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    expect_line(file, NULL, "", "\"q\"");
    expect_line(file, transcript.last_of_assistant, "claude-opus-5", "[" USE("a") "]");
    expect_line(file, transcript.last, "", "[" RESULT("a") "]");
    ck_assert_int_eq(fgetc(file), EOF);
    fclose(file);
    free(path);
}
END_TEST

START_TEST(a_prompt_may_be_all)
{
    char message[256] = "";
    char *path = path_in_home("/tmp");
    struct transcript transcript = of(NONE);
    transcript.prompt = KOINE_TEXT("[" MORE "]");
    ck_assert_int_eq(transcript_write(path, &transcript, message, sizeof message), 0);
    ck_assert_str_eq(transcript.last_of_assistant, "");
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    expect_line(file, transcript.last, "", "[" MORE "]");
    fclose(file);
    free(path);
}
END_TEST

/* What an alias stands for the CLI alone knows. */
START_TEST(only_a_full_name_is_a_model)
{
    static const char *const models[][2] = {{"claude-opus-5", "claude-opus-5"},
                                            {"claude-opus-5[1m]", "claude-opus-5"},
                                            {"opus", "claude"},
                                            {"claude", "claude"},
                                            {"claude-", "claude"},
                                            {"", "claude"},
                                            {"gpt-4o", "claude"}};
    char message[256] = "";
    char *path = path_in_home("/tmp");
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct transcript transcript = of(KOINE_TEXT("[" ASKED "," ANSWERED "]"));
        transcript.model = (struct koine_text){models[i][0], strlen(models[i][0])};
        ck_assert_int_eq(transcript_write(path, &transcript, message, sizeof message), 0);
        FILE *file = fopen(path, "r");
        ck_assert_ptr_nonnull(file);
        expect_line(file, NULL, "", "\"q\"");
        expect_line(file, transcript.last, models[i][1], "[{\"type\":\"text\",\"text\":\"a\"}]");
        fclose(file);
    }
    free(path);
}
END_TEST

START_TEST(nobody_else_reads_it)
{
    char message[256] = "";
    char directory[128];
    struct stat status;
    char *path = path_in_home("/tmp");
    struct transcript transcript = of(KOINE_TEXT("[" ASKED "," ANSWERED "]"));
    ck_assert_int_eq(transcript_write(path, &transcript, message, sizeof message), 0);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0600);
    snprintf(directory, sizeof directory, "%s/.claude/projects", home);
    ck_assert_int_eq(stat(directory, &status), 0);
    ck_assert_int_eq(status.st_mode & 07777, 0700);
    free(path);
}
END_TEST

START_TEST(symbolic_links_are_followed_as_the_cli_does)
{
    char link[96];
    snprintf(link, sizeof link, "%s/link", home);
    ck_assert_int_eq(symlink("/tmp", link), 0);
    char *direct = path_in_home("/tmp");
    char *linked = path_in_home(link);
    ck_assert_str_eq(linked, direct);
    free(direct);
    free(linked);
}
END_TEST

START_TEST(a_failure_leaves_nothing_behind)
{
    char message[256] = "";
    char expected[256];
    char path[128];
    snprintf(path, sizeof path, "%s/taken/x.jsonl", home);
    snprintf(expected, sizeof expected, "%s/taken", home);
    FILE *file = fopen(expected, "w");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    struct transcript good = of(KOINE_TEXT("[" ASKED "]"));
    ck_assert_int_eq(transcript_write(path, &good, message, sizeof message), -1);
    snprintf(expected, sizeof expected, "the transcript %s cannot be written: Not a directory",
             path);
    ck_assert_str_eq(message, expected);
    snprintf(path, sizeof path, "%s/x.jsonl", home);
    struct transcript none = of(KOINE_TEXT("{}"));
    ck_assert_int_eq(transcript_write(path, &none, message, sizeof message), -1);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("transcript");
    TCase *check = tcase_create("check");
    TCase *place = tcase_create("place");
    TCase *file = tcase_create("file");
    tcase_add_checked_fixture(file, make_home, remove_home);
    tcase_add_test(check, good_histories);
    tcase_add_test(check, bad_histories);
    tcase_add_test(check, each_use_at_the_end_has_its_result);
    tcase_add_test(check, long_ids_are_compared_whole);
    tcase_add_test(check, very_many_uses_have_very_many_results);
    tcase_add_test(check, a_history_awaits_results_or_not);
    tcase_add_test(check, a_short_buffer_is_no_harm);
    tcase_add_test(place, the_place_follows_the_environment);
    tcase_add_test(place, the_directory_is_named_as_the_cli_names_it);
    tcase_add_test(place, a_long_directory_is_cut_and_hashed);
    tcase_add_test(file, a_transcript_is_what_the_cli_would_have_kept);
    tcase_add_test(file, long_contents_are_written_whole);
    tcase_add_test(file, a_prompt_stands_behind_the_history);
    tcase_add_test(file, a_prompt_may_be_all);
    tcase_add_test(file, only_a_full_name_is_a_model);
    tcase_add_test(file, nobody_else_reads_it);
    tcase_add_test(file, symbolic_links_are_followed_as_the_cli_does);
    tcase_add_test(file, a_failure_leaves_nothing_behind);
    suite_add_tcase(suite, check);
    suite_add_tcase(suite, place);
    suite_add_tcase(suite, file);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
