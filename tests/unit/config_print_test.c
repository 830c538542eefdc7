/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Printed configurations: what is printed loads again and means the same, secrets do not leave, and
 * the example file holds every key at its default.
 */
#include "config/keys.h"
#include "unit/config_fixture.h"

static char *print(const struct config *printed) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(config_print(printed, out), 0);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

static void expect_text(const char *text, const char *part) {
    ck_assert_msg(strstr(text, part) != NULL, "expected %s in:\n%s", part, text);
}

static void expect_no_text(const char *text, const char *part) {
    ck_assert_msg(strstr(text, part) == NULL, "did not expect %s in:\n%s", part, text);
}

/* `text` with every `from` replaced; free it. */
static char *replace(const char *text, const char *from, const char *to) {
    char *result = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&result, &size);
    ck_assert_ptr_nonnull(out);
    for (const char *found; (found = strstr(text, from)) != NULL; text = found + strlen(from)) {
        fwrite(text, 1, (size_t)(found - text), out);
        fputs(to, out);
    }
    fputs(text, out);
    ck_assert_int_eq(fclose(out), 0);
    return result;
}

static const char *const everything =
    "listen: '[::1]:4000'\n"
    "state_directory: '/var/lib/true: #yes'\n"
    "drain_seconds: 7\n"
    "keys:\n"
    "  - name: '2024'\n"
    "    sha256: " HASH_A "\n"
    "    allowed_tools: []\n"
    "    disallowed_tools: ['Bash(rm:*)', 'mcp__a__b']\n"
    "    routes: ['/v1/*']\n"
    "    profiles: [bare]\n"
    "    max_streaming: 0\n"
    "    max_nonstreaming: 4\n"
    "    working_directory: /tmp\n"
    "sessions: {accept_foreign: true, wait_ms: 25}\n"
    "tools: {allowed: [Read, 'Bash(git:*)'], disallowed: []}\n"
    "slots: {streaming: 0, nonstreaming: 1, classes: {batch: 2}, queue: 26, queue_timeout_ms: 27}\n"
    "pool: {warm: 0, max_processes: 28, session_idle_seconds: 29, spare_idle_seconds: 30,\n"
    "  min_available_bytes: 31}\n"
    "http: {max_body_bytes: 3MiB, max_head_bytes: 1025, head_timeout_ms: 11,\n"
    "  body_timeout_ms: 12, idle_timeout_ms: 13, write_timeout_ms: 14, request_timeout_ms: 15,\n"
    "  stream_buffer_bytes: 2KiB, keep_alive_ms: 16, max_connections: 17}\n"
    "runner: {command: 'my claude', working_directory: /, pass: [A_B],\n"
    "  max_line_bytes: 1GiB, first_byte_timeout_ms: 18, silence_timeout_ms: 19,\n"
    "  kill_grace_ms: 20, parked_runs: 21, parked_timeout_ms: 22, start_timeout_ms: 32,\n"
    "  interrupt_grace_ms: 33, user: root, nice: 19, cgroup: 'off',\n"
    "  limits: {memory_bytes: 1GiB, cpu_seconds: 34, open_files: 35, file_bytes: 36}}\n"
    "profiles:\n"
    "  full: {flags: [--strict-mcp-config]}\n"
    "  mine: {flags: ['--model=a b', '--mcp-config=/etc/mcp.json'], slash_commands: true}\n"
    "modules:\n"
    "  directory: /opt\n"
    "  on_error: continue\n"
    "  load: [text, /opt/a.so]\n"
    "  load_timeout_ms: 37\n"
    "  routes:\n"
    "    text:\n"
    "      POST /generate-text: {path: /ask, authentication: none, slot_class: none}\n"
    "      GET /v1/{a}/{b}: {enabled: false, path: '/v2/{b}/{a}', authentication: required}\n"
    "    /opt/a.so:\n"
    "      DELETE /x: {}\n"
    "  settings:\n"
    "    chat: {a: 1, b: 1.0, c: 'true', d: null, e: [~, 'null', \"line\\nbreak\\ttab\\x7f \"],\n"
    "      f: {}, g: [], h: 1e300, i: '', j: '- x', k: \"\\U0001F600 \\u0085\", '5': '0x1F'}\n"
    "    silent: {}\n"
    "pages: {docs: false, console: false}\n"
    "health: {probe_interval_ms: 23, probe_timeout_ms: 24}\n"
    "log: {level: error, format: json, tool_inputs: true}\n";

START_TEST(what_is_printed_loads_again_and_prints_the_same)
{
    char *const *environment = ENVIRONMENT(HOME);
    load_with(everything, environment);
    char *settings = json_dumps(config->modules.sections[0].settings, 0);
    char *first = print(config);
    char *unmasked = replace(first, "'***'", HASH_A);
    load_with(unmasked, environment);
    char *settings_again = json_dumps(config->modules.sections[0].settings, 0);
    char *second = print(config);

    ck_assert_str_eq(first, second);
    ck_assert_str_eq(settings, settings_again);
    ck_assert_str_eq(config->state_directory, "/var/lib/true: #yes");
    ck_assert_str_eq(config->keys[0].name, "2024");
    ck_assert_ptr_nonnull(config->keys[0].allowed_tools.items);
    ck_assert_uint_eq(config->keys[0].allowed_tools.count, 0);
    ck_assert_uint_eq(config->http.max_body_bytes, 3U << 20);
    ck_assert_uint_eq(config->http.max_head_bytes, 1025);
    ck_assert_str_eq(config->profiles[2].flags.items[0], "--model=a b");
    ck_assert_int_eq(config->log.level, 0);
    ck_assert_uint_eq(config->runner.limits.memory_bytes, 1U << 30);
    ck_assert_int_eq(config->runner.cgroup, false);
    ck_assert_uint_eq(config->pool.session_idle_seconds, 29);
    ck_assert_uint_eq(config->modules.route_count, 3);
    ck_assert_str_eq(config->modules.routes[1].moved_to, "/v2/{b}/{a}");
    ck_assert_int_eq(config->modules.routes[1].authentication, 0);
    ck_assert_int_eq(config->modules.routes[1].enabled, false);
    ck_assert_int_eq(config->modules.routes[2].authentication, -1);
    free(settings);
    free(settings_again);
    free(first);
    free(unmasked);
    free(second);
}
END_TEST

