/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the partial JSON reader takes a text: in pieces of any size, up to the byte that makes it
 * invalid, again after a reset, and in time that grows with the text alone.
 */
#include "partial_json_fixture.h"
#include <time.h>

enum { ROOM = 512, ROUNDS = 100 };

static struct koine_partial_json *reader; /* takes pieces */
static struct koine_partial_json *other;  /* takes the same, byte by byte */
static uint32_t current_seed;             /* of the pieces, where they are random */

static void setup(void) {
    reader = koine_partial_json_create();
    other = koine_partial_json_create();
    ck_assert(reader != NULL && other != NULL);
}

static void teardown(void) {
    koine_partial_json_destroy(reader);
    koine_partial_json_destroy(other);
    koine_partial_json_destroy(NULL);
}

/* Feeds both; they must agree. */
static int32_t feed_both(struct koine_text piece) {
    char value[ROOM], expected[ROOM];
    const int32_t result = koine_partial_json_feed(reader, piece);
    int32_t last = KOINE_OK;
    for (size_t i = 0; i < piece.size; i++)
        last = koine_partial_json_feed(other, text_of(piece.data + i, 1));
    joined(reader, value);
    joined(other, expected);
    if (result != last || strcmp(value, expected) != 0)
        ck_abort_msg("seed %u: %d and %s, byte by byte %d and %s", current_seed, (int)result, value,
                     (int)last, expected);
    REQUIRE(koine_partial_json_complete(reader) == koine_partial_json_complete(other));
    return result;
}

/* The same numbers everywhere, for a given seed. */
static size_t next_random(uint32_t *random, size_t below) {
    *random = *random * 1664525 + 1013904223;
    return (*random >> 8) % below;
}

START_TEST(pieces_of_any_size_give_the_same)
{
    const struct koine_text text = corpus[_i];
    for (uint32_t seed = 1; seed <= ROUNDS; seed++) {
        uint32_t random = seed * 2654435761U;
        current_seed = seed;
        koine_partial_json_reset(reader);
        koine_partial_json_reset(other);
        for (size_t at = 0, size = 0; at < text.size; at += size) {
            const size_t left = text.size - at, most = seed % 2 ? 5 : 40;
            size = next_random(&random, left < most ? left : most) + 1;
            if (feed_both(text_of(text.data + at, size)) != KOINE_OK)
                ck_abort_msg("seed %u, byte %zu of %s", seed, at, text.data);
        }
        ck_assert_msg(koine_partial_json_complete(reader), "seed %u", seed);
    }
}
END_TEST

/* Valid or not: what stops a run of plain characters is found at every place in it. */
START_TEST(every_byte_at_every_place)
{
    char text[64];
    for (size_t place = 1; place < 20; place++) {
        for (int byte = 0; byte < 256; byte++) {
            memset(text, 'x', sizeof text);
            text[0] = '"';
            text[place] = (char)byte;
            koine_partial_json_reset(reader);
            koine_partial_json_reset(other);
            const bool takes = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
            REQUIRE(feed_both(text_of(text, 30)) == (takes ? KOINE_OK : KOINE_INVALID));
        }
    }
}
END_TEST

/* Whether a character begins with these bytes: the table of RFC 3629, section 4. */
static bool is_beginning(unsigned first, unsigned second) {
    const unsigned pair = first << 8 | second;
    return second >= 0x80 && second <= 0xBF &&
           ((first >= 0xC2 && first <= 0xDF) || (pair >= 0xE0A0 && pair <= 0xED9F) ||
            (pair >= 0xEE80 && pair <= 0xEFBF) || (pair >= 0xF090 && pair <= 0xF48F));
}

