/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state machine over bytes: copies the tokens into `text`, notes in `safe` how much of it can be
 * closed, and in `closers` what closes it. Does not recurse and never looks back.
 */
#include "json_characters.h"
#include <koine-module/partial_json.h>
#include <stdlib.h>
#include <string.h>

/* What was last taken, or what comes next; names are those of RFC 8259. */
enum state {
    BEFORE_VALUE,
    BEFORE_FIRST_ELEMENT, /* or the end of the array */
    BEFORE_FIRST_MEMBER,  /* or the end of the object */
    BEFORE_MEMBER,
    BEFORE_NAME_SEPARATOR,
    AFTER_VALUE,
    IN_LITERAL,
    IN_STRING,    /* between two characters */
    IN_ESCAPE,    /* behind the backslash */
    IN_CODE,      /* in the digits behind \u */
    IN_CHARACTER, /* between two bytes of a character */
    AFTER_MINUS,
    AFTER_ZERO,
    IN_INTEGER,
    AFTER_DECIMAL_POINT,
    IN_FRACTION,
    AFTER_E,
    AFTER_EXPONENT_SIGN,
    IN_EXPONENT,
    NO_STATE /* the byte cannot stand there */
};

struct koine_partial_json {
    char *text; /* the tokens, without the white space between them */
    size_t size;
    size_t capacity;
    size_t safe;   /* this much of the text and the closers are a value */
    char *closers; /* of all that is open, innermost first: the last `open` bytes of the buffer */
    size_t open;
    size_t closers_capacity;
    enum state state;
    int32_t result;      /* of the text so far: KOINE_OK or why no more is taken */
    const char *literal; /* what is missing of the literal */
    uint32_t code;       /* of the escape so far */
    unsigned digits;     /* of `code` */
    bool high_surrogate; /* the last character is one, and its partner may follow */
    unsigned missing;    /* bytes of the character */
};

struct koine_partial_json *koine_partial_json_create(void) {
    return calloc(1, sizeof(struct koine_partial_json));
}

void koine_partial_json_destroy(struct koine_partial_json *reader) {
    if (reader == NULL)
        return;
    free(reader->text);
    free(reader->closers);
    free(reader);
}

void koine_partial_json_reset(struct koine_partial_json *reader) {
    reader->size = reader->safe = reader->open = 0;
    reader->high_surrogate = false;
    reader->state = BEFORE_VALUE;
    reader->result = KOINE_OK;
}

/* ---- the two buffers ----------------------------------------------------------------------- */

static size_t doubled(size_t capacity, size_t needed) {
    const size_t twice = capacity <= SIZE_MAX / 2 ? capacity * 2 : SIZE_MAX;
    const size_t grown = twice > 64 ? twice : 64;
    return grown > needed ? grown : needed;
}

/* Room for a whole piece, so that nothing that appends can fail. */
static bool reserve(struct koine_partial_json *reader, size_t bytes) {
    if (bytes <= reader->capacity - reader->size)
        return true;
    if (bytes > SIZE_MAX - reader->size)
        return false;
    const size_t capacity = doubled(reader->capacity, reader->size + bytes);
    char *text = realloc(reader->text, capacity);
    if (text == NULL)
        return false;
    reader->text = text;
    reader->capacity = capacity;
    return true;
}

static void append(struct koine_partial_json *reader, unsigned char byte) {
    reader->text[reader->size++] = (char)byte;
}

static bool grow_closers(struct koine_partial_json *reader) {
    const size_t capacity = doubled(reader->closers_capacity, reader->open + 1);
    char *closers = malloc(capacity);
    if (closers == NULL)
        return false;
    if (reader->open > 0)
        memcpy(closers + capacity - reader->open, reader->closers, reader->open);
    free(reader->closers);
    reader->closers = closers;
    reader->closers_capacity = capacity;
    return true;
}

static const char *closers(const struct koine_partial_json *reader) {
    return reader->closers + reader->closers_capacity - reader->open;
}

/* What closes the innermost string, array or object; NUL when nothing is open. */
static unsigned char innermost(const struct koine_partial_json *reader) {
    return reader->open > 0 ? (unsigned char)*closers(reader) : 0;
}

static int32_t append_and_enter(struct koine_partial_json *reader, unsigned char byte,
                                enum state state) {
    append(reader, byte);
    reader->state = state;
    return KOINE_OK;
}

/* All that was taken so far is part of the value. */
static int32_t determine_and_enter(struct koine_partial_json *reader, enum state state) {
    reader->safe = reader->size;
    reader->state = state;
    return KOINE_OK;
}

static int32_t open_value(struct koine_partial_json *reader, unsigned char byte, char closer,
                          enum state inside) {
    if (reader->open == reader->closers_capacity && !grow_closers(reader))
        return KOINE_NO_MEMORY;
    reader->closers[reader->closers_capacity - ++reader->open] = closer;
    append(reader, byte);
    return determine_and_enter(reader, inside);
}

