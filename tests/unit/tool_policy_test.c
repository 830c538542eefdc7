/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tool policy: narrowing by lists, judging, what the CLI is told, and the laws of the lattice.
 * Single rules are tool_rule_test.c's; a failing allocator is tool_policy_memory_test.c's.
 */
#include "policy/tool_policy.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { LIST_SIZE = 8 };

/* A list as the tables write it, separated by '|'. NULL: none. */
struct list {
    char text[256];
    struct koine_text rules[LIST_SIZE];
    size_t count;
    bool given;
};

static void list_init(struct list *list, const char *written) {
    char *rest = list->text;
    list->count = 0;
    list->given = written != NULL;
    snprintf(list->text, sizeof(list->text), "%s", written != NULL ? written : "");
    for (char *rule; *list->text != '\0' && (rule = strsep(&rest, "|")) != NULL;) {
        ck_assert_uint_lt(list->count, LIST_SIZE);
        list->rules[list->count++] = (struct koine_text){rule, strlen(rule)};
    }
}

static struct tool_policy *narrow(const struct tool_policy *policy, const char *allowed,
                                  const char *disallowed, bool tolerate_nothing,
                                  struct tool_policy_error *error) {
    struct list allow, deny;
    list_init(&allow, allowed);
    list_init(&deny, disallowed);
    return tool_policy_narrow(policy, allow.given ? allow.rules : NULL, allow.count,
                              deny.given ? deny.rules : NULL, deny.count, tolerate_nothing, error);
}

/* The policy that these two lists of the gateway make. */
static struct tool_policy *policy_of(const char *allowed, const char *disallowed) {
    struct tool_policy_error error;
    struct tool_policy *top = tool_policy_create();
    ck_assert_ptr_nonnull(top);
    struct tool_policy *policy = narrow(top, allowed, disallowed, true, &error);
    ck_assert_msg(policy != NULL, "%s", error.reason);
    tool_policy_unref(top);
    return policy;
}

static void assert_text(char *text, const char *expected) {
    ck_assert_str_eq(text, expected);
    free(text);
}

/* ---- narrowing --------------------------------------------------------------------------------
 */

#define NOTHING_LEFT "nothing left"

