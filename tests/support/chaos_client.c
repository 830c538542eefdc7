/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that carry plans out: they ask, read as much as they like, and leave as they like. */
#include "support/chaos.h"
#include "support/scratch_directory.h"
#include "support/sse_client.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Between two runs: nobody asks again at once who was refused. */
enum { THINKING_MS = 30, PATIENT_MS = 60 };

/* One run, from its request to the client's leaving or the end of the answer. */
struct visit {
    struct chaos *chaos;
    struct chaos_plan plan;
    struct chaos_claim claim;
    struct raw_client *connection;
    struct sse_stream *stream;
    struct chaos_answer answer;
    enum chaos_turn_state state;
    bool left, stays_open;
    size_t text_size;
    const char *outcome; /* for the record */
};

static void nap(unsigned ms) {
    nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

static char *request_text(const struct visit *visit) {
    const struct chaos_plan *plan = &visit->plan;
    char *scenario = json_dumps(plan->scenario, JSON_COMPACT);
    json_t *body = json_deep_copy(plan->fields);
    json_object_set_new(body, "prompt", json_sprintf("standin:%s", scenario));
    if (visit->claim.from)
        json_object_set_new(body, "sessionId", json_string(visit->claim.id));
    if (visit->claim.from && plan->talk == TALK_FORK)
        json_object_set_new(body, "forkSession", json_true());
    free(scenario);
    return sse_request_text(
        &(struct sse_request){.path = plan->path,
                              .key = plan->second_key ? CHAOS_SECOND_KEY : GATEWAY_KEY,
                              .body = body});
}

/* ---- leaving */

/* Who closes the sending side only is taken to have left: the gateway closes. */
static void await_close(struct visit *visit) {
    static _Thread_local char rest[65536];
    ssize_t size;
    raw_half_close(visit->connection);
    while ((size = raw_read(visit->connection, rest, sizeof rest, (int)visit->chaos->patience_ms)))
        ck_assert_msg(size > 0, "run %u: the gateway does not close behind a half-closed request",
                      visit->plan.number);
    raw_close(visit->connection);
}

static void leave(struct visit *visit, const char *when) {
    sse_stream_close(visit->stream);
    visit->stream = NULL;
    if (visit->plan.manner == MANNER_RESET)
        raw_reset(visit->connection);
    else if (visit->plan.manner == MANNER_CLOSE)
        raw_close(visit->connection);
    else
        await_close(visit);
    visit->connection = NULL;
    visit->left = true;
    visit->outcome = when;
    visit->chaos->leaves[visit->plan.leave]++;
}

/* ---- whole answers */

static void take_success(struct visit *visit) {
    visit->state = TURN_DONE;
    visit->outcome = "result";
    visit->chaos->results++;
    chaos_judge_success(visit->chaos, &visit->answer);
}

static void take_failure(struct visit *visit) {
    const char *code = json_string_value(json_object_get(visit->answer.body, "code"));
    visit->state = chaos_judge_failure(visit->chaos, &visit->answer);
    visit->outcome = code ? code : "?";
}

static void learn(struct visit *visit, const json_t *from) {
    const char *id = json_string_value(json_object_get(from, "sessionId"));
    ck_assert_msg(id != NULL, "run %u: no sessionId", visit->plan.number);
    chaos_book_learn(visit->chaos->book, &visit->claim, id);
}

static void check_head(const struct visit *visit, const struct http_response *answer) {
    char *type = http_header(answer, "Content-Type"), *later = http_header(answer, "Retry-After");
    ck_assert_pstr_eq(type, "application/json; charset=utf-8");
    /* 502 has it where the model's API was overloaded */
    ck_assert_msg(answer->status == 502 || (answer->status == 429) == (later != NULL),
                  "run %u: status %ld, Retry-After %s", visit->plan.number, answer->status,
                  later ? later : "is not there");
    free(type);
    free(later);
}

/* An answer that is no stream: any failure, or what is told whole. */
static void take_whole(struct visit *visit) {
    struct http_response response = sse_refusal(visit->stream);
    struct chaos_answer *answer = &visit->answer;
    check_head(visit, &response);
    ck_assert_msg(json_is_object(response.json), "run %u: %ld without JSON: %.500s",
                  visit->plan.number, response.status, response.body);
    answer->status = response.status;
    answer->body = json_incref(response.json);
    if (response.status == 200) {
        const char *text = json_string_value(json_object_get(response.json, "text"));
        ck_assert_msg(!visit->plan.streams, "run %u: a stream was asked for", visit->plan.number);
        learn(visit, response.json);
        answer->text = text ? strdup(text) : NULL;
        answer->object = json_incref(json_object_get(response.json, "object"));
        take_success(visit);
    } else {
        take_failure(visit);
    }
    http_response_finish(&response);
}

/* ---- streams */

static void add_text(struct visit *visit, const struct sse_event *event) {
    struct chaos_answer *answer = &visit->answer;
    const json_t *text = json_object_get(event->json, "text");
    size_t more = json_string_length(text);
    char *grown = realloc(answer->text, visit->text_size + more + 1);
    ck_assert_ptr_nonnull(grown);
    memcpy(grown + visit->text_size, json_string_value(text), more + 1);
    answer->text = grown;
    visit->text_size += more;
}

static bool is(const struct sse_event *event, const char *name) {
    return strcmp(event->name, name) == 0;
}

static void check_form(const struct visit *visit, const struct sse_event *event, unsigned number) {
    const bool over = visit->state != TURN_OPEN;
    ck_assert_msg(strtoul(event->id, NULL, 10) == number && json_is_object(event->json),
                  "run %u: event %u is %s %s: %.300s", visit->plan.number, number, event->id,
                  event->name, event->data);
    ck_assert_msg((number == 1) == is(event, "session") || (number == 1 && is(event, "error")),
                  "run %u: event %u is %s", visit->plan.number, number, event->name);
    ck_assert_msg(over == is(event, "done"), "run %u: event %u is %s %s the end",
                  visit->plan.number, number, event->name, over ? "behind" : "before");
}

static void check_done(const struct visit *visit, const struct sse_event *event) {
    const json_t *code = json_object_get(event->json, "code");
    const json_t *signal = json_object_get(event->json, "signal");
    bool good = code && signal;
    if (visit->state == TURN_DONE)
        good &= json_is_integer(code) && json_integer_value(code) == 0 && json_is_null(signal);
    ck_assert_msg(good, "run %u: done says %s", visit->plan.number, event->data);
}

static void take_event(struct visit *visit, const struct sse_event *event) {
    struct chaos_answer *answer = &visit->answer;
    if (is(event, "session")) {
        learn(visit, event->json);
    } else if (is(event, "text")) {
        add_text(visit, event);
    } else if (is(event, "object")) {
        answer->object = json_incref(json_object_get(event->json, "object"));
    } else if (is(event, "result")) {
        learn(visit, event->json);
        take_success(visit);
    } else if (is(event, "error")) {
        answer->body = json_incref(event->json);
        take_failure(visit);
    } else if (is(event, "done")) {
        check_done(visit, event);
    }
}

static void take_stream(struct visit *visit) {
    const struct chaos_plan *plan = &visit->plan;
    const struct sse_event *event;
    bool done = false;
    ck_assert_msg(sse_status(visit->stream) == 200, "run %u: a stream with status %ld",
                  plan->number, sse_status(visit->stream));
    if (plan->receive_buffer_bytes)
        sse_set_piece(visit->stream, 4096);
    for (unsigned number = 1; (event = sse_next(visit->stream)); number++) {
        check_form(visit, event, number);
        take_event(visit, event);
        done = is(event, "done");
        if ((plan->leave == LEAVE_READING && number == plan->leave_after) ||
            (plan->leave == LEAVE_RESULT && is(event, "result"))) {
            leave(visit, "left reading");
            return;
        }
        if (plan->receive_buffer_bytes && number % 200 == 0)
            nap(2);
    }
    sse_expect_end(visit->stream);
    ck_assert_msg(done, "run %u: the stream has ended without done", plan->number);
}

/* ---- runs */

static bool is_event_stream(struct sse_stream *stream) {
    char *type = sse_header(stream, "Content-Type");
    bool result = type && strncmp(type, "text/event-stream", 17) == 0;
    free(type);
    return result;
}

static bool stays_open(struct sse_stream *stream) {
    char *connection = sse_header(stream, "Connection");
    bool result = !connection || strcasecmp(connection, "close") != 0;
    free(connection);
    return result;
}

/* False: it was cut, which may happen to what a gateway that is told to end has not seen yet. */
static bool is_answered(struct visit *visit) {
    char first;
    ssize_t size = raw_read(visit->connection, &first, 1, (int)visit->chaos->patience_ms);
    ck_assert_msg(size >= 0, "run %u: no answer within %u ms", visit->plan.number,
                  visit->chaos->patience_ms);
    ck_assert_msg(size > 0 || visit->chaos->ending, "run %u: the connection has ended, no answer",
                  visit->plan.number);
    if (size > 0)
        raw_put_back(visit->connection, &first, 1);
    return size > 0;
}

static void converse(struct visit *visit, const char *request) {
    const struct chaos_plan *plan = &visit->plan;
    size_t size = strlen(request);
    size_t part = plan->leave == LEAVE_SENDING ? size * plan->leave_after / 100 : size;
    ck_assert_msg(raw_send(visit->connection, request, part),
                  "run %u: the gateway takes no request", plan->number);
    visit->chaos->asked++;
    if (plan->leave == LEAVE_SENDING) {
        visit->state = part < size ? TURN_REFUSED : TURN_MAYBE;
        leave(visit, "left sending");
        return;
    }
    if (plan->leave == LEAVE_WAITING) {
        nap(plan->leave_after);
        leave(visit, "left waiting");
        return;
    }
    if (!is_answered(visit)) {
        visit->outcome = "cut";
        return;
    }
    visit->stream = sse_receive_stream(visit->connection);
    visit->stays_open = stays_open(visit->stream);
    if (is_event_stream(visit->stream))
        take_stream(visit);
    else
        take_whole(visit);
}

/* One that is kept for the next run is as good as a new one, but for the size of its buffer. */
static struct raw_client *connect_for(struct visit *visit, struct raw_client **kept) {
    struct raw_client *connection = *kept;
    if (!connection || visit->plan.receive_buffer_bytes)
        return raw_connect_narrow(visit->chaos->gateway, visit->plan.receive_buffer_bytes);
    *kept = NULL;
    return connection;
}

static void hang_up(struct visit *visit, struct raw_client **kept) {
    bool keep = visit->stays_open && !visit->left && visit->plan.choice % 3 == 0 && !*kept;
    sse_stream_close(visit->stream);
    if (keep)
        *kept = visit->connection;
    else
        raw_close(visit->connection);
}

static void carry_out(struct chaos *chaos, unsigned number, struct raw_client **kept) {
    struct visit visit = {.chaos = chaos};
    char described[512];
    chaos_plan_make(&visit.plan, chaos->seed, number);
    chaos_plan_describe(&visit.plan, described, sizeof described);
    visit.claim = chaos_book_begin(chaos->book, &visit.plan);
    visit.answer = (struct chaos_answer){.plan = &visit.plan, .claim = &visit.claim};
    char *request = request_text(&visit);
    chaos_note("run %u begins%s: session %s: %s", number,
               *kept ? " on a connection that was kept" : "", visit.claim.id, described);
    chaos->acts[visit.plan.act]++;
    chaos->planned += visit.plan.ends_cli;
    visit.connection = connect_for(&visit, kept);
    converse(&visit, request);
    if (visit.state == TURN_OPEN)
        visit.state = TURN_MAYBE;
    chaos_book_end(chaos->book, &visit.claim, visit.state);
    chaos_note("run %u ends: %s", number, visit.outcome);
    hang_up(&visit, kept);
    nap(visit.state == TURN_REFUSED ? PATIENT_MS : (unsigned)(visit.plan.choice % THINKING_MS));
    chaos_plan_finish(&visit.plan);
    json_decref(visit.answer.body);
    json_decref(visit.answer.object);
    free(visit.answer.text);
    free(request);
}

void chaos_client(struct chaos *chaos) {
    struct raw_client *kept = NULL;
    unsigned number;
    /* Counted before it is known whether there is one more, so that none is overlooked. */
    for (chaos->begun++; (number = chaos->next++) <= chaos->last; chaos->begun++)
        carry_out(chaos, number, &kept);
    chaos->begun--;
    raw_close(kept);
}
