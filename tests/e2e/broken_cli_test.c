/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that are not the CLI, or no longer: /health and the client are told what is wrong and
 * what to do, the machine is not kept busy with starts, and one that is well again is used again.
 */
#include "support/cli_watch.h"
#include "support/process_table.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the gateway takes for the CLI; `count` leaves the time of each start. */
#define VERSION "case \"$*\" in *--version*) echo '2.1.330 (Claude Code)'; exit 0;; esac\n"
#define COUNT "date +%s%3N >>\"$0.starts\"\n"

static struct gateway *gateway;
static char *directory, *command;

static void setup(void) {
    directory = scratch_directory_create();
    command = scratch_text("%s/claude", directory);
}

static void teardown(void) {
    gateway_stop(gateway);
    scratch_directory_destroy(directory);
    free(command);
}

static void start_with(const char *more, unsigned start_timeout_ms) {
    char *text = scratch_text("runner: {command: %s, start_timeout_ms: %u, max_line_bytes: 64KiB}\n"
                              "health: {probe_interval_ms: 100}\n%s",
                              command, start_timeout_ms, more);
    gateway = gateway_start(&(struct gateway_options){.config = text});
    free(text);
}

static void start(void) {
    start_with("", 20000);
}

/* Puts it in place in one step: a start finds this program or the one of before. */
static void install(const char *text, mode_t mode) {
    char *path = scratch_text("%s.new", command);
    scratch_write(path, text);
    ck_assert_int_eq(chmod(path, mode), 0);
    ck_assert_int_eq(rename(path, command), 0);
    free(path);
}

static void install_script(const char *text) {
    char *script = scratch_text("#!/bin/sh\n%s", text);
    install(script, 0700);
    free(script);
}

/* The stand-in, which does all that it is told by the variable. */
static void install_standin(const char *version, const char *scenario) {
    char *cli = gateway_standin_cli();
    char *script = scratch_text("case \"$*\" in *--version*) echo '%s'; exit 0;; esac\n"
                                "CLAUDE_CODE_STANDIN='%s' exec %s \"$@\"\n",
                                version, scenario, cli);
    install_script(script);
    free(script);
    free(cli);
}

static void install_good(void) {
    install_standin("2.1.330 (Claude Code)", "{}");
}

/* ---- what is told */

static bool health_says(const void *sentence) {
    struct http_response health = http_get(gateway, "/health");
    const char *error = json_string_value(http_json_at(health.json, "error"));
    bool says = health.status == 503 && error && strstr(error, sentence);
    http_response_finish(&health);
    return says;
}

static void await_unhealthy(const char *sentence) {
    bool says = await(health_says, sentence, 10000);
    struct http_response health = http_get(gateway, "/health");
    ck_assert_msg(says, "/health does not say '%s': %s", sentence, health.body);
    http_assert_status(&health, 503);
    ck_assert_str_eq(http_string(&health, "status"), "unhealthy");
    ck_assert_str_eq(http_string(&health, "claudeCli"), "unavailable");
    http_response_finish(&health);
}

static bool is_healthy(const void *nothing) {
    (void)nothing;
    struct http_response health = http_get(gateway, "/health");
    bool healthy = health.status == 200;
    http_response_finish(&health);
    return healthy;
}

static void assert_failure(const char *fields, long status, const char *code,
                           const char *sentence) {
    struct http_response answer = generate(gateway, "{}", fields);
    http_assert_error(&answer, status, code);
    ck_assert_msg(strstr(http_string(&answer, "error"), sentence) != NULL, "'%s' is not in %s",
                  sentence, answer.body);
    http_response_finish(&answer);
    await_active_slots(gateway, 0, 3000);
}

/* Without a restart, and with processes that wait. */
static void assert_well_again(void) {
    install_good();
    await_health(gateway, "processes.starting", 0); /* the last one of before */
    struct http_response answer = generate(gateway, "{'text':'well again'}", NULL);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "well again");
    http_response_finish(&answer);
    if (!await(is_healthy, NULL, 10000)) {
        struct http_response health = http_get(gateway, "/health");
        http_assert_status(&health, 200);
    }
    await_health(gateway, "processes.warm", 1);
}

