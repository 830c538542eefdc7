/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module in a test host: without network, CLI or waiting. KOINE_TEST_MODULE names another file
 * than the one in the current folder.
 */
#include <check.h>
#include <koine-test-host.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct koine_test_host *host;

static const char *module_file(void) {
    const char *file = getenv("KOINE_TEST_MODULE");
    return file ? file : "./sql-tool.so";
}

static void start(const char *settings) {
    struct koine_test_error error;
    host = koine_test_host_create(
        &(struct koine_test_options){.module = module_file(), .settings = settings}, &error);
    ck_assert_msg(host != NULL, "%s", error.message);
}

/* Whatever the module did wrong meanwhile (a request it forgot, memory it kept) fails the test. */
static void stop(void) {
    ck_assert_uint_eq(koine_test_host_destroy(host), 0);
    host = NULL;
}

/* A database with two orders. */
static char database[] = "/tmp/koine-sql-tool-XXXXXX";

static void make_database(void) {
    sqlite3 *sqlite = NULL;
    const int fd = mkstemp(database);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(sqlite3_open(database, &sqlite), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(sqlite,
                                  "CREATE TABLE orders (id INTEGER PRIMARY KEY, total REAL);"
                                  "INSERT INTO orders VALUES (1, 12.5), (2, 7.0);",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(sqlite);
}

static void remove_database(void) {
    ck_assert_int_eq(unlink(database), 0);
}

static const char *settings(void) {
    static char text[256];
    snprintf(text, sizeof(text), "{\"database\":\"%s\",\"timeout_ms\":200,\"max_rows\":1}",
             database);
    return text;
}

static void assert_refused(const char *setting, const char *sentence) {
    struct koine_test_error error;
    host = koine_test_host_create(
        &(struct koine_test_options){.module = module_file(), .settings = setting}, &error);
    ck_assert_ptr_null(host);
    ck_assert_msg(strstr(error.message, sentence), "expected %s, got %s", sentence, error.message);
}

START_TEST(settings_that_do_not_fit)
{
    assert_refused("{}", "database");
    assert_refused("{\"database\":\"/nowhere/at-all.db\"}",
                   "modules.settings.sql-tool.database: /nowhere/at-all.db: unable to open");
    assert_refused("{\"database\":\"/etc/passwd\"}", "file is not a database");
    assert_refused("{\"database\":\"x.db\",\"max_rows\":0}", "max_rows");
}
END_TEST

START_TEST(the_model_reads_the_database)
{
    bool is_error = true;
    start(settings());
    const char *schema = koine_test_call_tool(host, "schema", NULL, &is_error);
    ck_assert(schema && strstr(schema, "CREATE TABLE") && !is_error);
    const char *answer =
        koine_test_call_tool(host, "query", "{\"sql\":\"SELECT 6 * 7 AS n\"}", &is_error);
    ck_assert(!is_error);
    ck_assert_str_eq(answer, "{\"columns\":[\"n\"],\"rows\":[\n[42]],\"complete\":true}");
    stop();
}
END_TEST

START_TEST(what_it_may_not_do_is_told_to_the_model)
{
    bool is_error = false;
    start(settings());
    const char *why =
        koine_test_call_tool(host, "query", "{\"sql\":\"CREATE TABLE t (a)\"}", &is_error);
    ck_assert(why && is_error);
    ck_assert_ptr_nonnull(koine_test_call_tool(host, "query", "{\"SQL\":1}", &is_error));
    ck_assert(is_error);
    stop();
}
END_TEST

START_TEST(it_starts_and_ends)
{
    start(settings());
    ck_assert_str_eq(koine_test_module_name(host), "sql-tool");
    ck_assert_ptr_null(koine_test_route(host, 0));
    stop();
}
END_TEST

static void nothing(struct koine_test_host *tested, void *data) {
    (void)data;
    koine_test_advance_ms(tested, 1000);
}

START_TEST(it_survives_every_allocation_that_fails)
{
    /* Its threads have nothing to do: nobody needs to wait for what they post. */
    const struct koine_test_options options = {
        .module = module_file(), .settings = settings(), .thread_wait_ms = 1};
    ck_assert_uint_eq(koine_test_each_allocation(&options, nothing, NULL, NULL), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sql-tool");
    TCase *cases = tcase_create("sql-tool");
    tcase_set_timeout(cases, 60); /* SQLite allocates often */
    tcase_add_unchecked_fixture(cases, make_database, remove_database);
    tcase_add_test(cases, settings_that_do_not_fit);
    tcase_add_test(cases, the_model_reads_the_database);
    tcase_add_test(cases, what_it_may_not_do_is_told_to_the_model);
    tcase_add_test(cases, it_starts_and_ends);
    tcase_add_test(cases, it_survives_every_allocation_that_fails);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
