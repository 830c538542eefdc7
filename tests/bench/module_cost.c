/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request costs more when a module answers it: processor time of the worker for a module's
 * fixed answer, beside that for the host's own page of the same bytes. Usage: module_cost PORT PID.
 */
#include "bench/measure.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 8, PAIRS = 21, ROUNDS = 625, LIMIT_NS = 1000 };

static int connections[CONNECTIONS];
static clockid_t worker_clock;

static double cpu_ns(void) {
    struct timespec used;
    if (clock_gettime(worker_clock, &used))
        die("the worker's processor time");
    return (double)used.tv_sec * 1e9 + (double)used.tv_nsec;
}

static void receive(int fd) {
    static const char end[] = "{\"status\":\"alive\"}";
    char answer[1024];
    size_t size = 0;
    while (size < sizeof(end) || memcmp(answer + size - sizeof(end) + 1, end, sizeof(end) - 1)) {
        ssize_t got = read(fd, answer + size, sizeof(answer) - size);
        if (got <= 0)
            die("the answer is not what it should be");
        size += (size_t)got;
    }
    if (strncmp(answer, "HTTP/1.1 200 ", 13) != 0)
        die("the answer is a refusal");
}

/* Processor time of one request, in ns. */
static double measure(const char *path) {
    char request[128];
    int size = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path);
    double before = cpu_ns();
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CONNECTIONS; i++)
            if (write(connections[i], request, (size_t)size) != size)
                die("write");
        for (int i = 0; i < CONNECTIONS; i++)
            receive(connections[i]);
    }
    return (cpu_ns() - before) / (ROUNDS * CONNECTIONS);
}

/* The module measures by itself what one of its calls of the host costs. */
static void report_call(void) {
    static const char request[] = "GET /cost HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
    char answer[1024];
    size_t size = 0;
    ssize_t got;
    if (write(connections[0], request, sizeof(request) - 1) < 0)
        die("write");
    while ((got = read(connections[0], answer + size, sizeof(answer) - 1 - size)) > 0)
        size += (size_t)got;
    answer[size] = '\0';
    const char *body = strstr(answer, "\r\n\r\n");
    printf("a call of the host %s\n", body ? body + 4 : "?");
}

int main(int argc, char **argv) {
    double host[PAIRS], module[PAIRS], more[PAIRS];
    if (argc != 3 || clock_getcpuclockid(atoi(argv[2]), &worker_clock)) {
        fprintf(stderr, "usage: %s PORT PID\n", argv[0]);
        return 2;
    }
    for (int i = 0; i < CONNECTIONS; i++)
        connections[i] = gateway_dial(atoi(argv[1]));
    measure("/livez");
    measure("/answer");
    for (int i = 0; i < PAIRS; i++) { /* alternating: both meet the same neighbours */
        host[i] = measure("/livez");
        module[i] = measure("/answer");
        more[i] = module[i] - host[i];
    }
    printf("through a module   %.2f us a request, the host's own page %.2f us: adds %.2f us, limit "
           "%.0f (medians of %d pairs of %d requests)\n",
           median(module, PAIRS) / 1e3, median(host, PAIRS) / 1e3, median(more, PAIRS) / 1e3,
           LIMIT_NS / 1e3, PAIRS, ROUNDS * CONNECTIONS);
    report_call();
    return 0;
}
