/* SPDX-License-Identifier: Apache-2.0 */
/* Tool calls of the stand-in CLI: asks for permission, runs shell commands in sessions of their own
 * as the real Bash tool does, and calls tools that the host provides. Several calls of one message
 * run in parallel; a tool of the host that is not said to be read-only runs alone. */
#include "standin_cli.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POLL_MS = 1, OUTPUT_LIMIT_BYTES = 1 << 20 };

struct call {
    const json_t *spec;
    char id[48];
    const char *name, *server; /* the tool's own name; server: of the host, or NULL */
    char full_name[256];
    json_t *input;
    json_t *question;     /* can_use_tool, when asked */
    json_t *host_request; /* tools/call, under way */
    pid_t pid;            /* the shell, running */
    int output_fd;
    bool alone, started, done;
};

/* Whether the host has said that the tool changes nothing. */
static bool is_read_only(const struct standin *s, const char *server, const char *name) {
    const json_t *tools = json_object_get(json_object_get(s->servers, server), "tools"), *tool;
    size_t i;
    json_array_foreach(tools, i, tool) {
        const json_t *its_name = json_object_get(tool, "name");
        const json_t *annotations = json_object_get(tool, "annotations");
        if (json_is_string(its_name) && strcmp(json_string_value(its_name), name) == 0)
            return json_is_true(json_object_get(annotations, "readOnlyHint"));
    }
    return false;
}

static void call_init(struct standin *s, struct call *c, const json_t *spec) {
    memset(c, 0, sizeof *c);
    c->spec = spec;
    c->output_fd = -1;
    snprintf(c->id, sizeof c->id, "toolu_%x_%llu", (unsigned)getpid(),
             (unsigned long long)s->request_count++);
    c->server = json_string_value(json_object_get(spec, "server"));
    c->name = json_string_value(json_object_get(spec, "name"));
    if (!c->name)
        c->name = "Bash";
    if (c->server)
        snprintf(c->full_name, sizeof c->full_name, "mcp__%s__%s", c->server, c->name);
    else
        snprintf(c->full_name, sizeof c->full_name, "%s", c->name);
    c->alone = c->server && !is_read_only(s, c->server, c->name);
    c->input = json_incref(json_object_get(spec, c->server ? "arguments" : "input"));
    if (!c->input)
        c->input =
            c->server ? json_object() : json_pack("{sO?}", "command", json_object_get(spec, "run"));
    standin_must(c->input);
}

static void call_finish(struct call *c) {
    json_decref(c->input);
    json_decref(c->question);
    json_decref(c->host_request);
    if (c->output_fd >= 0)
        close(c->output_fd);
}

static void remember_output(struct turn *t, const char *text) {
    char *joined = NULL;
    if (asprintf(&joined, "%s%s%s", t->tool_output ? t->tool_output : "",
                 t->tool_output ? "\n" : "", text) < 0)
        standin_fail("standin-cli: out of memory");
    free(t->tool_output);
    t->tool_output = joined;
}

static void call_refuse(struct standin *s, struct turn *t, struct call *c, const char *why) {
    json_array_append_new(t->denials, json_pack("{ss ss sO}", "tool_name", c->full_name,
                                                "tool_use_id", c->id, "tool_input", c->input));
    tool_result(s, c->id, json_string(why), true, json_sprintf("Error: %s", why));
    remember_output(t, why);
    c->done = true;
}

static void call_unknown(struct standin *s, struct turn *t, struct call *c) {
    json_t *why = json_sprintf("No such tool available: %s", c->full_name);
    tool_result(s, c->id,
                json_sprintf("<tool_use_error>Error: %s</tool_use_error>", json_string_value(why)),
                true, json_sprintf("Error: %s", json_string_value(why)));
    remember_output(t, json_string_value(why));
    json_decref(why);
    c->done = true;
}

static _Noreturn void shell_exec(const char *command, int output_fd) {
    char *shell[] = {(char *)"/bin/sh", (char *)"-c", (char *)command, NULL};
    int null = open("/dev/null", O_RDONLY);
    setsid();
    dup2(null, STDIN_FILENO);
    dup2(output_fd, STDOUT_FILENO);
    dup2(output_fd, STDERR_FILENO);
    closefrom(3);
    setenv("CLAUDECODE", "1", 1);
    execv(shell[0], shell);
    _exit(127);
}

