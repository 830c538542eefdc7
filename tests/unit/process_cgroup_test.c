/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children in cgroups of their own, with a limit for the memory of all together. Needs a cgroup of
 * version 2 with the memory controller in which this program is alone, such as
 *   systemd-run --scope --property=Delegate=yes build/tests/unit/process_cgroup_test
 */
#include "unit/process_limits_fixture.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define MIB (UINT64_C(1) << 20)

static void limit_memory(void) {
    limit(&(struct process_limits_options){.memory_bytes = 64 * MIB, .cgroup = true});
    ck_assert_ptr_null(process_limits_without_cgroup(options.limits));
}

static const char *program; /* this one, which the children run in other roles */

static struct run *start_self(const char *role, const char *mib) {
    const char *const argv[] = {program, role, mib, token, NULL};
    return start_program(program, argv);
}

/* Where children's cgroups are made; the caller frees. */
static char *find_parent(void) {
    const struct cgroup_sources sources = {"/proc/self", "/run/systemd/system"};
    char message[320];
    char *own = cgroup_own(&sources, message, sizeof(message));
    char *parent = own ? cgroup_prepare(&sources, own, message, sizeof(message)) : NULL;
    ck_assert_msg(parent != NULL, "%s", message);
    free(own);
    return parent;
}

/* How many cgroups of runs there are. */
static int count_cgroups(void) {
    char *parent = find_parent();
    DIR *folder = opendir(parent);
    int count = 0;
    for (const struct dirent *entry; folder && (entry = readdir(folder));) {
        count += strncmp(entry->d_name, "koine-run-", 10) == 0;
    }
    closedir(folder);
    free(parent);
    return count;
}

/* A process that has shed its parent, its session and both marks of its run. */
#define UNKNOWN "(env -i /usr/bin/setsid prlimit --locks=unlimited " STUBBORN " &)"

/* ---- what the children do */

static int hold_memory(const char *mib) {
    const size_t size = strtoul(mib, NULL, 10) * MIB;
    char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes != MAP_FAILED) {
        memset(bytes, 1, size);
        puts("up");
        fflush(stdout);
        pause();
    }
    return 1;
}

static int hold_twice(const char *mib) {
    fork();
    setsid();
    return hold_memory(mib);
}

/* ---- */

START_TEST(a_child_is_in_a_cgroup_of_its_own_before_it_runs)
{
    limit_memory();
    struct run *first = start_shell("grep -o 'koine-run-.*' /proc/self/cgroup; read go"),
               *second = start_shell("grep -o 'koine-run-.*' /proc/self/cgroup; read go");
    wait_for_lines(first, 1);
    wait_for_lines(second, 1);
    ck_assert_str_ne(first->last, second->last);
    ck_assert_int_eq(count_cgroups(), 2);
    process_end(first->process, true);
    process_end(second->process, false);
    wait_until_ended(first);
    wait_until_ended(second);
    ck_assert_int_eq(count_cgroups(), 0);
    ck_assert_str_eq(log_text, "");
}
END_TEST

START_TEST(its_address_space_is_not_limited_besides)
{
    limit_memory();
    struct run *run = start_shell("ulimit -Sd; ulimit -Hd");
    wait_until_ended(run);
    ck_assert_str_eq(run->text, "unlimited|unlimited|");
}
END_TEST

START_TEST(memory_within_the_limit_is_given)
{
    limit_memory();
    struct run *run = start_self("twice", "24");
    wait_for_lines(run, 2);
    process_end(run->process, true);
    wait_until_ended(run);
    ck_assert_int_eq(run->status.limit, PROCESS_LIMIT_NONE);
}
END_TEST

