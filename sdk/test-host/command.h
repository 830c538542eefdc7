/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the command koine-test-host. Uses the library through its header alone. */
#ifndef TEST_HOST_COMMAND_H
#define TEST_HOST_COMMAND_H

#include <koine-test-host.h>

enum { COMMAND_HEADERS = 32 };

struct command {
    struct koine_test_options options;
    const char *script; /* JSON; NULL: runs echo */
    char *const *requests;
    size_t request_count;
    const char *headers[COMMAND_HEADERS + 1]; /* of each request, ended by NULL */
    size_t header_count;
    uint32_t timeout_ms;  /* of one call into the module; 0: none, and no process of its own */
    bool each_allocation; /* the requests are sent again, each allocation failing once */
};

/* command.c: sends the n-th request. False: it is none, which has been said. */
bool send_request(struct koine_test_host *host, const struct command *command, size_t index,
                  bool print);

/* All that the command line asks for; returns the exit status. */
int command_work(const struct command *command);

/* command_watch.c: the same in a process of its own; says so when that does not come to its end. */
int command_watch(struct command *command);

/* command_print.c */
void print_answer(const char *request, struct koine_test_answer *answer);
void print_module(struct koine_test_host *host);

/* command_openapi.c: warns of what the gateway would not show of the module, or show bare. */
void check_openapi(struct koine_test_host *host);

/* command_check.c: all that can be said of a module without a request. Returns findings. */
size_t check_module(const struct command *command);
/* Sends the requests again and again, each allocation failing once. Returns findings. */
size_t check_allocations(const struct command *command);

#endif