START_TEST(one_that_is_missing)
{
    start();
    await_unhealthy("not found");
    assert_failure(NULL, 500, "SPAWN_ERROR", "was not found: install Claude Code");
    assert_well_again();
    ck_assert_int_eq(unlink(command), 0);
    await_unhealthy("not found");
}
END_TEST

START_TEST(one_that_vanishes)
{
    install_good();
    start_with("pool: {warm: 0}\n", 20000);
    ck_assert(await(is_healthy, NULL, 10000));
    ck_assert_int_eq(unlink(command), 0);
    for (int i = 0; i < 2; i++)
        assert_failure(NULL, 500, "SPAWN_ERROR", "was not found: install Claude Code");
}
END_TEST

/* To another directory of PATH, as an update may do it: one request may find that out. */
START_TEST(one_that_moves)
{
    char *elsewhere = scratch_text("%s/elsewhere", directory);
    char *moved = scratch_text("%s/claude", elsewhere);
    char *path = scratch_text("PATH=%s:%s:/usr/bin:/bin", directory, elsewhere);
    const char *const environment[] = {path, NULL};
    install_good();
    gateway = gateway_start(
        &(struct gateway_options){.config = "pool: {warm: 0}\n", .environment = environment});
    ck_assert(await(is_healthy, NULL, 10000));
    ck_assert_int_eq(mkdir(elsewhere, 0700), 0);
    ck_assert_int_eq(rename(command, moved), 0);
    struct http_response answer = generate(gateway, "{'text':'here'}", NULL);
    if (answer.status != 200) {
        http_response_finish(&answer);
        answer = generate(gateway, "{'text':'here'}", NULL);
    }
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "here");
    http_response_finish(&answer);
    free(elsewhere);
    free(moved);
    free(path);
}
END_TEST

START_TEST(one_that_may_not_be_executed)
{
    install("#!/bin/sh\n", 0600);
    start();
    await_unhealthy("may be executed");
    assert_failure(NULL, 500, "SPAWN_ERROR", "may be executed");
    assert_well_again();
}
END_TEST

START_TEST(one_that_is_no_program)
{
    install("neither a program nor a script\n", 0700);
    start();
    await_unhealthy("check that runner.command is a program");
    assert_failure(NULL, 500, "SPAWN_ERROR", "check that runner.command is a program");
    assert_well_again();
}
END_TEST

START_TEST(one_that_ends_at_once)
{
    install_script(VERSION "echo sk-secret >&2; exit 3\n");
    start();
    await_unhealthy("ends before it answers");
    assert_failure(NULL, 500, "CLI_EXIT_ERROR", "exit status 3 before it answered. Run it by hand");
    ck_assert(!gateway_log_has(gateway, "sk-secret"));
    assert_well_again();
}
END_TEST

/* It takes the CLI's flags for its own, says so, and exits; and has a version of its own. */
START_TEST(another_program)
{
    ck_assert_int_eq(symlink("/usr/bin/yes", command), 0);
    start();
    await_unhealthy("runner.command must be Claude Code");
    assert_failure(NULL, 500, "CLI_EXIT_ERROR", "before it answered. Run it by hand");
    assert_well_again();
}
END_TEST

START_TEST(one_that_writes_anything_for_ever)
{
    install_script(VERSION "exec yes anything\n");
    start();
    await_unhealthy("is not Claude Code 2.1 or later");
    assert_failure(NULL, 500, "PARSE_ERROR", "check runner.command");
    assert_well_again();
}
END_TEST

START_TEST(one_that_writes_one_line_for_ever)
{
    install_script(VERSION "exec tr '\\0' x </dev/zero\n");
    start_with("pool: {warm: 0}\n", 20000);
    assert_failure(NULL, 500, "PARSE_ERROR", "runner.max_line_bytes");
    await_children(gateway, 0);
}
END_TEST

START_TEST(one_that_says_nothing)
{
    install_script(VERSION "exec sleep 1000\n");
    start_with("", 1500);
    await_unhealthy("does not answer within runner.start_timeout_ms");
    assert_failure(NULL, 504, "TIMEOUT_ERROR", "runner.start_timeout_ms");
    assert_well_again();
}
END_TEST

