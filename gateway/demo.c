/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a demo, and what a person is told at its start.
 */
#include "demo.h"
#include "ops/beside.h"
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- where the stand-in CLI is */

static bool is_program(const char *path) {
    struct stat file;
    return stat(path, &file) == 0 && S_ISREG(file.st_mode) && access(path, X_OK) == 0;
}

/* NULL: it is not there. */
static char *find_beside(const char *place) {
    char *path = beside_program(place);
    char *plain = path && is_program(path) ? realpath(path, NULL) : NULL; /* without "bin/.." */
    free(path);
    return plain;
}

char *demo_find_cli(char *message, size_t size) {
    static const char *const places[] = {"tests/standin-cli", "../lib/koine-gateway/standin-cli"};
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        char *path = find_beside(places[i]);
        if (path)
            return path;
    }
    if (is_program(KOINE_STANDIN_CLI))
        return strdup(KOINE_STANDIN_CLI);
    snprintf(message, size,
             "--demo: the stand-in CLI that makes up the answers is neither beside this program "
             "(tests/standin-cli) nor installed (" KOINE_STANDIN_CLI "); make it with \"make "
             "standins\" or \"make install\" in the gateway's source");
    return NULL;
}

/* ---- its directory */

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place) {
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

static void remove_all(const char *directory) {
    nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* In which the CLI keeps its sessions. With runner.user it is another user's than the rest. */
static int make_sessions(const struct config *config, const char *path) {
    const struct passwd *user = config->runner.user ? getpwnam(config->runner.user) : NULL;
    if (mkdir(path, 0700))
        return -1;
    if (!user || geteuid() != 0)
        return 0;
    return chown(path, user->pw_uid, user->pw_gid) || chmod(config->state_directory, 0711);
}

/* The variable ends with the same template. */
static char *sessions_path(const struct config *config) {
    for (size_t i = 0; i < config->runner.environment_count; i++)
        if (strcmp(config->runner.environment[i].name, "CLAUDE_CONFIG_DIR") == 0)
            return config->runner.environment[i].value;
    return NULL;
}

int demo_begin(struct demo *demo, struct config *config, char *message, size_t size) {
    char *directory = config->state_directory, *sessions = sessions_path(config);
    if (!sessions || strlen(sessions) < strlen(directory) || !mkdtemp(directory)) {
        snprintf(message, size,
                 "--demo: cannot make the temporary directory %s: %s; set TMPDIR to a directory "
                 "that may be written to",
                 directory, strerror(errno));
        return -1;
    }
    memcpy(sessions, directory, strlen(directory));
    *demo = (struct demo){directory, getpid()};
    if (make_sessions(config, sessions) == 0)
        return 0;
    snprintf(message, size, "--demo: cannot make %s: %s", sessions, strerror(errno));
    remove_all(directory);
    return -1;
}

void demo_end(const struct demo *demo) {
    if (demo->made_by == getpid())
        remove_all(demo->directory);
}

/* The pipe is closed a moment before the kernel gives its child another parent, so that getppid
 * would not tell. */
void demo_end_alone(const struct demo *demo, int control) {
    struct pollfd poller = {.fd = control};
    if (poll(&poller, 1, 0) == 1 && poller.revents & POLLHUP)
        remove_all(demo->directory);
}

/* ---- what a person is told */

static bool is_open_to_others(const struct config *config) {
    return strncmp(config->listen_host, "127.", 4) != 0 && strcmp(config->listen_host, "::1") != 0;
}

void demo_announce(const struct config *config, struct log *log, const char *url) {
    log_print(log, KOINE_LOG_WARNING, "demo",
              "every answer is made up: no model is asked, no tool runs");
    if (is_open_to_others(config))
        log_print(log, KOINE_LOG_WARNING, "demo",
                  "whoever reaches %s may use it: the key is known to everybody",
                  config->listen_host);
    const bool console = config->pages.console, docs = config->pages.docs;
    if (console || docs)
        log_print(log, KOINE_LOG_INFO, "demo", "open %s%s%s%s%s", console ? url : "",
                  console ? "/console" : "", console && docs ? " or " : "", docs ? url : "",
                  docs ? "/docs" : "");
    log_print(log, KOINE_LOG_INFO, "demo",
              "the key is %s; try: curl -N %s/stream -H 'Authorization: Bearer %s' -H "
              "'Content-Type: application/json' -d '{\"prompt\":\"Say hello\"}'",
              CONFIG_DEMO_KEY, url, CONFIG_DEMO_KEY);
}