/* In a string that is long enough for the quick way, too. */
START_TEST(every_beginning_of_a_character)
{
    char text[40];
    for (unsigned first = 0x80; first < 256; first++) {
        for (unsigned second = 0x70; second < 0xD0; second++) {
            memset(text, 'x', sizeof text);
            text[0] = '"';
            const unsigned following = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
            memset(text + 9, 0x80, following + 1);
            text[9] = (char)first;
            text[10] = (char)second;
            const bool valid = is_beginning(first, second);
            koine_partial_json_reset(reader);
            koine_partial_json_reset(other);
            REQUIRE(feed_both(text_of(text, sizeof text)) == (valid ? KOINE_OK : KOINE_INVALID));
        }
    }
}
END_TEST

/* The last byte of each is the offending one. */
static const struct {
    struct koine_text text;
    const char *value;
} offences[] = {
    {KOINE_TEXT("]"), ""},
    {KOINE_TEXT("}"), ""},
    {KOINE_TEXT(","), ""},
    {KOINE_TEXT(":"), ""},
    {KOINE_TEXT("x"), ""},
    {KOINE_TEXT("T"), ""},
    {KOINE_TEXT("'"), ""},
    {KOINE_TEXT("+"), ""},
    {KOINE_TEXT("."), ""},
    {KOINE_TEXT("/"), ""},
    {KOINE_TEXT("\0"), ""},
    {KOINE_TEXT("\v"), ""},
    {KOINE_TEXT("\xEF"), ""},
    {KOINE_TEXT("\xC2"), ""},
    {KOINE_TEXT("tru\0"), ""},
    {KOINE_TEXT("tR"), ""},
    {KOINE_TEXT("nul "), ""},
    {KOINE_TEXT("fals\""), ""},
    {KOINE_TEXT("truee"), "true"},
    {KOINE_TEXT("null\0"), "null"},
    {KOINE_TEXT("[true\0"), "[true]"},
    {KOINE_TEXT("{}{"), "{}"},
    {KOINE_TEXT("{},"), "{}"},
    {KOINE_TEXT("[] ]"), "[]"},
    {KOINE_TEXT("1 2"), "1"},
    {KOINE_TEXT("1,"), ""},
    {KOINE_TEXT("1]"), ""},
    {KOINE_TEXT("\"a\"b"), "\"a\""},
    {KOINE_TEXT("01"), ""},
    {KOINE_TEXT("-01"), ""},
    {KOINE_TEXT("[-]"), "[]"},
    {KOINE_TEXT("[--"), "[]"},
    {KOINE_TEXT("[-a"), "[]"},
    {KOINE_TEXT("[00"), "[]"},
    {KOINE_TEXT("[0x"), "[]"},
    {KOINE_TEXT("[1.]"), "[]"},
    {KOINE_TEXT("[1.e"), "[]"},
    {KOINE_TEXT("[1.5."), "[]"},
    {KOINE_TEXT("[1e]"), "[]"},
    {KOINE_TEXT("[1e+]"), "[]"},
    {KOINE_TEXT("[1e+-"), "[]"},
    {KOINE_TEXT("[1e5e"), "[]"},
    {KOINE_TEXT("[1e5."), "[]"},
    {KOINE_TEXT("[1e "), "[]"},
    {KOINE_TEXT("[1+"), "[]"},
    {KOINE_TEXT("[1}"), "[]"},
    {KOINE_TEXT("[1\0"), "[]"},
    {KOINE_TEXT("[1:"), "[]"},
    {KOINE_TEXT("[1 2"), "[1]"},
    {KOINE_TEXT("[,"), "[]"},
    {KOINE_TEXT("[1,,"), "[1]"},
    {KOINE_TEXT("[1,]"), "[1]"},
    {KOINE_TEXT("[}"), "[]"},
    {KOINE_TEXT("[\"a\":"), "[\"a\"]"},
    {KOINE_TEXT("[{}}"), "[{}]"},
    {KOINE_TEXT("[{]"), "[{}]"},
    {KOINE_TEXT("{]"), "{}"},
    {KOINE_TEXT("{,"), "{}"},
    {KOINE_TEXT("{1"), "{}"},
    {KOINE_TEXT("{t"), "{}"},
    {KOINE_TEXT("{\"a\"}"), "{}"},
    {KOINE_TEXT("{\"a\","), "{}"},
    {KOINE_TEXT("{\"a\"\""), "{}"},
    {KOINE_TEXT("{\"a\":}"), "{}"},
    {KOINE_TEXT("{\"a\"::"), "{}"},
    {KOINE_TEXT("{\"a\":1]"), "{}"},
    {KOINE_TEXT("{\"a\":1,}"), "{\"a\":1}"},
    {KOINE_TEXT("{\"a\":1,b"), "{\"a\":1}"},
    {KOINE_TEXT("{\"a\":[1,2 }"), "{\"a\":[1,2]}"},
    {KOINE_TEXT("{\"a\n"), "{}"},
    {KOINE_TEXT("{\"a\":1,\"\\x"), "{\"a\":1}"},
    {KOINE_TEXT("\"a\n"), "\"a\""},
    {KOINE_TEXT("\"a\t"), "\"a\""},
    {KOINE_TEXT("\"a\0"), "\"a\""},
    {KOINE_TEXT("\"a\x1F"), "\"a\""},
    {KOINE_TEXT("\"a\\a"), "\"a\""},
    {KOINE_TEXT("\"a\\\0"), "\"a\""},
    {KOINE_TEXT("\"a\\U"), "\"a\""},
    {KOINE_TEXT("\"a\\'"), "\"a\""},
    {KOINE_TEXT("\"a\\ug"), "\"a\""},
    {KOINE_TEXT("\"a\\u00\""), "\"a\""},
    {KOINE_TEXT("\"a\\u000G"), "\"a\""},
    {KOINE_TEXT("\"a\\u000@"), "\"a\""},
    {KOINE_TEXT("\"a\\u000`"), "\"a\""},
    {KOINE_TEXT("\"a\\u-"), "\"a\""},
    {KOINE_TEXT("\"a\\ud83d\x01"), "\"a\""},
    {KOINE_TEXT("\"a\\ud83d\\x"), "\"a\""},
    {KOINE_TEXT("\"a\\ud83d\\uD\""), "\"a\""},
    {KOINE_TEXT("\"a\\ud83d\xFF"), "\"a\""},
    {KOINE_TEXT("\"a\x80"), "\"a\""},
    {KOINE_TEXT("\"a\xC0"), "\"a\""},
    {KOINE_TEXT("\"a\xC1"), "\"a\""},
    {KOINE_TEXT("\"a\xC3\x28"), "\"a\""},
    {KOINE_TEXT("\"a\xC3\""), "\"a\""},
    {KOINE_TEXT("\"a\xE0\x9F"), "\"a\""},
    {KOINE_TEXT("\"a\xE2\x82\""), "\"a\""},
    {KOINE_TEXT("\"a\xED\xA0"), "\"a\""},
    {KOINE_TEXT("\"a\xF0\x8F"), "\"a\""},
    {KOINE_TEXT("\"a\xF0\x9F\x98\x7F"), "\"a\""},
    {KOINE_TEXT("\"a\xF4\x90"), "\"a\""},
    {KOINE_TEXT("\"a\xF5"), "\"a\""},
    {KOINE_TEXT("\"a\xFE"), "\"a\""},
};

