/* SPDX-License-Identifier: Apache-2.0 */
/* Module "openai" in the test host: whatever allocation fails, a client is told in due form or cut,
 * and nothing is left behind. */
#include "test_host_fixture.h"

struct exchange {
    const char *path, *body, *script;
    size_t answered; /* in how many rounds */
};

#define PARTS                                                                                      \
    "[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image_url\",\"image_url\":{\"url\":"          \
    "\"data:image/png;base64,iVBORw0KGgo=\"}},{\"type\":\"file\",\"file\":{\"filename\":\"a\","    \
    "\"file_data\":\"data:text/plain;base64,SGk=\"}}]"
#define USER "{\"role\":\"user\",\"content\":\"x\"}"
#define FUNCTION "{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}"
#define SCHEMA "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}"

static const char chat_body[] =
    "{\"model\":\"sonnet\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
    "\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":" PARTS
    "},{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":"
    "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\","
    "\"tool_call_id\":\"c1\",\"content\":\"r\"}],\"tools\":[{\"type\":\"function\","
    "\"function\":" FUNCTION "}],\"tool_choice\":\"auto\"}";

static const char responses_body[] =
    "{\"model\":\"sonnet\",\"instructions\":\"s\",\"reasoning\":{\"effort\":\"low\"},\"input\":["
    "{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"x\"}]}],\"text\":"
    "{\"format\":{\"type\":\"json_schema\",\"schema\":" SCHEMA "}}}";

static const char refused_body[] =
    "{\"model\":\"sonnet\",\"n\":2,\"messages\":[{\"role\":\"x\"},7,{\"role\":\"user\","
    "\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"y\"}}]}]}";

/* 400: jansson takes some failures of its own for bad syntax. A stream that has begun has its
 * status, and ends with the error. */
static void exchange(struct koine_test_host *host, void *data) {
    struct exchange *exchange = data;
    koine_test_play(host, exchange->script);
    struct koine_test_answer *answer =
        koine_test_send(host, "POST", exchange->path, exchange->body);
    const int status = koine_test_status(answer);
    ck_assert_msg(status == 200 || status == 400 || status == 500 || status == 0, "%d %s", status,
                  koine_test_body(answer));
    if (status == 400 || status == 500)
        ck_assert_msg(strstr(koine_test_body(answer), "\"error\":") != NULL, "%s",
                      koine_test_body(answer));
    exchange->answered += status == 200;
}

static void each(struct exchange *exchange_, size_t least_rounds) {
    size_t rounds = 0;
    char *path = fixture_path("openai");
    const struct koine_test_options options = {.module = path};
    ck_assert_uint_eq(koine_test_each_allocation(&options, exchange, exchange_, &rounds), 0);
    ck_assert_msg(rounds >= (koine_test_watches_memory() ? least_rounds : 5), "%zu rounds", rounds);
    free(path);
}

START_TEST(a_streamed_chat_survives_each_one)
{
    struct exchange chat = {"/v1/chat/completions", chat_body, "[{\"text\":\"Hello\"}]", 0};
    each(&chat, 100);
    ck_assert_uint_ge(chat.answered, 1);
}
END_TEST

START_TEST(a_whole_response_survives_each_one)
{
    struct exchange response = {"/v1/responses", responses_body, "[{\"object\":{\"a\":\"b\"}}]", 0};
    each(&response, 50);
    ck_assert_uint_ge(response.answered, 1);
}
END_TEST

START_TEST(a_refusal_survives_each_one)
{
    struct exchange refused = {"/v1/chat/completions", refused_body, "[]", 0};
    each(&refused, 50);
    ck_assert_uint_eq(refused.answered, 0);
}
END_TEST

/* The second run begins in the END of the one whose session the CLI does not know. */
START_TEST(a_session_that_is_gone_is_replayed)
{
    struct koine_test_host *host = fixture("openai");
    koine_test_play(host, "[{\"text\":\"One\"}]");
    struct koine_test_answer *first = koine_test_send(
        host, "POST", "/v1/chat/completions", "{\"model\":\"sonnet\",\"messages\":[" USER "]}");
    ck_assert_int_eq(koine_test_status(first), 200);
    koine_test_play(host, "[{\"failure\":{\"status\":404,\"code\":\"SESSION_NOT_FOUND\","
                          "\"message\":\"gone\"}}]");
    struct koine_test_answer *second =
        koine_test_send(host, "POST", "/v1/chat/completions",
                        "{\"model\":\"sonnet\",\"messages\":[" USER
                        ",{\"role\":\"assistant\",\"content\":\"One\"}," USER "]}");
    ck_assert_int_eq(koine_test_status(second), 200);
    ck_assert_uint_eq(koine_test_run_count(host), 3);
    fixture_end(host);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_streamed_chat_survives_each_one,
        a_whole_response_survives_each_one,
        a_refusal_survives_each_one,
        a_session_that_is_gone_is_replayed,
    };
    return test_main("test_host_openai", NULL, NULL, tests, sizeof tests / sizeof *tests);
}