START_TEST(what_was_not_given_is_not_printed)
{
    load("");
    char *text = print(config);
    expect_text(text, "\nlisten: 127.0.0.1:3100\n");
    expect_text(text, "max_body_bytes: 10MiB\n");
    expect_text(text, "accept_foreign: auto\n");
    expect_no_text(text, "allowed");
    expect_no_text(text, "load:");
    expect_no_text(text, "pass:");
    free(text);
}
END_TEST

START_TEST(secrets_do_not_leave)
{
    load("keys: [{name: ci, sha256: " HASH_A "}]\n"
         "runner: {environment: {ANTHROPIC_API_KEY: hunter2}}\n"
         "profiles: {x: {flags: ['--settings={\"env\":{\"A\":\"hunter2\"}}', "
         "'--mcp-config= {\"a\":\"hunter2\"}']}}\n"
         "modules:\n"
         "  settings:\n"
         "    chat:\n"
         "      apiKey: hunter2\n"
         "      upstream: [{db_PASSWORD: hunter2, host: visible}]\n"
         "      client_secrets: [hunter2]\n"
         "      auth_token: {value: hunter2}\n");
    char *text = print(config);
    expect_no_text(text, "hunter2");
    expect_no_text(text, "aaaa");
    expect_text(text, "ANTHROPIC_API_KEY: '***'");
    expect_text(text, "--settings=***");
    expect_text(text, "--mcp-config=***");
    expect_text(text, "apiKey: '***'");
    expect_text(text, "db_PASSWORD: '***'");
    expect_text(text, "host: visible");
    expect_text(text, "client_secrets: '***'");
    expect_text(text, "auth_token: '***'");
    free(text);
}
END_TEST

START_TEST(a_mask_is_never_taken_for_the_secret)
{
    refuse("runner: {environment: {A: '***'}}\n", "runner.environment.A: found \"***\"");
    refuse("modules: {settings: {chat: {apiKey: '***'}}}\n", "modules.settings.chat.apiKey: found");
}
END_TEST

START_TEST(a_full_disk_is_noticed)
{
    load("");
    FILE *out = fopen("/dev/full", "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(config_print(config, out), -1);
    fclose(out);
}
END_TEST

/* The example of this checkout; tests are started at its top. */
static char *read_example(void) {
    char *text = calloc(1, 64 * 1024);
    FILE *file = fopen("examples/config/koine-gateway.yaml", "r");
    ck_assert_msg(file != NULL, "start the test at the top of the checkout");
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_gt(fread(text, 1, 64 * 1024 - 1, file), 0);
    fclose(file);
    return text;
}

START_TEST(the_example_holds_the_defaults)
{
    config = config_load("examples/config/koine-gateway.yaml", USUAL, &error);
    ck_assert_msg(config != NULL, "refused: %s", error.message);
    struct config *empty = config_load(NULL, USUAL, &error);
    ck_assert_msg(empty != NULL, "refused: %s", error.message);
    char *of_example = print(config);
    char *of_empty = print(empty);
    ck_assert_str_eq(of_example, of_empty);
    free(of_example);
    free(of_empty);
    config_destroy(empty);
    config_destroy(config);
    config = NULL;
}
END_TEST

static void expect_every_key(const char *text, const struct key_table *table) {
    for (size_t i = 0; i < table->count; i++) {
        const char *dot = strrchr(table->specs[i].path, '.');
        char line[64];
        snprintf(line, sizeof line, " %s:", dot != NULL ? dot + 1 : table->specs[i].path);
        bool at_margin = strchr(table->specs[i].path, '.') == NULL;
        ck_assert_msg(strstr(text, line) != NULL || (at_margin && strstr(text, line + 1) != NULL),
                      "the example lacks %s", table->specs[i].path);
    }
}

START_TEST(the_example_names_every_key)
{
    char *text = read_example();
    expect_every_key(text, &key_table_config);
    expect_every_key(text, &key_table_key);
    expect_every_key(text, &key_table_profile);
    free(text);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("config_print");
    TCase *test = tcase_create("printed");
    tcase_add_checked_fixture(test, fixture_begin, fixture_end);
    tcase_add_test(test, what_is_printed_loads_again_and_prints_the_same);
    tcase_add_test(test, what_was_not_given_is_not_printed);
    tcase_add_test(test, secrets_do_not_leave);
    tcase_add_test(test, a_mask_is_never_taken_for_the_secret);
    tcase_add_test(test, a_full_disk_is_noticed);
    suite_add_tcase(suite, test);
    TCase *example = tcase_create("example");
    tcase_add_test(example, the_example_holds_the_defaults);
    tcase_add_test(example, the_example_names_every_key);
    suite_add_tcase(suite, example);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
