/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a conversation as the CLI keeps its own: a line a message, each naming the one before.
 * Does not judge the messages; transcript_check has.
 */
#include "runner/transcript.h"

#include "runner/json_slice.h"
#include "runner/json_writer.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <koine-module/json_load.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FLAGS = JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL };

/* A random UUID (version 4). 0 or -1. */
static int make_uuid(char text[TRANSCRIPT_UUID_SIZE]) {
    unsigned char b[16];
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b) {
        return -1;
    }
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    snprintf(text, TRANSCRIPT_UUID_SIZE,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
    return 0;
}

/* What the lines of one transcript share, and the line that is being written. */
struct writing {
    struct json_writer to;
    struct transcript *transcript; /* its last: the line before, "" for the first */
    const char *working_directory;
    int64_t now_ms;
};

static void write_timestamp(struct json_writer *to, int64_t time_ms) {
    char text[48];
    struct tm parts;
    time_t seconds = (time_t)(time_ms / 1000);
    gmtime_r(&seconds, &parts);
    size_t size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + size, sizeof text - size, ".%03dZ", (int)(time_ms % 1000));
    json_writer_cstring(to, text);
}

static void write_head(struct writing *writing, const char *role, const char *uuid) {
    struct json_writer *to = &writing->to;
    json_writer_literal(to, "{\"parentUuid\":");
    if (*writing->transcript->last != '\0') {
        json_writer_cstring(to, writing->transcript->last);
    } else {
        json_writer_literal(to, "null");
    }
    json_writer_literal(to, ",\"isSidechain\":false,\"userType\":\"external\",\"cwd\":");
    json_writer_cstring(to, writing->working_directory);
    json_writer_literal(to, ",\"sessionId\":");
    json_writer_string(to, writing->transcript->session_id);
    json_writer_literal(to, ",\"version\":\"2.1.0\",\"type\":");
    json_writer_cstring(to, role);
    json_writer_literal(to, ",\"uuid\":");
    json_writer_cstring(to, uuid);
    json_writer_literal(to, ",\"timestamp\":");
    write_timestamp(to, writing->now_ms);
    json_writer_literal(to, ",\"message\":{\"role\":");
    json_writer_cstring(to, role);
}

static void write_content(struct json_writer *to, struct koine_text content, bool as_block) {
    json_writer_literal(to, ",\"content\":");
    if (as_block) {
        json_writer_literal(to, "[{\"type\":\"text\",\"text\":");
    }
    json_writer_json(to, content);
    if (as_block) {
        json_writer_literal(to, "}]");
    }
}

static bool ends_with_tool_use(const json_t *content) {
    const json_t *last = json_array_get(content, json_array_size(content) - 1);
    const char *type = json_string_value(json_object_get(last, "type"));
    return type != NULL && strcmp(type, "tool_use") == 0;
}

/* Without a model the CLI 2.1.197 hangs. Both versions keep thinking only in messages of the model
 * that is to go on, by its full name. */
static struct koine_text model_of(const struct transcript *transcript) {
    static const char full[] = "claude-";
    struct koine_text model = transcript->model;
    const char *variant = model.size > 0 ? memchr(model.data, '[', model.size) : NULL;
    if (variant != NULL) { /* "[1m]": how it is used, no part of its name */
        model.size = (size_t)(variant - model.data);
    }
    bool is_full = model.size >= sizeof full && memcmp(model.data, full, sizeof full - 1) == 0;
    return is_full ? model : KOINE_TEXT("claude");
}

static void write_assistant_tail(struct writing *writing, const char *uuid, const json_t *content) {
    struct json_writer *to = &writing->to;
    json_writer_literal(to, ",\"id\":\"msg_");
    json_writer_raw(to, (struct koine_text){uuid, strlen(uuid)});
    json_writer_literal(to, "\",\"type\":\"message\",\"model\":");
    json_writer_string(to, model_of(writing->transcript));
    json_writer_literal(to, ",\"stop_reason\":");
    json_writer_cstring(to, ends_with_tool_use(content) ? "tool_use" : "end_turn");
    json_writer_literal(to, ",\"stop_sequence\":null,\"usage\":{\"input_tokens\":0,"
                            "\"output_tokens\":0,\"cache_creation_input_tokens\":0,"
                            "\"cache_read_input_tokens\":0}");
}

