/* SPDX-License-Identifier: Apache-2.0 */
/* Scenarios of the stand-in CLI: where they come from, the faults they ask for at four points of a
 * turn, what they report back, and a sample for a JSON Schema when there is no scenario. The answer
 * itself is standin_cli_turn.c. */
#include "standin_cli.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

json_t *scenario_load(const char *value) {
    json_error_t error;
    if (!value || !*value)
        return standin_must(json_object());
    json_t *scenario =
        value[0] == '@' ? json_load_file(value + 1, 0, &error) : json_loads(value, 0, &error);
    if (!json_is_object(scenario))
        standin_fail("standin-cli: CLAUDE_CODE_STANDIN must be a JSON object or @/path: %s",
                     scenario ? "it is no object" : error.text);
    return scenario;
}

int64_t scenario_int(const struct standin *s, const char *key, int64_t otherwise) {
    const json_t *value = json_object_get(s->scenario, key);
    return json_is_number(value) ? (int64_t)json_number_value(value) : otherwise;
}

const char *scenario_string(const struct standin *s, const char *key, const char *otherwise) {
    const char *value = json_string_value(json_object_get(s->scenario, key));
    return value ? value : otherwise;
}

bool scenario_true(const struct standin *s, const char *key) {
    return json_is_true(json_object_get(s->scenario, key));
}

/* A fault is true, the name of its moment, or an object with `when`. */
static const json_t *fault_at(const struct standin *s, const char *key, const char *when) {
    const json_t *fault = json_object_get(s->scenario, key);
    const char *moment = json_string_value(fault);
    if (!fault || json_is_false(fault))
        return NULL;
    if (json_is_object(fault))
        moment = json_string_value(json_object_get(fault, "when"));
    return strcmp(moment ? moment : "mid_text", when) == 0 ? fault : NULL;
}

static void fault_exit(struct standin *s, const json_t *fault) {
    const char *noise = json_string_value(json_object_get(fault, "stderr"));
    static const char half[] = "{\"type\":\"stream_event\",\"event\":{\"type\":\"content_bl";
    if (json_is_true(json_object_get(fault, "partial_line")))
        wire_append(s, half, sizeof half - 1);
    if (noise)
        fprintf(stderr, "%s\n", noise);
    standin_exit(s, (int)json_integer_value(json_object_get(fault, "code")));
}

static void fault_signal(struct standin *s, const json_t *fault) {
    const json_t *number = json_is_object(fault) ? json_object_get(fault, "number") : fault;
    wire_flush(s);
    raise((int)json_integer_value(number));
}

static _Noreturn void fault_hang(struct standin *s, const json_t *fault) {
    wire_flush(s);
    if (json_is_true(json_object_get(fault, "ignore_sigterm")))
        signal(SIGTERM, SIG_IGN);
    for (;;)
        pause();
}

static void fault_noise(struct standin *s) {
    int64_t bytes = scenario_int(s, "stderr_bytes", 0);
    for (int64_t i = 0; i < bytes; i++)
        fputc((i + 1) % 80 == 0 ? '\n' : '.', stderr);
    fflush(stderr);
}

static void fault_long_line(struct standin *s) {
    int64_t bytes = scenario_int(s, "long_line_bytes", 0);
    if (bytes <= 0)
        return;
    char *padding = standin_must(malloc((size_t)bytes + 1));
    memset(padding, 'x', (size_t)bytes);
    padding[bytes] = '\0';
    line_emit(s, json_pack("{ss ss ss}", "type", "system", "subtype", "padding", "text", padding));
    free(padding);
}

static void fault_garbage(struct standin *s) {
    const json_t *garbage = json_object_get(s->scenario, "garbage");
    const char *text = json_is_string(garbage) ? json_string_value(garbage) : "this is not JSON {]";
    if (!garbage || json_is_false(garbage))
        return;
    wire_append(s, text, strlen(text));
    wire_append(s, "\n", 1);
}

