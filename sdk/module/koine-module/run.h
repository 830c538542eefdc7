/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run of the CLI in a few lines. What clients may ask of a run is in generate.h, a run as
 * server-sent events in run_stream.h.
 *
 *     const struct koine_run_options options = {
 *         .size = sizeof(options), .prompt = body.text, .system = KOINE_TEXT("Summarize.")};
 *     if (koine_run_without_tools(self, request))
 *         koine_run_answer(self, request, &options);
 */
#ifndef KOINE_MODULE_RUN_H
#define KOINE_MODULE_RUN_H

#include <koine-module/answer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Starts a run, see koine_runner.start. False: the request has been answered with the refusal; no
 * event will come. */
bool koine_run_start(const struct koine_self *self, koine_request request,
                     const struct koine_run_options *options, koine_run_callback on_event,
                     void *data);

/*
 * Starts a run and answers the request with what comes of it: {"text": …} or, with a schema,
 * {"object": …, "rawText": …}, and beside it usage, sessionId and the rest of what
 * koine_run_add_result adds. A failure is answered as such. False as koine_run_start.
 */
bool koine_run_answer(const struct koine_self *self, koine_request request,
                      const struct koine_run_options *options);

/* Narrows the tools of the run that the request will start, see koine_tools.narrow. False: the
 * request has been answered with the refusal. */
bool koine_run_narrow(const struct koine_self *self, koine_request request,
                      const struct koine_text *allowed, size_t allowed_count,
                      const struct koine_text *disallowed, size_t disallowed_count);

/* Takes all tools away from the run that the request will start: the model is not even offered one.
 * False: the request has ended. */
bool koine_run_without_tools(const struct koine_self *self, koine_request request);

/*
 * Adds what every answer says of its run as members of a JSON object, without the braces:
 * "usage":{…},"sessionId":…, costUsd, model, numTurns, durationMs, stopReason, permissionDenials.
 */
void koine_run_add_result(struct koine_json_text *text, const struct koine_run_result *result);

#ifdef __cplusplus
}
#endif
#endif