/* A line; `content` NULL: of the user's prompt, which is written as `text`. */
static void write_line(struct writing *writing, const char *role, const json_t *content,
                       struct koine_text text) {
    bool is_assistant = strcmp(role, "assistant") == 0;
    char uuid[TRANSCRIPT_UUID_SIZE];
    if (make_uuid(uuid) != 0) {
        writing->to.failed = true;
        return;
    }
    write_head(writing, role, uuid);
    write_content(&writing->to, text, is_assistant && json_is_string(content));
    if (is_assistant) {
        write_assistant_tail(writing, uuid, content);
        memcpy(writing->transcript->last_of_assistant, uuid, sizeof uuid);
    }
    json_writer_literal(&writing->to, "}}\n");
    memcpy(writing->transcript->last, uuid, sizeof uuid);
    writing->now_ms++;
}

/* malloc'd; NULL: no memory, or none. */
static char *dump_content(struct koine_text message) {
    json_t *whole = koine_json_load(message, FLAGS, NULL);
    char *dumped = json_dumps(json_object_get(whole, "content"), JSON_ENCODE_ANY);
    json_decref(whole);
    return dumped;
}

static void write_message(struct writing *writing, const json_t *message,
                          struct koine_text written) {
    const json_t *content = json_object_get(message, "content");
    const char *role = json_string_value(json_object_get(message, "role"));
    struct koine_text text = json_slice_member(written, "content");
    char *dumped = NULL;
    if (role == NULL || content == NULL) {
        writing->to.failed = true;
        return;
    }
    if (text.data == NULL) { /* a name with escapes */
        dumped = dump_content(written);
        text = (struct koine_text){dumped, dumped != NULL ? strlen(dumped) : 0};
        writing->to.failed = writing->to.failed || dumped == NULL;
    }
    write_line(writing, role, content, text);
    free(dumped);
}

/* The whole transcript, malloc'd; NULL: no memory, no randomness or no history. */
static char *compose(struct transcript *transcript, size_t *size) {
    char *resolved = realpath(transcript->working_directory, NULL);
    const json_t *messages = transcript->messages;
    *transcript->last = *transcript->last_of_assistant = '\0';
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct writing writing = {
        .transcript = transcript,
        .working_directory = resolved != NULL ? resolved : transcript->working_directory,
        .now_ms = (int64_t)now.tv_sec * 1000 - (int64_t)json_array_size(messages) - 1,
    };
    struct koine_text rest = transcript->history;
    writing.to.failed = rest.data != NULL && !json_is_array(messages);
    for (size_t i = 0; i < json_array_size(messages) && !writing.to.failed; i++) {
        write_message(&writing, json_array_get(messages, i), json_slice_next(&rest));
    }
    if (transcript->prompt.data != NULL) {
        write_line(&writing, "user", NULL, transcript->prompt);
    }
    free(resolved);
    return json_writer_take(&writing.to, size);
}

/* Makes the directories that `path` stands in. 0, or -1 with errno. */
static int make_directories(const char *path) {
    char *copy = strdup(path);
    int result = copy != NULL ? 0 : -1;
    for (char *slash = copy != NULL ? strchr(copy + 1, '/') : NULL; slash != NULL && result == 0;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
            /* what is there may be readable only: it counts whether the next one can be made */
            result = access(copy, X_OK) == 0 ? 0 : -1;
        }
        *slash = '/';
    }
    free(copy);
    return result;
}

static int write_all(int file, const char *data, size_t size) {
    while (size > 0) {
        ssize_t written = write(file, data, size);
        if (written < 0 && errno != EINTR) {
            return -1;
        }
        data += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

/* 0, or -1 with errno; nothing is left behind then. */
static int write_whole(const char *path, const char *data, size_t size) {
    char *temporary = NULL;
    int error = 0;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
        errno = ENOMEM;
        return -1;
    }
    int file = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
    if (file < 0) {
        error = errno;
        goto out;
    }
    if (write_all(file, data, size) != 0) {
        error = errno;
    }
    if (close(file) != 0 && error == 0) {
        error = errno;
    }
    if (error == 0 && rename(temporary, path) != 0) {
        error = errno;
    }
    if (error != 0) {
        unlink(temporary);
    }
out:
    free(temporary);
    errno = error;
    return error == 0 ? 0 : -1;
}

int transcript_write(const char *path, struct transcript *transcript, char *message, size_t size) {
    size_t bytes = 0;
    char *text = compose(transcript, &bytes);
    int result = -1;
    if (text == NULL) {
        snprintf(message, size,
                 "the history cannot be written as a transcript: out of memory, "
                 "or no JSON array of messages");
    } else if (make_directories(path) != 0 || write_whole(path, text, bytes) != 0) {
        snprintf(message, size, "the transcript %s cannot be written: %s", path, strerror(errno));
    } else {
        result = 0;
    }
    free(text);
    return result;
}
