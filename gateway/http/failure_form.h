/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling struct koine_failure with constant text, and its JSON form as the HTTP contract has it.
 * Knows no request and no module.
 */
#ifndef HTTP_FAILURE_FORM_H
#define HTTP_FAILURE_FORM_H

#include <koine/base.h>

/* Fills a failure with constant text. Returns KOINE_REFUSED. */
int32_t failure_set(struct koine_failure *failure, int status, const char *code,
                    const char *message);

/* A failure's JSON as the contract has it, malloc'd; NULL when memory is short. */
char *failure_json(const struct koine_failure *failure, size_t *size);

#endif
