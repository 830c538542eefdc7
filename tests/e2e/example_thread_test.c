/* SPDX-License-Identifier: Apache-2.0 */
/* The example `thread` in a gateway: what it does not open, full queues, clients that leave a long
 * job, and the end of the gateway amid one. A sparse file is as long as a job has to be. */
#include "support/process_table.h"
#include "support/raw_client.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A job on `endless` is never done while a test lasts. */
static const off_t ENDLESS_BYTES = (off_t)1 << 42, LONG_BYTES = (off_t)1 << 29;

static struct gateway *gateway;
static char *directory; /* with `served` in it */

static char *in_directory(const char *name) {
    return scratch_text("%s/%s", directory, name);
}

static void make_file(const char *name, const char *text, off_t bytes) {
    char *path = in_directory(name);
    scratch_write(path, text);
    if (bytes)
        ck_assert_int_eq(truncate(path, bytes), 0);
    free(path);
}

static void make_link(const char *name, const char *target) {
    char *path = in_directory(name);
    ck_assert_int_eq(symlink(target, path), 0);
    free(path);
}

static void make_files(void) {
    char *served = in_directory("served"), *below = in_directory("served/below");
    char *fifo = in_directory("served/fifo");
    ck_assert_int_eq(mkdir(served, 0755), 0);
    ck_assert_int_eq(mkdir(below, 0755), 0);
    ck_assert_int_eq(mkfifo(fifo, 0644), 0);
    make_file("secret", "not for clients\n", 0);
    make_file("served/below/poem", "Roses are red,\n  violets\tare blue\n\nend", 0);
    make_file("served/empty", "", 0);
    make_file("served/endless", "", ENDLESS_BYTES);
    make_file("served/long", "", LONG_BYTES);
    make_link("served/inside", "below/poem");
    make_link("served/outside", "../secret");
    make_link("served/absolute", "/etc/passwd");
    make_link("served/loop", "loop");
    free(fifo);
    free(below);
    free(served);
}

/* One thread, and one request that may wait for it. */
static void setup(void) {
    static const char *const modules[] = {"thread", NULL};
    directory = scratch_directory_create();
    make_files();
    char *more = scratch_text(
        "  settings: {thread: {directory: %s/served, threads: 1, queue: 1}}\n", directory);
    gateway = modules_start(modules, more, "drain_seconds: 60\n", NULL);
    free(more);
}

static void teardown(void) {
    gateway_stop(gateway);
    scratch_directory_destroy(directory);
}

static struct http_response count_file(const char *file) {
    char *path = scratch_text("/count?file=%s", file);
    struct http_response answer = http_get(gateway, path);
    free(path);
    return answer;
}

static struct raw_client *begin_count(const char *file) {
    struct raw_client *client = raw_connect(gateway);
    char *request = scratch_text("GET /count?file=%s HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION
                                 "Connection: close\r\n\r\n",
                                 file);
    ck_assert(raw_send_text(client, request));
    free(request);
    return client;
}

/* ---- what is not opened */

START_TEST(nothing_outside_of_the_directory_is_opened)
{
    static const char *const files[] = {
        "../secret",
        "%2e%2e/secret",
        "below/../../secret",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "outside",
        "absolute",
        "loop",
        "missing",
        "below/poem/more",
        "below",
        ".",
        "..",
        "fifo",
        "below/%2e%2e/../secret",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct http_response answer = count_file(files[i]);
        ck_assert_msg(answer.status == 404, "%s: %ld %s", files[i], answer.status, answer.body);
        http_assert_error(&answer, 404, "NOT_FOUND");
        ck_assert_msg(!strstr(answer.body, directory), "%s tells the directory", answer.body);
        http_response_finish(&answer);
    }
}
END_TEST

START_TEST(a_parameter_that_is_no_path)
{
    static const char *const queries[] = {"",          "?",        "?file=",        "?file=a%00b",
                                          "?file=%ff", "?file=%4", "?file=a&file=b"};
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        char *path = scratch_text("/count%s", queries[i]);
        struct http_response answer = http_get(gateway, path);
        ck_assert_msg(answer.status == 400, "%s: %ld %s", path, answer.status, answer.body);
        http_assert_error(&answer, 400, "VALIDATION_ERROR");
        ck_assert_str_eq(http_string(&answer, "issues.0.path.0"), "file");
        http_response_finish(&answer);
        free(path);
    }
}
END_TEST

