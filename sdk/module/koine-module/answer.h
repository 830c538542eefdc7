/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers: JSON, and refusals in the form that clients of the gateway know. Each ends the request;
 * what it answers is that of http->respond, and may be ignored: a request that has ended meanwhile
 * (KOINE_GONE) needs nothing more.
 */
#ifndef KOINE_MODULE_ANSWER_H
#define KOINE_MODULE_ANSWER_H

#include <koine-module/json_text.h>
#include <koine-module/module.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Answers with the value, which is taken over: koine_answer(self, request, 200, json_pack(…)).
 * NULL counts as memory being short and is answered 500. */
int32_t koine_answer(const struct koine_self *self, koine_request request, int32_t status,
                     json_t *value);

/* Answers 200 with the text and finishes it; one that lacks memory is answered 500. */
int32_t koine_answer_text(const struct koine_self *self, koine_request request,
                          struct koine_json_text *json);

/* Answers with a refusal: {"error": the sentence, "code": …}, or as the route renders it. The
 * sentence is for people and holds no secret; it is cut at 1,000 bytes. */
int32_t koine_fail(const struct koine_self *self, koine_request request, uint16_t status,
                   const char *code, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The same with the header Retry-After: what the client asks for is possible again after
 * `retry_after_s` seconds, at a guess. 503 "UNAVAILABLE" is what a full queue answers. */
int32_t koine_fail_for_now(const struct koine_self *self, koine_request request, uint16_t status,
                           const char *code, uint32_t retry_after_s, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* The front of UTF-8 text, whole characters, at most so many bytes: what a sentence shows of what a
 * client has sent. */
struct koine_text koine_text_front(struct koine_text text, size_t most_bytes);

/* What a value is, for such a sentence: "an array", "a number", "true"; NULL is "nothing". */
const char *koine_json_kind(const json_t *value);

/* Answers 500: memory is short. */
int32_t koine_fail_for_memory(const struct koine_self *self, koine_request request);

/* One line in the gateway's log, which names the module by itself. `request` of id 0: none. */
void koine_log_print(const struct koine_self *self, int32_t level, koine_request request,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

#ifdef __cplusplus
}
#endif
#endif
