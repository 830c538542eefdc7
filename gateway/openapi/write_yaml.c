/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML of a tree through libyaml's emitter, for people: blocks stay what they were, what is in
 * braces stays there while it fits into a line, and a text that does not is folded.
 */
#include "openapi/write.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

enum { WIDTH = 96 }; /* columns; only words stand out */

/* ---- how a value is written */

/* What readers of YAML 1.1 take for something else is no plain text either. */
static bool is_plain_text(const char *text) {
    static const char *const booleans[] = {"y", "n", "yes", "no", "on", "off"};
    const bool begins = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                        *text == '/' || *text == '_' || *text == '$';
    const bool is_short = strlen(text) <= 3;
    for (size_t i = 0; is_short && i < sizeof(booleans) / sizeof(*booleans); i++)
        if (strcasecmp(text, booleans[i]) == 0)
            return false;
    return begins && scalar_resolve(text).type == SCALAR_TEXT;
}

static yaml_scalar_style_t name_style(const char *name) {
    return is_plain_text(name) ? YAML_PLAIN_SCALAR_STYLE : YAML_SINGLE_QUOTED_SCALAR_STYLE;
}

/* libyaml folds lines that begin with blanks, too, which makes them others. */
static bool can_fold(const char *text) {
    return *text && *text != ' ' && *text != '\t' && *text != '\n' && strchr(text, ' ') &&
           !strstr(text, "\n ") && !strstr(text, "\n\t");
}

/* Line breaks of Unicode, which YAML 1.1 takes for some and YAML 1.2 does not. */
static bool has_odd_breaks(const char *text) {
    return strchr(text, '\r') || strstr(text, "\xc2\x85") || strstr(text, "\xe2\x80\xa8") ||
           strstr(text, "\xe2\x80\xa9") || strstr(text, "\xef\xbb\xbf");
}

/* In a block; `room`: columns that are left for it on its line. */
static yaml_scalar_style_t block_style(const struct node *node, size_t room) {
    const bool is_text = node_scalar(node).type == SCALAR_TEXT, folds = can_fold(node->text);
    if (has_odd_breaks(node->text))
        return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    if (is_text && folds && node->style == STYLE_FOLDED)
        return YAML_FOLDED_SCALAR_STYLE;
    if (node->style == STYLE_LITERAL || (is_text && strchr(node->text, '\n')))
        return YAML_LITERAL_SCALAR_STYLE;
    if (is_text && folds && strlen(node->text) + 2 > room)
        return YAML_FOLDED_SCALAR_STYLE;
    if (node->plain)
        return YAML_PLAIN_SCALAR_STYLE;
    if (node->style == STYLE_SINGLE_QUOTED || node->style == STYLE_DOUBLE_QUOTED)
        return node->style == STYLE_SINGLE_QUOTED ? YAML_SINGLE_QUOTED_SCALAR_STYLE
                                                  : YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    return name_style(node->text);
}

/* On one line, in at most about `limit` columns. */
static size_t flow_columns(const struct node *node, size_t limit) {
    size_t columns = node->kind == NODE_SCALAR ? strlen(node->text) + (node->plain ? 0 : 2) : 2;
    if (node->kind == NODE_SCALAR && strchr(node->text, '\n'))
        return limit + 1;
    for (size_t i = 0; i < node->count && columns <= limit; i++) {
        const struct node *child = &node->children[i];
        columns += i ? 2 : 0;
        columns += child->name ? strlen(child->name) + 2 : 0;
        columns += child->name && !is_plain_text(child->name) ? 2 : 0;
        columns += flow_columns(child, limit);
    }
    return columns;
}

static bool is_flow(const struct node *node, size_t room) {
    return !node->count || (node->style == STYLE_FLOW && flow_columns(node, room) <= room);
}

/* ---- writing it */

static bool emit_scalar(yaml_emitter_t *emitter, const char *text, yaml_scalar_style_t style) {
    yaml_event_t event;
    return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
                                        (int)strlen(text), 1, 1, style) &&
           yaml_emitter_emit(emitter, &event);
}

