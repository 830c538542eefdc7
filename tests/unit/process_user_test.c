/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children that run as another user. Needs root; the user is `nobody`, whom every system has.
 */
#include "unit/process_limits_fixture.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define USER "nobody"

static void limit_user(void) {
    limit(&(struct process_limits_options){.user = USER});
}

START_TEST(a_child_is_that_user_with_its_groups_and_nothing_else)
{
    limit_user();
    struct run *run =
        start_shell("test \"$(id -un)\" = " USER " && test \"$(id -run)\" = " USER " && echo user;"
                    "test \"$(id -gn)\" = \"$(id -gn " USER ")\" && echo group;"
                    "test \"$(id -G)\" = \"$(id -G " USER ")\" && echo groups;"
                    "sed -n 's/^\\(Cap\\(Prm\\|Eff\\|Amb\\)\\|NoNewPrivs\\):.*\\(.\\)$/\\1 \\3/p'"
                    " /proc/self/status");
    wait_until_ended(run);
    ck_assert_str_eq(run->text, "user|group|groups|CapPrm 0|CapEff 0|CapAmb 0|NoNewPrivs 1|");
}
END_TEST

START_TEST(it_cannot_raise_its_limits_nor_its_priority)
{
    limit(&(struct process_limits_options){
        .user = USER, .nice = 5, .memory_bytes = 1 << 30, .open_files = 64, .cpu_seconds = 7});
    struct run *run =
        start_shell("(ulimit -n 65) 2>/dev/null || echo files; (ulimit -d 1048577) 2>/dev/null ||"
                    " echo memory; (ulimit -t 9) 2>/dev/null || echo time;"
                    "nice -n -1 nice 2>/dev/null");
    wait_until_ended(run);
    ck_assert_str_eq(run->text, "files|memory|time|5|");
}
END_TEST

START_TEST(programs_with_the_set_user_id_bit_do_not_lead_out)
{
    char *copy = scratch_text("%s/id", directory), *script;
    script = scratch_text("cp \"$(command -v id)\" %s && chmod 4755 %s", copy, copy);
    ck_assert_int_eq(system(script), 0);
    free(script);
    script = scratch_text("test \"$(%s -un)\" = " USER " && echo still", copy);
    limit_user();
    struct run *run = start_shell(script);
    wait_until_ended(run);
    ck_assert_str_eq(run->text, "still|");
    free(script);
    free(copy);
}
END_TEST

START_TEST(the_environment_gets_the_users_home_and_keeps_the_rest)
{
    static char home[] = "HOME=/root", path[] = "PATH=/bin", user[] = "USER=root",
                homely[] = "HOMELY=yes";
    char *const given[] = {home, path, user, homely, NULL};
    struct process_user nobody;
    char message[320];
    ck_assert_int_eq(process_user_find(&nobody, USER, message, sizeof(message)), 0);
    char **environment = process_user_environment(&nobody, given);
    char *own_home = scratch_text("HOME=%s", nobody.home);
    ck_assert_ptr_nonnull(environment);
    ck_assert_str_eq(environment[0], own_home);
    ck_assert_str_eq(environment[1], "USER=" USER);
    ck_assert_str_eq(environment[2], "LOGNAME=" USER);
    ck_assert_str_eq(environment[3], "PATH=/bin");
    ck_assert_str_eq(environment[4], "HOMELY=yes");
    ck_assert_ptr_null(environment[5]);
    free(own_home);
    free(environment);
    process_user_finish(&nobody);
}
END_TEST

START_TEST(a_working_directory_that_the_user_may_not_enter_is_said_by_name)
{
    limit_user();
    ck_assert_int_eq(chmod(directory, 0700), 0);
    options.working_directory = directory;
    const char *said = log_of_failed_start("/bin/true", EACCES);
    char *expected = scratch_text("as user " USER ": it cannot enter its working directory %s:"
                                  " Permission denied",
                                  directory);
    ck_assert_msg(strstr(said, expected), "%s", said);
    free(expected);
}
END_TEST

START_TEST(a_program_that_the_user_may_not_reach_is_said_by_name)
{
    char *copy = scratch_text("%s/true", directory);
    char *script = scratch_text("cp /bin/true %s", copy);
    ck_assert_int_eq(system(script), 0);
    ck_assert_int_eq(chmod(directory, 0700), 0);
    limit_user();
    const char *said = log_of_failed_start(copy, EACCES);
    ck_assert_msg(strstr(said, "cannot execute ") && strstr(said, copy), "%s", said);
    free(script);
    free(copy);
}
END_TEST

/* The message of a refusal. */
static const char *refusal(const char *user) {
    static char message[320];
    const struct process_limits_options wanted = {.user = user};
    struct process_limits *limits;
    ck_assert_int_eq(process_limits_create(&limits, &wanted, NULL, message, sizeof(message)), -1);
    ck_assert_ptr_null(limits);
    return message;
}

START_TEST(a_user_that_does_not_exist_is_refused_by_name)
{ ck_assert_ptr_nonnull(strstr(refusal("no-such-user"), "no user \"no-such-user\"")); }
END_TEST

