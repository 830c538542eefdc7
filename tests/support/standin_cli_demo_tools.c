/* SPDX-License-Identifier: Apache-2.0 */
/* Which tool a demo shows in a turn: a function of the client that the prompt speaks of, else the
 * first that the request allows. Nothing is run: what such a tool gives is made up. Tools that
 * modules give the model are not touched, for those are real. */
#include "standin_cli_demo.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHORTEST_WORD = 4 };

#define NOTHING_DONE "made up by the demo, nothing was touched"

/* The modules whose tools are their clients' functions. */
static const char *const dialects[] = {"openai", "anthropic"};

/* ---- functions of the client */

/* A word of the function's name, get_weather or getWeather, stands in the prompt. */
static bool speaks_of(const char *prompt, const char *name) {
    char word[64];
    size_t size = 0;
    if (strcasestr(prompt, name))
        return true;
    for (const char *c = name;; c++) {
        bool ends = !isalnum((unsigned char)*c) || (isupper((unsigned char)*c) && size > 0);
        if (ends && size >= SHORTEST_WORD) {
            word[size] = '\0';
            if (strcasestr(prompt, word))
                return true;
        }
        if (!*c)
            return false;
        if (ends)
            size = 0;
        if (isalnum((unsigned char)*c) && size + 1 < sizeof word)
            word[size++] = *c;
    }
}

static json_t *function_call(const char *server, const json_t *tool) {
    return json_pack("[{ss sO so}]", "server", server, "name", json_object_get(tool, "name"),
                     "arguments", demo_object(json_object_get(tool, "inputSchema")));
}

static json_t *functions_of(const struct standin *s, const char *server) {
    return json_object_get(json_object_get(s->servers, server), "tools");
}

/* NULL: the prompt speaks of none. */
static json_t *asked_function(const struct standin *s, const struct turn *t) {
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++) {
        const json_t *tools = functions_of(s, dialects[i]), *tool;
        size_t j;
        json_array_foreach(tools, j, tool) {
            const char *name = json_string_value(json_object_get(tool, "name"));
            if (name && speaks_of(t->prompt, name))
                return standin_must(function_call(dialects[i], tool));
        }
    }
    return NULL;
}

char *demo_functions(const struct standin *s) {
    char *names = NULL;
    size_t size = 0;
    FILE *out = standin_must(open_memstream(&names, &size));
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++) {
        const json_t *tools = functions_of(s, dialects[i]), *tool;
        size_t j;
        json_array_foreach(tools, j, tool) {
            const char *name = json_string_value(json_object_get(tool, "name"));
            fprintf(out, "%s%s", ftell(out) > 0 ? ", " : "", name ? name : "?");
        }
    }
    fclose(out);
    if (size > 0)
        return names;
    free(names);
    return NULL;
}

bool demo_has_results(const struct turn *t) {
    const json_t *block;
    size_t i;
    json_array_foreach(t->user_content, i, block) {
        const char *type = json_string_value(json_object_get(block, "type"));
        if (type && strcmp(type, "tool_result") == 0)
            return true;
    }
    return false;
}

/* ---- tools of the CLI */

static const struct {
    const char *name, *subject, *usual; /* what a rule such as Bash(git:*) speaks of */
    const char *also, *value;           /* another member of the input, or NULL */
} known[] = {
    {"Bash", "command", "echo made up", "description", "Says that this is a demo"},
    {"Read", "file_path", "/made/up/notes.md", NULL, NULL},
    {"Write", "file_path", "/made/up/notes.md", "content", "made up by the demo"},
    {"Edit", "file_path", "/made/up/notes.md", "new_string", "made up by the demo"},
    {"Glob", "pattern", "**/*.md", NULL, NULL},
    {"Grep", "pattern", "made up", NULL, NULL},
    {"WebFetch", "url", "https://example.com/made-up", "prompt", "What does it say?"},
    {"WebSearch", "query", "made up by a demo", NULL, NULL},
    {"Task", "description", "Something made up", NULL, NULL},
    {"TodoWrite", "description", "Something made up", NULL, NULL},
};

/* What the pattern in a rule's parentheses lets through: "git:*" a call of git. NULL: there is no
 * pattern. */
static char *let_through(const char *rule) {
    const char *open = strchr(rule, '('), *close = strrchr(rule, ')');
    if (!open || !close || close <= open)
        return NULL;
    open += strncmp(open + 1, "domain:", 7) == 0 ? 8 : 1;
    char *text = standin_must(strndup(open, (size_t)(close - open)));
    size_t size = strlen(text);
    if (size >= 2 && strcmp(text + size - 2, ":*") == 0)
        text[size - 2] = '\0';
    for (char *star = text; (star = strchr(star, '*'));)
        *star = 'x';
    return text;
}

static bool is_offered(const json_t *offered, const char *name) {
    const json_t *one;
    size_t i;
    json_array_foreach(offered, i, one) {
        if (strcmp(json_string_value(one), name) == 0)
            return true;
    }
    return false;
}

/* NULL: the rule names no tool that is known here and offered. */
static json_t *call_by_rule(const char *rule, const json_t *offered) {
    size_t size = strcspn(rule, "(");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].name) != size || memcmp(known[i].name, rule, size) != 0 ||
            !is_offered(offered, known[i].name))
            continue;
        char *subject = let_through(rule);
        json_t *input = json_pack("{ss ss*}", known[i].subject, subject ? subject : known[i].usual,
                                  known[i].also ? known[i].also : "description", known[i].value);
        free(subject);
        return json_pack("[{ss so ss}]", "name", known[i].name, "input", standin_must(input),
                         "output", NOTHING_DONE);
    }
    return NULL;
}

static json_t *allowed_tool(struct standin *s) {
    json_t *offered = tools_offered(s), *call = NULL;
    const json_t *rule;
    size_t i;
    json_array_foreach(s->options.allowed_tools, i, rule) {
        if (!call && json_is_string(rule))
            call = call_by_rule(json_string_value(rule), offered);
    }
    json_decref(offered);
    return call;
}

json_t *demo_tools(struct standin *s, const struct turn *t) {
    json_t *calls = demo_has_results(t) ? NULL : asked_function(s, t);
    if (!calls)
        calls = allowed_tool(s);
    return calls ? calls : standin_must(json_array());
}
