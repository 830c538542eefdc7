/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Environment variables: what they override, what they default, and how mistakes are reported.
 */
#include "unit/config_fixture.h"

/* Home and key, then more variables. */
#define WITH(...) ENVIRONMENT(HOME, API_KEY, __VA_ARGS__)

static const char *hex(const unsigned char hash[32]) {
    static char text[65];
    for (int i = 0; i < 32; i++) {
        snprintf(text + (size_t)i * 2, 3, "%02x", hash[i]);
    }
    return text;
}

START_TEST(the_key_becomes_the_one_named_default)
{
    load("");
    ck_assert_uint_eq(config->key_count, 1);
    ck_assert_str_eq(config->keys[0].name, "default");
    ck_assert_int_eq(config->keys[0].max_streaming, -1);
    /* printf %s an-api-key-for-tests | sha256sum */
    ck_assert_str_eq(hex(config->keys[0].sha256),
                     "81b27a564ef118ab4159c30bf6da978ec51247545c20f376e48d19bf54a226d1");
}
END_TEST

START_TEST(the_key_replaces_the_hash_of_a_default_in_the_file)
{
    load("keys: [{name: default, sha256: " HASH_A ", routes: [/generate-text]}]\n");
    ck_assert_uint_eq(config->key_count, 1);
    ck_assert_uint_ne(config->keys[0].sha256[0], 0xaa);
    ck_assert_str_eq(config->keys[0].routes.items[0], "/generate-text");
}
END_TEST

START_TEST(the_key_must_differ_from_the_file_s)
{
    char yaml[256];
    load("");
    snprintf(yaml, sizeof yaml, "keys: [{name: other, sha256: %s}]\n", hex(config->keys[0].sha256));
    refuse(yaml, "CLAUDE_CODE_GATEWAY_API_KEY: the same key as keys[0] (\"other\")");
}
END_TEST

START_TEST(without_any_key_it_says_how_to_make_one)
{
    static const char *const hints[] = {"CLAUDE_CODE_GATEWAY_API_KEY=$(openssl rand -hex 32)",
                                        "sha256sum", "keys:", "- name: default"};
    refuse_with("", ENVIRONMENT(HOME), "no API key is configured");
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        ck_assert_msg(strstr(error.message, hints[i]) != NULL, "said: %s", error.message);
    }
    refuse_with("", ENVIRONMENT(HOME, "CLAUDE_CODE_GATEWAY_API_KEY="), "no API key is configured");
    ck_assert_ptr_null(config_load(NULL, NULL, &error)); /* no environment at all */
}
END_TEST

START_TEST(a_key_in_the_file_is_enough)
{
    load_with("keys: [{name: ci, sha256: " HASH_A "}]\n", ENVIRONMENT(HOME));
    ck_assert_uint_eq(config->key_count, 1);
}
END_TEST

static const char *const weak_keys[] = {"fifteen-letters", "sixteen letters!!", "sixteen-\tletters",
                                        "sixteen-l\xc3\xa9tters"};

START_TEST(a_weak_key_is_refused_and_not_shown)
{
    char variable[128];
    snprintf(variable, sizeof variable, "CLAUDE_CODE_GATEWAY_API_KEY=%s", weak_keys[_i]);
    refuse_with("", ENVIRONMENT(HOME, variable),
                "CLAUDE_CODE_GATEWAY_API_KEY: not fit for a key (it is not shown)");
    ck_assert_ptr_null(strstr(error.message, weak_keys[_i]));
}
END_TEST

START_TEST(sixteen_characters_are_enough)
{
    load_with("", ENVIRONMENT(HOME, "CLAUDE_CODE_GATEWAY_API_KEY=0123456789abcdef"));
    ck_assert_uint_eq(config->key_count, 1);
}
END_TEST

START_TEST(gateway_port_wins_over_port_and_both_over_the_file)
{
    load_with("listen: 0.0.0.0:1\n", WITH("PORT=2"));
    ck_assert_uint_eq(config->listen_port, 2);
    ck_assert_str_eq(config->listen_host, "0.0.0.0");
    load_with("listen: 0.0.0.0:1\n", WITH("PORT=2", "GATEWAY_PORT=3"));
    ck_assert_uint_eq(config->listen_port, 3);
    load_with("", WITH("GATEWAY_PORT=", "PORT=2"));
    ck_assert_uint_eq(config->listen_port, 2);
}
END_TEST

START_TEST(slots_are_overridden)
{
    load_with("slots: {streaming: 9, nonstreaming: 9}\n",
              WITH("KOINE_MAX_STREAMING_CONCURRENT=0", "KOINE_MAX_NONSTREAMING_CONCURRENT=100000"));
    ck_assert_uint_eq(config->slots.streaming, 0);
    ck_assert_uint_eq(config->slots.nonstreaming, 100000);
}
END_TEST

START_TEST(tools_are_overridden)
{
    load_with("tools: {allowed: [Write], disallowed: [Edit]}\n",
              WITH("KOINE_ALLOWED_TOOLS=[\"Read\",\"Bash(git:*)\"]"));
    ck_assert_uint_eq(config->tools.allowed.count, 2);
    ck_assert_str_eq(config->tools.allowed.items[1], "Bash(git:*)");
    ck_assert_str_eq(config->tools.disallowed.items[0], "Edit");
}
END_TEST

