/* SPDX-License-Identifier: Apache-2.0 */
/* Starting, watching and stopping a gateway process. Asserts; sends no request. */
#include "support/gateway.h"

#include "support/log_tail.h"
#include "support/process_table.h"
#include "support/scratch_directory.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { START_MS = 60000, LOG_MS = 10000, MAX_STRINGS = 64 };

struct gateway {
    char *directory, *url;
    struct log_tail *log;
    pid_t supervisor;
    uint16_t port;
    bool crashes;
};

/* A NULL-terminated list of strings that it owns. */
struct strings {
    char *items[MAX_STRINGS];
    size_t count;
};

static void strings_add(struct strings *strings, char *text) {
    ck_assert_uint_lt(strings->count, MAX_STRINGS - 1);
    strings->items[strings->count++] = text;
}

static void strings_add_all(struct strings *strings, const char *const *texts) {
    for (; texts && *texts; texts++)
        strings_add(strings, scratch_text("%s", *texts));
}

static void strings_finish(struct strings *strings) {
    for (size_t i = 0; i < strings->count; i++)
        free(strings->items[i]);
}

static char *absolute(const char *variable, const char *fallback) {
    const char *given = getenv(variable);
    char *path = realpath(given && *given ? given : fallback, NULL);
    ck_assert_msg(path != NULL, "%s: %s; run tests from the top of the checkout or set %s",
                  given ? given : fallback, strerror(errno), variable);
    return path;
}

char *gateway_binary(void) {
    return absolute("KOINE_GATEWAY", "build/koine-gateway");
}

char *gateway_standin_cli(void) {
    return absolute("KOINE_STANDIN_CLI", "build/tests/standin-cli");
}

char *gateway_path(const struct gateway *gateway, const char *name) {
    return scratch_text("%s/%s", gateway->directory, name);
}

#define NO_POOL "pool: {warm: 0, session_idle_seconds: 0}\n"

static bool has_file(const struct gateway_options *options) {
    return options->config || options->no_pool;
}

static void make_directories(struct gateway *gateway, const struct gateway_options *options) {
    static const char *const names[] = {"home", "state", "work", "bin"};
    gateway->directory = scratch_directory_create();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = gateway_path(gateway, names[i]);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        free(path);
    }
    char *cli = options->cli ? scratch_text("%s", options->cli) : gateway_standin_cli();
    char *link = gateway_path(gateway, "bin/claude");
    ck_assert_int_eq(symlink(cli, link), 0);
    free(link);
    free(cli);
    if (has_file(options)) {
        char *path = gateway_path(gateway, "gateway.yaml");
        char *text = scratch_text("%s%s", options->no_pool ? NO_POOL : "",
                                  options->config ? options->config : "");
        scratch_write(path, text);
        free(text);
        free(path);
    }
}

static void add_arguments(struct strings *arguments, const struct gateway *gateway,
                          const struct gateway_options *options) {
    static const char *const valgrind[] = {"valgrind",          "--quiet",
                                           "--leak-check=full", "--error-exitcode=99",
                                           "--num-callers=30",  NULL};
    static const char *const listen[] = {"--listen", "127.0.0.1:0", NULL};
    const char *wanted = getenv("KOINE_VALGRIND");
    if (wanted && strcmp(wanted, "1") == 0)
        strings_add_all(arguments, valgrind);
    strings_add(arguments, gateway_binary());
    strings_add_all(arguments, listen);
    if (has_file(options)) {
        strings_add(arguments, scratch_text("--config"));
        strings_add(arguments, gateway_path(gateway, "gateway.yaml"));
    }
    strings_add_all(arguments, options->arguments);
}

/* The tests' own variables do not reach the gateway, but for what steers the sanitizers. The first
 * of two assignments counts, so the caller's stand before the defaults. */
static void add_environment(struct strings *environment, const struct gateway *gateway,
                            const struct gateway_options *options) {
    const char *directory = gateway->directory;
    strings_add_all(environment, options->environment);
    strings_add(environment, scratch_text("PATH=%s/bin:/usr/local/bin:/usr/bin:/bin", directory));
    strings_add(environment, scratch_text("HOME=%s/home", directory));
    strings_add(environment, scratch_text("STATE_DIRECTORY=%s/state", directory));
    strings_add(environment, scratch_text("LANG=C.UTF-8"));
    strings_add(environment, scratch_text("ANTHROPIC_API_KEY=sk-ant-for-the-cli"));
    if (!options->no_key)
        strings_add(environment, scratch_text("CLAUDE_CODE_GATEWAY_API_KEY=" GATEWAY_KEY));
    for (char **variable = environ; *variable; variable++)
        if (strstr(*variable, "SAN_OPTIONS=") || strncmp(*variable, "VALGRIND_", 9) == 0)
            strings_add(environment, scratch_text("%s", *variable));
}