static const struct {
    const char *gateway_allowed, *gateway_denied; /* NULL: no such list */
    const char *allowed, *denied;                 /* the request's */
    const char *effective;                        /* JSON, or NOTHING_LEFT */
} narrowings[] = {
    /* Without an allow list the CLI's defaults hold; what is denied is always told. */
    {NULL, NULL, NULL, NULL, "{'allowed':null,'disallowed':[]}"},
    {NULL, "Bash(rm:*)", NULL, "Write", "{'allowed':null,'disallowed':['Bash(rm:*)','Write']}"},
    {NULL, NULL, "Read|Bash(git:*)", NULL, "{'allowed':['Read','Bash(git:*)'],'disallowed':[]}"},
    {"Read|Glob", NULL, NULL, NULL, "{'allowed':['Read','Glob'],'disallowed':[]}"},

    /* Of two rules that nest, the narrower remains. */
    {"Bash", NULL, "Bash(git:*)", NULL, "{'allowed':['Bash(git:*)'],'disallowed':[]}"},
    {"Bash(git:*)", NULL, "Bash", NULL, "{'allowed':['Bash(git:*)'],'disallowed':[]}"},
    {"Bash(git:*)", NULL, "Bash(git log:*)", NULL,
     "{'allowed':['Bash(git log:*)'],'disallowed':[]}"},
    {"Bash(git:*)|Bash(ls:*)|Read", NULL, "Bash", NULL,
     "{'allowed':['Bash(git:*)','Bash(ls:*)'],'disallowed':[]}"},
    {"mcp__srv", NULL, "mcp__srv__a|mcp__other__a", NULL,
     "{'allowed':['mcp__srv__a'],'disallowed':[]}"},
    {"mcp__a|mcp__b__t|Read", NULL, "mcp__*", NULL,
     "{'allowed':['mcp__a','mcp__b__t'],'disallowed':[]}"},
    {"Read(/a/**)", NULL, "Read", NULL, "{'allowed':['Read(/a/**)'],'disallowed':[]}"},

    /* In the order of the request, each thing once. */
    {"Read|Glob|Grep", NULL, "Grep|Write|Read|Grep", NULL,
     "{'allowed':['Grep','Read'],'disallowed':[]}"},
    {NULL, NULL, "Bash(git log:*)|Read|Bash(git:*)|Read(*)", NULL,
     "{'allowed':['Read','Bash(git:*)'],'disallowed':[]}"},
    {NULL, "Bash(*)|mcp__a__*", NULL, "Bash|mcp__a|mcp__a__t",
     "{'allowed':null,'disallowed':['Bash','mcp__a','mcp__a__t']}"},

    /* Nothing in common, or not certainly. */
    {"Read", NULL, "Write", NULL, NOTHING_LEFT},
    {"Bash(git:*)", NULL, "Bash(gitk:*)", NULL, NOTHING_LEFT},
    {"Bash(git:*)", NULL, "Bash(git log; rm x)", NULL, NOTHING_LEFT},
    {"Read(/a/**)", NULL, "Read(/a/b)", NULL, NOTHING_LEFT},
    {NULL, NULL, "", NULL, NOTHING_LEFT},
    {"", NULL, "Read", NULL, NOTHING_LEFT},
    {"", NULL, NULL, NULL, "{'allowed':[],'disallowed':[]}"},

    /* A deny rule takes what it covers wholly out of the allow list; the rest is the CLI's. */
    {"Bash|Read", NULL, NULL, "Bash", "{'allowed':['Read'],'disallowed':['Bash']}"},
    {"Bash(git log:*)|Read", NULL, NULL, "Bash(git:*)",
     "{'allowed':['Read'],'disallowed':['Bash(git:*)']}"},
    {"Bash", NULL, "Bash", "Bash(rm:*)", "{'allowed':['Bash'],'disallowed':['Bash(rm:*)']}"},
    {"mcp__a__t|Read", "mcp__*", NULL, NULL, "{'allowed':['Read'],'disallowed':['mcp__*']}"},
    {NULL, "Bash", "Bash(git:*)", NULL, NOTHING_LEFT},
    {"Read", NULL, NULL, "Read", "{'allowed':[],'disallowed':['Read']}"},
    {"Read|Write", "Write", "Write", NULL, NOTHING_LEFT},

    /* `*` denies all; other deny rules are kept beside it. */
    {NULL, "Bash", NULL, "*|Read", "{'allowed':null,'disallowed':['*','Bash','Read']}"},
    {"Read", NULL, NULL, "*", "{'allowed':[],'disallowed':['*']}"},
    {NULL, NULL, "Read", "*", NOTHING_LEFT},
    {NULL, NULL, "*", "*", NOTHING_LEFT},
    {NULL, "*", "*", NULL, NOTHING_LEFT},

    /* `*` in an allow list limits nothing. */
    {NULL, NULL, "*", NULL, "{'allowed':null,'disallowed':[]}"},
    {"*|Read", NULL, "Write", NULL, "{'allowed':['Write'],'disallowed':[]}"},
    {"Read|Bash(git:*)", NULL, "*", NULL, "{'allowed':['Read','Bash(git:*)'],'disallowed':[]}"},
    {"", NULL, "*", NULL, NOTHING_LEFT},
};