static void call_spawn(struct standin *s, struct call *c, const char *command) {
    wire_flush(s);
    c->output_fd = memfd_create("tool-output", MFD_CLOEXEC);
    c->pid = c->output_fd < 0 ? -1 : fork();
    if (c->pid < 0)
        standin_fail("standin-cli: cannot start the tool's shell");
    if (c->pid == 0)
        shell_exec(command, c->output_fd);
}

/* The call is over and the shell is not: nobody waits for it, once it is in its session as those of
 * the real CLI are from the start. */
static void call_leave_running(struct standin *s, struct turn *t, struct call *c) {
    while (getsid(c->pid) != c->pid && waitpid(c->pid, NULL, WNOHANG) == 0)
        poll(NULL, 0, 1);
    json_t *text = json_sprintf("Command running in background with ID: %d", (int)c->pid);
    remember_output(t, json_string_value(text));
    tool_result(s, c->id, text, false, NULL);
    c->pid = 0;
    c->done = true;
}

static void call_start(struct standin *s, struct turn *t, struct call *c) {
    const char *command = json_string_value(json_object_get(c->spec, "run"));
    const json_t *output = json_object_get(c->spec, "output");
    if (c->server) {
        json_t *params = json_pack("{ss sO s{ss}}", "name", c->name, "arguments", c->input, "_meta",
                                   "claudecode/toolUseId", c->id);
        int id = (int)(s->request_count++ + 2);
        c->host_request = control_ask(s, mcp_request(c->server, "tools/call", params, id));
    } else if (command) {
        /* What the host allowed is what runs: it may have changed the command. */
        const char *allowed = json_string_value(json_object_get(c->input, "command"));
        call_spawn(s, c, allowed ? allowed : command);
        if (json_is_true(json_object_get(c->spec, "background")))
            call_leave_running(s, t, c);
    } else {
        const char *text = json_is_string(output) ? json_string_value(output) : "done";
        tool_result(s, c->id, json_string(text), false, NULL);
        remember_output(t, text);
        c->done = true;
    }
}

static void call_decide(struct standin *s, struct turn *t, struct call *c) {
    char why[320];
    switch (rules_verdict(s, c->full_name, c->input)) {
    case VERDICT_ALLOW:
        call_start(s, t, c);
        break;
    case VERDICT_ASK:
        c->question =
            control_ask(s, json_pack("{ss ss ss sO s[] ss}", "subtype", "can_use_tool", "tool_name",
                                     c->full_name, "display_name", c->name, "input", c->input,
                                     "permission_suggestions", "tool_use_id", c->id));
        break;
    case VERDICT_DENY:
        snprintf(why, sizeof why, "Permission to use %s has been denied.", c->full_name);
        call_refuse(s, t, c, why);
        break;
    case VERDICT_UNKNOWN_TOOL:
        call_unknown(s, t, c);
        break;
    }
}

static void call_hear_verdict(struct standin *s, struct turn *t, struct call *c) {
    json_t *response = control_take_answer(s, c->question);
    if (!response && !s->wire.in_closed)
        return;
    json_t *verdict = json_object_get(response, "response");
    const char *behavior = json_string_value(json_object_get(verdict, "behavior"));
    const char *message = json_string_value(json_object_get(verdict, "message"));
    json_t *input = json_object_get(verdict, "updatedInput");
    json_decref(c->question);
    c->question = NULL;
    if (behavior && strcmp(behavior, "allow") == 0) {
        if (json_is_object(input)) {
            json_decref(c->input);
            c->input = json_incref(input);
        }
        call_start(s, t, c);
    } else {
        call_refuse(s, t, c, message ? message : "The host gave no permission.");
    }
    json_decref(response);
}

static char *output_text(int fd) {
    char *text = standin_must(malloc(OUTPUT_LIMIT_BYTES + 1));
    ssize_t bytes = pread(fd, text, OUTPUT_LIMIT_BYTES, 0);
    while (bytes > 0 && text[bytes - 1] == '\n')
        bytes--;
    text[bytes > 0 ? bytes : 0] = '\0';
    return text;
}

