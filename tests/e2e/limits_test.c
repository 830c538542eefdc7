/* SPDX-License-Identifier: Apache-2.0 */
/* What a run may use and whom it runs as (runner.limits, nice, user), seen from the tools' shells.
 */
#include "support/process_search.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define USER "nobody"

enum { GONE_MS = 1000, GONE_SLOWLY_MS = 3000, APPEAR_MS = 10000 };

static struct gateway *gateway;
static char *place; /* for every user: `claude`, the stand-in CLI; `work`; `home` of the user */

static void setup(void) {
    place = scratch_directory_create();
    ck_assert_int_eq(chmod(place, 0755), 0);
}

static void teardown(void) {
    gateway_stop(gateway);
    scratch_directory_destroy(place);
}

/* No process is started ahead: each request sees what holds when it is made. */
static void start(const char *runner, const char *const *environment) {
    char *config = scratch_text("pool: {warm: 0}\nrunner: {%s}\n", runner);
    gateway =
        gateway_start(&(struct gateway_options){.config = config, .environment = environment});
    free(config);
}

/* What the command writes. */
static void expect_tool(const char *command, const char *expected) {
    struct http_response answer = http_post(gateway, "/generate-text", tool_body("{}", command));
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), expected);
    http_response_finish(&answer);
}

/* ---- limits */

START_TEST(without_limits_a_tool_has_what_the_gateway_has)
{
    char *expected = scratch_text("%ld\nunlimited", sysconf(_SC_OPEN_MAX));
    start("max_line_bytes: 1MiB", NULL);
    expect_tool("ulimit -Sn; ulimit -Ht", expected);
    ck_assert(!gateway_log_has(gateway, "memory_bytes"));
    free(expected);
}
END_TEST

START_TEST(limits_hold_for_a_tools_command_and_cannot_be_raised)
{
    start("nice: 4, limits: {cpu_seconds: 50, open_files: 256, file_bytes: 1MiB}", NULL);
    expect_tool("echo $(ulimit -Sn) $(ulimit -Hn) $(ulimit -Ht) $(ulimit -Hf) $(nice)",
                "256 256 51 2048 4");
    expect_tool("env -i /usr/bin/setsid sh -c 'ulimit -Hn; nice'", "256\n4");
}
END_TEST

START_TEST(a_tool_that_writes_too_large_a_file_fails_and_the_run_goes_on)
{
    start("limits: {file_bytes: 64KiB}", NULL);
    expect_tool("(head -c 100000 /dev/zero >large; stat -c %s large) 2>/dev/null", "65536");
}
END_TEST

/* The sanitizers' own reservations are far over any such limit. */
START_TEST(memory_without_a_cgroup_is_limited_for_each_process)
{
    if (getenv("KOINE_SLOW"))
        return;
    start("cgroup: off, limits: {memory_bytes: 256MiB}", NULL);
    expect_tool("ulimit -Sd; ulimit -Hd; dd if=/dev/zero of=/dev/null bs=512M count=1 2>/dev/null"
                " || echo refused",
                "262144\n262144\nrefused");
    ck_assert(!gateway_log_has(gateway, "no cgroup can be made")); /* nobody wanted one */
    ck_assert(gateway_log_has(gateway, "too little for the CLI to start"));
}
END_TEST

START_TEST(memory_is_limited_by_a_cgroup_or_the_log_says_why_not)
{
    if (getenv("KOINE_SLOW"))
        return;
    start("limits: {memory_bytes: 256MiB}", NULL);
    const bool said = gateway_log_has(gateway, "as no cgroup can be made: ");
    expect_tool("grep -q /koine-run- /proc/self/cgroup && echo cgroup || ulimit -Hd",
                said ? "262144" : "cgroup");
}
END_TEST

