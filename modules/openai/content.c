/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a message's content, each by the table of its endpoint. */
#include "content.h"
#include <stdio.h>

/* ---- text */

static json_t *read_text(struct reading *reading, const struct koine_body_place *place,
                         json_t *part) {
    static const char *const names[] = {
        "type", "text", "annotations", "logprobs", "parsed", "prompt_cache_breakpoint", NULL};
    const struct koine_body_place member = place_member(place, "text");
    json_t *text = json_object_get(part, "text");
    read_known(reading, place, part, names);
    if (json_is_string(text))
        return build_text(reading, text);
    problem_expected(reading, &member, "a string", text);
    return NULL;
}

/* The model has declined in words: they are what it has said. */
static json_t *read_refusal(struct reading *reading, const struct koine_body_place *place,
                            json_t *part) {
    static const char *const names[] = {"type", "refusal", NULL};
    const struct koine_body_place member = place_member(place, "refusal");
    json_t *text = json_object_get(part, "refusal");
    read_known(reading, place, part, names);
    if (json_is_string(text))
        return build_text(reading, text);
    problem_expected(reading, &member, "a string", text);
    return NULL;
}

static json_t *refuse_audio(struct reading *reading, const struct koine_body_place *place,
                            json_t *part) {
    (void)part;
    problem(reading, place, "is not supported: the model cannot hear; send a transcript as text");
    return NULL;
}

/* ---- images and files */

static bool refuse_file_id(struct reading *reading, const struct koine_body_place *place,
                           const json_t *object) {
    const struct koine_body_place member = place_member(place, "file_id");
    if (!read_string(reading, place, object, "file_id"))
        return false;
    problem(reading, &member, "is not supported: no files are kept here; send the data");
    return true;
}

static json_t *read_chat_image(struct reading *reading, const struct koine_body_place *place,
                               json_t *part) {
    static const char *const part_names[] = {"type", "image_url", "prompt_cache_breakpoint", NULL};
    static const char *const names[] = {"url", "detail", NULL};
    const struct koine_body_place member = place_member(place, "image_url");
    const struct koine_body_place url_place = place_member(&member, "url");
    json_t *image = json_object_get(part, "image_url");
    read_known(reading, place, part, part_names);
    if (!json_is_object(image)) {
        problem_expected(reading, &member, "an object with a \"url\"", image);
        return NULL;
    }
    read_known(reading, &member, image, names);
    const json_t *url = read_needed(reading, &member, image, "url");
    return url ? content_image(reading, &url_place, url) : NULL;
}

static json_t *read_chat_file(struct reading *reading, const struct koine_body_place *place,
                              json_t *part) {
    static const char *const part_names[] = {"type", "file", "prompt_cache_breakpoint", NULL};
    static const char *const names[] = {"file_data", "file_id", "filename", NULL};
    const struct koine_body_place member = place_member(place, "file");
    const struct koine_body_place data_place = place_member(&member, "file_data");
    json_t *file = json_object_get(part, "file");
    read_known(reading, place, part, part_names);
    if (!json_is_object(file)) {
        problem_expected(reading, &member, "an object with \"file_data\"", file);
        return NULL;
    }
    read_known(reading, &member, file, names);
    if (refuse_file_id(reading, &member, file))
        return NULL;
    json_t *filename = read_string(reading, &member, file, "filename");
    const json_t *data = read_needed(reading, &member, file, "file_data");
    return data ? content_file(reading, &data_place, data, filename) : NULL;
}

static json_t *read_input_image(struct reading *reading, const struct koine_body_place *place,
                                json_t *part) {
    static const char *const names[] = {
        "type", "image_url", "file_id", "detail", "prompt_cache_breakpoint", NULL};
    const struct koine_body_place url_place = place_member(place, "image_url");
    read_known(reading, place, part, names);
    if (refuse_file_id(reading, place, part))
        return NULL;
    const json_t *url = read_needed(reading, place, part, "image_url");
    return url ? content_image(reading, &url_place, url) : NULL;
}

