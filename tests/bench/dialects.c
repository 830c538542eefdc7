/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the dialects of other APIs cost beside POST /stream, in turns: the processor time of an
 * event in the gateway, and how much later the first text comes. An event of /v1/responses is five
 * times as long, and its last ones repeat the text four times: so /stream is also measured with
 * events that are as long. Usage: dialects PORT KEY GATEWAY_PID.
 */
#include "bench/measure.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EVENTS = 100000, RATE_ROUNDS = 9, FIRST_ROUNDS = 200, PAUSE_MS = 10, REST_MS = 50 };

/* JSON strings that the stand-in CLI takes for scenarios. */
#define SCENARIO(members) "\"standin:{\\\"persist\\\":false," members "}\""
#define MEMBER(name, value) "\\\"" name "\\\":" value
#define TEXT(more) MEMBER("text", "\\\"lorem ipsum dolor" more "\\\"")
#define MANY(more)                                                                                 \
    SCENARIO(MEMBER("short_result", "true") "," TEXT(more) "," MEMBER("repeat", "100000"))
#define EIGHTY "01234567890123456789012345678901234567890123456789012345678901234567890123456789"
static const char many[] = MANY("");
static const char many_long[] = MANY(EIGHTY EIGHTY EIGHTY);
static const char hello[] = SCENARIO(MEMBER("text", "\\\"Hello!\\\""));

/* How each is asked: the members behind the conversation, and what its frames hold. */
static const struct dialect {
    const char *path;
    const char *open;  /* of the body, up to the text that the user says */
    const char *close; /* behind it */
    const char *text;  /* in each frame of text */
    const char *done;  /* in the last frame */
} dialects[] = {
    {"/stream", "{\"prompt\":",
     ",\"model\":\"sonnet\",\"system\":\"\",\"profile\":\"bare\",\"disallowedTools\":[\"*\"]}",
     "event: text\n", "event: done\n"},
    {"/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":",
     "}],\"model\":\"sonnet\",\"stream\":true}", "\"content\":\"lorem", "data: [DONE]"},
    {"/v1/responses", "{\"input\":", ",\"model\":\"sonnet\",\"stream\":true}",
     "event: response.output_text.delta\n", "event: response.completed\n"},
    {"/v1/messages", "{\"messages\":[{\"role\":\"user\",\"content\":",
     "}],\"model\":\"sonnet\",\"max_tokens\":100000000,\"stream\":true}",
     "event: content_block_delta\n", "event: message_stop\n"},
};
enum { DIALECTS = sizeof(dialects) / sizeof(*dialects) };

static const char *key;
static int port;
static pid_t gateway;

static char *body_of(const struct dialect *dialect, const char *scenario) {
    char *body = NULL;
    if (asprintf(&body, "%s%s%s", dialect->open, scenario, dialect->close) < 0)
        die("asprintf");
    return body;
}

static void read_rest(struct reading *reading) {
    while (!memmem(reading->buffer, reading->kept, "\r\n0\r\n\r\n", 7))
        if (!read_until(reading, "\r\n0\r\n\r\n"))
            die("the stream ended");
}

/* Processor seconds of the gateway for a million events. */
static double event_cost(const struct dialect *dialect, const char *scenario, double *bytes) {
    char *body = body_of(dialect, scenario);
    struct reading reading = {.fd = gateway_dial(port), .counted = dialect->text};
    poll(NULL, 0, REST_MS); /* what the one before has left to do is not this one's */
    double cpu = process_cpu_seconds(gateway);
    gateway_post(reading.fd, key, dialect->path, body);
    if (!read_until(&reading, dialect->done) || reading.count < EVENTS) {
        fprintf(stderr, "%s: %llu events of %d\n%.*s\n", dialect->path,
                (unsigned long long)reading.count, EVENTS, (int)reading.kept, reading.buffer);
        exit(1);
    }
    cpu = process_cpu_seconds(gateway) - cpu;
    *bytes = (double)reading.bytes / EVENTS;
    close(reading.fd);
    free(body);
    return cpu / EVENTS * 1e6;
}

static double first_ms(const struct dialect *dialect, int fd) {
    char *body = body_of(dialect, hello);
    struct reading reading = {.fd = fd};
    poll(NULL, 0, PAUSE_MS); /* else the third in a row finds no process that was started ahead */
    double start = now_ms();
    gateway_post(fd, key, dialect->path, body);
    if (!read_until(&reading, "Hello"))
        die("the stream ended");
    double took = now_ms() - start;
    read_rest(&reading);
    free(body);
    return took;
}

int main(int argc, char **argv) {
    static double cost[DIALECTS][RATE_ROUNDS], first[DIALECTS][FIRST_ROUNDS];
    double as_long[RATE_ROUNDS], bytes[DIALECTS], long_bytes = 0;
    if (argc != 4) {
        fprintf(stderr, "usage: %s PORT KEY GATEWAY_PID\n", argv[0]);
        return 2;
    }
    port = atoi(argv[1]);
    key = argv[2];
    gateway = atoi(argv[3]);
    for (int i = 0; i < RATE_ROUNDS; i++) {
        for (int d = 0; d < DIALECTS; d++)
            cost[d][i] = event_cost(&dialects[d], many, &bytes[d]);
        as_long[i] = event_cost(&dialects[0], many_long, &long_bytes);
    }
    int fd = gateway_dial(port);
    for (int i = 0; i < FIRST_ROUNDS; i++)
        for (int d = 0; d < DIALECTS; d++)
            first[d][i] = first_ms(&dialects[d], fd);
    close(fd);
    const double native_cost = median(cost[0], RATE_ROUNDS);
    const double native_first = median(first[0], FIRST_ROUNDS);
    printf(
        "/stream                %.2f CPU-s per million events of %.0f bytes, %.2f of %.0f bytes; "
        "first text %.2f ms p50\n",
        native_cost, bytes[0], median(as_long, RATE_ROUNDS), long_bytes, native_first);
    for (int d = 1; d < DIALECTS; d++)
        printf(
            "%-22s %+.0f %% (within 20) with %.0f bytes an event, first text %+.2f ms (<= 0.5)\n",
            dialects[d].path, (median(cost[d], RATE_ROUNDS) / native_cost - 1) * 100, bytes[d],
            median(first[d], FIRST_ROUNDS) - native_first);
    return 0;
}
