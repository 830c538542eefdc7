/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file: what is read from it, and how each mistake is reported.
 * Variables that override it are in config_environment_test.c, printing in config_print_test.c.
 */
#include "config/keys.h"
#include "config/settings.h"
#include "unit/config_fixture.h"

START_TEST(without_a_file_everything_is_at_its_default)
{
    char directory[256];
    config = config_load(NULL, USUAL, &error);
    ck_assert_msg(config != NULL, "refused: %s", error.message);
    ck_assert_ptr_null(config->file);
    ck_assert_str_eq(config->listen_host, "127.0.0.1");
    ck_assert_uint_eq(config->listen_port, 3100);
    ck_assert_uint_eq(config->drain_seconds, 30);
    ck_assert_int_eq(config->sessions.accept_foreign, -1);
    ck_assert_ptr_null(config->tools.allowed.items);
    ck_assert_uint_eq(config->slots.streaming, 3);
    ck_assert_uint_eq(config->slots.nonstreaming, 5);
    ck_assert_uint_eq(config->http.max_body_bytes, 10 * 1024 * 1024);
    ck_assert_uint_eq(config->http.stream_buffer_bytes, 256 * 1024);
    ck_assert_uint_eq(config->http.max_connections, 10000);
    ck_assert_str_eq(config->runner.command, "claude");
    ck_assert_str_eq(config->runner.working_directory, getcwd(directory, sizeof directory));
    ck_assert_uint_eq(config->runner.kill_grace_ms, 400);
    ck_assert_uint_eq(config->pool.warm, 1);
    ck_assert_uint_eq(config->pool.max_processes, 0);
    ck_assert_uint_eq(config->pool.session_idle_seconds, 300);
    ck_assert_uint_eq(config->sessions.wait_ms, 0);
    ck_assert_uint_eq(config->slots.queue, 0);
    ck_assert_ptr_null(config->runner.user);
    ck_assert_uint_eq(config->runner.limits.memory_bytes, 0);
    ck_assert_int_eq(config->runner.cgroup, true);
    ck_assert_int_eq(config->modules.stop_on_error, true);
    ck_assert_ptr_null(config->modules.directory);
    ck_assert_ptr_null(config->modules.load.items);
    ck_assert_uint_eq(config->health.probe_interval_ms, 30000);
    ck_assert_int_eq(config->log.level, 2);
    ck_assert_int_eq(config->log.json, false);
}
END_TEST

START_TEST(every_default_lies_within_its_range)
{
    for (size_t i = 0; i < key_table_config.count; i++) {
        const struct key_spec *spec = &key_table_config.specs[i];
        if (spec->type == KEY_INTEGER || spec->type == KEY_BYTES) {
            ck_assert_msg(spec->initial >= spec->minimum && spec->initial <= spec->maximum,
                          "%s: %lld", spec->path, (long long)spec->initial);
        }
    }
}
END_TEST

START_TEST(a_file_of_comments_and_empty_sections_changes_nothing)
{
    load("# nothing yet\n");
    load("");
    load("---\nhttp:\n#  max_connections: 5\nrunner: ~\ntools:\n");
    ck_assert_uint_eq(config->http.max_connections, 10000);
}
END_TEST

START_TEST(a_key_carries_its_limits)
{
    load("keys:\n"
         "  - name: ci\n"
         "    sha256: " HASH_A "\n"
         "    allowed_tools: [Read, 'Bash(git:*)']\n"
         "    disallowed_tools: []\n"
         "    routes: [/generate-text, /v1/*]\n"
         "    profiles: [bare]\n"
         "    max_streaming: 2\n"
         "    working_directory: /tmp\n");
    ck_assert_uint_eq(config->key_count, 2); /* and "default", from the environment */
    const struct config_key *key = &config->keys[0];
    ck_assert_str_eq(key->name, "ci");
    ck_assert_uint_eq(key->sha256[0], 0xaa);
    ck_assert_uint_eq(key->sha256[31], 0xaa);
    ck_assert_uint_eq(key->allowed_tools.count, 2);
    ck_assert_str_eq(key->allowed_tools.items[1], "Bash(git:*)");
    ck_assert_ptr_null(key->allowed_tools.items[2]);
    ck_assert_ptr_nonnull(key->disallowed_tools.items);
    ck_assert_uint_eq(key->disallowed_tools.count, 0);
    ck_assert_str_eq(key->routes.items[1], "/v1/*");
    ck_assert_str_eq(key->profiles.items[0], "bare");
    ck_assert_int_eq(key->max_streaming, 2);
    ck_assert_int_eq(key->max_nonstreaming, -1);
    ck_assert_str_eq(key->working_directory, "/tmp");
}
END_TEST

