/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds the tree from libyaml's events and refuses what a configuration has no use for.
 * Does not interpret scalars beyond null, boolean, number, text.
 */
#include "config/tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum {
    MAXIMUM_DEPTH = 64,
    MAXIMUM_ENTRIES = 10000 /* in one place: the search for duplicates is quadratic */
};

struct builder {
    yaml_parser_t parser;
    struct tree_limits limits;
    size_t nodes; /* so far */
    struct problems *problems;
};

static int build(struct builder *builder, yaml_event_t *event, struct node *node, unsigned depth);

void node_finish(struct node *node) {
    for (size_t i = 0; i < node->count; i++) {
        node_finish(&node->children[i]);
    }
    free(node->children);
    free(node->name);
    free(node->text);
}

void tree_destroy(struct node *root) {
    if (root != NULL) {
        node_finish(root);
        free(root);
    }
}

static unsigned line_of(const yaml_event_t *event) {
    return (unsigned)event->start_mark.line + 1;
}

/* What is meant most often by "found character that cannot start any token". */
static const char *about_tabs(const yaml_parser_t *parser) {
    return parser->error == YAML_SCANNER_ERROR && *parser->buffer.pointer == '\t'
               ? "; indent with spaces, YAML takes no tabs"
               : "";
}

/* The next event, which the caller deletes; 0 or -1. */
static int next(struct builder *builder, yaml_event_t *event) {
    const yaml_parser_t *parser = &builder->parser;
    if (yaml_parser_parse(&builder->parser, event)) {
        return 0;
    }
    memset(event, 0, sizeof *event);
    if (parser->error == YAML_MEMORY_ERROR) {
        problems_add_no_memory(builder->problems);
    } else if (parser->error == YAML_READER_ERROR) {
        problems_add(builder->problems, (unsigned)parser->mark.line + 1, NULL,
                     "not valid YAML: %s (at byte %zu)", parser->problem, parser->problem_offset);
    } else {
        problems_add(builder->problems, (unsigned)parser->problem_mark.line + 1, NULL,
                     "not valid YAML: %s%s%s (column %zu)%s", parser->problem,
                     parser->context != NULL ? ", " : "",
                     parser->context != NULL ? parser->context : "",
                     parser->problem_mark.column + 1, about_tabs(parser));
    }
    return -1;
}

/* Anchors and tags can stand on any node: found here, whatever the kind. */
static int refuse_extras(struct builder *builder, const yaml_event_t *event) {
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor != NULL || event->type == YAML_ALIAS_EVENT) {
        problems_add(builder->problems, line_of(event), NULL,
                     "anchors (&name) and aliases (*name) are not supported; write the value out, "
                     "or put text that begins with & or * in quotes");
        return -1;
    }
    if (tag != NULL) {
        problems_add(builder->problems, line_of(event), NULL,
                     "tags such as !!str are not supported; put text that begins with ! in quotes");
        return -1;
    }
    return 0;
}

static int copy_scalar(struct builder *builder, const yaml_event_t *event, char **text) {
    const char *value = (const char *)event->data.scalar.value;
    if (memchr(value, '\0', event->data.scalar.length) != NULL) {
        problems_add(builder->problems, line_of(event), NULL, "text must not hold a NUL character");
        return -1;
    }
    *text = strdup(value);
    if (*text == NULL) {
        problems_add_no_memory(builder->problems);
        return -1;
    }
    return 0;
}

/* A new child at the end, zeroed; NULL with a problem added. */
static struct node *grow(struct builder *builder, struct node *parent, unsigned line) {
    if (parent->count == builder->limits.entries) {
        problems_add(builder->problems, line, NULL, "more than %zu entries in one place",
                     builder->limits.entries);
        return NULL;
    }
    if (++builder->nodes > builder->limits.nodes) {
        problems_add(builder->problems, line, NULL, "more than %zu values in all",
                     builder->limits.nodes);
        return NULL;
    }
    if (parent->count == parent->capacity) {
        size_t capacity = parent->capacity > 0 ? parent->capacity * 2 : 4;
        struct node *children = realloc(parent->children, capacity * sizeof *children);
        if (children == NULL) {
            problems_add_no_memory(builder->problems);
            return NULL;
        }
        parent->children = children;
        parent->capacity = capacity;
    }
    struct node *child = &parent->children[parent->count];
    memset(child, 0, sizeof *child);
    child->line = line;
    parent->count++;
    return child;
}

