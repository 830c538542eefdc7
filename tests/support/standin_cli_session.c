/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of the stand-in CLI: transcripts laid out as the real CLI lays them out,
 * CONFIGDIR/projects/CWD-with-dashes/UUID.jsonl, a JSON object a line. It keeps of them only what a
 * turn may report. */
#include "standin_cli.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void projects_path(char *path, size_t size) {
    const char *config = getenv("CLAUDE_CONFIG_DIR"), *home = getenv("HOME");
    if (config && *config)
        snprintf(path, size, "%s/projects", config);
    else
        snprintf(path, size, "%s/.claude/projects", home ? home : "");
}

static void transcript_path(const struct standin *s, const char *id, char *path, size_t size) {
    projects_path(path, size);
    size_t at = strlen(path);
    if (at + strlen(s->cwd) + strlen(id) + 16 > size)
        standin_fail("standin-cli: path too long: %s", s->cwd);
    path[at++] = '/';
    for (const char *c = s->cwd; *c; c++)
        path[at++] = isalnum((unsigned char)*c) ? *c : '-';
    snprintf(path + at, size - at, "/%s.jsonl", id);
}

/* In this directory's project first, then in any other. */
static bool transcript_find(const struct standin *s, const char *id, char *path, size_t size) {
    char projects[PATH_MAX];
    struct dirent *entry;
    bool found = false;
    transcript_path(s, id, path, size);
    if (access(path, R_OK) == 0)
        return true;
    projects_path(projects, sizeof projects);
    DIR *folder = opendir(projects);
    while (folder && !found && (entry = readdir(folder))) {
        int bytes = snprintf(path, size, "%s/%s/%s.jsonl", projects, entry->d_name, id);
        found = bytes > 0 && (size_t)bytes < size && access(path, R_OK) == 0;
    }
    if (folder)
        closedir(folder);
    return found;
}

static void make_folders(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            fprintf(stderr, "standin-cli: cannot create %s: %s\n", path, strerror(errno));
        *slash = '/';
    }
}

static char *text_of(const json_t *content) {
    const json_t *block;
    size_t i;
    if (json_is_string(content))
        return standin_must(strdup(json_string_value(content)));
    json_array_foreach(content, i, block) {
        const char *text = json_string_value(json_object_get(block, "text"));
        if (text)
            return standin_must(strdup(text));
    }
    return standin_must(strdup(""));
}