START_TEST(names_and_hashes_that_look_like_numbers_are_text)
{
    load("keys:\n"
         "- {name: 2024, sha256: "
         "1111111111111111111111111111111111111111111111111111111111111111}\n"
         "- {name: 1e5, sha256: "
         "2222222222222222222222222222222222222222222222222222222222222e22}\n");
    ck_assert_str_eq(config->keys[0].name, "2024");
    ck_assert_uint_eq(config->keys[0].sha256[0], 0x11);
    ck_assert_uint_eq(config->keys[1].sha256[31], 0x22);
}
END_TEST

START_TEST(an_allow_list_without_entries_is_not_a_missing_one)
{
    load("tools: {allowed: []}\n");
    ck_assert_ptr_nonnull(config->tools.allowed.items);
    ck_assert_uint_eq(config->tools.allowed.count, 0);
    ck_assert_ptr_null(config->tools.disallowed.items);
    refuse("tools:\n  allowed:\n", "gateway.yaml:2: tools.allowed: found nothing, expected a list");
}
END_TEST

static const struct {
    const char *text;
    const char *host;
    unsigned port;
} addresses[] = {
    {"127.0.0.1:3100", "127.0.0.1", 3100}, {"'[::1]:81'", "::1", 81},
    {"0.0.0.0:0", "0.0.0.0", 0},           {"':4000'", "127.0.0.1", 4000},
    {"5000", "127.0.0.1", 5000},           {"localhost:65535", "127.0.0.1", 65535},
};

START_TEST(listen_takes_addresses_and_ports)
{
    char yaml[64];
    snprintf(yaml, sizeof yaml, "listen: %s\n", addresses[_i].text);
    load(yaml);
    ck_assert_str_eq(config->listen_host, addresses[_i].host);
    ck_assert_uint_eq(config->listen_port, addresses[_i].port);
}
END_TEST

static const char *const wrong_addresses[] = {
    "127.0.0.1",    "127.0.0.1:65536", "'::1:3100'", "example.org:80", "'*:80'", "''", "':'",
    "127.0.0.1:-1", "'[::1]'",         "'[]:80'",    "127.0.0.1:80x",  "[80]",   "~"};

START_TEST(listen_refuses_what_is_no_address)
{
    char yaml[64];
    snprintf(yaml, sizeof yaml, "listen: %s\n", wrong_addresses[_i]);
    refuse(yaml, "gateway.yaml:1: listen: found ");
}
END_TEST

START_TEST(listen_can_be_replaced_later)
{
    load("listen: 0.0.0.0:1\n");
    ck_assert_int_eq(config_set_listen(config, "[::1]:82", &error), 0);
    ck_assert_str_eq(config->listen_host, "::1");
    ck_assert_int_eq(config_set_listen(config, "83", &error), 0);
    ck_assert_str_eq(config->listen_host, "::1");
    ck_assert_uint_eq(config->listen_port, 83);
    ck_assert_int_eq(config_set_listen(config, "nowhere", &error), -1);
    ck_assert_ptr_nonnull(strstr(error.message, "\"nowhere\""));
    ck_assert_uint_eq(config->listen_port, 83);
}
END_TEST

