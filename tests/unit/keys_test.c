/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys: who is let in, with which tools, to which routes and profiles.
 */
#include "policy/keys.h"

#include <check.h>
#include <koine/http.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALICE, BOB, CAROL, KEY_COUNT, LISTS_MAX = 8 };

static char message[512];
static struct config_key configured[KEY_COUNT];
static struct config config;
static struct keys *keys;

static struct test_list {
    char texts[2][32];
    char *items[3];
} lists[LISTS_MAX];
static size_t list_count;

static struct koine_text text(const char *string) {
    return (struct koine_text){string, strlen(string)};
}

/* A list of up to two items, kept until the test ends. */
static struct config_list list(const char *first, const char *second) {
    ck_assert_uint_lt(list_count, LISTS_MAX);
    struct test_list *list = &lists[list_count++];
    struct config_list result = {list->items, 0};
    const char *texts[] = {first, second};
    for (size_t i = 0; i < 2 && texts[i] != NULL; i++) {
        snprintf(list->texts[i], sizeof(list->texts[i]), "%s", texts[i]);
        list->items[result.count++] = list->texts[i];
    }
    return result;
}

static void configure(struct config_key *key, char *name, const char *secret) {
    *key = (struct config_key){.name = name, .max_streaming = -1, .max_nonstreaming = -1};
    SHA256((const unsigned char *)secret, strlen(secret), key->sha256);
}

static void setup(void) {
    static char names[KEY_COUNT][8] = {"alice", "bob", "carol"};
    configure(&configured[ALICE], names[ALICE], "secret-of-alice");
    configure(&configured[BOB], names[BOB], "secret of bob");
    configure(&configured[CAROL], names[CAROL], "secret-of-carol");
    config = (struct config){.keys = configured, .key_count = KEY_COUNT};
    message[0] = '\0';
    memset(lists, 0, sizeof(lists));
    list_count = 0;
}

static void create(void) {
    keys = keys_create(&config, message, sizeof(message));
    ck_assert_msg(keys != NULL, "%s", message);
}

static void teardown(void) {
    keys_destroy(keys);
    keys = NULL;
}

static const char *name_of(const struct key *key) {
    return key != NULL ? key->config->name : "nobody";
}

/* ---- checking -------------------------------------------------------------------------------- */

static const struct bearer {
    const char *header;
    enum key_check expected;
    const char *name;
} bearers[] = {
    {"Bearer secret-of-alice", KEY_OK, "alice"},
    {"Bearer secret-of-carol", KEY_OK, "carol"},
    {"bearer secret-of-alice", KEY_OK, "alice"},
    {"BEARER secret-of-alice", KEY_OK, "alice"},
    {" \tBearer \t secret-of-alice \t", KEY_OK, "alice"},
    {"Bearer secret of bob", KEY_OK, "bob"},
    {"Bearer secret-of-alic", KEY_WRONG, "nobody"},
    {"Bearer secret-of-alice2", KEY_WRONG, "nobody"},
    {"Bearer Secret-of-alice", KEY_WRONG, "nobody"},
    {"Bearer \"secret-of-alice\"", KEY_WRONG, "nobody"},
    {"Bearer x, Bearer secret-of-alice", KEY_WRONG, "nobody"},
    {"", KEY_MISSING, "nobody"},
    {"Bearer", KEY_MISSING, "nobody"},
    {"Bearer ", KEY_MISSING, "nobody"},
    {"Bearersecret-of-alice", KEY_MISSING, "nobody"},
    {"Bearer\nsecret-of-alice", KEY_MISSING, "nobody"},
    {"Basic YWxpY2U6c2VjcmV0", KEY_MISSING, "nobody"},
    {"secret-of-alice", KEY_MISSING, "nobody"},
};

static const struct place {
    uint32_t places;
    const char *authorization, *api_key; /* NULL: absent */
    enum key_check expected;
} places[] = {
    {0, "Bearer secret-of-alice", NULL, KEY_OK},
    {0, NULL, "secret-of-alice", KEY_MISSING},
    {KOINE_KEY_BEARER, NULL, "secret-of-alice", KEY_MISSING},
    {KOINE_KEY_X_API_KEY, NULL, "secret-of-alice", KEY_OK},
    {KOINE_KEY_X_API_KEY, "Bearer secret-of-alice", NULL, KEY_MISSING},
    {KOINE_KEY_BEARER | KOINE_KEY_X_API_KEY, "Bearer secret-of-alice", NULL, KEY_OK},
    {KOINE_KEY_BEARER | KOINE_KEY_X_API_KEY, "Bearer secret-of-alice", "wrong", KEY_WRONG},
};

