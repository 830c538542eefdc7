/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON of a tree, on one line. A number is written with the digits that its author gave, as far as
 * JSON has that form, so that none is rounded on the way.
 */
#include "openapi/write.h"
#include "runner/json_writer.h"
#include <stdlib.h>
#include <string.h>

/* "+01.e5" in JSON is "1.0e5": its parts, all of them digits. */
struct decimal {
    bool negative;
    struct koine_text whole, fraction, exponent; /* the exponent with its sign */
};

static struct koine_text take_digits(const char **at) {
    const struct koine_text digits = {*at, strspn(*at, "0123456789")};
    *at += digits.size;
    return digits;
}

/* False: it is no decimal number. */
static bool read_decimal(const char *text, struct decimal *decimal) {
    *decimal = (struct decimal){.negative = *text == '-'};
    text += *text == '-' || *text == '+';
    decimal->whole = take_digits(&text);
    if (*text == '.') {
        text++;
        decimal->fraction = take_digits(&text);
    }
    if (decimal->whole.size + decimal->fraction.size == 0)
        return false;
    if (*text == 'e' || *text == 'E') {
        const char *begin = ++text;
        text += *text == '-' || *text == '+';
        if (!take_digits(&text).size)
            return false;
        decimal->exponent = (struct koine_text){begin, (size_t)(text - begin)};
    }
    while (decimal->whole.size > 1 && *decimal->whole.data == '0') {
        decimal->whole.data++;
        decimal->whole.size--;
    }
    return *text == '\0';
}

static void write_decimal(struct json_writer *writer, const struct decimal *decimal) {
    if (decimal->negative)
        json_writer_literal(writer, "-");
    json_writer_raw(writer, decimal->whole.size ? decimal->whole : KOINE_TEXT("0"));
    if (decimal->fraction.size) {
        json_writer_literal(writer, ".");
        json_writer_raw(writer, decimal->fraction);
    }
    if (decimal->exponent.size) {
        json_writer_literal(writer, "e");
        json_writer_raw(writer, decimal->exponent);
    }
}

bool openapi_scalar_is_json(const struct node *scalar) {
    struct decimal decimal;
    return node_scalar(scalar).type != SCALAR_TOO_LARGE || read_decimal(scalar->text, &decimal);
}

static void write_scalar(struct json_writer *writer, const struct node *node) {
    const struct scalar scalar = node_scalar(node);
    struct decimal decimal;
    if (scalar.type == SCALAR_TEXT)
        json_writer_cstring(writer, node->text);
    else if (scalar.type == SCALAR_NULL)
        json_writer_literal(writer, "null");
    else if (scalar.type == SCALAR_BOOLEAN)
        json_writer_raw(writer, scalar.boolean ? KOINE_TEXT("true") : KOINE_TEXT("false"));
    else if (read_decimal(node->text, &decimal))
        write_decimal(writer, &decimal);
    else /* hexadecimal or octal */
        json_writer_integer(writer, scalar.integer);
}

static void write(struct json_writer *writer, const struct node *node) {
    if (node->kind == NODE_SCALAR) {
        write_scalar(writer, node);
        return;
    }
    const bool mapping = node->kind == NODE_MAPPING;
    json_writer_raw(writer, mapping ? KOINE_TEXT("{") : KOINE_TEXT("["));
    for (size_t i = 0; i < node->count; i++) {
        if (i)
            json_writer_literal(writer, ",");
        if (mapping) {
            json_writer_cstring(writer, node->children[i].name);
            json_writer_literal(writer, ":");
        }
        write(writer, &node->children[i]);
    }
    json_writer_raw(writer, mapping ? KOINE_TEXT("}") : KOINE_TEXT("]"));
}

char *openapi_json(const struct node *root, size_t *size) {
    struct json_writer writer = {0};
    write(&writer, root);
    json_writer_literal(&writer, "\n");
    return json_writer_take(&writer, size);
}
