/* SPDX-License-Identifier: Apache-2.0 */
/* How the command shows an answer and a module. */
#include "test-host/command.h"
#include <inttypes.h>
#include <string.h>

static const char *how_name(int how) {
    static const char *const names[] = {"answered", "the stream was cut", "deadline", "shut down"};
    return how >= 0 && how < 4 ? names[how] : "still open";
}

static void print_indented(const char *text, size_t size) {
    while (size) {
        const char *end = memchr(text, '\n', size);
        size_t line = end ? (size_t)(end - text) : size;
        printf("    %.*s\n", (int)line, text);
        line += end != NULL;
        text += line;
        size -= line;
    }
}

/* Each write of a stream with the time at which it was made. */
static void print_stream(struct koine_test_answer *answer) {
    for (size_t i = 0; i < koine_test_piece_count(answer); i++) {
        const struct koine_test_piece *piece = koine_test_piece(answer, i);
        printf("  %" PRIu64 " ms%s\n", piece->at_ms, piece->is_keep_alive ? " (keep-alive)" : "");
        print_indented(piece->data, piece->size);
    }
}

void print_answer(const char *request, struct koine_test_answer *answer) {
    const char *line = koine_test_headers(answer);
    printf("%s\n  %d", request, koine_test_status(answer));
    if (koine_test_how(answer) != 0)
        printf(" (%s)", how_name(koine_test_how(answer)));
    putchar('\n');
    while (*line) {
        size_t size = strcspn(line, "\r");
        printf("  %.*s\n", (int)size, line);
        line += size + strspn(line + size, "\r\n");
    }
    if (koine_test_piece_count(answer))
        print_stream(answer);
    else
        print_indented(koine_test_body(answer), koine_test_body_size(answer));
    putchar('\n');
}

void print_module(struct koine_test_host *host) {
    const char *route;
    printf("%s\n", koine_test_module_name(host));
    for (size_t i = 0; (route = koine_test_route(host, i)); i++)
        printf("  route %s\n", route);
    printf("  openapi: %s\n", koine_test_openapi(host) ? "a fragment" : "none");
    printf("  config schema: %s\n",
           koine_test_config_schema(host) ? "read" : "none, so any settings are taken");
    if (*koine_test_log(host))
        printf("  log:\n%s", koine_test_log(host));
}
