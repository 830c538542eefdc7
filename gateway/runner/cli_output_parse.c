/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of the CLI's output as a JSON object. What a strict parser refuses though JavaScript
 * writes it (half a surrogate pair, integers beyond 64 bits) is repaired rather than lost.
 */
#include "runner/cli_output_internal.h"

#include "ops/utf8.h"
#include "runner/json_slice.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char replacement[] = "\xEF\xBF\xBD";

/* The code unit of the escape \uXXXX at `at`, or -1. */
static int code_unit(const char *at, size_t left) {
    int unit = 0;
    if (left < 6 || at[0] != '\\' || at[1] != 'u') {
        return -1;
    }
    for (size_t i = 2; i < 6; i++) {
        const char *const digits = "0123456789abcdef0123456789ABCDEF";
        const char *digit = at[i] != '\0' ? strchr(digits, at[i]) : NULL;
        if (digit == NULL) {
            return -1;
        }
        unit = unit * 16 + (int)((digit - digits) % 16);
    }
    return unit;
}

/* How many bytes of the escape at `at` to copy; 0 when it is half a surrogate pair. */
static size_t escape_size(const char *at, size_t left) {
    int unit = code_unit(at, left);
    if (unit < 0xD800 || unit > 0xDFFF) {
        return left < 2 ? left : 2;
    }
    int next = unit < 0xDC00 ? code_unit(at + 6, left - 6) : -1;
    return next >= 0xDC00 && next <= 0xDFFF ? 12 : 0;
}

/* A copy in which every half of a surrogate pair and every byte that is no UTF-8 has become
 * U+FFFD. malloc'd, NULL: memory is short. */
static char *repair(struct koine_text text, size_t *size) {
    char *repaired = text.size <= SIZE_MAX / 4 ? malloc(text.size * 3 + 1) : NULL;
    char *to = repaired;
    for (size_t i = 0; repaired != NULL && i < text.size;) {
        const char *at = text.data + i;
        bool escaped = *at == '\\';
        size_t good =
            escaped ? escape_size(at, text.size - i) : utf8_sequence_bytes(at, text.size - i);
        if (good > 0) {
            memcpy(to, at, good);
            to += good;
            i += good;
        } else {
            memcpy(to, replacement, 3);
            to += 3;
            i += escaped ? 6 : 1;
        }
    }
    if (repaired != NULL) {
        *to = '\0';
        *size = (size_t)(to - repaired);
    }
    return repaired;
}

static json_t *load(struct koine_text text, size_t flags, bool *no_memory) {
    json_error_t error;
    json_t *root = json_loadb(text.data, text.size, flags | JSON_ALLOW_NUL, &error);
    *no_memory = root == NULL && json_error_code(&error) == json_error_out_of_memory;
    return root;
}

static int load_repaired(struct cli_line *line, struct koine_text text, bool *no_memory) {
    size_t size = 0;
    line->repaired = repair(text, &size);
    if (line->repaired == NULL) {
        *no_memory = true;
        return -1;
    }
    line->text = (struct koine_text){line->repaired, size};
    line->root = load(line->text, JSON_DECODE_INT_AS_REAL, no_memory);
    return 0;
}

static bool begins_object(struct koine_text text) {
    size_t i = 0;
    while (i < text.size && strchr(" \t\r\n", text.data[i]) != NULL && text.data[i] != '\0') {
        i++;
    }
    return i < text.size && text.data[i] == '{';
}

int cli_line_parse(struct cli_line *line, struct koine_text text) {
    bool no_memory = false;
    memset(line, 0, sizeof *line);
    if (!begins_object(text)) {
        return 0;
    }
    line->text = text;
    line->root = load(text, 0, &no_memory);
    if (line->root == NULL && !no_memory) {
        load_repaired(line, text, &no_memory);
    }
    if (line->root == NULL) {
        cli_line_finish(line);
        return no_memory ? -1 : 0;
    }
    return 1;
}

void cli_line_finish(struct cli_line *line) {
    json_decref(line->root);
    free(line->repaired);
    memset(line, 0, sizeof *line);
}

struct cli_json cli_json_member(struct cli_output *output, struct koine_text object,
                                const char *name, const json_t *value) {
    struct cli_json json = {.owned = NULL};
    if (value == NULL) {
        return json;
    }
    json.text = json_slice_member(object, name);
    if (json.text.data == NULL) { /* a name with escapes */
        json.owned = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        json.text.data = json.owned;
        json.text.size = json.owned != NULL ? strlen(json.owned) : 0;
        output->no_memory = output->no_memory || json.owned == NULL;
    }
    return json;
}

struct koine_text cli_text_of(const json_t *string) {
    return (struct koine_text){json_string_value(string), json_string_length(string)};
}

uint64_t cli_count_of(const json_t *object, const char *name) {
    double count = json_number_value(json_object_get(object, name));
    if (!(count > 0)) { /* NaN too */
        return 0;
    }
    return count < 9007199254740992.0 ? (uint64_t)count : 9007199254740992u;
}

void cli_usage_read(struct koine_usage *usage, const json_t *object) {
    const struct {
        const char *name;
        uint64_t *count;
    } members[] = {
        {"input_tokens", &usage->input_tokens},
        {"output_tokens", &usage->output_tokens},
        {"cache_read_input_tokens", &usage->cache_read_input_tokens},
        {"cache_creation_input_tokens", &usage->cache_creation_input_tokens},
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (json_is_number(json_object_get(object, members[i].name))) {
            *members[i].count = cli_count_of(object, members[i].name);
        }
    }
}

const json_t *cli_parent_of(const json_t *line) {
    const json_t *parent = json_object_get(line, "parent_tool_use_id");
    return json_is_null(parent) ? NULL : parent;
}
