/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child process as its user sees it: input, lines, backpressure, status. What becomes of the
 * processes that a child starts is in process_end_test.c.
 */
#include "unit/process_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

START_TEST(lines_arrive_one_by_one_and_a_last_one_without_newline_counts)
{
    struct run *run = start_shell("printf 'one\\n\\ntwo\\r\\nthree'");
    wait_until_ended(run);
    ck_assert_str_eq(run->text, "one|"
                                "|"
                                "two\r|"
                                "three|");
    ck_assert_int_eq(run->status.how, PROCESS_EXITED);
    ck_assert_int_eq(run->status.exit_code, 0);
    ck_assert_int_eq(run->status.signal, 0);
}
END_TEST

START_TEST(exit_code_is_reported)
{
    struct run *run = start_shell("exit 7");
    wait_until_ended(run);
    ck_assert_int_eq(run->status.exit_code, 7);
    ck_assert_int_eq(run->status.signal, 0);
}
END_TEST

START_TEST(death_by_a_signal_is_reported)
{
    struct run *run = start_shell("kill -SEGV $$");
    wait_until_ended(run);
    ck_assert_int_eq(run->status.how, PROCESS_EXITED);
    ck_assert_int_eq(run->status.exit_code, -1);
    ck_assert_int_eq(run->status.signal, SIGSEGV);
}
END_TEST

static int start_error(const char *path, const char *directory) {
    char *argv[] = {(char *)(uintptr_t)path, NULL};
    const struct process_options missing = {
        .path = path, .argv = argv, .envp = environ, .working_directory = directory};
    int error = 0;
    ck_assert_ptr_null(process_start(host, &missing, &run_callbacks, NULL, &error));
    return error;
}

/* Valgrind turns vfork into fork: posix_spawn does not hear of a failing exec there. */
static bool exec_errors_are_lost(void) {
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded && strstr(preloaded, "vgpreload");
}

START_TEST(what_cannot_be_started_is_an_errno_and_leaves_nothing)
{
    if (exec_errors_are_lost()) {
        return;
    }
    const int fds = count_descriptors();
    ck_assert_int_eq(start_error("/nonexistent/program", NULL), ENOENT);
    ck_assert_int_eq(start_error("/etc/passwd", NULL), EACCES);
    ck_assert_int_eq(start_error("/bin/true", "/nonexistent"), ENOENT);
    ck_assert_int_eq(count_descriptors(), fds);
    ck_assert(has_no_children());
}
END_TEST

START_TEST(short_of_descriptors_a_start_fails_whole_or_succeeds_whole)
{
    const int fds = count_descriptors();
    struct rlimit limit;
    struct run *run = NULL;
    int refused = 0;
    getrlimit(RLIMIT_NOFILE, &limit);
    for (rlim_t most = 0; !run; most++) {
        const struct rlimit few = {most, limit.rlim_max};
        setrlimit(RLIMIT_NOFILE, &few);
        run = try_to_start_shell("exit 4");
        setrlimit(RLIMIT_NOFILE, &limit);
        refused += !run;
        ck_assert(run || has_no_children());
        ck_assert(run || count_descriptors() == fds);
    }
    ck_assert_int_ge(refused, 6);
    wait_until_ended(run);
    ck_assert_int_eq(run->status.exit_code, 4);
    ck_assert_int_eq(count_descriptors(), fds);
}
END_TEST

START_TEST(directory_environment_signals_and_descriptors_are_as_promised)
{
    const int leak = fcntl(0, F_DUPFD, 50); /* not close-on-exec */
    setenv("GREETING", "hello", 1);
    setenv("KOINE_RUN", "outer", 1);
    options.working_directory = "/usr";
    struct run *run =
        start_shell("pwd; echo $GREETING; echo ${#KOINE_RUN};"
                    "sed -n 's/^Sig\\(Ign\\|Blk\\):.*\\(.......\\)$/\\1 \\2/p' /proc/self/status;"
                    "test -e /proc/self/fd/50 || echo closed;"
                    "test $(cut -d' ' -f5 /proc/$$/stat) = $$ && echo leader");
    wait_until_ended(run);
    close(leak);
    ck_assert_str_eq(run->text, "/usr|hello|32|Blk 0000000|Ign 0000000|closed|leader|");
}
END_TEST

