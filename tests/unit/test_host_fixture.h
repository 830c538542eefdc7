/* SPDX-License-Identifier: Apache-2.0 */
/* A module in the test host: made, asked, and ended without findings unless the test says else. */
#ifndef TEST_HOST_FIXTURE_H
#define TEST_HOST_FIXTURE_H

#include "support/test_main.h"
#include "support/test_modules.h"
#include <koine-test-host.h>
#include <koine/koine.h>
#include <stdio.h>
#include <string.h>

/* `name`: of a stock module ("text") or one of tests/e2e/modules ("ticker"). */
static inline char *fixture_path(const char *name) {
    static const char *const stock[] = {"text",          "object",    "stream",
                                        "stream-object", "anthropic", "openai"};
    char *path = test_module(name);
    for (size_t i = 0; i < sizeof(stock) / sizeof(*stock); i++)
        if (strcmp(name, stock[i]) == 0) {
            char *part = strstr(path, "/tests/modules/");
            memmove(part, part + strlen("/tests"), strlen(part + strlen("/tests")) + 1);
        }
    return path;
}

static inline struct koine_test_host *fixture_with(const char *name,
                                                   struct koine_test_options options) {
    struct koine_test_error error = {""};
    char *path = fixture_path(name);
    options.module = path;
    struct koine_test_host *host = koine_test_host_create(&options, &error);
    ck_assert_msg(host != NULL, "%s: %s", name, error.message);
    free(path);
    return host;
}

static inline struct koine_test_host *fixture(const char *name) {
    return fixture_with(name, (struct koine_test_options){0});
}

static inline void fixture_end(struct koine_test_host *host) {
    ck_assert_uint_eq(koine_test_host_destroy(host), 0);
}

/* Of `kind`, and of a text that holds `part`. */
static inline void assert_finding(struct koine_test_host *host, const char *kind,
                                  const char *part) {
    for (size_t i = 0; i < koine_test_finding_count(host); i++) {
        const struct koine_test_finding *finding = koine_test_finding(host, i);
        if (strcmp(finding->kind, kind) == 0 && strstr(finding->text, part)) {
            ck_assert(koine_test_expect(host, part));
            return;
        }
    }
    koine_test_report(host, stdout);
    ck_abort_msg("no finding [%s] that holds \"%s\"", kind, part);
}

#define assert_text(found, expected)                                                               \
    do {                                                                                           \
        const char *found_text = (found);                                                          \
        ck_assert_ptr_nonnull(found_text);                                                         \
        ck_assert_str_eq(found_text, expected);                                                    \
    } while (0)

#endif
