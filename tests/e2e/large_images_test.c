/* SPDX-License-Identifier: Apache-2.0 */
/* Images of some megabytes reach the CLI to the last byte, whichever way they are sent. */
#include "support/scenario.h"
#include "support/test_main.h"
#include <string.h>

enum { IMAGE_BYTES = 3000000 };

static struct gateway *gateway;

static void setup(void) {
    gateway = gateway_start(NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
}

/* As base64 looks; no part of it is like another. */
static char *make_image(void) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *image = malloc(IMAGE_BYTES + 1);
    uint32_t random = 1;
    ck_assert_ptr_nonnull(image);
    for (size_t i = 0; i < IMAGE_BYTES; i++) {
        random = random * 1664525 + 1013904223;
        image[i] = digits[random >> 26];
    }
    image[IMAGE_BYTES] = '\0';
    return image;
}

/* Sends `open`, the image and `close`; what the CLI has been given is the text of the answer. */
static void expect_image(const char *path, const char *open, const char *close, const char *text) {
    char *image = make_image(), *body = NULL;
    ck_assert_int_gt(asprintf(&body, "%s%s%s", open, image, close), 0);
    struct http_response answer = http_post(gateway, path, quoted_json(body));
    http_assert_status(&answer, 200);
    const char *heard = http_string(&answer, text), *found = strstr(heard, image);
    ck_assert_msg(found != NULL, "the image is not in the %zu bytes that the CLI was given: %.200s",
                  strlen(heard), heard);
    ck_assert_int_eq(found[IMAGE_BYTES], '"');
    ck_assert_int_eq(found[-1], '"');
    http_response_finish(&answer);
    free(body);
    free(image);
}

#define ECHO "'standin:{\\\"echo\\\":\\\"stdin\\\"}'"
#define SOURCE "{'type':'image','source':{'type':'base64','media_type':'image/png','data':'"

START_TEST(generate_text)
{
    expect_image("/generate-text", "{'prompt':[" SOURCE, "'}},{'type':'text','text':" ECHO "}]}",
                 "text");
}
END_TEST

START_TEST(messages)
{
    expect_image("/v1/messages",
                 "{'model':'sonnet','max_tokens':9,'messages':[{'role':'user','content':[" SOURCE,
                 "'}},{'type':'text','text':" ECHO "}]}]}", "content.0.text");
}
END_TEST

START_TEST(chat_completions)
{
    expect_image("/v1/chat/completions",
                 "{'model':'sonnet','messages':[{'role':'user','content':[{'type':'image_url',"
                 "'image_url':{'url':'data:image/png;base64,",
                 "'}},{'type':'text','text':" ECHO "}]}]}", "choices.0.message.content");
}
END_TEST

START_TEST(responses)
{
    expect_image("/v1/responses",
                 "{'model':'sonnet','input':[{'role':'user','content':[{'type':'input_image',"
                 "'image_url':'data:image/png;base64,",
                 "'},{'type':'input_text','text':" ECHO "}]}]}", "output.0.content.0.text");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {generate_text, messages, chat_completions, responses};
    return test_main("large_images", setup, teardown, tests, sizeof(tests) / sizeof(*tests));
}