static int32_t close_value(struct koine_partial_json *reader, unsigned char byte) {
    if (innermost(reader) != byte)
        return KOINE_INVALID;
    reader->open--;
    append(reader, byte);
    return determine_and_enter(reader, AFTER_VALUE);
}

/* ---- strings ------------------------------------------------------------------------------- */

/* All of the text up to `size` is whole characters. The name of a member waits for its value. */
static void determine_string(struct koine_partial_json *reader, size_t size) {
    reader->high_surrogate = false;
    if (innermost(reader) == '"')
        reader->safe = size;
}

static int32_t end_character(struct koine_partial_json *reader) {
    determine_string(reader, reader->size);
    reader->state = IN_STRING;
    return KOINE_OK;
}

/* Takes the characters that stand for themselves and are whole; returns how many bytes. */
static size_t take_characters(struct koine_partial_json *reader, const unsigned char *bytes,
                              size_t size) {
    const size_t taken = json_characters_span(bytes, size);
    if (taken > 0) {
        memcpy(reader->text + reader->size, bytes, taken);
        reader->size += taken;
        determine_string(reader, reader->size);
    }
    return taken;
}

static int32_t begin_character(struct koine_partial_json *reader, unsigned char byte) {
    if ((reader->missing = json_character_missing(byte)) == 0)
        return KOINE_INVALID;
    if (reader->high_surrogate) /* a lone one, as is known now */
        determine_string(reader, reader->size);
    return append_and_enter(reader, byte, IN_CHARACTER);
}

static int32_t take_in_character(struct koine_partial_json *reader, unsigned char byte) {
    if (!json_character_continues((unsigned char)reader->text[reader->size - 1], byte))
        return KOINE_INVALID;
    append(reader, byte);
    return --reader->missing > 0 ? KOINE_OK : end_character(reader);
}

static int32_t end_string(struct koine_partial_json *reader, unsigned char byte) {
    reader->high_surrogate = false;
    if (innermost(reader) == '"')
        return close_value(reader, byte);
    return append_and_enter(reader, byte, BEFORE_NAME_SEPARATOR);
}

/* What take_characters leaves. */
static int32_t take_in_string(struct koine_partial_json *reader, unsigned char byte) {
    if (byte == '"')
        return end_string(reader, byte);
    if (byte == '\\')
        return append_and_enter(reader, byte, IN_ESCAPE);
    return begin_character(reader, byte);
}

static int32_t take_in_escape(struct koine_partial_json *reader, unsigned char byte) {
    if (byte == 'u') {
        reader->code = reader->digits = 0;
        return append_and_enter(reader, byte, IN_CODE);
    }
    if (byte == '\0' || strchr("\"\\/bfnrt", byte) == NULL)
        return KOINE_INVALID;
    append(reader, byte);
    return end_character(reader);
}

