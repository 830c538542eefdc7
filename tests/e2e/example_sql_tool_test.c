/* SPDX-License-Identifier: Apache-2.0 */
/* The example `sql-tool` in a gateway: what the model cannot do with it, limits, policy, and what
 * it is told. The model is the stand-in CLI; with the real one: real_cli_sql_tool_test.c. */
#include "support/process_table.h"
#include "support/sample_database.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TIMEOUT_MS = 200 };

#define ENDLESS "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "

static struct gateway *gateway;
static char *directory, *database;

/* /stream tells whether a tool has failed. The caller frees. */
static char *stream_module(void) {
    char *binary = gateway_binary();
    *strrchr(binary, '/') = '\0';
    char *path = scratch_text("%s/modules/stream.so", binary);
    free(binary);
    return path;
}

static void start(const char *more, const char *variable) {
    char *stream = stream_module();
    const char *const modules[] = {stream, "sql-tool", NULL};
    const char *const environment[] = {variable, NULL};
    char *settings = scratch_text("%s  settings: {sql-tool: {database: %s, timeout_ms: %d, "
                                  "max_rows: 5, max_bytes: 2000}}\n",
                                  more ? more : "", database, TIMEOUT_MS);
    gateway_stop(gateway);
    gateway = NULL;
    gateway = modules_start(modules, settings, NULL, environment);
    free(stream);
    free(settings);
}

