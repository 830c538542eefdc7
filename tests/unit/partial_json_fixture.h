/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the partial JSON reader share: texts, and a value as one string. */
#ifndef UNIT_PARTIAL_JSON_FIXTURE_H
#define UNIT_PARTIAL_JSON_FIXTURE_H

#include <check.h>
#include <koine-module/partial_json.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* For what is asserted very often: Check writes to a file for each assertion of its own. */
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("not so: %s", #condition);                                                \
    } while (0)

/* Whole JSON texts, each a value of its own. */
static const struct koine_text corpus[] = {
    KOINE_TEXT("{}"),
    KOINE_TEXT("[]"),
    KOINE_TEXT("\"\""),
    KOINE_TEXT(" \t\r\n{ \t\r\n} \t\r\n"),
    KOINE_TEXT("\r\n[\r\n]\r\n"),
    KOINE_TEXT("true"),
    KOINE_TEXT(" false "),
    KOINE_TEXT("null"),
    KOINE_TEXT("-0.5e+10 "),
    KOINE_TEXT("[0,-0,1,-1,10,1234567890,0.5,-0.5,10.25,1e5,1E5,1e+5,1E-5,0e0,0.0e-0,-12.34E+2]"),
    KOINE_TEXT("[ 0 , -0\t,\r1\n, -1.5e3 ]"),
    KOINE_TEXT("{\"number\":1,\"other\":-0.25,\"last\":1e2}"),
    KOINE_TEXT("[true,false,null,[true],{\"a\":false,\"b\":null}]"),
    KOINE_TEXT("{\"a\":{\"b\":{\"c\":[1,[2,[3,{\"d\":\"e\"}]]]}},\"f\":[]}"),
    KOINE_TEXT("[[],{},[[]],[{}],{\"a\":{}},{\"a\":[]},\"\"]"),
    KOINE_TEXT("[1,2,{\"a\":\"x\\u0000y\"}]"),
    KOINE_TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e4\\u20AC\\uFFff\""),
    KOINE_TEXT("\"pairs \\ud83d\\ude00\\uD83D\\uDE00 \\udbff\\udfff\\ud800\\udc00 end\""),
    KOINE_TEXT("\"\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80 \xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF"
               "\xEE\x80\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\x7F\""),
    KOINE_TEXT(
        "[\"\xE2\x80\xA8\xE2\x80\xA9\",\"\xE6\x88\x91\xE8\x83\xBD\xE5\x90\x9E\xE4\xB8\x8B\"]"),
    KOINE_TEXT("{\"k\\\"e\\\\y\\u0041\":\"v\",\"\\ud83d\\ude00\":\"\xF0\x9F\x98\x80\",\"\":0}"),
    KOINE_TEXT(
        "{ \"a\" : 1 ,\r\n\t\"b\" : [ 1 , 2 ] , \"c\" : { \"d\" : \"e\" } , \"f\" : \"\" }\n"),
    KOINE_TEXT("{\"text\":\"a long run of plain characters, then \\n an escape, and then more of "
               "them, so that eight at once are looked at; brackets ]}[{ and commas, too\"}"),
    KOINE_TEXT("[\"\\\\\",\"\\\\\\\\\",\"\\\"\",\"a\\\\\",\"]\",\"}\",\"[{\"]"),
};

/* A text for `koine_text` that is not a literal. */
static inline struct koine_text text_of(const char *bytes, size_t size) {
    return (struct koine_text){bytes, size};
}

/* Head and tail as one string in `to`, which has room; its length. */
static inline size_t join_value(struct koine_partial_value value, char *to) {
    if (value.head.size > 0)
        memcpy(to, value.head.data, value.head.size);
    if (value.tail.size > 0)
        memcpy(to + value.head.size, value.tail.data, value.tail.size);
    to[value.head.size + value.tail.size] = '\0';
    return value.head.size + value.tail.size;
}

static inline size_t joined(const struct koine_partial_json *reader, char *to) {
    return join_value(koine_partial_json_value(reader), to);
}

#endif
