/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the text of a value inside JSON text that a parser has accepted. Knows only where strings
 * and brackets begin and end; never reads past the end, whatever the bytes are.
 */
#include "runner/json_slice.h"

#include "module/json_characters.h"

#include <stdbool.h>
#include <string.h>

struct cursor {
    const char *at;
    const char *end;
};

static bool is_space(char byte) {
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static void skip_space(struct cursor *cursor) {
    while (cursor->at < cursor->end && is_space(*cursor->at)) {
        cursor->at++;
    }
}

static bool take(struct cursor *cursor, char byte) {
    skip_space(cursor);
    if (cursor->at == cursor->end || *cursor->at != byte) {
        return false;
    }
    cursor->at++;
    return true;
}

/* From behind the opening quote to behind the closing one. */
static void skip_string(struct cursor *cursor) {
    cursor->at = json_characters_end(cursor->at, cursor->end);
}

static bool ends_scalar(char byte) {
    return is_space(byte) || byte == ',' || byte == ']' || byte == '}';
}

/* From behind an opening bracket to behind the one that closes it. */
static void skip_brackets(struct cursor *cursor) {
    for (size_t depth = 1; depth > 0 && cursor->at < cursor->end;) {
        char byte = *cursor->at++;
        if (byte == '"') {
            skip_string(cursor);
        } else if (byte == '{' || byte == '[') {
            depth++;
        } else if (byte == '}' || byte == ']') {
            depth--;
        }
    }
}

static struct koine_text take_value(struct cursor *cursor) {
    skip_space(cursor);
    const char *begin = cursor->at;
    if (cursor->at < cursor->end) {
        char byte = *cursor->at++;
        if (byte == '"') {
            skip_string(cursor);
        } else if (byte == '{' || byte == '[') {
            skip_brackets(cursor);
        } else {
            while (cursor->at < cursor->end && !ends_scalar(*cursor->at)) {
                cursor->at++;
            }
        }
    }
    return (struct koine_text){begin, (size_t)(cursor->at - begin)};
}

struct koine_text json_slice_member(struct koine_text object, const char *name) {
    const struct koine_text none = {NULL, 0};
    struct koine_text found = none;
    size_t name_size = strlen(name);
    if (object.data == NULL) {
        return none;
    }
    struct cursor cursor = {object.data, object.data + object.size};
    if (!take(&cursor, '{')) {
        return none;
    }
    while (take(&cursor, '"')) {
        const char *key = cursor.at;
        skip_string(&cursor);
        size_t key_size = (size_t)(cursor.at - key) - 1;
        if (memchr(key, '\\', key_size) != NULL || !take(&cursor, ':')) {
            return none;
        }
        struct koine_text value = take_value(&cursor);
        if (key_size == name_size && memcmp(key, name, name_size) == 0) {
            found = value;
        }
        if (!take(&cursor, ',')) {
            break;
        }
    }
    return found;
}

struct koine_text json_slice_next(struct koine_text *rest) {
    struct koine_text element = {NULL, 0};
    if (rest->data == NULL) {
        return element;
    }
    struct cursor cursor = {rest->data, rest->data + rest->size};
    if (take(&cursor, '[') || take(&cursor, ',')) {
        skip_space(&cursor);
        if (cursor.at < cursor.end && *cursor.at != ']') {
            element = take_value(&cursor);
        }
    }
    *rest = (struct koine_text){cursor.at, (size_t)(cursor.end - cursor.at)};
    return element;
}