static void setup(void) {
    directory = scratch_directory_create();
    database = scratch_text("%s/shop.db", directory);
    sample_database_create(database);
    start(NULL, NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
    free(database);
    scratch_directory_destroy(directory);
}

/* ---- what the model is told */

struct told {
    char *text;
    bool is_error;
};

/* The model uses the tool with this input; `fields` of the request, NULL: none. */
static struct told use(const char *tool, json_t *input, const char *fields) {
    json_t *scenario = json_pack("{s:{s:s,s:s,s:o}}", "call_host_tool", "server", "sql-tool",
                                 "name", tool, "arguments", input);
    json_t *body = fields ? quoted_json(fields) : json_object();
    char *text = json_dumps(scenario, 0);
    json_object_set_new(body, "prompt", json_sprintf("standin:%s", text));
    json_object_set_new(body, "events", json_pack("[s]", "tool"));
    struct sse_stream *stream = sse_open_stream(gateway, "/stream", body);
    struct sse_recording recording = sse_read_all(stream);
    struct told told = {.text = strdup(recording.text)};
    for (size_t i = 0; i < recording.count; i++)
        if (json_is_true(json_object_get(recording.events[i].json, "isError")))
            told.is_error = true;
    sse_recording_finish(&recording);
    sse_stream_close(stream);
    free(text);
    json_decref(scenario);
    return told;
}

static struct told query(const char *sql) {
    return use("query", json_pack("{s:s}", "sql", sql), NULL);
}

static void assert_fails(const char *sql, const char *why) {
    struct told told = query(sql);
    ck_assert_msg(told.is_error, "%s was run and answered: %s", sql, told.text);
    ck_assert_msg(strstr(told.text, why), "%s: expected: %s\ntold: %s", sql, why, told.text);
    free(told.text);
}

static void assert_gives(const char *sql, const char *result) {
    struct told told = query(sql);
    ck_assert_msg(!told.is_error, "%s: %s", sql, told.text);
    ck_assert_str_eq(told.text, result);
    free(told.text);
}

/* ---- what it cannot do */

/* Every byte of the file. */
static char *read_database(size_t *size) {
    struct stat status;
    FILE *file = fopen(database, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fstat(fileno(file), &status), 0);
    *size = (size_t)status.st_size;
    ck_assert_uint_gt(*size, 4096);
    char *bytes = malloc(*size);
    ck_assert_uint_eq(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

START_TEST(nothing_is_written)
{
    static const char *const statements[] = {
        "INSERT INTO customers VALUES (3, 'Eve', 'Rome')",
        "INSERT INTO customers VALUES (3, 'Eve', 'Rome') RETURNING id",
        "REPLACE INTO customers VALUES (1, 'Eve', 'Rome')",
        "UPDATE orders SET total = 0",
        "DELETE FROM orders",
        "WITH x AS (SELECT 1) DELETE FROM orders",
        "DROP TABLE orders",
        "CREATE TABLE loot (a)",
        "CREATE TEMP TABLE loot (a)",
        "CREATE VIEW loot AS SELECT 1",
        "CREATE TRIGGER loot AFTER INSERT ON orders BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE loot USING fts5(a)",
        "ALTER TABLE orders ADD COLUMN loot",
        "CREATE INDEX loot ON orders (total)",
        "BEGIN",
        "BEGIN EXCLUSIVE",
        "SAVEPOINT loot",
        "COMMIT",
        "REINDEX",
        "ANALYZE",
        "DETACH main",
        "PRAGMA writable_schema = 1",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA query_only = 0",
        "PRAGMA user_version = 7",
        "PRAGMA wal_checkpoint",
        "PRAGMA temp_store_directory = '/tmp'",
        "EXPLAIN DELETE FROM orders",
    };
    size_t size_before, size_after;
    char *before = read_database(&size_before);
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        assert_fails(statements[i], "");
    char *after = read_database(&size_after);
    ck_assert_uint_eq(size_after, size_before);
    ck_assert_mem_eq(after, before, size_before);
    free(after);
    free(before);
    assert_gives("SELECT count(*) FROM orders",
                 "{\"columns\":[\"count(*)\"],\"rows\":[\n[3]],\"complete\":true}");
}
END_TEST

START_TEST(no_other_file_is_reached)
{
    char *loot = scratch_text("%s/loot", directory);
    char *statements[] = {
        scratch_text("ATTACH '%s' AS loot", loot),
        scratch_text("VACUUM INTO '%s'", loot),
        scratch_text("SELECT writefile('%s', 'x')", loot),
        scratch_text("SELECT readfile('/etc/passwd')"),
        scratch_text("SELECT load_extension('%s')", loot),
        scratch_text("SELECT fts3_tokenizer('simple')"),
        scratch_text("SELECT * FROM pragma_database_list"),
        scratch_text("SELECT * FROM pragma_table_info('orders')"),
        scratch_text("PRAGMA database_list"),
    };
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        assert_fails(statements[i], "");
        free(statements[i]);
    }
    ck_assert_int_ne(access(loot, F_OK), 0);
    free(loot);
}
END_TEST

START_TEST(one_statement_alone)
{
    assert_fails("SELECT 1; SELECT 2", "There is more than one statement.");
    assert_fails("SELECT 1; DROP TABLE orders", "There is more than one statement.");
    assert_fails("", "There is no statement.");
    assert_fails("-- nothing", "There is no statement.");
    assert_fails(" ; ", "There is no statement.");
    assert_gives("SELECT 1 ;\n ", "{\"columns\":[\"1\"],\"rows\":[\n[1]],\"complete\":true}");
}
END_TEST

START_TEST(mistakes_are_explained)
{
    assert_fails("SELEKT 1", "near \"SELEKT\": syntax error. The tool `schema` tells");
    assert_fails("SELECT * FROM order", "syntax error");
    assert_fails("SELECT nmae FROM customers", "no such column: nmae. The tool `schema` tells");
    assert_fails("SELECT * FROM clients", "no such table: clients. The tool `schema` tells");
    assert_fails("DROP TABLE orders", "the database can only be read. Write one SELECT");
    assert_fails("SELECT * FROM pragma_table_list", "without PRAGMA and virtual tables");
}
END_TEST

START_TEST(an_input_that_is_none)
{
    json_t *inputs[] = {json_object(), json_pack("{s:i}", "sql", 3), json_pack("{s:n}", "sql"),
                        json_pack("{s:s}", "query", "SELECT 1")};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        struct told told = use("query", inputs[i], NULL);
        ck_assert_msg(told.is_error && strstr(told.text, "member sql"), "%s", told.text);
        free(told.text);
    }
}
END_TEST

/* ---- limits */

START_TEST(a_query_that_takes_too_long)
{
    assert_fails(ENDLESS "SELECT max(i) FROM n", "The query was stopped after 200 ms. Read less");
    assert_fails("SELECT count(*) FROM orders a, orders b, orders c, orders d, orders e, orders f, "
                 "orders g, orders h, orders i, orders j, orders k, orders l, orders m, orders n, "
                 "orders o, orders p",
                 "The query was stopped");
    assert_gives("SELECT 1", "{\"columns\":[\"1\"],\"rows\":[\n[1]],\"complete\":true}");
}
END_TEST

START_TEST(rows_and_bytes_are_bounded)
{
    assert_gives(
        ENDLESS "SELECT i FROM n",
        "{\"columns\":[\"i\"],\"rows\":[\n[1],\n[2],\n[3],\n[4],\n[5]],\"complete\":false}");
    assert_gives("SELECT id FROM orders LIMIT 5",
                 "{\"columns\":[\"id\"],\"rows\":[\n[10],\n[11],\n[12]],\"complete\":true}");
    struct told told = query(ENDLESS "SELECT printf('%.1500c', 'x') FROM n");
    ck_assert_msg(!told.is_error && strstr(told.text, "\"complete\":false"), "%s", told.text);
    ck_assert_uint_lt(strlen(told.text), 2 * 1500 + 100);
    free(told.text);
}
END_TEST

START_TEST(a_value_that_is_too_large)
{
    assert_fails("SELECT hex(zeroblob(40000))", "too large");
    assert_fails("SELECT trim('aba', 'a')", "trim() takes no set of characters here");
    assert_gives("SELECT trim(' a ') AS a",
                 "{\"columns\":[\"a\"],\"rows\":[\n[\"a\"]],\"complete\":true}");
    sample_database_change(database, "CREATE TABLE files (id INTEGER, bytes BLOB);"
                                     "INSERT INTO files VALUES (7, zeroblob(100000))");
    assert_gives("SELECT id FROM files",
                 "{\"columns\":[\"id\"],\"rows\":[\n[7]],\"complete\":true}");
    assert_fails("SELECT bytes FROM files", "too large");
    assert_fails("SELECT zeroblob(1000000000)", "too large");
}
END_TEST

START_TEST(a_writer_is_waited_for_but_not_for_ever)
{
    struct sqlite3 *lock = sample_database_lock(database);
    assert_fails("SELECT 1 FROM orders", "The query was stopped after 200 ms");
    sample_database_unlock(lock);
    assert_gives("SELECT 1 FROM orders WHERE id = 10",
                 "{\"columns\":[\"1\"],\"rows\":[\n[1]],\"complete\":true}");
}
END_TEST

static size_t occurrences(const char *text, const char *part) {
    size_t count = 0;
    for (; (text = strstr(text, part)); text++)
        count++;
    return count;
}

START_TEST(too_many_queries_at_a_time)
{
    enum { CALLS = 50, AT_A_TIME = 34 };
    json_t *calls = json_array();
    for (int i = 0; i < CALLS; i++)
        json_array_append_new(calls,
                              json_pack("{s:s,s:s,s:{s:s}}", "server", "sql-tool", "name", "query",
                                        "arguments", "sql", ENDLESS "SELECT max(i) FROM n"));
    json_t *scenario = json_pack("{s:o}", "call_host_tool", calls);
    char *text = json_dumps(scenario, 0);
    struct http_response answer = http_post(
        gateway, "/generate-text", json_pack("{s:o}", "prompt", json_sprintf("standin:%s", text)));
    http_assert_status(&answer, 200);
    const char *told = http_string(&answer, "text");
    size_t refused = occurrences(told, "Too many queries"), run = occurrences(told, "was stopped");
    ck_assert_uint_eq(refused + run, CALLS);
    ck_assert_uint_ge(run, AT_A_TIME); /* one that has ended makes room for another */
    ck_assert_uint_gt(refused, 0);
    http_response_finish(&answer);
    free(text);
    json_decref(scenario);
}
END_TEST

static struct raw_client *begin_endless(void) {
    return begin_unread(gateway, scenario_body("{'call_host_tool':{'server':'sql-tool','name':"
                                               "'query','arguments':{'sql':'" ENDLESS
                                               "SELECT max(i) FROM n'}}}",
                                               NULL));
}

START_TEST(a_client_that_leaves_amid_a_query)
{
    struct raw_client *client = begin_endless();
    await_active_slots(gateway, 1, 5000);
    raw_close(client);
    await_active_slots(gateway, 0, 5000);
    assert_gives("SELECT 1", "{\"columns\":[\"1\"],\"rows\":[\n[1]],\"complete\":true}");
}
END_TEST

START_TEST(a_gateway_that_stops_amid_a_query)
{
    struct raw_client *client = begin_endless();
    await_active_slots(gateway, 1, 5000);
    gateway_terminate(gateway);
    struct raw_answer answer = raw_receive(client, false);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "was stopped after"));
    raw_answer_finish(&answer);
    raw_close(client);
    gateway_join(gateway); /* asserts that it ends with 0 */
    gateway = NULL;
}
END_TEST

