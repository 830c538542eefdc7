/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tool policy: an allow list, a deny list and the ways to narrow, ask and print them.
 * What one rule means is tool_rule.c's; when to narrow by whose lists is the caller's.
 */
#include "policy/tool_policy.h"

#include "policy/tool_rule_set.h"

#include <assert.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LIST_MAX_RULES = 256,
    /* The kernel takes 128 KiB for one argument of the CLI; five lists may add up in one. */
    LIST_MAX_BYTES = 24 * 1024
};

struct tool_policy {
    size_t references;
    bool has_allow_list;
    bool denies_all;              /* a `*` deny rule, which `denied` does not hold */
    struct tool_rule_set allowed; /* none covers another; none is covered by `denied` */
    struct tool_rule_set denied;  /* covered ones stay: all that was written reaches the CLI */
};

struct tool_policy *tool_policy_create(void) {
    struct tool_policy *policy = calloc(1, sizeof(*policy));
    if (policy != NULL)
        policy->references = 1;
    return policy;
}

struct tool_policy *tool_policy_ref(struct tool_policy *policy) {
    assert(policy->references > 0 && policy->references < SIZE_MAX);
    policy->references++;
    return policy;
}

void tool_policy_unref(struct tool_policy *policy) {
    if (policy == NULL)
        return;
    assert(policy->references > 0);
    if (--policy->references > 0)
        return;
    tool_rule_set_finish(&policy->allowed);
    tool_rule_set_finish(&policy->denied);
    free(policy);
}

/* A list as somebody wrote it; every rule of it is read, also those that change nothing. */
struct rule_list {
    const struct koine_text *texts;
    size_t count;
    struct tool_rule_set rules;
    bool has_all; /* `*` was among them; `rules` does not hold it */
};

/* How a rule joins its list: tool_rule_set_add or tool_rule_set_add_widest. */
typedef int (*rule_adder)(struct tool_rule_set *set, const struct tool_rule *rule);

static int refuse(struct tool_policy_error *error, size_t index, const char *reason) {
    error->problem = TOOL_POLICY_BAD_RULE;
    error->index = index;
    snprintf(error->reason, sizeof(error->reason), "%s", reason);
    return KOINE_INVALID;
}

static int take_rule(struct rule_list *list, size_t index, rule_adder add,
                     struct tool_policy_error *error) {
    struct tool_rule rule;
    const char *problem;
    if (tool_rule_parse(&rule, list->texts[index], &problem) != KOINE_OK) {
        error->problem = TOOL_POLICY_BAD_RULE;
        error->index = index;
        tool_rule_explain(error->reason, sizeof(error->reason), list->texts[index], problem);
        return KOINE_INVALID;
    }
    if (rule.kind == TOOL_RULE_ALL) {
        list->has_all = true;
        return KOINE_OK;
    }
    if (add(&list->rules, &rule) == KOINE_OK)
        return KOINE_OK;
    error->problem = TOOL_POLICY_NO_MEMORY;
    return KOINE_NO_MEMORY;
}

static int read_list(struct rule_list *list, rule_adder add, struct tool_policy_error *error) {
    size_t bytes = 0;
    if (list->count > LIST_MAX_RULES)
        return refuse(error, LIST_MAX_RULES, "a list may hold at most 256 tool rules");
    for (size_t i = 0; i < list->count; i++) {
        int result = take_rule(list, i, add, error);
        if (result != KOINE_OK)
            return result;
        bytes += list->texts[i].size + 1; /* each at most TOOL_RULE_MAX_BYTES by now */
        if (bytes > LIST_MAX_BYTES)
            return refuse(error, i, "the tool rules of a list may have at most 24 KiB together");
    }
    return KOINE_OK;
}

/* Adds to the allow list what no deny rule takes away again. */
static int allow(struct tool_policy *policy, const struct tool_rule *rule) {
    if (policy->denies_all || tool_rule_set_cover(&policy->denied, rule) != NULL)
        return KOINE_OK;
    return tool_rule_set_add_widest(&policy->allowed, rule);
}

static int allow_all_of(struct tool_policy *policy, const struct tool_rule_set *rules) {
    for (size_t i = 0; i < rules->count; i++) {
        int result = allow(policy, &rules->rules[i]);
        if (result != KOINE_OK)
            return result;
    }
    return KOINE_OK;
}

/* What both `rule` and `limit` take in. Rules nest or are apart, so the narrower of two is it. */
static int allow_within(struct tool_policy *policy, const struct tool_rule *rule,
                        const struct tool_rule_set *limit) {
    if (tool_rule_set_cover(limit, rule) != NULL)
        return allow(policy, rule);
    for (size_t i = 0; i < limit->count; i++) {
        if (!tool_rule_includes(rule, &limit->rules[i]))
            continue;
        int result = allow(policy, &limit->rules[i]);
        if (result != KOINE_OK)
            return result;
    }
    return KOINE_OK;
}