START_TEST(sizes_take_suffixes)
{
    load("http: {max_body_bytes: 1GiB, max_head_bytes: 2048, stream_buffer_bytes: 1MiB}\n");
    ck_assert_uint_eq(config->http.max_body_bytes, 1U << 30);
    ck_assert_uint_eq(config->http.max_head_bytes, 2048);
    ck_assert_uint_eq(config->http.stream_buffer_bytes, 1U << 20);
}
END_TEST

START_TEST(slots_runner_profiles_and_log_are_read)
{
    load("slots: {streaming: 0, classes: {batch: 7, bulk: 0}}\n"
         "runner:\n"
         "  command: /usr/bin/claude\n"
         "  pass: [AWS_REGION]\n"
         "  environment: {DISABLE_TELEMETRY: 1, EMPTY: ''}\n"
         "profiles:\n"
         "  bare: {slash_commands: true}\n"
         "  review: {flags: ['--strict-mcp-config', '--model=opus']}\n"
         "sessions: {accept_foreign: false}\n"
         "modules: {on_error: continue, load: [text, /opt/mine.so]}\n"
         "log: {level: debug, format: json}\n");
    ck_assert_uint_eq(config->slots.streaming, 0);
    ck_assert_uint_eq(config->slots.class_count, 2);
    ck_assert_str_eq(config->slots.classes[0].name, "batch");
    ck_assert_int_eq(config->slots.classes[0].limit, 7);
    ck_assert_str_eq(config->runner.command, "/usr/bin/claude");
    ck_assert_str_eq(config->runner.pass.items[0], "AWS_REGION");
    ck_assert_str_eq(config->runner.environment[0].value, "1");
    ck_assert_str_eq(config->runner.environment[1].value, "");
    ck_assert_uint_eq(config->profile_count, 3);
    ck_assert_str_eq(config->profiles[0].name, "full");
    ck_assert_uint_eq(config->profiles[0].flags.count, 0);
    ck_assert_str_eq(config->profiles[1].flags.items[0], "--bare");
    ck_assert_int_eq(config->profiles[1].slash_commands, true);
    ck_assert_str_eq(config->profiles[2].flags.items[1], "--model=opus");
    ck_assert_int_eq(config->sessions.accept_foreign, 0);
    ck_assert_int_eq(config->modules.stop_on_error, false);
    ck_assert_str_eq(config->modules.load.items[1], "/opt/mine.so");
    ck_assert_int_eq(config->log.level, 3);
    ck_assert_int_eq(config->log.json, true);
}
END_TEST

START_TEST(settings_of_modules_become_json)
{
    load("modules:\n"
         "  settings:\n"
         "    chat:\n"
         "      models: {fast: haiku}\n"
         "      numbers: [1, -2, 0x10, 0o17, 1.5, 1e3, .5]\n"
         "      words: [true, False, null, ~, '5', yes, 1_000]\n"
         "    silent:\n");
    ck_assert_uint_eq(config->modules.section_count, 2);
    ck_assert_str_eq(config->modules.sections[0].name, "chat");
    ck_assert_uint_eq(config->modules.sections[0].line, 3);
    char *json = json_dumps(config->modules.sections[0].settings, JSON_COMPACT);
    ck_assert_str_eq(json, "{\"models\":{\"fast\":\"haiku\"},"
                           "\"numbers\":[1,-2,16,15,1.5,1000.0,0.5],"
                           "\"words\":[true,false,null,null,\"5\",\"yes\",\"1_000\"]}");
    free(json);
    ck_assert_int_eq(json_is_object(config->modules.sections[1].settings), true);
}
END_TEST

START_TEST(each_setting_knows_its_line)
{
    load("modules:\n"
         "  settings:\n"
         "    chat:\n"
         "      models:\n"
         "        fast: haiku\n"
         "      rows:\n"
         "      - name: a\n"
         "      - name: b\n"
         "        limit: 3\n");
    const struct config_module *chat = &config->modules.sections[0];
    ck_assert_uint_eq(settings_line(chat, "models.fast"), 5);
    ck_assert_uint_eq(settings_line(chat, "rows[1].limit"), 9);
    ck_assert_uint_eq(settings_line(chat, "rows[1].missing"), 8); /* the row that lacks it */
    ck_assert_uint_eq(settings_line(chat, "models.fast[0].deep"), 5);
    ck_assert_uint_eq(settings_line(chat, "the section"), 3);
}
END_TEST

