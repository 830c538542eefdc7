/* SPDX-License-Identifier: Apache-2.0 */
/* Tools of the benchmarks; none of them measures anything by itself. */
#include "bench/measure.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/tcp.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

_Noreturn void die(const char *what) {
    perror(what);
    exit(1);
}

uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

double now_ms(void) {
    return (double)now_ns() / 1e6;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double percentile(double *values, size_t count, double share) {
    qsort(values, count, sizeof(*values), ascending);
    size_t at = (size_t)(share * (double)count);
    return count ? values[at < count ? at : count - 1] : 0;
}

double median(double *values, size_t count) {
    return percentile(values, count, 0.5);
}

/* ---- the CLI ------------------------------------------------------------------------------- */

static void write_all(int fd, const char *bytes, size_t size) {
    while (size) {
        ssize_t put = write(fd, bytes, size);
        if (put < 0)
            die("write");
        bytes += put;
        size -= (size_t)put;
    }
}

static char *user_line(const char *prompt) {
    json_t *line = json_pack("{s:s,s:{s:s,s:[{s:s,s:s}]}}", "type", "user", "message", "role",
                             "user", "content", "type", "text", "text", prompt);
    char *text = json_dumps(line, JSON_COMPACT);
    json_decref(line);
    return text ? text : (die("json"), NULL);
}

static void write_turn(int fd, const char *prompt) {
    char *line = user_line(prompt);
    write_all(fd, line, strlen(line));
    write_all(fd, "\n", 1);
    free(line);
}

static struct cli spawn(const char *path, const char *flag, const char *first) {
    char *argv[] = {(char[]){"claude"},
                    (char[]){"--print"},
                    (char[]){"--verbose"},
                    (char[]){"--input-format=stream-json"},
                    (char[]){"--output-format=stream-json"},
                    (char[]){"--include-partial-messages"},
                    (char *)(uintptr_t)flag,
                    NULL};
    int in[2], out[2];
    struct cli cli;
    posix_spawn_file_actions_t actions;
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
        die("pipe2");
    if (first)
        write_turn(in[1], first);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    if (posix_spawn(&cli.pid, path, &actions, NULL, argv, environ))
        die("posix_spawn");
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    cli.in = in[1];
    cli.out = out[0];
    return cli;
}

struct cli cli_start(const char *path, const char *prompt) {
    struct cli cli = spawn(path, NULL, NULL);
    write_turn(cli.in, prompt);
    return cli;
}

struct cli cli_start_with(const char *path, const char *flag, const char *prompt) {
    return spawn(path, flag, prompt);
}

void cli_finish(struct cli *cli) {
    static char rest[65536];
    close(cli->in);
    while (read(cli->out, rest, sizeof(rest)) > 0) {
    }
    close(cli->out);
    waitpid(cli->pid, NULL, 0);
}

/* ---- the gateway --------------------------------------------------------------------------- */

int gateway_dial(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

void gateway_post(int fd, const char *key, const char *path, const char *body) {
    char *request = NULL;
    int size = asprintf(&request,
                        "POST %s HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n"
                        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                        path, key, strlen(body), body);
    if (size < 0)
        die("asprintf");
    write_all(fd, request, (size_t)size);
    free(request);
}

char *scenario_prompt(const char *scenario) {
    char *prompt = NULL;
    if (asprintf(&prompt, "standin:%s", scenario) < 0)
        die("asprintf");
    return prompt;
}

char *scenario_body(const char *scenario, const char *fields) {
    char *prompt = scenario_prompt(scenario), *text;
    json_t *body = json_loads(fields, 0, NULL);
    if (!body || json_object_set_new(body, "prompt", json_string(prompt)) ||
        !(text = json_dumps(body, JSON_COMPACT)))
        die("the body is no JSON");
    json_decref(body);
    free(prompt);
    return text;
}

/* ---- reading ------------------------------------------------------------------------------- */

static uint64_t count_in(const char *bytes, size_t size, const char *counted) {
    const size_t length = strlen(counted);
    const char *end = bytes + size, *at = bytes;
    uint64_t count = 0;
    while ((at = memmem(at, (size_t)(end - at), counted, length))) {
        count++;
        at += length;
    }
    return count;
}

/* Counts once what lies across two reads: a needle that ends in the new bytes is counted now. */
static void count_new(struct reading *reading, size_t size) {
    const size_t overlap = strlen(reading->counted) - 1;
    const size_t back = overlap < reading->kept ? overlap : reading->kept;
    reading->count +=
        count_in(reading->buffer + reading->kept - back, size + back, reading->counted);
}

bool read_until(struct reading *reading, const char *needle) {
    for (;;) {
        ssize_t got = read(reading->fd, reading->buffer + reading->kept, 65536);
        if (got <= 0)
            return false;
        const size_t size = (size_t)got, all = reading->kept + size;
        reading->bytes += size;
        if (reading->counted)
            count_new(reading, size);
        const bool found = needle && memmem(reading->buffer, all, needle, strlen(needle));
        reading->kept = all < 255 ? all : 255;
        memmove(reading->buffer, reading->buffer + all - reading->kept, reading->kept);
        if (found)
            return true;
    }
}

/* ---- /proc --------------------------------------------------------------------------------- */

static FILE *open_proc(pid_t pid, const char *name) {
    char path[128];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    FILE *file = fopen(path, "r");
    return file ? file : (die(path), NULL);
}

double process_cpu_seconds(pid_t pid) {
    FILE *file = open_proc(pid, "schedstat");
    unsigned long long ns = 0;
    if (fscanf(file, "%llu", &ns) != 1)
        die("schedstat");
    fclose(file);
    return (double)ns / 1e9;
}

static double status_mb(pid_t pid, const char *name) {
    FILE *file = open_proc(pid, "status");
    char line[256];
    long kb = -1;
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, name, strlen(name)) == 0)
            kb = strtol(line + strlen(name), NULL, 10);
    fclose(file);
    return (double)kb / 1024;
}

double process_resident_mb(pid_t pid) {
    return status_mb(pid, "VmRSS:");
}

double process_peak_mb(pid_t pid) {
    return status_mb(pid, "VmHWM:");
}

pid_t process_child(pid_t pid) {
    char name[64];
    snprintf(name, sizeof(name), "task/%d/children", (int)pid);
    FILE *file = open_proc(pid, name);
    int child = 0;
    if (fscanf(file, "%d", &child) != 1)
        child = 0;
    fclose(file);
    return child;
}
