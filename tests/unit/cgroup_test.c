/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where cgroups may be made, and the files of one. The directories here are ordinary ones laid out
 * as the kernel's; process_cgroup_test.c has real ones, where the system gives some.
 */
#include "runner/cgroup.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <errno.h>
#include <koine/base.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *root; /* holds `self` (as /proc/self), `mount` (as /sys/fs/cgroup) */
static char *self, *mount, *systemd, *own;
static struct cgroup_sources sources;
static char message[320];

static char *in(const char *name) {
    return scratch_text("%s/%s", root, name);
}

static void make_directory(const char *path) {
    ck_assert_msg(mkdir(path, 0755) == 0, "%s: %s", path, strerror(errno));
}

static void write_in(const char *directory, const char *name, const char *text) {
    char *path = scratch_text("%s/%s", directory, name);
    scratch_write(path, text);
    free(path);
}

static void expect_in(const char *directory, const char *name, const char *expected) {
    char *path = scratch_text("%s/%s", directory, name), *text = scratch_read(path);
    ck_assert_msg(text != NULL, "%s cannot be read", path);
    ck_assert_str_eq(text, expected);
    free(text);
    free(path);
}

static bool exists(const char *directory, const char *name) {
    char *path = scratch_text("%s/%s", directory, name);
    const bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

/* A cgroup with this process in it and all controllers that matter. */
static void make_cgroup(const char *path) {
    char *procs = scratch_text("%d\n", (int)getpid());
    make_directory(path);
    write_in(path, "cgroup.procs", procs);
    write_in(path, "cgroup.type", "domain\n");
    write_in(path, "cgroup.controllers", "cpu memory pids\n");
    write_in(path, "cgroup.subtree_control", "");
    free(procs);
}

static void tell(const char *cgroup, const char *mounted_root) {
    char *mountinfo =
        scratch_text("22 1 0:21 / /proc rw,nosuid shared:12 - proc proc rw\n"
                     "30 23 0:26 %s %s rw,nosuid,nodev shared:9 master:2 - cgroup2 cgroup2 rw\n",
                     mounted_root, mount);
    write_in(self, "cgroup", cgroup);
    write_in(self, "mountinfo", mountinfo);
    free(mountinfo);
}

static void set_up(void) {
    root = scratch_directory_create();
    self = in("self");
    mount = in("mount");
    systemd = in("systemd");
    own = in("mount/service");
    make_directory(self);
    make_directory(mount);
    make_cgroup(own);
    sources = (struct cgroup_sources){self, systemd};
    tell("0::/service\n", "/");
    message[0] = '\0';
}

static void tear_down(void) {
    scratch_directory_destroy(root);
    free(self);
    free(mount);
    free(systemd);
    free(own);
}

/* ---- finding */

static void expect_own(const char *expected) {
    char *found = cgroup_own(&sources, message, sizeof(message));
    ck_assert_msg(found != NULL, "%s", message);
    ck_assert_str_eq(found, expected);
    free(found);
}

static void expect_none(const char *reason) {
    ck_assert_ptr_null(cgroup_own(&sources, message, sizeof(message)));
    ck_assert_msg(strstr(message, reason) != NULL, "%s", message);
}

START_TEST(the_own_cgroup_is_found_below_the_mount)
{ expect_own(own); }
END_TEST

START_TEST(version_1_hierarchies_beside_it_are_passed_over)
{
    tell("9:name=systemd:/\n4:memory:/other\n0::/service\n", "/");
    expect_own(own);
}
END_TEST

START_TEST(in_a_namespace_the_root_is_the_mount_itself)
{
    write_in(mount, "cgroup.procs", "1\n");
    tell("0::/\n", "/");
    expect_own(mount);
}
END_TEST

START_TEST(a_mount_of_a_part_is_told_from_one_of_the_whole)
{
    tell("0::/machine/box/service\n", "/machine/box");
    expect_own(own);
    tell("0::/machine/boxes/service\n", "/machine/box");
    expect_none("mounted nowhere");
}
END_TEST

START_TEST(blanks_in_the_mount_point_are_unescaped)
{
    char *moved = in("mo\\040unt"), *spaced = in("mo unt"), *expected = in("mo unt/service");
    ck_assert_int_eq(rename(mount, spaced), 0);
    free(mount);
    mount = moved;
    tell("0::/service\n", "/");
    expect_own(expected);
    free(spaced);
    free(expected);
}
END_TEST

START_TEST(without_version_2_there_is_none)
{
    tell("4:memory:/\n1:cpu:/\n", "/");
    expect_none("no cgroups of version 2");
    char *file = scratch_text("%s/cgroup", self);
    ck_assert_int_eq(unlink(file), 0);
    expect_none("no cgroups of version 2");
    free(file);
}
END_TEST

START_TEST(what_is_outside_the_namespace_or_deleted_is_none)
{
    tell("0::/../elsewhere\n", "/");
    expect_none("mounted nowhere");
    tell("0::/gone (deleted)\n", "/");
    expect_none("mounted nowhere");
    write_in(self, "mountinfo", "nonsense\n1 2 3\n- cgroup2 \n");
    expect_none("mounted nowhere");
}
END_TEST

/* ---- preparing */

static void expect_prepared(const char *directory, const char *parent) {
    char *prepared = cgroup_prepare(&sources, directory, message, sizeof(message));
    ck_assert_msg(prepared != NULL, "%s", message);
    ck_assert_str_eq(prepared, parent);
    free(prepared);
}

static void expect_refused(const char *reason) {
    char *prepared = cgroup_prepare(&sources, own, message, sizeof(message));
    ck_assert_ptr_null(prepared);
    ck_assert_msg(strstr(message, reason) != NULL, "%s", message);
    expect_in(own, "cgroup.subtree_control", "");
}

/* An ordinary directory has no cgroup.procs by itself, as a new cgroup has. */
static char *make_leaf(void) {
    char *leaf = scratch_text("%s/koine-gateway", own);
    make_directory(leaf);
    write_in(leaf, "cgroup.procs", "");
    return leaf;
}

START_TEST(the_gateway_moves_into_a_leaf_before_memory_is_handed_down)
{
    char *leaf = make_leaf();
    expect_prepared(own, own);
    expect_in(leaf, "cgroup.procs", "0");
    expect_in(own, "cgroup.subtree_control", "+memory");
    free(leaf);
}
END_TEST

START_TEST(a_leaf_that_was_prepared_before_is_used_again)
{
    char *leaf = make_leaf();
    write_in(own, "cgroup.subtree_control", "memory pids\n");
    expect_prepared(leaf, own);
    expect_in(leaf, "cgroup.procs", "");
    free(leaf);
}
END_TEST

/* It alone hands controllers down although processes live in it. */
START_TEST(in_the_root_of_all_cgroups_nobody_moves)
{
    char *type = scratch_text("%s/cgroup.type", own);
    ck_assert_int_eq(unlink(type), 0);
    write_in(own, "cgroup.procs", "1\n2\n");
    expect_prepared(own, own);
    ck_assert(!exists(own, "koine-gateway"));
    expect_in(own, "cgroup.subtree_control", "+memory");
    free(type);
}
END_TEST

START_TEST(without_the_memory_controller_nothing_is_changed)
{
    write_in(own, "cgroup.controllers", "cpu memoryless pids\n");
    expect_refused("does not have the memory controller");
}
END_TEST

START_TEST(somebody_else_in_the_cgroup_is_not_moved)
{
    char *procs = scratch_text("%d\n1\n", (int)getpid());
    write_in(own, "cgroup.procs", procs);
    expect_refused("process 1 shares");
    ck_assert(!exists(own, "koine-gateway"));
    free(procs);
}
END_TEST

START_TEST(what_systemd_has_not_delegated_is_left_alone)
{
    make_directory(systemd);
    if (geteuid() == 0) { /* for others it is enough that they may write */
        expect_refused("Delegate=yes");
    }
}
END_TEST

START_TEST(a_move_that_fails_leaves_no_leaf)
{
    expect_refused("cannot be prepared: No such file"); /* a new directory is no cgroup here */
    ck_assert(!exists(own, "koine-gateway"));
}
END_TEST

START_TEST(memory_that_cannot_be_handed_down_moves_the_gateway_back)
{
    char *control = scratch_text("%s/cgroup.subtree_control", own), *leaf = make_leaf();
    write_in(own, "cgroup.procs", "");
    ck_assert_int_eq(unlink(control), 0);
    ck_assert_ptr_null(cgroup_prepare(&sources, own, message, sizeof(message)));
    ck_assert_msg(strstr(message, "cannot be prepared"), "%s", message);
    expect_in(own, "cgroup.procs", "0");
    free(leaf);
    free(control);
}
END_TEST

/* ---- one cgroup */

START_TEST(each_cgroup_has_a_directory_of_its_own_that_goes_with_it)
{
    struct cgroup *first = cgroup_create(own), *second = cgroup_create(own);
    char *path = scratch_text("%s", cgroup_path(first));
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(second);
    ck_assert_str_ne(cgroup_path(first), cgroup_path(second));
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert(cgroup_destroy(first));
    ck_assert_int_eq(access(path, F_OK), -1);
    ck_assert(cgroup_destroy(second));
    ck_assert(cgroup_destroy(NULL));
    free(path);
}
END_TEST

START_TEST(one_that_cannot_be_made_is_an_errno_and_one_that_is_in_use_stays)
{
    errno = 0;
    ck_assert_ptr_null(cgroup_create("/nonexistent"));
    ck_assert_int_eq(errno, ENOENT);
    struct cgroup *cgroup = cgroup_create(own);
    write_in(cgroup_path(cgroup), "something", "");
    ck_assert(!cgroup_destroy(cgroup));
}
END_TEST

START_TEST(the_limit_of_memory_leaves_no_swap_and_kills_all)
{
    struct cgroup *cgroup = cgroup_create(own);
    const char *path = cgroup_path(cgroup);
    ck_assert_int_eq(cgroup_limit_memory(cgroup, 1 << 30), ENOENT); /* no such controller */
    write_in(path, "memory.max", "max");
    ck_assert_int_eq(cgroup_limit_memory(cgroup, 1 << 30), 0); /* an old kernel: no more files */
    write_in(path, "memory.swap.max", "max");
    write_in(path, "memory.oom.group", "0");
    ck_assert_int_eq(cgroup_limit_memory(cgroup, 1 << 20), 0);
    expect_in(path, "memory.swap.max", "0ax"); /* no kernel is here to read it */
    expect_in(path, "memory.oom.group", "1");
    cgroup_destroy(cgroup);
}
END_TEST

START_TEST(a_kill_for_memory_is_read_from_the_events)
{
    struct cgroup *cgroup = cgroup_create(own);
    ck_assert(!cgroup_was_out_of_memory(cgroup));
    write_in(cgroup_path(cgroup), "memory.events", "low 0\nhigh 0\nmax 7\noom 1\noom_kill 0\n");
    ck_assert(!cgroup_was_out_of_memory(cgroup));
    write_in(cgroup_path(cgroup), "memory.events",
             "low 0\nmax 7\noom 1\noom_kill 2\n"
             "oom_group_kill 1\n");
    ck_assert(cgroup_was_out_of_memory(cgroup));
    cgroup_destroy(cgroup);
}
END_TEST

START_TEST(members_are_listed_and_killing_is_one_write)
{
    struct cgroup *cgroup = cgroup_create(own);
    struct pid_list list = {0};
    ck_assert_int_eq(cgroup_list(cgroup, &list), KOINE_OK); /* the directory is gone, say */
    ck_assert_uint_eq(list.count, 0);
    write_in(cgroup_path(cgroup), "cgroup.procs", "17\n4711\n0\n");
    write_in(cgroup_path(cgroup), "cgroup.kill", "");
    ck_assert_int_eq(cgroup_list(cgroup, &list), KOINE_OK);
    ck_assert_uint_eq(list.count, 2); /* 0: of another namespace */
    ck_assert_int_eq(list.pids[0], 17);
    ck_assert_int_eq(list.pids[1], 4711);
    cgroup_kill(cgroup);
    expect_in(cgroup_path(cgroup), "cgroup.kill", "1");
    pid_list_finish(&list);
    cgroup_destroy(cgroup);
}
END_TEST

START_TEST(what_a_crash_has_left_behind_is_removed_and_nothing_else)
{
    const pid_t gone = fork();
    if (gone == 0) {
        _exit(0);
    }
    ck_assert_int_eq(waitpid(gone, NULL, 0), gone);
    struct cgroup *living = cgroup_create(own);
    char *left = scratch_text("%s/koine-run-%d-0123456789abcdef", own, (int)gone),
         *other = scratch_text("%s/koine-run-of-somebody", own);
    make_directory(left);
    make_directory(other);
    cgroup_remove_left_behind(own);
    ck_assert_int_eq(access(left, F_OK), -1);
    ck_assert_int_eq(access(other, F_OK), 0);
    ck_assert_int_eq(access(cgroup_path(living), F_OK), 0);
    ck_assert(cgroup_destroy(living));
    cgroup_remove_left_behind("/nonexistent");
    free(other);
    free(left);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        the_own_cgroup_is_found_below_the_mount,
        version_1_hierarchies_beside_it_are_passed_over,
        in_a_namespace_the_root_is_the_mount_itself,
        a_mount_of_a_part_is_told_from_one_of_the_whole,
        blanks_in_the_mount_point_are_unescaped,
        without_version_2_there_is_none,
        what_is_outside_the_namespace_or_deleted_is_none,
        the_gateway_moves_into_a_leaf_before_memory_is_handed_down,
        a_leaf_that_was_prepared_before_is_used_again,
        in_the_root_of_all_cgroups_nobody_moves,
        without_the_memory_controller_nothing_is_changed,
        somebody_else_in_the_cgroup_is_not_moved,
        what_systemd_has_not_delegated_is_left_alone,
        a_move_that_fails_leaves_no_leaf,
        memory_that_cannot_be_handed_down_moves_the_gateway_back,
        each_cgroup_has_a_directory_of_its_own_that_goes_with_it,
        one_that_cannot_be_made_is_an_errno_and_one_that_is_in_use_stays,
        the_limit_of_memory_leaves_no_swap_and_kills_all,
        a_kill_for_memory_is_read_from_the_events,
        members_are_listed_and_killing_is_one_write,
        what_a_crash_has_left_behind_is_removed_and_nothing_else,
    };
    return test_main("cgroup", set_up, tear_down, tests, sizeof tests / sizeof *tests);
}
