/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as the API and the CLI take them. Blocks are shared with what the module gave, and
 * copied where they have to be another thing. */
#include "chat_internal.h"
#include <stdlib.h>
#include <string.h>

static bool is(const json_t *string, const char *text) {
    return json_is_string(string) && strcmp(json_string_value(string), text) == 0;
}

static bool is_block(const json_t *block, const char *type) {
    return is(json_object_get(block, "type"), type);
}

/* ---- normal messages */

/* Blocks without cache_control, also within the content of a result: the CLI sets its own, and the
 * API takes four. New reference. */
static json_t *without_cache_control(json_t *block) {
    json_t *content = json_object_get(block, "content");
    const bool nested = is_block(block, "tool_result") && json_is_array(content);
    if (!json_object_get(block, "cache_control") && !nested)
        return json_incref(block);
    json_t *copy = json_copy(block);
    json_object_del(copy, "cache_control");
    if (!nested || !copy)
        return copy;
    json_t *blocks = json_array();
    size_t at;
    json_t *inner;
    json_array_foreach(content, at, inner)
        json_array_append_new(blocks, without_cache_control(inner));
    const bool whole = json_array_size(blocks) == json_array_size(content);
    if (whole && json_object_set(copy, "content", blocks) == 0) {
        json_decref(blocks);
        return copy;
    }
    json_decref(blocks);
    json_decref(copy);
    return NULL;
}

static bool add_block(json_t *blocks, json_t *block) {
    if (is_block(block, "text") && json_string_length(json_object_get(block, "text")) == 0)
        return true;
    json_t *clean = without_cache_control(block);
    return clean && json_array_append_new(blocks, clean) == 0;
}

static bool add_content(json_t *blocks, json_t *content) {
    size_t at;
    json_t *block;
    if (json_string_length(content) > 0)
        return json_array_append_new(blocks,
                                     json_pack("{s:s,s:O}", "type", "text", "text", content)) == 0;
    json_array_foreach(content, at, block) if (!add_block(blocks, block)) return false;
    return true;
}

/* The blocks that a message of this role goes on with; borrowed, NULL: memory is short. */
static json_t *blocks_for(json_t *messages, json_t *role) {
    json_t *last = json_array_get(messages, json_array_size(messages) - 1);
    if (last && json_equal(json_object_get(last, "role"), role))
        return json_object_get(last, "content");
    json_t *blocks = json_array();
    if (json_array_append_new(messages, json_pack("{s:O,s:o}", "role", role, "content", blocks)) ==
        0)
        return blocks;
    return NULL;
}

static bool is_empty(const json_t *content) {
    size_t at;
    json_t *block;
    json_array_foreach(content, at, block) if (!is_block(block, "text") ||
                                               json_string_length(json_object_get(block, "text")) >
                                                   0) return false;
    return json_string_length(content) == 0;
}

json_t *chat_messages_normal(const json_t *messages) {
    json_t *normal = json_array();
    size_t at;
    json_t *message;
    json_array_foreach(messages, at, message) {
        json_t *content = json_object_get(message, "content");
        if (is_empty(content))
            continue;
        json_t *blocks = normal ? blocks_for(normal, json_object_get(message, "role")) : NULL;
        if (!blocks || !add_content(blocks, content)) {
            json_decref(normal);
            return NULL;
        }
    }
    return normal;
}

/* ---- as text */

/* New reference: a message whose uses of tools have the names that the CLI gives them. */
static json_t *with_cli_names(const struct koine_chat *chat, json_t *message) {
    json_t *blocks = json_array();
    size_t at;
    json_t *block;
    json_array_foreach(json_object_get(message, "content"), at, block) {
        const char *name = json_string_value(json_object_get(block, "name"));
        json_t *added = is_block(block, "tool_use") && name ? json_copy(block) : json_incref(block);
        if (added != block &&
            json_object_set_new(added, "name", json_sprintf("%s%s", chat->prefix.data, name)))
            json_decref(added), added = NULL;
        if (json_array_append_new(blocks, added)) {
            json_decref(blocks);
            return NULL;
        }
    }
    return json_pack("{s:O,s:o}", "role", json_object_get(message, "role"), "content", blocks);
}

/* Takes the value over. */
static char *written(json_t *value) {
    struct koine_json_text text;
    char *copy = NULL;
    koine_json_text_init(&text, NULL, 0);
    koine_json_text_add_value(&text, value, JSON_REAL_PRECISION(17));
    koine_json_text_add(&text, (struct koine_text){"", 1}); /* the end of a string */
    if (!text.no_memory)
        copy = text.on_heap ? text.bytes : NULL;
    if (copy)
        text.on_heap = false; /* taken */
    koine_json_text_finish(&text);
    json_decref(value);
    return copy;
}

char *chat_messages_history(const struct koine_chat *chat, const json_t *messages) {
    json_t *history = json_array();
    for (size_t i = 0; i + 1 < json_array_size(messages); i++)
        if (json_array_append_new(history, with_cli_names(chat, json_array_get(messages, i)))) {
            json_decref(history);
            return NULL;
        }
    return written(history);
}

char *chat_messages_prompt(const json_t *messages) {
    const json_t *last = json_array_get(messages, json_array_size(messages) - 1);
    return written(json_incref(json_object_get(last, "content")));
}

bool chat_messages_use_tools(const json_t *messages) {
    size_t at, inner;
    json_t *message, *block;
    json_array_foreach(messages, at, message)
        json_array_foreach(json_object_get(message, "content"), inner,
                           block) if (is_block(block, "tool_use")) return true;
    return false;
}

/* ---- results of tools */

/* New reference: the block of MCP that a block of the API is; NULL: there is none. To an image the
 * CLI adds where it has put a copy of it, which the client has not said. */
static json_t *mcp_block(const json_t *block) {
    if (!is_block(block, "text"))
        return NULL;
    return json_pack("{s:s,s:O}", "type", "text", "text", json_object_get(block, "text"));
}

bool chat_messages_result(const json_t *tool_result, struct koine_text *text, char **content) {
    const json_t *given = json_object_get(tool_result, "content");
    *text = KOINE_TEXT("");
    *content = NULL;
    if (!json_is_array(given)) {
        if (json_is_string(given))
            *text = (struct koine_text){json_string_value(given), json_string_length(given)};
        return true;
    }
    json_t *blocks = json_array();
    size_t at;
    json_t *block;
    json_array_foreach(given, at, block) json_array_append_new(blocks, mcp_block(block));
    if (json_array_size(blocks) == json_array_size(given))
        *content = json_dumps(blocks, JSON_COMPACT);
    json_decref(blocks);
    return *content != NULL;
}
