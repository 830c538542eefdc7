/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much later events arrive on fifty streams through the gateway than on the pipes of fifty
 * CLIs, and how much later through the least that can stand between: a relay that copies bytes
 * from a pipe to a socket. On a busy machine all three wait for a processor; the relay tells how
 * much of a delay is the machine's. Usage: stream_delays CLI PORT KEY GATEWAY_PID [DELAY_MS].
 */
#include "bench/measure.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define STREAMS 50
#define LINE_BYTES 16384
#define RESULT_LINE "\"type\":\"result\""

static const char *cli_path, *key;
static int port;
static pid_t gateway;

/* ---- reading stamps ------------------------------------------------------------------------ */

/* One of fifty sources of lines with stamps: a pipe of a CLI, or a stream of the gateway. */
struct source {
    int fd;
    struct cli cli;
    char line[LINE_BYTES];
    size_t kept;
    int stamps; /* seen so far */
    bool ended;
};

struct delays {
    double *values; /* microseconds */
    size_t count, capacity;
    int skipped; /* of each source: while fifty processes start, nothing is steady */
};

/* The stamp in a line: digits behind "text":" */
static void take_line(struct source *source, struct delays *delays, const char *line, size_t size,
                      uint64_t read_ns) {
    static const char before[] = "\"text\":\"";
    const char *at = memmem(line, size, before, sizeof(before) - 1);
    char *end;
    if (!at)
        return;
    unsigned long long stamp_ns = strtoull(at + sizeof(before) - 1, &end, 10);
    if (*end == '"' && stamp_ns > 1000000 && stamp_ns < read_ns &&
        ++source->stamps > delays->skipped && delays->count < delays->capacity)
        delays->values[delays->count++] = (double)(read_ns - stamp_ns) / 1e3;
}

static void take_lines(struct source *source, struct delays *delays, uint64_t read_ns) {
    char *line = source->line, *end = line + source->kept, *newline;
    while ((newline = memchr(line, '\n', (size_t)(end - line)))) {
        *newline = '\0';
        take_line(source, delays, line, (size_t)(newline - line), read_ns);
        if (strstr(line, RESULT_LINE) || strstr(line, "event: done"))
            source->ended = true;
        line = newline + 1;
    }
    source->kept = (size_t)(end - line);
    if (source->kept == LINE_BYTES)
        source->kept = 0; /* no line of ours */
    memmove(source->line, line, source->kept);
}

static void collect(struct source *sources, struct delays *delays) {
    int epoll = epoll_create1(EPOLL_CLOEXEC), open = STREAMS;
    for (int i = 0; i < STREAMS; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &sources[i]};
        fcntl(sources[i].fd, F_SETFL, O_NONBLOCK);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, sources[i].fd, &event))
            die("epoll_ctl");
    }
    while (open > 0) {
        struct epoll_event ready[STREAMS];
        int count = epoll_wait(epoll, ready, STREAMS, 10000);
        if (count <= 0)
            die("no event for ten seconds");
        for (int i = 0; i < count; i++) {
            struct source *source = ready[i].data.ptr;
            ssize_t got = read(source->fd, source->line + source->kept, LINE_BYTES - source->kept);
            source->kept += got > 0 ? (size_t)got : 0;
            take_lines(source, delays, now_ns());
            if (got <= 0 || source->ended) {
                epoll_ctl(epoll, EPOLL_CTL_DEL, source->fd, NULL);
                open--;
            }
        }
    }
    close(epoll);
}

static void run_pipes(const char *scenario, struct delays *delays) {
    struct source *sources = calloc(STREAMS, sizeof(*sources));
    char *prompt = scenario_prompt(scenario);
    for (int i = 0; i < STREAMS; i++) {
        sources[i].cli = cli_start(cli_path, prompt);
        sources[i].fd = sources[i].cli.out;
    }
    collect(sources, delays);
    for (int i = 0; i < STREAMS; i++) {
        fcntl(sources[i].fd, F_SETFL, 0);
        cli_finish(&sources[i].cli);
    }
    free(prompt);
    free(sources);
}

static void run_streams(const char *scenario, struct delays *delays) {
    struct source *sources = calloc(STREAMS, sizeof(*sources));
    char *body = scenario_body(scenario, "{}");
    for (int i = 0; i < STREAMS; i++) {
        sources[i].fd = gateway_dial(port);
        gateway_post(sources[i].fd, key, "/stream", body);
    }
    collect(sources, delays);
    for (int i = 0; i < STREAMS; i++)
        close(sources[i].fd);
    free(body);
    free(sources);
}

/* ---- the relay ----------------------------------------------------------------------------- */

struct relayed {
    int pipe, socket;
};

static int listen_on_loopback(int *relay_port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, STREAMS) ||
        getsockname(fd, (struct sockaddr *)&address, &size))
        die("listen");
    *relay_port = ntohs(address.sin_port);
    return fd;
}

static void send_all(int fd, const char *bytes, size_t size) {
    while (size) {
        ssize_t put = send(fd, bytes, size, MSG_NOSIGNAL);
        if (put < 0)
            die("send");
        bytes += put;
        size -= (size_t)put;
    }
}

