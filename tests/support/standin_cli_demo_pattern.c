/* SPDX-License-Identifier: Apache-2.0 */
/* From a regular expression of JSON Schema to a text that it matches. Walks over the expression
 * once and writes as it goes; knows no backreferences, and takes assertions for fulfilled. */
#include "standin_cli_demo.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LONGEST_TEXT = 4096,
    MOST_STEPS = 100000,
    DEEPEST_GROUP = 32,
    MORE_TIMES = 40,
    FIRST_CHARACTER = ' '
};
enum { CHARACTERS = '~' - FIRST_CHARACTER + 1 };

struct walk {
    const char *at;
    unsigned variant, depth, steps;
    char text[LONGEST_TEXT + 1];
    size_t size;
    bool quiet; /* what is walked over is not written */
    bool failed;
};

static void walk_choice(struct walk *walk);

static void put(struct walk *walk, char character) {
    if (walk->quiet)
        return;
    if (walk->size == LONGEST_TEXT)
        walk->failed = true;
    else
        walk->text[walk->size++] = character;
}

/* One of more than a byte is one atom all the same. */
static void walk_character(struct walk *walk, char first) {
    put(walk, first);
    while (((unsigned char)*walk->at & 0xc0) == 0x80)
        put(walk, *walk->at++);
}

/* ---- sets of characters */

struct set {
    bool has[CHARACTERS];
};

static void set_add(struct set *set, unsigned char from, unsigned char to) {
    for (unsigned c = from; c <= to; c++)
        if (c >= FIRST_CHARACTER && c < FIRST_CHARACTER + CHARACTERS)
            set->has[c - FIRST_CHARACTER] = true;
}

static void set_invert(struct set *set) {
    for (size_t i = 0; i < CHARACTERS; i++)
        set->has[i] = !set->has[i];
}

/* \d, \w, \s and their opposites; false: it is none of them. */
static bool set_add_class(struct set *set, char letter) {
    struct set all = {0};
    switch (tolower((unsigned char)letter)) {
    case 'd':
        set_add(&all, '0', '9');
        break;
    case 'w':
        set_add(&all, 'a', 'z');
        set_add(&all, 'A', 'Z');
        set_add(&all, '0', '9');
        set_add(&all, '_', '_');
        break;
    case 's':
        set_add(&all, ' ', ' ');
        break;
    default:
        return false;
    }
    if (isupper((unsigned char)letter))
        set_invert(&all);
    for (size_t i = 0; i < CHARACTERS; i++)
        set->has[i] = set->has[i] || all.has[i];
    return true;
}

/* Letters before digits before the rest: it reads best. */
static void put_one_of(struct walk *walk, const struct set *set) {
    char fitting[CHARACTERS];
    size_t count = 0;
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < CHARACTERS; i++) {
            char c = (char)(FIRST_CHARACTER + i);
            int its_round = isalpha((unsigned char)c) ? 0 : isdigit((unsigned char)c) ? 1 : 2;
            if (set->has[i] && its_round == round)
                fitting[count++] = c;
        }
    if (count > 0)
        put(walk, fitting[(walk->variant * 7 + walk->size * 3) % count]);
    else
        walk->failed = true;
}

/* ---- atoms */

/* The character of so many hexadecimal digits. */
static char take_code(struct walk *walk, size_t digits) {
    unsigned code = 0;
    bool good = strspn(walk->at, "0123456789abcdefABCDEF") >= digits &&
                sscanf(walk->at, digits == 4 ? "%4x" : "%2x", &code) == 1;
    walk->failed = walk->failed || !good || code < FIRST_CHARACTER || code > '~';
    walk->at += good ? digits : 0;
    return (char)code;
}

/* The character that an escape stands for; `at` is behind the backslash. */
static char take_escape(struct walk *walk) {
    static const char letters[] = "tnrfv", characters[] = "\t\n\r\f\v";
    if (*walk->at == '\0') {
        walk->failed = true;
        return '\0';
    }
    char letter = *walk->at++;
    const char *found = strchr(letters, letter);
    if (letter == 'u' || letter == 'x')
        return take_code(walk, letter == 'u' ? 4 : 2);
    if (isalnum((unsigned char)letter) && !found)
        walk->failed = true; /* a backreference, a property of Unicode, a control character */
    return found ? characters[found - letters] : letter;
}

static void walk_escape(struct walk *walk) {
    struct set set = {0};
    if (*walk->at == 'b' || *walk->at == 'B')
        walk->at++;
    else if (set_add_class(&set, *walk->at)) {
        walk->at++;
        put_one_of(walk, &set);
    } else {
        walk_character(walk, take_escape(walk));
    }
}

static unsigned char take_member(struct walk *walk, struct set *set, bool *is_class) {
    *is_class = false;
    if (*walk->at != '\\')
        return (unsigned char)*walk->at++;
    walk->at++;
    *is_class = set_add_class(set, *walk->at);
    if (*is_class)
        walk->at++;
    return *is_class ? 0 : (unsigned char)take_escape(walk);
}

