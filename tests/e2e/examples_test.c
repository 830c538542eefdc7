/* SPDX-License-Identifier: Apache-2.0 */
/* The examples for clients do what they show, against a live gateway with the stand-in CLI. */
#include "support/gateway.h"
#include "support/test_main.h"
#include <stdio.h>
#include <string.h>

static struct gateway *gateway;

static void setup(void) {
    gateway = gateway_start(NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
}

/* What the example prints; asserts that it ends with 0. */
static const char *run_example(const char *path) {
    static char output[65536];
    char command[512];
    snprintf(command, sizeof(command), "CLAUDE_CODE_GATEWAY_API_KEY=%s %s %s 2>&1", GATEWAY_KEY,
             path, gateway_url(gateway));
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    size_t size = fread(output, 1, sizeof(output) - 1, pipe);
    output[size] = '\0';
    int status = pclose(pipe);
    ck_assert_msg(status == 0, "%s ended with status %d and said:\n%s", path, status, output);
    return output;
}

START_TEST(curl_reaches_every_endpoint)
{
    static const char *const shown[] = {
        "--- POST /generate-text\n{\"text\":",
        "--- POST /generate-object\n{\"object\":{",
        "--- POST /stream\nid: 1\nevent: session\n",
        "event: text\ndata: {\"text\":",
        "--- POST /stream-object\nid: 1\nevent: session\n",
        "event: object-delta\ndata: {\"delta\":",
        "event: object\ndata: {\"object\":{",
        "event: done\ndata: {\"code\":0,\"signal\":null}",
    };
    const char *at = run_example("examples/clients/curl.sh"), *all = at;
    for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
        at = strstr(at, shown[i]);
        ck_assert_msg(at, "expected, after what came before it: %s\ngot: %s", shown[i], all);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {curl_reaches_every_endpoint};
    return test_main("examples", setup, teardown, tests, sizeof(tests) / sizeof(*tests));
}