/* ---- policy */

static void assert_offered(const char *fields, bool offered) {
    struct told told = use("query", json_pack("{s:s}", "sql", "SELECT 'found' AS it"), fields);
    bool found = strstr(told.text, "found") != NULL;
    ck_assert_msg(found == offered, "%s: %s", fields, told.text);
    free(told.text);
}

START_TEST(lists_of_the_request)
{
    assert_offered("{}", true);
    assert_offered("{'allowedTools':['mcp__sql-tool__query']}", true);
    assert_offered("{'allowedTools':['mcp__sql-tool']}", true);
    assert_offered("{'allowedTools':['Read','mcp__sql-tool__schema']}", false);
    assert_offered("{'disallowedTools':['mcp__sql-tool__query']}", false);
    assert_offered("{'disallowedTools':['mcp__sql-tool']}", false);
    assert_offered("{'disallowedTools':['*']}", false);
    assert_offered("{'disallowedTools':['mcp__sql-tool__schema']}", true);
}
END_TEST

START_TEST(lists_of_the_gateway)
{
    start(NULL, "KOINE_DISALLOWED_TOOLS=[\"mcp__sql-tool__query\"]");
    assert_offered("{}", false);
    assert_offered("{'allowedTools':['mcp__sql-tool']}", false);
    start(NULL, "KOINE_ALLOWED_TOOLS=[\"Read\"]");
    assert_offered("{}", false);
    start(NULL, "KOINE_ALLOWED_TOOLS=[\"Read\",\"mcp__sql-tool__query\"]");
    assert_offered("{}", true);
    assert_offered("{'allowedTools':['Read']}", false);
}
END_TEST