START_TEST(a_key_is_looked_for_where_the_route_says)
{
    const struct place *place = &places[_i];
    const struct koine_text none = {NULL, 0};
    struct key *key;
    create();
    ck_assert_int_eq(keys_check(keys, place->places,
                                place->authorization ? text(place->authorization) : none,
                                place->api_key ? text(place->api_key) : none, &key),
                     place->expected);
}
END_TEST

START_TEST(a_bearer_header_is_checked)
{
    struct key *key = NULL;
    create();
    ck_assert_int_eq(keys_check_bearer(keys, text(bearers[_i].header), &key), bearers[_i].expected);
    ck_assert_str_eq(name_of(key), bearers[_i].name);
}
END_TEST

START_TEST(without_a_header_the_key_is_missing)
{
    struct key *key = NULL;
    create();
    ck_assert_int_eq(keys_check_bearer(keys, (struct koine_text){NULL, 0}, &key), KEY_MISSING);
    ck_assert_ptr_null(key);
}
END_TEST

START_TEST(a_secret_is_checked_as_it_is)
{
    struct key *key = NULL;
    create();
    ck_assert_int_eq(keys_check_secret(keys, text("secret-of-alice"), &key), KEY_OK);
    ck_assert_str_eq(name_of(key), "alice");
    ck_assert_int_eq(keys_check_secret(keys, text(" secret-of-alice"), &key), KEY_WRONG);
    ck_assert_ptr_null(key);
    ck_assert_int_eq(keys_check_secret(keys, text(""), &key), KEY_MISSING);
}
END_TEST

START_TEST(a_secret_of_the_largest_size_is_checked_a_longer_one_is_wrong)
{
    char secret[KEY_SECRET_MAX_BYTES + 1];
    struct key *key = NULL;
    memset(secret, 'x', sizeof(secret));
    SHA256((const unsigned char *)secret, KEY_SECRET_MAX_BYTES, configured[ALICE].sha256);
    SHA256((const unsigned char *)secret, KEY_SECRET_MAX_BYTES + 1, configured[BOB].sha256);
    create();
    struct koine_text largest = {secret, KEY_SECRET_MAX_BYTES};
    struct koine_text longer = {secret, KEY_SECRET_MAX_BYTES + 1};
    ck_assert_int_eq(keys_check_secret(keys, largest, &key), KEY_OK);
    ck_assert_str_eq(name_of(key), "alice");
    ck_assert_int_eq(keys_check_secret(keys, longer, &key), KEY_WRONG);
}
END_TEST

START_TEST(without_keys_everybody_is_wrong)
{
    struct key *key = NULL;
    config.key_count = 0;
    create();
    ck_assert_uint_eq(keys_count(keys), 0);
    ck_assert_int_eq(keys_check_secret(keys, text("secret-of-alice"), &key), KEY_WRONG);
}
END_TEST

START_TEST(a_key_is_found_by_its_name)
{
    create();
    ck_assert_uint_eq(keys_count(keys), KEY_COUNT);
    ck_assert_str_eq(name_of(keys_find(keys, "bob")), "bob");
    ck_assert_ptr_null(keys_find(keys, "bo"));
}
END_TEST

/* ---- what a key may do ----------------------------------------------------------------------- */

static const struct route {
    const char *path;
    bool allowed;
} routes[] = {
    {"/generate-text", true},
    {"/generate-text/", false},
    {"/generate-tex", false},
    {"/v1/messages", true},
    {"/v1/", true},
    {"/v1", false},
    {"/v10/messages", false},
    {"/stream", false},
    {"", false},
};

START_TEST(a_key_may_use_the_routes_that_it_names)
{
    configured[ALICE].routes = list("/generate-text", "/v1/*");
    create();
    struct koine_text path = text(routes[_i].path);
    ck_assert_int_eq(key_may_use_route(keys_find(keys, "alice"), path), routes[_i].allowed);
    ck_assert(key_may_use_route(keys_find(keys, "bob"), path)); /* names none: may use all */
}
END_TEST

START_TEST(an_empty_list_of_routes_or_profiles_allows_nothing)
{
    configured[ALICE].routes = list(NULL, NULL);
    configured[ALICE].profiles = list(NULL, NULL);
    create();
    ck_assert(!key_may_use_route(keys_find(keys, "alice"), text("/stream")));
    ck_assert(!key_may_use_profile(keys_find(keys, "alice"), text("full")));
}
END_TEST

START_TEST(a_star_alone_allows_every_route)
{
    configured[ALICE].routes = list("*", NULL);
    create();
    ck_assert(key_may_use_route(keys_find(keys, "alice"), text("/stream")));
}
END_TEST