/* Tables write JSON with single quotes. */
static char *with_double_quotes(const char *json) {
    char *text = strdup(json);
    ck_assert_ptr_nonnull(text);
    for (char *c = text; *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c;
    return text;
}

START_TEST(a_request_narrows_what_the_gateway_allows)
{
    struct tool_policy_error error;
    struct tool_policy *gateway =
        policy_of(narrowings[_i].gateway_allowed, narrowings[_i].gateway_denied);
    struct tool_policy *request =
        narrow(gateway, narrowings[_i].allowed, narrowings[_i].denied, false, &error);
    char *expected = with_double_quotes(narrowings[_i].effective);
    if (request == NULL) {
        ck_assert_int_eq(error.problem, TOOL_POLICY_NOTHING_LEFT);
        ck_assert_int_eq(error.in_disallowed, false);
        ck_assert_str_eq(expected, NOTHING_LEFT);
        ck_assert_uint_gt(strlen(error.reason), 0);
    } else {
        ck_assert_int_eq(error.problem, TOOL_POLICY_OK);
        assert_text(tool_policy_json(request), expected);
    }
    free(expected);
    tool_policy_unref(request);
    tool_policy_unref(gateway);
}
END_TEST

START_TEST(the_gateways_own_lists_may_leave_nothing)
{
    struct tool_policy *policy = policy_of("Read", "Read");
    ck_assert(tool_policy_has_allow_list(policy));
    ck_assert(tool_policy_denies_all(policy));
    tool_policy_unref(policy);
}
END_TEST

START_TEST(narrowing_leaves_the_wider_policy_as_it_was)
{
    struct tool_policy_error error;
    struct tool_policy *gateway = policy_of("Read|Bash", "Write");
    struct tool_policy *request = narrow(gateway, "Read", "Bash", false, &error);
    assert_text(tool_policy_json(gateway),
                "{\"allowed\":[\"Read\",\"Bash\"],\"disallowed\":[\"Write\"]}");
    tool_policy_unref(gateway); /* nor does the narrower one need it */
    assert_text(tool_policy_json(request),
                "{\"allowed\":[\"Read\"],\"disallowed\":[\"Write\",\"Bash\"]}");
    tool_policy_unref(request);
}
END_TEST

START_TEST(a_reference_keeps_a_policy)
{
    struct tool_policy *policy = policy_of("Read", NULL);
    ck_assert_ptr_eq(tool_policy_ref(policy), policy);
    tool_policy_unref(policy);
    assert_text(tool_policy_allowed(policy), "Read");
    tool_policy_unref(policy);
    tool_policy_unref(NULL);
}
END_TEST

/* ---- errors -----------------------------------------------------------------------------------
 */

START_TEST(a_bad_rule_is_named_by_list_and_place)
{
    struct tool_policy_error error;
    struct tool_policy *top = tool_policy_create();

    ck_assert_ptr_null(narrow(top, "Read|Bash(git", "-x", false, &error));
    ck_assert_int_eq(error.problem, TOOL_POLICY_BAD_RULE);
    ck_assert_int_eq(error.in_disallowed, false);
    ck_assert_uint_eq(error.index, 1);
    ck_assert_str_eq(error.reason, "rule \"Bash(git\" has a '(' that is never closed");

    ck_assert_ptr_null(narrow(top, "Read", "*|Write|-x", true, &error));
    ck_assert_int_eq(error.problem, TOOL_POLICY_BAD_RULE);
    ck_assert_int_eq(error.in_disallowed, true);
    ck_assert_uint_eq(error.index, 2);
    ck_assert_str_eq(error.reason,
                     "rule \"-x\" begins with '-'; a tool's name begins with a letter");

    ck_assert_ptr_null(narrow(top, "*|Read Write", NULL, true, &error)); /* `*` excuses none */
    ck_assert_uint_eq(error.index, 1);
    tool_policy_unref(top);
}
END_TEST

/* Narrows the top by `count` allow rules `Tool(0000…)` of `bytes` bytes each, all different. */
static enum tool_policy_problem narrow_by_many(size_t count, size_t bytes,
                                               struct tool_policy_error *error) {
    struct koine_text *rules = calloc(count, sizeof(*rules));
    char *text = malloc(count * (bytes + 1));
    ck_assert(rules != NULL && text != NULL);
    for (size_t i = 0; i < count; i++) {
        char *rule = text + i * (bytes + 1);
        snprintf(rule, bytes + 1, "Tool(%0*zu)", (int)(bytes - 6), i);
        rules[i] = (struct koine_text){rule, bytes};
    }
    struct tool_policy *top = tool_policy_create();
    tool_policy_unref(tool_policy_narrow(top, rules, count, NULL, 0, false, error));
    tool_policy_unref(top);
    free(text);
    free(rules);
    return error->problem;
}

START_TEST(a_list_has_at_most_256_rules_and_24_kib)
{
    struct tool_policy_error error;
    ck_assert_int_eq(narrow_by_many(256, 16, &error), TOOL_POLICY_OK);
    ck_assert_int_eq(narrow_by_many(257, 16, &error), TOOL_POLICY_BAD_RULE);
    ck_assert_uint_eq(error.index, 256);
    ck_assert_str_eq(error.reason, "a list may hold at most 256 tool rules");
    ck_assert_int_eq(narrow_by_many(24, 1023, &error), TOOL_POLICY_OK);
    ck_assert_int_eq(narrow_by_many(24, 1024, &error), TOOL_POLICY_BAD_RULE);
    ck_assert_uint_eq(error.index, 23);
    ck_assert_str_eq(error.reason, "the tool rules of a list may have at most 24 KiB together");
}
END_TEST

/* ---- judging ----------------------------------------------------------------------------------
 */

static const struct {
    const char *allowed, *denied, *tool;
    enum tool_verdict verdict;
    const char *rule;
} judgements[] = {
    {NULL, NULL, "Bash", TOOL_UNCERTAIN, NULL},
    {NULL, "Bash", "Bash", TOOL_DENIED, "Bash"},
    {NULL, "Bash(rm:*)", "Bash", TOOL_UNCERTAIN, NULL},
    {NULL, "*", "Bash", TOOL_DENIED, "*"},
    {NULL, "mcp__*", "mcp__srv__tool", TOOL_DENIED, "mcp__*"},
    {NULL, "Read|mcp__srv", "mcp__srv__tool", TOOL_DENIED, "mcp__srv"},
    {NULL, "mcp__srv", "mcp__srv2__tool", TOOL_UNCERTAIN, NULL},
    {"Read", NULL, "Bash", TOOL_DENIED, NULL},
    {"Read", NULL, "Read", TOOL_ALLOWED, "Read"},
    {"Read(*)", NULL, "Read", TOOL_ALLOWED, "Read"},
    {"Bash(git:*)", NULL, "Bash", TOOL_UNCERTAIN, NULL},
    {"Bash", "Bash(rm:*)", "Bash", TOOL_UNCERTAIN, NULL},
    {"Bash", "Read(/etc/**)", "Bash", TOOL_ALLOWED, "Bash"},
    {"Bash", NULL, "BashOutput", TOOL_DENIED, NULL},
    {"mcp__srv", NULL, "mcp__srv__tool", TOOL_ALLOWED, "mcp__srv"},
    {"mcp__srv", "mcp__srv__tool", "mcp__srv__tool", TOOL_DENIED, "mcp__srv__tool"},
    {"mcp__srv", "mcp__srv__other", "mcp__srv__tool", TOOL_ALLOWED, "mcp__srv"},
    {"mcp__srv__a", NULL, "mcp__srv__b", TOOL_DENIED, NULL},
    {"", NULL, "Read", TOOL_DENIED, NULL},
    {"*", NULL, "Read", TOOL_UNCERTAIN, NULL},

    /* What is not a tool's plain name is never taken for one. */
    {"Bash", NULL, "Bash(*)", TOOL_DENIED, NULL},
    {"Bash", NULL, "Bash(git)", TOOL_DENIED, NULL},
    {"Bash", NULL, "Bash ", TOOL_DENIED, NULL},
    {"mcp__*", NULL, "mcp__*", TOOL_DENIED, NULL},
    {"mcp__srv", NULL, "mcp__srv__*", TOOL_DENIED, NULL},
    {NULL, NULL, "*", TOOL_DENIED, NULL},
    {NULL, NULL, "", TOOL_DENIED, NULL},
};

START_TEST(a_tool_is_judged_by_its_name)
{
    const char *rule = "unset", *tool = judgements[_i].tool;
    struct koine_text name = {tool, strlen(tool)};
    struct tool_policy *policy = policy_of(judgements[_i].allowed, judgements[_i].denied);
    ck_assert_int_eq(tool_policy_judge(policy, name, &rule), judgements[_i].verdict);
    ck_assert_pstr_eq(rule, judgements[_i].rule);
    ck_assert_int_eq(tool_policy_judge(policy, name, NULL), judgements[_i].verdict);
    tool_policy_unref(policy);
}
END_TEST

/* ---- what the CLI is told ---------------------------------------------------------------------
 */

static const struct {
    const char *allowed, *denied;
    const char *tools_flag, *allowed_flag, *disallowed_flag;
    bool has_allow_list, denies_all, allows_mcp;
} outputs[] = {
    {NULL, NULL, "", "", "", false, false, true},
    {NULL, "Bash(rm:*)|Write", "", "", "Bash(rm:*),Write", false, false, true},
    {NULL, "*", "", "", "", false, true, false},
    {NULL, "*|Write", "", "", "Write", false, true, false},
    {NULL, "mcp__*", "", "", "mcp__*", false, false, false},
    {NULL, "mcp__srv", "", "", "mcp__srv", false, false, true},
    {"", NULL, "", "", "", true, true, false},
    {"Read", NULL, "Read", "Read", "", true, false, false},
    {"Read", "Read", "", "", "Read", true, true, false},
    {"Read", "*", "", "", "", true, true, false},
    {"Bash(git:*)|Read|Bash(ls:*)|mcp__srv__t", NULL, "Bash,Read",
     "Bash(git:*),Read,Bash(ls:*),mcp__srv__t", "", true, false, true},
    {"mcp__srv", NULL, "", "mcp__srv", "", true, false, true},
    {"mcp__srv|Read", "mcp__srv", "Read", "Read", "mcp__srv", true, false, false},
    {"Bash|Bas", "Bash(rm:*)", "Bash,Bas", "Bash,Bas", "Bash(rm:*)", true, false, false},
};

START_TEST(the_cli_is_told_by_three_flags)
{
    struct tool_policy *policy = policy_of(outputs[_i].allowed, outputs[_i].denied);
    assert_text(tool_policy_tools(policy), outputs[_i].tools_flag);
    assert_text(tool_policy_allowed(policy), outputs[_i].allowed_flag);
    assert_text(tool_policy_disallowed(policy), outputs[_i].disallowed_flag);
    ck_assert_int_eq(tool_policy_has_allow_list(policy), outputs[_i].has_allow_list);
    ck_assert_int_eq(tool_policy_denies_all(policy), outputs[_i].denies_all);
    ck_assert_int_eq(tool_policy_allows_mcp(policy), outputs[_i].allows_mcp);
    tool_policy_unref(policy);
}
END_TEST

/* ---- laws, by enumeration ---------------------------------------------------------------------
 */

/* Calls that a CLI could make, and, written out by hand, which rules match them. */
static const char *const universe[] = {"*",
                                       "Read",
                                       "Bash",
                                       "Bash(git:*)",
                                       "Bash(git log:*)",
                                       "Bash(git log -p)",
                                       "Bash(gitk:*)",
                                       "mcp__*",
                                       "mcp__srv",
                                       "mcp__srv__t"};
static const struct {
    const char *call;
    bool matched_by[COUNT(universe)];
} calls[] = {
    {"Read x", {1, 1, 0, 0, 0, 0, 0, 0, 0, 0}},
    {"Write x", {1, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
    {"Bash ls", {1, 0, 1, 0, 0, 0, 0, 0, 0, 0}},
    {"Bash git push", {1, 0, 1, 1, 0, 0, 0, 0, 0, 0}},
    {"Bash git log", {1, 0, 1, 1, 1, 0, 0, 0, 0, 0}},
    {"Bash git log -p", {1, 0, 1, 1, 1, 1, 0, 0, 0, 0}},
    {"Bash gitk --all", {1, 0, 1, 0, 0, 0, 1, 0, 0, 0}},
    {"mcp__other__t", {1, 0, 0, 0, 0, 0, 0, 1, 0, 0}},
    {"mcp__srv__u", {1, 0, 0, 0, 0, 0, 0, 1, 1, 0}},
    {"mcp__srv__t", {1, 0, 0, 0, 0, 0, 0, 1, 1, 1}},
};

/* A set of calls, a bit for each. */
typedef unsigned call_set;
enum { ALL_CALLS = (1u << COUNT(calls)) - 1 };

static call_set calls_of_rule(const char *rule, size_t size) {
    call_set set = 0;
    for (size_t r = 0; r < COUNT(universe); r++) {
        if (strlen(universe[r]) != size || memcmp(universe[r], rule, size) != 0)
            continue;
        for (size_t c = 0; c < COUNT(calls); c++)
            set |= calls[c].matched_by[r] ? 1u << c : 0;
        return set;
    }
    ck_abort_msg("%.*s is not of the universe", (int)size, rule);
    return 0;
}

/* Of rules joined by `separator`. */
static call_set calls_of(const char *joined, char separator) {
    call_set set = 0;
    while (*joined != '\0') {
        size_t size = (size_t)(strchrnul(joined, separator) - joined);
        set |= calls_of_rule(joined, size);
        joined += size + (joined[size] != '\0');
    }
    return set;
}

static call_set calls_of_list(const char *written, call_set otherwise) {
    return written == NULL ? otherwise : calls_of(written, '|');
}

/* What the policy lets through, read from what the CLI would be told. */
static call_set calls_of_policy(const struct tool_policy *policy) {
    char *allowed = tool_policy_allowed(policy), *denied = tool_policy_disallowed(policy);
    ck_assert(allowed != NULL && denied != NULL);
    call_set set = tool_policy_has_allow_list(policy) ? calls_of(allowed, ',') : ALL_CALLS;
    set &= tool_policy_denies_all(policy) ? 0 : ~calls_of(denied, ',');
    free(allowed);
    free(denied);
    return set;
}

/* Every list of at most two rules of the universe: none, empty, singles, pairs. */
enum { LISTS = 2 + COUNT(universe) * (COUNT(universe) + 1) / 2 };

static const char *list_at(size_t index, char *buffer, size_t size) {
    size_t first = 0, second = index - 2;
    if (index < 2)
        return index == 0 ? NULL : "";
    while (second > first)
        second -= ++first;
    if (first == second)
        return universe[first];
    snprintf(buffer, size, "%s|%s", universe[first], universe[second]);
    return buffer;
}

/* The exact law, from which follow that narrowing never widens and that order has no effect: what
 * goes through is what both let through. */
static void assert_narrows_exactly(const struct tool_policy *parent, const char *allowed,
                                   const char *denied) {
    struct tool_policy_error error;
    struct tool_policy *child = narrow(parent, allowed, denied, true, &error);
    ck_assert_msg(child != NULL, "%s", error.reason);
    call_set expected =
        calls_of_policy(parent) & calls_of_list(allowed, ALL_CALLS) & ~calls_of_list(denied, 0);
    char *json = tool_policy_json(parent);
    ck_assert_msg(calls_of_policy(child) == expected,
                  "%s by %s without %s: lets through %#x, not %#x", json,
                  allowed != NULL ? allowed : "all", denied != NULL ? denied : "none",
                  calls_of_policy(child), expected);
    free(json);
    tool_policy_unref(child);
}

START_TEST(narrowing_leaves_exactly_what_both_allow)
{
    char parent_text[64], text[64];
    struct tool_policy *parent = policy_of(list_at((size_t)_i, parent_text, 64), NULL);
    for (size_t i = 0; i < LISTS; i++)
        assert_narrows_exactly(parent, list_at(i, text, sizeof(text)), NULL);
    tool_policy_unref(parent);
}
END_TEST

START_TEST(denying_takes_exactly_that_away)
{
    char parent_text[64], text[64];
    struct tool_policy *parent = policy_of(list_at((size_t)_i, parent_text, 64), "Bash(git log:*)");
    for (size_t i = 0; i < LISTS; i++) {
        const char *list = list_at(i, text, sizeof(text));
        assert_narrows_exactly(parent, NULL, list);
        assert_narrows_exactly(parent, list, "mcp__srv");
    }
    tool_policy_unref(parent);
}
END_TEST

START_TEST(narrowing_twice_by_the_same_lists_changes_nothing)
{
    struct tool_policy_error error;
    char text[64];
    const char *list = list_at((size_t)_i, text, sizeof(text));
    struct tool_policy *once = policy_of(list, "Bash(gitk:*)");
    struct tool_policy *twice = narrow(once, list, "Bash(gitk:*)", true, &error);
    ck_assert_ptr_nonnull(twice);
    char *expected = tool_policy_json(once);
    assert_text(tool_policy_json(twice), expected);
    free(expected);
    tool_policy_unref(once);
    tool_policy_unref(twice);
}
END_TEST

START_TEST(a_request_is_refused_exactly_when_its_allow_list_leaves_nothing)
{
    char parent_text[64], text[64];
    struct tool_policy_error error;
    struct tool_policy *parent = policy_of(list_at((size_t)_i, parent_text, 64), "Read");
    for (size_t i = 0; i < LISTS; i++) {
        const char *list = list_at(i, text, sizeof(text));
        struct tool_policy *tolerant = narrow(parent, list, NULL, true, &error);
        struct tool_policy *request = narrow(parent, list, NULL, false, &error);
        bool refused = list != NULL && calls_of_policy(tolerant) == 0;
        ck_assert_int_eq(request == NULL, refused);
        ck_assert_int_eq(error.problem, refused ? TOOL_POLICY_NOTHING_LEFT : TOOL_POLICY_OK);
        tool_policy_unref(tolerant);
        tool_policy_unref(request);
    }
    tool_policy_unref(parent);
}
END_TEST

/* A verdict is a promise about every call of the tool. */
START_TEST(a_verdict_agrees_with_what_goes_through)
{
    static const struct {
        const char *name;
        call_set its_calls;
    } tools[] = {{"Read", 0x001},          {"Write", 0x002},       {"Bash", 0x07c},
                 {"mcp__other__t", 0x080}, {"mcp__srv__u", 0x100}, {"mcp__srv__t", 0x200}};
    char allowed[64], denied[64];
    for (size_t i = 0; i < LISTS; i++) {
        struct tool_policy *policy = policy_of(list_at((size_t)_i, allowed, sizeof(allowed)),
                                               list_at(i, denied, sizeof(denied)));
        call_set through = calls_of_policy(policy);
        for (size_t t = 0; t < COUNT(tools); t++) {
            struct koine_text name = {tools[t].name, strlen(tools[t].name)};
            enum tool_verdict verdict = tool_policy_judge(policy, name, NULL);
            if (verdict == TOOL_ALLOWED)
                ck_assert_uint_eq(through & tools[t].its_calls, tools[t].its_calls);
            if (verdict == TOOL_DENIED)
                ck_assert_uint_eq(through & tools[t].its_calls, 0);
            if (verdict == TOOL_UNCERTAIN && tool_policy_has_allow_list(policy))
                ck_assert_str_eq(tools[t].name, "Bash"); /* only its rules have specifiers here */
        }
        tool_policy_unref(policy);
    }
}
END_TEST

START_TEST(covering_means_matching_all_the_same_calls)
{
    for (size_t o = 0; o < COUNT(universe); o++) {
        for (size_t i = 0; i < COUNT(universe); i++) {
            call_set outer = calls_of(universe[o], '|'), inner = calls_of(universe[i], '|');
            struct koine_text outer_rule = {universe[o], strlen(universe[o])};
            struct koine_text inner_rule = {universe[i], strlen(universe[i])};
            ck_assert_msg(tool_rule_covers(outer_rule, inner_rule) == ((inner & ~outer) == 0),
                          "%s and %s", universe[o], universe[i]);
        }
    }
}
END_TEST

static void add_tables(Suite *suite) {
    TCase *tables = tcase_create("tables");
    tcase_add_loop_test(tables, a_request_narrows_what_the_gateway_allows, 0, COUNT(narrowings));
    tcase_add_loop_test(tables, a_tool_is_judged_by_its_name, 0, COUNT(judgements));
    tcase_add_loop_test(tables, the_cli_is_told_by_three_flags, 0, COUNT(outputs));
    suite_add_tcase(suite, tables);
}

static void add_cases(Suite *suite) {
    TCase *cases = tcase_create("cases");
    tcase_add_test(cases, the_gateways_own_lists_may_leave_nothing);
    tcase_add_test(cases, narrowing_leaves_the_wider_policy_as_it_was);
    tcase_add_test(cases, a_reference_keeps_a_policy);
    tcase_add_test(cases, a_bad_rule_is_named_by_list_and_place);
    tcase_add_test(cases, a_list_has_at_most_256_rules_and_24_kib);
    suite_add_tcase(suite, cases);
}

static void add_laws(Suite *suite) {
    TCase *laws = tcase_create("laws");
    tcase_set_timeout(laws, 60);
    tcase_add_loop_test(laws, narrowing_leaves_exactly_what_both_allow, 0, LISTS);
    tcase_add_loop_test(laws, denying_takes_exactly_that_away, 0, LISTS);
    tcase_add_loop_test(laws, narrowing_twice_by_the_same_lists_changes_nothing, 0, LISTS);
    tcase_add_loop_test(laws, a_request_is_refused_exactly_when_its_allow_list_leaves_nothing, 0,
                        LISTS);
    tcase_add_loop_test(laws, a_verdict_agrees_with_what_goes_through, 0, LISTS);
    tcase_add_test(laws, covering_means_matching_all_the_same_calls);
    suite_add_tcase(suite, laws);
}

int main(void) {
    Suite *suite = suite_create("tool policy");
    add_tables(suite);
    add_cases(suite);
    add_laws(suite);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