/* Everything that a person can get wrong, and what is said about it. */
static const struct {
    const char *yaml;
    const char *expected;
} mistakes[] = {
    /* keys that do not exist */
    {"listne: 3100\n", "gateway.yaml:1: listne: unknown key; did you mean \"listen\"?"},
    {"http:\n  max_body_byte: 1\n",
     "gateway.yaml:2: http.max_body_byte: unknown key; did you mean \"http.max_body_bytes\"?"},
    {"max_body_bytes: 1\n", "did you mean \"http.max_body_bytes\"?"},
    {"htpp: {}\n", "gateway.yaml:1: htpp: unknown key; did you mean \"http\"?"},
    {"colour: red\n", "gateway.yaml:1: colour: unknown key"},
    {"keys: [{nmae: a}]\n", "keys[0].nmae: unknown key; did you mean \"name\"?"},
    {"profiles: {x: {flag: []}}\n", "profiles.x.flag: unknown key; did you mean \"flags\"?"},
    {"http.max_connections: 5\n",
     "http.max_connections: unknown key; write it as a line of its own below \"http:\""},
    /* wrong types and ranges */
    {"drain_seconds: soon\n",
     "gateway.yaml:1: drain_seconds: found the text \"soon\", expected an integer from 0 to 86400"},
    {"drain_seconds: '30'\n", "found the text \"30\", expected an integer"},
    {"drain_seconds: -1\n", "found the number -1, expected an integer from 0"},
    {"drain_seconds: 99999999999999999999\n", "found the number 99999999999999999999"},
    {"drain_seconds:\n", "drain_seconds: found nothing, expected an integer"},
    {"drain_seconds: [1]\n", "found a list, expected an integer"},
    {"http: {max_body_bytes: 10MB}\n", "found the text \"10MB\", expected a number of bytes"},
    {"http: {max_body_bytes: 2GiB}\n", "from 1024 to 1073741824"},
    {"http: {max_body_bytes: 99999999999999999999}\n", "expected a number of bytes"},
    {"http: 5\n", "gateway.yaml:1: http: found the number 5, expected a mapping"},
    {"log: {level: loud}\n",
     "found the text \"loud\", expected one of: error, warning, info, debug"},
    {"profiles: {x: {slash_commands: yes}}\n", "found the text \"yes\", expected true or false"},
    {"state_directory: here\n", "expected an absolute path"},
    {"runner: {command: ./claude}\n", "expected an absolute path, or a name without"},
    {"runner: {command: 5}\n", "found the number 5, expected an absolute path, or a name without "
                               "\"/\" to look up on PATH; put it in quotes"},
    {"runner: {working_directory: /no/such/place}\n",
     "gateway.yaml:1: runner.working_directory: \"/no/such/place\": No such file or directory"},
    {"runner: {working_directory: /dev/null}\n", "\"/dev/null\" is not a directory"},
    {"runner: {user: 1000}\n", "found the number 1000, expected the name of a user"},
    {"runner: {user: no-such-user-here}\n",
     "gateway.yaml:1: runner.user: this system has no user \"no-such-user-here\""},
    {"runner: {limits: {memory: 1}}\n", "runner.limits.memory: unknown key"},
    {"runner: {nice: -5}\n", "found the number -5, expected an integer from 0 to 19"},
    {"runner: {cgroup: maybe}\n", "expected one of: auto, off"},
    {"pool: {max_process: 1}\n", "did you mean \"pool.max_processes\"?"},
    {"runner: {pass: [A-B]}\n", "runner.pass[0]: found the text \"A-B\""},
    {"runner: {pass: [CLAUDE_CODE_GATEWAY_API_KEY]}\n", "never given to the CLI"},
    {"runner: {environment: {X: [1]}}\n", "runner.environment.X: found a list, expected text"},
    {"slots: {classes: {x: -1}}\n", "slots.classes.x: found the number -1"},
    {"slots: {classes: {'a b': 1}}\n", "found the name \"a b\""},
    {"tools: {allowed: Read}\n", "tools.allowed: found the text \"Read\", expected a list"},
    {"tools:\n  allowed:\n    - Read\n    - 5\n", "gateway.yaml:4: tools.allowed[1]: found the"},
    {"tools: {allowed: [true]}\n", "found true, expected text"},
    {"modules: {settings: {x: 5}}\n", "modules.settings.x: found the number 5, expected a mapping"},
    {"modules: {settings: {x: {a: .inf}}}\n", "expected a number that JSON can hold"},
    {"- a\n", "gateway.yaml:1: found a list, expected a mapping"},
    /* keys */
    {"keys: {a: b}\n", "keys: found a mapping, expected a list"},
    {"keys: [secret]\n", "keys[0]: found the text \"secret\", expected a mapping"},
    {"keys: [{name: Big, sha256: " HASH_A "}]\n", "expected 1 to 32 of a-z, 0-9 and \"-\""},
    {"keys: [{name: a}]\n", "gateway.yaml:1: keys[0]: sha256 is missing"},
    {"keys: [{sha256: " HASH_A "}]\n", "keys[0]: name is missing"},
    {"keys: [{name: a, sha256: my-secret}]\n", "found 9 characters (not shown)"},
    {"keys: [{name: a, sha256: '***'}]\n", "stands for a secret in a printed configuration"},
    {"keys:\n- {name: a, sha256: " HASH_A "}\n- {name: a, sha256: " HASH_B "}\n",
     "gateway.yaml:3: keys[1].name: \"a\" is the name of keys[0] already"},
    {"keys:\n- {name: a, sha256: " HASH_A "}\n- {name: b, sha256: " HASH_A "}\n",
     "gateway.yaml:3: keys[1].sha256: the same key as keys[0] (\"a\")"},
    {"keys:\n- {name: a, sha256: " HASH_A ", profiles: [full,\n nope]}\n",
     "gateway.yaml:3: keys[0].profiles[1]: there is no profile \"nope\""},
    {"keys: [{name: a, sha256: " HASH_A ", routes: [generate]}]\n", "keys[0].routes[0]: found"},
    {"keys: [{name: a, sha256: " HASH_A ", routes: [/v1/*/x]}]\n", "keys[0].routes[0]: found"},
    {"keys: [{name: a, sha256: " HASH_A ", working_directory: /no/such}]\n",
     "keys[0].working_directory: \"/no/such\": No such file"},
    /* tool rules */
    {"tools:\n  allowed:\n    - Read\n    - 'Bash(git'\n", "gateway.yaml:4: tools.allowed[1]: "},
    {"tools:\n  disallowed: [Read,\n    '']\n", "gateway.yaml:3: tools.disallowed[1]: "},
    {"keys:\n- name: a\n  sha256: " HASH_A "\n  disallowed_tools: ['(x)']\n",
     "gateway.yaml:4: keys[0].disallowed_tools[0]: "},
    /* YAML */
    {"http: {\n", "not valid YAML"},
    {"http:\n\tmax_body_bytes: 1\n", "(column 1); indent with spaces, YAML takes no tabs"},
    {"listen: 1\nlisten: 2\n", "gateway.yaml:2: the key \"listen\" is here twice, first in line 1"},
    {"log: &a {level: info}\n", "gateway.yaml:1: anchors"},
    {"http: *a\n", "aliases"},
    {"http:\n  <<: {a: 1}\n", "gateway.yaml:2: merge keys"},
    {"listen: !!str 5\n", "gateway.yaml:1: tags"},
    {"? [a]\n: 1\n", "cannot be the name of a key"},
    {"log: {}\n---\nlog: {}\n", "gateway.yaml:3: a second document"},
    {"listen: \"a\\0b\"\n", "NUL"},
    {"listen: \"\xff\"\n", "not valid YAML"},
};