START_TEST(only_root_may_name_another_user)
{
    ck_assert_int_eq(seteuid(65534), 0);
    const char *said = refusal("root");
    ck_assert_msg(strstr(said, "does not run as root"), "%s", said);
    ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(who_is_that_user_already_stays_it)
{
    ck_assert_int_eq(seteuid(65534), 0);
    limit(&(struct process_limits_options){.user = USER});
    ck_assert_str_eq(process_limits_user(options.limits)->name, USER);
    ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

/* Trees of another user: the same promises as in process_end_test.c. */

START_TEST(a_tree_that_hides_is_found_and_ended)
{
    limit_user();
    struct run *run = start_shell("trap '' TERM; " STUBBORN " & setsid " STUBBORN " &"
                                  "(setsid " STUBBORN " &); env -i /usr/bin/setsid " STUBBORN
                                  " &" HIDDEN "; wait");
    wait_for_lines(run, 5);
    process_end(run->process, false);
    wait_until_ended(run);
    ck_assert_int_eq(run->status.how, PROCESS_ENDED);
    ck_assert_int_eq(count_with_token(), 0);
}
END_TEST

START_TEST(strays_are_ended_before_ended_comes)
{
    limit_user();
    struct run *run = start_shell("setsid " STUBBORN " & " HIDDEN "; read go; exit 3");
    wait_for_lines(run, 2);
    process_write(run->process, KOINE_TEXT("go\n"));
    wait_until_ended(run);
    ck_assert_int_eq(run->status.exit_code, 3);
    ck_assert_int_eq(count_with_token(), 0);
}
END_TEST

/* From all three sets: what a container's root usually lacks. */
static void drop_capability(unsigned int capability) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    ck_assert_int_eq(prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), 0);
    ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
    data[CAP_TO_INDEX(capability)].effective &= ~CAP_TO_MASK(capability);
    data[CAP_TO_INDEX(capability)].permitted &= ~CAP_TO_MASK(capability);
    ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
}

/* Neither the environment of another user's process can be read then, nor its limits by prlimit. */
START_TEST(a_root_with_few_capabilities_tells_the_strays_of_two_runs_apart)
{
    drop_capability(CAP_SYS_PTRACE);
    drop_capability(CAP_SYS_RESOURCE);
    limit_user();
    struct run *other = start_shell(HIDDEN "; echo up; exec sleep $0");
    struct run *run = start_shell(HIDDEN "; (setsid " STUBBORN " &); echo up; exec sleep $0");
    wait_for_lines(other, 2);
    wait_for_lines(run, 3);
    const int all = count_with_token();
    process_end(run->process, false);
    wait_until_ended(run);
    const int left = count_with_token();
    ck_assert_msg(left >= 2 && left < all - 2, "%d processes, then %d", all, left);
    process_end(other->process, false);
    wait_until_ended(other);
    ck_assert_int_eq(count_with_token(), 0);
}
END_TEST

/* ---- files in the user's name */

START_TEST(files_are_the_users_between_enter_and_leave)
{
    struct process_user nobody;
    struct process_user_files before;
    struct stat status;
    char message[320], *path = scratch_text("%s/file", directory);
    char *secret = scratch_text("%s/secret", directory);
    ck_assert_int_eq(process_user_find(&nobody, USER, message, sizeof(message)), 0);
    ck_assert_int_eq(chmod(directory, 0777), 0);
    scratch_write(secret, "root's");
    ck_assert_int_eq(chmod(secret, 0600), 0);

    ck_assert_int_eq(process_user_enter(&nobody, &before), 0);
    const int made = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    const int closed_to_it = open(secret, O_RDONLY | O_CLOEXEC);
    process_user_leave(&before);

    ck_assert_int_ge(made, 0);
    ck_assert_int_eq(closed_to_it, -1);
    ck_assert_int_eq(fstat(made, &status), 0);
    ck_assert_uint_eq(status.st_uid, nobody.uid);
    ck_assert_uint_eq(status.st_gid, nobody.gid);
    close(made);
    const int open_again = open(secret, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(open_again, 0);
    close(open_again);
    process_user_finish(&nobody);
    free(secret);
    free(path);
}
END_TEST

int main(int argc, char **argv) {
    (void)argc;
    process_launcher_main(argv);
    setpriority(PRIO_PROCESS, 0, 0); /* what is expected counts from here */
    if (geteuid() != 0) {
        puts("SKIPPED: only root can start processes as another user");
        return 0;
    }
    setenv("TMPDIR", "/tmp", 1); /* the other user gets there */
    TCase *cases = limits_case("process_user");
    tcase_add_test(cases, a_child_is_that_user_with_its_groups_and_nothing_else);
    tcase_add_test(cases, it_cannot_raise_its_limits_nor_its_priority);
    tcase_add_test(cases, programs_with_the_set_user_id_bit_do_not_lead_out);
    tcase_add_test(cases, the_environment_gets_the_users_home_and_keeps_the_rest);
    tcase_add_test(cases, a_working_directory_that_the_user_may_not_enter_is_said_by_name);
    tcase_add_test(cases, a_program_that_the_user_may_not_reach_is_said_by_name);
    tcase_add_test(cases, a_user_that_does_not_exist_is_refused_by_name);
    tcase_add_test(cases, only_root_may_name_another_user);
    tcase_add_test(cases, who_is_that_user_already_stays_it);
    tcase_add_test(cases, a_tree_that_hides_is_found_and_ended);
    tcase_add_test(cases, strays_are_ended_before_ended_comes);
    tcase_add_test(cases, a_root_with_few_capabilities_tells_the_strays_of_two_runs_apart);
    tcase_add_test(cases, files_are_the_users_between_enter_and_leave);
    return process_case_run(cases);
}
