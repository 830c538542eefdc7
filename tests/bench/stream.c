/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the gateway adds to one stream, beside a program that reads the CLI's pipe itself: events a
 * second, the first event, and a client that does not read. Many streams: stream_delays.c.
 * Usage: stream CLI PORT KEY GATEWAY_PID [rate|first|unread].
 */
#include "bench/measure.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVENTS 200000
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
        fprintf(stderr, "usage: %s CLI PORT KEY GATEWAY_PID [rate|first|unread]\n", argv[0]);
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
    if (wanted(only, "unread"))
        measure_unread();
    return 0;
}
