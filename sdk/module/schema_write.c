/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checked schema as the CLI's validator takes it. The tree says what stands where, the text gives
 * the values: numbers, constants and defaults are copied as the client wrote them.
 */
#include "json_span.h"
#include "schema_internal.h"
#include <stdlib.h>
#include <string.h>

#define MOVED_ROOT "#/definitions/root"

struct writer {
    const json_t *root;
    const json_t *base;     /* where "#" begins */
    struct koine_text rest; /* of the client's text, walked over once */
    FILE *out;
    bool moved; /* the root stands at MOVED_ROOT */
    bool failed;
};

static void write_schema(struct writer *writer, const json_t *schema);

static void copy_value(struct writer *writer) {
    struct koine_text value = json_span_take_value(&writer->rest);
    fwrite(value.data, 1, value.size, writer->out);
}

static void write_string(struct writer *writer, const char *string) {
    fputc('"', writer->out);
    for (; *string; string++) {
        unsigned char byte = (unsigned char)*string;
        if (byte < 0x20)
            fprintf(writer->out, "\\u%04x", byte);
        else if (byte == '"' || byte == '\\')
            fprintf(writer->out, "\\%c", byte);
        else
            fputc(byte, writer->out);
    }
    fputc('"', writer->out);
}

static void begin_member(struct writer *writer, bool *first, const char *name) {
    if (!*first)
        fputc(',', writer->out);
    *first = false;
    write_string(writer, name);
    fputc(':', writer->out);
}

static void write_list(struct writer *writer, const json_t *list) {
    size_t index;
    json_t *schema;
    fputc('[', writer->out);
    json_array_foreach(list, index, schema) {
        if (index)
            fputc(',', writer->out);
        json_span_to_element(&writer->rest);
        write_schema(writer, schema);
    }
    json_span_leave(&writer->rest, "]");
    fputc(']', writer->out);
}

/* An array in a map is one of strings. */
static void write_map(struct writer *writer, const json_t *map) {
    const char *name;
    json_t *value;
    bool first = true;
    fputc('{', writer->out);
    json_object_foreach((json_t *)map, name, value) {
        json_span_to_member(&writer->rest);
        begin_member(writer, &first, name);
        if (json_is_array(value))
            copy_value(writer);
        else
            write_schema(writer, value);
    }
    json_span_leave(&writer->rest, "}");
    fputc('}', writer->out);
}

static bool has_string(const json_t *array, const char *string) {
    size_t index;
    json_t *value;
    json_array_foreach(array, index, value) {
        if (!strcmp(json_string_value(value), string))
            return true;
    }
    return false;
}

/* The API takes nothing but an object for a root, and nothing else can come. */
static bool is_narrowed(const struct writer *writer, const json_t *schema) {
    return schema == writer->root && !writer->moved;
}

/* `nullable` of OpenAPI 3.0, which adds a type to the ones that are there. */
static void write_type(struct writer *writer, const json_t *schema, const json_t *type) {
    bool nullable = json_is_true(json_object_get(schema, "nullable"));
    if (is_narrowed(writer, schema)) {
        json_span_take_value(&writer->rest);
        fputs("\"object\"", writer->out);
    } else if (nullable && json_is_string(type)) {
        fputc('[', writer->out);
        copy_value(writer);
        fputs(strcmp(json_string_value(type), "null") ? ",\"null\"]" : "]", writer->out);
    } else if (nullable && !has_string(type, "null")) {
        struct koine_text value = json_span_take_value(&writer->rest);
        fwrite(value.data, 1, value.size - 1, writer->out); /* without its bracket */
        fputs(",\"null\"]", writer->out);
    } else {
        copy_value(writer);
    }
}

/* False: it leads nowhere, or memory is short. */
static bool write_target(const struct writer *writer, const char *reference, FILE *out) {
    fwrite(reference, 1, strcspn(reference, "#"), out); /* the $id of the root, or nothing */
    if (*reference != '#') {
        fputs(MOVED_ROOT, out);
        return true;
    }
    fputs(writer->moved && writer->base == writer->root ? MOVED_ROOT : "#", out);
    return schema_reference_follow(writer->base, reference, out) == SCHEMA_FOUND;
}

