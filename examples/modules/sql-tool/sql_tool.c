/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two tools for the model in every run of the gateway: `schema` tells what is in a SQLite file of
 * the operator's, `query` reads it. No route. Which runs may use them is the tool policy's affair:
 * mcp__sql-tool__query in allowedTools and disallowedTools.
 *
 * Every run of the gateway is offered them, so their descriptions are short: what is in the
 * database is told by `schema` when the model asks, instead of to everybody.
 */
#include "database.h"
#include <koine-module/answer.h>
#include <koine-module/embed.h>
#include <koine-module/module.h>
#include <koine-module/tool.h>
#include <koine-module/workers.h>
#include <stdlib.h>
#include <string.h>

KOINE_EMBED(config_schema, "config-schema.json");

enum { THREADS = 2, QUEUE = 32 };

struct state {
    struct koine_self self;
    struct database database;
    struct koine_workers *workers;
};

static struct state *state_of(void *data) {
    return (struct state *)koine_self_of(data);
}

/* ---- a call on its way over a thread */

struct job {
    uint32_t magic;
    bool good;
    const struct state *state;
    koine_call call;
    struct koine_json_text result;
    char reason[DATABASE_REASON_BYTES]; /* when it is not good */
    char *sql;                          /* NULL: the schema */
};

enum { JOB_MAGIC = 0x73716c21 };

static struct job *job_of(void *data) {
    struct job *job = data;
    if (job->magic != JOB_MAGIC)
        abort();
    return job;
}

static void job_destroy(struct job *job) {
    if (!job)
        return;
    koine_json_text_finish(&job->result);
    free(job->sql);
    free(job);
}

/* On a thread: calls nothing of the host. */
static void work(void *data) {
    struct job *job = job_of(data);
    const struct database *database = &job->state->database;
    job->good = job->sql ? database_query(database, job->sql, &job->result, job->reason)
                         : database_schema(database, &job->result, job->reason);
}

/* On the loop. The run may have ended meanwhile; the answer is harmless then. */
static void answer(const struct koine_self *self, const struct job *job) {
    if (!job->good)
        koine_tool_fail(self, job->call, "%s", job->reason);
    else if (!job->result.size)
        koine_tool_answer(self, job->call, KOINE_TEXT("The database has no tables."));
    else
        koine_tool_answer(self, job->call,
                          (struct koine_text){job->result.bytes, job->result.size});
}

static void done(void *data) {
    struct job *job = job_of(data);
    if (!koine_workers_ending(job->state->workers))
        answer(&job->state->self, job);
    job_destroy(job);
}

/* Takes `sql` over. */
static void submit(struct state *state, koine_call call, char *sql) {
    struct job *job = calloc(1, sizeof(*job));
    if (!job) {
        free(sql);
        koine_tool_fail(&state->self, call, "There is not enough memory. Try again later.");
        return;
    }
    *job = (struct job){.magic = JOB_MAGIC, .state = state, .call = call, .sql = sql};
    koine_json_text_init(&job->result, NULL, 0);
    if (koine_workers_submit(state->workers, work, done, job) == KOINE_OK)
        return;
    job_destroy(job);
    koine_tool_fail(&state->self, call, "Too many queries at a time. Try again later.");
}

/* ---- the tools */

static void call_schema(void *data, const struct koine_tool_call *call) {
    submit(state_of(data), call->call, NULL);
}

/* The model writes the input; that it fits the schema is not sure. */
static void call_query(void *data, const struct koine_tool_call *call) {
    struct state *state = state_of(data);
    const char *sql = NULL;
    json_t *input = json_loadb(call->input.data, call->input.size, 0, NULL);
    char *copy = json_unpack(input, "{s:s}", "sql", &sql) == 0 ? strdup(sql) : NULL;
    json_decref(input);
    if (copy)
        submit(state, call->call, copy);
    else
        koine_tool_fail(&state->self, call->call,
                        "The input must be an object with the member sql, a string: "
                        "{\"sql\": \"SELECT …\"}");
}

#define LITERAL(text)                                                                              \
    { text, sizeof(text) - 1 } /* a constant, which KOINE_TEXT is not in C */

static const struct koine_tool schema_tool = {
    .size = sizeof(struct koine_tool),
    .name = LITERAL("schema"),
    .description = LITERAL("Tells which tables and views the operator's SQLite database holds, as "
                           "the CREATE statements that made them. Call it before the first query."),
    .input_schema = LITERAL("{\"type\":\"object\"}"),
    .call = call_schema,
};

static const struct koine_tool query_tool = {
    .size = sizeof(struct koine_tool),
    .name = LITERAL("query"),
    .description = LITERAL("Runs one SELECT (SQLite's dialect) on the operator's database, which "
                           "can only be read. The answer is JSON: columns, rows, and complete: "
                           "false when there are more rows than are told. Ask for few rows: count "
                           "and sum in SQL, use WHERE and LIMIT."),
    .input_schema = LITERAL("{\"type\":\"object\",\"required\":[\"sql\"],\"properties\":{\"sql\":"
                            "{\"type\":\"string\",\"description\":\"One SELECT statement\"}}}"),
    .call = call_query,
};

static const struct koine_tool *const offered[] = {&schema_tool, &query_tool};
static const struct koine_tool_set tools = {
    .size = sizeof(struct koine_tool_set), .count = 2, .tools = offered};

/* ---- the module */

static uint32_t setting(const struct koine_self *self, const char *name, int64_t value) {
    self->config->integer(self->host, name, &value); /* the schema has checked its limits */
    return (uint32_t)value;
}

/* Reads the schema once, so that a wrong path is told at the start and not to the model. */
static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    struct state *state = state_of(data);
    const struct koine_self *self = &state->self;
    struct koine_text path = {NULL, 0};
    struct koine_json_text schema;
    char reason[DATABASE_REASON_BYTES];
    (void)config;
    self->config->text(self->host, "database", &path); /* the schema requires it; terminated */
    state->database = (struct database){
        .path = path.data,
        .timeout_ms = setting(self, "timeout_ms", 2000),
        .max_rows = setting(self, "max_rows", 100),
        .max_bytes = setting(self, "max_bytes", 64 * 1024),
    };
    koine_json_text_init(&schema, NULL, 0);
    const bool good = database_schema(&state->database, &schema, reason);
    koine_json_text_finish(&schema);
    if (good)
        return KOINE_OK;
    return koine_error_set(error, KOINE_INVALID,
                           "modules.settings.sql-tool.database: %s: %s; name a SQLite file that "
                           "the gateway may read",
                           path.data, reason);
}

static int32_t start(void *data, struct koine_error *error) {
    struct state *state = state_of(data);
    state->workers = koine_workers_create(state->self.host, THREADS, QUEUE);
    return state->workers
               ? KOINE_OK
               : koine_error_set(error, KOINE_NO_MEMORY, "the threads cannot be started");
}

/* Waits for queries that run, at most timeout_ms. */
static void destroy(void *data) {
    koine_workers_destroy(state_of(data)->workers);
}

static const struct koine_plan plan = {
    .state_bytes = sizeof(struct state),
    .config_schema = &config_schema,
    .tools = &tools,
    .init = init,
    .start = start,
    .destroy = destroy,
};

KOINE_MODULE_DEFINE("sql-tool", "1.0.0", "Tools for the model: read a SQLite database", plan);
