/* SPDX-License-Identifier: Apache-2.0 */
/* The test host finds out a module that does everything wrong: one test for each finding. */
#include "test_host_fixture.h"

static struct koine_test_host *host;

static void setup(void) {
    host = fixture("misbehaving");
}

static void teardown(void) {
    fixture_end(host);
}

static struct koine_test_answer *get(const char *path) {
    return koine_test_send(host, "GET", path, NULL);
}

START_TEST(a_request_that_is_never_answered)
{
    struct koine_test_answer *answer = get("/forgets");
    ck_assert_int_eq(koine_test_status(answer), 504);
    ck_assert_uint_eq(koine_test_now_ms(host), 600000);
    assert_text(koine_test_string(answer, "code"), "TIMEOUT_ERROR");
    assert_finding(host, "not-answered", "GET /forgets was not answered until its deadline");
}
END_TEST

START_TEST(a_request_that_is_open_when_the_module_is_stopped)
{
    struct koine_test_answer *answer =
        koine_test_request(host, &(struct koine_test_request){.path = "/forgets"});
    ck_assert(!koine_test_is_complete(answer));
    koine_test_stop(host);
    ck_assert_int_eq(koine_test_status(answer), 503);
    ck_assert_int_eq(koine_test_how(answer), KOINE_END_SHUTDOWN);
    assert_finding(host, "not-answered", "the end of the drain");
}
END_TEST

START_TEST(a_request_whose_client_has_left_is_not_missed)
{
    struct koine_test_answer *answer =
        koine_test_request(host, &(struct koine_test_request){.path = "/forgets"});
    koine_test_client_leaves(answer);
    ck_assert_int_eq(koine_test_how(answer), KOINE_END_CLIENT_LEFT);
    ck_assert_uint_eq(koine_test_finding_count(host), 0);
}
END_TEST

START_TEST(a_stream_that_is_never_ended)
{
    struct koine_test_answer *answer = get("/forgets-stream");
    ck_assert_int_eq(koine_test_status(answer), 200);
    assert_text(koine_test_event_data(answer, "message", 0), "once");
    ck_assert_uint_eq(koine_test_piece_count(answer), 1 + 600000 / 15000 - 1);
    assert_finding(host, "stream-not-ended", "GET /forgets-stream: its stream was not ended");
}
END_TEST

START_TEST(an_answer_that_is_given_twice)
{
    ck_assert_int_eq(koine_test_status(get("/twice")), 200);
    assert_finding(host, "answered-twice", "http->respond was called for GET /twice");
}
END_TEST

START_TEST(a_whole_answer_within_a_stream)
{
    ck_assert_int_eq(koine_test_status(get("/responds-in-a-stream")), 200);
    assert_finding(host, "wrong-state", "while its stream was open");
}
END_TEST

START_TEST(a_write_before_the_stream)
{
    ck_assert_int_eq(koine_test_status(get("/writes-without-a-stream")), 200);
    assert_finding(host, "wrong-state", "while its stream had not begun");
}
END_TEST

START_TEST(a_call_from_another_thread)
{
    ck_assert_int_eq(koine_test_status(get("/wrong-thread")), 200);
    assert_finding(host, "wrong-thread", "http->respond was called on another thread");
}
END_TEST

START_TEST(a_registration_after_init)
{
    ck_assert_int_eq(koine_test_status(get("/registers-late")), 200);
    ck_assert_int_eq(koine_test_status(get("/late-route")), 404);
    assert_finding(host, "wrong-state", "http->route was called after init");
}
END_TEST

START_TEST(a_handle_that_was_never_given_out)
{
    ck_assert_int_eq(koine_test_status(get("/makes-up")), 200);
    assert_finding(host, "made-up-handle", "http->respond was given the request 1267");
    assert_finding(host, "made-up-handle", "loop->timer_stop was given the timer");
}
END_TEST

START_TEST(invalid_arguments)
{
    ck_assert_int_eq(koine_test_status(get("/invalid")), 200);
    assert_finding(host, "invalid-argument", "http->respond: the status must be 200 to 599");
    assert_finding(host, "invalid-argument", "http->set_header: a name must be a token");
}
END_TEST

START_TEST(a_struct_without_its_size)
{
    ck_assert_int_eq(koine_test_status(get("/size-missing")), 200);
    assert_finding(host, "struct-size", "http->fail: struct koine_failure has the size 0");
}
END_TEST

START_TEST(a_call_from_inside_render_failure)
{
    ck_assert_int_eq(koine_test_status(get("/calls-in-render")), 400);
    assert_finding(host, "wrong-state", "http->path was called from inside render_failure");
}
END_TEST

START_TEST(a_timer_that_is_left)
{
    ck_assert_int_eq(koine_test_status(get("/leaves-timer")), 200);
    koine_test_stop(host);
    assert_finding(host, "timer-left", "a timer (repeating)");
}
END_TEST

START_TEST(a_watch_that_is_left)
{
    ck_assert_int_eq(koine_test_status(get("/leaves-watch")), 200);
    koine_test_stop(host);
    assert_finding(host, "watch-left", "still watched");
}
END_TEST

START_TEST(a_thread_that_is_left)
{
#ifdef __SANITIZE_THREAD__
    return; /* it has threads of its own, so nothing can be counted */
#endif
    ck_assert_uint_eq(koine_test_host_destroy(host), 0);
    host = fixture_with("misbehaving", (struct koine_test_options){.thread_wait_ms = 20});
    ck_assert_int_eq(koine_test_status(get("/leaves-thread")), 200);
    koine_test_stop(host);
    assert_finding(host, "thread-left", "1 threads still ran 20 ms after destroy");
}
END_TEST