static void check_value(const char *expected) {
    char value[ROOM];
    joined(reader, value);
    ck_assert_str_eq(value, expected);
    ck_assert(!koine_partial_json_complete(reader));
}

START_TEST(the_first_byte_that_is_wrong_is_refused)
{
    const struct koine_text text = offences[_i].text;
    ck_assert_int_eq(koine_partial_json_feed(reader, text_of(text.data, text.size - 1)), KOINE_OK);
    ck_assert_int_eq(koine_partial_json_feed(reader, text_of(text.data + text.size - 1, 1)),
                     KOINE_INVALID);
    check_value(offences[_i].value);
    ck_assert_int_eq(koine_partial_json_feed(reader, KOINE_TEXT(" ")), KOINE_INVALID);
    ck_assert_int_eq(koine_partial_json_feed(reader, KOINE_TEXT("")), KOINE_INVALID);
    check_value(offences[_i].value);
    koine_partial_json_reset(reader);
    ck_assert_int_eq(feed_both(text), KOINE_INVALID);
    check_value(offences[_i].value);
}
END_TEST

START_TEST(a_reset_begins_a_new_text)
{
    static const struct koine_text begun[] = {
        KOINE_TEXT("[[{\"a\":\"\\ud83d"), KOINE_TEXT("[{\"a\":1}]"), KOINE_TEXT("[}"),
        KOINE_TEXT("\"\xF0\x9F"),         KOINE_TEXT("[tru"),        KOINE_TEXT("-1."),
    };
    for (size_t i = 0; i < COUNT(begun); i++) {
        koine_partial_json_feed(reader, begun[i]);
        koine_partial_json_reset(reader);
        ck_assert_ptr_null(koine_partial_json_value(reader).head.data);
        ck_assert_ptr_null(koine_partial_json_value(reader).tail.data);
        check_value("");
        ck_assert_int_eq(koine_partial_json_feed(reader, KOINE_TEXT("\"\\udc00")), KOINE_OK);
        check_value("\"\\udc00\"");
        koine_partial_json_reset(reader);
    }
}
END_TEST

