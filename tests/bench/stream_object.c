/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects while they are written, in deltas of twenty bytes: the time and the bytes that partials
 * cost, beside a program that reads the CLI's pipe itself.
 * Usage: stream_object CLI PORT KEY GATEWAY_PID.
 */
#include "bench/measure.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *cli_path, *key;
static int port;
static pid_t gateway;

/* A hundred bytes of object, many times: {"items":[…, …]} */
#define ITEM                                                                                       \
    "{\"id\":12345,\"name\":\"A name of a "                                                        \
    "thing\",\"tags\":[\"first\",\"second\"],\"text\":\"some "                                     \
    "prose, as models write it\"}"
enum { ITEM_BYTES = sizeof(ITEM) }; /* with its comma */

static char *scenario(int kilobytes) {
    char *text = NULL;
    if (asprintf(&text,
                 "{\"persist\":false,\"delta_bytes\":20,\"object\":" ITEM ",\"object_repeat\":%d}",
                 kilobytes * 1000 / ITEM_BYTES) < 0)
        die("asprintf");
    return text;
}

static double pipe_ms(int kilobytes) {
    char *text = scenario(kilobytes), *prompt = scenario_prompt(text);
    double start = now_ms();
    struct cli cli = cli_start(cli_path, prompt);
    struct reading reading = {.fd = cli.out};
    read_until(&reading, "\"type\":\"result\"");
    double took = now_ms() - start;
    cli_finish(&cli);
    free(prompt);
    free(text);
    return took;
}

struct cost {
    double ms;
    double bytes;
    double partials;
};

static struct cost gateway_cost(int kilobytes, const char *fields, const char *event) {
    char *text = scenario(kilobytes), *body = scenario_body(text, fields);
    struct reading reading = {.fd = gateway_dial(port), .counted = event};
    double start = now_ms();
    gateway_post(reading.fd, key, "/stream-object", body);
    if (!read_until(&reading, "event: done\ndata: {\"code\":0"))
        die("the stream ended without success");
    struct cost cost = {now_ms() - start, (double)reading.bytes, (double)reading.count};
    close(reading.fd);
    free(body);
    free(text);
    return cost;
}

#define SCHEMA "\"schema\":{\"type\":\"object\"}"

static void measure(int kilobytes, double limit_ms) {
    enum { ROUNDS = 5 };
    double direct[ROUNDS], full[ROUNDS], delta[ROUNDS];
    struct cost last_full = {0}, last_delta = {0};
    for (int i = 0; i < ROUNDS; i++) {
        direct[i] = pipe_ms(kilobytes);
        last_full = gateway_cost(kilobytes, "{" SCHEMA "}", "event: partial-object\n");
        last_delta =
            gateway_cost(kilobytes, "{" SCHEMA ",\"partials\":\"delta\"}", "event: object-delta\n");
        full[i] = last_full.ms;
        delta[i] = last_delta.ms;
    }
    const double pipe = median(direct, ROUNDS), ours = median(full, ROUNDS);
    printf("object of %3d kB       %.0f ms (<= %.0f), %.1f MB%s in %.0f partials; deltas %.0f ms, "
           "%.2f bytes a byte (<= 5); the pipe alone %.0f ms: %.1f times that\n",
           kilobytes, ours, limit_ms, last_full.bytes / 1e6, kilobytes == 400 ? " (<= 80)" : "",
           last_full.partials, median(delta, ROUNDS), last_delta.bytes / (kilobytes * 1e3), pipe,
           ours / pipe);
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: %s CLI PORT KEY GATEWAY_PID\n", argv[0]);
        return 2;
    }
    cli_path = argv[1];
    port = atoi(argv[2]);
    key = argv[3];
    gateway = atoi(argv[4]);
    measure(20, 100);
    measure(100, 300);
    measure(400, 1000);
    printf("objects, memory        peak %.1f MB (<= 30)\n", process_peak_mb(gateway));
    return 0;
}
