/* SPDX-License-Identifier: Apache-2.0 */
/* Tools that the module gives the model: which a run has, their use, and the results. */
#include "http/failure_form.h"
#include "koine-test-host.h"
#include "modules/tool_check.h"
#include "runner/mcp_server.h"
#include "test-host/call.h"
#include "test-host/run.h"
#include <stdlib.h>
#include <string.h>

/* ---- which there are */

/* A tool of the run itself is its module's own act: only a rule that names it takes it away. A tool
 * that a module offers to every run must be let through by the whole policy. */
static bool is_let(const struct run *run, struct koine_text name, bool offered) {
    char full[160];
    const char *rule = NULL;
    snprintf(full, sizeof(full), "mcp__%s__%.*s", host_module_name(run->host), (int)name.size,
             name.data);
    if (tool_policy_judge(run->policy, text_of(full), &rule) != TOOL_DENIED)
        return true;
    return !offered && (!rule || strncmp(rule, "mcp__", 5) != 0);
}

static void add(struct run *run, const struct koine_tool *tool, bool offered) {
    run->tools = memory_resize(run->tools, (run->tool_count + 1) * sizeof(struct run_tool));
    run->tools[run->tool_count++] = (struct run_tool){
        memory_text(tool->name), offered ? tool : NULL, (tool->flags & KOINE_TOOL_ALONE) != 0};
}

int32_t run_tools_prepare(struct run *run, const struct koine_run_options *options,
                          struct koine_failure *failure) {
    const struct koine_tool_set *set = run->host->tools;
    for (uint32_t i = 0; i < options->tool_count; i++) {
        const char *problem = tool_problem(options->tools[i], false);
        if (problem)
            return failure_issue(run->request, failure, "tools", problem);
        if (is_let(run, options->tools[i]->name, false))
            add(run, options->tools[i], false);
    }
    for (uint32_t i = 0; set && i < set->count; i++)
        if (is_let(run, set->tools[i]->name, true))
            add(run, set->tools[i], true);
    return KOINE_OK;
}

/* ---- the model uses one */

static const struct run_tool *find(const struct run *run, const char *name) {
    for (size_t i = 0; i < run->tool_count; i++)
        if (strcmp(run->tools[i].name, name) == 0)
            return &run->tools[i];
    return NULL;
}

static void report_missing(const struct run *run, const char *name) {
    struct buffer names = {0};
    for (size_t i = 0; i < run->tool_count; i++)
        buffer_print(&names, "%s%s", i ? ", " : "", run->tools[i].name);
    finding_add(run->host, "script",
                "the run has no tool \"%s\" that the policy lets through; it has: %s", name,
                run->tool_count ? buffer_text(&names) : "none");
    buffer_finish(&names);
}

static struct run_call *add_call(struct run *run, const char *tool, const json_t *step) {
    struct run_call *call = memory_zeroed(sizeof(*call));
    *call = (struct run_call){.next = run->calls,
                              .run = run,
                              .tool = memory_text(text_of(tool)),
                              .expected = json_incref(json_object_get(step, "expect"))};
    call->handle = handle_add(run->host, HANDLE_CALL, call);
    run->calls = call;
    return call;
}

static void deliver(struct run *run, const struct run_tool *tool,
                    const struct koine_tool_call *given) {
    struct visit visit;
    struct koine_run_event event = {.type = KOINE_RUN_TOOL_CALL, .call = given};
    if (!tool->offered) {
        run_emit(run, &event, "TOOL_CALL");
        return;
    }
    visit_begin(&visit, run->host, "the tool %s", tool->name);
    tool->offered->call(run->host->self, given);
    visit_end(&visit);
    run_take_back(run);
}

static const char *call_name(const json_t *step) {
    const char *name = json_string_value(json_object_get(step, "name"));
    return name ? name : "(without a name)";
}

/* The id of the use; written into the step when the script leaves it out. */
static const char *call_id(struct run *run, json_t *step) {
    char id[32];
    if (!json_is_string(json_object_get(step, "id"))) {
        snprintf(id, sizeof(id), "toolu_%u", ++run->tool_uses);
        json_object_set_new(step, "id", memory_need(json_string(id)));
    }
    return json_string_value(json_object_get(step, "id"));
}

static void use(struct run *run, json_t *step) {
    const struct run_tool *tool = find(run, call_name(step));
    const char *id = call_id(run, step);
    if (!tool) {
        report_missing(run, call_name(step));
        return;
    }
    struct run_call *call = add_call(run, tool->name, step);
    struct koine_text input = script_lend(run, step, "input");
    struct koine_tool_call given = {
        .size = sizeof(given),
        .call = {call->handle},
        .name = run_lend(run, tool->name, strlen(tool->name)),
        .input = input.data ? input : run_lend(run, "{}", 2),
        .tool_use_id = run_lend(run, id, strlen(id)),
    };
    deliver(run, tool, &given);
}

static void tell(struct run *run, json_t *step) {
    char name[200];
    snprintf(name, sizeof(name), "mcp__%s__%s", host_module_name(run->host), call_name(step));
    if (!blocks_use_begin(run, call_id(run, step), name))
        return;
    blocks_use_input(run, step);
    blocks_use_end(run);
}

void run_tools_tell(struct run *run, const json_t *calls) {
    size_t index;
    json_t *step;
    json_array_foreach(calls, index, step) {
        tell(run, step);
    }
}

static bool may_be_open_with_others(const struct run *run, const json_t *step) {
    const struct run_tool *tool = find(run, call_name(step));
    return tool && !tool->is_alone;
}

