/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking up a user, and the rights of one thread to files. Linux keeps these rights for each
 * thread: the system calls are made here without glibc, which would change all threads.
 */
#include "runner/process_user.h"

#include "runner/string_block.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

void process_user_finish(struct process_user *user) {
    free(user->name);
    free(user->home);
    free(user->groups);
    *user = (struct process_user){0};
}

/* 0, or -1: memory is short. */
static int find_groups(struct process_user *user) {
    int count = 16, room;
    do {
        room = count;
        gid_t *groups = reallocarray(user->groups, (size_t)room, sizeof(*groups));
        if (!groups) {
            return -1;
        }
        user->groups = groups;
    } while (getgrouplist(user->name, user->gid, user->groups, &count) < 0 && count > room);
    user->group_count = (size_t)(count < room ? count : room);
    return 0;
}

int process_user_find(struct process_user *user, const char *name, char *message, size_t size) {
    errno = 0;
    const struct passwd *entry = getpwnam(name); /* at the start: no other thread looks */
    *user = (struct process_user){0};
    if (!entry) {
        snprintf(message, size, "runner.user: this system has no user \"%.64s\"%s%s", name,
                 errno ? ": " : "", errno ? strerror(errno) : "");
        return -1;
    }
    user->uid = entry->pw_uid;
    user->gid = entry->pw_gid;
    user->name = strdup(entry->pw_name);
    user->home = strdup(entry->pw_dir);
    if (!user->name || !user->home || find_groups(user) < 0) {
        process_user_finish(user);
        snprintf(message, size, "runner.user: out of memory");
        return -1;
    }
    return 0;
}

static void add(struct string_block *block, const char *first, const char *second) {
    string_block_add(block, (struct koine_text){first, strlen(first)},
                     (struct koine_text){second, strlen(second)});
}

char **process_user_environment(const struct process_user *user, char *const *environment) {
    const struct {
        const char *name, *value;
    } own[] = {{"HOME=", user->home}, {"USER=", user->name}, {"LOGNAME=", user->name}};
    struct string_block block = {0};
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
        add(&block, own[i].name, own[i].value);
    }
    for (; *environment; environment++) {
        bool replaced = false;
        for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
            replaced |= strncmp(*environment, own[i].name, strlen(own[i].name)) == 0;
        }
        if (!replaced) {
            add(&block, *environment, "");
        }
    }
    return string_block_take(&block);
}

/* ---- files */

static long set_groups(const gid_t *groups, size_t count) {
    return syscall(SYS_setgroups, count, groups);
}

int process_user_enter(const struct process_user *user, struct process_user_files *before) {
    *before = (struct process_user_files){.group_count = -1};
    if (!user || user->uid == geteuid()) {
        return 0;
    }
    const int count = getgroups(0, NULL);
    before->groups = calloc((size_t)count + 1, sizeof(*before->groups));
    if (!before->groups || getgroups(count, before->groups) != count ||
        set_groups(user->groups, user->group_count) < 0) {
        const int error = before->groups ? errno : ENOMEM;
        free(before->groups);
        before->groups = NULL;
        return error;
    }
    before->group_count = count;
    before->gid = (gid_t)setfsgid(user->gid);
    before->uid = (uid_t)setfsuid(user->uid);
    return 0;
}

void process_user_leave(struct process_user_files *before) {
    if (before->group_count >= 0) {
        setfsuid(before->uid);
        setfsgid(before->gid);
        set_groups(before->groups, (size_t)before->group_count);
    }
    free(before->groups);
    *before = (struct process_user_files){.group_count = -1};
}
