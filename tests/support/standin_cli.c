/* SPDX-License-Identifier: Apache-2.0 */
/* A stand-in for the Claude Code CLI: speaks its two-way protocol, asks no model, needs no network.
 * Without a scenario it answers every prompt with a short text (or a sample of the JSON Schema).
 * It does not speak the one-shot text protocol: the gateway never uses it.
 *
 * A scenario is a JSON object, given in the environment as CLAUDE_CODE_STANDIN='{…}' or
 * '@/file.json', and for one turn as a prompt that begins with `standin:{…}`, whose keys win over
 * the environment's. With CLAUDE_CODE_STANDIN_DEMO=1 there are none: see standin_cli_demo.h.
 */
/* clang-format off: a table
 *
 * key               value        effect
 * text              string       the answer
 * text_json         string       the answer as a JSON string, spelled exactly so, in one delta; the result line holds
 *                                it up to a NUL
 * repeat            n            the answer is `text` n times, a delta each (over 1 M/s without delay)
 * delta_bytes       n            bytes of a delta (24; never splits a character)
 * short_result      true         the assistant and result lines hold `text` once, however often it was sent
 * delta_words       true         … and on to the end of a word
 * delay_ms          n            pause after each delta;    first_delay_ms: before the first
 * delay_after       n            bytes of a block without delay_ms
 * start_ms          n            sleep before the process is ready; with start_busy: true it burns CPU
 * thinking          string       a thinking block before the answer
 * cut_message       string       a message before the answer that max_tokens has cut; then a second to interrupt
 * cut_tool          {name, input, stop_reason}  in that message: a use of a tool whose input, a string, is no whole JSON
 * sub_agent         string       stream events of a sub-agent (parent_tool_use_id set) before the answer
 * object            JSON         emitted as StructuredOutput, then result.structured_output
 * object_json       string       the same, spelled exactly so;    object_repeat: n  {"items":[object × n]}
 * object_rejects    n            the first n blocks are rejected; they hold rejected_object, or a stub
 * object_echo       as echo      the object is this
 * object_streamed   false        the object comes with the result only, without a block
 * streamed          false        messages come whole, in their assistant lines only, as after a failed stream
 * stop_reason       string       of the object's message, such as max_tokens
 * tool              {name, input, run, output}  asks for permission as needed, then runs `run` by /bin/sh in a
 *                                session of its own (an interrupt kills it, the death of the CLI does not), or
 *                                answers `output`. Without `text` the answer is what the tools said.
 *                                background: true  the answer comes at once, `run` goes on as a child of the CLI
 * tools             [tool, …]    several calls in one message, run in parallel
 * call_host_tool    {server, name, arguments} or an array: calls tools that the host provides, at once those that
 *                                it says are read-only, else one after the other
 * is_error          {text, api_error_status}    an API failure: is_error with subtype success
 * subtype           string       result subtype, such as error_max_turns
 * retry             n            n system lines api_retry first, delay_ms apart
 * garbage           true|string  a line that is not JSON, at mid_text
 * long_line_bytes   n            one system line of that many bytes after init
 * split_utf8        true         writes end inside multi-byte characters, a millisecond apart
 * exit              {code, stderr, when, partial_line}   end; partial_line leaves half a line behind
 * signal            n or {number, when}         kill itself
 * hang              true, when or {when, ignore_sigterm}   stop reading and writing for ever
 *                                `when`: start (of the process; in a prompt: of the turn, before its first
 *                                line), after_init, mid_text (otherwise taken) or after_result
 * ignore_sigterm    true         from the start of the process or turn
 * no_result         true         the turn ends without a result line
 * unasked_ms        n            a turn by its own decision, n ms after the result, unless a prompt comes before
 * context_usage     JSON         the answer to get_context_usage, null: an error (environment only). Otherwise each
 *                                byte of the conversation and the host's tools, as JSON, and of the system prompt is a
 *                                token
 * control_errors    true         every control request is answered with an error (environment only)
 * stderr_bytes      n            noise on stderr at the start of the turn
 * stray_daemon      command      started double-forked and detached;   clear_env: true  without environment
 * echo              argv|environ|stdin|session|cwd|pid|history|state   the answer is this, as JSON
 *                                history: {messages, last_user};  state: prompts, model, schema, settings, tools,
 *                                flag_settings, history, pid, initialized_ahead (before the prompt was read)
 * usage             {…}          overrides fields of the result's usage;   cost_usd: x  this turn's cost
 * message_usage     {…}          the same for each message that is streamed
 * persist           false        keep no transcript (for benchmarks)
 * report            path         append {argv, environ, pid, cwd} as one line at the start (environment only)
 * turns             [{…}, …]     further keys for the first, second, … turn (environment only)
 * stamp             true         with repeat: each delta is the time at which it is written, in ns of
 *                                CLOCK_MONOTONIC, and delay_ms is kept to without drift
 */
/* clang-format on */
#include "standin_cli.h"
#include "standin_cli_demo.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

void *standin_must(void *pointer) {
    if (!pointer)
        standin_fail("standin-cli: out of memory");
    return pointer;
}

_Noreturn void standin_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

