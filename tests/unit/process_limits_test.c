/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children with limits that need no privileges: memory, CPU time, descriptors, file size, priority.
 * Other users are process_user_test.c, cgroups process_cgroup_test.c.
 */
#include "unit/process_limits_fixture.h"

#include <sys/resource.h>

#define MIB (UINT64_C(1) << 20)

START_TEST(without_limits_there_is_nothing_to_hand_over)
{
    const struct process_limits_options nothing = {.cgroup = true};
    struct process_limits *limits;
    char message[320];
    ck_assert_int_eq(process_limits_create(&limits, &nothing, NULL, message, sizeof(message)), 0);
    ck_assert_ptr_null(limits);
    ck_assert_ptr_null(process_limits_user(limits));
    ck_assert_ptr_null(process_limits_without_cgroup(limits));
    process_limits_destroy(limits);
}
END_TEST

/* The shell counts memory in KiB and files in blocks of 512 bytes. The second between the limits of
 * CPU time is the kernel's: at the first it says SIGXCPU, at the second it kills. */
START_TEST(each_limit_holds_from_the_first_instruction_soft_and_hard)
{
    limit(&(struct process_limits_options){
        .memory_bytes = 1024 * MIB, .cpu_seconds = 7, .open_files = 64, .file_bytes = MIB});
    struct run *run = start_shell("echo $(ulimit -Sd) $(ulimit -Hd); echo $(ulimit -St) $(ulimit"
                                  " -Ht); echo $(ulimit -Sn) $(ulimit -Hn);"
                                  "echo $(ulimit -Sf) $(ulimit -Hf)");
    wait_until_ended(run);
    ck_assert_str_eq(run->text, "1048576 1048576|7 8|64 64|2048 2048|");
    ck_assert_int_eq(run->status.how, PROCESS_EXITED);
    ck_assert_int_eq(run->status.limit, PROCESS_LIMIT_NONE);
    ck_assert_str_eq(log_text, "");
}
END_TEST

START_TEST(what_is_not_limited_stays_as_it_is)
{
    limit(&(struct process_limits_options){.open_files = 64});
    struct run *plain, *limited;
    limited = start_shell("ulimit -Sd; ulimit -Hd; ulimit -Ht; ulimit -Hf; ulimit -Hc; nice");
    wait_until_ended(limited);
    const struct process_limits *limits = options.limits;
    options.limits = NULL;
    plain = start_shell("ulimit -Sd; ulimit -Hd; ulimit -Ht; ulimit -Hf; ulimit -Hc; nice");
    wait_until_ended(plain);
    options.limits = limits;
    ck_assert_str_eq(limited->text, plain->text);
}
END_TEST

START_TEST(a_limit_never_raises_what_the_system_allows)
{
    const struct rlimit few = {40, 50};
    limit(&(struct process_limits_options){.open_files = 60});
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    struct run *run = start_shell("ulimit -Sn; ulimit -Hn");
    wait_until_ended(run);
    ck_assert_str_eq(run->text, "50|50|");
}
END_TEST

START_TEST(descendants_inherit_all_of_it)
{
    limit(&(struct process_limits_options){
        .nice = 3, .cpu_seconds = 7, .open_files = 64, .file_bytes = MIB});
    struct run *run = start_shell(
        "env -i /usr/bin/setsid sh -c 'setsid sh -c \"nice; ulimit -Hn; ulimit -Ht; ulimit -Hf\"'");
    wait_until_ended(run);
    ck_assert_str_eq(run->text, "3|64|8|2048|");
}
END_TEST

START_TEST(the_priority_counts_from_the_gateways_own_and_ends_at_19)
{
    errno = 0;
    ck_assert(nice(2) != -1 || errno == 0);
    limit(&(struct process_limits_options){.nice = 5});
    struct run *run = start_shell("nice");
    wait_until_ended(run);
    ck_assert_str_eq(run->text, "7|");
    ck_assert(nice(10) != -1 || errno == 0);
    run = start_shell("nice");
    wait_until_ended(run);
    ck_assert_str_eq(run->text, "17|");
    ck_assert(nice(5) != -1 || errno == 0);
    run = start_shell("nice");
    wait_until_ended(run);
    ck_assert_str_eq(run->text, "19|");
}
END_TEST