START_TEST(a_key_may_use_the_profiles_that_it_names)
{
    configured[ALICE].profiles = list("bare", NULL);
    create();
    const struct key *alice = keys_find(keys, "alice");
    ck_assert(key_may_use_profile(alice, text("bare")));
    ck_assert(!key_may_use_profile(alice, text("bar")));
    ck_assert(!key_may_use_profile(alice, text("full")));
    ck_assert(!key_may_use_profile(alice, (struct koine_text){NULL, 0}));
    ck_assert(key_may_use_profile(keys_find(keys, "bob"), text("full")));
}
END_TEST

/* ---- tools ----------------------------------------------------------------------------------- */

static enum tool_verdict judge(const char *name, const char *tool) {
    return tool_policy_judge(keys_find(keys, name)->policy, text(tool), NULL);
}

START_TEST(a_key_narrows_what_the_gateway_allows)
{
    config.tools.allowed = list("Read", "Bash");
    config.tools.disallowed = list("Grep", NULL);
    configured[ALICE].allowed_tools = list("Read", "Write");
    configured[BOB].disallowed_tools = list("Bash", NULL);
    create();
    ck_assert_int_eq(judge("alice", "Read"), TOOL_ALLOWED);
    ck_assert_int_eq(judge("alice", "Bash"), TOOL_DENIED);
    ck_assert_int_eq(judge("alice", "Write"), TOOL_DENIED); /* not the gateway's to give */
    ck_assert_int_eq(judge("bob", "Read"), TOOL_ALLOWED);
    ck_assert_int_eq(judge("bob", "Bash"), TOOL_DENIED);
    ck_assert_int_eq(judge("carol", "Bash"), TOOL_ALLOWED);
    ck_assert_int_eq(judge("carol", "Grep"), TOOL_DENIED);
}
END_TEST

START_TEST(without_any_list_the_clis_default_holds)
{
    create();
    ck_assert(!tool_policy_has_allow_list(keys_find(keys, "alice")->policy));
    ck_assert_int_eq(judge("alice", "Bash"), TOOL_UNCERTAIN);
}
END_TEST

START_TEST(an_empty_allow_list_leaves_a_key_without_tools)
{
    config.tools.allowed = list(NULL, NULL);
    create();
    ck_assert(tool_policy_denies_all(keys_find(keys, "alice")->policy));
}
END_TEST

static void assert_refused(const char *start) {
    ck_assert_ptr_null(keys_create(&config, message, sizeof(message)));
    ck_assert_msg(strncmp(message, start, strlen(start)) == 0, "\"%s\" begins otherwise", message);
    ck_assert_uint_gt(strlen(message), strlen(start)); /* and says why */
}

START_TEST(a_bad_rule_of_the_gateway_is_named)
{
    config.tools.allowed = list("Read", "Bash(");
    assert_refused("tools.allowed[1]: ");
}
END_TEST

START_TEST(a_bad_rule_of_a_key_is_named)
{
    configured[BOB].disallowed_tools = list("Bash(", NULL);
    assert_refused("key \"bob\": disallowed_tools[0]: ");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("keys");
    TCase *all = tcase_create("keys");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_loop_test(all, a_key_is_looked_for_where_the_route_says, 0,
                        sizeof(places) / sizeof(places[0]));
    tcase_add_loop_test(all, a_bearer_header_is_checked, 0, sizeof(bearers) / sizeof(bearers[0]));
    tcase_add_test(all, without_a_header_the_key_is_missing);
    tcase_add_test(all, a_secret_is_checked_as_it_is);
    tcase_add_test(all, a_secret_of_the_largest_size_is_checked_a_longer_one_is_wrong);
    tcase_add_test(all, without_keys_everybody_is_wrong);
    tcase_add_test(all, a_key_is_found_by_its_name);
    tcase_add_loop_test(all, a_key_may_use_the_routes_that_it_names, 0,
                        sizeof(routes) / sizeof(routes[0]));
    tcase_add_test(all, an_empty_list_of_routes_or_profiles_allows_nothing);
    tcase_add_test(all, a_star_alone_allows_every_route);
    tcase_add_test(all, a_key_may_use_the_profiles_that_it_names);
    tcase_add_test(all, a_key_narrows_what_the_gateway_allows);
    tcase_add_test(all, without_any_list_the_clis_default_holds);
    tcase_add_test(all, an_empty_allow_list_leaves_a_key_without_tools);
    tcase_add_test(all, a_bad_rule_of_the_gateway_is_named);
    tcase_add_test(all, a_bad_rule_of_a_key_is_named);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
