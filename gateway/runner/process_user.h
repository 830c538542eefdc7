/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user of this system: who it is, what its environment says, and files made in its name. Does not
 * change whom this process runs as.
 */
#ifndef RUNNER_PROCESS_USER_H
#define RUNNER_PROCESS_USER_H

#include <stddef.h>
#include <sys/types.h>

struct process_user {
    char *name, *home;
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* all of them, `gid` too */
    size_t group_count;
};

/* Looks the user up, which may ask a directory server and wait. 0, or -1 with `message` and nothing
 * to free. */
int process_user_find(struct process_user *user, const char *name, char *message, size_t size);
/* {0} is fine. */
void process_user_finish(struct process_user *user);

/* A copy of the environment with the user's own HOME, USER and LOGNAME, in one block: free() it.
 * NULL when memory is short. */
char **process_user_environment(const struct process_user *user, char *const *environment);

/*
 * Between these two calls, files that this thread opens or makes are the user's: with its rights
 * and no others, so that nothing that it has laid out can make a gateway that runs as root touch
 * what the user could not. `user` NULL: nothing changes. Returns what _leave wants. [any-thread]
 */
struct process_user_files {
    uid_t uid;
    gid_t gid;
    gid_t *groups;
    int group_count; /* -1: nothing was changed */
};
/* 0 or an errno value; nothing has changed then. */
int process_user_enter(const struct process_user *user, struct process_user_files *before);
void process_user_leave(struct process_user_files *before);

#endif