START_TEST(a_cli_over_its_cpu_time_is_an_error_that_says_so)
{
    const char *const environment[] = {
        "CLAUDE_CODE_STANDIN={\"start_ms\":30000,\"start_busy\":true}", NULL};
    start("limits: {cpu_seconds: 1}", environment);
    struct http_response answer = generate(gateway, "{}", NULL);
    http_assert_error(&answer, 500, "CLI_EXIT_ERROR");
    ck_assert_ptr_nonnull(strstr(http_string(&answer, "error"), "more processor time than"));
    gateway_await_log(gateway, "more processor time than runner.limits.cpu_seconds");
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_cli_over_its_file_size_is_an_error_that_says_so)
{
    start("limits: {file_bytes: 64}", NULL); /* its transcript is larger */
    struct http_response answer = generate(gateway, "{}", NULL);
    http_assert_error(&answer, 500, "CLI_EXIT_ERROR");
    ck_assert_ptr_nonnull(strstr(http_string(&answer, "error"), "a larger file than"));
    gateway_await_log(gateway, "for one file than runner.limits.file_bytes");
    http_response_finish(&answer);
}
END_TEST

/* ---- another user */

static char *in_place(const char *name) {
    return scratch_text("%s/%s", place, name);
}

/* Where the user gets to, wherever the checkout is. */
static char *copy_standin_cli(void) {
    char *from = gateway_standin_cli(), *to = in_place("claude");
    char *command = scratch_text("cp -L '%s' '%s' && chmod 755 '%s'", from, to, to);
    ck_assert_int_eq(system(command), 0);
    free(command);
    free(from);
    return to;
}

static void make_for_user(const char *name, mode_t mode) {
    const struct passwd *user = getpwnam(USER);
    char *path = in_place(name);
    ck_assert_ptr_nonnull(user);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
    ck_assert_int_eq(chown(path, user->pw_uid, user->pw_gid), 0);
    free(path);
}

static void start_as_user(const char *more) {
    char *cli = copy_standin_cli();
    char *runner =
        scratch_text("user: " USER ", command: %s, working_directory: %s/work%s", cli, place, more);
    make_for_user("work", 0700);
    start(runner, NULL);
    free(runner);
    free(cli);
}

START_TEST(the_cli_and_its_tools_are_that_user)
{
    start_as_user("");
    char *expected = scratch_text(USER "\n" USER "\n%s/work\nCapEff:\t0000000000000000", place);
    expect_tool("id -un; id -run; pwd; grep CapEff /proc/self/status", expected);
    free(expected);
}
END_TEST

/* It holds the gateway's key. */
START_TEST(the_gateway_is_out_of_their_reach)
{
    start_as_user("");
    char *command = scratch_text("cat /proc/%d/environ 2>/dev/null || echo private;"
                                 "kill -0 %d 2>/dev/null || echo alive",
                                 (int)gateway_pid(gateway), (int)gateway_pid(gateway));
    expect_tool(command, "private\nalive");
    free(command);
}
END_TEST

START_TEST(home_and_names_are_the_users)
{
    start_as_user("");
    const char *home = getpwnam(USER)->pw_dir;
    char *expected = scratch_text("%s " USER " " USER, home);
    expect_tool("echo $HOME $USER $LOGNAME", expected);
    ck_assert_int_eq(gateway_log_has(gateway, "the home of runner.user " USER),
                     access(home, F_OK) != 0);
    free(expected);
}
END_TEST

START_TEST(a_home_that_the_configuration_sets_stays)
{
    char *more = scratch_text(", environment: {HOME: %s/home}", place);
    char *expected = scratch_text("%s/home " USER, place);
    make_for_user("home", 0700);
    start_as_user(more);
    expect_tool("echo $HOME $USER", expected);
    ck_assert(!gateway_log_has(gateway, "the home of runner.user"));
    free(expected);
    free(more);
}
END_TEST

/* The gateway writes it, the CLI reads it and goes on writing. */
START_TEST(a_history_is_the_users_file)
{
    char *more = scratch_text(", environment: {HOME: %s/home}", place);
    make_for_user("home", 0700);
    start_as_user(more);
    struct http_response answer = generate(gateway, "{'echo':'history'}",
                                           "{'history':[{'role':'user','content':'milk'},"
                                           "{'role':'assistant','content':'and honey'}]}");
    json_t *history = echoed(&answer);
    ck_assert_int_eq(json_integer_value(http_json_at(history, "messages")), 2);
    expect_tool("find \"$HOME\" ! -user " USER " | wc -l", "0");
    json_decref(history);
    http_response_finish(&answer);
    free(more);
}
END_TEST

