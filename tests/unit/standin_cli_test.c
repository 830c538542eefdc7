/* SPDX-License-Identifier: Apache-2.0 */
/* The stand-in CLI seen through its pipes: the protocol's main paths, as the real CLI behaves on
 * them. Other tests rely on it, so what they rely on is checked here. The binary:
 * KOINE_STANDIN_CLI, else build/tests/standin-cli. */
#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NEW_ID "11111111-1111-4111-8111-111111111111"
#define OTHER_ID "22222222-2222-4222-8222-222222222222"

#define END ((const char *)NULL)

static char config_dir[PATH_MAX];

struct cli {
    pid_t pid;
    FILE *in, *out, *err;
    char *line;
    size_t capacity;
};

static const char *binary(void) {
    const char *path = getenv("KOINE_STANDIN_CLI");
    return path ? path : "build/tests/standin-cli";
}

/* Starts the CLI with the two-way protocol's flags and up to eight more, then END. */
static struct cli cli_start(const char *scenario, ...) {
    char environment_scenario[512], environment_config[PATH_MAX + 32];
    const char *argv[16] = {binary(),
                            "--print",
                            "--verbose",
                            "--input-format",
                            "stream-json",
                            "--output-format=stream-json",
                            "--include-partial-messages"};
    int count = 7, in[2], out[2], err[2];
    va_list flags;
    va_start(flags, scenario);
    while (count < 15 && (argv[count] = va_arg(flags, const char *)))
        count++;
    va_end(flags);
    snprintf(environment_scenario, sizeof environment_scenario, "CLAUDE_CODE_STANDIN=%s", scenario);
    snprintf(environment_config, sizeof environment_config, "CLAUDE_CONFIG_DIR=%s", config_dir);
    char *environment[] = {environment_scenario, environment_config, (char *)"PATH=/usr/bin:/bin",
                           NULL};

