/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the gateway adds to a stream, beside a program that reads the CLI's pipe itself: events a
 * second, the first event, the delay of events on fifty streams, and a client that does not read.
 * Usage: stream CLI PORT KEY GATEWAY_PID [rate|first|delays|unread].
 */
#include "bench/measure.h"
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS 200000
#define STREAMS 50
#define LINE_BYTES 16384
#define TEXT_EVENT "event: text\n"
#define TEXT_DELTA "\"text_delta\""
#define DONE_EVENT "event: done\n"
#define RESULT_LINE "\"type\":\"result\""

static const char *cli_path, *key;
static int port;
static pid_t gateway;

/* ---- events a second ----------------------------------------------------------------------- */

static const char many[] =
    "{\"persist\":false,\"short_result\":true,\"text\":\"lorem ipsum dolor\","
    "\"repeat\":200000}";

static double pipe_rate(void) {
    char *prompt = scenario_prompt(many);
    double start = now_ms();
    struct cli cli = cli_start(cli_path, prompt);
    struct reading reading = {.fd = cli.out, .counted = TEXT_DELTA};
    read_until(&reading, RESULT_LINE);
    double rate = (double)reading.count / (now_ms() - start) * 1e3;
    cli_finish(&cli);
    free(prompt);
    return rate;
}

static double gateway_rate(double *cpu_s_per_million) {
    char *body = scenario_body(many, "{}");
    struct reading reading = {.fd = gateway_dial(port), .counted = TEXT_EVENT};
    double cpu = process_cpu_seconds(gateway), start = now_ms();
    gateway_post(reading.fd, key, "/stream", body);
    if (!read_until(&reading, DONE_EVENT) || reading.count != EVENTS) {
        fprintf(stderr, "%llu events of %d\n", (unsigned long long)reading.count, EVENTS);
        exit(1);
    }
    double rate = (double)reading.count / (now_ms() - start) * 1e3;
    *cpu_s_per_million = (process_cpu_seconds(gateway) - cpu) / EVENTS * 1e6;
    close(reading.fd);
    free(body);
    return rate;
}

static void measure_rate(void) {
    enum { ROUNDS = 7 };
    double direct[ROUNDS], through[ROUNDS], cpu[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        direct[i] = pipe_rate();
        through[i] = gateway_rate(&cpu[i]);
    }
    printf("stream, 200 k events   %.0f k/s (>= 600), %.2f CPU-s per million (<= 1), peak %.1f MB "
           "(<= 20); the pipe alone %.0f k/s\n",
           median(through, ROUNDS) / 1e3, median(cpu, ROUNDS), process_peak_mb(gateway),
           median(direct, ROUNDS) / 1e3);
}

/* ---- the first event ----------------------------------------------------------------------- */

static const char hello[] = "{\"persist\":false,\"text\":\"Hello!\"}";

static double pipe_first(const char *prompt) {
    double start = now_ms();
    struct cli cli = cli_start(cli_path, prompt);
    struct reading reading = {.fd = cli.out};
    read_until(&reading, TEXT_DELTA);
    double took = now_ms() - start;
    cli_finish(&cli);
    return took;
}

static double gateway_first(int fd, const char *body) {
    struct reading reading = {.fd = fd};
    double start = now_ms();
    gateway_post(fd, key, "/stream", body);
    if (!read_until(&reading, TEXT_EVENT))
        die("the stream ended");
    double took = now_ms() - start;
    while (!memmem(reading.buffer, reading.kept, "\r\n0\r\n\r\n", 7))
        if (!read_until(&reading, "\r\n0\r\n\r\n"))
            die("the stream ended");
    return took;
}

static void measure_first(void) {
    enum { ROUNDS = 300 };
    static double direct[ROUNDS], through[ROUNDS];
    char *prompt = scenario_prompt(hello), *body = scenario_body(hello, "{}");
    int fd = gateway_dial(port);
    for (int i = 0; i < ROUNDS; i++) {
        direct[i] = pipe_first(prompt);
        through[i] = gateway_first(fd, body);
    }
    close(fd);
    double a = median(direct, ROUNDS), t = median(through, ROUNDS);
    printf(
        "stream, first text     %.2f ms p50, the pipe alone %.2f ms p50: adds %.2f ms (<= 0.5)\n",
        t, a, t - a);
    free(prompt);
    free(body);
}

/* ---- delays -------------------------------------------------------------------------------- */

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

