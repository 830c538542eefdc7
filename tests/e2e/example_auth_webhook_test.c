/* SPDX-License-Identifier: Apache-2.0 */
/* The example `auth-webhook` in a gateway: whom it does not believe, what a hook may not do, and
 * that a secret is seen nowhere. Signatures are made here, by another way than the module's. */
#include "support/process_table.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECRET "correct horse battery staple"
#define OTHER_SECRET "another secret of 16 and more bytes"

/* The key `builder` may use hooks alone, `talker` no hooks; nobody sends either. */
static const char keys[] =
    "keys:\n"
    "- name: builder\n  routes: [/hooks/*]\n"
    "  sha256: 580843d03d2216ff1a275d0991bad66e4d1af871171d929e9de604b7959f9bca\n"
    "- name: talker\n  routes: [/generate-text]\n"
    "  sha256: 0000000000000000000000000000000000000000000000000000000000000001\n";

static struct gateway *gateway;
static char *directory;

static void write_secret(const char *name, const char *text, mode_t mode) {
    char *path = scratch_text("%s/%s", directory, name);
    scratch_write(path, text);
    ck_assert_int_eq(chmod(path, mode), 0);
    free(path);
}

static void start(const char *hooks, const char *more) {
    static const char *const modules[] = {"auth-webhook", NULL};
    char *section =
        scratch_text("%s  settings:\n    auth-webhook:\n      hooks:\n%s", more ? more : "", hooks);
    gateway_stop(gateway);
    gateway = NULL;
    gateway = modules_start(modules, section, keys, NULL);
    free(section);
}

static char *hook(const char *name, const char *secret, const char *key, const char *more) {
    return scratch_text("        %s: {secret_file: %s/%s, key: %s, prompt: Say what happened%s}\n",
                        name, directory, secret, key, more);
}

static void setup(void) {
    directory = scratch_directory_create();
    write_secret("secret", SECRET "\r\n", 0600);
    write_secret("other", OTHER_SECRET, 0400);
    char *plain = hook("plain", "secret", "builder", "");
    char *timed = hook("timed", "secret", "builder", ", max_age_s: 300");
    char *other = hook("other", "other", "builder", "");
    char *barred = hook("barred", "secret", "talker", "");
    char *orphan = hook("orphan", "secret", "nobody", "");
    char *hooks = scratch_text("%s%s%s%s%s", plain, timed, other, barred, orphan);
    start(hooks, NULL);
    free(hooks);
    free(orphan);
    free(barred);
    free(other);
    free(timed);
    free(plain);
}

static void teardown(void) {
    gateway_stop(gateway);
    scratch_directory_destroy(directory);
}

/* ---- signatures */

/* The header; the caller frees. */
static char *sign(const char *secret, const char *message) {
    unsigned char mac[EVP_MAX_MD_SIZE];
    size_t size = sizeof mac;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, NULL, (const unsigned char *)secret,
                                                 strlen(secret));
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    ck_assert_int_eq(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
    ck_assert_int_eq(
        EVP_DigestSign(context, mac, &size, (const unsigned char *)message, strlen(message)), 1);
    ck_assert_uint_eq(size, 32);
    char *header = scratch_text("X-Hub-Signature-256: sha256=%064d", 0);
    char *hex = header + strlen(header) - 64;
    for (size_t i = 0; i < size; i++)
        snprintf(hex + 2 * i, 3, "%02x", mac[i]);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return header;
}

/* The header is taken over; NULL: none. */
static struct http_response post(const char *path, const char *body, char *signature,
                                 const char *timestamp) {
    const char *const headers[] = {signature ? signature : "X-Nothing: 1", timestamp, NULL};
    struct http_response answer = http_send(
        gateway, &(struct http_request){
                     .method = "POST", .path = path, .key = "", .headers = headers, .body = body});
    free(signature);
    return answer;
}

static void assert_refused(struct http_response answer, long status, const char *code) {
    http_assert_error(&answer, status, code);
    http_response_finish(&answer);
}

static void assert_accepted(struct http_response answer) {
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "done");
    http_response_finish(&answer);
}