START_TEST(a_mistake_is_refused_with_its_place)
{ refuse(mistakes[_i].yaml, mistakes[_i].expected); }
END_TEST

START_TEST(a_hash_that_may_be_a_key_is_never_shown)
{
    refuse("keys: [{name: a, sha256: hunter2-hunter2-hunter2}]\n", "not shown");
    ck_assert_ptr_null(strstr(error.message, "hunter2"));
}
END_TEST

START_TEST(all_mistakes_are_reported_together)
{
    refuse("listne: 1\ndrain_seconds: x\nlog: {level: loud}\n", "gateway.yaml:1: listne");
    ck_assert_ptr_nonnull(strstr(error.message, "\ngateway.yaml:2: drain_seconds"));
    ck_assert_ptr_nonnull(strstr(error.message, "\ngateway.yaml:3: log.level"));
}
END_TEST

START_TEST(more_mistakes_than_fit_are_counted)
{
    char yaml[4096] = "";
    for (int i = 0; i < 100; i++) {
        snprintf(yaml + strlen(yaml), sizeof yaml - strlen(yaml), "unheard_of_%d: 1\n", i);
    }
    refuse(yaml, "gateway.yaml:1: unheard_of_0: unknown key");
    const char *remark = strstr(error.message, " more)");
    ck_assert_ptr_nonnull(remark);
    ck_assert_uint_lt(strlen(error.message), sizeof error.message);
}
END_TEST

