/* SPDX-License-Identifier: Apache-2.0 */
/* Types of content blocks and of their sources, as tables. */
#include "blocks.h"
#include <koine-module/answer.h>
#include <stdio.h>
#include <string.h>

#define HONOURED .effect = KOINE_BODY_HONOURED
#define NO_EFFECT .effect = KOINE_BODY_WITHOUT_EFFECT
#define REFUSED .effect = KOINE_BODY_REFUSED
#define TYPE                                                                                       \
    { .name = "type", HONOURED, .kind = MEMBER_STRING, .flags = MEMBER_REQUIRED }
#define CACHE_CONTROL                                                                              \
    { .name = "cache_control", NO_EFFECT }
#define NEEDS_STRING .kind = MEMBER_STRING, .flags = MEMBER_REQUIRED
#define NEEDS_FULL_STRING .kind = MEMBER_STRING, .flags = MEMBER_REQUIRED | MEMBER_NOT_EMPTY

/* ---- sources ----------------------------------------------------------------------------- */

static const char *const image_types[] = {"image/jpeg", "image/png", "image/gif", "image/webp",
                                          NULL};
static const char *const document_types[] = {"application/pdf", NULL};
static const char *const text_types[] = {"text/plain", NULL};

static const struct member_rule image_base64_members[] = {
    TYPE,
    {.name = "media_type", HONOURED, NEEDS_STRING, .choices = image_types},
    {.name = "data", HONOURED, NEEDS_FULL_STRING},
};
static const struct member_rule document_base64_members[] = {
    TYPE,
    {.name = "media_type", HONOURED, NEEDS_STRING, .choices = document_types},
    {.name = "data", HONOURED, NEEDS_FULL_STRING},
};
static const struct member_rule plain_text_members[] = {
    TYPE,
    {.name = "media_type", HONOURED, NEEDS_STRING, .choices = text_types},
    {.name = "data", HONOURED, NEEDS_FULL_STRING},
};
static const struct member_rule url_members[] = {
    TYPE,
    {.name = "url", HONOURED, NEEDS_FULL_STRING},
};
static const struct member_rule content_members[] = {
    TYPE,
    {.name = "content", HONOURED, .kind = MEMBER_ANY, .flags = MEMBER_REQUIRED | MEMBER_NOT_EMPTY},
};

struct source_type {
    const char *block;
    const char *type;
    struct object_rules rules;
};

static const struct source_type source_types[] = {
    {"image", "base64", OBJECT_RULES("image.source(base64)", image_base64_members)},
    {"image", "url", OBJECT_RULES("image.source(url)", url_members)},
    {"document", "base64", OBJECT_RULES("document.source(base64)", document_base64_members)},
    {"document", "text", OBJECT_RULES("document.source(text)", plain_text_members)},
    {"document", "content", OBJECT_RULES("document.source(content)", content_members)},
    {"document", "url", OBJECT_RULES("document.source(url)", url_members)},
};
enum { SOURCE_TYPES = sizeof(source_types) / sizeof(*source_types) };

static void check_source(struct checking *checking, const struct koine_body_place *block_place,
                         const json_t *block) {
    json_t *source = json_object_get(block, "source");
    const struct koine_body_place place = {block_place, "source", 0};
    const struct koine_body_place type_place = {&place, "type", 0},
                                  content_place = {&place, "content", 0};
    for (size_t i = 0; i < SOURCE_TYPES; i++) {
        const struct source_type *type = &source_types[i];
        if (!member_is(block, "type", type->block) || !member_is(source, "type", type->type))
            continue;
        if (members_check(checking, &place, source, &type->rules) &&
            strcmp(type->type, "content") == 0)
            blocks_check_content(checking, &content_place, json_object_get(source, "content"),
                                 BLOCK_OF_DOCUMENT);
        return;
    }
    if (member_is(source, "type", "file"))
        place_problem(checking, &type_place,
                      "is not supported: no files are kept here, send base64 or a url");
    else
        place_problem(checking, &type_place, "must be %s",
                      member_is(block, "type", "image")
                          ? "\"base64\" or \"url\""
                          : "\"base64\", \"text\", \"content\" or \"url\"");
}

static void check_result(struct checking *checking, const struct koine_body_place *place,
                         const json_t *block) {
    json_t *content = json_object_get(block, "content");
    const struct koine_body_place content_place = {place, "content", 0};
    if (content)
        blocks_check_content(checking, &content_place, content, BLOCK_OF_RESULT);
}

/* ---- blocks ------------------------------------------------------------------------------ */

static const struct member_rule text_members[] = {
    TYPE,
    {.name = "text", HONOURED, NEEDS_STRING},
    {.name = "citations", NO_EFFECT},
    CACHE_CONTROL,
};
static const struct member_rule image_members[] = {
    TYPE,
    {.name = "source", HONOURED, .kind = MEMBER_OBJECT, .flags = MEMBER_REQUIRED},
    CACHE_CONTROL,
};
static const struct member_rule document_members[] = {
    TYPE,
    {.name = "source", HONOURED, .kind = MEMBER_OBJECT, .flags = MEMBER_REQUIRED},
    {.name = "title", HONOURED, .kind = MEMBER_STRING},
    {.name = "context", HONOURED, .kind = MEMBER_STRING},
    {.name = "citations",
     REFUSED,
     .allowed = "{\"enabled\":false} {}",
     .why = "the answer names no sources; leave it out"},
    CACHE_CONTROL,
};
static const struct member_rule tool_use_members[] = {
    TYPE,
    {.name = "id", HONOURED, NEEDS_FULL_STRING},
    {.name = "name", HONOURED, NEEDS_FULL_STRING},
    {.name = "input", HONOURED, .kind = MEMBER_OBJECT, .flags = MEMBER_REQUIRED},
    {.name = "caller",
     REFUSED,
     .allowed = "{\"type\":\"direct\"}",
     .why = "nothing but the model itself uses tools"},
    CACHE_CONTROL,
};
static const struct member_rule tool_result_members[] = {
    TYPE,
    {.name = "tool_use_id", HONOURED, NEEDS_FULL_STRING},
    {.name = "content", HONOURED, .kind = MEMBER_ANY},
    {.name = "is_error", HONOURED, .kind = MEMBER_BOOLEAN},
    CACHE_CONTROL,
};
static const struct member_rule thinking_members[] = {
    TYPE,
    {.name = "thinking", HONOURED, NEEDS_STRING},
    {.name = "signature", HONOURED, NEEDS_STRING},
    CACHE_CONTROL,
};
static const struct member_rule redacted_thinking_members[] = {
    TYPE,
    {.name = "data", HONOURED, NEEDS_FULL_STRING},
    CACHE_CONTROL,
};

