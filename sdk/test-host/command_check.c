/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said of a module without a request: lifecycle, documents, failing allocations. */
#include "test-host/command.h"

static size_t check_lifecycle(const struct command *command) {
    struct koine_test_error error;
    struct koine_test_host *host = koine_test_host_create(&command->options, &error);
    if (!host) {
        fprintf(stderr, "koine-test-host: %s\n", error.message);
        return 2;
    }
    print_module(host);
    check_openapi(host);
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