/* Flags of profiles: what is said, or NULL when the flag may stand there. */
static const struct {
    const char *flag;
    const char *expected;
} flags[] = {
    {"--bare", NULL},
    {"--setting-sources=", NULL},
    {"--setting-sources=user,project", NULL},
    {"--permission-mode=dontAsk", NULL},
    {"--mcp-config=/etc/mcp.json", NULL},
    {"--mcp-config={\"mcpServers\":{}}", NULL},
    {"--settings={\"env\":{}}", NULL},
    {"--add-dir=/srv", NULL},
    {"--effort=xhigh", NULL},
    {"--fallback-model=sonnet,haiku", NULL},
    {"--bare=1", "the value of --bare is wrong, expected no value"},
    {"--model", "--model needs its value in the same entry"},
    {"--model opus", "one argument an entry"},
    {"--model=", "the value of --model is wrong"},
    {"--model=--dangerously-skip-permissions", "does not begin with \"-\""},
    {"--permission-mode=bypassPermissions", "expected default, plan or dontAsk"},
    {"--setting-sources=user,", "user, project, local"},
    {"--setting-sources=users", "user, project, local"},
    {"--settings={\"permissions\":{}}", "without \"permissions\""},
    {"--settings={", "the value of --settings is wrong"},
    {"--mcp-config=mcp.json", "absolute path"},
    {"--agents=[]", "a JSON object"},
    {"--mcp-config=***", "stands for JSON in a printed configuration"},
    {"--dangerously-skip-permissions", "it would let a run do what the tool policy denies"},
    {"--allowedTools=Bash", "the tool policy"},
    {"--tools=", "the tool policy"},
    {"-p", "the gateway sets it itself"},
    {"--resume=x", "the gateway sets it itself"},
    {"--tmux", "a person at a terminal"},
    {"--unheard-of", "may not stand in a profile; what may is --bare,"},
    {"prompt", "not a flag"},
};

START_TEST(flags_of_a_profile_are_checked)
{
    char yaml[256];
    snprintf(yaml, sizeof yaml, "profiles:\n  mine:\n    flags:\n    - '%s'\n", flags[_i].flag);
    if (flags[_i].expected == NULL) {
        load(yaml);
        ck_assert_str_eq(config->profiles[2].flags.items[0], flags[_i].flag);
    } else {
        refuse(yaml, "gateway.yaml:4: profiles.mine.flags[0]: ");
        refuse(yaml, flags[_i].expected);
    }
}
END_TEST