START_TEST(two_processes_over_the_limit_together_are_both_killed)
{
    limit_memory();
    struct run *run = start_self("twice", "48");
    wait_until_ended(run);
    ck_assert_int_eq(run->status.how, PROCESS_EXITED);
    ck_assert_int_eq(run->status.signal, SIGKILL);
    ck_assert_int_eq(run->status.limit, PROCESS_LIMIT_MEMORY);
    ck_assert_msg(strstr(log_text, "runner.limits.memory_bytes"), "%s", log_text);
    ck_assert_int_eq(count_with_token(), 0);
    ck_assert_int_eq(count_cgroups(), 0);
}
END_TEST

START_TEST(a_tool_over_the_limit_ends_the_run)
{
    limit_memory();
    char *script = scratch_text("\"%s\" hold 200 $0 & wait; echo never", program);
    struct run *run = start_shell(script);
    wait_until_ended(run);
    ck_assert_int_eq(run->lines, 0);
    ck_assert_int_eq(run->status.limit, PROCESS_LIMIT_MEMORY);
    free(script);
}
END_TEST

START_TEST(one_run_over_its_limit_does_not_disturb_another)
{
    limit_memory();
    struct run *other = start_shell("echo up; read go; echo still"), *run;
    wait_for_lines(other, 1);
    run = start_self("hold", "200");
    wait_until_ended(run);
    ck_assert_int_eq(run->status.limit, PROCESS_LIMIT_MEMORY);
    process_write(other->process, KOINE_TEXT("go\n"));
    wait_until_ended(other);
    ck_assert_str_eq(other->text, "up|still|");
    ck_assert_int_eq(other->status.exit_code, 0);
}
END_TEST

START_TEST(what_has_shed_every_mark_is_ended_with_its_run)
{
    limit_memory();
    struct run *other = start_shell("echo up; exec sleep $0"),
               *run = start_shell(UNKNOWN "; exec sleep $0");
    wait_for_lines(other, 1);
    wait_for_lines(run, 1);
    ck_assert_int_ge(count_with_token(), 3);
    process_end(run->process, false);
    wait_until_ended(run);
    ck_assert_int_eq(count_with_token(), 1);
    process_end(other->process, false);
    wait_until_ended(other);
}
END_TEST

START_TEST(what_has_shed_every_mark_is_ended_after_an_exit)
{
    limit_memory();
    struct run *other = start_shell("echo up; exec sleep $0"),
               *run = start_shell(UNKNOWN "; read go; exit 3");
    wait_for_lines(other, 1);
    wait_for_lines(run, 1);
    process_write(run->process, KOINE_TEXT("go\n"));
    wait_until_ended(run);
    ck_assert_int_eq(run->status.exit_code, 3);
    ck_assert_int_eq(count_with_token(), 1);
    ck_assert_int_eq(count_cgroups(), 1);
    process_end(other->process, false);
    wait_until_ended(other);
}
END_TEST

START_TEST(a_hundred_runs_leave_no_cgroup)
{
    limit_memory();
    for (int i = 0; i < 100; i++) {
        struct run *run = start_shell(i % 2 ? "setsid " STUBBORN " & exit 3" : "exec sleep $0");
        if (i % 2 == 0) {
            process_end(run->process, i % 4 == 0);
        }
        wait_until_ended(run);
    }
    ck_assert_int_eq(count_cgroups(), 0);
}
END_TEST

START_TEST(without_a_cgroup_nothing_is_started)
{
    char *parent = find_parent(), *most = scratch_text("%s/cgroup.max.descendants", parent);
    const char *const argv[] = {"/bin/true", NULL};
    int error = 0;
    limit_memory();
    if (access(most, W_OK) == 0) { /* it is not delegated */
        scratch_write(most, "0");
        ck_assert_ptr_null(try_to_start("/bin/true", argv, &error));
        scratch_write(most, "max");
        ck_assert_int_eq(error, EAGAIN);
        ck_assert_msg(strstr(log_text, "cannot be made in"), "%s", log_text);
    }
    wait_until_ended(start_program("/bin/true", argv));
    free(most);
    free(parent);
}
END_TEST

