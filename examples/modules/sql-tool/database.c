/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whoever writes the SQL is not trusted. Four walls, each of which would do: the file is opened for
 * reading, an authorizer lets nothing but reading pass when a statement is compiled, only one
 * statement that SQLite itself calls read-only is run, and limits end what takes too much.
 * A connection serves one query: it needs no lock, and sees a file that was put in place of
 * another.
 */
#include "database.h"
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    LARGEST_VALUE_BYTES = 64 * 1024,
    LONGEST_STATEMENT_BYTES = 8 * 1024,
    LONGEST_PATTERN_BYTES = 1000, /* of LIKE and GLOB */
    LONGEST_MESSAGE_BYTES = DATABASE_REASON_BYTES - 128,
    STEPS_BETWEEN_LOOKS = 100, /* of SQLite's virtual machine */
};

struct connection {
    const struct database *database;
    sqlite3 *sqlite;
    uint64_t deadline_ms;
    bool too_late;
};

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- walls */

/* SQLite's own functions only compute; these reach out of the database. The library does not load
 * the last three by itself; a build that does gains nothing by it. */
static bool is_forbidden_function(const char *name) {
    static const char *const forbidden[] = {"load_extension", "fts3_tokenizer", "readfile",
                                            "writefile", "edit"};
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++)
        if (sqlite3_stricmp(name, forbidden[i]) == 0)
            return true;
    return false;
}

static int authorize(void *data, int action, const char *first, const char *second,
                     const char *database, const char *trigger) {
    (void)data;
    (void)first;
    (void)database;
    (void)trigger;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return second && !is_forbidden_function(second) ? SQLITE_OK : SQLITE_DENY;
    default: /* writes, PRAGMA, ATTACH, transactions, virtual tables, whatever comes later */
        return SQLITE_DENY;
    }
}

/* SQLite looks at the clock in loops, not amid a row, so what a row can take must be bounded: by
 * the size of values and statements, and by going without the slowest functions. */
static void refuse_slow_function(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    (void)values;
    sqlite3_result_error(context, "trim() takes no set of characters here: use replace()", -1);
}

static void replace_slow_functions(sqlite3 *sqlite) {
    static const char *const slow[] = {"trim", "ltrim", "rtrim"};
    for (size_t i = 0; i < sizeof(slow) / sizeof(*slow); i++)
        sqlite3_create_function(sqlite, slow[i], 2, SQLITE_UTF8, NULL, refuse_slow_function, NULL,
                                NULL);
}

/* Not 0: stop. */
static int look_at_clock(void *data) {
    struct connection *connection = data;
    connection->too_late = now_ms() >= connection->deadline_ms;
    return connection->too_late;
}

/* A writer holds the file: wait, but not past the deadline. */
static int wait_for_writer(void *data, int attempts) {
    const struct connection *connection = data;
    if (now_ms() >= connection->deadline_ms)
        return 0;
    sqlite3_sleep(attempts < 10 ? 1 : 10);
    return 1;
}

