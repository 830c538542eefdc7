/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tools in a run: the CLI's questions whether a tool may run, and the tools that modules give the
 * model, each module being an MCP server of the run.
 */
#include "http/refusal_words.h"
#include "modules/module.h"
#include "modules/tool_check.h"
#include "runner/cli_input.h"
#include "runner/run.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which tools there are */

static char *copy(struct koine_text text) {
    return text.data ? strndup(text.data, text.size) : strdup("");
}

static struct run_server *server_of(struct run *run, struct module *module) {
    for (size_t i = 0; i < run->server_count; i++)
        if (run->servers[i].module == module)
            return &run->servers[i];
    struct run_server *grown = realloc(run->servers, (run->server_count + 1) * sizeof(*grown));
    if (!grown)
        return NULL;
    run->servers = grown;
    grown[run->server_count] = (struct run_server){.module = module};
    return &grown[run->server_count++];
}

static bool add_tool(struct run *run, struct module *module, const struct koine_tool *tool,
                     bool offered) {
    struct run_server *server = server_of(run, module);
    if (!server)
        return false;
    struct mcp_tool *tools = realloc(server->tools, (server->count + 1) * sizeof(*tools));
    if (tools)
        server->tools = tools;
    const struct koine_tool **offers =
        realloc((void *)server->offered, (server->count + 1) * sizeof(const struct koine_tool *));
    if (offers)
        server->offered = offers;
    if (!tools || !offers)
        return false;
    struct mcp_tool made = {copy(tool->name), copy(tool->description), copy(tool->input_schema),
                            (tool->flags & KOINE_TOOL_ALONE) != 0};
    if (!made.name || !made.description || !made.input_schema) {
        free(made.name);
        free(made.description);
        free(made.input_schema);
        return false;
    }
    tools[server->count] = made;
    offers[server->count++] = offered ? tool : NULL;
    return true;
}

static void full_name(const struct module *module, struct koine_text tool, char out[160]) {
    snprintf(out, 160, "mcp__%s__%.*s", module_name(module), (int)tool.size, tool.data);
}

/* A tool of the run itself is its module's own act: only a rule that names it takes it away. A tool
 * that a module offers to every run must be let through by the whole policy. */
static bool tool_is_let(const struct run *run, const struct module *module, struct koine_text name,
                        bool offered) {
    char full[160];
    const char *rule = NULL;
    full_name(module, name, full);
    enum tool_verdict verdict =
        tool_policy_judge(run->policy, (struct koine_text){full, strlen(full)}, &rule);
    if (verdict != TOOL_DENIED)
        return true;
    return !offered && (!rule || strncmp(rule, "mcp__", 5) != 0);
}

int run_tools_prepare(struct run *run, const struct koine_run_options *options,
                      struct koine_failure *failure) {
    const struct module_set *set = run->runner->worker->modules;
    for (uint32_t i = 0; i < options->tool_count; i++) {
        const struct koine_tool *tool = options->tools[i];
        const char *problem = tool_problem(tool, false);
        if (problem)
            return failure_issue(run->request, failure, "tools", problem);
        if (tool_is_let(run, run->module, tool->name, false) &&
            !add_tool(run, run->module, tool, false))
            goto no_memory;
    }
    for (size_t m = 0; m < set->count; m++) {
        struct module *module = set->items[m];
        for (uint32_t i = 0; module->tools && i < module->tools->count; i++) {
            const struct koine_tool *tool = module->tools->tools[i];
            if (tool_is_let(run, module, tool->name, true) && !add_tool(run, module, tool, true))
                goto no_memory;
        }
    }
    return KOINE_OK;
no_memory:
    failure_set(failure, 500, "INTERNAL_ERROR", REFUSAL_NO_MEMORY);
    return KOINE_NO_MEMORY;
}

char *run_tools_rules(const struct run *run) {
    char *rules = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&rules, &size);
    if (!out)
        return NULL;
    for (size_t s = 0, n = 0; s < run->server_count; s++)
        for (size_t i = 0; i < run->servers[s].count; i++, n++)
            fprintf(out, "%s\"mcp__%s__%s\"", n ? "," : "[", module_name(run->servers[s].module),
                    run->servers[s].tools[i].name);
    fputs(run->server_count ? "]" : "[]", out);
    if (fclose(out)) {
        free(rules);
        return NULL;
    }
    return rules;
}

char *run_tools_text(const struct run *run) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (size_t s = 0; s < run->server_count; s++)
        for (size_t i = 0; i < run->servers[s].count; i++) {
            const struct mcp_tool *tool = &run->servers[s].tools[i];
            fprintf(out, "%zu %s %zu %s %zu %s%s\n", strlen(tool->name), tool->name,
                    strlen(tool->description), tool->description, strlen(tool->input_schema),
                    tool->input_schema, tool->alone ? " alone" : "");
        }
    if (fclose(out)) {
        free(text);
        return NULL;
    }
    return text;
}

void run_call_remove(struct run_call *call) {
    struct run *run = call->run;
    struct run_call **at = &run->calls;
    while (*at && *at != call)
        at = &(*at)->next;
    if (*at)
        *at = call->next;
    handles_remove(run->runner->calls, call->handle);
    free(call->request_id);
    free(call->rpc_id);
    free(call);
}