START_TEST(a_file_that_cannot_be_read_says_why)
{
    ck_assert_ptr_null(config_load("nowhere.yaml", USUAL, &error));
    ck_assert_str_eq(
        error.message,
        "nowhere.yaml: cannot be opened: No such file or directory; --config takes the path of a "
        "YAML file that the gateway's user may read, and without it the defaults hold");
    ck_assert_ptr_null(config_load("/tmp", USUAL, &error));
    ck_assert_str_eq(error.message, "/tmp: cannot be read: Is a directory");
}
END_TEST

START_TEST(a_file_over_one_mebibyte_is_refused)
{
    enum { SIZE = 1024 * 1024 };
    char *text = malloc(SIZE + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, '#', SIZE + 1);
    write_bytes(text, SIZE);
    config = config_load("gateway.yaml", USUAL, &error);
    ck_assert_msg(config != NULL, "refused at the limit: %s", error.message);
    write_bytes(text, SIZE + 1);
    ck_assert_ptr_null(config_load("gateway.yaml", USUAL, &error));
    ck_assert_ptr_nonnull(strstr(error.message, "larger than 1048576 bytes"));
    free(text);
}
END_TEST

/* modules, settings, x, a: the list at `a` is the fifth level. */
static void nested(char *yaml, size_t size, int lists) {
    snprintf(yaml, size, "modules: {settings: {x: {a: ");
    for (int i = 0; i < lists; i++) {
        strcat(yaml, "[");
    }
    for (int i = 0; i < lists; i++) {
        strcat(yaml, "]");
    }
    strcat(yaml, "}}}\n");
}

START_TEST(nesting_has_a_limit)
{
    char yaml[512];
    nested(yaml, sizeof yaml, 61);
    load(yaml);
    nested(yaml, sizeof yaml, 62);
    refuse(yaml, "nested deeper than 64 levels");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("config");
    TCase *test = tcase_create("file");
    tcase_add_checked_fixture(test, fixture_begin, fixture_end);
    tcase_add_test(test, without_a_file_everything_is_at_its_default);
    tcase_add_test(test, every_default_lies_within_its_range);
    tcase_add_test(test, a_file_of_comments_and_empty_sections_changes_nothing);
    tcase_add_test(test, a_key_carries_its_limits);
    tcase_add_test(test, names_and_hashes_that_look_like_numbers_are_text);
    tcase_add_test(test, an_allow_list_without_entries_is_not_a_missing_one);
    tcase_add_loop_test(test, listen_takes_addresses_and_ports, 0,
                        (int)(sizeof addresses / sizeof *addresses));
    tcase_add_loop_test(test, listen_refuses_what_is_no_address, 0,
                        (int)(sizeof wrong_addresses / sizeof *wrong_addresses));
    tcase_add_test(test, listen_can_be_replaced_later);
    tcase_add_test(test, sizes_take_suffixes);
    tcase_add_test(test, slots_runner_profiles_and_log_are_read);
    tcase_add_test(test, settings_of_modules_become_json);
    tcase_add_test(test, each_setting_knows_its_line);
    tcase_add_loop_test(test, a_mistake_is_refused_with_its_place, 0,
                        (int)(sizeof mistakes / sizeof *mistakes));
    tcase_add_test(test, a_hash_that_may_be_a_key_is_never_shown);
    tcase_add_test(test, all_mistakes_are_reported_together);
    tcase_add_test(test, more_mistakes_than_fit_are_counted);
    tcase_add_loop_test(test, flags_of_a_profile_are_checked, 0,
                        (int)(sizeof flags / sizeof *flags));
    tcase_add_test(test, a_file_that_cannot_be_read_says_why);
    tcase_add_test(test, a_file_over_one_mebibyte_is_refused);
    tcase_add_test(test, nesting_has_a_limit);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
