/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the CLI looks for the transcript of a session: a directory named after the one that it
 * works in. Touches no file.
 */
#include "runner/transcript.h"

#include "ops/utf8.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The CLI cuts a longer name here and adds a hash of the whole. */
enum { MAXIMUM_NAME = 200 };

static const char *find(char *const *environment, const char *name) {
    size_t size = strlen(name);
    for (size_t i = 0; environment[i] != NULL; i++) {
        if (strncmp(environment[i], name, size) == 0 && environment[i][size] == '=') {
            const char *value = environment[i] + size + 1;
            return *value != '\0' ? value : NULL;
        }
    }
    return NULL;
}

static uint32_t decode(const char *at, size_t size) {
    static const unsigned char first_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t code = (unsigned char)at[0] & first_bits[size];
    for (size_t i = 1; i < size; i++) {
        code = code << 6 | ((unsigned char)at[i] & 0x3F);
    }
    return code;
}

static bool is_alphanumeric(uint32_t unit) {
    return (unit >= 'A' && unit <= 'Z') || (unit >= 'a' && unit <= 'z') ||
           (unit >= '0' && unit <= '9');
}

struct name {
    char text[MAXIMUM_NAME + 1];
    size_t units; /* of UTF-16, which is how the CLI counts */
    uint32_t hash;
};

static void add_unit(struct name *name, uint32_t unit) {
    if (name->units < MAXIMUM_NAME) {
        name->text[name->units] = is_alphanumeric(unit) ? (char)unit : '-';
        name->text[name->units + 1] = '\0';
    }
    name->units++;
    name->hash = name->hash * 31 + unit;
}

static void add_path(struct name *name, const char *path) {
    size_t left = strlen(path);
    while (left > 0) {
        size_t size = utf8_sequence_bytes(path, left);
        uint32_t code = size > 0 ? decode(path, size) : 0xFFFD;
        size = size > 0 ? size : 1;
        if (code >= 0x10000) {
            add_unit(name, 0xD800 + ((code - 0x10000) >> 10));
            add_unit(name, 0xDC00 + ((code - 0x10000) & 0x3FF));
        } else {
            add_unit(name, code);
        }
        path += size;
        left -= size;
    }
}

/* The hash as a signed number without its sign, in base 36. */
static void write_hash(char digits[16], uint32_t hash) {
    uint32_t rest = hash > INT32_MAX ? 0u - hash : hash;
    char *at = digits + 15;
    *at = '\0';
    do {
        *--at = "0123456789abcdefghijklmnopqrstuvwxyz"[rest % 36];
        rest /= 36;
    } while (rest > 0);
    memmove(digits, at, strlen(at) + 1);
}

char *transcript_path(char *const *environment, const char *working_directory,
                      struct koine_text session_id) {
    const char *config = find(environment, "CLAUDE_CONFIG_DIR");
    const char *base = config != NULL ? config : find(environment, "HOME");
    char *resolved = realpath(working_directory, NULL);
    const char *directory = resolved != NULL ? resolved : working_directory;
    char *path = NULL;
    char hash[16] = "";
    struct name name = {.units = 0};
    add_path(&name, directory);
    if (name.units > MAXIMUM_NAME) {
        write_hash(hash, name.hash);
    }
    /* The CLI would take a relative base from where it works. */
    if (base == NULL ||
        asprintf(&path, "%s%s%s%s/projects/%s%s%s/%.*s.jsonl", *base != '/' ? directory : "",
                 *base != '/' ? "/" : "", base, config != NULL ? "" : "/.claude", name.text,
                 *hash != '\0' ? "-" : "", hash, (int)session_id.size, session_id.data) < 0) {
        path = NULL;
    }
    free(resolved);
    return path;
}
