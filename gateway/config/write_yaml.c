/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON as YAML, through libyaml's emitter.
 * Text that YAML would take for something else is put in quotes; nothing else is decided here.
 */
#include "config/write.h"

#include <math.h>
#include <string.h>
#include <yaml.h>

static int write_out(void *context, unsigned char *buffer, size_t size) {
    FILE *out = context;
    return fwrite(buffer, 1, size, out) == size;
}

static int emit_scalar(yaml_emitter_t *emitter, const char *text, bool is_text) {
    yaml_event_t event;
    yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE;
    if (is_text && scalar_resolve(text).type != SCALAR_TEXT) {
        style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    }
    return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
                                        (int)strlen(text), 1, 1, style) &&
           yaml_emitter_emit(emitter, &event);
}

static int emit_number(yaml_emitter_t *emitter, const json_t *value) {
    char text[64];
    if (json_is_integer(value)) {
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
    } else {
        double real = json_real_value(value);
        snprintf(text, sizeof text, "%.17g", real);
        if (strpbrk(text, ".e") == NULL) { /* stays a real number when it is read again */
            snprintf(text, sizeof text, "%.1f", real);
        }
    }
    return emit_scalar(emitter, text, false);
}

static int emit(yaml_emitter_t *emitter, const json_t *value);

static int emit_array(yaml_emitter_t *emitter, const json_t *array) {
    yaml_event_t event;
    int ok =
        yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE) &&
        yaml_emitter_emit(emitter, &event);
    for (size_t i = 0; ok && i < json_array_size(array); i++) {
        ok = emit(emitter, json_array_get(array, i));
    }
    return ok && yaml_sequence_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static int emit_object(yaml_emitter_t *emitter, const json_t *object) {
    yaml_event_t event;
    json_t *source = (json_t *)(uintptr_t)object; /* jansson iterates over mutable objects only */
    const char *name = NULL;
    json_t *value = NULL;
    int ok = yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE) &&
             yaml_emitter_emit(emitter, &event);
    json_object_foreach(source, name, value) {
        ok = ok && emit_scalar(emitter, name, true) && emit(emitter, value);
    }
    return ok && yaml_mapping_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

/* NOLINTNEXTLINE(misc-no-recursion) as deep as the configuration that was read */
static int emit(yaml_emitter_t *emitter, const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return emit_object(emitter, value);
    case JSON_ARRAY:
        return emit_array(emitter, value);
    case JSON_STRING:
        return emit_scalar(emitter, json_string_value(value), true);
    case JSON_INTEGER:
    case JSON_REAL:
        return emit_number(emitter, value);
    case JSON_TRUE:
        return emit_scalar(emitter, "true", false);
    case JSON_FALSE:
        return emit_scalar(emitter, "false", false);
    case JSON_NULL:
        return emit_scalar(emitter, "null", false);
    }
    return 0;
}

int write_yaml(const json_t *value, FILE *out) {
    yaml_emitter_t emitter;
    yaml_event_t event;
    if (!yaml_emitter_initialize(&emitter)) {
        return -1;
    }
    yaml_emitter_set_output(&emitter, write_out, out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    int ok = yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
             yaml_emitter_emit(&emitter, &event) &&
             yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
             yaml_emitter_emit(&emitter, &event) && emit(&emitter, value) &&
             yaml_document_end_event_initialize(&event, 1) && yaml_emitter_emit(&emitter, &event) &&
             yaml_stream_end_event_initialize(&event) && yaml_emitter_emit(&emitter, &event);
    yaml_emitter_delete(&emitter);
    return ok && fflush(out) == 0 && !ferror(out) ? 0 : -1;
}
