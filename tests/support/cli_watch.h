/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's processes of the CLI, seen from outside: what /health counts, what the stand-in
 * reports of its starts, and how many children there are. Asserts; starts and ends nothing.
 */
#ifndef SUPPORT_CLI_WATCH_H
#define SUPPORT_CLI_WATCH_H

#include "support/gateway.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

uint64_t clock_ms(void); /* CLOCK_MONOTONIC */

/* ---- /health */

/* A number of /health by path: "pool.hits", "processes.warm". */
json_int_t health_number(const struct gateway *gateway, const char *path);
/* Asserts it, showing all of /health. */
void assert_health(const struct gateway *gateway, const char *path, json_int_t number);
/* Asks until it is so; aborts after ten seconds. */
void await_health(const struct gateway *gateway, const char *path, json_int_t number);
/* Waits for the end of the first probe of `claude --version`, then for that many children. */
void await_children(struct gateway *gateway, int count);

/* Looks at the gateway's children all the time, in a thread of its own, from here … */
struct children_watch *children_watch_begin(struct gateway *gateway);
/* … to here: how many there were at most. */
int children_watch_end(struct children_watch *watch);

/* ---- starts */

/* A file to which each start of the stand-in is reported; `scenario` holds further keys for it and
 * is JSON with ' for ", NULL for none. */
struct cli_report *cli_report_create(const char *scenario);
void cli_report_destroy(struct cli_report *report); /* takes NULL */
/* For gateway_options: it has the scenario and the report. */
const char *const *cli_report_environment(const struct cli_report *report);

/* How many were started, but for those that were only to tell their version. */
size_t cli_report_count(const struct cli_report *report);
/* Whether this process has reported its start so far. */
bool cli_report_has(const struct cli_report *report, json_int_t pid);
/* Whether it was started with this argument; aborts when it was not started. */
bool cli_report_has_argument(const struct cli_report *report, json_int_t pid, const char *argument);
/* The process of the start number `index`, in the order of the starts. */
json_int_t cli_report_pid(const struct cli_report *report, size_t index);

#endif