    struct cli cli = {0};
    posix_spawn_file_actions_t actions;
    ck_assert_int_eq(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC) | pipe2(err, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    int rc = posix_spawn(&cli.pid, argv[0], &actions, NULL, (char **)argv, environment);
    ck_assert_msg(rc == 0, "cannot start %s: %s (set KOINE_STANDIN_CLI)", argv[0], strerror(rc));
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    close(err[1]);
    cli.in = fdopen(in[1], "w");
    cli.out = fdopen(out[0], "r");
    cli.err = fdopen(err[0], "r");
    return cli;
}

static void cli_write(struct cli *cli, const char *line) {
    fprintf(cli->in, "%s\n", line);
    fflush(cli->in);
}

static void cli_say(struct cli *cli, const char *prompt) {
    json_t *line = json_pack("{ss s{ss s[{ss ss}]}}", "type", "user", "message", "role", "user",
                             "content", "type", "text", "text", prompt);
    char *text = json_dumps(line, JSON_COMPACT);
    cli_write(cli, text);
    free(text);
    json_decref(line);
}

/* The next line, or NULL at the end. Every line is JSON unless the scenario says otherwise. */
static json_t *cli_read(struct cli *cli) {
    json_error_t error;
    ssize_t bytes = getline(&cli->line, &cli->capacity, cli->out);
    if (bytes <= 0)
        return NULL;
    json_t *line = json_loadb(cli->line, (size_t)bytes, 0, &error);
    ck_assert_msg(line != NULL, "not JSON: %s (%s)", cli->line, error.text);
    return line;
}

static const char *text_at(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static bool is_kind(const json_t *line, const char *type, const char *subtype) {
    const json_t *body = line;
    if (strcmp(text_at(line, "type"), type) != 0)
        return false;
    if (strncmp(type, "control_", 8) == 0)
        body = json_object_get(line, type + 8);
    return !subtype || strcmp(text_at(body, "subtype"), subtype) == 0;
}

/* Skips lines up to one of this type and, unless NULL, subtype. */
static json_t *cli_expect(struct cli *cli, const char *type, const char *subtype) {
    json_t *line;
    while ((line = cli_read(cli))) {
        if (is_kind(line, type, subtype))
            return line;
        json_decref(line);
    }
    ck_abort_msg("the output ended without a %s line", type);
}

/* Reads a turn to its result, joining the text deltas of the main conversation. */
static json_t *cli_turn(struct cli *cli, char *text, size_t size) {
    json_t *line, *result = NULL;
    size_t used = 0;
    text[0] = '\0';
    while (!result && (line = cli_read(cli))) {
        json_t *event = json_object_get(line, "event"), *delta = json_object_get(event, "delta");
        const char *piece = text_at(delta, "text");
        if (json_is_null(json_object_get(line, "parent_tool_use_id")))
            used += (size_t)snprintf(text + used, size - used, "%s", piece);
        ck_assert_uint_lt(used, size);
        if (is_kind(line, "result", NULL))
            result = json_incref(line);
        json_decref(line);
    }
    ck_assert_ptr_nonnull(result);
    return result;
}

static void cli_answer(struct cli *cli, const json_t *request, json_t *response) {
    json_t *line =
        json_pack("{ss s{ss ss so}}", "type", "control_response", "response", "subtype", "success",
                  "request_id", text_at(request, "request_id"), "response", response);
    char *text = json_dumps(line, JSON_COMPACT);
    cli_write(cli, text);
    free(text);
    json_decref(line);
}

/* Closes stdin, reads what is left, returns the exit status (negative: the signal). */
static int cli_end(struct cli *cli, char *err, size_t size) {
    int status = 0;
    char rest[4096];
    fclose(cli->in);
    while (fread(rest, 1, sizeof rest, cli->out) > 0)
        ;
    size_t bytes = fread(err, 1, size - 1, cli->err);
    err[bytes] = '\0';
    fclose(cli->out);
    fclose(cli->err);
    free(cli->line);
    ck_assert_int_eq(waitpid(cli->pid, &status, 0), cli->pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void cli_end_well(struct cli *cli) {
    char err[1024];
    int status = cli_end(cli, err, sizeof err);
    ck_assert_str_eq(err, "");
    ck_assert_int_eq(status, 0);
}

START_TEST(answers_without_a_scenario)
{
    char text[512];
    struct cli cli = cli_start("", "--session-id=" NEW_ID, END);
    cli_say(&cli, "good morning");
    json_t *init = cli_expect(&cli, "system", "init");
    ck_assert_str_eq(text_at(init, "session_id"), NEW_ID);
    json_t *result = cli_turn(&cli, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "stand-in"));
    ck_assert_ptr_nonnull(strstr(text, "good morning"));
    ck_assert_str_eq(text_at(result, "result"), text);
    ck_assert_str_eq(text_at(result, "subtype"), "success");
    static const char *const fields[] = {"usage",       "total_cost_usd",     "num_turns",
                                         "duration_ms", "permission_denials", "modelUsage"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        ck_assert_msg(json_object_get(result, fields[i]) != NULL, "no %s", fields[i]);
    json_decref(init);
    json_decref(result);
    cli_end_well(&cli);
}
END_TEST

START_TEST(turns_follow_and_cost_adds_up)
{
    char text[512];
    struct cli cli = cli_start("{\"cost_usd\":0.5}", END);
    for (int turn = 1; turn <= 3; turn++) {
        cli_say(&cli, "standin:{\"text\":\"grüße €\",\"delta_bytes\":1,\"split_utf8\":true}");
        json_t *result = cli_turn(&cli, text, sizeof text);
        ck_assert_str_eq(text, "grüße €");
        ck_assert_double_eq(json_number_value(json_object_get(result, "total_cost_usd")),
                            0.5 * turn);
        json_decref(result);
    }
    cli_end_well(&cli);
}
END_TEST

START_TEST(events_come_in_the_real_order)
{
    static const char *const order[] = {
        "message_start",      "content_block_start", "content_block_delta", "assistant",
        "content_block_stop", "message_delta",       "message_stop",        "result"};
    struct cli cli = cli_start("{\"text\":\"one\"}", END);
    cli_say(&cli, "hi");
    json_decref(cli_expect(&cli, "system", "status"));
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        json_t *line = cli_read(&cli), *event = json_object_get(line, "event");
        ck_assert_str_eq(text_at(event ? event : line, "type"), order[i]);
        json_decref(line);
    }
    cli_end_well(&cli);
}
END_TEST

START_TEST(object_follows_rejected_ones)
{
    char text[512];
    struct cli cli = cli_start("", "--json-schema", "{\"type\":\"object\"}", END);
    cli_say(&cli, "standin:{\"object\":{\"a\":[1,2]},\"object_rejects\":2}");
    json_t *result = cli_turn(&cli, text, sizeof text);
    json_t *expected = json_pack("{s[ii]}", "a", 1, 2);
    ck_assert_int_eq(json_equal(json_object_get(result, "structured_output"), expected), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(result, "num_turns")), 4);
    json_decref(expected);
    json_decref(result);
    cli_end_well(&cli);
}
END_TEST

START_TEST(schema_alone_gives_a_sample)
{
    char text[512];
    struct cli cli = cli_start("", END);
    cli_write(&cli, "{\"type\":\"control_request\",\"request_id\":\"r1\",\"request\":{\"subtype\":"
                    "\"initialize\",\"jsonSchema\":{\"type\":\"object\",\"properties\":{\"n\":{"
                    "\"type\":\"integer\",\"minimum\":7}}}}}");
    json_decref(cli_expect(&cli, "control_response", "success"));
    cli_say(&cli, "hi");
    json_t *result = cli_turn(&cli, text, sizeof text);
    ck_assert_str_eq(text_at(result, "result"), "{\"n\":7}");
    json_decref(result);
    cli_end_well(&cli);
}
END_TEST

/* Whether the turn's init line lists StructuredOutput after an initialize with this schema. */
static bool takes_schema(const char *schema) {
    char line[512];
    bool listed = false;
    struct cli cli = cli_start("", END);
    snprintf(line, sizeof line,
             "{\"type\":\"control_request\",\"request_id\":\"r1\",\"request\":{\"subtype\":"
             "\"initialize\",\"jsonSchema\":%s}}",
             schema);
    cli_write(&cli, line);
    json_decref(cli_expect(&cli, "control_response", "success"));
    cli_say(&cli, "hi");
    json_t *init = cli_expect(&cli, "system", "init"), *tool;
    size_t i;
    json_array_foreach(json_object_get(init, "tools"), i, tool) {
        listed = listed || strcmp(json_string_value(tool), "StructuredOutput") == 0;
    }
    json_decref(init);
    json_decref(cli_turn(&cli, line, sizeof line));
    cli_end_well(&cli);
    return listed;
}

START_TEST(a_schema_that_cannot_be_compiled_is_dropped)
{
    ck_assert(takes_schema("{\"type\":\"object\",\"properties\":{\"a\":{\"pattern\":\"(a)\"}}}"));
    ck_assert(!takes_schema("{\"type\":\"object\",\"properties\":{\"a\":{\"pattern\":\"(\"}}}"));
    ck_assert(!takes_schema("{\"properties\":{\"a\":{\"format\":\"date\"}}}"));
    ck_assert(!takes_schema("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\"}"));
}
END_TEST

static json_t *run_tool(const char *behavior, json_t *response) {
    char text[512];
    struct cli cli = cli_start("", "--permission-prompt-tool", "stdio", END);
    cli_say(&cli, "standin:{\"tool\":{\"run\":\"echo it ran\"}}");
    json_t *asked = cli_expect(&cli, "control_request", "can_use_tool");
    json_t *request = json_object_get(asked, "request");
    ck_assert_str_eq(text_at(request, "tool_name"), "Bash");
    ck_assert_str_eq(text_at(json_object_get(request, "input"), "command"), "echo it ran");
    json_object_set_new(response, "behavior", json_string(behavior));
    cli_answer(&cli, asked, response);
    json_t *result = cli_turn(&cli, text, sizeof text);
    json_decref(asked);
    cli_end_well(&cli);
    return result;
}

START_TEST(tool_runs_when_the_host_allows_it)
{
    json_t *result =
        run_tool("allow", json_pack("{s{ss}}", "updatedInput", "command", "echo it ran"));
    ck_assert_str_eq(text_at(result, "result"), "it ran");
    ck_assert_uint_eq(json_array_size(json_object_get(result, "permission_denials")), 0);
    json_decref(result);
}
END_TEST

START_TEST(denied_tool_is_reported)
{
    json_t *result = run_tool("deny", json_pack("{ss}", "message", "not today"));
    ck_assert_str_eq(text_at(result, "result"), "not today");
    ck_assert_uint_eq(json_array_size(json_object_get(result, "permission_denials")), 1);
    json_decref(result);
}
END_TEST

START_TEST(rules_decide_without_asking)
{
    char text[512];
    struct cli cli = cli_start("", "--permission-prompt-tool=stdio", "--allowedTools=Bash",
                               "--disallowedTools=Bash(rm:*),WebFetch", END);
    cli_say(&cli, "standin:{\"tools\":[{\"run\":\"echo fine\"},{\"run\":\"rm nothing\"}]}");
    json_t *result = cli_turn(&cli, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "fine"));
    ck_assert_ptr_nonnull(strstr(text, "has been denied"));
    ck_assert_uint_eq(json_array_size(json_object_get(result, "permission_denials")), 1);
    json_decref(result);
    cli_end_well(&cli);
}
END_TEST

static void serve_mcp(struct cli *cli, const char *method, json_t *result) {
    json_t *line = cli_expect(cli, "control_request", "mcp_message");
    json_t *message = json_object_get(json_object_get(line, "request"), "message");
    ck_assert_str_eq(text_at(message, "method"), method);
    json_t *id = json_object_get(message, "id");
    cli_answer(
        cli, line,
        json_pack("{s{ss sO* so}}", "mcp_response", "jsonrpc", "2.0", "id", id, "result", result));
    json_decref(line);
}

START_TEST(host_provided_tool_round_trip)
{
    char text[512];
    struct cli cli = cli_start("", "--allowedTools=mcp__shop", "--tools=", END);
    cli_write(&cli, "{\"type\":\"control_request\",\"request_id\":\"r1\",\"request\":{\"subtype\":"
                    "\"initialize\",\"sdkMcpServers\":[\"shop\"]}}");
    cli_say(&cli, "standin:{\"call_host_tool\":{\"server\":\"shop\",\"name\":\"price\","
                  "\"arguments\":{\"of\":\"tea\"}}}");
    serve_mcp(&cli, "initialize", json_object());
    serve_mcp(&cli, "notifications/initialized", json_object());
    serve_mcp(&cli, "tools/list", json_pack("{s[{ss}]}", "tools", "name", "price"));
    json_t *init = cli_expect(&cli, "system", "init");
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(init, "tools"), 0)),
                     "mcp__shop__price");
    serve_mcp(&cli, "tools/call",
              json_pack("{s[{ss ss}]}", "content", "type", "text", "text", "three coins"));
    json_t *result = cli_turn(&cli, text, sizeof text);
    ck_assert_str_eq(text_at(result, "result"), "three coins");
    json_decref(init);
    json_decref(result);
    cli_end_well(&cli);
}
END_TEST

