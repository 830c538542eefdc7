/* SPDX-License-Identifier: Apache-2.0 */
/* Strings of JSON looked at in eights or by memchr, against a look at each byte. */
#include "module/json_characters.h"
#include "support/test_main.h"
#include <string.h>

/* Check notes every assertion that holds, too: that took longer than what is tested. */

enum { WORD = 8, TEXT = 3 * 64 + WORD, LONGEST = 9 };

/* ---- where a string ends */

static size_t end_byte_by_byte(const char *bytes, size_t size) {
    size_t at = 0;
    while (at < size && bytes[at] != '"')
        at += bytes[at] == '\\' ? 2 : 1;
    return at < size ? at + 1 : size;
}

/* Every text of these three characters. */
START_TEST(a_string_ends_at_the_first_quotation_mark_that_is_not_escaped)
{
    static const char characters[] = {'a', '"', '\\'};
    size_t texts = 1;
    for (size_t size = 0; size <= LONGEST; size++, texts *= 3) {
        for (size_t text = 0; text < texts; text++) {
            char bytes[LONGEST + 1] = "";
            size_t rest = text;
            for (size_t i = 0; i < size; i++, rest /= 3)
                bytes[i] = characters[rest % 3];
            const size_t found = (size_t)(json_characters_end(bytes, bytes + size) - bytes);
            const size_t expected = end_byte_by_byte(bytes, size);
            if (found != expected)
                ck_abort_msg("%s: ends at %zu, expected %zu", bytes, found, expected);
        }
    }
}
END_TEST

/* ---- printable ASCII */

static bool stands_for_itself(unsigned char byte) {
    return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
}

/* Each byte at each place, among the smallest and the largest that may be there. */
START_TEST(eight_bytes_are_taken_when_each_stands_for_itself)
{
    static const unsigned char fillings[] = {' ', '~', '!', '#', '[', ']', 'x'};
    for (size_t f = 0; f < sizeof(fillings); f++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            for (size_t place = 0; place < TEXT; place++) {
                unsigned char bytes[TEXT];
                memset(bytes, fillings[f], sizeof(bytes));
                bytes[place] = (unsigned char)byte;
                const size_t expected =
                    stands_for_itself((unsigned char)byte) ? TEXT : place / WORD * WORD;
                const size_t found = json_characters_ascii(bytes, sizeof(bytes));
                if (found != expected)
                    ck_abort_msg("byte %02x at %zu among %02x: %zu, expected %zu", byte, place,
                                 fillings[f], found, expected);
            }
        }
    }
}
END_TEST

START_TEST(fewer_than_eight_bytes_are_left)
{
    for (size_t size = 0; size < 3 * WORD; size++)
        ck_assert_uint_eq(
            json_characters_ascii((const unsigned char *)"abcdefghijklmnopqrstuvwx", size),
            size / WORD * WORD);
}
END_TEST

START_TEST(a_delete_is_a_character_of_a_string)
{ ck_assert_uint_eq(json_characters_span((const unsigned char *)"abcdefg\x7Fhij\"", 12), 11); }
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_string_ends_at_the_first_quotation_mark_that_is_not_escaped,
        eight_bytes_are_taken_when_each_stands_for_itself,
        fewer_than_eight_bytes_are_left,
        a_delete_is_a_character_of_a_string,
    };
    return test_main("json_characters", NULL, NULL, tests, sizeof(tests) / sizeof(*tests));
}