START_TEST(two_megabytes_go_through_stdin_and_back)
{
    enum { SIZE = 2 * 1024 * 1024 };
    char *text = malloc(SIZE);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', SIZE);
    text[SIZE - 1] = '\n';
    options.max_line_bytes = SIZE;
    struct run *run = start_shell("cat");
    ck_assert_int_eq(process_write(run->process, (struct koine_text){text, SIZE}), KOINE_OK);
    ck_assert_uint_gt(process_write_queued(run->process), 0);
    ck_assert_int_eq(run->written, 0); /* never from inside */
    process_close_input(run->process);
    ck_assert_int_eq(process_write(run->process, KOINE_TEXT("late")), KOINE_GONE);
    wait_until_ended(run);
    free(text);
    ck_assert_int_eq(run->written, 1);
    ck_assert_int_eq(run->lines, 1);
    ck_assert_uint_eq(run->bytes, SIZE - 1);
}
END_TEST

START_TEST(a_long_line_is_taken_over)
{
    enum { SIZE = 1024 * 1024 };
    char *line = malloc(SIZE);
    ck_assert_ptr_nonnull(line);
    memset(line, 'x', SIZE);
    line[SIZE - 1] = '\n';
    options.max_line_bytes = SIZE;
    struct run *run = start_shell("cat");
    ck_assert_int_eq(process_write_long(run->process, KOINE_TEXT("head\n"), line, SIZE), KOINE_OK);
    ck_assert_uint_gt(process_write_queued(run->process), 0);
    ck_assert_int_eq(run->written, 0);
    process_close_input(run->process);
    line = strdup("late\n");
    ck_assert_int_eq(process_write_long(run->process, KOINE_TEXT(""), line, 5), KOINE_GONE);
    wait_until_ended(run);
    ck_assert_int_eq(run->written, 1);
    ck_assert_int_eq(run->lines, 2);
    ck_assert_uint_eq(run->bytes, strlen("head") + SIZE - 1);
}
END_TEST

START_TEST(a_small_write_goes_out_at_once_and_is_confirmed_later)
{
    struct run *run = start_shell("read word; echo got $word");
    ck_assert_int_eq(process_write(run->process, KOINE_TEXT("milk\n")), KOINE_OK);
    ck_assert_uint_eq(process_write_queued(run->process), 0);
    ck_assert_int_eq(run->written, 0);
    wait_until_ended(run);
    ck_assert_int_eq(run->written, 1);
    ck_assert_str_eq(run->text, "got milk|");
}
END_TEST

START_TEST(writing_to_a_child_that_closed_its_stdin_says_gone)
{
    struct run *run = start_shell("exec 0<&-; echo closed; read never < /dev/tty; sleep 1000");
    wait_for_lines(run, 1);
    ck_assert_int_eq(process_write(run->process, KOINE_TEXT("anybody?")), KOINE_GONE);
    ck_assert_int_eq(process_write(run->process, KOINE_TEXT("no")), KOINE_GONE);
    process_end(run->process, true);
    wait_until_ended(run);
}
END_TEST

START_TEST(stderr_lines_are_cut_and_after_64_kib_dropped)
{
    struct run *run = start_shell("echo short >&2; head -c 5000 /dev/zero | tr '\\0' y >&2;"
                                  "echo >&2; head -c 3000000 /dev/zero | tr '\\0' '\\n' >&2;"
                                  "echo end");
    wait_until_ended(run);
    ck_assert_str_eq(run->text, "end|");
    ck_assert_str_eq(run->first_error, "short");
    ck_assert_uint_eq(run->longest_error, 4096);
    ck_assert_int_gt(run->errors, 1000);
    ck_assert_int_lt(run->errors, 64 * 1024);
}
END_TEST

START_TEST(a_line_over_the_limit_ends_the_run_with_that_status)
{
    options.max_line_bytes = 1000;
    struct run *run = start_shell("echo fine; head -c 1000000 /dev/zero; sleep 1000");
    wait_until_ended(run);
    ck_assert_int_eq(run->status.how, PROCESS_LINE_TOO_LONG);
    ck_assert_str_eq(run->text, "fine|");
}
END_TEST

static void pause_at_each_thousandth(struct run *run) {
    ck_assert(!run->paused); /* no line while paused */
    if (run->lines % 1000 == 0) {
        process_pause(run->process);
        run->paused = true;
        resume_from_the_loop(run);
    }
}

START_TEST(ten_megabytes_survive_pauses_in_the_middle_of_a_batch)
{
    struct run *run = start_shell("seq 1000000 1400000; printf end");
    run->on_line = pause_at_each_thousandth;
    wait_until_ended(run);
    ck_assert_int_eq(run->lines, 400002);
    ck_assert_uint_eq(run->bytes, 400001 * 7 + 3);
    ck_assert_str_eq(run->last, "end");
}
END_TEST

static void pause_now(struct run *run) {
    process_pause(run->process);
}