START_TEST(interrupt_ends_the_turn_not_the_process)
{
    char text[512];
    struct cli cli = cli_start("", "--allowedTools", "Bash", END);
    cli_say(&cli, "standin:{\"tool\":{\"run\":\"sleep 600\"}}");
    json_decref(cli_expect(&cli, "assistant", NULL));
    cli_write(&cli, "{\"type\":\"control_request\",\"request_id\":\"r1\",\"request\":{\"subtype\":"
                    "\"interrupt\"}}");
    json_t *result = cli_turn(&cli, text, sizeof text);
    ck_assert_str_eq(text_at(result, "subtype"), "error_during_execution");
    json_decref(result);
    cli_say(&cli, "standin:{\"text\":\"still here\"}");
    result = cli_turn(&cli, text, sizeof text);
    ck_assert_str_eq(text_at(result, "result"), "still here");
    json_decref(result);
    cli_end_well(&cli);
}
END_TEST

/* The other escapes mean the same characters, so only the raw line shows them. */
START_TEST(text_is_spelled_as_the_scenario_says)
{
    char text[512];
    struct cli cli = cli_start("", END);
    cli_say(&cli, "standin:{\"text_json\":\"\\\"\\\\u00e9\\\\/\\\"\"}");
    bool spelled = false;
    json_t *line, *result = NULL;
    while (!result && (line = cli_read(&cli))) {
        spelled |= strstr(cli.line, "\"text\":\"\\u00e9\\/\"") != NULL;
        if (is_kind(line, "result", NULL))
            result = json_incref(line);
        json_decref(line);
    }
    ck_assert(spelled);
    ck_assert_str_eq(text_at(result, "result"), "é/");
    json_decref(result);
    cli_say(&cli, "standin:{\"text_json\":\"\\\"plain\\\"\"}");
    json_decref(cli_turn(&cli, text, sizeof text));
    ck_assert_str_eq(text, "plain");
    cli_end_well(&cli);
}
END_TEST

