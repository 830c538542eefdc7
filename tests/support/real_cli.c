/* SPDX-License-Identifier: Apache-2.0 */
/* Fetching the CLI, starting the API that it talks to, reading that API's record. */
#include "support/real_cli.h"

#include "support/scenario.h"
#include "support/scratch_directory.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEST_S = 60, CANNOT_FETCH = 77, ENVIRONMENT = 32 };

static const char *const versions[REAL_CLI_VERSIONS] = {"2.1.197", "2.1.330"};
static char *binaries[REAL_CLI_VERSIONS]; /* set once, before the tests */

struct real_cli {
    struct gateway *gateway;
    char *directory, *record;
    pid_t api;
    int api_output;
    unsigned api_port;
};

/* ---- the CLI */

/* The exit status of fetch-claude. Not within a test yet: Check asserts nothing here. */
static int fetch(int version) {
    char command[64], path[4096] = "";
    snprintf(command, sizeof command, "tests/support/fetch-claude %s", versions[version]);
    FILE *output = popen(command, "r");
    if (!output)
        return 1;
    size_t size = fread(path, 1, sizeof path - 1, output);
    path[size] = '\0';
    path[strcspn(path, "\n")] = '\0';
    binaries[version] = strdup(path);
    int status = pclose(output);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* -1: all are there; else the exit status of the program. */
static int fetch_all(const char *name) {
    const char *ci = getenv("CI");
    for (int i = 0; i < REAL_CLI_VERSIONS; i++) {
        int status = fetch(i);
        if (status == CANNOT_FETCH) {
            printf("SKIPPED: %s: the CLI %s cannot be fetched with npm\n", name, versions[i]);
            return ci && strcmp(ci, "true") == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        }
        if (status != 0) {
            fprintf(stderr, "%s: fetch-claude %s ended with %d\n", name, versions[i], status);
            return EXIT_FAILURE;
        }
    }
    return -1;
}

int real_cli_main(const char *name, void (*teardown)(void), const TTest *const *tests,
                  size_t count) {
    int status = fetch_all(name);
    if (status < 0) {
        Suite *suite = suite_create(name);
        TCase *tcase = tcase_create(name);
        tcase_set_timeout(tcase, TEST_S);
        tcase_add_checked_fixture(tcase, NULL, teardown);
        for (size_t i = 0; i < count; i++)
            tcase_add_loop_test(tcase, tests[i], 0, REAL_CLI_VERSIONS);
        suite_add_tcase(suite, tcase);
        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        status = srunner_ntests_failed(runner) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
        srunner_free(runner);
    }
    for (int i = 0; i < REAL_CLI_VERSIONS; i++)
        free(binaries[i]);
    return status;
}

/* ---- the API */

static void run_api(const struct real_cli *cli, int output, const char *binary, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when a test fails */
    if (getppid() == parent && dup2(output, STDOUT_FILENO) >= 0)
        execl(binary, binary, "--record", cli->record, (char *)NULL);
    _exit(127);
}

static void start_api(struct real_cli *cli) {
    const char *given = getenv("KOINE_STANDIN_API");
    char *binary = realpath(given ? given : "build/tests/standin-api", NULL);
    char line[64];
    int ends[2];
    ck_assert_msg(binary != NULL, "build/tests/standin-api is not built");
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    pid_t parent = getpid();
    cli->api = fork();
    ck_assert_int_ge(cli->api, 0);
    if (cli->api == 0)
        run_api(cli, ends[1], binary, parent);
    close(ends[1]);
    cli->api_output = ends[0];
    ssize_t size = read(ends[0], line, sizeof line - 1);
    ck_assert_int_gt(size, 0);
    line[size] = '\0';
    ck_assert_int_eq(sscanf(line, "PORT %u", &cli->api_port), 1);
    free(binary);
}

struct real_cli *real_cli_start(int version, const char *config, const char *const *environment) {
    struct real_cli *cli = calloc(1, sizeof *cli);
    ck_assert_ptr_nonnull(cli);
    cli->directory = scratch_directory_create();
    cli->record = scratch_text("%s/requests", cli->directory);
    start_api(cli);
    char *base_url = scratch_text("ANTHROPIC_BASE_URL=http://127.0.0.1:%u", cli->api_port);
    const char *variables[ENVIRONMENT] = {base_url,
                                          "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1",
                                          "DISABLE_TELEMETRY=1",
                                          "DISABLE_ERROR_REPORTING=1",
                                          "DISABLE_AUTOUPDATER=1",
                                          "CLAUDE_CODE_MAX_RETRIES=1"};
    for (size_t i = 6; environment && *environment && i < ENVIRONMENT - 1; i++)
        variables[i] = *environment++;
    cli->gateway = gateway_start(&(struct gateway_options){.config = config,
                                                           .environment = variables,
                                                           .cli = binaries[version],
                                                           .no_pool = config == NULL});
    free(base_url);
    return cli;
}

void real_cli_stop(struct real_cli *cli) {
    if (!cli)
        return;
    gateway_stop(cli->gateway);
    kill(cli->api, SIGTERM);
    waitpid(cli->api, NULL, 0);
    close(cli->api_output);
    scratch_directory_destroy(cli->directory);
    free(cli->record);
    free(cli);
}

struct gateway *real_cli_gateway(const struct real_cli *cli) {
    return cli->gateway;
}

/* ---- questions */

json_t *real_cli_body(const char *text, const char *script, const char *fields) {
    json_t *body = fields ? quoted_json(fields) : json_object();
    json_t *prompt = json_string(text);
    if (script) {
        json_t *steps = quoted_json(script);
        char *line = json_dumps(steps, JSON_COMPACT);
        json_decref(prompt);
        prompt = json_sprintf("%s\napi: %s", text, line);
        free(line);
        json_decref(steps);
    }
    json_object_set_new(body, "prompt", prompt);
    return body;
}

struct http_response real_cli_ask(const struct real_cli *cli, const char *text, const char *script,
                                  const char *fields) {
    return http_post(cli->gateway, "/generate-text", real_cli_body(text, script, fields));
}

char *real_cli_text(const struct real_cli *cli, const char *text, const char *script,
                    const char *fields) {
    struct http_response answer = real_cli_ask(cli, text, script, fields);
    http_assert_status(&answer, 200);
    char *said = scratch_text("%s", http_string(&answer, "text"));
    http_response_finish(&answer);
    return said;
}

/* ---- what the API received */

size_t real_cli_request_count(const struct real_cli *cli) {
    char *record = scratch_read(cli->record);
    size_t count = 0;
    for (const char *at = record; at && (at = strchr(at, '\n')); at++)
        count++;
    free(record);
    return count;
}

json_t *real_cli_request(const struct real_cli *cli) {
    char *record = scratch_read(cli->record);
    ck_assert_msg(record && *record, "the API received no request");
    record[strlen(record) - 1] = '\0';
    const char *before = strrchr(record, '\n');
    json_t *line = json_loads(before ? before + 1 : record, 0, NULL);
    json_t *body = json_incref(json_object_get(line, "body"));
    ck_assert_ptr_nonnull(body);
    json_decref(line);
    free(record);
    return body;
}

json_int_t real_cli_count(const struct real_cli *cli, const char *path) {
    struct http_response answer = http_get(cli->gateway, "/health");
    json_int_t count = http_integer(&answer, path);
    http_response_finish(&answer);
    return count;
}

char *real_cli_member(const json_t *request, const char *name) {
    const json_t *member = json_object_get(request, name);
    return member ? json_dumps(member, JSON_ENCODE_ANY | JSON_COMPACT) : scratch_text("%s", "");
}

bool real_cli_offers(const json_t *request, const char *tool) {
    json_t *offered;
    size_t i;
    json_array_foreach(json_object_get(request, "tools"), i, offered) {
        if (strcmp(json_string_value(json_object_get(offered, "name")), tool) == 0)
            return true;
    }
    return false;
}