void run_tools_complain(const struct run *run) {
    struct koine_text id = run->request ? request_id_text(run->request) : (struct koine_text){0};
    for (const struct run_call *call = run->calls; call; call = call->next)
        module_complain(call->module, KOINE_LOG_WARNING, id,
                        "manners: the call of the tool %s was not answered in the time of its run",
                        call->tool);
}

void run_tools_finish(struct run *run) {
    while (run->calls)
        run_call_remove(run->calls);
    for (size_t s = 0; s < run->server_count; s++) {
        struct run_server *server = &run->servers[s];
        for (size_t i = 0; i < server->count; i++) {
            free(server->tools[i].name);
            free(server->tools[i].description);
            free(server->tools[i].input_schema);
        }
        free(server->tools);
        free((void *)server->offered);
    }
    free(run->servers);
}

bool run_tools_has(const struct run *run, struct koine_text tool) {
    for (size_t s = 0; s < run->server_count; s++)
        for (size_t i = 0; i < run->servers[s].count; i++) {
            char full[160];
            const char *name = run->servers[s].tools[i].name;
            full_name(run->servers[s].module, (struct koine_text){name, strlen(name)}, full);
            if (strlen(full) == tool.size && memcmp(full, tool.data, tool.size) == 0)
                return true;
        }
    return false;
}

/* ---- tools of modules */

static struct run_call *add_call(struct run *run, struct module *module, const char *request_id,
                                 struct mcp_request *request) {
    struct run_call *call = calloc(1, sizeof(*call));
    if (!call)
        return NULL;
    call->run = run;
    call->module = module;
    call->request_id = strdup(request_id);
    call->handle = call->request_id ? handles_add(run->runner->calls, call) : 0;
    if (!call->handle) {
        free(call->request_id);
        free(call);
        return NULL;
    }
    call->rpc_id = request->id;
    request->id = NULL;
    call->next = run->calls;
    run->calls = call;
    evtimer_del(run->watchdog); /* the silence is the module's, within the request's deadline */
    return call;
}

static void call_tool(struct run *run, struct run_server *server, const char *request_id,
                      struct mcp_request *request) {
    struct run_call *call = add_call(run, server->module, request_id, request);
    if (!call) {
        run_short_of_memory(run);
        return;
    }
    const char *name = call->tool = server->tools[request->tool].name;
    const char *id = request->tool_use_id ? request->tool_use_id : "";
    struct koine_tool_call given = {.size = sizeof(given),
                                    .call = {call->handle},
                                    .name = {name, strlen(name)},
                                    .input = {request->arguments, strlen(request->arguments)},
                                    .tool_use_id = {*id ? id : NULL, strlen(id)}};
    const struct koine_tool *offered = server->offered[request->tool];
    struct koine_run_event event = {.type = KOINE_RUN_TOOL_CALL, .call = &given};
    MODULE_RUNS_IN(server->module, NOTES_TOOL_CALL, NULL);
    if (offered)
        offered->call(server->module->self, &given);
    else if (!run->concluded)
        run_emit(run, &event);
}

void run_on_mcp_message(void *data, const char *request_id, struct koine_text name,
                        struct koine_text message) {
    struct run *run = data;
    struct run_server *server = NULL;
    struct mcp_request request = {0};
    size_t size;
    for (size_t i = 0; i < run->server_count; i++) {
        const char *known = module_name(run->servers[i].module);
        if (strlen(known) == name.size && memcmp(known, name.data, name.size) == 0)
            server = &run->servers[i];
    }
    if (!server) {
        char *line = cli_input_error(request_id, KOINE_TEXT("no such server"), &size);
        run_write(run, line, size);
        return;
    }
    if (mcp_request_read(&request, message, module_name(server->module), server->tools,
                         server->count)) {
        run_short_of_memory(run);
    } else if (request.what == MCP_CALL) {
        call_tool(run, server, request_id, &request);
    } else {
        struct koine_text response = {request.response,
                                      request.response ? strlen(request.response) : 0};
        char *line = cli_input_mcp(request_id, response, &size);
        run_write(run, line, size);
    }
    mcp_request_finish(&request);
}

int runner_tool_result(struct runner *runner, struct module *module, koine_call handle,
                       const struct koine_tool_result *result) {
    struct run_call *call = handles_get(runner->calls, handle.id);
    if (!call || call->module != module)
        return KOINE_GONE;
    struct run *run = call->run;
    size_t size;
    char *response =
        mcp_call_response(call->rpc_id, result->text, result->content, result->is_error != 0);
    if (!response)
        return KOINE_INVALID;
    char *line =
        cli_input_mcp(call->request_id, (struct koine_text){response, strlen(response)}, &size);
    free(response);
    if (!line)
        return KOINE_NO_MEMORY;
    run_call_remove(call);
    if (!run->calls && !run->parked && !run->reason)
        run_watch(run, runner->worker->config->runner.silence_timeout_ms);
    run_write(run, line, size);
    return KOINE_OK;
}
