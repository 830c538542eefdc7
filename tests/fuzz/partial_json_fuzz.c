/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds arbitrary bytes to the partial JSON reader, in pieces whose sizes the data tells and one by
 * one. Both must agree, the value must always be JSON to jansson, and what is accepted in whole
 * must be what jansson accepts.
 */
#include <jansson.h>
#include <koine-module/partial_json.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
    if (!condition)
        abort();
}

/* jansson has no lone surrogates, and limits that RFC 8259 leaves open. */
static bool is_limit_of_jansson(const json_error_t *error) {
    const enum json_error_code code = json_error_code(error);
    return code == json_error_stack_overflow || code == json_error_numeric_overflow ||
           code == json_error_null_byte_in_key || strstr(error->text, "invalid Unicode '\\u");
}

/* Whether it is JSON; false is sure, true may be a limit of jansson. */
static bool may_be_json(const char *text, size_t size) {
    json_error_t error;
    json_t *json = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    const bool holds = json != NULL || is_limit_of_jansson(&error);
    json_decref(json);
    return holds;
}

static void check_value(struct koine_partial_value value, char *room) {
    if (value.head.data == NULL) {
        require(value.tail.data == NULL && value.head.size == 0 && value.tail.size == 0);
        return;
    }
    memcpy(room, value.head.data, value.head.size);
    memcpy(room + value.head.size, value.tail.data, value.tail.size);
    require(memchr(room, '\n', value.head.size) == NULL);
    require(may_be_json(room, value.head.size + value.tail.size));
}

static void check_equal(struct koine_text a, struct koine_text b) {
    require((a.data == NULL) == (b.data == NULL));
    require(a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0));
}

static void check_same(const struct koine_partial_json *a, const struct koine_partial_json *b) {
    const struct koine_partial_value one = koine_partial_json_value(a);
    const struct koine_partial_value other = koine_partial_json_value(b);
    check_equal(one.head, other.head);
    check_equal(one.tail, other.tail);
    require(koine_partial_json_complete(a) == koine_partial_json_complete(b));
}

static int32_t feed_one_by_one(struct koine_partial_json *reader, struct koine_text piece) {
    int32_t result = KOINE_OK;
    for (size_t i = 0; i < piece.size; i++)
        result = koine_partial_json_feed(reader, (struct koine_text){piece.data + i, 1});
    return result;
}

/* The white space ends a number on its own. */
static void check_whole(struct koine_partial_json *reader, struct koine_text text, int32_t result) {
    json_error_t error;
    result = result == KOINE_OK ? koine_partial_json_feed(reader, KOINE_TEXT(" ")) : result;
    require(koine_partial_json_complete(reader) == false || result == KOINE_OK);
    if (koine_partial_json_complete(reader)) {
        require(may_be_json(text.data, text.size));
        return;
    }
    json_t *json = json_loadb(text.data, text.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    /* jansson takes a NUL between tokens for the end */
    require(json == NULL || memchr(text.data, '\0', text.size) != NULL);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    const struct koine_text text = {(const char *)data + 1, size - 1};
    struct koine_partial_json *pieces = koine_partial_json_create();
    struct koine_partial_json *bytes = koine_partial_json_create();
    char *room = malloc(2 * size);
    int32_t result = KOINE_OK;
    uint32_t random = data[0];
    require(pieces != NULL && bytes != NULL && room != NULL);
    for (size_t at = 0, taken = 0; at < text.size; at += taken) {
        random = random * 1103515245 + 12345;
        taken = 1 + (random >> 16) % 40;
        taken = taken < text.size - at ? taken : text.size - at;
        const struct koine_text piece = {text.data + at, taken};
        result = koine_partial_json_feed(pieces, piece);
        require(result == feed_one_by_one(bytes, piece));
        check_same(pieces, bytes);
        check_value(koine_partial_json_value(pieces), room);
    }
    check_whole(pieces, text, result);
    koine_partial_json_reset(bytes);
    require(koine_partial_json_value(bytes).head.data == NULL);
    koine_partial_json_destroy(pieces);
    koine_partial_json_destroy(bytes);
    free(room);
    return 0;
}
