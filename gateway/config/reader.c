/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lays a tree of nodes into a struct as its table of keys says.
 * Goes on after a problem, so that a person sees all of them at once.
 */
#include "config/reader.h"

#include "config/keys.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 192 };

bool reader_expect_list(struct reader *reader, const struct node *node, const char *shown,
                        size_t maximum) {
    if (node->kind != NODE_SEQUENCE) {
        problems_add(reader->problems, node->line, shown, "found %s, expected a list ([] is empty)",
                     node_found(node).text);
        return false;
    }
    if (node->count > maximum) {
        problems_add(reader->problems, node->line, shown, "found %zu entries, expected at most %zu",
                     node->count, maximum);
        return false;
    }
    return true;
}

bool reader_expect_mapping(struct reader *reader, const struct node *node, const char *shown) {
    if (node->kind == NODE_MAPPING || node_is_null(node)) {
        return true;
    }
    problems_add(reader->problems, node->line, shown,
                 "found %s, expected a mapping (\"name: value\" lines)", node_found(node).text);
    return false;
}

bool reader_is_masked(struct reader *reader, const struct node *node, const char *shown) {
    if (node->kind != NODE_SCALAR || strcmp(node->text, FORM_MASK) != 0) {
        return false;
    }
    problems_add(reader->problems, node->line, shown,
                 "found \"" FORM_MASK "\", which stands for a secret in a printed configuration; "
                 "expected the value itself");
    return true;
}

char *reader_text(struct reader *reader, const struct node *node, const char *shown,
                  const struct form *form) {
    bool is_text = node->kind == NODE_SCALAR && !node_is_null(node) &&
                   (form->any_scalar || node_scalar(node).type == SCALAR_TEXT);
    if (!is_text || !form->matches(node->text)) {
        bool quotes_help = !is_text && node->kind == NODE_SCALAR && !node_is_null(node);
        problems_add(reader->problems, node->line, shown, "found %s, expected %s%s",
                     node_found(node).text, form->expected,
                     quotes_help ? "; put it in quotes if it is meant as text" : "");
        return NULL;
    }
    char *text = strdup(node->text);
    if (text == NULL) {
        problems_add_no_memory(reader->problems);
    }
    return text;
}

bool reader_integer(struct reader *reader, const struct node *node, const char *shown,
                    int64_t minimum, int64_t maximum, int64_t *value) {
    if (node->kind != NODE_SCALAR || !node->plain || scalar_integer(node->text, value) != 0 ||
        *value < minimum || *value > maximum) {
        problems_add(reader->problems, node->line, shown,
                     "found %s, expected an integer from %" PRId64 " to %" PRId64,
                     node_found(node).text, minimum, maximum);
        return false;
    }
    return true;
}

static void read_bytes(struct reader *reader, const struct key_spec *spec, void *base,
                       const struct node *node, const char *shown) {
    int64_t value = 0;
    if (node->kind != NODE_SCALAR || !node->plain || scalar_bytes(node->text, &value) != 0 ||
        value < spec->minimum || value > spec->maximum) {
        problems_add(reader->problems, node->line, shown,
                     "found %s, expected a number of bytes from %" PRId64 " to %" PRId64
                     ", such as 65536, 64KiB, 10MiB or 1GiB",
                     node_found(node).text, spec->minimum, spec->maximum);
        return;
    }
    key_store(spec, base, value);
}

static void read_choice(struct reader *reader, const struct key_spec *spec, void *base,
                        const struct node *node, const char *shown) {
    char words[128] = "";
    size_t used = 0;
    for (const struct key_choice *choice = spec->choices; choice->word != NULL; choice++) {
        if (node->kind == NODE_SCALAR && strcmp(node->text, choice->word) == 0) {
            key_store(spec, base, choice->value);
            return;
        }
        int written =
            snprintf(words + used, sizeof words - used, "%s%s", used > 0 ? ", " : "", choice->word);
        used += written > 0 && (size_t)written < sizeof words - used ? (size_t)written : 0;
    }
    problems_add(reader->problems, node->line, shown, "found %s, expected one of: %s",
                 node_found(node).text, words);
}

