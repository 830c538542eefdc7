/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the benchmarks share: clocks and medians, the CLI started directly, a request on a plain
 * socket, and what /proc says of the gateway. Every failure ends the program.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

_Noreturn void die(const char *what); /* as perror */

double now_ms(void);
uint64_t now_ns(void);
double median(double *values, size_t count); /* sorts */
/* The value below which `share` (0 … 1) of them lie; sorts. */
double percentile(double *values, size_t count, double share);

/* The CLI itself, started as the gateway starts it, with one turn written to it. */
struct cli {
    pid_t pid;
    int in, out;
};
struct cli cli_start(const char *path, const char *prompt);
/* The same with one more flag (NULL: none), and the turn in the pipe before the process is there;
 * the prompt is a short one. */
struct cli cli_start_with(const char *path, const char *flag, const char *prompt);
void cli_finish(struct cli *cli); /* closes its input, reads the rest, waits */

/* A connection to the gateway; a POST of a JSON body on it. */
int gateway_dial(int port);
void gateway_post(int fd, const char *key, const char *path, const char *body);

/* Adds `prompt` (a JSON text of a scenario) to a body as the stand-in CLI takes it. */
char *scenario_prompt(const char *scenario);                   /* standin:{…} */
char *scenario_body(const char *scenario, const char *fields); /* {"prompt": …, fields} */

/* Reads until `needle` has been seen or the end; bytes read. `count` is how often `counted` was
 * seen, also across reads. Each may be NULL. */
struct reading {
    int fd;
    const char *counted;
    uint64_t count;
    uint64_t bytes;
    char buffer[65536 + 256];
    size_t kept;
};
bool read_until(struct reading *reading, const char *needle);

double process_cpu_seconds(pid_t pid);
double process_resident_mb(pid_t pid);
double process_peak_mb(pid_t pid);
/* The first child, 0: none. */
pid_t process_child(pid_t pid);

#endif