static void walk_class(struct walk *walk) {
    struct set set = {0};
    bool inverted = *walk->at == '^', is_class;
    walk->at += inverted;
    while (*walk->at && *walk->at != ']' && !walk->failed) {
        unsigned char from = take_member(walk, &set, &is_class), to = from;
        if (!is_class && *walk->at == '-' && walk->at[1] && walk->at[1] != ']') {
            walk->at++;
            to = take_member(walk, &set, &is_class);
        }
        if (!is_class)
            set_add(&set, from, to);
    }
    if (*walk->at++ != ']') {
        walk->at--;
        walk->failed = true;
        return;
    }
    if (inverted)
        set_invert(&set);
    put_one_of(walk, &set);
}

static void walk_group(struct walk *walk) {
    bool assertion = false, was_quiet = walk->quiet;
    if (*walk->at == '?') {
        const char *kind = walk->at + 1;
        assertion =
            *kind == '=' || *kind == '!' || (*kind == '<' && (kind[1] == '=' || kind[1] == '!'));
        walk->at =
            *kind == '<' && !assertion ? strchr(kind, '>') : kind + (assertion && *kind == '<');
        if (!walk->at || !*walk->at) {
            walk->at = "";
            walk->failed = true;
            return;
        }
        walk->at++;
    }
    walk->quiet = walk->quiet || assertion;
    if (++walk->depth > DEEPEST_GROUP)
        walk->failed = true;
    walk_choice(walk);
    walk->depth--;
    walk->quiet = was_quiet;
    if (*walk->at == ')')
        walk->at++;
    else
        walk->failed = true;
}

static void walk_atom(struct walk *walk) {
    char character = *walk->at++;
    struct set any = {0};
    if (++walk->steps > MOST_STEPS)
        walk->failed = true; /* groups in groups are walked over again and again */
    switch (character) {
    case '^':
    case '$':
        break;
    case '.':
        set_add(&any, 'a', 'z');
        put_one_of(walk, &any);
        break;
    case '[':
        walk_class(walk);
        break;
    case '(':
        walk_group(walk);
        break;
    case '\\':
        walk_escape(walk);
        break;
    default:
        walk_character(walk, character);
    }
}

/* ---- how often, and which of several */

/* The quantifier at `at`, walked over. */
static void take_times(struct walk *walk, unsigned *least, unsigned *most) {
    int size = 0;
    *least = *most = 1;
    if (*walk->at == '*' || *walk->at == '+' || *walk->at == '?') {
        *least = *walk->at == '+';
        *most = *walk->at == '?' ? 1 : *least + MORE_TIMES;
        size = 1;
    } else if (sscanf(walk->at, "{%u}%n", least, &size) == 1 && size > 0) {
        *most = *least;
    } else if (sscanf(walk->at, "{%u,%u}%n", least, most, &size) == 2 && size > 0) {
        *most = *most > *least + MORE_TIMES ? *least + MORE_TIMES : *most;
    } else if (sscanf(walk->at, "{%u,}%n", least, &size) == 1 && size > 0) {
        *most = *least + MORE_TIMES;
    } else {
        *least = *most = 1;
        size = 0;
    }
    walk->at += size;
    if (size > 0 && *walk->at == '?')
        walk->at++;
}

/* An atom is walked over once to find its quantifier, then as often as that wants. */
static void walk_repeated(struct walk *walk) {
    const char *atom = walk->at;
    bool was_quiet = walk->quiet;
    unsigned least, most;
    walk->quiet = true;
    walk_atom(walk);
    walk->quiet = was_quiet;
    const char *behind_atom = walk->at;
    take_times(walk, &least, &most);
    const char *behind = walk->at;
    unsigned times = least + (most > least ? (walk->variant + 2) % (most - least + 1) : 0);
    for (unsigned i = 0; !walk->quiet && i < times && !walk->failed; i++) {
        walk->at = atom;
        walk_atom(walk);
        walk->failed = walk->failed || walk->at != behind_atom;
    }
    walk->at = behind;
}

static void walk_sequence(struct walk *walk) {
    while (*walk->at && *walk->at != '|' && *walk->at != ')' && !walk->failed)
        walk_repeated(walk);
}

static unsigned count_choices(struct walk *walk) {
    const char *start = walk->at;
    unsigned count = 1;
    walk->quiet = true;
    for (walk_sequence(walk); *walk->at == '|' && !walk->failed; count++) {
        walk->at++;
        walk_sequence(walk);
    }
    walk->quiet = false;
    walk->at = start;
    return count;
}

static void walk_choice(struct walk *walk) {
    unsigned chosen = walk->quiet ? 0 : walk->variant % count_choices(walk);
    bool was_quiet = walk->quiet;
    for (unsigned i = 0;; i++) {
        walk->quiet = was_quiet || i != chosen;
        walk_sequence(walk);
        if (*walk->at != '|' || walk->failed)
            break;
        walk->at++;
    }
    walk->quiet = was_quiet;
}

char *demo_pattern(const char *pattern, unsigned variant) {
    struct walk *walk = standin_must(calloc(1, sizeof *walk));
    walk->at = pattern;
    walk->variant = variant;
    walk_choice(walk);
    bool good = !walk->failed && *walk->at == '\0';
    char *text = good ? standin_must(strndup(walk->text, walk->size)) : NULL;
    free(walk);
    return text;
}