/* ---- settings */

START_TEST(a_file_that_is_no_database)
{
    char *text = scratch_text("%s/notes.txt", directory);
    scratch_write(text, "This is a text of more than a hundred bytes, which no program should "
                        "take for a database, however much it wants one.\n");
    const char *const paths[] = {"/nowhere/at-all.db", text, directory};
    static const char *const reasons[] = {"unable to open database file", "file is not a database",
                                          "disk I/O error"};
    for (size_t i = 0; i < 3; i++) {
        free(database);
        database = strdup(paths[i]);
        start("  on_error: continue\n", NULL);
        char *sentence =
            scratch_text("modules.settings.sql-tool.database: %s: %s", paths[i], reasons[i]);
        char *log = gateway_log(gateway);
        ck_assert_msg(strstr(log, sentence), "%s is not in\n%s", sentence, log);
        free(log);
        free(sentence);
    }
    free(text);
}
END_TEST

/* ---- what it tells */

START_TEST(the_schema)
{
    struct told told = use("schema", json_object(), NULL);
    ck_assert(!told.is_error);
    ck_assert_str_eq(
        told.text,
        "CREATE VIEW big_orders AS SELECT * FROM orders WHERE total > 10;\n"
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT);\n"
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers, "
        "total REAL);\n");
    free(told.text);
    sample_database_change(database,
                           "DROP VIEW big_orders; DROP TABLE orders; DROP TABLE customers");
    told = use("schema", json_object(), NULL);
    ck_assert_str_eq(told.text, "The database has no tables.");
    free(told.text);
}
END_TEST

START_TEST(rows_of_every_type)
{
    assert_gives("SELECT name, sum(total) AS total FROM customers JOIN orders "
                 "ON customers.id = orders.customer GROUP BY name ORDER BY name",
                 "{\"columns\":[\"name\",\"total\"],\"rows\":[\n[\"Ada\",19.5],\n"
                 "[\"Grace\",30.0]],\"complete\":true}");
    assert_gives("SELECT NULL AS a, 9223372036854775807 AS b, 'say \"h\u00e9\"' AS c, "
                 "x'00ff' AS d, 9e999 AS e, CAST(x'ff' AS TEXT) AS f",
                 "{\"columns\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"],\"rows\":[\n"
                 "[null,9223372036854775807,\"say \\\"h\u00e9\\\"\",\"(2 bytes)\",\"infinite\","
                 "\"(1 bytes)\"]],\"complete\":true}");
    assert_gives("SELECT id FROM big_orders WHERE id > 99",
                 "{\"columns\":[\"id\"],\"rows\":[],\"complete\":true}");
}
END_TEST

START_TEST(changes_of_the_owner_are_seen)
{
    sample_database_change(database, "INSERT INTO customers VALUES (3, 'Edsger', 'Nuenen')");
    assert_gives("SELECT name FROM customers WHERE id = 3",
                 "{\"columns\":[\"name\"],\"rows\":[\n[\"Edsger\"]],\"complete\":true}");
    ck_assert_int_eq(unlink(database), 0);
    assert_fails("SELECT 1", "unable to open database file");
    sample_database_create(database);
    assert_gives("SELECT count(*) FROM customers",
                 "{\"columns\":[\"count(*)\"],\"rows\":[\n[2]],\"complete\":true}");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        nothing_is_written,
        no_other_file_is_reached,
        one_statement_alone,
        mistakes_are_explained,
        an_input_that_is_none,
        a_query_that_takes_too_long,
        rows_and_bytes_are_bounded,
        a_value_that_is_too_large,
        a_writer_is_waited_for_but_not_for_ever,
        too_many_queries_at_a_time,
        a_client_that_leaves_amid_a_query,
        a_gateway_that_stops_amid_a_query,
        lists_of_the_request,
        lists_of_the_gateway,
        a_file_that_is_no_database,
        the_schema,
        rows_of_every_type,
        changes_of_the_owner_are_seen,
    };
    return test_main("example_sql_tool", setup, teardown, tests, sizeof tests / sizeof *tests);
}