START_TEST(a_working_directory_that_the_user_may_not_enter_is_a_spawn_error)
{
    start_as_user("");
    char *work = in_place("work");
    char *expected = scratch_text(
        "as user " USER ": it cannot enter its working directory %s: Permission", work);
    ck_assert_int_eq(chown(work, 0, 0), 0);
    struct http_response answer = generate(gateway, "{}", NULL);
    http_assert_error(&answer, 500, "SPAWN_ERROR");
    gateway_await_log(gateway, expected);
    http_response_finish(&answer);
    free(expected);
    free(work);
}
END_TEST

START_TEST(a_stream_ends_with_the_same_error)
{
    start_as_user("");
    char *work = in_place("work");
    ck_assert_int_eq(chown(work, 0, 0), 0);
    struct sse_recording recording = stream_all(gateway, "{}", NULL);
    const struct sse_event *error = sse_find(&recording, "error");
    ck_assert_ptr_nonnull(error);
    ck_assert_str_eq(json_string_value(json_object_get(error->json, "code")), "SPAWN_ERROR");
    sse_recording_finish(&recording);
    free(work);
}
END_TEST

#define WAITER "sh -c 'trap \"\" TERM INT HUP; while :; do sleep 1000; done' "

START_TEST(hidden_processes_of_the_user_go_with_their_client)
{
    start_as_user(", nice: 1, limits: {open_files: 256}");
    char *mark = scratch_text("MARK-%d-%u", (int)gateway_pid(gateway), gateway_port(gateway));
    char *command = scratch_text("setsid " WAITER "%s & (env -i /usr/bin/setsid " WAITER "%s &);"
                                 " " WAITER "%s",
                                 mark, mark, mark);
    struct sse_stream *stream = sse_open_stream(gateway, "/stream", tool_body("{}", command));
    ck_assert(process_search_await(mark, 3, APPEAR_MS));
    sse_stream_close(stream);
    ck_assert(process_search_await(mark, 0, getenv("KOINE_SLOW") ? GONE_SLOWLY_MS : GONE_MS));
    free(command);
    free(mark);
}
END_TEST

int main(void) {
    setpriority(PRIO_PROCESS, 0, 0); /* what is expected counts from here */
    const TTest *const for_all[] = {
        without_limits_a_tool_has_what_the_gateway_has,
        limits_hold_for_a_tools_command_and_cannot_be_raised,
        a_tool_that_writes_too_large_a_file_fails_and_the_run_goes_on,
        memory_without_a_cgroup_is_limited_for_each_process,
        memory_is_limited_by_a_cgroup_or_the_log_says_why_not,
        a_cli_over_its_cpu_time_is_an_error_that_says_so,
        a_cli_over_its_file_size_is_an_error_that_says_so,
    };
    const TTest *const for_root[] = {
        the_cli_and_its_tools_are_that_user,
        the_gateway_is_out_of_their_reach,
        home_and_names_are_the_users,
        a_home_that_the_configuration_sets_stays,
        a_history_is_the_users_file,
        a_working_directory_that_the_user_may_not_enter_is_a_spawn_error,
        a_stream_ends_with_the_same_error,
        hidden_processes_of_the_user_go_with_their_client,
    };
    int result = test_main("limits", setup, teardown, for_all, sizeof for_all / sizeof *for_all);
    if (geteuid() != 0) {
        puts("SKIPPED: only root can have the CLI run as another user");
        return result;
    }
    setenv("TMPDIR", "/tmp", 1); /* the other user gets there */
    return test_main("limits of users", setup, teardown, for_root,
                     sizeof for_root / sizeof *for_root) ||
           result;
}
