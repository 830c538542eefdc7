/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images and files, which come as data URLs (RFC 2397) or as addresses. Base64 is passed on as it
 * is; only text is decoded, because the model takes text as text.
 */
#include "content.h"
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LONGEST_TITLE_BYTES = 255 };

struct data_url {
    struct koine_text media_type; /* without parameters */
    struct koine_text base64;
};

static bool equals(struct koine_text text, const char *wanted) {
    return text.size == strlen(wanted) && strncasecmp(text.data, wanted, text.size) == 0;
}

static bool begins(struct koine_text text, const char *wanted) {
    return text.size >= strlen(wanted) && strncasecmp(text.data, wanted, strlen(wanted)) == 0;
}

/* data:TYPE[;NAME=VALUE…];base64,DATA */
static bool parse_data_url(const json_t *string, struct data_url *out) {
    static const struct koine_text mark = {";base64", 7};
    const char *text = json_string_value(string) + strlen("data:");
    const char *end = json_string_value(string) + json_string_length(string);
    const char *comma = memchr(text, ',', (size_t)(end - text));
    if (!comma || (size_t)(comma - text) <= mark.size || comma + 1 == end ||
        strncasecmp(comma - mark.size, mark.data, mark.size) != 0)
        return false;
    const char *semicolon = memchr(text, ';', (size_t)(comma - text));
    out->media_type = (struct koine_text){text, (size_t)(semicolon - text)};
    out->base64 = (struct koine_text){comma + 1, (size_t)(end - comma) - 1};
    return true;
}

static bool is_data_url(const json_t *string) {
    return strncasecmp(json_string_value(string), "data:", strlen("data:")) == 0;
}

static bool is_web_url(const json_t *string) {
    const char *text = json_string_value(string);
    return strncasecmp(text, "https://", strlen("https://")) == 0 ||
           strncasecmp(text, "http://", strlen("http://")) == 0;
}

/* ---- images */

/* The media type as the Messages API calls it; NULL: it takes no such images. */
static const char *image_type(struct koine_text media_type) {
    static const char *const types[] = {"image/jpeg", "image/png", "image/gif", "image/webp"};
    for (size_t i = 0; i < KOINE_COUNT(types); i++)
        if (equals(media_type, types[i]))
            return types[i];
    return equals(media_type, "image/jpg") ? "image/jpeg" : NULL;
}

json_t *content_image(struct reading *reading, const struct koine_body_place *place,
                      const json_t *url) {
    struct data_url data;
    if (is_web_url(url))
        return build(reading, json_pack("{s:s,s:{s:s,s:O}}", "type", "image", "source", "type",
                                        "url", "url", url));
    if (!is_data_url(url) || !parse_data_url(url, &data)) {
        problem(reading, place,
                "must be an http or https URL, or a data URL such as data:image/png;base64,…");
        return NULL;
    }
    const char *type = image_type(data.media_type);
    if (!type) {
        problem(reading, place,
                "must be an image of type image/jpeg, image/png, image/gif or "
                "image/webp");
        return NULL;
    }
    return build(reading, json_pack("{s:s,s:{s:s,s:s,s:o}}", "type", "image", "source", "type",
                                    "base64", "media_type", type, "data",
                                    json_stringn_nocheck(data.base64.data, data.base64.size)));
}

/* ---- files */

/* The decoded text as a string; NULL: it is no base64 or no text, or memory is short. */
static json_t *decode_text(struct koine_text base64) {
    if (base64.size % 4 || base64.size > INT_MAX)
        return NULL;
    unsigned char *bytes = malloc(base64.size / 4 * 3 + 1);
    int size =
        bytes ? EVP_DecodeBlock(bytes, (const unsigned char *)base64.data, (int)base64.size) : -1;
    for (size_t i = 1; size > 0 && i <= 2 && base64.data[base64.size - i] == '='; i++)
        size--; /* padding counts as zero bytes */
    json_t *text = size > 0 && !memchr(bytes, 0, (size_t)size)
                       ? json_stringn((const char *)bytes, (size_t)size)
                       : NULL;
    free(bytes);
    return text;
}

static json_t *text_source(struct reading *reading, const struct koine_body_place *place,
                           struct koine_text base64) {
    json_t *text = decode_text(base64);
    if (text)
        return build(reading, json_pack("{s:s,s:s,s:o}", "type", "text", "media_type", "text/plain",
                                        "data", text));
    problem(reading, place, "must hold text in UTF-8, as base64");
    return NULL;
}

static json_t *file_source(struct reading *reading, const struct koine_body_place *place,
                           const struct data_url *data) {
    if (equals(data->media_type, "application/pdf"))
        return build(reading,
                     json_pack("{s:s,s:s,s:o}", "type", "base64", "media_type", "application/pdf",
                               "data", json_stringn_nocheck(data->base64.data, data->base64.size)));
    if (begins(data->media_type, "text/") || equals(data->media_type, "application/json"))
        return text_source(reading, place, data->base64);
    problem(reading, place, "must be a PDF (application/pdf) or text (text/…, application/json)");
    return NULL;
}

json_t *content_file(struct reading *reading, const struct koine_body_place *place,
                     const json_t *data, json_t *filename) {
    struct data_url url;
    if (!is_data_url(data) || !parse_data_url(data, &url)) {
        problem(reading, place, "must be a data URL such as data:application/pdf;base64,…");
        return NULL;
    }
    json_t *source = file_source(reading, place, &url);
    if (!source)
        return NULL;
    json_t *block = build(reading, json_pack("{s:s,s:o}", "type", "document", "source", source));
    const size_t title = json_string_length(filename);
    if (block && title && title <= LONGEST_TITLE_BYTES)
        build_set(reading, block, "title", json_incref(filename));
    return block;
}