static int digit_value(unsigned char byte) {
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    const unsigned char lower = byte | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Whether the digits so far can become U+DC00 … U+DFFF. */
static bool may_be_low_surrogate(const struct koine_partial_json *reader) {
    const unsigned bits = 4 * (4 - reader->digits);
    const uint32_t least = reader->code << bits, most = least | ((UINT32_C(1) << bits) - 1);
    return most >= 0xDC00 && least <= 0xDFFF;
}

static int32_t end_code(struct koine_partial_json *reader) {
    if (reader->high_surrogate || reader->code < 0xD800 || reader->code > 0xDBFF)
        return end_character(reader);
    reader->high_surrogate = true;
    reader->state = IN_STRING;
    return KOINE_OK;
}

static int32_t take_in_code(struct koine_partial_json *reader, unsigned char byte) {
    const int value = digit_value(byte);
    if (value < 0)
        return KOINE_INVALID;
    append(reader, byte);
    reader->digits++;
    reader->code = reader->code << 4 | (uint32_t)value;
    if (reader->high_surrogate && !may_be_low_surrogate(reader)) /* the one before is lone */
        determine_string(reader, reader->size - reader->digits - strlen("\\u"));
    return reader->digits < 4 ? KOINE_OK : end_code(reader);
}

/* ---- behind a value ------------------------------------------------------------------------ */

static bool is_space(unsigned char byte) {
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

/* Also ends a number: it becomes part of the value with a byte that may follow it. */
static int32_t take_after_value(struct koine_partial_json *reader, unsigned char byte) {
    if (byte == ']' || byte == '}')
        return close_value(reader, byte);
    if (is_space(byte))
        return determine_and_enter(reader, AFTER_VALUE);
    if (byte != ',' || reader->open == 0)
        return KOINE_INVALID;
    reader->safe = reader->size;
    return append_and_enter(reader, byte, innermost(reader) == ']' ? BEFORE_VALUE : BEFORE_MEMBER);
}

/* ---- numbers and literals ------------------------------------------------------------------ */

/* Where a byte leads from within a number; AFTER_VALUE when the number ends before it. */
static enum state number_state(enum state state, unsigned char byte) {
    const bool digit = byte >= '0' && byte <= '9', e = byte == 'e' || byte == 'E';
    switch (state) {
    case AFTER_MINUS:
        return byte == '0' ? AFTER_ZERO : digit ? IN_INTEGER : NO_STATE;
    case IN_INTEGER:
        if (digit)
            return IN_INTEGER;
        /* fall through */
    case AFTER_ZERO:
        return byte == '.' ? AFTER_DECIMAL_POINT : e ? AFTER_E : AFTER_VALUE;
    case AFTER_DECIMAL_POINT:
        return digit ? IN_FRACTION : NO_STATE;
    case IN_FRACTION:
        return digit ? IN_FRACTION : e ? AFTER_E : AFTER_VALUE;
    case AFTER_E:
        if (byte == '+' || byte == '-')
            return AFTER_EXPONENT_SIGN;
        /* fall through */
    case AFTER_EXPONENT_SIGN:
        return digit ? IN_EXPONENT : NO_STATE;
    default:
        return digit ? IN_EXPONENT : AFTER_VALUE;
    }
}

static int32_t take_in_number(struct koine_partial_json *reader, unsigned char byte) {
    const enum state next = number_state(reader->state, byte);
    if (next == NO_STATE)
        return KOINE_INVALID;
    return next == AFTER_VALUE ? take_after_value(reader, byte)
                               : append_and_enter(reader, byte, next);
}

static int32_t take_in_literal(struct koine_partial_json *reader, unsigned char byte) {
    if (byte != (unsigned char)*reader->literal)
        return KOINE_INVALID;
    append(reader, byte);
    return *++reader->literal == '\0' ? determine_and_enter(reader, AFTER_VALUE) : KOINE_OK;
}

/* ---- values -------------------------------------------------------------------------------- */

static int32_t begin_value(struct koine_partial_json *reader, unsigned char byte) {
    switch (byte) {
    case '{':
        return open_value(reader, byte, '}', BEFORE_FIRST_MEMBER);
    case '[':
        return open_value(reader, byte, ']', BEFORE_FIRST_ELEMENT);
    case '"':
        return open_value(reader, byte, '"', IN_STRING);
    case 't':
    case 'f':
    case 'n':
        reader->literal = byte == 't' ? "rue" : byte == 'f' ? "alse" : "ull";
        return append_and_enter(reader, byte, IN_LITERAL);
    case '-':
        return append_and_enter(reader, byte, AFTER_MINUS);
    default: /* what may follow a minus may also begin a number */
        reader->state = AFTER_MINUS;
        return take_in_number(reader, byte);
    }
}

static int32_t take_before_token(struct koine_partial_json *reader, unsigned char byte) {
    const enum state state = reader->state;
    if (is_space(byte))
        return KOINE_OK;
    if (state == BEFORE_VALUE || (state == BEFORE_FIRST_ELEMENT && byte != ']'))
        return begin_value(reader, byte);
    if (state == BEFORE_FIRST_ELEMENT || (state == BEFORE_FIRST_MEMBER && byte == '}'))
        return close_value(reader, byte);
    if (state == BEFORE_NAME_SEPARATOR)
        return byte == ':' ? append_and_enter(reader, byte, BEFORE_VALUE) : KOINE_INVALID;
    return byte == '"' ? append_and_enter(reader, byte, IN_STRING) : KOINE_INVALID;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static int32_t take(struct koine_partial_json *reader, unsigned char byte) {
    if (reader->state <= BEFORE_NAME_SEPARATOR)
        return take_before_token(reader, byte);
    switch (reader->state) {
    case AFTER_VALUE:
        return take_after_value(reader, byte);
    case IN_LITERAL:
        return take_in_literal(reader, byte);
    case IN_STRING:
        return take_in_string(reader, byte);
    case IN_ESCAPE:
        return take_in_escape(reader, byte);
    case IN_CODE:
        return take_in_code(reader, byte);
    case IN_CHARACTER:
        return take_in_character(reader, byte);
    default:
        return take_in_number(reader, byte);
    }
}

int32_t koine_partial_json_feed(struct koine_partial_json *reader, struct koine_text piece) {
    if (piece.size == 0 || reader->result != KOINE_OK)
        return reader->result;
    if (!reserve(reader, piece.size))
        return reader->result = KOINE_NO_MEMORY;
    const unsigned char *at = (const unsigned char *)piece.data, *end = at + piece.size;
    while (at < end && reader->result == KOINE_OK) {
        if (reader->state == IN_STRING)
            at += take_characters(reader, at, (size_t)(end - at));
        if (at < end)
            reader->result = take(reader, *at++);
    }
    return reader->result;
}

struct koine_partial_value koine_partial_json_value(const struct koine_partial_json *reader) {
    if (reader->safe == 0)
        return (struct koine_partial_value){{NULL, 0}, {NULL, 0}};
    return (struct koine_partial_value){{reader->text, reader->safe},
                                        {reader->open > 0 ? closers(reader) : "", reader->open}};
}

bool koine_partial_json_complete(const struct koine_partial_json *reader) {
    return reader->result == KOINE_OK && reader->state == AFTER_VALUE && reader->open == 0;
}