static uint64_t monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The time in the next text delta, which is digits and nothing else. */
static uint64_t next_stamp_ns(struct cli *cli) {
    json_t *line, *event;
    do {
        line = cli_expect(cli, "stream_event", NULL);
        event = json_object_get(line, "event");
        if (strcmp(text_at(event, "type"), "content_block_delta") == 0)
            break;
        json_decref(line);
    } while (true);
    const char *stamp = text_at(json_object_get(event, "delta"), "text");
    ck_assert_uint_eq(strspn(stamp, "0123456789"), 20);
    ck_assert_uint_eq(strlen(stamp), 20);
    uint64_t ns = strtoull(stamp, NULL, 10);
    json_decref(line);
    return ns;
}

START_TEST(stamps_are_the_times_of_writing)
{
    enum { DELAY_NS = 5000000, COUNT = 4 };
    uint64_t before_ns = monotonic_ns(), last_ns = 0;
    struct cli cli = cli_start("", END);
    cli_say(&cli, "standin:{\"text\":\"x\",\"stamp\":true,\"delay_ms\":5,\"repeat\":4}");
    for (int i = 0; i < COUNT; i++) {
        uint64_t stamp_ns = next_stamp_ns(&cli);
        ck_assert_uint_gt(stamp_ns, before_ns);
        ck_assert_uint_lt(stamp_ns, monotonic_ns());
        /* one that was written late may be followed sooner, but the clock never runs back */
        ck_assert_uint_gt(stamp_ns, last_ns);
        if (i == 0)
            before_ns = stamp_ns;
        last_ns = stamp_ns;
    }
    ck_assert_uint_ge(last_ns - before_ns, DELAY_NS);
    json_t *result = cli_expect(&cli, "result", "success");
    ck_assert_str_eq(text_at(result, "result"), "xxxx");
    json_decref(result);
    cli_end_well(&cli);
}
END_TEST

