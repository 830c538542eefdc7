/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an answer is one that the contract allows for this plan, and what it says of the turn. */
#include "support/chaos.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* ---- success */

static void judge_text(const struct chaos_answer *answer) {
    const struct chaos_plan *plan = answer->plan;
    size_t size = strlen(plan->piece), all = size * plan->repeat;
    ck_assert_msg(strlen(answer->text) == all, "run %u: the text has %zu bytes, expected %zu",
                  plan->number, strlen(answer->text), all);
    for (size_t at = 0; at < all; at += size)
        ck_assert_msg(memcmp(answer->text + at, plan->piece, size) == 0,
                      "run %u: at byte %zu the text is '%.*s', expected '%s'", plan->number, at,
                      (int)size, answer->text + at, plan->piece);
}

static void judge_object(const struct chaos_answer *answer) {
    const struct chaos_plan *plan = answer->plan;
    const json_t *items = json_object_get(answer->object, "items"), *item;
    size_t index;
    ck_assert_msg(json_array_size(items) == plan->repeat, "run %u: %zu items, expected %u",
                  plan->number, json_array_size(items), plan->repeat);
    json_array_foreach(items, index, item) {
        const char *piece = json_string_value(json_object_get(item, "piece"));
        ck_assert_msg(piece && strcmp(piece, plan->piece) == 0,
                      "run %u: the item %zu is '%s', expected '%s'", plan->number, index, piece,
                      plan->piece);
    }
}

/* What the CLI knew of the conversation before this turn. */
static void judge_history(struct chaos *chaos, const struct chaos_answer *answer) {
    const struct chaos_plan *plan = answer->plan;
    const struct chaos_claim *claim = answer->claim;
    json_t *told = answer->text ? json_loads(answer->text, 0, NULL) : json_incref(answer->object);
    const json_t *messages = json_object_get(told, "messages");
    const char *last = json_string_value(json_object_get(told, "last_user"));
    ck_assert_msg(json_is_integer(messages), "run %u: no history was told: %.500s", plan->number,
                  answer->text ? answer->text : "(an object)");
    char *wanted = NULL;
    ck_assert_int_ge(asprintf(&wanted, "\"run\":%u,", claim->last), 0);
    if (claim->turns >= 0 && !chaos_book_is_crowded(chaos->book, claim)) {
        ck_assert_msg(json_integer_value(messages) == 2 * claim->turns,
                      "run %u: the conversation holds %d messages, expected %d", plan->number,
                      (int)json_integer_value(messages), 2 * claim->turns);
        ck_assert_msg(claim->last == 0 || (last && strstr(last, wanted)),
                      "run %u: the last prompt was '%.300s', expected that of run %u", plan->number,
                      last ? last : "", claim->last);
    }
    free(wanted);
    json_decref(told);
}

void chaos_judge_success(struct chaos *chaos, const struct chaos_answer *answer) {
    const struct chaos_plan *plan = answer->plan;
    ck_assert_msg(plan->act != ACT_FAIL && plan->act != ACT_MUTE, "run %u: a result of %s",
                  plan->number, chaos_act_name(plan->act));
    if (plan->makes_object)
        ck_assert_msg(json_is_object(answer->object), "run %u: no object", plan->number);
    else
        ck_assert_msg(answer->text != NULL, "run %u: no text", plan->number);
    if (plan->piece && plan->makes_object)
        judge_object(answer);
    else if (plan->piece)
        judge_text(answer);
    else if (plan->act != ACT_HANG) /* it may have come too late to matter */
        judge_history(chaos, answer);
}

/* ---- failure */

enum failure {
    NO_SESSION,
    BUSY_SESSION,
    NO_SLOT,
    TOO_LATE,
    NO_API,
    LIMIT,
    CLI_ENDED,
    ENDING,
    FAILURES
};

static const struct {
    long status;
    const char *code;
} failures[FAILURES] = {
    [NO_SESSION] = {404, "SESSION_NOT_FOUND"},    [BUSY_SESSION] = {409, "SESSION_BUSY"},
    [NO_SLOT] = {429, "CONCURRENCY_LIMIT_ERROR"}, [TOO_LATE] = {504, "TIMEOUT_ERROR"},
    [NO_API] = {502, "UPSTREAM_ERROR"},           [LIMIT] = {422, "LIMIT_REACHED"},
    [CLI_ENDED] = {500, "CLI_EXIT_ERROR"},        [ENDING] = {503, "UNAVAILABLE"},
};

static enum failure failure_of(const struct chaos_answer *answer, const char *text) {
    const char *code = json_string_value(json_object_get(answer->body, "code"));
    const char *error = json_string_value(json_object_get(answer->body, "error"));
    ck_assert_msg(code && error && *error, "run %u: no error in due form: %ld %s",
                  answer->plan->number, answer->status, text);
    for (unsigned i = 0; i < FAILURES; i++)
        if (strcmp(failures[i].code, code) == 0 &&
            (answer->status == 0 || answer->status == failures[i].status))
            return (enum failure)i;
    ck_abort_msg("run %u: nothing explains %ld %s", answer->plan->number, answer->status, text);
    return FAILURES;
}

/* Whether it has a reason. */
static bool is_explained(struct chaos *chaos, const struct chaos_answer *answer,
                         enum failure failure) {
    const struct chaos_plan *plan = answer->plan;
    switch (failure) {
    case NO_SESSION:
        return !answer->claim->own || chaos_book_may_be_missing(chaos->book, answer->claim);
    case BUSY_SESSION:
        return chaos_book_may_be_busy(chaos->book, answer->claim);
    case TOO_LATE:
        return plan->timeout_ms > 0;
    case NO_API:
    case LIMIT:
        return plan->act == ACT_FAIL;
    case ENDING:
        return chaos->ending;
    default:
        return true; /* no slot; and ends of the CLI are counted and compared in the end */
    }
}

static enum chaos_turn_state count_failure(struct chaos *chaos, enum failure failure) {
    switch (failure) {
    case NO_SESSION:
    case BUSY_SESSION:
    case NO_SLOT:
        chaos->refused++;
        return TURN_REFUSED;
    case TOO_LATE:
        chaos->timeouts++;
        return TURN_MAYBE;
    case CLI_ENDED:
        chaos->broken++;
        return TURN_MAYBE;
    default:
        chaos->failed++;
        return TURN_MAYBE;
    }
}

enum chaos_turn_state chaos_judge_failure(struct chaos *chaos, const struct chaos_answer *answer) {
    char *text = json_dumps(answer->body, JSON_ENCODE_ANY);
    enum failure failure = failure_of(answer, text ? text : "(no JSON)");
    ck_assert_msg(answer->claim->own || failure == NO_SESSION,
                  "run %u: a session of another key: %s", answer->plan->number, text);
    ck_assert_msg(is_explained(chaos, answer, failure), "run %u: nothing explains %ld %s",
                  answer->plan->number, answer->status, text);
    free(text);
    return count_failure(chaos, failure);
}