uint64_t standin_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Unique and of version 4, but random only once: a line costs no system call. */
void standin_uuid(struct standin *s, char out[STANDIN_UUID_CHARS + 1]) {
    if (s->uuid_head == 0 && getrandom(&s->uuid_head, sizeof s->uuid_head, 0) < 0)
        standin_fail("standin-cli: no random numbers");
    snprintf(out, STANDIN_UUID_CHARS + 1, "%08x-%04x-4%03x-8%03x-%012llx",
             (unsigned)(s->uuid_head & 0xffffffff), (unsigned)(s->uuid_head >> 32 & 0xffff),
             (unsigned)(s->uuid_head >> 48 & 0xfff), (unsigned)(getpid() & 0xfff),
             (unsigned long long)(s->uuid_count++ & 0xffffffffffff));
}

static void standin_finish(struct standin *s) {
    options_finish(&s->options);
    wire_finish(&s->wire);
    json_t *owned[] = {s->base_scenario, s->scenario,     s->inbox,       s->answers,
                       s->servers,       s->handshake,    s->json_schema, s->settings,
                       s->model_usage,   s->flag_settings};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        json_decref(owned[i]);
    char *strings[] = {s->model, s->system_prompt, s->append_system_prompt, s->history_last_user,
                       s->history_last_uuid};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        free(strings[i]);
}

_Noreturn void standin_exit(struct standin *s, int code) {
    wire_flush(s);
    standin_finish(s);
    exit(code);
}

static char *file_text(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file)
        standin_fail("Error: Cannot read the file %s", path);
    size_t capacity = 1 << 20;
    char *text = standin_must(malloc(capacity));
    size_t bytes = fread(text, 1, capacity - 1, file);
    fclose(file);
    text[bytes] = '\0';
    return text;
}

static char *option_text(const char *text, const char *path) {
    if (text)
        return standin_must(strdup(text));
    return path ? file_text(path) : NULL;
}

static void take_options(struct standin *s) {
    const struct options *o = &s->options;
    json_error_t error;
    const char *model = o->model ? o->model : getenv("ANTHROPIC_MODEL");
    s->model = standin_must(strdup(model ? model : s->demo ? "claude-demo" : "claude-standin"));
    s->system_prompt = option_text(o->system_prompt, o->system_prompt_file);
    s->append_system_prompt = option_text(o->append_system_prompt, o->append_system_prompt_file);
    if (o->json_schema && !(s->json_schema = json_loads(o->json_schema, 0, &error)))
        standin_fail("Error: --json-schema is not valid JSON: %s", error.text);
    s->settings = standin_must(json_object());
    s->flag_settings = standin_must(json_object());
    if (o->settings) {
        json_t *settings = *o->settings == '{' ? json_loads(o->settings, 0, &error)
                                               : json_load_file(o->settings, 0, &error);
        if (!settings)
            standin_fail("Error: Invalid JSON provided to --settings: %s", error.text);
        json_object_update_new(s->settings, settings);
    }
}

static void standin_init(struct standin *s, int argc, char **argv, char **environment) {
    memset(s, 0, sizeof *s);
    s->argc = argc;
    s->argv = argv;
    s->environ = environment;
    s->started_ms = standin_now_ms();
    if (!getcwd(s->cwd, sizeof s->cwd))
        standin_fail("standin-cli: the working directory is gone");
    s->inbox = standin_must(json_array());
    s->answers = standin_must(json_object());
    s->servers = standin_must(json_object());
    s->handshake = standin_must(json_object());
    s->model_usage = standin_must(json_object());
    s->demo = demo_is_on();
    s->base_scenario = scenario_load(s->demo ? NULL : getenv("CLAUDE_CODE_STANDIN"));
    s->scenario = json_incref(s->base_scenario);
    scenario_report(s);
    options_parse(&s->options, argc, argv);
    wire_init();
}

static void startup_delay(struct standin *s) {
    int64_t ms = scenario_int(s, "start_ms", 0);
    if (scenario_true(s, "start_busy"))
        while (standin_now_ms() < s->started_ms + (uint64_t)ms)
            ;
    else if (ms > 0)
        usleep((useconds_t)(ms * 1000));
}

int main(int argc, char **argv, char **environment) {
    struct standin standin, *s = &standin;
    standin_init(s, argc, argv, environment);
    if (s->options.version) {
        wire_append(s, STANDIN_VERSION " (Claude Code stand-in)\n",
                    strlen(STANDIN_VERSION " (Claude Code stand-in)\n"));
        standin_exit(s, 0);
    }
    startup_delay(s);
    take_options(s);
    scenario_checkpoint(s, "start");
    session_start(s);

    bool open = true;
    while (open || json_array_size(s->inbox) > 0) {
        if (json_array_size(s->inbox) > 0 && s->connecting == 0) {
            json_t *message = json_incref(json_array_get(s->inbox, 0));
            json_array_remove(s->inbox, 0);
            turn_run(s, message);
            json_decref(message);
            turn_unasked(s);
        } else if (!(open = input_wait(s, -1)) && s->connecting > 0) {
            break; /* the host left before it said which tools it has */
        }
    }
    standin_exit(s, 0);
}