/* `narrowed` has its deny list by now. An allow list that holds `*` limits nothing. */
static int narrow_allowed(struct tool_policy *narrowed, const struct tool_policy *policy,
                          const struct rule_list *list) {
    bool limits = list->texts != NULL && !list->has_all;
    narrowed->has_allow_list = limits || policy->has_allow_list;
    if (!limits)
        return allow_all_of(narrowed, &policy->allowed);
    if (!policy->has_allow_list)
        return allow_all_of(narrowed, &list->rules);
    for (size_t i = 0; i < list->rules.count; i++) {
        int result = allow_within(narrowed, &list->rules.rules[i], &policy->allowed);
        if (result != KOINE_OK)
            return result;
    }
    return KOINE_OK;
}

static int narrow_denied(struct tool_policy *narrowed, const struct tool_policy *policy,
                         const struct rule_list *list) {
    const struct tool_rule_set *sources[] = {&policy->denied, &list->rules};
    narrowed->denies_all = policy->denies_all || list->has_all;
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < sources[s]->count; i++) {
            int result = tool_rule_set_add(&narrowed->denied, &sources[s]->rules[i]);
            if (result != KOINE_OK)
                return result;
        }
    }
    return KOINE_OK;
}

static struct tool_policy *narrow(const struct tool_policy *policy, const struct rule_list *allowed,
                                  const struct rule_list *denied) {
    struct tool_policy *narrowed = tool_policy_create();
    if (narrowed == NULL)
        return NULL;
    if (narrow_denied(narrowed, policy, denied) != KOINE_OK ||
        narrow_allowed(narrowed, policy, allowed) != KOINE_OK) {
        tool_policy_unref(narrowed);
        return NULL;
    }
    return narrowed;
}

static int read_lists(struct rule_list *allowed, struct rule_list *denied,
                      struct tool_policy_error *error) {
    int result = read_list(allowed, tool_rule_set_add_widest, error);
    if (result != KOINE_OK)
        return result;
    error->in_disallowed = true;
    result = read_list(denied, tool_rule_set_add, error);
    if (result == KOINE_OK)
        error->in_disallowed = false;
    return result;
}

struct tool_policy *tool_policy_narrow(const struct tool_policy *policy,
                                       const struct koine_text *allowed, size_t allowed_count,
                                       const struct koine_text *disallowed, size_t disallowed_count,
                                       bool tolerate_nothing, struct tool_policy_error *error) {
    struct rule_list allow_list = {.texts = allowed, .count = allowed == NULL ? 0 : allowed_count};
    struct rule_list deny_list = {.texts = disallowed,
                                  .count = disallowed == NULL ? 0 : disallowed_count};
    struct tool_policy *narrowed = NULL;
    *error = (struct tool_policy_error){.problem = TOOL_POLICY_OK};
    if (read_lists(&allow_list, &deny_list, error) != KOINE_OK)
        goto out;
    narrowed = narrow(policy, &allow_list, &deny_list);
    if (narrowed == NULL) {
        error->problem = TOOL_POLICY_NO_MEMORY;
    } else if (allowed != NULL && !tolerate_nothing && tool_policy_denies_all(narrowed)) {
        error->problem = TOOL_POLICY_NOTHING_LEFT;
        snprintf(error->reason, sizeof(error->reason),
                 "no tool of the allow list is left: each is denied, or outside what this gateway "
                 "and key allow");
        tool_policy_unref(narrowed);
        narrowed = NULL;
    }
out:
    if (error->problem == TOOL_POLICY_NO_MEMORY)
        snprintf(error->reason, sizeof(error->reason), "no memory for the tool policy");
    tool_rule_set_finish(&allow_list.rules);
    tool_rule_set_finish(&deny_list.rules);
    return narrowed;
}

/* Not a rule, but the plain name of one tool, as calls carry it. */
static bool parse_tool_name(struct tool_rule *name, struct koine_text text) {
    const char *problem;
    return tool_rule_parse(name, text, &problem) == KOINE_OK && name->kind != TOOL_RULE_ALL &&
           name->kind != TOOL_RULE_MCP_ALL && name->name_size == text.size;
}

enum tool_verdict tool_policy_judge(const struct tool_policy *policy, struct koine_text tool,
                                    const char **rule) {
    const char *ignored = NULL;
    const char **decided = rule != NULL ? rule : &ignored;
    struct tool_rule name;
    *decided = NULL;
    if (policy->denies_all) {
        *decided = "*";
        return TOOL_DENIED;
    }
    if (!parse_tool_name(&name, tool)) /* no rule can name it: never let it pass for another */
        return TOOL_DENIED;
    const struct tool_rule *cover = tool_rule_set_cover(&policy->denied, &name);
    if (cover != NULL) {
        *decided = cover->text;
        return TOOL_DENIED;
    }
    if (policy->has_allow_list && !tool_rule_set_touches(&policy->allowed, &name))
        return TOOL_DENIED;
    cover = tool_rule_set_cover(&policy->allowed, &name);
    if (cover == NULL || tool_rule_set_touches(&policy->denied, &name))
        return TOOL_UNCERTAIN;
    *decided = cover->text;
    return TOOL_ALLOWED;
}

