/* SPDX-License-Identifier: Apache-2.0 */
/* The shop as statements. */
#include "support/sample_database.h"

#include <check.h>
#include <sqlite3.h>

static const char shop[] =
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT);"
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers,"
    " total REAL);"
    "CREATE INDEX orders_customer ON orders (customer);"
    "CREATE VIEW big_orders AS SELECT * FROM orders WHERE total > 10;"
    "INSERT INTO customers VALUES (1, 'Ada', 'Paris'), (2, 'Grace', 'Lyon');"
    "INSERT INTO orders VALUES (10, 1, 12.5), (11, 1, 7.0), (12, 2, 30.0);";

static void run(sqlite3 *database, const char *statements) {
    char *message = NULL;
    int result = sqlite3_exec(database, statements, NULL, NULL, &message);
    ck_assert_msg(result == SQLITE_OK, "%s: %s", statements, message);
}

static sqlite3 *open_database(const char *path) {
    sqlite3 *database = NULL;
    int result = sqlite3_open(path, &database);
    ck_assert_msg(result == SQLITE_OK, "%s: %s", path, sqlite3_errstr(result));
    return database;
}

void sample_database_change(const char *path, const char *statements) {
    sqlite3 *database = open_database(path);
    run(database, statements);
    ck_assert_int_eq(sqlite3_close(database), SQLITE_OK);
}

void sample_database_create(const char *path) {
    sample_database_change(path, shop);
}

struct sqlite3 *sample_database_lock(const char *path) {
    sqlite3 *database = open_database(path);
    run(database, "BEGIN EXCLUSIVE");
    return database;
}

void sample_database_unlock(struct sqlite3 *lock) {
    run(lock, "ROLLBACK");
    ck_assert_int_eq(sqlite3_close(lock), SQLITE_OK);
}