static const char body[] = "standin:{\"text\":\"done\"}";

/* ---- who is not believed */

START_TEST(wrong_signatures)
{
    char *cut = sign(SECRET, body), *longer = sign(SECRET, body), *letter = sign(SECRET, body);
    char *prefix = sign(SECRET, body), *old = sign(SECRET, body);
    cut[strlen(cut) - 2] = '\0';
    char *long_one = scratch_text("%s00", longer);
    letter[strlen(letter) - 1] = 'g';
    memcpy(strchr(prefix, '='), ":", 1);
    memcpy(strstr(old, "sha256="), "sha1=00", 7);
    free(longer);
    char *wrong[] = {
        NULL,
        sign(OTHER_SECRET, body),
        sign("", body),
        sign(SECRET "\r\n", body),
        sign(SECRET, "standin:{\"text\":\"other\"}"),
        sign(SECRET, ""),
        scratch_text("X-Hub-Signature-256: "),
        scratch_text("X-Hub-Signature-256: sha256="),
        scratch_text("X-Hub-Signature-256: sha256=%064d", 0),
        scratch_text("Authorization: Bearer " GATEWAY_KEY), /* a key is no signature */
        cut,
        long_one,
        letter,
        prefix,
        old,
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_refused(post("/hooks/plain", body, wrong[i], NULL), 401, "UNAUTHORIZED");
}
END_TEST

START_TEST(the_secret_of_another_hook)
{
    assert_refused(post("/hooks/other", body, sign(SECRET, body), NULL), 401, "UNAUTHORIZED");
    assert_accepted(post("/hooks/other", body, sign(OTHER_SECRET, body), NULL));
}
END_TEST

START_TEST(hooks_that_do_not_exist)
{
    static const char *const paths[] = {"/hooks/nothing", "/hooks/Plain", "/hooks/plain%20"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_refused(post(paths[i], body, sign(SECRET, body), NULL), 404, "NOT_FOUND");
        assert_refused(post(paths[i], body, NULL, NULL), 404, "NOT_FOUND");
    }
}
END_TEST

/* "Name: value" with the time and the signature over it and the body. */
static struct http_response post_at(const char *path, int64_t seconds, const char *shown) {
    char *message = scratch_text("%lld.%s", (long long)seconds, body);
    char *header = shown ? scratch_text("X-Hook-Timestamp: %s", shown)
                         : scratch_text("X-Hook-Timestamp: %lld", (long long)seconds);
    struct http_response answer = post(path, body, sign(SECRET, message), header);
    free(header);
    free(message);
    return answer;
}

START_TEST(messages_of_another_time)
{
    const int64_t now = time(NULL);
    assert_refused(post_at("/hooks/timed", now - 400, NULL), 401, "UNAUTHORIZED");
    assert_refused(post_at("/hooks/timed", now + 400, NULL), 401, "UNAUTHORIZED");
    assert_refused(post_at("/hooks/timed", 0, NULL), 401, "UNAUTHORIZED");
    assert_refused(post_at("/hooks/timed", -1, NULL), 401, "UNAUTHORIZED");
    char *later = scratch_text("%lld", (long long)now);
    assert_refused(post_at("/hooks/timed", now - 400, later), 401, "UNAUTHORIZED");
    free(later);
    assert_accepted(post_at("/hooks/timed", now, NULL));
    assert_accepted(post_at("/hooks/timed", now - 200, NULL));
}
END_TEST

START_TEST(a_time_cannot_be_left_out_or_put_on)
{
    char *message = scratch_text("%lld.%s", (long long)time(NULL), body);
    assert_refused(post("/hooks/timed", body, sign(SECRET, body), NULL), 401, "UNAUTHORIZED");
    assert_refused(post("/hooks/timed", message, sign(SECRET, message), NULL), 401, "UNAUTHORIZED");
    assert_refused(post_at("/hooks/plain", time(NULL), NULL), 401, "UNAUTHORIZED");
    free(message);
}
END_TEST

START_TEST(a_body_that_is_too_large)
{
    char *large = scratch_text("%0*d", 1024 * 1024 + 1, 0);
    assert_refused(post("/hooks/plain", large, sign(SECRET, large), NULL), 413,
                   "PAYLOAD_TOO_LARGE");
    free(large);
}
END_TEST

/* ---- what a hook may do */

START_TEST(keys_that_may_not_or_are_not_there)
{
    assert_refused(post("/hooks/barred", body, sign(SECRET, body), NULL), 403, "AUTH_ERROR");
    assert_refused(post("/hooks/orphan", body, sign(SECRET, body), NULL), 500, "INTERNAL_ERROR");
    gateway_await_log(gateway, "the hook orphan acts as the key nobody, which the configuration "
                               "does not name");
}
END_TEST

START_TEST(an_empty_message)
{ assert_refused(post("/hooks/plain", "", sign(SECRET, ""), NULL), 400, "VALIDATION_ERROR"); }
END_TEST

START_TEST(the_model_has_no_tools_and_the_hooks_prompt)
{
    static const char echo[] = "standin:{\"echo\":\"state\"}";
    struct http_response answer = post("/hooks/plain", echo, sign(SECRET, echo), NULL);
    json_t *state = echoed(&answer);
    ck_assert_uint_eq(json_array_size(json_object_get(state, "tools")), 0);
    ck_assert_str_eq(json_string_value(json_object_get(state, "system_prompt")),
                     "Say what happened");
    json_decref(state);
    http_response_finish(&answer);
}
END_TEST

/* The session belongs to the key of the hook. */
START_TEST(a_message_acts_under_the_hooks_key)
{
    struct http_response answer = post("/hooks/plain", body, sign(SECRET, body), NULL);
    http_assert_status(&answer, 200);
    json_t *next =
        json_pack("{s:s,s:s}", "prompt", "go on", "sessionId", http_string(&answer, "sessionId"));
    http_response_finish(&answer);
    answer = http_post(gateway, "/generate-text", next); /* by the key `default` */
    http_assert_error(&answer, 404, "SESSION_NOT_FOUND");
    http_response_finish(&answer);
}
END_TEST

/* ---- secrets */

START_TEST(secrets_that_are_not_fit)
{
    static const struct {
        const char *name, *text, *why;
        mode_t mode;
    } secrets[] = {
        {"open", SECRET, "everybody may read the secret: chmod o= it", 0644},
        {"short", "fifteen bytes..\n\n\n\n", "a secret has 16 to 1,024 bytes", 0600},
        {"empty", "", "a secret has 16 to 1,024 bytes", 0600},
        {"missing", NULL, "missing: No such file or directory", 0},
    };
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        if (secrets[i].text)
            write_secret(secrets[i].name, secrets[i].text, secrets[i].mode);
        char *line = hook("plain", secrets[i].name, "builder", "");
        start(line, "  on_error: continue\n");
        ck_assert_msg(gateway_log_has(gateway, secrets[i].why), "not in the log: %s",
                      secrets[i].why);
        free(line);
    }
}
END_TEST

START_TEST(no_secret_is_told)
{
    assert_accepted(post("/hooks/plain", body, sign(SECRET, body), NULL));
    assert_refused(post("/hooks/plain", body, sign(OTHER_SECRET, body), NULL), 401, "UNAUTHORIZED");
    struct http_response metrics = http_get(gateway, "/metrics");
    ck_assert(!strstr(metrics.body, SECRET));
    http_response_finish(&metrics);
    char *log = gateway_log(gateway);
    ck_assert_msg(!strstr(log, SECRET) && !strstr(log, OTHER_SECRET), "%s", log);
    free(log);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        wrong_signatures,
        the_secret_of_another_hook,
        hooks_that_do_not_exist,
        messages_of_another_time,
        a_time_cannot_be_left_out_or_put_on,
        a_body_that_is_too_large,
        keys_that_may_not_or_are_not_there,
        an_empty_message,
        the_model_has_no_tools_and_the_hooks_prompt,
        a_message_acts_under_the_hooks_key,
        secrets_that_are_not_fit,
        no_secret_is_told,
    };
    return test_main("example_auth_webhook", setup, teardown, tests, sizeof tests / sizeof *tests);
}
