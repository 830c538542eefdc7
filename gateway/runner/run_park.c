/* SPDX-License-Identifier: Apache-2.0 */
/* Runs that outlive their request while they wait for tool results that the next one brings. */
#include "runner/run.h"
#include <string.h>

int runner_park(struct run *run, uint32_t timeout_ms) {
    struct runner *runner = run->runner;
    const struct config *config = runner->worker->config;
    struct request *request = run->request;
    if (!run->calls || run->parked || run->concluded || !request)
        return KOINE_WRONG_STATE;
    if (runner->parked >= config->runner.parked_runs)
        return KOINE_REFUSED;
    if (!timeout_ms || timeout_ms > config->runner.parked_timeout_ms)
        timeout_ms = config->runner.parked_timeout_ms;
    struct timeval wait = {timeout_ms / 1000, (suseconds_t)(timeout_ms % 1000) * 1000};
    if (evtimer_add(run->deadline, &wait))
        return KOINE_NO_MEMORY;
    run->parked = true;
    runner->parked++;
    run->request = NULL;
    run->stream_full = false;
    request->run = NULL; /* the slot goes back when the request ends */
    run_update_reading(run);
    return KOINE_OK;
}

int runner_adopt(struct run *run, struct request *request, koine_run_callback on_event, void *data,
                 struct koine_failure *failure) {
    if (!run->parked || run->reason || request->run)
        return KOINE_WRONG_STATE;
    if (!request->key || request->key != run->key) { /* of nobodies, who knows which one it is */
        failure_set(
            failure, 404, "SESSION_NOT_FOUND",
            "There is no such waiting run: it was given its results already, waited longer than "
            "runner.parked_timeout_ms, or is another key's.");
        return KOINE_REFUSED;
    }
    if (!request_take_slot(request, failure))
        return KOINE_REFUSED;
    evtimer_del(run->deadline);
    run->parked = false;
    run->runner->parked--;
    run->request = request;
    request->run = run;
    run->on_event = on_event;
    run->data = data;
    runner_stream_full(run, request->stream_full);
    if (run->calls)
        evtimer_del(run->watchdog);
    return KOINE_OK;
}
