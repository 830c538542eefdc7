/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner: runs of the CLI for requests. Binds the process (process.h), its protocol (cli_*.h)
 * and the request that a run belongs to; the ABI's side of it is modules/service_runner.c.
 */
#ifndef RUNNER_RUNNER_H
#define RUNNER_RUNNER_H

#include "http/request.h"
#include "runner/pool.h"
#include "runner/process.h"
#include <koine/runner.h>

struct handles;
struct runner;
struct run;
struct module;

/* Finds the CLI; a missing one is logged and makes every start a SPAWN_ERROR, not a refusal to
 * serve. NULL when memory is short. */
struct runner *runner_create(struct worker *worker);
void runner_destroy(struct runner *runner); /* kills what is left; takes NULL */
struct process_host *runner_processes(struct runner *runner);
const char *runner_cli_path(struct runner *runner); /* NULL: not found; looked up anew each time */
uint64_t runner_last_success_ms(const struct runner *runner); /* 0: none yet */
/* Why no process of the CLI could be started lately, a sentence; NULL when the last one could. */
const char *runner_problem(const struct runner *runner);
void runner_count(const struct runner *runner, struct pool_counters *pool,
                  struct process_host_counters *processes);

/* Starts a process for the kind of request that is the likeliest, before anybody has asked. */
void runner_expect_usual(struct runner *runner);
/* No more processes are kept; `drained` is called each time when none is left. */
void runner_drain(struct runner *runner, void (*drained)(void *data), void *data);
bool runner_is_drained(const struct runner *runner);

/* As koine_runner; the module has been checked, the struct read. */
int runner_start(struct request *request, struct module *module,
                 const struct koine_run_options *options, koine_run_callback on_event, void *data,
                 koine_run *handle, struct koine_failure *failure);
struct run *runner_find(struct runner *runner, koine_run handle); /* NULL: gone */
/* The handles of runs and of calls of tools. */
const struct handles *runner_runs(const struct runner *runner);
const struct handles *runner_calls(const struct runner *runner);
struct module *run_module(const struct run *run);
bool run_is_over(const struct run *run); /* END is told: its request may have another */
int runner_cancel(struct run *run, const char *reason);
void runner_pause(struct run *run, bool paused);
int runner_tool_result(struct runner *runner, struct module *module, koine_call call,
                       const struct koine_tool_result *result);
int runner_park(struct run *run, uint32_t timeout_ms);
int runner_adopt(struct run *run, struct request *request, koine_run_callback on_event, void *data,
                 struct koine_failure *failure);

/* The request's side. */
void runner_release(struct run *run,
                    const char *reason); /* the request has ended: finish or cancel */
void runner_timed_out(struct run *run, const char *what); /* FAILURE TIMEOUT_ERROR, then ended */
/* FAILURE with constant texts, then ended. */
void runner_shut_down(struct run *run, const struct koine_failure *failure);
void runner_stream_full(struct run *run, bool full);

#endif
