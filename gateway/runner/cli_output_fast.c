/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines that a long answer is made of, read without a JSON parser. Knows exactly one layout,
 * the one that the CLI writes, and leaves everything else, however slightly different, to the
 * parser: both must always tell the same.
 */
#include "runner/cli_output_internal.h"

#include "ops/utf8.h"
#include <string.h>

struct scan {
    char *at;
    char *end; /* a zero byte stands here */
};

static bool take(struct scan *scan, const char *literal, size_t size) {
    if ((size_t)(scan->end - scan->at) < size || memcmp(scan->at, literal, size) != 0) {
        return false;
    }
    scan->at += size;
    return true;
}

#define TAKE(scan, literal) take(scan, literal, sizeof(literal) - 1)

/* A count without sign, leading zeros, fraction or exponent, far below any overflow. */
static bool take_count(struct scan *scan, json_int_t *count) {
    const char *begin = scan->at;
    *count = 0;
    while (*scan->at >= '0' && *scan->at <= '9' && scan->at - begin < 16) {
        *count = *count * 10 + (*scan->at - '0');
        scan->at++;
    }
    size_t digits = (size_t)(scan->at - begin);
    return digits > 0 && digits < 16 && (*begin != '0' || digits == 1);
}

/* Whether a byte of the word is no plain ASCII of a string: below 0x20, '"', '\\' or from 0x80. */
static bool has_special(uint64_t word) {
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t tops = 0x8080808080808080u;
    uint64_t quote = word ^ (ones * '"');
    uint64_t backslash = word ^ (ones * '\\');
    return (((word - ones * 0x20) | (quote - ones) | (backslash - ones) | word) & tops) != 0;
}

static char *skip_plain(char *at, const char *end) {
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        if (has_special(word)) {
            break;
        }
        at += 8;
    }
    while ((unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '"' && *at != '\\') {
        at++;
    }
    return at;
}

static int hex_digit(char byte) {
    return byte >= '0' && byte <= '9'   ? byte - '0'
           : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
           : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                        : -1;
}

/* The code unit of four digits at `at`, or -1. The zero byte at the end is no digit. */
static int code_unit(const char *at) {
    int unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

/* How long the escape at `at` is; 0 for a wrong one and for half a surrogate pair. */
static size_t escape_size(const char *at) {
    if (at[1] != 'u') {
        return at[1] != '\0' && strchr("\"\\/bfnrt", at[1]) != NULL ? 2 : 0;
    }
    int unit = code_unit(at + 2);
    if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF)) {
        return 0;
    }
    if (unit < 0xD800 || unit > 0xDFFF) {
        return 6;
    }
    int next = at[6] == '\\' && at[7] == 'u' ? code_unit(at + 8) : -1;
    return next >= 0xDC00 && next <= 0xDFFF ? 12 : 0;
}

/* A string from behind its opening quote to behind the closing one, still as it is written. */
static bool take_string(struct scan *scan, struct koine_text *written, bool *escaped) {
    char *at = scan->at;
    *escaped = false;
    for (;;) {
        at = skip_plain(at, scan->end);
        size_t size = 0;
        if (*at == '"') {
            break;
        }
        if (*at == '\\') {
            *escaped = true;
            size = escape_size(at);
        } else if ((unsigned char)*at >= 0x80) {
            size = utf8_sequence_bytes(at, (size_t)(scan->end - at));
        }
        if (size == 0) {
            return false;
        }
        at += size;
    }
    *written = (struct koine_text){scan->at, (size_t)(at - scan->at)};
    scan->at = at + 1;
    return true;
}

/* A word of lower-case letters and '_' between quotes. */
static bool take_name(struct scan *scan, struct koine_text *name) {
    if (!TAKE(scan, "\"")) {
        return false;
    }
    const char *begin = scan->at;
    while ((*scan->at >= 'a' && *scan->at <= 'z') || *scan->at == '_') {
        scan->at++;
    }
    *name = (struct koine_text){begin, (size_t)(scan->at - begin)};
    return TAKE(scan, "\"");
}

static bool is(struct koine_text name, const char *text) {
    return name.size == strlen(text) && memcmp(name.data, text, name.size) == 0;
}