/* As process_test.c has it for a start without limits. */
START_TEST(directory_environment_signals_descriptors_and_marks_are_as_without_limits)
{
    const int leak = fcntl(0, F_DUPFD, 50); /* not close-on-exec */
    limit(&(struct process_limits_options){.open_files = 64});
    setenv("GREETING", "hello", 1);
    setenv("KOINE_RUN", "outer", 1);
    options.working_directory = "/usr";
    struct run *run =
        start_shell("pwd; echo $GREETING; echo ${#KOINE_RUN};"
                    "sed -n 's/^Sig\\(Ign\\|Blk\\):.*\\(.......\\)$/\\1 \\2/p' /proc/self/status;"
                    "test -e /proc/self/fd/50 || echo closed;"
                    "echo $(ls /proc/self/fd);"
                    "test $(cut -d' ' -f5 /proc/$$/stat) = $$ && echo leader;"
                    "grep -qE '^Max file locks +[4-9][0-9]{18} ' /proc/self/limits && echo tagged");
    wait_until_ended(run);
    close(leak);
    ck_assert_str_eq(run->text,
                     "/usr|hello|32|Blk 0000000|Ign 0000000|closed|0 1 2 3|leader|tagged|");
}
END_TEST

/* Else it would act on a launcher that may be root: the loader complains once, not twice. */
START_TEST(the_environment_is_the_childs_and_not_the_launchers)
{
    limit(&(struct process_limits_options){.open_files = 64});
    setenv("LD_PRELOAD", "/nonexistent/library.so", 1);
    struct run *run = start_shell("echo $LD_PRELOAD");
    wait_until_ended(run);
    unsetenv("LD_PRELOAD");
    ck_assert_str_eq(run->text, "/nonexistent/library.so|");
    ck_assert_int_eq(run->errors, 1);
}
END_TEST

START_TEST(an_environment_of_a_megabyte_arrives)
{
    enum { VALUE = 100000, COUNT = 10 };
    static char variables[COUNT][VALUE + 8];
    limit(&(struct process_limits_options){.open_files = 64});
    for (int i = 0; i < COUNT; i++) {
        const int name = snprintf(variables[i], sizeof(variables[i]), "BIG%d=", i);
        memset(variables[i] + name, 'x', VALUE);
        putenv(variables[i]);
    }
    struct run *run = start_shell("echo ${#BIG0} ${#BIG9}");
    wait_until_ended(run);
    ck_assert_str_eq(run->text, "100000 100000|");
}
END_TEST

START_TEST(a_program_that_is_missing_is_said_by_name)
{
    limit(&(struct process_limits_options){.open_files = 64});
    const char *said = log_of_failed_start("/nonexistent/program", ENOENT);
    ck_assert_msg(strstr(said, "cannot execute /nonexistent/program: No such file"), "%s", said);
}
END_TEST

START_TEST(a_program_that_may_not_be_executed_is_said_by_name)
{
    limit(&(struct process_limits_options){.open_files = 64});
    const char *said = log_of_failed_start("/etc/passwd", EACCES);
    ck_assert_msg(strstr(said, "cannot execute /etc/passwd: Permission denied"), "%s", said);
}
END_TEST

START_TEST(a_working_directory_that_is_missing_is_said_by_name)
{
    limit(&(struct process_limits_options){.open_files = 64});
    options.working_directory = "/nonexistent/directory";
    const char *said = log_of_failed_start("/bin/true", ENOENT);
    ck_assert_msg(strstr(said, "working directory /nonexistent/directory: No such file"), "%s",
                  said);
}
END_TEST

START_TEST(a_program_that_writes_too_large_a_file_is_ended_and_the_limit_named)
{
    limit(&(struct process_limits_options){.file_bytes = 4096});
    options.working_directory = directory;
    struct run *run = start_shell("exec head -c 100000 /dev/zero >large");
    wait_until_ended(run);
    ck_assert_int_eq(run->status.how, PROCESS_EXITED);
    ck_assert_int_eq(run->status.signal, SIGXFSZ);
    ck_assert_int_eq(run->status.limit, PROCESS_LIMIT_FILE);
    ck_assert_msg(strstr(log_text, "runner.limits.file_bytes"), "%s", log_text);
}
END_TEST

START_TEST(what_a_program_starts_is_limited_and_the_program_goes_on)
{
    limit(&(struct process_limits_options){.file_bytes = 4096});
    options.working_directory = directory;
    struct run *run = start_shell("head -c 100000 /dev/zero >large; stat -c %s large");
    wait_until_ended(run);
    ck_assert_str_eq(run->text, "4096|");
    ck_assert_int_eq(run->status.exit_code, 0);
    ck_assert_int_eq(run->status.limit, PROCESS_LIMIT_NONE);
}
END_TEST