static void call_reap(struct standin *s, struct turn *t, struct call *c) {
    int status = 0;
    if (waitpid(c->pid, &status, WNOHANG) != c->pid)
        return;
    char *text = output_text(c->output_fd);
    bool failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    json_t *content = json_string(*text ? text : "(Bash completed with no output)");
    if (!content)
        content = json_string("(output is not UTF-8)");
    tool_result(s, c->id, content, failed,
                json_pack("{ss* ss sb}", "stdout", json_string_value(content), "stderr", "",
                          "interrupted", 0));
    remember_output(t, text);
    free(text);
    c->pid = 0;
    c->done = true;
}

static void call_hear_host(struct standin *s, struct turn *t, struct call *c) {
    json_t *response = control_take_answer(s, c->host_request), *block;
    if (!response && !s->wire.in_closed)
        return;
    json_t *answer = json_object_get(json_object_get(response, "response"), "mcp_response");
    json_t *result = json_object_get(answer, "result");
    json_t *content = json_object_get(result, "content");
    size_t i;
    json_array_foreach(content, i, block) {
        const char *text = json_string_value(json_object_get(block, "text"));
        remember_output(t, text ? text : "(not text)");
    }
    if (!content) {
        const char *message = NULL;
        json_unpack(answer, "{s{ss}}", "error", "message", &message);
        remember_output(t, message ? message : "the host's tool gave no result");
        content = json_string(t->tool_output);
    } else {
        json_incref(content);
    }
    tool_result(s, c->id, content, !result || json_is_true(json_object_get(result, "isError")),
                NULL);
    json_decref(response);
    c->done = true;
}

static void call_abort(struct standin *s, struct call *c) {
    if (c->pid > 0) {
        kill(-c->pid, SIGKILL);
        kill(c->pid, SIGKILL); /* it may not lead its session yet */
        waitpid(c->pid, NULL, 0);
    }
    if (!c->done)
        tool_result(s, c->id, json_string("The user doesn't want to proceed with this tool use."),
                    true, json_string("User rejected tool use"));
}

static bool call_step(struct standin *s, struct turn *t, struct call *c) {
    if (c->question)
        call_hear_verdict(s, t, c);
    else if (c->host_request && !c->done)
        call_hear_host(s, t, c);
    else if (c->pid > 0)
        call_reap(s, t, c);
    return c->done;
}

/* In their order: each may begin when no other runs, or when all that run suffer others. */
static bool calls_step(struct standin *s, struct turn *t, struct call *calls, size_t count) {
    bool done = true, alone = false;
    for (size_t i = 0; i < count; i++) {
        if (!calls[i].started) {
            if (alone || (calls[i].alone && !done))
                return false;
            calls[i].started = true;
            call_decide(s, t, &calls[i]);
        }
        if (call_step(s, t, &calls[i]))
            continue;
        done = false;
        alone = calls[i].alone;
    }
    return done;
}

bool tools_run(struct standin *s, struct turn *t, json_t *specs) {
    size_t count = json_array_size(specs);
    struct call *calls = standin_must(calloc(count ? count : 1, sizeof *calls));
    bool early = true; /* as long as all are read-only they are called while the message comes */
    message_begin(s, t);
    for (size_t i = 0; i < count && !s->interrupted; i++) {
        call_init(s, &calls[i], json_array_get(specs, i));
        char *input = standin_must(json_dumps(calls[i].input, JSON_COMPACT));
        block_tool_use(s, t, (int)i, calls[i].id, calls[i].full_name, input);
        free(input);
        early = early && calls[i].server && !calls[i].alone;
        if (early) {
            calls[i].started = true;
            call_decide(s, t, &calls[i]);
        }
    }
    message_end(s, t, "tool_use");
    while (!calls_step(s, t, calls, count) && !s->interrupted)
        input_wait(s, POLL_MS);
    for (size_t i = 0; i < count; i++) {
        if (s->interrupted)
            call_abort(s, &calls[i]);
        call_finish(&calls[i]);
    }
    free(calls);
    t->num_turns += (int)count;
    return !s->interrupted;
}
