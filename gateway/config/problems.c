/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collects what is wrong with a configuration into one struct config_error.
 * Never truncates a problem in the middle unless it is the first.
 */
#include "config/problems.h"

#include <stdarg.h>
#include <string.h>

enum {
    QUOTED_BYTES = 48,
    REMARK_BYTES = 32 /* kept free for "(and 4294967295 more)" */
};

void problems_init(struct problems *problems, const char *file, struct config_error *error) {
    memset(problems, 0, sizeof *problems);
    problems->error = error;
    problems->file = file;
    error->message[0] = '\0';
}

static void append(struct problems *problems, const char *line) {
    size_t space = sizeof problems->error->message - REMARK_BYTES - problems->used;
    size_t size = strlen(line);
    bool first = problems->used == 0;
    if (!first && size + 2 > space) {
        problems->left_out++;
        return;
    }
    int written =
        snprintf(problems->error->message + problems->used, space, "%s%s", first ? "" : "\n", line);
    if (written > 0) {
        problems->used += (size_t)written < space ? (size_t)written : space - 1;
    }
}

void problems_add(struct problems *problems, unsigned line, const char *key, const char *format,
                  ...) {
    char sentence[sizeof problems->error->message];
    char text[sizeof sentence + 512];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(sentence, sizeof sentence, format, arguments) < 0) {
        sentence[0] = '\0';
    }
    va_end(arguments);

    const char *separator = key != NULL ? ": " : "";
    key = key != NULL ? key : "";
    if (line > 0 && problems->file != NULL) {
        snprintf(text, sizeof text, "%.400s:%u: %s%s%s", problems->file, line, key, separator,
                 sentence);
    } else {
        snprintf(text, sizeof text, "%s%s%s", key, separator, sentence);
    }
    problems->count++;
    append(problems, text);
}

void problems_add_no_memory(struct problems *problems) {
    problems_add(problems, 0, NULL, "out of memory while the configuration was read");
}

void problems_finish(struct problems *problems) {
    if (problems->left_out > 0) {
        snprintf(problems->error->message + problems->used,
                 sizeof problems->error->message - problems->used, "\n(and %u more)",
                 problems->left_out);
    }
}

struct quoted problems_quote(const char *text) {
    struct quoted quoted;
    size_t size = strlen(text);
    size_t kept = size;
    if (size > QUOTED_BYTES) {
        kept = QUOTED_BYTES;
        while (kept > 0 && ((unsigned char)text[kept] & 0xC0) == 0x80) {
            kept--; /* do not cut a UTF-8 sequence */
        }
    }
    snprintf(quoted.text, sizeof quoted.text, "\"%.*s%s\"", (int)kept, text,
             kept < size ? "..." : "");
    for (char *at = quoted.text; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7F) {
            *at = '?';
        }
    }
    return quoted;
}
