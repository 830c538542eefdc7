/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waiting processes of the CLI are worth: new sessions, one a second, whose processes were
 * started ahead, and next turns, whose processes stayed with their sessions.
 *
 *   pool standin PORT KEY        a gateway with the stand-in CLI, which takes 500 ms to start
 *   pool real CLI PORT KEY       a gateway with the real CLI, beside the same CLI started by hand
 *                                for each turn, pair by pair
 */
#include "bench/measure.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SESSION_KEY "\"sessionId\":\""

static const char *key;
static int port;

/* ---- one request --------------------------------------------------------------------------- */

struct endpoint {
    const char *path, *fields; /* of its body, with a comma behind them */
    const char *first;         /* what begins its first event; NULL: it answers whole */
    const char *last;          /* what ends its answer */
};

struct timing {
    double first, whole; /* milliseconds */
    char session[37];
};

/* The id of the session stands early in a stream and late in a whole answer. */
static void note_session(struct timing *timing, const struct reading *reading) {
    const char *at = memmem(reading->buffer, reading->kept, SESSION_KEY, strlen(SESSION_KEY));
    if (at && at + strlen(SESSION_KEY) + 36 <= reading->buffer + reading->kept)
        memcpy(timing->session, at + strlen(SESSION_KEY), 36);
}

static void read_up_to(struct reading *reading, const char *needle, struct timing *timing) {
    while (!memmem(reading->buffer, reading->kept, needle, strlen(needle))) {
        ssize_t got = read(reading->fd, reading->buffer + reading->kept, 65536 - reading->kept);
        if (got <= 0) {
            fprintf(stderr, "the answer ended without %s: %.*s\n", needle, (int)reading->kept,
                    reading->buffer);
            exit(1);
        }
        reading->kept += (size_t)got;
    }
    note_session(timing, reading);
}

/* A new session, or with `session` the next turn of one. */
static struct timing ask(const struct endpoint *endpoint, const char *session) {
    struct reading reading = {.fd = gateway_dial(port)};
    struct timing timing = {0};
    char body[1024];
    snprintf(body, sizeof(body), "{%s%s%s%s\"prompt\":\"Say hello\"}", endpoint->fields,
             session ? SESSION_KEY : "", session ? session : "", session ? "\"," : "");
    double start = now_ms();
    gateway_post(reading.fd, key, endpoint->path, body);
    if (endpoint->first) {
        read_up_to(&reading, endpoint->first, &timing);
        timing.first = now_ms() - start;
    }
    read_up_to(&reading, endpoint->last, &timing);
    timing.whole = now_ms() - start;
    close(reading.fd);
    return timing;
}

static void rest_until(double when_ms) {
    double left = when_ms - now_ms();
    if (left > 0)
        poll(NULL, 0, (int)left);
}

/* ---- the stand-in CLI ---------------------------------------------------------------------- */

#define SCHEMA                                                                                     \
    "\"schema\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}},"             \
    "\"required\":[\"name\"],\"additionalProperties\":false},"

static const struct endpoint endpoints[] = {
    {"/generate-text", "", NULL, "\"permissionDenials\":[]}"},
    {"/generate-object", SCHEMA, NULL, "\"permissionDenials\":[]}"},
    {"/stream", "", "event: text\n", "event: done\n"},
    {"/stream-object", SCHEMA, "event: partial-object\n", "event: done\n"},
};

static void measure_endpoint(const struct endpoint *endpoint) {
    enum { ROUNDS = 12, NEW_LIMIT_MS = 10, NEXT_LIMIT_MS = 5 };
    double new_first[ROUNDS], new_whole[ROUNDS], next_first[ROUNDS], next_whole[ROUNDS];
    double start = now_ms();
    for (int i = 0; i < ROUNDS; i++) {
        rest_until(start + i * 1000);
        struct timing new = ask(endpoint, NULL);
        rest_until(start + i * 1000 + 200);
        struct timing next = ask(endpoint, new.session);
        new_first[i] = new.first;
        new_whole[i] = new.whole;
        next_first[i] = next.first;
        next_whole[i] = next.whole;
    }
    printf("%-22s new session ", endpoint->path);
    if (endpoint->first)
        printf("%.2f ms first event, ", median(new_first, ROUNDS));
    printf("%.2f ms whole (<= %d); next turn ", median(new_whole, ROUNDS), NEW_LIMIT_MS);
    if (endpoint->first)
        printf("%.2f ms first event, ", median(next_first, ROUNDS));
    printf("%.2f ms whole (<= %d)\n", median(next_whole, ROUNDS), NEXT_LIMIT_MS);
}

/* ---- the real CLI -------------------------------------------------------------------------- */

/* From the start, with the turn in its pipe, to the first piece of text. */
static double by_hand(const char *path, const char *flag) {
    double start = now_ms();
    struct cli cli = cli_start_with(path, flag, "Say hello");
    struct reading reading = {.fd = cli.out};
    if (!read_until(&reading, "\"text_delta\""))
        die("the CLI ended without an answer");
    double took = now_ms() - start;
    cli_finish(&cli);
    return took;
}

/* A new session each two seconds; between two the process for the next one starts, then the CLI by
 * hand, then the session's next turn. */
static void measure_real(const char *path, const char *flag, const char *fields) {
    enum { ROUNDS = 12, ROUND_MS = 2000, HAND_MS = 1000, NEXT_MS = 1800 };
    const struct endpoint stream = {"/stream", fields, "event: text\n", "event: done\n"};
    double hand[ROUNDS], new[ROUNDS], next[ROUNDS];
    ask(&stream, NULL); /* from then on one of its kind waits */
    double start = now_ms() + ROUND_MS;
    for (int i = 0; i < ROUNDS; i++, start += ROUND_MS) {
        rest_until(start);
        struct timing timing = ask(&stream, NULL);
        new[i] = timing.first;
        rest_until(start + HAND_MS);
        hand[i] = by_hand(path, flag);
        rest_until(start + NEXT_MS);
        next[i] = ask(&stream, timing.session).first;
    }
    double h = median(hand, ROUNDS), n = median(new, ROUNDS), t = median(next, ROUNDS);
    printf("2.1.330 %-14s by hand %.0f ms to the first text; new session %.0f ms: %.0f %% "
           "(<= 40 %%); next turn %.0f ms: %.0f %% (<= 15 %%)\n",
           flag ? flag : "", h, n, n / h * 100, t, t / h * 100);
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "standin") == 0) {
        port = atoi(argv[2]);
        key = argv[3];
        for (size_t i = 0; i < sizeof(endpoints) / sizeof(*endpoints); i++)
            measure_endpoint(&endpoints[i]);
    } else if (argc == 5 && strcmp(argv[1], "real") == 0) {
        port = atoi(argv[3]);
        key = argv[4];
        measure_real(argv[2], NULL, "");
        measure_real(argv[2], "--bare", "\"profile\":\"bare\",");
    } else {
        fprintf(stderr, "usage: %s standin PORT KEY | real CLI PORT KEY\n", argv[0]);
        return 2;
    }
    return 0;
}