static void build_walls(struct connection *connection) {
    sqlite3 *sqlite = connection->sqlite;
    sqlite3_db_config(sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(sqlite, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_limit(sqlite, SQLITE_LIMIT_LENGTH, LARGEST_VALUE_BYTES);
    sqlite3_limit(sqlite, SQLITE_LIMIT_SQL_LENGTH, LONGEST_STATEMENT_BYTES);
    sqlite3_limit(sqlite, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, LONGEST_PATTERN_BYTES);
    sqlite3_limit(sqlite, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(sqlite, SQLITE_LIMIT_WORKER_THREADS, 0);
    replace_slow_functions(sqlite);
    sqlite3_busy_handler(sqlite, wait_for_writer, connection);
    sqlite3_progress_handler(sqlite, STEPS_BETWEEN_LOOKS, look_at_clock, connection);
    sqlite3_set_authorizer(sqlite, authorize, NULL);
}

/* ---- what went wrong, for the model */

/* SQLite shows the statement near the fault, cut where it likes. */
static const char *message_of(const struct connection *connection) {
    const char *message = sqlite3_errmsg(connection->sqlite);
    return strlen(message) <= LONGEST_MESSAGE_BYTES ? message : "The statement cannot be compiled";
}

static bool explain(const struct connection *connection, char *reason) {
    const char *message = message_of(connection);
    const int code = sqlite3_errcode(connection->sqlite);
    if (connection->too_late || code == SQLITE_BUSY)
        snprintf(reason, DATABASE_REASON_BYTES,
                 "The query was stopped after %u ms. Read less: fewer joins, a WHERE that an index "
                 "serves, or a LIMIT.",
                 connection->database->timeout_ms);
    else if (code == SQLITE_AUTH || strstr(message, "not authorized"))
        snprintf(reason, DATABASE_REASON_BYTES,
                 "%s: the database can only be read. Write one SELECT over its tables and views, "
                 "without PRAGMA and virtual tables.",
                 message);
    else if (code == SQLITE_TOOBIG)
        snprintf(reason, DATABASE_REASON_BYTES,
                 "A value or the statement is too large. Select parts of it, with substr().");
    else
        snprintf(reason, DATABASE_REASON_BYTES,
                 "%s. The tool `schema` tells the names of all tables and columns.", message);
    return false;
}

static bool say(char *reason, const char *sentence) {
    snprintf(reason, DATABASE_REASON_BYTES, "%s", sentence);
    return false;
}

/* ---- one statement */

static bool open_connection(struct connection *connection, char *reason) {
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    connection->deadline_ms = now_ms() + connection->database->timeout_ms;
    if (sqlite3_open_v2(connection->database->path, &connection->sqlite, flags, NULL) != SQLITE_OK)
        return say(reason, connection->sqlite ? sqlite3_errmsg(connection->sqlite)
                                              : "There is not enough memory. Try again later.");
    build_walls(connection);
    return true;
}

static bool is_space(const char *sql) {
    return sql[strspn(sql, " \t\r\n\f;")] == '\0';
}

static sqlite3_stmt *compile(struct connection *connection, const char *sql, char *reason) {
    sqlite3_stmt *statement = NULL;
    const char *rest = "";
    if (sqlite3_prepare_v2(connection->sqlite, sql, -1, &statement, &rest) != SQLITE_OK) {
        explain(connection, reason);
        return NULL;
    }
    if (!statement)
        say(reason, "There is no statement. Write one SELECT.");
    else if (!is_space(rest))
        say(reason, "There is more than one statement. Write one SELECT, and call the tool again "
                    "for the next.");
    else if (!sqlite3_stmt_readonly(statement))
        say(reason, "The database can only be read. Write one SELECT.");
    else
        return statement;
    sqlite3_finalize(statement);
    return NULL;
}

/* ---- the result as JSON */

/* What JSON cannot hold is told by its kind and size. */
static json_t *value_json(sqlite3_stmt *statement, int column) {
    const int type = sqlite3_column_type(statement, column);
    const char *text;
    json_t *value = NULL;
    if (type == SQLITE_INTEGER)
        return json_integer(sqlite3_column_int64(statement, column));
    if (type == SQLITE_NULL)
        return json_null();
    if (type == SQLITE_FLOAT) {
        value = json_real(sqlite3_column_double(statement, column));
        return value ? value : json_string("infinite");
    }
    text = type == SQLITE_TEXT ? (const char *)sqlite3_column_text(statement, column) : NULL;
    const int size = sqlite3_column_bytes(statement, column);
    value = text ? json_stringn(text, (size_t)size) : NULL; /* NULL: it is not UTF-8 */
    return value ? value : json_sprintf("(%d bytes)", size);
}

static void add_row(struct koine_json_text *out, sqlite3_stmt *statement, uint32_t number) {
    json_t *row = json_array();
    for (int i = 0; i < sqlite3_column_count(statement); i++)
        if (json_array_append_new(row, value_json(statement, i)) != 0)
            out->no_memory = true;
    koine_json_text_add(out, number ? KOINE_TEXT(",\n") : KOINE_TEXT("\n"));
    koine_json_text_add_value(out, row, 0);
    json_decref(row);
}

static void add_columns(struct koine_json_text *out, sqlite3_stmt *statement) {
    json_t *names = json_array();
    for (int i = 0; i < sqlite3_column_count(statement); i++)
        if (json_array_append_new(names, json_string(sqlite3_column_name(statement, i))) != 0)
            json_array_append_new(names, json_null()); /* the name is not UTF-8 */
    koine_json_text_add(out, KOINE_TEXT("{\"columns\":"));
    koine_json_text_add_value(out, names, 0);
    json_decref(names);
}

/* SQLITE_DONE: these are all rows. SQLITE_ROW: there are more. Otherwise an error. */
static int add_rows(const struct database *database, sqlite3_stmt *statement,
                    struct koine_json_text *out) {
    uint32_t rows = 0;
    int step = sqlite3_step(statement);
    while (step == SQLITE_ROW && rows < database->max_rows && out->size < database->max_bytes) {
        add_row(out, statement, rows++);
        step = sqlite3_step(statement);
    }
    return step;
}

static bool run_query(struct connection *connection, const char *sql, struct koine_json_text *out,
                      char *reason) {
    sqlite3_stmt *statement = compile(connection, sql, reason);
    if (!statement)
        return false;
    add_columns(out, statement);
    koine_json_text_add(out, KOINE_TEXT(",\"rows\":["));
    const int end = add_rows(connection->database, statement, out);
    koine_json_text_add(out, end == SQLITE_DONE ? KOINE_TEXT("],\"complete\":true}")
                                                : KOINE_TEXT("],\"complete\":false}"));
    const bool good = end == SQLITE_DONE || end == SQLITE_ROW || explain(connection, reason);
    sqlite3_finalize(statement);
    return good;
}

/* A text that is not UTF-8 would make the whole result unusable: it is left out. */
static void add_definition(struct koine_json_text *out, sqlite3_stmt *statement) {
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    json_t *checked = text ? json_string(text) : NULL;
    if (checked) {
        koine_json_text_add(out, (struct koine_text){text, strlen(text)});
        koine_json_text_add(out, KOINE_TEXT(";\n"));
    }
    json_decref(checked);
}

static bool run_schema(struct connection *connection, const char *sql, struct koine_json_text *out,
                       char *reason) {
    sqlite3_stmt *statement = compile(connection, sql, reason);
    int step = statement ? sqlite3_step(statement) : SQLITE_ERROR;
    while (step == SQLITE_ROW && out->size < connection->database->max_bytes) {
        add_definition(out, statement);
        step = sqlite3_step(statement);
    }
    if (step == SQLITE_ROW)
        koine_json_text_add(out, KOINE_TEXT("-- and more, which are not told\n"));
    const bool good =
        step == SQLITE_DONE || step == SQLITE_ROW || (statement && explain(connection, reason));
    sqlite3_finalize(statement);
    return good;
}

static bool with_connection(const struct database *database, const char *sql,
                            bool (*run)(struct connection *connection, const char *sql,
                                        struct koine_json_text *out, char *reason),
                            struct koine_json_text *out, char *reason) {
    struct connection connection = {.database = database};
    const bool good =
        open_connection(&connection, reason) && run(&connection, sql, out, reason) &&
        (!out->no_memory || say(reason, "There is not enough memory. Try again later."));
    sqlite3_close(connection.sqlite);
    return good;
}

bool database_query(const struct database *database, const char *sql, struct koine_json_text *out,
                    char reason[DATABASE_REASON_BYTES]) {
    return with_connection(database, sql, run_query, out, reason);
}

bool database_schema(const struct database *database, struct koine_json_text *out,
                     char reason[DATABASE_REASON_BYTES]) {
    return with_connection(database,
                           "SELECT sql FROM sqlite_schema WHERE type IN ('table', 'view') "
                           "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
                           run_schema, out, reason);
}