static void measure_delays(int delay_ms, const char *limits) {
    enum { ROUNDS = 3, RUN_MS = 2000, SKIPPED_MS = 500 };
    double added_p50[ROUNDS], added_p99[ROUNDS], direct_p50[ROUNDS], direct_p99[ROUNDS];
    char scenario[256];
    const int skipped = SKIPPED_MS / delay_ms;
    size_t capacity = (size_t)STREAMS * (size_t)(RUN_MS / delay_ms - skipped);
    double *values = malloc(capacity * sizeof(*values));
    snprintf(scenario, sizeof(scenario),
             "{\"persist\":false,\"short_result\":true,\"text\":\"x\",\"stamp\":true,"
             "\"delay_ms\":%d,\"repeat\":%d}",
             delay_ms, RUN_MS / delay_ms);
    for (int i = 0; i < ROUNDS; i++) {
        struct delays direct = {values, 0, capacity, skipped};
        run_pipes(scenario, &direct);
        direct_p50[i] = percentile(values, direct.count, 0.5);
        direct_p99[i] = percentile(values, direct.count, 0.99);
        struct delays through = {values, 0, capacity, skipped};
        run_streams(scenario, &through);
        added_p50[i] = percentile(values, through.count, 0.5) - direct_p50[i];
        added_p99[i] = percentile(values, through.count, 0.99) - direct_p99[i];
        if (through.count != capacity || direct.count != capacity)
            printf("events lost: %zu and %zu of %zu\n", through.count, direct.count, capacity);
    }
    printf(
        "50 streams, each %2d ms adds %.0f us p50, %.2f ms p99 (%s); the pipes alone %.0f us p50, "
        "%.2f ms p99\n",
        delay_ms, median(added_p50, ROUNDS), median(added_p99, ROUNDS) / 1e3, limits,
        median(direct_p50, ROUNDS), median(direct_p99, ROUNDS) / 1e3);
    free(values);
}

/* ---- a client that does not read ----------------------------------------------------------- */

static void measure_unread(void) {
    enum { TEXT_BYTES = 1000, TEXTS = 100000 };
    char scenario[TEXT_BYTES + 128];
    char text[TEXT_BYTES + 1];
    memset(text, 'x', TEXT_BYTES);
    text[TEXT_BYTES] = '\0';
    snprintf(scenario, sizeof(scenario),
             "{\"persist\":false,\"short_result\":true,\"repeat\":%d,\"text\":\"%s\"}", TEXTS,
             text);
    char *body = scenario_body(scenario, "{}");
    struct reading reading = {.fd = gateway_dial(port), .counted = TEXT_EVENT};
    double before = process_resident_mb(gateway), most = before;
    gateway_post(reading.fd, key, "/stream", body);
    poll(NULL, 0, 1000);
    pid_t child = process_child(gateway);
    double worked = process_cpu_seconds(child);
    for (int i = 0; i < 9; i++) {
        poll(NULL, 0, 1000);
        double now = process_resident_mb(gateway);
        most = now > most ? now : most;
    }
    worked = process_cpu_seconds(child) - worked;
    bool done = read_until(&reading, DONE_EVENT);
    printf("100 MB not read, 10 s  grows by %.2f MB (<= 1), the CLI worked %.1f ms of 9 s; then "
           "%llu of %d events, %.0f MB, arrived%s\n",
           most - before, worked * 1e3, (unsigned long long)reading.count, TEXTS,
           (double)reading.bytes / 1e6, done ? "" : ", WITHOUT done");
    close(reading.fd);
    free(body);
}

static bool wanted(const char *only, const char *name) {
    return !only || strcmp(only, name) == 0;
}

int main(int argc, char **argv) {
    if (argc != 5 && argc != 6) {
        fprintf(stderr, "usage: %s CLI PORT KEY GATEWAY_PID [rate|first|delays|unread]\n", argv[0]);
        return 2;
    }
    const char *only = argv[5];
    cli_path = argv[1];
    port = atoi(argv[2]);
    key = argv[3];
    gateway = atoi(argv[4]);
    if (wanted(only, "rate"))
        measure_rate();
    if (wanted(only, "first"))
        measure_first();
    if (wanted(only, "delays")) {
        measure_delays(10, "<= 60 us, <= 2 ms");
        measure_delays(1, "<= 500 us p50");
    }
    if (wanted(only, "unread"))
        measure_unread();
    return 0;
}