struct block_type {
    uint32_t where;
    struct object_rules rules; /* its name is that of the type */
    void (*check)(struct checking *checking, const struct koine_body_place *place,
                  const json_t *block);
};

static const struct block_type block_types[] = {
    {BLOCK_OF_USER | BLOCK_OF_ASSISTANT | BLOCK_OF_SYSTEM | BLOCK_OF_RESULT | BLOCK_OF_DOCUMENT,
     OBJECT_RULES("text", text_members), NULL},
    {BLOCK_OF_USER | BLOCK_OF_RESULT | BLOCK_OF_DOCUMENT, OBJECT_RULES("image", image_members),
     check_source},
    {BLOCK_OF_USER | BLOCK_OF_RESULT, OBJECT_RULES("document", document_members), check_source},
    {BLOCK_OF_ASSISTANT, OBJECT_RULES("tool_use", tool_use_members), NULL},
    {BLOCK_OF_USER, OBJECT_RULES("tool_result", tool_result_members), check_result},
    {BLOCK_OF_ASSISTANT, OBJECT_RULES("thinking", thinking_members), NULL},
    {BLOCK_OF_ASSISTANT, OBJECT_RULES("redacted_thinking", redacted_thinking_members), NULL},
};
enum { BLOCK_TYPES = sizeof(block_types) / sizeof(*block_types) };

/* Types that the API has and the CLI cannot be given. */
static const struct {
    const char *type;
    const char *why;
} refused_types[] = {
    {"search_result", "send it as text or as a document"},
    {"tool_reference", "there is no search for tools"},
    {"container_upload", "no files and no containers are kept here"},
    {"mid_conv_system", "instructions belong into system"},
    {"compaction", "send the messages themselves"},
    {"fallback", "one model answers"},
};

const struct object_rules *blocks_rules_at(size_t index) {
    if (index < BLOCK_TYPES)
        return &block_types[index].rules;
    return index - BLOCK_TYPES < SOURCE_TYPES ? &source_types[index - BLOCK_TYPES].rules : NULL;
}

static bool ends_with(const char *text, const char *end) {
    const size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* NULL: nobody knows such a type. */
static const char *why_refused(const char *type) {
    for (size_t i = 0; i < sizeof(refused_types) / sizeof(*refused_types); i++)
        if (strcmp(refused_types[i].type, type) == 0)
            return refused_types[i].why;
    /* server_tool_use, web_search_tool_result, mcp_tool_use … */
    return ends_with(type, "_tool_use") || ends_with(type, "_tool_result")
               ? "only tools of the client are used here"
               : NULL;
}

static void problem_type(struct checking *checking, const struct koine_body_place *block_place,
                         const json_t *block, uint32_t where) {
    const json_t *value = json_object_get(block, "type");
    const char *why = json_is_string(value) ? why_refused(json_string_value(value)) : NULL;
    const struct koine_body_place place = {block_place, "type", 0};
    char list[128] = "";
    size_t used = 0;
    for (size_t i = 0; i < BLOCK_TYPES; i++) {
        if (!(block_types[i].where & where))
            continue;
        const int size = snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "",
                                  block_types[i].rules.name);
        used += size > 0 && (size_t)size < sizeof(list) - used ? (size_t)size : 0;
    }
    if (!value)
        place_problem(checking, &place, "is required");
    else if (why)
        place_problem(checking, &place, "is not supported: %s", why);
    else
        place_problem(checking, &place, "must be one of these here: %s", list);
}

static void check_block(struct checking *checking, const struct koine_body_place *place,
                        json_t *block, uint32_t where) {
    if (!json_is_object(block)) {
        place_problem(checking, place, "must be a content block (an object), got %s",
                      koine_json_kind(block));
        return;
    }
    for (size_t i = 0; i < BLOCK_TYPES; i++) {
        const struct block_type *type = &block_types[i];
        if (!(type->where & where) || !member_is(block, "type", type->rules.name))
            continue;
        if (members_check(checking, place, block, &type->rules) && type->check)
            type->check(checking, place, block);
        return;
    }
    problem_type(checking, place, block, where);
}

void blocks_check_content(struct checking *checking, const struct koine_body_place *place,
                          json_t *content, uint32_t where) {
    size_t index;
    json_t *block;
    if (!json_is_string(content) && !json_is_array(content))
        place_problem(checking, place, "must be a string or an array of content blocks, got %s",
                      koine_json_kind(content));
    json_array_foreach(content, index, block) {
        const struct koine_body_place block_place = {place, NULL, index};
        check_block(checking, &block_place, block, where);
    }
}
