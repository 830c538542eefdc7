/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers to the model's use of a tool (koine_tool, koine_tool_call). A call that has ended
 * meanwhile makes an answer harmless (KOINE_GONE). [loop]
 */
#ifndef KOINE_MODULE_TOOL_H
#define KOINE_MODULE_TOOL_H

#include <koine-module/module.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The tool's result as plain text. As runner->tool_result; text that is not UTF-8 is told to the
 * model as a failure. */
int32_t koine_tool_answer(const struct koine_self *self, koine_call call, struct koine_text text);

/* Tells the model that the tool has failed, and what to do about it: the model reads the sentence
 * and may try again. Cut at 1,000 bytes. */
int32_t koine_tool_fail(const struct koine_self *self, koine_call call, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif
#endif
