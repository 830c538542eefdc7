/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a request with an image of 10 MB keeps everybody else waiting: GET /livez is asked every
 * millisecond meanwhile. And what it costs the gateway's processor. Usage: large_bodies PORT KEY
 * GATEWAY_PID.
 */
#include "bench/measure.h"
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IMAGE_BYTES = 10400000, ROUNDS = 15, ANSWER_BYTES = 16384 };

#define HELLO "\"standin:{\\\"persist\\\":false,\\\"text\\\":\\\"Hello!\\\"}\""
#define TEXT "{\"type\":\"text\",\"text\":" HELLO "}"
#define IMAGE_OPEN                                                                                 \
    "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\""
#define IMAGE_CLOSE "\"}}"
#define MESSAGES                                                                                   \
    "{\"model\":\"sonnet\",\"max_tokens\":100,\"messages\":[{\"role\":\"user\",\"content\":["
#define SAID                                                                                       \
    "]},{\"role\":\"assistant\",\"content\":\"Seen.\"},{\"role\":\"user\",\"content\":" HELLO "}]" \
                                                                                              "}"

/* A body is `open`, the image in base64, and `close`. */
static const struct route {
    const char *name;
    const char *path;
    const char *open;
    const char *close;
} routes[] = {
    {"/generate-text", "/generate-text", "{\"prompt\":[" IMAGE_OPEN, IMAGE_CLOSE "," TEXT "]}"},
    {"/v1/messages", "/v1/messages", MESSAGES IMAGE_OPEN, IMAGE_CLOSE "," TEXT "]}]}"},
    {"  in the history", "/v1/messages", MESSAGES IMAGE_OPEN, IMAGE_CLOSE SAID},
    {"/v1/chat/completions", "/v1/chat/completions",
     "{\"model\":\"sonnet\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
     "\"image_url\":{\"url\":\"data:image/png;base64,",
     "\"}}," TEXT "]}]}"},
    {"/v1/responses", "/v1/responses",
     "{\"model\":\"sonnet\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\","
     "\"image_url\":\"data:image/png;base64,",
     "\"},{\"type\":\"input_text\",\"text\":" HELLO "}]}]}"},
};
enum { ROUTES = sizeof(routes) / sizeof(*routes) };

static const char *key;
static int port;
static pid_t gateway;

static char *body_of(const struct route *route) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t open = strlen(route->open), close = strlen(route->close);
    char *body = malloc(open + IMAGE_BYTES + close + 1);
    uint32_t random = 1;
    if (!body)
        die("malloc");
    memcpy(body, route->open, open);
    for (size_t i = 0; i < IMAGE_BYTES; i++) {
        random = random * 1664525 + 1013904223;
        body[open + i] = digits[random >> 26];
    }
    memcpy(body + open + IMAGE_BYTES, route->close, close + 1);
    return body;
}

/* Reads an answer of the gateway's whole. */
static void receive(int fd, const char *needle) {
    char answer[ANSWER_BYTES];
    size_t size = 0;
    while (!memmem(answer, size, needle, strlen(needle))) {
        ssize_t got = size < sizeof(answer) ? read(fd, answer + size, sizeof(answer) - size) : 0;
        if (got <= 0) {
            fprintf(stderr, "no \"%s\" in %.*s\n", needle, (int)size, answer);
            exit(1);
        }
        size += (size_t)got;
    }
}

/* ---- somebody else */

struct neighbour {
    pthread_t thread;
    atomic_bool stop;
    double longest_ms;
};

static void *ask_livez(void *data) {
    static const char request[] = "GET /livez HTTP/1.1\r\nHost: bench\r\n\r\n";
    struct neighbour *neighbour = data;
    int fd = gateway_dial(port);
    while (!atomic_load(&neighbour->stop)) {
        const double asked = now_ms();
        if (write(fd, request, sizeof(request) - 1) < 0)
            die("write");
        receive(fd, "alive\"}");
        const double took = now_ms() - asked;
        neighbour->longest_ms = took > neighbour->longest_ms ? took : neighbour->longest_ms;
        poll(NULL, 0, 1);
    }
    close(fd);
    return NULL;
}

/* ---- measuring */

struct cost {
    double held_ms;
    double cpu_ms;
};

static struct cost measure(const struct route *route, const char *body) {
    struct neighbour neighbour = {.longest_ms = 0};
    const double before = process_cpu_seconds(gateway);
    int fd = gateway_dial(port);
    if (pthread_create(&neighbour.thread, NULL, ask_livez, &neighbour))
        die("pthread_create");
    gateway_post(fd, key, route->path, body);
    receive(fd, "Hello!");
    atomic_store(&neighbour.stop, true);
    pthread_join(neighbour.thread, NULL);
    close(fd);
    return (struct cost){neighbour.longest_ms, (process_cpu_seconds(gateway) - before) * 1e3};
}

static void report(const struct route *route) {
    double held[ROUNDS], cpu[ROUNDS];
    char *body = body_of(route);
    measure(route, body);
    for (int i = 0; i < ROUNDS; i++) {
        const struct cost cost = measure(route, body);
        held[i] = cost.held_ms;
        cpu[i] = cost.cpu_ms;
    }
    free(body);
    printf("%-22s 10 MB image: others wait %.0f ms at most, processor %.0f ms (medians of %d)\n",
           route->name, median(held, ROUNDS), median(cpu, ROUNDS), ROUNDS);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: %s PORT KEY GATEWAY_PID\n", argv[0]);
        return 2;
    }
    port = atoi(argv[1]);
    key = argv[2];
    gateway = atoi(argv[3]);
    for (size_t i = 0; i < ROUTES; i++)
        report(&routes[i]);
    return 0;
}