static void spawn(struct gateway *gateway, char *const *arguments, char *const *environment) {
    int pipe_fds[2];
    ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    char *work = gateway_path(gateway, "work");
    pid_t parent = getpid();
    gateway->supervisor = fork();
    ck_assert_int_ge(gateway->supervisor, 0);
    if (gateway->supervisor == 0) {
        /* A test that fails leaves without its teardown: the gateway must not outlive it. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setpgid(0, 0); /* as a shell or a service manager does */
        if (getppid() != parent || chdir(work) || dup2(pipe_fds[1], STDERR_FILENO) < 0)
            _exit(126);
        execvpe(arguments[0], arguments, environment);
        _exit(127);
    }
    close(pipe_fds[1]);
    free(work);
    gateway->log = log_tail_create(pipe_fds[0]);
}

static void read_port(struct gateway *gateway) {
    static const char line[] = "serving on http://127.0.0.1:";
    bool serves = log_tail_await(gateway->log, line, START_MS) &&
                  log_tail_await(gateway->log, "\n", START_MS);
    char *log = gateway_log(gateway);
    ck_assert_msg(serves, "the gateway does not serve; its log:\n%s", log);
    gateway->port = (uint16_t)strtoul(strstr(log, line) + strlen(line), NULL, 10);
    ck_assert_uint_ne(gateway->port, 0);
    gateway->url = scratch_text("http://127.0.0.1:%u", gateway->port);
    free(log);
}

struct gateway *gateway_start(const struct gateway_options *options) {
    static const struct gateway_options defaults = {0};
    struct strings arguments = {0}, environment = {0};
    struct gateway *gateway = calloc(1, sizeof *gateway);
    ck_assert_ptr_nonnull(gateway);
    signal(SIGPIPE, SIG_IGN);
    options = options ? options : &defaults;
    gateway->crashes = options->crashes;
    make_directories(gateway, options);
    add_arguments(&arguments, gateway, options);
    add_environment(&environment, gateway, options);
    spawn(gateway, arguments.items, environment.items);
    strings_finish(&arguments);
    strings_finish(&environment);
    read_port(gateway);
    return gateway;
}

void gateway_terminate(struct gateway *gateway) {
    ck_assert_int_eq(kill(gateway->supervisor, SIGTERM), 0);
}

static int wait_for(struct gateway *gateway) {
    int status = -1;
    ck_assert_int_eq(waitpid(gateway->supervisor, &status, 0), gateway->supervisor);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void destroy(struct gateway *gateway) {
    log_tail_destroy(gateway->log);
    scratch_directory_destroy(gateway->directory);
    free(gateway->url);
    free(gateway);
}

int gateway_join_status(struct gateway *gateway) {
    int status = wait_for(gateway);
    destroy(gateway);
    return status;
}

/* Waits for the end, and that long for the rest of the log: what a sanitizer found stands there,
 * and a stray process may hold the pipe. The caller frees. */
static char *join(struct gateway *gateway, unsigned log_ms) {
    int status = wait_for(gateway);
    log_tail_await(gateway->log, "\n\n never logged", status == 0 ? log_ms : 500);
    char *log = gateway_log(gateway);
    ck_assert_msg(status == 0, "the gateway ended with %d, expected exit status 0; its log:\n%s",
                  status, log);
    ck_assert_msg(gateway->crashes || !strstr(log, "; a new one starts"),
                  "a worker has crashed; the log:\n%s", log);
    destroy(gateway);
    return log;
}

void gateway_join(struct gateway *gateway) {
    free(join(gateway, 0));
}

char *gateway_join_log(struct gateway *gateway) {
    return join(gateway, 2000);
}

void gateway_stop(struct gateway *gateway) {
    if (!gateway)
        return;
    gateway_terminate(gateway);
    gateway_join(gateway);
}

pid_t gateway_pid(const struct gateway *gateway) {
    return process_child(gateway->supervisor);
}

pid_t gateway_supervisor_pid(const struct gateway *gateway) {
    return gateway->supervisor;
}

uint16_t gateway_port(const struct gateway *gateway) {
    return gateway->port;
}

const char *gateway_url(const struct gateway *gateway) {
    return gateway->url;
}

const char *gateway_directory(const struct gateway *gateway) {
    return gateway->directory;
}

char *gateway_log(struct gateway *gateway) {
    return log_tail_copy(gateway->log);
}

bool gateway_log_has(struct gateway *gateway, const char *text) {
    return log_tail_await(gateway->log, text, 0);
}

void gateway_await_log(struct gateway *gateway, const char *text) {
    if (log_tail_await(gateway->log, text, LOG_MS))
        return;
    char *log = gateway_log(gateway);
    ck_abort_msg("'%s' was not logged within %d ms; the log:\n%s", text, LOG_MS, log);
}

uint64_t gateway_resident_bytes(const struct gateway *gateway) {
    char *path = scratch_text("/proc/%d/statm", (int)gateway_pid(gateway));
    char *text = scratch_read(path);
    unsigned long long pages = 0;
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(sscanf(text, "%*u %llu", &pages), 1);
    free(text);
    free(path);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