START_TEST(a_paused_child_waits_in_its_write)
{
    struct run *run = start_shell("i=0; while echo $i; do i=$((i+1)); echo $i > /dev/stderr; done");
    run->on_line = pause_now;
    wait_for_lines(run, 1);
    wait_until_idle_ms(run, 100);
    /* What it could write before it stopped: a pipe, and what was read before the pause. */
    ck_assert_int_eq(run->lines, 1);
    ck_assert_int_gt(run->errors, 0);
    process_end(run->process, true);
    wait_until_ended(run);
    ck_assert_int_eq(run->lines, 1);
}
END_TEST

START_TEST(a_child_that_exits_while_paused_ends_after_the_resume)
{
    struct run *run = start_shell("echo 1; echo 2; echo 3");
    run->on_line = pause_now;
    wait_for_lines(run, 1);
    wait_until_idle_ms(run, 50);
    ck_assert(!run->ended);
    process_resume(run->process);
    ck_assert_int_eq(run->lines, 1); /* never from inside */
    wait_for_lines(run, 2);
    wait_until_idle_ms(run, 50);
    process_resume(run->process);
    wait_until_ended(run);
    ck_assert_str_eq(run->text, "1|2|3|");
}
END_TEST

static void end_at_second(struct run *run) {
    ck_assert_int_le(run->lines, 2);
    if (run->lines == 2) {
        process_end(run->process, false);
        process_end(run->process, false);
        process_end(run->process, true);
        ck_assert(!run->ended);
    }
}

START_TEST(process_end_from_inside_a_line_stops_the_lines)
{
    struct run *run = start_shell("while :; do echo line; done");
    run->on_line = end_at_second;
    wait_until_ended(run);
    ck_assert_int_eq(run->lines, 2);
    ck_assert_int_eq(run->status.how, PROCESS_ENDED);
}
END_TEST

START_TEST(process_end_after_the_exit_says_ended_once)
{
    struct run *run = start_shell("echo 1; echo 2");
    run->on_line = pause_now;
    wait_for_lines(run, 1);
    wait_until_idle_ms(run, 50);
    process_end(run->process, false);
    wait_until_ended(run);
    ck_assert_int_eq(run->status.how, PROCESS_ENDED);
    ck_assert_int_eq(run->lines, 1);
}
END_TEST

START_TEST(nothing_is_left_after_two_hundred_runs)
{
    struct run *run = start_shell("exit 0");
    wait_until_ended(run);
    const int fds = count_descriptors();
    for (int i = 0; i < 200; i++) {
        run = start_shell(i % 2 ? "echo hello; exit 3" : "sleep 1000");
        if (i % 2 == 0) {
            process_end(run->process, i % 4 == 0);
        }
        wait_until_ended(run);
    }
    ck_assert_int_eq(count_descriptors(), fds);
    ck_assert(has_no_children());
    struct process_host_counters counters;
    process_host_count(host, &counters);
    ck_assert_uint_eq(counters.started, 201);
    ck_assert_uint_eq(counters.running, 0);
    ck_assert_uint_eq(counters.strays, 0);
}
END_TEST

int main(void) {
    TCase *cases = process_case("process");
    tcase_add_test(cases, lines_arrive_one_by_one_and_a_last_one_without_newline_counts);
    tcase_add_test(cases, exit_code_is_reported);
    tcase_add_test(cases, death_by_a_signal_is_reported);
    tcase_add_test(cases, what_cannot_be_started_is_an_errno_and_leaves_nothing);
    tcase_add_test(cases, short_of_descriptors_a_start_fails_whole_or_succeeds_whole);
    tcase_add_test(cases, directory_environment_signals_and_descriptors_are_as_promised);
    tcase_add_test(cases, two_megabytes_go_through_stdin_and_back);
    tcase_add_test(cases, a_long_line_is_taken_over);
    tcase_add_test(cases, a_small_write_goes_out_at_once_and_is_confirmed_later);
    tcase_add_test(cases, writing_to_a_child_that_closed_its_stdin_says_gone);
    tcase_add_test(cases, stderr_lines_are_cut_and_after_64_kib_dropped);
    tcase_add_test(cases, a_line_over_the_limit_ends_the_run_with_that_status);
    tcase_add_test(cases, ten_megabytes_survive_pauses_in_the_middle_of_a_batch);
    tcase_add_test(cases, a_paused_child_waits_in_its_write);
    tcase_add_test(cases, a_child_that_exits_while_paused_ends_after_the_resume);
    tcase_add_test(cases, process_end_from_inside_a_line_stops_the_lines);
    tcase_add_test(cases, process_end_after_the_exit_says_ended_once);
    tcase_add_test(cases, nothing_is_left_after_two_hundred_runs);
    return process_case_run(cases);
}
