/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rule as text: which characters it may hold, and how a bad one is shown to a person.
 * Nothing here knows what a rule means.
 */
#include "policy/tool_rule.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The smallest code point that needs a sequence of this many bytes. */
static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

static size_t sequence_size(unsigned char first) {
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first < 0xe0)
        return 2;
    if (first >= 0xe0 && first < 0xf0)
        return 3;
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/* The size of the UTF-8 sequence at the start of `text`, or 0 when it is none. */
static size_t decode(struct koine_text text, uint32_t *code_point) {
    const unsigned char *bytes = (const unsigned char *)text.data;
    size_t size = sequence_size(bytes[0]);
    if (size == 0 || size > text.size)
        return 0;
    uint32_t value = size == 1 ? bytes[0] : bytes[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (bytes[i] & 0x3f);
    }
    if (value < smallest[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *code_point = value;
    return size;
}

/* Also the controls of Latin-1 and the two line breaks of Unicode: all could break a log line. */
static bool is_control(uint32_t code_point) {
    return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) || code_point == 0x2028 ||
           code_point == 0x2029;
}

static const char *describe_control(uint32_t code_point) {
    if (code_point == 0)
        return "holds a NUL byte";
    if (code_point == '\n' || code_point == '\r')
        return "holds a line break; write one rule for each list entry";
    return "holds a control character";
}

const char *tool_rule_check_characters(struct koine_text text) {
    uint32_t code_point = 0;
    while (text.size > 0) {
        size_t size = decode(text, &code_point);
        if (size == 0)
            return "is not valid UTF-8";
        if (is_control(code_point))
            return describe_control(code_point);
        text.data += size;
        text.size -= size;
    }
    return NULL;
}

/* Copies whole characters while they fit, the ones that cannot be shown as '?'. */
static size_t quote(char quoted[TOOL_RULE_QUOTE_BYTES + 1], struct koine_text text) {
    size_t used = 0, taken = 0;
    while (taken < text.size) {
        struct koine_text rest = {text.data + taken, text.size - taken};
        uint32_t code_point = 0;
        size_t size = decode(rest, &code_point);
        bool printable = size > 0 && !is_control(code_point);
        size_t shown = printable ? size : 1;
        if (used + shown > TOOL_RULE_QUOTE_BYTES)
            break;
        memcpy(quoted + used, printable ? rest.data : "?", shown);
        used += shown;
        taken += size > 0 ? size : 1;
    }
    quoted[used] = '\0';
    return taken;
}

void tool_rule_explain(char *buffer, size_t size, struct koine_text text, const char *problem) {
    char quoted[TOOL_RULE_QUOTE_BYTES + 1];
    bool whole = quote(quoted, text) == text.size;
    snprintf(buffer, size, "rule \"%s%s\" %s", quoted, whole ? "" : "...", problem);
}
