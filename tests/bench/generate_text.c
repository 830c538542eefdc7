/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the gateway adds to a run of the CLI: the time from a request to its answer, beside the time
 * that the same process takes when it is started directly. Usage: generate_text CLI PORT KEY.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 300
#define PARALLEL 16
#define PAIRS 7

static const char user_line[] = "{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":[{"
                                "\"type\":\"text\",\"text\":\"Say hello\"}]}}\n";
static const char *cli, *key;
static int port;
extern char **environ;

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

/* Starts the CLI, writes the prompt, reads up to the result line: milliseconds to that. */
static double run_cli(void) {
    int in[2], out[2];
    char name[] = "claude", *argv[] = {name,
                                       (char[]){"--print"},
                                       (char[]){"--verbose"},
                                       (char[]){"--input-format=stream-json"},
                                       (char[]){"--output-format=stream-json"},
                                       (char[]){"--include-partial-messages"},
                                       NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    double start = now_ms(), result;
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
        die("pipe2");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    if (posix_spawn(&pid, cli, &actions, NULL, argv, environ))
        die("posix_spawn");
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    if (write(in[1], user_line, sizeof(user_line) - 1) < 0)
        die("write");
    static _Thread_local char buffer[65536];
    size_t used = 0;
    ssize_t n = 1;
    while (!memmem(buffer, used, "\"type\":\"result\"", 15) && n > 0) {
        n = read(out[0], buffer + used, sizeof(buffer) - used);
        used += n > 0 ? (size_t)n : 0;
    }
    result = now_ms() - start;
    close(in[1]);
    while (read(out[0], buffer, sizeof(buffer)) > 0) {
    }
    close(out[0]);
    waitpid(pid, NULL, 0);
    return result;
}

static int dial(void) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static double ask_gateway(int fd) {
    static const char body[] = "{\"prompt\":\"Say hello\"}";
    char request[512], answer[8192];
    int size =
        snprintf(request, sizeof(request),
                 "POST /generate-text HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n"
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 key, sizeof(body) - 1, body);
    double start = now_ms();
    if (write(fd, request, (size_t)size) != size)
        die("write");
    ssize_t used = 0, n;
    do { /* head and body: the JSON of the answer ends with a brace */
        n = read(fd, answer + used, sizeof(answer) - 1 - (size_t)used);
        if (n <= 0)
            die("the gateway closed the connection");
        used += n;
        answer[used] = '\0';
    } while (!strstr(answer, "\r\n\r\n") || answer[used - 1] != '}');
    if (strncmp(answer, "HTTP/1.1 200", 12) != 0) {
        fprintf(stderr, "unexpected answer: %s\n", answer);
        exit(1);
    }
    return now_ms() - start;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count) {
    qsort(values, count, sizeof(*values), ascending);
    return values[count / 2];
}

static void *cli_worker(void *data) {
    for (int i = 0; i < ROUNDS / PARALLEL * 2; i++)
        run_cli();
    return data;
}

static void *gateway_worker(void *data) {
    int fd = dial();
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
    cli = argv[1];
    port = atoi(argv[2]);
    key = argv[3];
    int fd = dial();
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