START_TEST(memory_that_is_left)
{
    if (!koine_test_watches_memory())
        return; /* a sanitizer finds it by itself, and would end this test */
    ck_assert_int_eq(koine_test_status(get("/leaks")), 200);
    koine_test_stop(host);
    assert_finding(host, "memory-left", "77 bytes in 1 blocks, allocated at misbehaving.so+0x");
    assert_finding(host, "memory-left", "36 bytes in 1 blocks, allocated at misbehaving.so+0x");
}
END_TEST

START_TEST(a_handler_that_sleeps)
{
    ck_assert_int_eq(koine_test_status(get("/sleeps")), 200);
    assert_finding(host, "slow-call", "the handler of GET /sleeps held the loop for more than 100");
}
END_TEST

START_TEST(a_post_that_posts_itself)
{
    ck_assert_int_eq(koine_test_status(get("/never-rests")), 200);
    assert_finding(host, "never-rests", "at the same moment");
    koine_test_stop(host);
    assert_finding(host, "wrong-state", "loop->post was called after quiesce");
}
END_TEST

START_TEST(a_post_that_posts_itself_does_not_stop_the_time)
{
    ck_assert_int_eq(koine_test_status(get("/never-rests-nor-answers")), 504);
    ck_assert(koine_test_expect(host, "not-answered"));
    ck_assert(koine_test_expect(host, "never-rests"));
    koine_test_stop(host);
    ck_assert(koine_test_expect(host, "loop->post was called after quiesce"));
}
END_TEST

START_TEST(a_writer_that_does_not_wait_for_drained)
{
    struct koine_test_answer *answer = koine_test_request(
        host, &(struct koine_test_request){.path = "/overfills", .stops_reading_after = 1000});
    ck_assert_int_eq(koine_test_how(answer), KOINE_END_CLIENT_LEFT);
    ck_assert_uint_eq(koine_test_body_size(answer), 1000);
    assert_finding(host, "wrong-state", "GET /overfills wrote on although");
}
END_TEST

START_TEST(a_run_whose_end_is_ignored)
{
    struct koine_test_answer *answer = koine_test_send(host, "POST", "/run", "");
    ck_assert_int_eq(koine_test_status(answer), 504);
    ck_assert_uint_eq(koine_test_run_count(host), 1);
    assert_finding(host, "wrong-state", "runner->start was called for POST /run, which has a run");
    assert_finding(host, "not-answered", "POST /run was not answered");
}
END_TEST

/* ---- while it is loaded */

static struct koine_test_host *with_mistake(const char *settings) {
    koine_test_host_destroy(host);
    host = fixture_with("misbehaving", (struct koine_test_options){.settings = settings});
    return host;
}

START_TEST(a_route_that_the_module_has_already)
{
    with_mistake("{\"mistake\":\"conflict\"}");
    assert_finding(host, "route-conflict", "GET /twice answers the same requests as GET /twice");
}
END_TEST

START_TEST(a_route_that_the_gateway_answers_itself)
{
    with_mistake("{\"mistake\":\"page\"}");
    assert_finding(host, "route-conflict", "the gateway answers /health itself");
}
END_TEST

START_TEST(a_timer_in_init)
{
    with_mistake("{\"mistake\":\"timer in init\"}");
    assert_finding(host, "wrong-state", "loop->timer_start was called in init");
}
END_TEST

START_TEST(a_script_that_cannot_be_read)
{
    koine_test_play(host, "[{\"txet\":\"hello\"}]");
    assert_finding(host, "script", "step 0, {\"txet\":\"hello\"}: this step is not known");
    koine_test_play(host, "[{\"result\":{}},{\"text\":\"late\"}]");
    assert_finding(host, "script", "nothing can follow this step");
    koine_test_play(host, "[{\"text\":");
    assert_finding(host, "script", "a script is a JSON array");
}
END_TEST

START_TEST(the_same_again_is_counted)
{
    get("/twice");
    get("/twice");
    ck_assert_uint_eq(koine_test_finding_count(host), 1);
    ck_assert_uint_eq(koine_test_finding(host, 0)->count, 2);
    ck_assert(!koine_test_expect(host, "not there"));
    ck_assert(koine_test_expect(host, "answered-twice"));
    ck_assert(!koine_test_expect(host, "answered-twice"));
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_request_that_is_never_answered,
        a_request_that_is_open_when_the_module_is_stopped,
        a_request_whose_client_has_left_is_not_missed,
        a_stream_that_is_never_ended,
        an_answer_that_is_given_twice,
        a_whole_answer_within_a_stream,
        a_write_before_the_stream,
        a_call_from_another_thread,
        a_registration_after_init,
        a_handle_that_was_never_given_out,
        invalid_arguments,
        a_struct_without_its_size,
        a_call_from_inside_render_failure,
        a_timer_that_is_left,
        a_watch_that_is_left,
        a_thread_that_is_left,
        memory_that_is_left,
        a_handler_that_sleeps,
        a_post_that_posts_itself,
        a_post_that_posts_itself_does_not_stop_the_time,
        a_writer_that_does_not_wait_for_drained,
        a_run_whose_end_is_ignored,
        a_route_that_the_module_has_already,
        a_route_that_the_gateway_answers_itself,
        a_timer_in_init,
        a_script_that_cannot_be_read,
        the_same_again_is_counted,
    };
    return test_main("test host findings", setup, teardown, tests, sizeof tests / sizeof *tests);
}