bool run_tools_call_next(struct run *run) {
    bool some = run->next_call < json_array_size(run->called), together = true;
    while (run->next_call < json_array_size(run->called) && together && !run->reason) {
        json_t *step = json_array_get(run->called, run->next_call++);
        const json_t *next = json_array_get(run->called, run->next_call);
        together = next && may_be_open_with_others(run, step) && may_be_open_with_others(run, next);
        use(run, step);
    }
    return some;
}

/* As the CLI does it: tools that need not be alone are called while the message still comes. */
void run_tools_call(struct run *run, json_t *calls) {
    bool together = true;
    size_t index;
    json_t *step;
    json_decref(run->called);
    run->called = json_incref(calls);
    run->next_call = 0;
    json_array_foreach(calls, index, step) {
        tell(run, step);
        together = together && may_be_open_with_others(run, step) && !run->reason;
        if (together) {
            run->next_call++;
            use(run, step);
        }
    }
    blocks_end_message(run, NULL);
    if (!run->next_call)
        run_tools_call_next(run);
}

/* ---- the result */

static void free_call(struct run_call *call) {
    handle_remove(call->run->host, HANDLE_CALL, call->handle);
    json_decref(call->expected);
    free(call->tool);
    free(call);
}

static void remove_call(struct run_call *call) {
    struct run_call **at = &call->run->calls;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    free_call(call);
}

static json_t *result_json(const struct koine_tool_result *result) {
    json_t *content =
        result->content.data
            ? json_loadb(result->content.data, result->content.size, 0, NULL)
            : json_stringn(result->text.data ? result->text.data : "", result->text.size);
    return content;
}

static void keep_result(const struct run_call *call, const struct koine_tool_result *result) {
    json_t *content = result_json(result);
    json_t *list = json_object_get(call->run->record, "tool_results");
    if (!list) {
        list = memory_need(json_array());
        json_object_set_new(call->run->record, "tool_results", list);
    }
    if (call->expected && !json_equal(call->expected, content)) {
        char *wanted = memory_need(json_dumps(call->expected, JSON_ENCODE_ANY | JSON_COMPACT));
        char *found = content ? json_dumps(content, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
        finding_add(call->run->host, "script", "the tool \"%s\" answered %s, the script expects %s",
                    call->tool, found ? found : "bytes that are no UTF-8", wanted);
        free(wanted);
        free(found);
    }
    json_array_append_new(list, json_pack("{s:s,s:o*,s:b}", "name", call->tool,
                                          result->content.data ? "content" : "text", content,
                                          "is_error", (int)(result->is_error != 0)));
}

int32_t run_tools_answer(const struct call *call, koine_call handle,
                         const struct koine_tool_result *result) {
    struct run_call *open = handle_get(call->host, HANDLE_CALL, handle.id);
    if (!open)
        return call_gone(call, HANDLE_CALL, handle.id);
    char *response = mcp_call_response("1", result->text, result->content, result->is_error != 0);
    if (!response)
        return call_invalid(call, "content must be a JSON array of content blocks, text UTF-8");
    free(response);
    if (!host_may_allocate(call->host))
        return KOINE_NO_MEMORY;
    struct run *run = open->run;
    keep_result(open, result);
    remove_call(open);
    if (!run->calls && !run->turn.waiting)
        run_go_on(run);
    return KOINE_OK;
}

/* ---- a tool of the extension, used by a run of nobody's */

/* The host's tools, whatever the policy of a request would say of them. */
static struct run *make_run_of_nobody(struct koine_test_host *host) {
    struct run *run = memory_zeroed(sizeof(*run));
    run->host = host;
    run->record = memory_need(json_object());
    run->turn.waiting = true; /* there is no script to go on with */
    for (uint32_t i = 0; host->tools && i < host->tools->count; i++)
        add(run, host->tools->tools[i], true);
    return run;
}

static const char *result_of(const struct run *run, bool *is_error) {
    const json_t *result = json_array_get(json_object_get(run->record, "tool_results"), 0);
    const json_t *text = json_object_get(result, "text"),
                 *content = json_object_get(result, "content");
    *is_error = json_is_true(json_object_get(result, "is_error"));
    if (text)
        return host_keep(run->host, text_of(json_string_value(text)));
    if (!content)
        return NULL;
    char *json = memory_need(json_dumps(content, JSON_COMPACT));
    const char *kept = host_keep(run->host, text_of(json));
    free(json);
    return kept;
}

const char *koine_test_call_tool(struct koine_test_host *host, const char *name, const char *input,
                                 bool *is_error) {
    struct run *run = make_run_of_nobody(host);
    json_t *value = json_loads(input ? input : "{}", 0, NULL);
    json_t *step = memory_need(json_pack("{s:s,s:O*}", "name", name, "input", value));
    const uint64_t until = host->now_ms + host->limits.request_timeout_ms;
    bool ignored;
    if (!value)
        finding_add(host, "script", "the input of the tool \"%s\" is no JSON: %s", name, input);
    else
        use(run, step);
    host->waited_ms = 0;
    while (run->calls && host_step(host, until)) {
    }
    if (run->calls)
        finding_add(host, "not-answered", "the call of the tool \"%s\" was not answered", name);
    const char *result = result_of(run, is_error ? is_error : &ignored);
    run_tools_finish(run);
    json_decref(run->record);
    json_decref(step);
    json_decref(value);
    free(run);
    return result;
}

void run_tools_finish(struct run *run) {
    while (run->calls) {
        struct run_call *call = run->calls;
        run->calls = call->next;
        free_call(call);
    }
    for (size_t i = 0; i < run->tool_count; i++)
        free(run->tools[i].name);
    free(run->tools);
    json_decref(run->called);
}
