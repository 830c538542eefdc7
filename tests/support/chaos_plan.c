/* SPDX-License-Identifier: Apache-2.0 */
/* What chance makes of a run. A plan follows from the seed and the run's number alone; which
 * session it meets, and who is killed meanwhile, does not. */
#include "support/chaos.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- chance: splitmix64 */

uint64_t chaos_random_next(struct chaos_random *random) {
    uint64_t z = random->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

unsigned chaos_below(struct chaos_random *random, unsigned limit) {
    return (unsigned)(chaos_random_next(random) % limit);
}

unsigned chaos_between(struct chaos_random *random, unsigned least, unsigned most) {
    return least + chaos_below(random, most - least + 1);
}

bool chaos_percent(struct chaos_random *random, unsigned percent) {
    return chaos_below(random, 100) < percent;
}

/* ---- acts */

static void set(json_t *object, const char *key, json_t *value) {
    ck_assert_int_eq(json_object_set_new(object, key, value), 0);
}

static void tell(struct chaos_plan *plan, struct chaos_random *random) {
    (void)random;
    set(plan->scenario, plan->makes_object ? "object_echo" : "echo", json_string("history"));
}

static void say(struct chaos_plan *plan, const char *piece, unsigned repeat) {
    plan->piece = piece;
    plan->repeat = repeat;
    if (plan->makes_object) {
        set(plan->scenario, "object", json_pack("{ss}", "piece", piece));
        set(plan->scenario, "object_repeat", json_integer(repeat));
    } else {
        set(plan->scenario, "text", json_string(piece));
        set(plan->scenario, "repeat", json_integer(repeat));
    }
}

static void slow(struct chaos_plan *plan, struct chaos_random *random) {
    say(plan, "word by word ", chaos_between(random, 5, 40));
    set(plan->scenario, "delay_ms", json_integer(chaos_between(random, 1, 6)));
    if (chaos_percent(random, 20))
        set(plan->scenario, "garbage", json_true());
}

#define PIECE "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"

static void say_much(struct chaos_plan *plan, struct chaos_random *random) {
    unsigned pieces = chaos_between(random, 500, plan->makes_object ? 2000 : 8000);
    say(plan, PIECE PIECE, pieces);
    if (!plan->streams && !plan->makes_object) { /* the answer is the result line's */
        set(plan->scenario, "short_result", json_true());
        plan->repeat = 1;
    }
    if (plan->makes_object && plan->streams && chaos_percent(random, 70))
        set(plan->fields, "partials", json_string("delta"));
    plan->receive_buffer_bytes = chaos_percent(random, 50) ? 4096 : 0;
}

static void cut(struct chaos_plan *plan, struct chaos_random *random) {
    (void)random;
    plan->piece = "cut here";
    plan->repeat = 1;
    set(plan->scenario, "cut_message", json_string(plan->piece));
    set(plan->scenario, "text", json_string("never heard"));
    set(plan->fields, "maxTokens", json_integer(50));
}

/* Starts the next one in a session of its own, and ends: thirty times a second, for a while. */
#define HOPPER                                                                                     \
    "N=600; H='sleep 0.03; [ $N -gt 0 ] && N=$((N-1)) setsid sh -c \"$H\" &'; export H N; "
/* Whose parent has died meanwhile is the gateway's child. */
#define TO_CLI "to() { read -r name </proc/$PPID/comm; [ $name = claude ] && kill $1 $PPID; }; to "
#define STUBBORN "sh -c 'trap \"\" TERM INT HUP; sleep 60; sleep 60'"

static const struct {
    const char *command;
    bool is_endless, ends_cli;
} tools[] = {
    {"sleep 60", true, false},
    {STUBBORN, true, false},
    {"trap '' TERM; sleep 60 | cat | cat", true, false},
    {"setsid sleep 60 &", false, false},
    {"(setsid sleep 60 &)", false, false},
    {"(setsid " STUBBORN " &)", false, false},
    {"setsid " STUBBORN " & " STUBBORN, true, false},
    {"env -i setsid sleep 60 &", false, false},
    {"(env -i setsid " STUBBORN " &); sleep 60", true, false},
    {"n=0; while [ $n -lt 20 ]; do (setsid sleep 60 &); n=$((n+1)); done", false, false},
    {"while :; do (setsid sleep 0.5 &); sleep 0.02; done", true, false},
    {HOPPER "setsid sh -c \"$H\" &", false, false},
    {HOPPER "env -i H=\"$H\" N=$N setsid sh -c \"$H\" & sleep 60", true, false},
    {HOPPER "(env -i H=\"$H\" N=$N setsid sh -c \"$H\" &)", false, false},
    {TO_CLI "-STOP; sleep 60", true, false},
    {"setsid sleep 60 & " TO_CLI "-KILL; sleep 60", false, true},
    {"echo done", false, false},
};
enum { TOOLS = sizeof tools / sizeof *tools };

static bool use_tool(struct chaos_plan *plan, struct chaos_random *random) {
    unsigned which = chaos_below(random, TOOLS);
    tell(plan, random);
    set(plan->scenario, "tool", json_pack("{ss ss}", "name", "Bash", "run", tools[which].command));
    plan->ends_cli = tools[which].ends_cli;
    return tools[which].is_endless;
}

static void leave_daemon(struct chaos_plan *plan, struct chaos_random *random) {
    static const char *const commands[] = {"exec sleep 60", "trap '' TERM HUP; sleep 60; sleep 60",
                                           "while :; do (setsid sleep 0.5 &); sleep 0.02; done"};
    tell(plan, random);
    set(plan->scenario, "stray_daemon", json_string(commands[chaos_below(random, 3)]));
    set(plan->scenario, "clear_env", json_boolean(chaos_percent(random, 50)));
}

/* A moment of the turn. */
static json_t *moment(struct chaos_random *random) {
    static const char *const moments[] = {"start", "after_init", "mid_text"};
    return json_string(moments[chaos_below(random, 3)]);
}

static void hang(struct chaos_plan *plan, struct chaos_random *random) {
    set(plan->scenario, "hang",
        json_pack("{so sb}", "when", moment(random), "ignore_sigterm", chaos_percent(random, 50)));
}

static void linger(struct chaos_plan *plan, struct chaos_random *random) {
    tell(plan, random);
    set(plan->scenario, "hang",
        json_pack("{ss sb}", "when", "after_result", "ignore_sigterm", chaos_percent(random, 50)));
}

static void crash(struct chaos_plan *plan, struct chaos_random *random) {
    static const int numbers[] = {SIGSEGV, SIGKILL, SIGTERM, SIGABRT};
    plan->ends_cli = true;
    json_t *when = chaos_percent(random, 25) ? json_string("after_result") : moment(random);
    tell(plan, random);
    if (chaos_percent(random, 50))
        set(plan->scenario, "signal",
            json_pack("{si so}", "number", numbers[chaos_below(random, 4)], "when", when));
    else
        set(plan->scenario, "exit",
            json_pack("{si so sb}", "code", (int)chaos_below(random, 4), "when", when,
                      "partial_line", chaos_percent(random, 50)));
}

static void meet_failure(struct chaos_plan *plan, struct chaos_random *random) {
    if (chaos_percent(random, 60))
        set(plan->scenario, "is_error",
            json_pack("{ss si}", "text", "API Error: 529 Overloaded", "api_error_status", 529));
    else
        set(plan->scenario, "subtype", json_string("error_max_turns"));
}

static void mute(struct chaos_plan *plan, struct chaos_random *random) {
    (void)random;
    if (!plan->makes_object)
        set(plan->scenario, "text", json_string("no more"));
    set(plan->scenario, "no_result", json_true());
}

static const struct {
    const char *name;
    unsigned weight;
} acts[CHAOS_ACTS] = {
    [ACT_TELL] = {"tell", 28}, [ACT_SLOW] = {"slow", 10},    [ACT_LONG] = {"long", 6},
    [ACT_CUT] = {"cut", 3},    [ACT_TOOL] = {"tool", 24},    [ACT_DAEMON] = {"daemon", 5},
    [ACT_HANG] = {"hang", 8},  [ACT_LINGER] = {"linger", 2}, [ACT_CRASH] = {"crash", 7},
    [ACT_FAIL] = {"fail", 4},  [ACT_MUTE] = {"mute", 3},
};

const char *chaos_act_name(enum chaos_act act) {
    return acts[act].name;
}

static enum chaos_act choose_act(struct chaos_random *random) {
    unsigned all = 0, act = 0;
    for (unsigned i = 0; i < CHAOS_ACTS; i++)
        all += acts[i].weight;
    unsigned left = chaos_below(random, all);
    while (left >= acts[act].weight)
        left -= acts[act++].weight;
    return (enum chaos_act)act;
}

/* True: it never ends by itself. */
static bool act_out(struct chaos_plan *plan, struct chaos_random *random) {
    static void (*const fill[CHAOS_ACTS])(struct chaos_plan *, struct chaos_random *) = {
        [ACT_TELL] = tell,           [ACT_SLOW] = slow, [ACT_LONG] = say_much, [ACT_CUT] = cut,
        [ACT_DAEMON] = leave_daemon, [ACT_HANG] = hang, [ACT_LINGER] = linger, [ACT_CRASH] = crash,
        [ACT_FAIL] = meet_failure,   [ACT_MUTE] = mute,
    };
    if (plan->act == ACT_CUT && plan->makes_object)
        plan->act = ACT_TELL;
    if (plan->act == ACT_LINGER && plan->talk == TALK_CROWD)
        plan->talk = TALK_NEXT; /* the others would get a process that hangs */
    if (plan->act == ACT_TOOL)
        return use_tool(plan, random);
    fill[plan->act](plan, random);
    return plan->act == ACT_HANG || plan->act == ACT_MUTE;
}

/* ---- the client */

static void choose_leave(struct chaos_plan *plan, struct chaos_random *random, bool endless) {
    unsigned number = chaos_below(random, 100);
    plan->leave = number < 20                     ? LEAVE_SENDING
                  : number < 45 || !plan->streams ? LEAVE_WAITING
                  : number < 80 || endless        ? LEAVE_READING
                                                  : LEAVE_RESULT;
    plan->manner = (enum chaos_manner)chaos_below(random, CHAOS_MANNERS);
    switch (plan->leave) {
    case LEAVE_SENDING:
        plan->leave_after = chaos_below(random, 101);
        break;
    case LEAVE_WAITING:
        plan->leave_after = chaos_between(random, 0, chaos_percent(random, 50) ? 10 : 200);
        break;
    case LEAVE_READING:
        plan->leave_after =
            endless ? 1 : chaos_between(random, 1, chaos_percent(random, 60) ? 3 : 20);
        break;
    default:
        break;
    }
}

static void choose_end(struct chaos_plan *plan, struct chaos_random *random, bool endless) {
    if (chaos_percent(random, endless ? 60 : 35)) {
        choose_leave(plan, random, endless);
    } else if (endless || chaos_percent(random, 6)) {
        plan->timeout_ms = chaos_between(random, endless ? 50 : 1, 400);
        set(plan->fields, "timeoutMs", json_integer(plan->timeout_ms));
    }
}

static enum chaos_talk choose_talk(struct chaos_random *random) {
    unsigned number = chaos_below(random, 100);
    return number < 40   ? TALK_NEW
           : number < 80 ? TALK_NEXT
           : number < 92 ? TALK_FORK
           : number < 98 ? TALK_CROWD
                         : TALK_FOREIGN;
}

/* Few kinds of processes, or none would ever be there when it is wanted. */
static void choose_kind(struct chaos_plan *plan, struct chaos_random *random) {
    if (plan->act == ACT_TOOL || chaos_percent(random, 95))
        set(plan->fields, "allowedTools", json_pack("[s]", "Bash"));
    if (chaos_percent(random, 5))
        set(plan->fields, "model", json_string("claude-other"));
    if (chaos_percent(random, 5))
        set(plan->fields, "system", json_string("Be brief."));
    if (plan->streams && chaos_percent(random, 50))
        set(plan->fields, "events", json_pack("[ss]", "tool", "retry"));
}

void chaos_plan_make(struct chaos_plan *plan, uint64_t seed, unsigned number) {
    static const char *const paths[] = {"/generate-text", "/stream", "/generate-object",
                                        "/stream-object"};
    struct chaos_random random = {seed ^ (uint64_t)number << 32};
    unsigned endpoint = chaos_below(&random, 4);
    *plan = (struct chaos_plan){.number = number,
                                .path = paths[endpoint],
                                .second_key = chaos_percent(&random, 30),
                                .streams = endpoint % 2 == 1,
                                .makes_object = endpoint >= 2,
                                .talk = choose_talk(&random),
                                .choice = chaos_random_next(&random),
                                .act = choose_act(&random)};
    plan->scenario = json_pack("{si}", "run", (int)number);
    plan->fields = json_object();
    if (plan->makes_object)
        set(plan->fields, "schema", json_pack("{ss}", "type", "object"));
    bool endless = act_out(plan, &random);
    choose_kind(plan, &random);
    choose_end(plan, &random, endless);
}

void chaos_plan_finish(struct chaos_plan *plan) {
    json_decref(plan->scenario);
    json_decref(plan->fields);
}

void chaos_plan_describe(const struct chaos_plan *plan, char *out, size_t size) {
    static const char *const talks[] = {"new", "next", "fork", "crowd", "foreign"};
    static const char *const leaves[] = {"stays", "leaves sending", "leaves waiting",
                                         "leaves reading", "leaves after the result"};
    static const char *const manners[] = {"close", "reset", "half-close"};
    char *scenario = json_dumps(plan->scenario, JSON_COMPACT);
    snprintf(out, size, "%s %s %s %s, %s (%u, %s), timeoutMs %u: %.300s", plan->path,
             plan->second_key ? "second" : "first", talks[plan->talk], acts[plan->act].name,
             leaves[plan->leave], plan->leave_after, manners[plan->manner], plan->timeout_ms,
             scenario);
    free(scenario);
}