START_TEST(an_empty_piece_changes_nothing)
{
    ck_assert_int_eq(koine_partial_json_feed(reader, text_of(NULL, 0)), KOINE_OK);
    check_value("");
    ck_assert_int_eq(koine_partial_json_feed(reader, KOINE_TEXT("[\"a")), KOINE_OK);
    ck_assert_int_eq(koine_partial_json_feed(reader, text_of(NULL, 0)), KOINE_OK);
    check_value("[\"a\"]");
}
END_TEST

/* Processor seconds, the best of five, in pieces of 20 bytes with the value asked for after each.
 */
static double seconds_for(const char *text, size_t size) {
    double best = 1e9;
    for (int round = 0; round < 5; round++) {
        const clock_t begin = clock();
        koine_partial_json_reset(reader);
        for (size_t at = 0; at < size; at += 20) {
            REQUIRE(koine_partial_json_feed(reader, text_of(text + at, 20)) == KOINE_OK);
            REQUIRE(koine_partial_json_value(reader).head.data != NULL);
        }
        const double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
        best = seconds < best ? seconds : best;
    }
    return best;
}

/* Four times the text must not take sixteen times as long. The memory test counts what is copied.
 */
START_TEST(time_is_linear)
{
    enum { MEGABYTE = 1000000 };
    char *text = malloc(4 * MEGABYTE);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < 4 * MEGABYTE; i += 20)
        memcpy(text + i, i % 40 ? "\",{\"name\":[1,{}]}   " : ",\"some text \\ud83d..", 20);
    text[0] = '[';
    const double one = seconds_for(text, MEGABYTE), four = seconds_for(text, 4 * MEGABYTE);
    ck_assert_msg(four < 12 * one + 0.02, "1 MB: %f s, 4 MB: %f s", one, four);
    ck_assert_int_eq(koine_partial_json_feed(reader, KOINE_TEXT(",0]")), KOINE_OK);
    ck_assert(koine_partial_json_complete(reader));
    free(text);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("partial JSON, feeding");
    TCase *feeding = tcase_create("feeding");
    tcase_add_checked_fixture(feeding, setup, teardown);
    tcase_add_loop_test(feeding, pieces_of_any_size_give_the_same, 0, COUNT(corpus));
    tcase_add_loop_test(feeding, the_first_byte_that_is_wrong_is_refused, 0, COUNT(offences));
    tcase_add_test(feeding, every_byte_at_every_place);
    tcase_add_test(feeding, every_beginning_of_a_character);
    tcase_add_test(feeding, a_reset_begins_a_new_text);
    tcase_add_test(feeding, an_empty_piece_changes_nothing);
    tcase_add_test(feeding, time_is_linear);
    suite_add_tcase(suite, feeding);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