static bool take_plain_value(struct scan *scan) {
    json_int_t count;
    if (*scan->at == '"') {
        struct koine_text ignored;
        bool escaped;
        scan->at++;
        return take_string(scan, &ignored, &escaped);
    }
    return TAKE(scan, "null") || TAKE(scan, "true") || TAKE(scan, "false") ||
           take_count(scan, &count);
}

/* What follows the event: members that mean nothing here, and no sub-agent. */
static bool take_tail(struct scan *scan) {
    while (TAKE(scan, ",")) {
        struct koine_text name;
        if (!take_name(scan, &name) || !TAKE(scan, ":") || is(name, "type") || is(name, "event")) {
            return false;
        }
        bool fits = is(name, "parent_tool_use_id") ? TAKE(scan, "null") : take_plain_value(scan);
        if (!fits) {
            return false;
        }
    }
    return TAKE(scan, "}") && scan->at == scan->end;
}

static char *put_character(char *to, unsigned code) {
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xC0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *to++ = (char)(0xE0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
        *to++ = (char)(0x80 | (code & 0x3F));
    } else {
        *to++ = (char)(0xF0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3F));
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
        *to++ = (char)(0x80 | (code & 0x3F));
    }
    return to;
}

/* Writes the character of a checked escape; a character is never longer than its escape. */
static char *put_escape(char *to, const char **from) {
    static const char letters[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    const char *at = *from;
    if (at[1] != 'u') {
        *to++ = values[strchr(letters, at[1]) - letters];
        *from += 2;
        return to;
    }
    unsigned code = (unsigned)code_unit(at + 2);
    *from += 6;
    if (code >= 0xD800 && code <= 0xDBFF) {
        code = 0x10000 + ((code - 0xD800) << 10) + ((unsigned)code_unit(at + 8) - 0xDC00);
        *from += 6;
    }
    return put_character(to, code);
}

/* Replaces escapes in place. */
static size_t unescape(char *text, size_t size) {
    const char *from = text;
    const char *end = text + size;
    char *to = text;
    while (from < end) {
        const char *escape = memchr(from, '\\', (size_t)(end - from));
        size_t plain = (size_t)((escape != NULL ? escape : end) - from);
        memmove(to, from, plain);
        to += plain;
        from += plain;
        if (escape != NULL) {
            to = put_escape(to, &from);
        }
    }
    return (size_t)(to - text);
}

enum kind { KIND_TEXT, KIND_OBJECT, KIND_THINKING, KIND_OTHER };

static enum kind take_kind(struct scan *scan) {
    if (TAKE(scan, "text_delta\",\"text\":\"")) {
        return KIND_TEXT;
    }
    if (TAKE(scan, "input_json_delta\",\"partial_json\":\"")) {
        return KIND_OBJECT;
    }
    return TAKE(scan, "thinking_delta\",\"thinking\":\"") ? KIND_THINKING : KIND_OTHER;
}

static void tell(struct cli_output *output, enum kind kind, json_int_t index,
                 struct koine_text piece) {
    const struct cli_output_callbacks *callbacks = output->callbacks;
    void (*callback)(void *data, struct koine_text piece) = kind == KIND_TEXT ? callbacks->text
                                                            : kind == KIND_THINKING
                                                                ? callbacks->thinking
                                                                : callbacks->object_delta;
    if (kind == KIND_OBJECT && index != output->structured_index) {
        return;
    }
    if (callback != NULL && piece.size > 0) {
        callback(output->data, piece);
    }
}

bool cli_output_fast(struct cli_output *output, char *line, size_t size) {
    struct scan scan = {line, line + size};
    struct koine_text piece;
    json_int_t index;
    bool escaped;
    if (!TAKE(&scan, "{\"type\":\"stream_event\",\"event\":{\"type\":\"content_block_delta\","
                     "\"index\":") ||
        !take_count(&scan, &index) || !TAKE(&scan, ",\"delta\":{\"type\":\"")) {
        return false;
    }
    enum kind kind = take_kind(&scan);
    char *text = scan.at;
    if (kind == KIND_OBJECT && index != output->structured_index &&
        output->callbacks->block_delta != NULL) {
        return false; /* told with its JSON, which unescaping in place would spoil */
    }
    if (kind == KIND_OTHER || !take_string(&scan, &piece, &escaped) || !TAKE(&scan, "}}") ||
        !take_tail(&scan)) {
        return false;
    }
    if (escaped) {
        piece.size = unescape(text, piece.size);
    }
    tell(output, kind, index, piece);
    return true;
}