static json_t *read_input_file(struct reading *reading, const struct koine_body_place *place,
                               json_t *part) {
    static const char *const names[] = {
        "type", "file_data", "file_url", "file_id", "filename", "detail", "prompt_cache_breakpoint",
        NULL};
    const struct koine_body_place data_place = place_member(place, "file_data");
    read_known(reading, place, part, names);
    if (refuse_file_id(reading, place, part))
        return NULL;
    json_t *url = read_string(reading, place, part, "file_url");
    if (url)
        return build(reading, json_pack("{s:s,s:{s:s,s:O}}", "type", "document", "source", "type",
                                        "url", "url", url));
    json_t *filename = read_string(reading, place, part, "filename");
    const json_t *data = read_needed(reading, place, part, "file_data");
    return data ? content_file(reading, &data_place, data, filename) : NULL;
}

/* ---- the tables */

const struct part_type content_of_chat[] = {
    {"text", CONTENT_TEXT, read_text},          {"image_url", CONTENT_MEDIA, read_chat_image},
    {"file", CONTENT_MEDIA, read_chat_file},    {"input_audio", CONTENT_MEDIA, refuse_audio},
    {"refusal", CONTENT_ANSWERS, read_refusal}, {NULL, 0, NULL},
};

const struct part_type content_of_responses[] = {
    {"input_text", CONTENT_TEXT, read_text},
    {"input_image", CONTENT_MEDIA, read_input_image},
    {"input_file", CONTENT_MEDIA, read_input_file},
    {"input_audio", CONTENT_MEDIA, refuse_audio},
    {"output_text", CONTENT_ANSWERS, read_text},
    {"refusal", CONTENT_ANSWERS, read_refusal},
    {NULL, 0, NULL},
};

/* ---- a message's content */

static const struct part_type *type_of(const struct part_type *types, uint32_t kinds,
                                       const json_t *name) {
    for (; types->name; types++)
        if ((types->kind & kinds) && text_is(name, types->name))
            return types;
    return NULL;
}

static void refuse_type(struct reading *reading, const struct koine_body_place *place,
                        const json_t *name, const struct part_type *types, uint32_t kinds) {
    char list[200] = "";
    size_t used = 0;
    for (; types->name; types++) {
        if (!(types->kind & kinds) || types->read == refuse_audio)
            continue;
        const int size =
            snprintf(list + used, sizeof(list) - used, "%s\"%s\"", used ? ", " : "", types->name);
        used += size > 0 && (size_t)size < sizeof(list) - used ? (size_t)size : 0;
    }
    const struct koine_body_place member = place_member(place, "type");
    const char *got = json_string_value(name);
    if (got)
        problem(reading, &member, "must be one of %s here, got \"%.*s\"", list, shown_size(got),
                got);
    else
        problem_expected(reading, &member, list, name);
}

static json_t *read_part(struct reading *reading, const struct koine_body_place *place,
                         json_t *part, const struct part_type *types, uint32_t kinds) {
    if (!json_is_object(part)) {
        problem_expected(reading, place, "an object with a \"type\"", part);
        return NULL;
    }
    const json_t *name = json_object_get(part, "type");
    const struct part_type *type = type_of(types, kinds, name);
    if (type)
        return type->read(reading, place, part);
    refuse_type(reading, place, name, types, kinds);
    return NULL;
}

json_t *content_read(struct reading *reading, const struct koine_body_place *place, json_t *content,
                     const struct part_type *types, uint32_t kinds) {
    json_t *blocks, *part;
    size_t index;
    if (json_is_string(content))
        return json_incref(content);
    if (!json_is_array(content)) {
        problem_expected(reading, place, "a string or an array of parts", content);
        return NULL;
    }
    blocks = build(reading, json_array());
    json_array_foreach(content, index, part) {
        const struct koine_body_place item = place_item(place, index);
        json_t *block = read_part(reading, &item, part, types, kinds);
        if (block)
            build_append(reading, blocks, block);
    }
    return blocks;
}
