/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A SQLite file that can be read and nothing else. Blocks: for threads of the module's own. Knows
 * nothing of the gateway.
 */
#ifndef SQL_TOOL_DATABASE_H
#define SQL_TOOL_DATABASE_H

#include <koine-module/json_text.h>
#include <stdbool.h>
#include <stdint.h>

struct database {
    const char *path;
    uint32_t timeout_ms; /* for one query, waiting for a writer included */
    uint32_t max_rows;
    uint32_t max_bytes; /* of a result as JSON, at a guess: the last row may go beyond */
};

enum { DATABASE_REASON_BYTES = 512 };

/*
 * Runs one statement that reads. True: `out` (initialised) holds {"columns":[…],"rows":[[…],…],
 * "complete":…}; false with `complete` means that rows were left out. False: `reason` says what was
 * wrong and what to do, in words for the model.
 */
bool database_query(const struct database *database, const char *sql, struct koine_json_text *out,
                    char reason[DATABASE_REASON_BYTES]);

/* The statements that made tables and views, each with a semicolon and a line break. Otherwise as
 * database_query. */
bool database_schema(const struct database *database, struct koine_json_text *out,
                     char reason[DATABASE_REASON_BYTES]);

#endif
