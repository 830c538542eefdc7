/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be said of a module without a request: lifecycle, documents, failing allocations.
 * A route without documentation is a warning, not a finding: it works.
 */
#include "test-host/command.h"
#include <string.h>

/* The path stands in the fragment as a key: "/hello": or /hello:, also with a name of the module's
 * own behind it ("/hello#mine":), where another module has the same path. */
static bool is_documented(const char *openapi, const char *path, size_t size) {
    for (const char *at = openapi; (at = memmem(at, strlen(at), path, size)); at += size) {
        char next = at[size];
        char before = at == openapi ? '\n' : at[-1];
        bool begins = before == '\n' || before == ' ' || before == '"' || before == '\'';
        if (begins && (next == ':' || next == '"' || next == '\'' || next == '#'))
            return true;
    }
    return false;
}

static void warn_of_undocumented(struct koine_test_host *host) {
    const char *openapi = koine_test_openapi(host), *route;
    for (size_t i = 0; (route = koine_test_route(host, i)); i++) {
        const char *path = strchr(route, ' ') + 1;
        if (!openapi || !is_documented(openapi, path, strcspn(path, " ")))
            printf("  warning: %s is not in the module's OpenAPI fragment (extension "
                   "koine.openapi/1)\n",
                   route);
    }
}

static size_t check_lifecycle(const struct command *command) {
    struct koine_test_error error;
    struct koine_test_host *host = koine_test_host_create(&command->options, &error);
    if (!host) {
        fprintf(stderr, "koine-test-host: %s\n", error.message);
        return 2;
    }
    print_module(host);
    warn_of_undocumented(host);
    koine_test_stop(host);
    fflush(stdout);
    return koine_test_host_destroy(host) ? 1 : 0;
}

static void send_silently(struct koine_test_host *host, void *data) {
    const struct command *command = data;
    koine_test_play_always(host, command->script);
    for (size_t i = 0; i < command->request_count; i++)
        send_request(host, command, i, false);
}

size_t check_allocations(const struct command *command) {
    struct koine_test_options quiet = command->options;
    struct command copy = *command;
    size_t rounds = 0;
    quiet.trace = NULL;
    size_t found = koine_test_each_allocation(&quiet, send_silently, &copy, &rounds);
    printf("  allocations: each of %zu failed once%s\n", rounds,
           koine_test_watches_memory() ? "" : " (the host's alone: malloc cannot be watched here)");
    return found;
}

size_t check_module(const struct command *command) {
    size_t status = check_lifecycle(command);
    if (status == 2)
        return status;
    size_t found = check_allocations(command);
    fflush(stdout);
    return status || found ? 1 : 0;
}