static void write_reference(struct writer *writer, const json_t *value) {
    const char *reference = json_string_value(value);
    char *text = NULL;
    size_t size;
    if (*reference != '#' &&
        !(writer->moved && schema_reference_is_root(writer->root, writer->base, reference))) {
        copy_value(writer);
        return;
    }
    json_span_take_value(&writer->rest);
    FILE *out = open_memstream(&text, &size);
    bool failed = !out || !write_target(writer, reference, out);
    const bool broken = out && ferror(out);
    failed = (out && fclose(out)) || broken || failed;
    if (failed)
        writer->failed = true;
    else
        write_string(writer, text);
    free(text);
}

static void write_value(struct writer *writer, const struct schema_keyword *keyword,
                        const json_t *schema, const json_t *value) {
    if (keyword->kind == SCHEMA_TYPE)
        write_type(writer, schema, value);
    else if (keyword->kind == SCHEMA_REFERENCE)
        write_reference(writer, value);
    else if (keyword->kind >= SCHEMA_MAP)
        write_map(writer, value);
    else if (keyword->kind >= SCHEMA_SCHEMA && json_is_array(value))
        write_list(writer, value);
    else if (keyword->kind >= SCHEMA_SCHEMA)
        write_schema(writer, value);
    else
        copy_value(writer);
}

/* NULL: it is left out. The $id of a root that is moved stands in front of it. */
static const char *name_of(const struct writer *writer, const struct schema_keyword *keyword,
                           const json_t *schema) {
    if (!keyword || (keyword->kind == SCHEMA_NAME && writer->moved && schema == writer->root))
        return NULL;
    return schema_keyword_written(keyword, schema);
}

static void write_members(struct writer *writer, const json_t *schema) {
    const char *name;
    json_t *value;
    bool first = true;
    if (is_narrowed(writer, schema) && !json_object_get(schema, "type")) {
        begin_member(writer, &first, "type");
        fputs("\"object\"", writer->out);
    }
    json_object_foreach((json_t *)schema, name, value) {
        const struct schema_keyword *keyword = schema_keyword_find(name);
        const char *written = name_of(writer, keyword, schema);
        json_span_to_member(&writer->rest);
        if (written) {
            begin_member(writer, &first, written);
            write_value(writer, keyword, schema, value);
        } else {
            json_span_take_value(&writer->rest);
        }
    }
}

static void write_schema(struct writer *writer, const json_t *schema) {
    if (json_is_boolean(schema)) {
        copy_value(writer);
        return;
    }
    const json_t *outer = writer->base;
    writer->base = schema_base(schema, outer);
    fputc('{', writer->out);
    write_members(writer, schema);
    json_span_leave(&writer->rest, "}");
    fputc('}', writer->out);
    writer->base = outer;
}

/* Whether the client's root takes nothing but objects by its type. */
static bool takes_objects(const json_t *root) {
    const json_t *type = json_object_get(root, "type");
    return type && json_array_size(type) <= 1 && !json_is_true(json_object_get(root, "nullable"));
}

/* A root that is narrowed to objects would narrow what refers to it too. So they part ways: the
 * client's root moves, references follow it, and the new root is those of its values that are
 * objects. */
static void write_moved_root(struct writer *writer) {
    const char *id = json_string_value(json_object_get(writer->root, "$id"));
    bool first = true;
    fputc('{', writer->out);
    if (id) {
        begin_member(writer, &first, "$id");
        write_string(writer, id);
    }
    begin_member(writer, &first, "type");
    fputs("\"object\",\"$ref\":\"" MOVED_ROOT "\",\"definitions\":{\"root\":", writer->out);
    write_schema(writer, writer->root);
    fputs("}}", writer->out);
}

char *schema_write(const json_t *root, bool to_root, struct koine_text written, size_t *size) {
    char *text = NULL;
    struct writer writer = {.root = root,
                            .base = root,
                            .rest = written,
                            .out = open_memstream(&text, size),
                            .moved = to_root && !takes_objects(root)};
    if (!writer.out)
        return NULL;
    if (writer.moved)
        write_moved_root(&writer);
    else
        write_schema(&writer, root);
    bool failed = ferror(writer.out) || writer.failed;
    if (fclose(writer.out) || failed) {
        free(text);
        return NULL;
    }
    return text;
}
