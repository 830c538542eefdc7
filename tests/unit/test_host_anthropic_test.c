/* SPDX-License-Identifier: Apache-2.0 */
/* The module `anthropic` when memory is short: each allocation on the way of a request fails once,
 * and the client is told in due form, or cut where there is no memory to tell it. */
#include "test_host_fixture.h"

#define TURNS                                                                                      \
    "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\","            \
    "\"cache_control\":{\"type\":\"ephemeral\"}},{\"type\":\"image\",\"source\":{\"type\":"        \
    "\"url\",\"url\":\"u\"}}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\","       \
    "\"id\":\"t\",\"name\":\"w\",\"input\":{\"a\":1}}]},{\"role\":\"user\",\"content\":[{"         \
    "\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":\"x\"}]}]"
#define TOOLS "\"tools\":[{\"name\":\"w\",\"input_schema\":{\"type\":\"object\"}}]"
#define SYSTEM "\"system\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]"
#define FORMAT "\"output_format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\"}}"
#define ASKS "\"model\":\"sonnet\",\"max_tokens\":9,"

static const struct {
    const char *path;
    const char *body;
    int status; /* when no allocation fails */
} requests[] = {
    {"/v1/messages", "{" ASKS TURNS "," TOOLS "," SYSTEM "," FORMAT "}", 200},
    {"/v1/messages", "{" ASKS TURNS "," TOOLS ",\"stream\":true}", 200},
    {"/v1/messages", "{" ASKS TURNS "," TOOLS ",\"tool_choice\":{\"type\":\"any\"}}", 200},
    {"/v1/messages", "{" ASKS TURNS "," TOOLS ",\"x\":1,\"thinking\":{\"type\":\"y\"}}", 400},
    {"/v1/messages", "{\"model\":\"m\",\"max_tokens\":9," TURNS "}", 404},
    {"/v1/messages/count_tokens", "{\"model\":\"opus\"," TURNS "," TOOLS "," SYSTEM "}", 200},
};

struct asked {
    size_t request;
    size_t as_expected;
};

static void ask(struct koine_test_host *host, void *data) {
    struct asked *asked = data;
    const int expected = requests[asked->request].status;
    struct koine_test_answer *answer =
        koine_test_send(host, "POST", requests[asked->request].path, requests[asked->request].body);
    const int status = koine_test_status(answer);
    /* 400: jansson takes some failures of its own for bad syntax */
    ck_assert_msg(status == expected || status == 400 || status == 500 || status == 0, "%d %s",
                  status, koine_test_body(answer));
    asked->as_expected += status == expected;
}

START_TEST(each_allocation_may_fail)
{
    struct asked asked = {.request = (size_t)_i};
    size_t rounds = 0;
    char *path = fixture_path("anthropic");
    const struct koine_test_options options = {.module = path};
    ck_assert_uint_eq(koine_test_each_allocation(&options, ask, &asked, &rounds), 0);
    ck_assert_uint_ge(asked.as_expected, 1);
    ck_assert_uint_ge(rounds, koine_test_watches_memory() ? 20 : 5);
    free(path);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("test_host_anthropic");
    TCase *tcase = tcase_create("test_host_anthropic");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, each_allocation_may_fail, 0, sizeof(requests) / sizeof(*requests));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