/* Copies until every pipe has ended: the two calls an event that any gateway has to make. */
static _Noreturn void relay(struct relayed *relayed) {
    static char bytes[65536];
    struct epoll_event ready[STREAMS];
    int epoll = epoll_create1(EPOLL_CLOEXEC), open = STREAMS;
    for (int i = 0; i < STREAMS; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &relayed[i]};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, relayed[i].pipe, &event))
            die("epoll_ctl");
    }
    while (open > 0) {
        int count = epoll_wait(epoll, ready, STREAMS, -1);
        for (int i = 0; i < count; i++) {
            const struct relayed *one = ready[i].data.ptr;
            ssize_t got = read(one->pipe, bytes, sizeof(bytes));
            if (got > 0) {
                send_all(one->socket, bytes, (size_t)got);
                continue;
            }
            epoll_ctl(epoll, EPOLL_CTL_DEL, one->pipe, NULL);
            open--;
        }
    }
    _exit(0);
}

static void run_relay(const char *scenario, struct delays *delays) {
    struct source *sources = calloc(STREAMS, sizeof(*sources));
    struct relayed relayed[STREAMS];
    char *prompt = scenario_prompt(scenario);
    int relay_port, listener = listen_on_loopback(&relay_port), on = 1;
    for (int i = 0; i < STREAMS; i++) {
        sources[i].cli = cli_start(cli_path, prompt);
        sources[i].fd = gateway_dial(relay_port);
        relayed[i] = (struct relayed){sources[i].cli.out, accept(listener, NULL, NULL)};
        setsockopt(relayed[i].socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        for (int i = 0; i < STREAMS; i++)
            close(sources[i].cli.in); /* or no CLI would ever see its input end */
        relay(relayed);
    }
    collect(sources, delays);
    for (int i = 0; i < STREAMS; i++) {
        cli_finish(&sources[i].cli);
        close(sources[i].fd);
        close(relayed[i].socket);
    }
    waitpid(child, NULL, 0);
    close(listener);
    free(prompt);
    free(sources);
}

/* ---- the comparison ------------------------------------------------------------------------ */

enum { ROUNDS = 3, RUN_MS = 2000, SKIPPED_MS = 500 };

/* What one way of fifty streams took, round by round, in microseconds. */
struct way {
    double p50[ROUNDS], p99[ROUNDS];
};

static void measure_way(struct way *way, int round, struct delays *delays, const char *scenario,
                        void (*run)(const char *scenario, struct delays *delays)) {
    delays->count = 0;
    run(scenario, delays);
    if (delays->count != delays->capacity)
        printf("events lost: %zu of %zu\n", delays->capacity - delays->count, delays->capacity);
    way->p50[round] = percentile(delays->values, delays->count, 0.5);
    way->p99[round] = percentile(delays->values, delays->count, 0.99);
}

/* Medians over the rounds of what `way` took longer than `direct` in the same round. */
static void print_added(const char *what, const struct way *way, const struct way *direct) {
    double p50[ROUNDS], p99[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        p50[i] = way->p50[i] - direct->p50[i];
        p99[i] = way->p99[i] - direct->p99[i];
    }
    printf("%s %.0f us p50, %.2f ms p99", what, median(p50, ROUNDS), median(p99, ROUNDS) / 1e3);
}

static void measure_delays(int delay_ms, const char *limits) {
    struct way direct, relayed, through;
    double cpu_us[ROUNDS];
    char scenario[256];
    const int skipped = SKIPPED_MS / delay_ms, events = RUN_MS / delay_ms;
    const size_t capacity = (size_t)STREAMS * (size_t)(events - skipped);
    struct delays delays = {malloc(capacity * sizeof(double)), 0, capacity, skipped};
    snprintf(scenario, sizeof(scenario),
             "{\"persist\":false,\"short_result\":true,\"text\":\"x\",\"stamp\":true,"
             "\"delay_ms\":%d,\"repeat\":%d}",
             delay_ms, events);
    for (int i = 0; i < ROUNDS; i++) {
        measure_way(&direct, i, &delays, scenario, run_pipes);
        measure_way(&relayed, i, &delays, scenario, run_relay);
        double cpu_s = process_cpu_seconds(gateway);
        measure_way(&through, i, &delays, scenario, run_streams);
        cpu_us[i] = (process_cpu_seconds(gateway) - cpu_s) / (events * STREAMS) * 1e6;
    }
    printf("50 streams, each %2d ms ", delay_ms);
    print_added("adds", &through, &direct);
    printf(" (%s), %.1f us of CPU an event (starts included)", limits, median(cpu_us, ROUNDS));
    print_added("; a bare relay", &relayed, &direct);
    printf("; the pipes alone %.0f us p50, %.2f ms p99\n", median(direct.p50, ROUNDS),
           median(direct.p99, ROUNDS) / 1e3);
    free(delays.values);
}

int main(int argc, char **argv) {
    if (argc != 5 && argc != 6) {
        fprintf(stderr, "usage: %s CLI PORT KEY GATEWAY_PID [DELAY_MS]\n", argv[0]);
        return 2;
    }
    const int only_ms = argc == 6 ? atoi(argv[5]) : 0;
    cli_path = argv[1];
    port = atoi(argv[2]);
    key = argv[3];
    gateway = atoi(argv[4]);
    if (only_ms == 0 || only_ms == 10)
        measure_delays(10, "<= 60 us, <= 2 ms");
    if (only_ms == 0 || only_ms == 1)
        measure_delays(1, "<= 500 us p50");
    return 0;
}