bool tool_policy_has_allow_list(const struct tool_policy *policy) {
    return policy->has_allow_list;
}

bool tool_policy_denies_all(const struct tool_policy *policy) {
    return policy->denies_all || (policy->has_allow_list && policy->allowed.count == 0);
}

bool tool_policy_allows_mcp(const struct tool_policy *policy) {
    const struct tool_rule all = {
        .text = "mcp__*", .size = 6, .name_size = 6, .kind = TOOL_RULE_MCP_ALL};
    if (policy->denies_all || tool_rule_set_cover(&policy->denied, &all) != NULL)
        return false;
    return !policy->has_allow_list || tool_rule_set_touches(&policy->allowed, &all);
}

/* How many bytes of a rule to print; 0 leaves it out. */
typedef size_t (*rule_part)(const struct tool_rule_set *set, size_t index);

static size_t whole_rule(const struct tool_rule_set *set, size_t index) {
    return set->rules[index].size;
}

/* The name of a built-in tool where it stands first. */
static size_t built_in_name(const struct tool_rule_set *set, size_t index) {
    const struct tool_rule *rule = &set->rules[index];
    if (tool_rule_is_mcp(rule))
        return 0;
    for (size_t i = 0; i < index; i++) {
        if (set->rules[i].name_size == rule->name_size &&
            memcmp(set->rules[i].text, rule->text, rule->name_size) == 0)
            return 0;
    }
    return rule->name_size;
}

static char *join(const struct tool_rule_set *set, rule_part part) {
    size_t bytes = 1;
    for (size_t i = 0; i < set->count; i++)
        bytes += set->rules[i].size + 1;
    char *joined = malloc(bytes);
    if (joined == NULL)
        return NULL;
    char *end = joined;
    for (size_t i = 0; i < set->count; i++) {
        size_t size = part(set, i);
        if (size == 0)
            continue;
        if (end != joined)
            *end++ = ',';
        end = mempcpy(end, set->rules[i].text, size);
    }
    *end = '\0';
    return joined;
}

char *tool_policy_tools(const struct tool_policy *policy) {
    return join(&policy->allowed, built_in_name);
}

char *tool_policy_allowed(const struct tool_policy *policy) {
    return join(&policy->allowed, whole_rule);
}

char *tool_policy_disallowed(const struct tool_policy *policy) {
    return join(&policy->denied, whole_rule);
}

/* Takes the array over and returns it with the rule; NULL when memory is short. */
static json_t *with_rule(json_t *array, const struct tool_rule *rule) {
    if (json_array_append_new(array, json_stringn(rule->text, rule->size)) == 0)
        return array;
    json_decref(array);
    return NULL;
}

static json_t *rules_to_json(const struct tool_rule_set *set, bool with_all) {
    json_t *array = json_array();
    if (with_all && json_array_append_new(array, json_string("*")) != 0) {
        json_decref(array);
        array = NULL;
    }
    for (size_t i = 0; i < set->count && array != NULL; i++)
        array = with_rule(array, &set->rules[i]);
    return array;
}

/* A pattern that `base` does not hold. */
static bool may_come_later(const struct tool_policy *base, const struct tool_rule *rule) {
    if (base == NULL || rule->extent == TOOL_RULE_WHOLE)
        return false;
    for (size_t i = 0; i < base->denied.count; i++)
        if (tool_rule_same(&base->denied.rules[i], rule))
            return false;
    return true;
}

char *tool_policy_disallowed_at_start(const struct tool_policy *policy,
                                      const struct tool_policy *base) {
    struct tool_rule_set rest = {0};
    char *joined = NULL;
    bool complete = true;
    for (size_t i = 0; i < policy->denied.count && complete; i++)
        if (!may_come_later(base, &policy->denied.rules[i]))
            complete = tool_rule_set_add(&rest, &policy->denied.rules[i]) == KOINE_OK;
    if (complete)
        joined = join(&rest, whole_rule);
    tool_rule_set_finish(&rest);
    return joined;
}

char *tool_policy_disallowed_later(const struct tool_policy *policy,
                                   const struct tool_policy *base) {
    json_t *array = json_array();
    for (size_t i = 0; i < policy->denied.count && array != NULL; i++)
        if (may_come_later(base, &policy->denied.rules[i]))
            array = with_rule(array, &policy->denied.rules[i]);
    char *text = array != NULL ? json_dumps(array, JSON_COMPACT) : NULL;
    json_decref(array);
    return text;
}

char *tool_policy_json(const struct tool_policy *policy) {
    char *text = NULL;
    json_t *root = json_object();
    json_t *allowed = policy->has_allow_list ? rules_to_json(&policy->allowed, false) : json_null();
    json_t *disallowed = rules_to_json(&policy->denied, policy->denies_all);
    /* Both are taken over, also when the object refuses them. */
    int unset = json_object_set_new(root, "allowed", allowed);
    unset |= json_object_set_new(root, "disallowed", disallowed);
    if (unset == 0)
        text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}