static int hold_forever(void) {
    setsid();
    execl("/bin/sleep", "sleep", token, (char *)NULL);
    return 1;
}

/* As a worker that has crashed: a process with a run in its cgroup. */
START_TEST(what_a_crash_has_left_behind_is_ended_at_the_next_start)
{
    char *parent = find_parent();
    const pid_t crashed = fork();
    if (crashed == 0) {
        struct cgroup *cgroup = cgroup_create(parent);
        char *procs = cgroup ? scratch_text("%s/cgroup.procs", cgroup_path(cgroup)) : NULL;
        if (procs && fork() == 0) {
            scratch_write(procs, "0");
            _exit(hold_forever());
        }
        while (count_with_token() == 0) {
            sched_yield();
        }
        _exit(0);
    }
    while (waitpid(crashed, NULL, 0) != crashed) {
    }
    ck_assert_int_eq(count_with_token(), 1);
    limit_memory();
    while (count_with_token() > 0 || !has_no_children()) {
        waitpid(-1, NULL, WNOHANG);
    }
    cgroup_remove_left_behind(parent);
    ck_assert_int_eq(count_cgroups(), 0);
    free(parent);
}
END_TEST

START_TEST(destroying_the_host_leaves_no_cgroup)
{
    limit_memory();
    wait_for_lines(start_shell(UNKNOWN "; exec sleep $0"), 1);
    wait_for_lines(start_shell("setsid " STUBBORN), 1);
    process_host_destroy(host);
    ck_assert_int_eq(count_with_token(), 0);
    ck_assert_int_eq(count_cgroups(), 0);
    host = process_host_create(base, record_log, NULL);
}
END_TEST

/* Whether cgroups can be made here; says why not. */
static bool can_be_tried(void) {
    const struct process_limits_options wanted = {.memory_bytes = 64 * MIB, .cgroup = true};
    struct process_limits *limits = NULL;
    char message[320];
    const int result = process_limits_create(&limits, &wanted, NULL, message, sizeof(message));
    const char *why = result < 0 ? message : process_limits_without_cgroup(limits);
    if (why) {
        printf("SKIPPED: no cgroup with a limit of memory can be made: %s\n", why);
    }
    process_limits_destroy(limits);
    return !why;
}

int main(int argc, char **argv) {
    process_launcher_main(argv);
    if (argc == 4) {
        snprintf(token, sizeof(token), "%s", argv[3]);
        return strcmp(argv[1], "twice") == 0 ? hold_twice(argv[2]) : hold_memory(argv[2]);
    }
    setenv("CK_FORK", "no", 1); /* it has to be alone in its cgroup */
    program = realpath("/proc/self/exe", NULL);
    if (!program || !can_be_tried()) {
        return 0;
    }
    TCase *cases = limits_case("process_cgroup");
    tcase_add_test(cases, a_child_is_in_a_cgroup_of_its_own_before_it_runs);
    tcase_add_test(cases, its_address_space_is_not_limited_besides);
    tcase_add_test(cases, memory_within_the_limit_is_given);
    tcase_add_test(cases, two_processes_over_the_limit_together_are_both_killed);
    tcase_add_test(cases, a_tool_over_the_limit_ends_the_run);
    tcase_add_test(cases, one_run_over_its_limit_does_not_disturb_another);
    tcase_add_test(cases, what_has_shed_every_mark_is_ended_with_its_run);
    tcase_add_test(cases, what_has_shed_every_mark_is_ended_after_an_exit);
    tcase_add_test(cases, a_hundred_runs_leave_no_cgroup);
    tcase_add_test(cases, without_a_cgroup_nothing_is_started);
    tcase_add_test(cases, what_a_crash_has_left_behind_is_ended_at_the_next_start);
    tcase_add_test(cases, destroying_the_host_leaves_no_cgroup);
    return process_case_run(cases);
}