static int build_sequence(struct builder *builder, struct node *node, unsigned depth) {
    for (;;) {
        yaml_event_t event;
        if (next(builder, &event) != 0) {
            return -1;
        }
        bool ended = event.type == YAML_SEQUENCE_END_EVENT;
        struct node *child = ended ? NULL : grow(builder, node, line_of(&event));
        int result = child != NULL ? build(builder, &event, child, depth) : -1;
        yaml_event_delete(&event);
        if (ended || result != 0) {
            return ended ? 0 : -1;
        }
    }
}

/* Checks that `event` can name a child of `node` and takes the name. */
static int take_name(struct builder *builder, struct node *node, const yaml_event_t *event,
                     char **name) {
    if (refuse_extras(builder, event) != 0) {
        return -1;
    }
    if (event->type != YAML_SCALAR_EVENT) {
        problems_add(builder->problems, line_of(event), NULL,
                     "a list or mapping cannot be the name of a key");
        return -1;
    }
    if (copy_scalar(builder, event, name) != 0) {
        return -1;
    }
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp(*name, "<<") == 0) {
        problems_add(builder->problems, line_of(event), NULL, "merge keys (<<) are not supported");
        return -1;
    }
    const struct node *other = node_child(node, *name);
    if (other != NULL) {
        problems_add(builder->problems, line_of(event), NULL,
                     "the key %s is here twice, first in line %u", problems_quote(*name).text,
                     other->line);
        return -1;
    }
    return 0;
}

static int build_value(struct builder *builder, struct node *node, char **name, unsigned line,
                       unsigned depth) {
    yaml_event_t event;
    if (next(builder, &event) != 0) {
        return -1;
    }
    struct node *child = grow(builder, node, line);
    int result = -1;
    if (child != NULL) {
        child->name = *name;
        *name = NULL;
        result = build(builder, &event, child, depth);
    }
    yaml_event_delete(&event);
    return result;
}

static int build_mapping(struct builder *builder, struct node *node, unsigned depth) {
    for (;;) {
        yaml_event_t event;
        char *name = NULL;
        if (next(builder, &event) != 0) {
            return -1;
        }
        bool ended = event.type == YAML_MAPPING_END_EVENT;
        unsigned line = line_of(&event);
        int result = ended ? -1 : take_name(builder, node, &event, &name);
        yaml_event_delete(&event);
        if (result == 0) {
            result = build_value(builder, node, &name, line, depth);
        }
        free(name);
        if (ended || result != 0) {
            return ended ? 0 : -1;
        }
    }
}

static enum node_style style_of(const yaml_event_t *event) {
    switch (event->data.scalar.style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
        return STYLE_SINGLE_QUOTED;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        return STYLE_DOUBLE_QUOTED;
    case YAML_LITERAL_SCALAR_STYLE:
        return STYLE_LITERAL;
    case YAML_FOLDED_SCALAR_STYLE:
        return STYLE_FOLDED;
    default:
        return STYLE_BLOCK;
    }
}

/* Fills `node`, whose name and line stand already, from `event` and those that follow. */
static int build(struct builder *builder, yaml_event_t *event, struct node *node, unsigned depth) {
    if (refuse_extras(builder, event) != 0) {
        return -1;
    }
    if (depth > MAXIMUM_DEPTH) {
        problems_add(builder->problems, line_of(event), NULL, "nested deeper than %d levels",
                     MAXIMUM_DEPTH);
        return -1;
    }
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        node->kind = NODE_SCALAR;
        node->style = style_of(event);
        node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        return copy_scalar(builder, event, &node->text);
    case YAML_SEQUENCE_START_EVENT:
        node->kind = NODE_SEQUENCE;
        if (event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE) {
            node->style = STYLE_FLOW;
        }
        return build_sequence(builder, node, depth + 1);
    case YAML_MAPPING_START_EVENT:
        node->kind = NODE_MAPPING;
        if (event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE) {
            node->style = STYLE_FLOW;
        }
        return build_mapping(builder, node, depth + 1);
    default:
        problems_add(builder->problems, line_of(event), NULL, "not valid YAML");
        return -1;
    }
}