START_TEST(one_whose_version_is_too_old)
{
    install_standin("1.0.88 (Claude Code)", "{\"control_errors\":true}");
    start();
    await_unhealthy("too old");
    static const char sentence[] = "it must be Claude Code 2.1 or later";
    assert_failure("{'maxTokens':99}", 500, "CLI_EXIT_ERROR", sentence);
    assert_well_again();
}
END_TEST

START_TEST(one_that_fails_when_its_version_is_asked)
{
    install_script("exit 1\n");
    start();
    await_unhealthy("run it by hand");
    assert_failure(NULL, 500, "CLI_EXIT_ERROR", "exit status 1 before it answered");
    assert_well_again();
}
END_TEST

/* ---- how often it is started */

enum { MOST_STARTS = 64 };

/* The times of the starts so far, in milliseconds. */
static size_t starts(uint64_t times[MOST_STARTS]) {
    char *path = scratch_text("%s.starts", command), *text = scratch_read(path), *rest = text,
         *line;
    size_t count = 0;
    while (rest && (line = strsep(&rest, "\n")) && rest && count < MOST_STARTS)
        times[count++] = strtoull(line, NULL, 10);
    free(text);
    free(path);
    return count;
}

static bool has_started(const void *count) {
    uint64_t times[MOST_STARTS];
    return starts(times) >= *(const size_t *)count;
}

/* Waits for that many starts, of which nobody has asked for any: after three failures they are a
 * second apart. */
static void await_slow_starts(const char *script, size_t count) {
    uint64_t times[MOST_STARTS];
    install_script(script);
    start();
    ck_assert_msg(await(has_started, &count, 20000), "%zu starts, expected %zu", starts(times),
                  count);
    size_t seen = starts(times);
    for (size_t i = 3; i < seen; i++)
        ck_assert_msg(times[i] - times[i - 1] >= 990, "start %zu came %u ms after the one before",
                      i + 1, (unsigned)(times[i] - times[i - 1]));
}

/* The fifth failure puts the sixth start off by four seconds, but one that works for a request is
 * known to work. */
START_TEST(one_that_ends_at_once_is_started_ever_more_seldom)
{
    await_slow_starts(VERSION COUNT "exit 3\n", 5);
    uint64_t begin = clock_ms();
    assert_well_again();
    uint64_t took_ms = clock_ms() - begin;
    ck_assert_msg(took_ms < 3900, "nothing waits before %u ms", (unsigned)took_ms);
}
END_TEST

START_TEST(one_that_writes_anything_is_started_ever_more_seldom)
{ await_slow_starts(VERSION COUNT "exec yes anything\n", 4); }
END_TEST

/* Each request may have its own start; nothing comes on top of that but what comes anyway. */
START_TEST(requests_do_not_make_it_start_more_often)
{
    uint64_t times[MOST_STARTS], begin = clock_ms();
    size_t requests = 0;
    install_script(VERSION COUNT "exit 3\n");
    start();
    for (; clock_ms() - begin < 2000 && requests < MOST_STARTS / 2; requests++)
        assert_failure(NULL, 500, "CLI_EXIT_ERROR", "exit status 3");
    uint64_t seconds = (clock_ms() - begin) / 1000;
    size_t count = starts(times);
    ck_assert_msg(count <= requests + 3 + seconds + 1, "%zu starts for %zu requests in %u s", count,
                  requests, (unsigned)seconds);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        one_that_is_missing,
        one_that_vanishes,
        one_that_moves,
        one_that_may_not_be_executed,
        one_that_is_no_program,
        one_that_ends_at_once,
        another_program,
        one_that_writes_anything_for_ever,
        one_that_writes_one_line_for_ever,
        one_that_says_nothing,
        one_whose_version_is_too_old,
        one_that_fails_when_its_version_is_asked,
        one_that_ends_at_once_is_started_ever_more_seldom,
        one_that_writes_anything_is_started_ever_more_seldom,
        requests_do_not_make_it_start_more_often,
    };
    return test_main("broken_cli", setup, teardown, tests, sizeof tests / sizeof *tests);
}
