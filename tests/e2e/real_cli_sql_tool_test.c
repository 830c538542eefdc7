/* SPDX-License-Identifier: Apache-2.0 */
/* The example `sql-tool` with the real CLI: the tools are offered to the model, its use of them is
 * answered from the database, and the policy takes them away. */
#include "support/real_cli.h"
#include "support/sample_database.h"
#include "support/scratch_directory.h"
#include "support/test_modules.h"

#include <stdlib.h>
#include <string.h>

static struct real_cli *cli;
static char *directory;

static void start(int version, const char *variable) {
    static const char *const modules[] = {"sql-tool", NULL};
    const char *const environment[] = {variable, NULL};
    directory = scratch_directory_create();
    char *database = scratch_text("%s/shop.db", directory);
    char *settings = scratch_text("  settings: {sql-tool: {database: %s}}\n", database);
    char *config = modules_config(modules, settings, NULL);
    sample_database_create(database);
    cli = real_cli_start(version, config, environment);
    free(config);
    free(settings);
    free(database);
}

static void teardown(void) {
    real_cli_stop(cli);
    scratch_directory_destroy(directory);
}

#define QUERY(sql) "{'tool':{'name':'mcp__sql-tool__query','input':{'sql':'" sql "'}}}"
#define TOTAL QUERY("SELECT sum(total) AS answer FROM orders")

/* What the model was told, which the stand-in API answers with. */
static char *told(const char *script, const char *fields) {
    return real_cli_text(cli, "How much was ordered?", script, fields);
}

static void assert_denied(const char *fields) {
    char *text = told(TOTAL, fields);
    ck_assert_msg(!strstr(text, "49.5"), "%s: %s", fields, text);
    free(text);
}

START_TEST(the_policy_takes_the_tool_away)
{
    start(_i, NULL);
    assert_denied("{'disallowedTools':['mcp__sql-tool__query']}");
    assert_denied("{'disallowedTools':['*']}");
    assert_denied("{'allowedTools':['Read','mcp__sql-tool__schema']}");
    json_t *request = real_cli_request(cli);
    ck_assert(!real_cli_offers(request, "mcp__sql-tool__query"));
    ck_assert(real_cli_offers(request, "mcp__sql-tool__schema"));
    json_decref(request);
}
END_TEST

START_TEST(the_gateways_policy_takes_the_tool_away)
{
    start(_i, "KOINE_ALLOWED_TOOLS=[\"Read\",\"mcp__sql-tool__schema\"]");
    assert_denied(NULL);
    assert_denied("{'allowedTools':['mcp__sql-tool__schema']}");
}
END_TEST

START_TEST(writing_is_refused_and_explained)
{
    start(_i, NULL);
    char *text = told(QUERY("DELETE FROM orders"), NULL);
    ck_assert_msg(strstr(text, " error: ") && strstr(text, "the database can only be read"), "%s",
                  text);
    free(text);
    text = told(TOTAL, NULL);
    ck_assert_msg(strstr(text, "49.5"), "%s", text);
    free(text);
}
END_TEST

START_TEST(the_model_reads_the_database)
{
    static const char *const fields[] = {"{}", "{'profile':'bare'}",
                                         "{'allowedTools':['mcp__sql-tool__query']}"};
    start(_i, NULL);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char *text = told(TOTAL, fields[i]);
        ck_assert_msg(strstr(text, " ok: ") && strstr(text, "49.5"), "%s: %s", fields[i], text);
        free(text);
        json_t *request = real_cli_request(cli);
        ck_assert(real_cli_offers(request, "mcp__sql-tool__query"));
        json_decref(request);
    }
}
END_TEST

START_TEST(the_model_learns_the_schema)
{
    start(_i, NULL);
    char *text = told("{'tool':{'name':'mcp__sql-tool__schema','input':{}}}", NULL);
    ck_assert_msg(strstr(text, " ok: ") && strstr(text, "CREATE TABLE customers (id INTEGER"), "%s",
                  text);
    free(text);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        the_policy_takes_the_tool_away,   the_gateways_policy_takes_the_tool_away,
        writing_is_refused_and_explained, the_model_reads_the_database,
        the_model_learns_the_schema,
    };
    return real_cli_main("real_cli_sql_tool", teardown, tests, sizeof tests / sizeof *tests);
}