/* Skips to the next event that matters to a single document: its root, its end, the stream's. */
static int next_document_event(struct builder *builder, yaml_event_t *event) {
    for (;;) {
        if (next(builder, event) != 0) {
            return -1;
        }
        if (event->type != YAML_STREAM_START_EVENT && event->type != YAML_DOCUMENT_START_EVENT &&
            event->type != YAML_DOCUMENT_END_EVENT) {
            return 0;
        }
        yaml_event_delete(event);
    }
}

/* 0 with *ended when there is no document at all. */
static int build_root(struct builder *builder, struct node *root, bool *ended) {
    yaml_event_t event;
    if (next_document_event(builder, &event) != 0) {
        return -1;
    }
    *ended = event.type == YAML_STREAM_END_EVENT;
    root->line = line_of(&event);
    int result = *ended ? 0 : build(builder, &event, root, 0);
    yaml_event_delete(&event);
    if (*ended || result != 0) {
        return result;
    }
    if (next_document_event(builder, &event) != 0) {
        return -1;
    }
    if (event.type != YAML_STREAM_END_EVENT) {
        problems_add(builder->problems, line_of(&event), NULL,
                     "a second document begins here; expected one alone");
        result = -1;
    }
    yaml_event_delete(&event);
    return result;
}

struct node *tree_read(const char *text, size_t size, struct problems *problems) {
    const struct tree_limits limits = {SIZE_MAX, MAXIMUM_ENTRIES};
    return tree_read_within(text, size, &limits, problems);
}

struct node *tree_read_within(const char *text, size_t size, const struct tree_limits *limits,
                              struct problems *problems) {
    struct builder builder = {.limits = *limits, .problems = problems};
    struct node *root = calloc(1, sizeof *root);
    bool ended = false;
    if (root == NULL || !yaml_parser_initialize(&builder.parser)) {
        problems_add_no_memory(problems);
        free(root);
        return NULL;
    }
    yaml_parser_set_input_string(&builder.parser, (const unsigned char *)text, size);
    if (build_root(&builder, root, &ended) != 0 || ended) {
        tree_destroy(root);
        root = NULL;
    }
    yaml_parser_delete(&builder.parser);
    return root;
}

const struct node *node_child(const struct node *mapping, const char *name) {
    if (mapping == NULL || mapping->kind != NODE_MAPPING) {
        return NULL;
    }
    for (size_t i = 0; i < mapping->count; i++) {
        const char *other = mapping->children[i].name;
        if (other != NULL && *other == *name && strcmp(other, name) == 0) {
            return &mapping->children[i];
        }
    }
    return NULL;
}

const struct node *node_item(const struct node *sequence, size_t index) {
    if (sequence == NULL || sequence->kind != NODE_SEQUENCE || index >= sequence->count) {
        return NULL;
    }
    return &sequence->children[index];
}

struct scalar node_scalar(const struct node *node) {
    if (!node->plain) {
        return (struct scalar){.type = SCALAR_TEXT};
    }
    return scalar_resolve(node->text);
}

bool node_is_null(const struct node *node) {
    return node->kind == NODE_SCALAR && node_scalar(node).type == SCALAR_NULL;
}

struct found node_found(const struct node *node) {
    struct found found;
    const char *kind = "";
    if (node->kind == NODE_SEQUENCE) {
        snprintf(found.text, sizeof found.text, "a list");
    } else if (node->kind == NODE_MAPPING) {
        snprintf(found.text, sizeof found.text, "a mapping");
    } else if (node_is_null(node)) {
        snprintf(found.text, sizeof found.text, "nothing");
    } else {
        enum scalar_type type = node_scalar(node).type;
        kind = type == SCALAR_TEXT ? "the text " : type == SCALAR_BOOLEAN ? "" : "the number ";
        struct quoted quoted = problems_quote(node->text);
        if (type != SCALAR_TEXT) { /* without the quotes */
            quoted.text[strlen(quoted.text) - 1] = '\0';
        }
        snprintf(found.text, sizeof found.text, "%s%s", kind,
                 quoted.text + (type == SCALAR_TEXT ? 0 : 1));
    }
    return found;
}