START_TEST(pipes_are_no_files)
{
    limit(&(struct process_limits_options){.file_bytes = 1});
    struct run *run = start_shell("seq 100000");
    wait_until_ended(run);
    ck_assert_int_eq(run->lines, 100000);
    ck_assert_int_eq(run->status.exit_code, 0);
}
END_TEST

START_TEST(a_program_over_its_cpu_time_is_ended_and_the_limit_named)
{
    limit(&(struct process_limits_options){.cpu_seconds = 1});
    struct run *run = start_shell("while :; do :; done");
    wait_until_ended(run);
    ck_assert_int_eq(run->status.signal, SIGXCPU);
    ck_assert_int_eq(run->status.limit, PROCESS_LIMIT_CPU);
    ck_assert_msg(strstr(log_text, "runner.limits.cpu_seconds"), "%s", log_text);
}
END_TEST

START_TEST(a_program_that_ignores_the_signal_is_killed_a_second_later)
{
    limit(&(struct process_limits_options){.cpu_seconds = 1});
    struct run *run = start_shell("trap '' XCPU; while :; do :; done");
    wait_until_ended(run);
    ck_assert_int_eq(run->status.signal, SIGKILL);
}
END_TEST

START_TEST(memory_over_the_limit_is_refused)
{
    limit(&(struct process_limits_options){.memory_bytes = 64 * MIB});
    struct run *run = start_shell("dd if=/dev/zero of=/dev/null bs=32M count=1 2>/dev/null;"
                                  "echo $?; dd if=/dev/zero of=/dev/null bs=128M count=1"
                                  " 2>/dev/null; echo $?");
    wait_until_ended(run);
    ck_assert_str_eq(run->text, "0|1|");
}
END_TEST

START_TEST(a_program_that_gives_up_for_lack_of_memory_is_given_a_hint)
{
    limit(&(struct process_limits_options){.memory_bytes = 64 * MIB});
    struct run *run = start_shell("kill -ABRT $$");
    wait_until_ended(run);
    ck_assert_int_eq(run->status.limit, PROCESS_LIMIT_NONE); /* nobody knows */
    ck_assert_msg(strstr(log_text, "perhaps"), "%s", log_text);
}
END_TEST

START_TEST(a_limit_below_what_a_program_needs_to_begin_ends_it)
{
    limit(&(struct process_limits_options){.memory_bytes = 1});
    struct run *run = start_shell("echo never");
    wait_until_ended(run);
    ck_assert_int_eq(run->status.how, PROCESS_EXITED);
    ck_assert_int_ne(run->status.signal ? run->status.signal : run->status.exit_code, 0);
    ck_assert_int_eq(run->lines, 0);
}
END_TEST

/* A directory that looks like a cgroup in which others can be made, but no kernel is behind it. */
START_TEST(a_cgroup_that_fails_at_the_first_try_leaves_the_limit_to_each_process)
{
    char *mounts = scratch_text("30 23 0:26 / %s/mount rw - cgroup2 cgroup2 rw\n", directory);
    char *script = scratch_text("cd %s && mkdir mount && echo 0::/ >cgroup && cd mount &&"
                                " touch cgroup.procs cgroup.subtree_control &&"
                                " echo memory >cgroup.controllers",
                                directory);
    char *mountinfo = scratch_text("%s/mountinfo", directory);
    const struct cgroup_sources sources = {directory, "/nonexistent"};
    const struct process_limits_options wanted = {.memory_bytes = 64 * MIB, .cgroup = true};
    struct process_limits *limits = NULL;
    char message[320];
    scratch_write(mountinfo, mounts);
    ck_assert_int_eq(system(script), 0);
    ck_assert_int_eq(process_limits_create(&limits, &wanted, &sources, message, sizeof(message)),
                     0);
    ck_assert_ptr_nonnull(process_limits_without_cgroup(limits));
    options.limits = limits;
    struct run *run = start_shell("ulimit -Hd");
    wait_until_ended(run);
    ck_assert_str_eq(run->text, "65536|");
    free(mountinfo);
    free(script);
    free(mounts);
}
END_TEST

START_TEST(a_tree_with_limits_is_ended_like_any_other)
{
    limit(&(struct process_limits_options){.nice = 1, .open_files = 64});
    struct run *run = start_shell("trap '' TERM; setsid " STUBBORN " & " HIDDEN "; " STUBBORN);
    wait_for_lines(run, 3);
    process_end(run->process, false);
    wait_until_ended(run);
    ck_assert_int_eq(run->status.how, PROCESS_ENDED);
    ck_assert_int_eq(count_with_token(), 0);
}
END_TEST

