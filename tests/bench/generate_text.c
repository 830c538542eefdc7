/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the gateway adds to a run of the CLI: the time from a request to its answer, beside the time
 * that the same process takes when it is started directly. Usage: generate_text CLI PORT KEY.
 */
#include "bench/measure.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 300
#define PARALLEL 16
#define PAIRS 7

static const char *cli_path, *key;
static int port;

/* Starts the CLI, writes the prompt, reads up to the result line: milliseconds to that. */
static double run_cli(void) {
    double start = now_ms();
    struct cli cli = cli_start(cli_path, "Say hello");
    struct reading reading = {.fd = cli.out};
    read_until(&reading, "\"type\":\"result\"");
    double took = now_ms() - start;
    cli_finish(&cli);
    return took;
}

/* The JSON of the answer ends with its last member. */
static double ask_gateway(int fd) {
    struct reading reading = {.fd = fd, .counted = "HTTP/1.1 200"};
    double start = now_ms();
    gateway_post(fd, key, "/generate-text", "{\"prompt\":\"Say hello\"}");
    if (!read_until(&reading, "\"permissionDenials\":[]}") || reading.count != 1) {
        fprintf(stderr, "unexpected answer: %.*s\n", (int)reading.kept, reading.buffer);
        exit(1);
    }
    return now_ms() - start;
}

static void *cli_worker(void *data) {
    for (int i = 0; i < ROUNDS / PARALLEL * 2; i++)
        run_cli();
    return data;
}

static void *gateway_worker(void *data) {
    int fd = gateway_dial(port);
    for (int i = 0; i < ROUNDS / PARALLEL * 2; i++)
        ask_gateway(fd);
    close(fd);
    return data;
}

static double rate(void *(*worker)(void *)) {
    pthread_t threads[PARALLEL];
    double start = now_ms();
    for (int i = 0; i < PARALLEL; i++)
        if (pthread_create(&threads[i], NULL, worker, NULL))
            die("pthread_create");
    for (int i = 0; i < PARALLEL; i++)
        pthread_join(threads[i], NULL);
    return ROUNDS / PARALLEL * 2 * PARALLEL / (now_ms() - start) * 1e3;
}

int main(int argc, char **argv) {
    static double alone[ROUNDS], through[ROUNDS];
    if (argc != 4) {
        fprintf(stderr, "usage: %s CLI PORT KEY\n", argv[0]);
        return 2;
    }
    cli_path = argv[1];
    port = atoi(argv[2]);
    key = argv[3];
    int fd = gateway_dial(port);
    for (int i = 0; i < ROUNDS; i++) { /* alternating: both meet the same neighbours */
        alone[i] = run_cli();
        through[i] = ask_gateway(fd);
    }
    close(fd);
    double a = median(alone, ROUNDS), t = median(through, ROUNDS);
    printf(
        "one at a time      CLI alone %.2f ms p50, through the gateway %.2f ms p50: adds %.2f ms\n",
        a, t, t - a);
    double cli_rates[PAIRS], rates[PAIRS], shares[PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        cli_rates[i] = rate(cli_worker);
        rates[i] = rate(gateway_worker);
        shares[i] = rates[i] / cli_rates[i] * 100;
    }
    printf(
        "%d in parallel     CLI alone %.0f/s, through the gateway %.0f/s: %.0f %% (medians of %d "
        "pairs)\n",
        PARALLEL, median(cli_rates, PAIRS), median(rates, PAIRS), median(shares, PAIRS), PAIRS);
    return 0;
}