static void remember(struct standin *s, const json_t *line) {
    const char *type = json_string_value(json_object_get(line, "type"));
    const char *uuid = json_string_value(json_object_get(line, "uuid"));
    const json_t *message = json_object_get(line, "message");
    if (!type || (strcmp(type, "user") != 0 && strcmp(type, "assistant") != 0))
        return;
    s->history_messages++;
    s->history_bytes +=
        json_dumpb(json_object_get(message, "content"), NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
    if (uuid) {
        free(s->history_last_uuid);
        s->history_last_uuid = standin_must(strdup(uuid));
    }
    if (strcmp(type, "user") == 0) {
        free(s->history_last_user);
        s->history_last_user = text_of(json_object_get(message, "content"));
    }
}

json_t *session_history(const struct standin *s) {
    return standin_must(
        json_pack("{si ss?}", "messages", s->history_messages, "last_user", s->history_last_user));
}

/* A process that was killed may have left half a line behind: the next one must not go on with it.
 */
static void begin_line(FILE *file) {
    if (fseek(file, -1, SEEK_END) == 0 && fgetc(file) != '\n') {
        fseek(file, 0, SEEK_END);
        fputc('\n', file);
    }
}

static FILE *transcript_open(struct standin *s) {
    char path[PATH_MAX];
    transcript_path(s, s->session_id, path, sizeof path);
    FILE *file = fopen(path, "a+e");
    if (!file && errno == ENOENT) {
        make_folders(path);
        file = fopen(path, "a+e");
    }
    if (file)
        begin_line(file);
    else
        fprintf(stderr, "standin-cli: cannot write %s: %s\n", path, strerror(errno));
    return file;
}

/* The lines of a file by their uuid; `last` is that of the last one. */
static json_t *lines_read(const char *path, char last[STANDIN_UUID_CHARS + 1]) {
    json_t *lines = standin_must(json_object());
    char *text = NULL;
    size_t capacity = 0;
    ssize_t bytes;
    FILE *from = fopen(path, "re");
    *last = '\0';
    while (from && (bytes = getline(&text, &capacity, from)) > 0) {
        json_t *line = json_loadb(text, (size_t)bytes, 0, NULL);
        const char *uuid = json_string_value(json_object_get(line, "uuid"));
        if (uuid && json_object_set(lines, uuid, line) == 0)
            snprintf(last, STANDIN_UUID_CHARS + 1, "%s", uuid);
        json_decref(line);
    }
    free(text);
    if (from)
        fclose(from);
    return lines;
}

/* The conversation that ends with the line `uuid`: each line names the one before. Others in the
 * file are no part of it. */
static json_t *conversation_of(const json_t *lines, const char *uuid) {
    json_t *conversation = standin_must(json_array()), *line;
    while (uuid && (line = json_object_get(lines, uuid)) &&
           json_array_size(conversation) < json_object_size(lines)) {
        json_array_insert(conversation, 0, line);
        uuid = json_string_value(json_object_get(line, "parentUuid"));
    }
    return conversation;
}

/* A fork starts as a copy under its own id. */
static void transcript_load(struct standin *s, const char *path) {
    char last[STANDIN_UUID_CHARS + 1];
    const char *at = s->options.resume_at;
    json_t *lines = lines_read(path, last), *line;
    FILE *to = s->options.fork_session ? transcript_open(s) : NULL;
    size_t i;
    if (at && !json_object_get(lines, at))
        standin_fail("No message found with message.uuid of: %s", at);
    json_t *conversation = conversation_of(lines, at ? at : last);
    json_array_foreach(conversation, i, line) {
        remember(s, line);
        if (to && json_object_set_new(line, "sessionId", json_string(s->session_id)) == 0) {
            json_dumpf(line, to, JSON_COMPACT);
            fputc('\n', to);
        }
    }
    json_decref(conversation);
    json_decref(lines);
    if (to)
        fclose(to);
}

static _Noreturn void session_unknown(struct standin *s, const char *id) {
    snprintf(s->session_id, sizeof s->session_id, "%s", id);
    fprintf(stderr, "No conversation found with session ID: %s\n", id);
    line_emit(s,
              json_pack("{ss ss sI sI sb si sn sf s{si si si si} s{} s[] s[o] si}", "type",
                        "result", "subtype", "error_during_execution", "duration_ms", (json_int_t)0,
                        "duration_api_ms", (json_int_t)0, "is_error", true, "num_turns", 0,
                        "stop_reason", "total_cost_usd", 0.0, "usage", "input_tokens", 0,
                        "cache_creation_input_tokens", 0, "cache_read_input_tokens", 0,
                        "output_tokens", 0, "modelUsage", "permission_denials", "errors",
                        json_sprintf("No conversation found with session ID: %s", id),
                        "result_index", 0));
    standin_exit(s, 1);
}

void session_start(struct standin *s) {
    const struct options *o = &s->options;
    char path[PATH_MAX];
    if (o->resume && !transcript_find(s, o->resume, path, sizeof path))
        session_unknown(s, o->resume);
    if (o->session_id)
        snprintf(s->session_id, sizeof s->session_id, "%s", o->session_id);
    else if (o->resume && !o->fork_session)
        snprintf(s->session_id, sizeof s->session_id, "%s", o->resume);
    else
        standin_uuid(s, s->session_id);
    if (o->session_id) {
        char own[PATH_MAX];
        transcript_path(s, s->session_id, own, sizeof own);
        if (access(own, F_OK) == 0)
            standin_fail("Error: Session ID %s is already in use.", s->session_id);
    }
    if (o->resume)
        transcript_load(s, path);
}

void session_record(struct standin *s, const char *type, json_t *message) {
    char uuid[STANDIN_UUID_CHARS + 1];
    standin_uuid(s, uuid);
    json_t *line = standin_must(
        json_pack("{ss? sb ss so ss so ss ss ss ss}", "parentUuid", s->history_last_uuid,
                  "isSidechain", false, "type", type, "message", standin_must(message), "uuid",
                  uuid, "timestamp", line_timestamp(), "userType", "external", "cwd", s->cwd,
                  "sessionId", s->session_id, "version", STANDIN_VERSION));
    json_t *persist = json_object_get(s->scenario, "persist");
    bool forgets = json_is_false(persist) || s->options.no_session_persistence;
    FILE *file = forgets ? NULL : transcript_open(s);
    if (file) {
        json_dumpf(line, file, JSON_COMPACT);
        fputc('\n', file);
        fclose(file);
    }
    remember(s, line);
    json_decref(line);
}
