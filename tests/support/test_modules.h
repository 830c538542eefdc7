/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways with the modules of tests/e2e/modules and examples/modules. Knows nothing of what the
 * modules do. */
#ifndef SUPPORT_TEST_MODULES_H
#define SUPPORT_TEST_MODULES_H

#include "support/gateway.h"

/* The file of a module beside the gateway under test; the caller frees. */
char *test_module(const char *name);
/* A copy of it in the directory, which is then called `as`; the caller frees. */
char *test_module_copy(const char *name, const char *directory, const char *as);
/* The file of an example; the caller frees. */
char *example_module(const char *name);
/* Whether an example was not built because its compiler is missing; says so as SKIPPED. For main:
 * asserts nothing. */
bool example_is_missing(const char *name);

/*
 * A configuration that loads `text` and the named modules (or paths), with `more` lines of the
 * section "modules", two blanks deep, and `rest` behind it; the caller frees. NULL for none.
 */
char *modules_config(const char *const *modules, const char *more, const char *rest);

/* Starts a gateway with them; `environment` as in gateway_options. */
struct gateway *modules_start(const char *const *modules, const char *more, const char *rest,
                              const char *const *environment);

/* Asks /metrics until a series has this value: "koine_clock_subscribers 1". Aborts the test after
 * ten seconds. */
void modules_await_metric(const struct gateway *gateway, const char *line);

#endif