void scenario_checkpoint(struct standin *s, const char *when) {
    const json_t *fault;
    if (strcmp(when, "start") == 0) {
        if (scenario_true(s, "ignore_sigterm"))
            signal(SIGTERM, SIG_IGN);
        fault_noise(s);
    } else if (strcmp(when, "after_init") == 0) {
        fault_long_line(s);
    } else if (strcmp(when, "mid_text") == 0) {
        fault_garbage(s);
    }
    if ((fault = fault_at(s, "exit", when)))
        fault_exit(s, fault);
    if ((fault = fault_at(s, "signal", when)))
        fault_signal(s, fault);
    if ((fault = fault_at(s, "hang", when)))
        fault_hang(s, fault);
}

static json_t *argv_json(const struct standin *s) {
    json_t *list = standin_must(json_array());
    for (int i = 0; i < s->argc; i++)
        json_array_append_new(list, json_string(s->argv[i]));
    return list;
}

static json_t *environ_json(const struct standin *s) {
    json_t *names = standin_must(json_object());
    for (char **entry = s->environ; *entry; entry++) {
        const char *equals = strchr(*entry, '=');
        if (equals)
            json_object_setn_new(names, *entry, (size_t)(equals - *entry), json_string(equals + 1));
    }
    return names;
}

void scenario_report(struct standin *s) {
    const char *path = scenario_string(s, "report", NULL);
    if (!path)
        return;
    json_t *report = json_pack("{so so si ss}", "argv", argv_json(s), "environ", environ_json(s),
                               "pid", (int)getpid(), "cwd", s->cwd);
    char *text = standin_must(json_dumps(report, JSON_COMPACT)), *line = NULL;
    int bytes = asprintf(&line, "%s\n", text);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (bytes < 0 || fd < 0 || write(fd, line, (size_t)bytes) != bytes)
        standin_fail("standin-cli: cannot append to the report %s", path);
    close(fd);
    free(line);
    free(text);
    json_decref(report);
}

static _Noreturn void daemon_exec(struct standin *s, const char *command) {
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    closefrom(3);
    char *shell[] = {(char *)"/bin/sh", (char *)"-c", (char *)command, NULL}, *nothing[] = {NULL};
    execve(shell[0], shell, scenario_true(s, "clear_env") ? nothing : s->environ);
    _exit(127);
}

/* Leaves a process whose parent is gone, in a session of its own: what a tool's `nohup &` may
 * leave. */
void scenario_stray_daemon(struct standin *s) {
    const char *command = scenario_string(s, "stray_daemon", NULL);
    if (!command)
        return;
    pid_t child = fork();
    if (child < 0)
        standin_fail("standin-cli: cannot fork");
    if (child == 0) {
        setsid();
        if (fork() == 0)
            daemon_exec(s, command);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

static json_t *state_json(struct standin *s, const struct turn *t) {
    bool ahead = s->initialized && s->initialized_at < s->prompted_at;
    return json_pack("{ss? ss? sO? ss sO sO so so ss sb sb si}", "system_prompt", s->system_prompt,
                     "append_system_prompt", s->append_system_prompt, "json_schema", s->json_schema,
                     "model", s->model, "settings", s->settings, "flag_settings", s->flag_settings,
                     "tools", tools_offered(s), "history", json_incref(t->history), "session",
                     s->session_id, "initialized", s->initialized, "initialized_ahead", ahead,
                     "pid", (int)getpid());
}

json_t *scenario_value(struct standin *s, const struct turn *t, const char *what) {
    if (strcmp(what, "argv") == 0)
        return argv_json(s);
    if (strcmp(what, "environ") == 0)
        return environ_json(s);
    if (strcmp(what, "stdin") == 0)
        return json_deep_copy(t->user_content);
    if (strcmp(what, "session") == 0)
        return json_string(s->session_id);
    if (strcmp(what, "cwd") == 0)
        return json_string(s->cwd);
    if (strcmp(what, "pid") == 0)
        return json_integer(getpid());
    if (strcmp(what, "history") == 0)
        return json_incref(t->history);
    if (strcmp(what, "state") == 0)
        return state_json(s, t);
    return json_sprintf("the stand-in cannot echo '%s'", what);
}

char *scenario_echo(struct standin *s, const struct turn *t) {
    const char *what = scenario_string(s, "echo", NULL);
    if (!what)
        return NULL;
    json_t *value = scenario_value(s, t, what);
    bool plain = json_is_string(value);
    char *text = plain ? strdup(json_string_value(value))
                       : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(value);
    return standin_must(text);
}
