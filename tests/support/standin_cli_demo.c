/* SPDX-License-Identifier: Apache-2.0 */
/* What a demo answers: the scenario of each turn, and its text. At the pace of a model, so that
 * what streams is seen to stream, and for two seconds or so. */
#include "standin_cli_demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE_MS = 22,       /* 45 a second */
    SHORTEST_PIECE = 4,  /* bytes */
    MOST_PIECES = 80,    /* of one block */
    FIRST_MS = 60,       /* before the first */
    QUOTED_BYTES = 160,  /* of what was said to it */
    BYTES_OF_TOKEN = 4,  /* as in line_usage */
    CACHED_TOKENS = 3120 /* what the real CLI's own instructions are about */
};

bool demo_is_on(void) {
    const char *value = getenv("CLAUDE_CODE_STANDIN_DEMO");
    return value && strcmp(value, "1") == 0;
}

static size_t front_of(const char *text, size_t limit) {
    size_t bytes = strnlen(text, limit);
    while (bytes > 0 && text[bytes] && ((unsigned char)text[bytes] & 0xc0) == 0x80)
        bytes--;
    return bytes;
}

/* ---- its text */

/* The gateway puts a line break behind a prompt: not what was said. */
static size_t without_end(const char *text) {
    size_t bytes = strlen(text);
    while (bytes > 0 && strchr(" \t\r\n", text[bytes - 1]))
        bytes--;
    return bytes;
}

static void say_quote(FILE *out, const char *text) {
    size_t whole = without_end(text), bytes = front_of(text, QUOTED_BYTES);
    if (bytes > whole)
        bytes = whole;
    fprintf(out, "\"%.*s%s\"", (int)bytes, text, bytes < whole ? "…" : "");
}

static int turn_number(const struct turn *t) {
    int before = 0;
    json_unpack(t->history, "{si}", "messages", &before);
    return before / 2 + 1;
}

static unsigned words_in(const char *text) {
    unsigned count = 0;
    for (text += strspn(text, " \t\r\n"); *text; text += strspn(text, " \t\r\n")) {
        count++;
        text += strcspn(text, " \t\r\n");
    }
    return count;
}

static void say_what_was_used(FILE *out, const json_t *scenario, const struct turn *t) {
    const json_t *call = json_array_get(json_object_get(scenario, "tools"), 0);
    const char *name = json_string_value(json_object_get(call, "name"));
    if (name && json_object_get(call, "server")) {
        fprintf(out, "Your function %s gave ", name);
        say_quote(out, t->tool_output ? t->tool_output : "");
        fputs(", and Claude would now go on from that. ", out);
    } else if (name) {
        fprintf(out, "It has only pretended to use %s. ", name);
    } else if (demo_has_results(t)) {
        fputs("What your functions gave has arrived, and Claude would now go on from that. ", out);
    }
}

static void say_what_was_said(FILE *out, const struct turn *t) {
    const char *before = json_string_value(json_object_get(t->history, "last_user"));
    int turn = turn_number(t);
    if (*t->prompt) {
        fputs("You said: ", out);
        say_quote(out, t->prompt);
        fputs(". ", out);
    }
    if (turn == 1) {
        fputs("It comes in small pieces and at the pace of a model, so that a stream is seen to "
              "stream. This is turn 1 of a new session: continue it, and the demo still knows what "
              "you have said. ",
              out);
    } else {
        fprintf(out, "This is turn %d of our session", turn);
        if (before && *before) {
            fputs("; the turn before, you said: ", out);
            say_quote(out, before);
        }
        fputs(". ", out);
    }
}

static void say_what_to_try(FILE *out, const struct standin *s, const struct turn *t) {
    static const char *const ideas[] = {
        "Next, ask for an object with a JSON Schema of yours: it grows field by field.",
        "Next, allow a tool such as Read: you see it called, and what it gives.",
        "Next, set a small limit of tokens: you see how an answer ends that was cut.",
        "Next, stop an answer while it streams: its run ends at once.",
    };
    char *functions = demo_functions(s);
    if (functions && !t->tool_output && !demo_has_results(t))
        fprintf(out, "You offer the functions %s: speak of one, and the demo calls it.", functions);
    else
        fputs(ideas[(size_t)(turn_number(t) - 1) % (sizeof ideas / sizeof *ideas)], out);
    free(functions);
}

static char *answer(const struct standin *s, const json_t *scenario, const struct turn *t) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = standin_must(open_memstream(&text, &size));
    fputs("This answer is made up by the demo; no model was asked. ", out);
    say_what_was_used(out, scenario, t);
    say_what_was_said(out, t);
    if (s->system_prompt && *s->system_prompt)
        fprintf(out, "Claude would also keep to your system prompt of %u words. ",
                words_in(s->system_prompt));
    say_what_to_try(out, s, t);
    fclose(out);
    return standin_must(text);
}

char *demo_answer(struct standin *s, const struct turn *t) {
    return answer(s, s->scenario, t);
}

static json_t *thinking(const struct turn *t) {
    return json_sprintf("The demo only pretends to think: %u words were said to it, in turn %d.",
                        words_in(t->prompt), turn_number(t));
}

/* ---- the turn */

static json_int_t piece_bytes(size_t bytes) {
    size_t piece = bytes / MOST_PIECES + 1;
    return (json_int_t)(piece > SHORTEST_PIECE ? piece : SHORTEST_PIECE);
}

/* As the request limits it; 0: it does not. */
static size_t limit_bytes(const struct standin *s) {
    const json_t *environment = json_object_get(s->flag_settings, "env");
    const char *limit =
        json_string_value(json_object_get(environment, "CLAUDE_CODE_MAX_OUTPUT_TOKENS"));
    return limit ? strtoul(limit, NULL, 10) * BYTES_OF_TOKEN : 0;
}

static void set_text(json_t *scenario, struct standin *s, const struct turn *t) {
    char *text = answer(s, scenario, t);
    size_t limit = limit_bytes(s), bytes = front_of(text, limit);
    bool cut = limit > 0 && text[bytes] && json_array_size(json_object_get(scenario, "tools")) == 0;
    json_object_set_new(scenario, "delta_bytes", json_integer(piece_bytes(strlen(text))));
    json_object_set_new(scenario, "delta_words", json_true());
    json_object_set_new(scenario, cut ? "cut_message" : "thinking",
                        cut ? json_stringn(text, bytes) : thinking(t));
    free(text);
}

static void set_object(json_t *scenario, const json_t *schema) {
    json_t *object = demo_object(schema);
    char *text =
        standin_must(json_dumps(object, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12)));
    json_object_set_new(scenario, "delta_bytes", json_integer(piece_bytes(strlen(text))));
    json_object_set_new(scenario, "object_json", json_string(text));
    json_decref(object);
    free(text);
}

json_t *demo_scenario(struct standin *s, const struct turn *t) {
    const char *cache =
        turn_number(t) > 1 ? "cache_read_input_tokens" : "cache_creation_input_tokens";
    json_t *scenario = standin_must(json_pack(
        "{si si so s{si} s{si}}", "delay_ms", PIECE_MS, "first_delay_ms", FIRST_MS, "tools",
        demo_tools(s, t), "usage", cache, CACHED_TOKENS, "message_usage", cache, CACHED_TOKENS));
    if (s->json_schema)
        set_object(scenario, s->json_schema);
    else
        set_text(scenario, s, t);
    return scenario;
}
