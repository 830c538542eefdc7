/* SPDX-License-Identifier: Apache-2.0 */
/* A growing buffer of JSON. Escapes what RFC 8259, section 7 demands, and nothing else. */
#include "json_characters.h"
#include <koine-module/json_text.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void koine_json_text_init(struct koine_json_text *text, char *own, size_t capacity) {
    *text = (struct koine_json_text){.bytes = own, .capacity = own ? capacity : 0};
}

void koine_json_text_finish(struct koine_json_text *text) {
    if (text->on_heap)
        free(text->bytes);
    *text = (struct koine_json_text){0};
}

static bool grow(struct koine_json_text *text, size_t size) {
    if (text->no_memory || size > SIZE_MAX / 4 - text->size) {
        text->no_memory = true;
        return false;
    }
    size_t capacity = (text->size + size) * 3 / 2 + 64;
    char *bytes = realloc(text->on_heap ? text->bytes : NULL, capacity);
    if (!bytes) {
        text->no_memory = true;
        return false;
    }
    if (!text->on_heap && text->size)
        memcpy(bytes, text->bytes, text->size);
    text->bytes = bytes;
    text->capacity = capacity;
    text->on_heap = true;
    return true;
}

static inline bool reserve(struct koine_json_text *text, size_t size) {
    return size <= text->capacity - text->size || grow(text, size);
}

void koine_json_text_add(struct koine_json_text *text, struct koine_text json) {
    if (json.size && reserve(text, json.size)) {
        memcpy(text->bytes + text->size, json.data, json.size);
        text->size += json.size;
    }
}

void koine_json_text_add_line(struct koine_json_text *text, struct koine_text json) {
    const size_t begin = text->size;
    koine_json_text_add(text, json);
    for (size_t i = begin; i < text->size; i++)
        if (text->bytes[i] == '\n' || text->bytes[i] == '\r')
            text->bytes[i] = ' ';
}

void koine_json_text_add_number(struct koine_json_text *text, uint64_t number) {
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    koine_json_text_add(text, (struct koine_text){digits + at, sizeof(digits) - at});
}

/* What stands behind the backslash; 'u' for \u00XX, 0 for characters that need none. */
static const char escapes[256] = {
    ['"'] = '"',  ['\\'] = '\\', [0x00] = 'u', [0x01] = 'u', [0x02] = 'u', [0x03] = 'u',
    [0x04] = 'u', [0x05] = 'u',  [0x06] = 'u', [0x07] = 'u', [0x08] = 'b', [0x09] = 't',
    [0x0a] = 'n', [0x0b] = 'u',  [0x0c] = 'f', [0x0d] = 'r', [0x0e] = 'u', [0x0f] = 'u',
    [0x10] = 'u', [0x11] = 'u',  [0x12] = 'u', [0x13] = 'u', [0x14] = 'u', [0x15] = 'u',
    [0x16] = 'u', [0x17] = 'u',  [0x18] = 'u', [0x19] = 'u', [0x1a] = 'u', [0x1b] = 'u',
    [0x1c] = 'u', [0x1d] = 'u',  [0x1e] = 'u', [0x1f] = 'u',
};

/* Below, as in most events of a stream, nothing is faster than the table. */
enum { LONG_BYTES = 64 };

/* How many bytes from the front need no escape. */
static size_t plain_run(const unsigned char *bytes, size_t size) {
    size_t i = size < LONG_BYTES ? 0 : json_characters_ascii(bytes, size);
    while (i < size && !escapes[bytes[i]])
        i++;
    return i;
}

static void add_escape(struct koine_json_text *text, unsigned char byte) {
    static const char digits[] = "0123456789abcdef";
    char escape[6] = {'\\', escapes[byte], '0', '0', digits[byte >> 4], digits[byte & 15]};
    koine_json_text_add(text, (struct koine_text){escape, escape[1] == 'u' ? 6 : 2});
}

void koine_json_text_add_escaped(struct koine_json_text *text, struct koine_text characters) {
    const unsigned char *bytes = (const unsigned char *)characters.data;
    size_t size = characters.size;
    while (size) {
        const size_t run = plain_run(bytes, size);
        koine_json_text_add(text, (struct koine_text){(const char *)bytes, run});
        if (run == size)
            return;
        add_escape(text, bytes[run]);
        bytes += run + 1;
        size -= run + 1;
    }
}

void koine_json_text_add_string(struct koine_json_text *text, struct koine_text characters) {
    koine_json_text_add(text, KOINE_TEXT("\""));
    koine_json_text_add_escaped(text, characters);
    koine_json_text_add(text, KOINE_TEXT("\""));
}

static int add_dumped(const char *bytes, size_t size, void *data) {
    struct koine_json_text *text = data;
    koine_json_text_add(text, (struct koine_text){bytes, size});
    return text->no_memory ? -1 : 0;
}

static void add_object(struct koine_json_text *text, const json_t *object, size_t flags) {
    const char *name;
    json_t *member;
    bool further = false;
    json_object_foreach((json_t *)(uintptr_t)object, name, member) {
        koine_json_text_add(text, further ? KOINE_TEXT(",") : KOINE_TEXT(""));
        further = true;
        koine_json_text_add_string(text, (struct koine_text){name, strlen(name)});
        koine_json_text_add(text, KOINE_TEXT(":"));
        koine_json_text_add_value(text, member, flags);
    }
}

static void add_array(struct koine_json_text *text, const json_t *array, size_t flags) {
    size_t at;
    json_t *item;
    json_array_foreach(array, at, item) {
        koine_json_text_add(text, at ? KOINE_TEXT(",") : KOINE_TEXT(""));
        koine_json_text_add_value(text, item, flags);
    }
}

/* jansson looks at each character of a string; an image is a string of some millions. */
void koine_json_text_add_value(struct koine_json_text *text, const json_t *value, size_t flags) {
    const bool embedded = (flags & JSON_EMBED) != 0;
    flags &= ~(size_t)JSON_EMBED;
    if (!(flags & JSON_REAL_PRECISION(31)))
        flags |= JSON_REAL_PRECISION(15); /* 0.0123 stays 0.0123 */
    if (json_is_object(value)) {
        koine_json_text_add(text, embedded ? KOINE_TEXT("") : KOINE_TEXT("{"));
        add_object(text, value, flags);
        koine_json_text_add(text, embedded ? KOINE_TEXT("") : KOINE_TEXT("}"));
    } else if (json_is_array(value)) {
        koine_json_text_add(text, embedded ? KOINE_TEXT("") : KOINE_TEXT("["));
        add_array(text, value, flags);
        koine_json_text_add(text, embedded ? KOINE_TEXT("") : KOINE_TEXT("]"));
    } else if (json_is_string(value)) {
        koine_json_text_add_string(
            text, (struct koine_text){json_string_value(value), json_string_length(value)});
    } else if (!value || json_dump_callback(value, add_dumped, text,
                                            flags | JSON_COMPACT | JSON_ENCODE_ANY)) {
        text->no_memory = true;
    }
}