START_TEST(a_client_without_key)
{
    struct http_response answer =
        http_send(gateway, &(struct http_request){.path = "/count?file=empty", .key = ""});
    http_assert_error(&answer, 401, "UNAUTHORIZED");
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_directory_that_is_not_there)
{
    static const char *const modules[] = {"thread", NULL};
    gateway_stop(gateway);
    gateway = modules_start(modules,
                            "  on_error: continue\n"
                            "  settings: {thread: {directory: /nowhere/at/all}}\n",
                            NULL, NULL);
    ck_assert(gateway_log_has(gateway, "modules.settings.thread.directory: /nowhere/at/all: No "
                                       "such file or directory; name a directory"));
}
END_TEST

/* ---- work that takes long */

START_TEST(a_full_queue)
{
    struct raw_client *running = begin_count("endless");
    modules_await_metric(gateway, "koine_thread_jobs 1");
    struct raw_client *waiting = begin_count("endless");
    modules_await_metric(gateway, "koine_thread_jobs 2");
    struct http_response answer = count_file("empty");
    char *retry_after = http_header(&answer, "Retry-After");
    http_assert_error(&answer, 503, "UNAVAILABLE");
    ck_assert_pstr_eq(retry_after, "2");
    free(retry_after);
    http_response_finish(&answer);
    raw_close(waiting);
    raw_close(running);
}
END_TEST

START_TEST(a_client_that_leaves_frees_the_thread)
{
    struct raw_client *running = begin_count("endless");
    modules_await_metric(gateway, "koine_thread_jobs 1");
    struct raw_client *waiting = begin_count("endless");
    modules_await_metric(gateway, "koine_thread_jobs 2");
    raw_close(waiting); /* while its job waits */
    raw_reset(running); /* while the thread reads */
    modules_await_metric(gateway, "koine_thread_jobs 0");
    struct http_response answer = count_file("empty");
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}
END_TEST

START_TEST(the_loop_goes_on_meanwhile)
{
    struct raw_client *running = begin_count("endless");
    modules_await_metric(gateway, "koine_thread_jobs 1");
    struct http_response answer = generate(gateway, "{'text':'hi'}", NULL);
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
    raw_close(running);
}
END_TEST

START_TEST(draining_waits_for_a_job)
{
    struct raw_client *running = begin_count("long"), *waiting = begin_count("below/poem");
    modules_await_metric(gateway, "koine_thread_jobs 2");
    gateway_terminate(gateway);
    struct raw_answer answer = raw_receive(running, false);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer.body, "{\"lines\":0,\"words\":1,\"bytes\":536870912}");
    raw_answer_finish(&answer);
    answer = raw_receive(waiting, false);
    ck_assert_int_eq(answer.status, 200);
    raw_answer_finish(&answer);
    raw_close(running);
    raw_close(waiting);
    gateway_join(gateway); /* asserts that it ends with 0 */
    gateway = NULL;
}
END_TEST

START_TEST(a_job_that_outlasts_the_drain_is_given_up)
{
    static const char *const modules[] = {"thread", NULL};
    char *more = scratch_text("  settings: {thread: {directory: %s/served}}\n", directory);
    gateway_stop(gateway);
    gateway = modules_start(modules, more, "drain_seconds: 1\n", NULL);
    free(more);
    struct raw_client *running = begin_count("endless");
    modules_await_metric(gateway, "koine_thread_jobs 1");
    gateway_terminate(gateway);
    char *log = gateway_join_log(gateway);
    gateway = NULL;
    ck_assert_msg(!strstr(log, " error thread: "), "the module has broken a rule:\n%s", log);
    free(log);
    raw_close(running);
}
END_TEST

/* ---- what is counted */

START_TEST(lines_words_and_bytes)
{
    static const char *const files[] = {"below/poem", "inside", "below%2Fpoem", "./below//poem"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct http_response answer = count_file(files[i]);
        http_assert_status(&answer, 200);
        ck_assert_str_eq(answer.body, "{\"lines\":3,\"words\":7,\"bytes\":38}");
        http_response_finish(&answer);
    }
    struct http_response answer = count_file("empty");
    http_assert_status(&answer, 200);
    ck_assert_str_eq(answer.body, "{\"lines\":0,\"words\":0,\"bytes\":0}");
    http_response_finish(&answer);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        nothing_outside_of_the_directory_is_opened,
        a_parameter_that_is_no_path,
        a_client_without_key,
        a_directory_that_is_not_there,
        a_full_queue,
        a_client_that_leaves_frees_the_thread,
        the_loop_goes_on_meanwhile,
        draining_waits_for_a_job,
        a_job_that_outlasts_the_drain_is_given_up,
        lines_words_and_bytes,
    };
    return test_main("example_thread", setup, teardown, tests, sizeof tests / sizeof *tests);
}