START_TEST(cut_message_can_be_interrupted)
{
    char text[512];
    struct cli cli = cli_start("", END);
    cli_say(&cli, "standin:{\"cut_message\":\"once \",\"text\":\"upon\"}");
    json_t *result = cli_turn(&cli, text, sizeof text);
    ck_assert_str_eq(text, "once upon");
    ck_assert_str_eq(text_at(result, "stop_reason"), "end_turn");
    json_decref(result);
    cli_say(&cli, "standin:{\"cut_message\":\"once \",\"text\":\"upon\"}");
    json_decref(cli_expect(&cli, "assistant", NULL));
    cli_write(&cli, "{\"type\":\"control_request\",\"request_id\":\"r1\",\"request\":{\"subtype\":"
                    "\"interrupt\"}}");
    result = cli_turn(&cli, text, sizeof text);
    ck_assert_str_eq(text, "");
    ck_assert_str_eq(text_at(result, "subtype"), "error_during_execution");
    json_decref(result);
    cli_end_well(&cli);
}
END_TEST

START_TEST(session_is_resumed_and_forked)
{
    char text[512];
    struct cli cli = cli_start("", "--session-id=" NEW_ID, END);
    cli_say(&cli, "remember me");
    json_decref(cli_turn(&cli, text, sizeof text));
    cli_end_well(&cli);

    cli = cli_start("{\"echo\":\"history\"}", "--resume=" NEW_ID, "--fork-session",
                    "--session-id=" OTHER_ID, END);
    cli_say(&cli, "what came before?");
    json_t *result = cli_turn(&cli, text, sizeof text);
    ck_assert_str_eq(text, "{\"messages\":2,\"last_user\":\"remember me\"}");
    ck_assert_str_eq(text_at(result, "session_id"), OTHER_ID);
    json_decref(result);
    cli_end_well(&cli);
}
END_TEST

START_TEST(the_conversation_is_counted_without_a_turn)
{
    char text[512];
    struct cli cli = cli_start("{\"text\":\"yes\"}", "--session-id=" NEW_ID, END);
    cli_say(&cli, "remember me");
    json_decref(cli_turn(&cli, text, sizeof text));
    cli_end_well(&cli);

    const json_int_t said = (json_int_t)strlen("[{'type':'text','text':'remember me'}]");
    const json_int_t answered = (json_int_t)strlen("[{'type':'text','text':''}]");
    cli = cli_start("", "--resume=" NEW_ID, "--system-prompt=abc", END);
    cli_write(&cli, "{\"type\":\"control_request\",\"request_id\":\"u\",\"request\":"
                    "{\"subtype\":\"get_context_usage\"}}");
    json_t *line = cli_expect(&cli, "control_response", "success");
    json_int_t total = 0;
    ck_assert_int_eq(json_unpack(line, "{s{s{sI}}}", "response", "response", "totalTokens", &total),
                     0);
    ck_assert_int_eq(total, 3 + said + answered + (json_int_t)strlen(text));
    json_decref(line);
    cli_end_well(&cli);
}
END_TEST

