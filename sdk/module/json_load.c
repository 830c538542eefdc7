/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before jansson reads a text, each long string is taken out, and a short one, which nobody can
 * guess, stands in for it; in what jansson has made of the text, the long ones are put back. Parses
 * nothing itself: whatever it does not take for a plain long string jansson gets as it is.
 */
#include "json_characters.h"
#include "json_outline.h"
#include <koine-module/json_load.h>
#include <koine-module/json_text.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    LONG_BYTES = 4096, /* shorter ones cost more to replace than to read */
    SECRET_BYTES = 16,
    MARK_BYTES = 2 * SECRET_BYTES
};

/* A text on its way through jansson. */
struct shortening {
    struct koine_json_text text; /* the one that jansson reads */
    char mark[MARK_BYTES + 1];   /* a stand-in is this and an index */
    struct koine_text *strings;  /* what was taken out, without quotes */
    size_t count;
    size_t capacity;
};

static void finish(struct shortening *shortening) {
    koine_json_text_finish(&shortening->text);
    free(shortening->strings);
}

/* The mark cannot be foreseen: no string that a client sends is taken for a stand-in. */
static bool make_mark(struct shortening *shortening) {
    unsigned char secret[SECRET_BYTES];
    if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
        return false;
    for (size_t i = 0; i < sizeof(secret); i++)
        snprintf(shortening->mark + 2 * i, 3, "%02x", secret[i]);
    return true;
}

/* ---- taking out */

static bool keep(struct shortening *shortening, struct koine_text string) {
    if (shortening->count == shortening->capacity) {
        const size_t capacity = shortening->capacity * 2 + 8;
        struct koine_text *strings =
            realloc(shortening->strings, capacity * sizeof(*shortening->strings));
        if (!strings)
            return false;
        shortening->strings = strings;
        shortening->capacity = capacity;
    }
    shortening->strings[shortening->count++] = string;
    return true;
}

/* The text up to the string, and the stand-in for what is between its quotes. */
static bool replace(struct shortening *shortening, const char *begin, struct koine_text string) {
    char index[24];
    const int size = snprintf(index, sizeof(index), "%zu", shortening->count);
    koine_json_text_add(&shortening->text,
                        (struct koine_text){begin, (size_t)(string.data - begin)});
    koine_json_text_add(&shortening->text, (struct koine_text){shortening->mark, MARK_BYTES});
    koine_json_text_add(&shortening->text, (struct koine_text){index, (size_t)size});
    return keep(shortening, string) && !shortening->text.no_memory;
}

/* From behind a quotation mark to the one that ends the string; NULL: none does. `*plain`: no
 * escapes on the way. */
static const char *end_of_string(const char *at, const char *end, bool *plain) {
    *plain = true;
    for (;;) {
        at += json_characters_span((const unsigned char *)at, (size_t)(end - at));
        if (at < end && *at == '"')
            return at;
        if (end - at < 2 || *at != '\\')
            return NULL;
        *plain = false;
        at += 2;
    }
}

static bool is_name(const char *behind, const char *end) {
    while (behind < end && *behind && strchr(" \t\r\n", *behind))
        behind++;
    return behind < end && *behind == ':';
}

/* False: there is nothing to gain, or no memory. */
static bool shorten(struct shortening *shortening, struct koine_text text) {
    const char *at = text.data, *begin = at, *const end = at + text.size;
    bool plain;
    while ((at = memchr(at, '"', (size_t)(end - at)))) {
        const char *first = at + 1, *last = end_of_string(first, end, &plain);
        if (!last)
            return false; /* no JSON */
        at = last + 1;
        if (!plain || last - first < LONG_BYTES || is_name(at, end))
            continue;
        if ((!shortening->count && !make_mark(shortening)) ||
            !replace(shortening, begin, (struct koine_text){first, (size_t)(last - first)}))
            return false;
        begin = last;
    }
    koine_json_text_add(&shortening->text, (struct koine_text){begin, (size_t)(end - begin)});
    return shortening->count && !shortening->text.no_memory;
}

/* ---- putting back */

static bool restore(const struct shortening *shortening, json_t **value);

static bool is_stand_in(const struct shortening *shortening, const json_t *value) {
    return json_string_length(value) > MARK_BYTES &&
           memcmp(json_string_value(value), shortening->mark, MARK_BYTES) == 0;
}

/* New reference. */
static json_t *long_string(const struct shortening *shortening, const json_t *stand_in) {
    const size_t index = strtoul(json_string_value(stand_in) + MARK_BYTES, NULL, 10);
    const struct koine_text string = shortening->strings[index];
    return json_stringn_nocheck(string.data, string.size); /* its characters have been checked */
}

static bool restore_members(const struct shortening *shortening, json_t *object) {
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        json_t *const was = json_object_iter_value(at), *value = was;
        if (!restore(shortening, &value) ||
            (value != was && json_object_iter_set_new(object, at, value) != 0))
            return false;
    }
    return true;
}

static bool restore_items(const struct shortening *shortening, json_t *array) {
    for (size_t i = 0; i < json_array_size(array); i++) {
        json_t *const was = json_array_get(array, i), *value = was;
        if (!restore(shortening, &value) ||
            (value != was && json_array_set_new(array, i, value) != 0))
            return false;
    }
    return true;
}

/* `*value`: borrowed; a new reference afterwards where it was a stand-in. False: no memory. */
static bool restore(const struct shortening *shortening, json_t **value) {
    if (json_is_object(*value))
        return restore_members(shortening, *value);
    if (json_is_array(*value))
        return restore_items(shortening, *value);
    if (is_stand_in(shortening, *value))
        *value = long_string(shortening, *value);
    return *value != NULL;
}

static json_t *load_shortened(const struct shortening *shortening, size_t flags, bool whole,
                              json_error_t *error) {
    json_t *root = json_loadb(shortening->text.bytes, shortening->text.size, flags, error);
    json_t *value = root;
    if (!root || !whole || (restore(shortening, &value) && value == root))
        return root;
    json_decref(root);
    return value == root ? NULL : value;
}

static json_t *load(struct koine_text text, size_t flags, bool whole, json_error_t *error) {
    struct shortening shortening = {.count = 0};
    json_t *value = NULL;
    if (text.size > LONG_BYTES && shorten(&shortening, text))
        value = load_shortened(&shortening, flags, whole, error);
    finish(&shortening);
    /* What is wrong with a text has its place in the whole of it. */
    return value ? value : json_loadb(text.data, text.size, flags, error);
}

json_t *koine_json_load(struct koine_text text, size_t flags, json_error_t *error) {
    return load(text, flags, true, error);
}

json_t *json_load_outline(struct koine_text text, size_t flags, json_error_t *error) {
    return load(text, flags, false, error);
}