START_TEST(an_end_before_the_program_runs_is_an_end)
{
    limit(&(struct process_limits_options){.open_files = 64});
    for (int i = 0; i < 50; i++) {
        struct run *run = start_shell("exec sleep $0");
        process_end(run->process, i % 2 == 0);
        wait_until_ended(run);
        ck_assert_int_eq(run->status.how, PROCESS_ENDED);
    }
    ck_assert_str_eq(log_text, "");
}
END_TEST

START_TEST(short_of_descriptors_a_start_fails_whole_or_succeeds_whole)
{
    limit(&(struct process_limits_options){.nice = 1});
    const int fds = count_descriptors();
    struct rlimit before;
    struct run *run = NULL;
    int refused = 0;
    getrlimit(RLIMIT_NOFILE, &before);
    for (rlim_t most = 0; !run; most++) {
        const struct rlimit few = {most, before.rlim_max};
        setrlimit(RLIMIT_NOFILE, &few);
        run = try_to_start_shell("exit 4");
        setrlimit(RLIMIT_NOFILE, &before);
        refused += !run;
        ck_assert(run || has_no_children());
        ck_assert(run || count_descriptors() == fds);
    }
    ck_assert_int_ge(refused, 8);
    wait_until_ended(run);
    ck_assert_int_eq(run->status.how, PROCESS_EXITED);
    ck_assert_int_eq(run->status.exit_code, 4);
    ck_assert_int_eq(count_descriptors(), fds);
}
END_TEST

START_TEST(nothing_is_left_after_a_hundred_runs)
{
    limit(&(struct process_limits_options){.nice = 1, .open_files = 64});
    wait_until_ended(start_shell("exit 0"));
    const int fds = count_descriptors();
    for (int i = 0; i < 100; i++) {
        options.working_directory = i % 3 ? NULL : "/nonexistent";
        struct run *run = start_shell(i % 2 ? "echo hello; exit 3" : "sleep 1000");
        if (i % 2 == 0) {
            process_end(run->process, i % 4 == 0);
        }
        wait_until_ended(run);
    }
    ck_assert_int_eq(count_descriptors(), fds);
    ck_assert(has_no_children());
}
END_TEST

int main(int argc, char **argv) {
    (void)argc;
    process_launcher_main(argv);
    setpriority(PRIO_PROCESS, 0, 0); /* what is expected counts from here */
    TCase *cases = limits_case("process_limits");
    tcase_add_test(cases, without_limits_there_is_nothing_to_hand_over);
    tcase_add_test(cases, each_limit_holds_from_the_first_instruction_soft_and_hard);
    tcase_add_test(cases, what_is_not_limited_stays_as_it_is);
    tcase_add_test(cases, a_limit_never_raises_what_the_system_allows);
    tcase_add_test(cases, descendants_inherit_all_of_it);
    tcase_add_test(cases, the_priority_counts_from_the_gateways_own_and_ends_at_19);
    tcase_add_test(cases,
                   directory_environment_signals_descriptors_and_marks_are_as_without_limits);
    tcase_add_test(cases, the_environment_is_the_childs_and_not_the_launchers);
    tcase_add_test(cases, an_environment_of_a_megabyte_arrives);
    tcase_add_test(cases, a_program_that_is_missing_is_said_by_name);
    tcase_add_test(cases, a_program_that_may_not_be_executed_is_said_by_name);
    tcase_add_test(cases, a_working_directory_that_is_missing_is_said_by_name);
    tcase_add_test(cases, a_program_that_writes_too_large_a_file_is_ended_and_the_limit_named);
    tcase_add_test(cases, what_a_program_starts_is_limited_and_the_program_goes_on);
    tcase_add_test(cases, pipes_are_no_files);
    tcase_add_test(cases, a_program_over_its_cpu_time_is_ended_and_the_limit_named);
    tcase_add_test(cases, a_program_that_ignores_the_signal_is_killed_a_second_later);
    tcase_add_test(cases, memory_over_the_limit_is_refused);
    tcase_add_test(cases, a_program_that_gives_up_for_lack_of_memory_is_given_a_hint);
    tcase_add_test(cases, a_limit_below_what_a_program_needs_to_begin_ends_it);
    tcase_add_test(cases, a_cgroup_that_fails_at_the_first_try_leaves_the_limit_to_each_process);
    tcase_add_test(cases, a_tree_with_limits_is_ended_like_any_other);
    tcase_add_test(cases, an_end_before_the_program_runs_is_an_end);
    tcase_add_test(cases, short_of_descriptors_a_start_fails_whole_or_succeeds_whole);
    tcase_add_test(cases, nothing_is_left_after_a_hundred_runs);
    return process_case_run(cases);
}