START_TEST(a_message_that_is_not_there_cannot_be_resumed_at)
{
    char text[512], err[512];
    struct cli cli = cli_start("", "--session-id=" NEW_ID, END);
    cli_say(&cli, "hi");
    json_decref(cli_turn(&cli, text, sizeof text));
    cli_end_well(&cli);
    cli = cli_start("", "--resume=" NEW_ID, "--resume-session-at=" OTHER_ID, END);
    ck_assert_int_eq(cli_end(&cli, err, sizeof err), 1);
    ck_assert_ptr_nonnull(strstr(err, "No message found with message.uuid of: " OTHER_ID));
}
END_TEST

START_TEST(unknown_session_is_an_error_result)
{
    char err[512];
    struct cli cli = cli_start("", "--resume=" OTHER_ID, END);
    json_t *result = cli_expect(&cli, "result", "error_during_execution");
    ck_assert_int_eq(json_is_true(json_object_get(result, "is_error")), 1);
    json_decref(result);
    ck_assert_int_eq(cli_end(&cli, err, sizeof err), 1);
    ck_assert_str_eq(err, "No conversation found with session ID: " OTHER_ID "\n");
}
END_TEST

START_TEST(bad_input_kills_it)
{
    char err[512];
    struct cli cli = cli_start("", END);
    cli_write(&cli, "this is not JSON");
    ck_assert_int_eq(cli_end(&cli, err, sizeof err), 1);
    ck_assert_ptr_nonnull(strstr(err, "Error parsing streaming input line"));
}
END_TEST

START_TEST(unknown_flag_is_refused)
{
    char err[512];
    struct cli cli = cli_start("", "--surprise", END);
    ck_assert_int_eq(cli_end(&cli, err, sizeof err), 1);
    ck_assert_str_eq(err, "error: unknown option '--surprise'\n");
}
END_TEST

static const struct fault {
    const char *scenario;
    int status;
} faults[] = {
    {"{\"exit\":{\"code\":3,\"when\":\"start\"}}", 3},
    {"{\"exit\":{\"code\":4,\"when\":\"after_init\"}}", 4},
    {"{\"exit\":{\"code\":5}}", 5},
    {"{\"exit\":{\"code\":6,\"when\":\"after_result\"}}", 6},
    {"{\"signal\":9}", -SIGKILL},
    {"{\"signal\":{\"number\":15,\"when\":\"after_init\"}}", -SIGTERM},
};

START_TEST(faults_strike_when_asked)
{
    char err[512];
    struct cli cli = cli_start(faults[_i].scenario, END);
    signal(SIGPIPE, SIG_IGN);
    cli_say(&cli, "hi");
    ck_assert_int_eq(cli_end(&cli, err, sizeof err), faults[_i].status);
}
END_TEST

static void make_config_dir(void) {
    snprintf(config_dir, sizeof config_dir, "/tmp/standin-cli-test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(config_dir));
}

static void remove_config_dir(void) {
    char command[PATH_MAX + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", config_dir);
    ck_assert_int_eq(system(command), 0);
}

int main(void) {
    Suite *suite = suite_create("standin_cli");
    TCase *tests = tcase_create("protocol");
    tcase_add_checked_fixture(tests, make_config_dir, remove_config_dir);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, answers_without_a_scenario);
    tcase_add_test(tests, turns_follow_and_cost_adds_up);
    tcase_add_test(tests, events_come_in_the_real_order);
    tcase_add_test(tests, object_follows_rejected_ones);
    tcase_add_test(tests, schema_alone_gives_a_sample);
    tcase_add_test(tests, a_schema_that_cannot_be_compiled_is_dropped);
    tcase_add_test(tests, tool_runs_when_the_host_allows_it);
    tcase_add_test(tests, denied_tool_is_reported);
    tcase_add_test(tests, rules_decide_without_asking);
    tcase_add_test(tests, host_provided_tool_round_trip);
    tcase_add_test(tests, interrupt_ends_the_turn_not_the_process);
    tcase_add_test(tests, text_is_spelled_as_the_scenario_says);
    tcase_add_test(tests, stamps_are_the_times_of_writing);
    tcase_add_test(tests, cut_message_can_be_interrupted);
    tcase_add_test(tests, session_is_resumed_and_forked);
    tcase_add_test(tests, the_conversation_is_counted_without_a_turn);
    tcase_add_test(tests, a_message_that_is_not_there_cannot_be_resumed_at);
    tcase_add_test(tests, unknown_session_is_an_error_result);
    tcase_add_test(tests, bad_input_kills_it);
    tcase_add_test(tests, unknown_flag_is_refused);
    tcase_add_loop_test(tests, faults_strike_when_asked, 0, sizeof faults / sizeof *faults);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
