/* SPDX-License-Identifier: Apache-2.0 */
/* The examples for clients do what they show, and say what is wrong when the gateway refuses.
 * Against a demo, as a person tries them first. */
#include "support/gateway.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { CURL, PYTHON, JAVASCRIPT, C, CLIENTS };

static struct gateway *gateway;
static char *directory;

static const char *const demo[] = {"--demo", NULL};

static void start(const char *config) {
    gateway_stop(gateway);
    gateway = gateway_start(
        &(struct gateway_options){.arguments = demo, .no_key = true, .config = config});
}

static void setup(void) {
    start("slots: {streaming: 4}\n"); /* each of them streams */
    directory = scratch_directory_create();
}

static void teardown(void) {
    gateway_stop(gateway);
    scratch_directory_destroy(directory);
}

struct run {
    FILE *pipe;
    char *output; /* both streams */
    int status;
};

static void await(struct run *run) {
    size_t capacity = 0;
    if (getdelim(&run->output, &capacity, '\0', run->pipe) < 0)
        run->output[0] = '\0';
    int status = pclose(run->pipe);
    run->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct run begin(const char *variables, const char *command) {
    char *line = scratch_text("env KOINE_URL=%s %s timeout 50 %s 2>&1", gateway_url(gateway),
                              variables, command);
    struct run run = {.pipe = popen(line, "r")};
    ck_assert_ptr_nonnull(run.pipe);
    free(line);
    return run;
}

/* The example in C, compiled as its first lines say; the caller frees its path. */
static char *compiled(const char *compiler) {
    char *path = scratch_text("%s/%s", directory, compiler);
    char *command =
        scratch_text("%s -Wall -Wextra -Werror examples/clients/c.c -o %s -lcurl", compiler, path);
    struct run run = begin("KOINE=1", command);
    await(&run);
    ck_assert_msg(run.status == 0, "%s ended with %d: %.3000s", command, run.status, run.output);
    free(run.output);
    free(command);
    return path;
}

/* All at the same time. `runs` are finished with finish_all. */
static void run_all(const char *variables, struct run runs[CLIENTS]) {
    char *program = compiled("gcc");
    const char *const commands[CLIENTS] = {
        [CURL] = "examples/clients/curl.sh",
        [PYTHON] = "python3 examples/clients/python.py",
        [JAVASCRIPT] = "node examples/clients/javascript.mjs",
        [C] = program,
    };
    for (size_t i = 0; i < CLIENTS; i++)
        runs[i] = begin(variables, commands[i]);
    for (size_t i = 0; i < CLIENTS; i++)
        await(&runs[i]);
    free(program);
}

static void finish_all(struct run runs[CLIENTS]) {
    for (size_t i = 0; i < CLIENTS; i++)
        free(runs[i].output);
}

static void assert_status(const struct run *run, size_t client, bool success) {
    ck_assert_msg((run->status == 0) == success, "client %zu ended with %d: %.3000s", client,
                  run->status, run->output);
}

/* Each behind the one before it. */
static void assert_shown(const struct run *run, const char *const *parts) {
    const char *at = run->output;
    for (; *parts; parts++) {
        at = strstr(at, *parts);
        ck_assert_msg(at, "expected, after what comes before it: %s\ngot: %.3000s", *parts,
                      run->output);
        at += strlen(*parts);
    }
}

static void assert_holds(const struct run *run, const char *part) {
    ck_assert_msg(strstr(run->output, part), "expected: %s\ngot: %.3000s", part, run->output);
}

#define MADE_UP "This answer is made up by the demo"

START_TEST(each_does_what_it_shows)
{
    static const char *const curl[] = {"--- POST /generate-text\n",
                                       "{\"text\":\"" MADE_UP,
                                       "turn 2 of our session",
                                       "--- POST /generate-object\n{\"object\":{\"name\":",
                                       "--- POST /stream\nid: 1\nevent: session\n",
                                       "event: thinking\ndata: {\"text\":",
                                       "event: text\ndata: {\"text\":",
                                       "event: done\ndata: {\"code\":0,\"signal\":null}",
                                       "--- POST /stream-object\nid: 1\nevent: session\n",
                                       "event: object-delta\ndata: {\"delta\":",
                                       "event: object\ndata: {\"object\":{",
                                       "event: done\ndata: {\"code\":0,\"signal\":null}",
                                       "\"code\":\"VALIDATION_ERROR\"",
                                       "(refused, as it should be)",
                                       NULL};
    static const char *const others[] = {"--- a text\n" MADE_UP,
                                         "--- the conversation goes on\n" MADE_UP,
                                         "turn 2 of our session",
                                         "--- a stream\n" MADE_UP,
                                         "Count from one to five.",
                                         "field by field.\n",
                                         "--- an object\n{",
                                         "Ada Lovelace",
                                         "36",
                                         "--- an error\n400 VALIDATION_ERROR: prompt",
                                         "\n  ",
                                         "prompt",
                                         NULL};
    struct run runs[CLIENTS];
    run_all("CLAUDE_CODE_GATEWAY_API_KEY=koine-demo", runs);
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_status(&runs[i], i, true);
        assert_shown(&runs[i], i == CURL ? curl : others);
    }
    finish_all(runs);
}
END_TEST

static void assert_all_refused(const char *variables, const char *code, const char *status) {
    struct run runs[CLIENTS];
    run_all(variables, runs);
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_status(&runs[i], i, false);
        assert_holds(&runs[i], code);
        assert_holds(&runs[i], status);
    }
    finish_all(runs);
}

START_TEST(a_wrong_key_is_told)
{
    assert_all_refused("CLAUDE_CODE_GATEWAY_API_KEY=", "UNAUTHORIZED", "401");
    assert_all_refused("CLAUDE_CODE_GATEWAY_API_KEY=another", "AUTH_ERROR", "403");
}
END_TEST

START_TEST(a_gateway_that_is_not_there_is_told)
{ assert_all_refused("KOINE_URL=http://127.0.0.1:1", "", "127.0.0.1"); }
END_TEST

/* Twice as long as Retry-After says, then the refusal. */
START_TEST(a_busy_gateway_is_asked_again)
{
    start("slots: {nonstreaming: 0}\n");
    struct run runs[CLIENTS];
    run_all("CLAUDE_CODE_GATEWAY_API_KEY=koine-demo", runs);
    for (size_t i = 0; i < CLIENTS; i++) {
        static const char *const twice[] = {"again in 5 s", "again in 5 s",
                                            "CONCURRENCY_LIMIT_ERROR", NULL};
        static const char *const curl[] = {"429", "429", "CONCURRENCY_LIMIT_ERROR", NULL};
        assert_status(&runs[i], i, false);
        assert_shown(&runs[i], i == CURL ? curl : twice);
    }
    finish_all(runs);
}
END_TEST

START_TEST(the_one_in_c_compiles_with_clang_too)
{ free(compiled("clang")); }
END_TEST

int main(void) {
    const TTest *const tests[] = {
        each_does_what_it_shows,
        a_wrong_key_is_told,
        a_gateway_that_is_not_there_is_told,
        a_busy_gateway_is_asked_again,
        the_one_in_c_compiles_with_clang_too,
    };
    return test_main("examples", setup, teardown, tests, sizeof tests / sizeof *tests);
}