static void read_boolean(struct reader *reader, const struct key_spec *spec, void *base,
                         const struct node *node, const char *shown) {
    if (node->kind != NODE_SCALAR || node_scalar(node).type != SCALAR_BOOLEAN) {
        problems_add(reader->problems, node->line, shown, "found %s, expected true or false",
                     node_found(node).text);
        return;
    }
    key_store(spec, base, node_scalar(node).boolean ? 1 : 0);
}

static void list_finish(struct config_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (struct config_list){0};
}

void reader_list(struct reader *reader, struct config_list *list, const struct node *node,
                 const char *shown, const struct form *form, size_t maximum) {
    if (!reader_expect_list(reader, node, shown, maximum)) {
        return;
    }
    list_finish(list);
    list->items = calloc(node->count + 1, sizeof *list->items);
    if (list->items == NULL) {
        problems_add_no_memory(reader->problems);
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        char entry[PATH_BYTES];
        snprintf(entry, sizeof entry, "%s[%zu]", shown, i);
        char *text = reader_text(reader, &node->children[i], entry, form);
        if (text != NULL) {
            list->items[list->count] = text;
            list->count++;
        }
    }
}

static void read_key(struct reader *reader, const struct key_spec *spec, void *base,
                     const struct node *node, const char *shown) {
    char *member = (char *)base + spec->offset;
    char *text = NULL;
    int64_t value = 0;
    switch (spec->type) {
    case KEY_INTEGER:
        if (reader_integer(reader, node, shown, spec->minimum, spec->maximum, &value)) {
            key_store(spec, base, value);
        }
        break;
    case KEY_BYTES:
        read_bytes(reader, spec, base, node, shown);
        break;
    case KEY_BOOLEAN:
        read_boolean(reader, spec, base, node, shown);
        break;
    case KEY_CHOICE:
        read_choice(reader, spec, base, node, shown);
        break;
    case KEY_TEXT:
        text = reader_text(reader, node, shown, spec->form);
        if (text != NULL) {
            free(*(char **)member);
            *(char **)member = text;
        }
        break;
    case KEY_LIST:
        reader_list(reader, (struct config_list *)member, node, shown, spec->form,
                    (size_t)spec->maximum);
        break;
    case KEY_CUSTOM:
        spec->read(reader, member, node, shown);
        break;
    }
}

static void refuse_unknown(struct reader *reader, const struct key_table *table, const char *path,
                           const struct node *node, const char *shown) {
    char *nearest = strchr(node->name, '.') == NULL ? key_nearest(table, path) : NULL;
    if (key_find(table, path) != NULL) { /* "http.max_connections: 5" */
        problems_add(reader->problems, node->line, shown,
                     "unknown key; write it as a line of its own below \"%.*s:\"",
                     (int)strcspn(node->name, "."), node->name);
    } else if (nearest != NULL) {
        problems_add(reader->problems, node->line, shown, "unknown key; did you mean \"%s\"?",
                     nearest);
    } else {
        problems_add(reader->problems, node->line, shown,
                     "unknown key; koine-gateway --print-config shows those that there are");
    }
    free(nearest);
}

/* `section` is the path within the table so far: "" or "http". */
static void lay_section(struct reader *reader, const struct key_table *table, void *base,
                        const struct node *mapping, const char *section, const char *shown) {
    for (size_t i = 0; i < mapping->count; i++) {
        const struct node *child = &mapping->children[i];
        char path[PATH_BYTES];
        char child_shown[PATH_BYTES];
        snprintf(path, sizeof path, "%s%s%.64s", section, *section != '\0' ? "." : "", child->name);
        snprintf(child_shown, sizeof child_shown, "%.100s%s%.64s", shown, *shown != '\0' ? "." : "",
                 child->name);
        bool dotted = strchr(child->name, '.') != NULL; /* sections are mappings */
        const struct key_spec *spec = dotted ? NULL : key_find(table, path);
        if (spec != NULL) {
            read_key(reader, spec, base, child, child_shown);
        } else if (dotted || !key_is_section(table, path)) {
            refuse_unknown(reader, table, path, child, child_shown);
        } else if (reader_expect_mapping(reader, child, child_shown)) {
            lay_section(reader, table, base, child, path, child_shown);
        }
    }
}

void reader_lay(struct reader *reader, const struct key_table *table, void *base,
                const struct node *mapping, const char *shown) {
    if (reader_expect_mapping(reader, mapping, *shown != '\0' ? shown : NULL)) {
        lay_section(reader, table, base, mapping, "", shown);
    }
}
