/* SPDX-License-Identifier: Apache-2.0 */
/* A SQLite file with a shop in it, as its owner makes and changes it. Tests that use it link
 * sqlite3. */
#ifndef SUPPORT_SAMPLE_DATABASE_H
#define SUPPORT_SAMPLE_DATABASE_H

/* Makes the file: Ada of Paris with orders of 12.50 and 7.00, Grace of Lyon with one of 30.00. */
void sample_database_create(const char *path);

/* Runs statements on it, as whoever owns the database does. */
void sample_database_change(const char *path, const char *statements);

/* A lock that lets nobody read, until it is ended. */
struct sqlite3 *sample_database_lock(const char *path);
void sample_database_unlock(struct sqlite3 *lock);

#endif