/* Nothing at all would be an empty text within braces. */
static bool emit_value(yaml_emitter_t *emitter, const struct node *node, size_t room) {
    const bool nothing = node->plain && !*node->text;
    return emit_scalar(emitter, nothing ? "null" : node->text, block_style(node, room));
}

static bool emit_begin(yaml_emitter_t *emitter, enum node_kind kind, bool flow) {
    yaml_event_t event;
    const int made =
        kind == NODE_MAPPING
            ? yaml_mapping_start_event_initialize(
                  &event, NULL, NULL, 1, flow ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE)
            : yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                                   flow ? YAML_FLOW_SEQUENCE_STYLE
                                                        : YAML_BLOCK_SEQUENCE_STYLE);
    return made && yaml_emitter_emit(emitter, &event);
}

static bool emit_end(yaml_emitter_t *emitter, enum node_kind kind) {
    yaml_event_t event;
    const int made = kind == NODE_MAPPING ? yaml_mapping_end_event_initialize(&event)
                                          : yaml_sequence_end_event_initialize(&event);
    return made && yaml_emitter_emit(emitter, &event);
}

/* Within brackets or braces. */
static bool emit_flow(yaml_emitter_t *emitter, const struct node *node) {
    if (node->kind == NODE_SCALAR)
        return emit_value(emitter, node, SIZE_MAX);
    bool good = emit_begin(emitter, node->kind, true);
    for (size_t i = 0; good && i < node->count; i++) {
        const struct node *child = &node->children[i];
        good = (!child->name || emit_scalar(emitter, child->name, name_style(child->name))) &&
               emit_flow(emitter, child);
    }
    return good && emit_end(emitter, node->kind);
}

/* `indent`: the column of what is below it; `column`: where it begins on its own line. */
static bool emit(yaml_emitter_t *emitter, const struct node *node, size_t indent, size_t column) {
    const size_t room = column < WIDTH ? WIDTH - column : 0;
    if (node->kind == NODE_SCALAR)
        return emit_value(emitter, node, room);
    if (is_flow(node, room))
        return emit_flow(emitter, node);
    const bool mapping = node->kind == NODE_MAPPING;
    bool good = emit_begin(emitter, node->kind, false);
    for (size_t i = 0; good && i < node->count; i++) {
        const struct node *child = &node->children[i];
        const size_t below = mapping && child->kind == NODE_SEQUENCE ? indent : indent + 2;
        if (mapping)
            good = emit_scalar(emitter, child->name, name_style(child->name)) &&
                   emit(emitter, child, below, indent + strlen(child->name) + 4);
        else
            good = emit(emitter, child, below, indent + 2);
    }
    return good && emit_end(emitter, node->kind);
}

static bool emit_document(yaml_emitter_t *emitter, const struct node *root) {
    yaml_event_t event;
    return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
           yaml_emitter_emit(emitter, &event) &&
           yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
           yaml_emitter_emit(emitter, &event) && emit(emitter, root, 0, 0) &&
           yaml_document_end_event_initialize(&event, 1) && yaml_emitter_emit(emitter, &event) &&
           yaml_stream_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static int write_out(void *context, unsigned char *bytes, size_t size) {
    return fwrite(bytes, 1, size, context) == size;
}

char *openapi_yaml(const struct node *root, size_t *size) {
    char *text = NULL;
    size_t length = 0;
    yaml_emitter_t emitter;
    FILE *out = open_memstream(&text, &length);
    bool good = out && yaml_emitter_initialize(&emitter);
    if (good) {
        yaml_emitter_set_output(&emitter, write_out, out);
        yaml_emitter_set_unicode(&emitter, 1);
        yaml_emitter_set_width(&emitter, WIDTH);
        good = emit_document(&emitter, root);
        yaml_emitter_delete(&emitter);
    }
    if (out && fclose(out))
        good = false;
    if (!good) {
        free(text);
        return NULL;
    }
    if (size)
        *size = length;
    return text;
}