START_TEST(an_empty_tool_list_allows_nothing_an_empty_variable_says_nothing)
{
    load_with("", WITH("KOINE_ALLOWED_TOOLS=[]"));
    ck_assert_ptr_nonnull(config->tools.allowed.items);
    ck_assert_uint_eq(config->tools.allowed.count, 0);
    load_with("", WITH("KOINE_ALLOWED_TOOLS="));
    ck_assert_ptr_null(config->tools.allowed.items);
}
END_TEST

static const struct {
    const char *variable;
    const char *expected;
} mistakes[] = {
    {"GATEWAY_PORT=tcp://10.0.0.1:80", "GATEWAY_PORT: found \"tcp://10.0.0.1:80\", expected an "
                                       "integer from 0 to 65535"},
    {"PORT=65536", "PORT: found \"65536\""},
    {"PORT= 80", "PORT: found \" 80\""},
    {"KOINE_MAX_STREAMING_CONCURRENT=-1", "KOINE_MAX_STREAMING_CONCURRENT: found \"-1\""},
    {"KOINE_MAX_STREAMING_CONCURRENT=3.5", "expected an integer from 0 to 100000"},
    {"KOINE_MAX_NONSTREAMING_CONCURRENT=100001", "KOINE_MAX_NONSTREAMING_CONCURRENT: found"},
    {"KOINE_ALLOWED_TOOLS=Read", "KOINE_ALLOWED_TOOLS: found \"Read\", expected a JSON array"},
    {"KOINE_ALLOWED_TOOLS={}", "KOINE_ALLOWED_TOOLS: found \"{}\", expected a JSON array"},
    {"KOINE_ALLOWED_TOOLS=[\"Read\"", "KOINE_ALLOWED_TOOLS: found"},
    {"KOINE_ALLOWED_TOOLS=[1]", "KOINE_ALLOWED_TOOLS: entry 1 is not a string"},
    {"KOINE_DISALLOWED_TOOLS=[\"Read\",null]", "KOINE_DISALLOWED_TOOLS: entry 2 is not a string"},
    {"KOINE_DISALLOWED_TOOLS=[\"Read\",\"Bash(\"]", "KOINE_DISALLOWED_TOOLS[1]: "},
};

START_TEST(a_mistake_names_the_variable)
{ refuse_with("", WITH(mistakes[_i].variable), mistakes[_i].expected); }
END_TEST

static const struct {
    const char *first;
    const char *second;
    const char *directory;
} states[] = {
    {"HOME=/h", "XDG_STATE_HOME=", "/h/.local/state/koine-gateway"},
    {"HOME=/h", "XDG_STATE_HOME=/x", "/x/koine-gateway"},
    {"HOME=/h", "XDG_STATE_HOME=relative", "/h/.local/state/koine-gateway"},
    {"HOME=/h", "STATE_DIRECTORY=/var/lib/a:/var/lib/b", "/var/lib/a"},
};

START_TEST(the_state_directory_has_a_default)
{
    load_with("", ENVIRONMENT(API_KEY, states[_i].first, states[_i].second));
    ck_assert_str_eq(config->state_directory, states[_i].directory);
}
END_TEST

START_TEST(the_file_s_state_directory_wins)
{
    load_with("state_directory: /mine\n", WITH("STATE_DIRECTORY=/var/lib/a"));
    ck_assert_str_eq(config->state_directory, "/mine");
}
END_TEST

START_TEST(without_any_state_directory_it_names_the_key)
{ refuse_with("", ENVIRONMENT(API_KEY), "state_directory: not given, and none of"); }
END_TEST

#define LOOP(test, function, cases)                                                                \
    tcase_add_loop_test(test, function, 0, (int)(sizeof(cases) / sizeof *(cases)))

int main(void) {
    Suite *suite = suite_create("config_environment");
    TCase *test = tcase_create("variables");
    tcase_add_checked_fixture(test, fixture_begin, fixture_end);
    tcase_add_test(test, the_key_becomes_the_one_named_default);
    tcase_add_test(test, the_key_replaces_the_hash_of_a_default_in_the_file);
    tcase_add_test(test, the_key_must_differ_from_the_file_s);
    tcase_add_test(test, without_any_key_it_says_how_to_make_one);
    tcase_add_test(test, a_key_in_the_file_is_enough);
    LOOP(test, a_weak_key_is_refused_and_not_shown, weak_keys);
    tcase_add_test(test, sixteen_characters_are_enough);
    tcase_add_test(test, gateway_port_wins_over_port_and_both_over_the_file);
    tcase_add_test(test, slots_are_overridden);
    tcase_add_test(test, tools_are_overridden);
    tcase_add_test(test, an_empty_tool_list_allows_nothing_an_empty_variable_says_nothing);
    LOOP(test, a_mistake_names_the_variable, mistakes);
    LOOP(test, the_state_directory_has_a_default, states);
    tcase_add_test(test, the_file_s_state_directory_wins);
    tcase_add_test(test, without_any_state_directory_it_names_the_key);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
