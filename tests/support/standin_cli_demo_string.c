/* SPDX-License-Identifier: Apache-2.0 */
/* Texts and numbers for the objects of a demo: what a property is called, or its format, says what
 * looks right; lengths and patterns are kept to. The gateway gives the CLI no formats: most are
 * seen by the name. */
#include "standin_cli_demo.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHOICES = 4, PATTERN_TRIES = 64, LONGEST_MADE = 100000 };

#define MADE_UP "made up by the demo"

struct hint {
    const char *word;
    const char *texts[CHOICES];
};

/* By `format`. */
static const struct hint formats[] = {
    {"date-time",
     {"2026-03-14T09:26:53Z", "2026-07-01T12:00:00Z", "2026-10-31T18:45:00Z",
      "2026-12-24T20:15:30Z"}},
    {"date", {"2026-03-14", "2026-07-01", "2026-10-31", "2026-12-24"}},
    {"time", {"09:26:53Z", "12:00:00Z", "18:45:00Z", "20:15:30Z"}},
    {"duration", {"PT2H30M", "P1D", "P3W", "PT45S"}},
    {"email", {"ada@example.com", "alan@example.com", "grace@example.com", "edsger@example.com"}},
    {"idn-email",
     {"ada@example.com", "alan@example.com", "grace@example.com", "edsger@example.com"}},
    {"hostname", {"demo.example.com", "one.example.com", "two.example.com", "api.example.com"}},
    {"idn-hostname", {"demo.example.com", "one.example.com", "two.example.com", "api.example.com"}},
    {"ipv4", {"192.0.2.1", "192.0.2.2", "198.51.100.7", "203.0.113.9"}},
    {"ipv6", {"2001:db8::1", "2001:db8::2", "2001:db8::7", "2001:db8::9"}},
    {"uri",
     {"https://example.com/made-up", "https://example.com/demo", "https://example.com/a",
      "https://example.com/b"}},
    {"uuid",
     {"0b7c4a52-93f0-4b1e-a1c2-5f1d7e0c9a44", "1c8d5b63-a401-4c2f-b2d3-6a2e8f1dab55",
      "2d9e6c74-b512-4d30-83e4-7b3f902ebc66", "3eaf7d85-c623-4e41-94f5-8c40a13fcd77"}},
    {"json-pointer", {"/made/up", "/demo", "/a/0", "/b/1"}},
    {"regex", {"^made up$", "^demo$", "[a-z]+", "[0-9]+"}},
};

/* By a word in the property's name, the more telling before the others; {format}: as that. */
static const struct hint names[] = {
    {"email", {"{email}"}},
    {"mail", {"{email}"}},
    {"url", {"{uri}"}},
    {"uri", {"{uri}"}},
    {"link", {"{uri}"}},
    {"website", {"{uri}"}},
    {"homepage", {"{uri}"}},
    {"uuid", {"{uuid}"}},
    {"hostname", {"{hostname}"}},
    {"ipaddress", {"{ipv4}"}},
    {"timestamp", {"{date-time}"}},
    {"createdat", {"{date-time}"}},
    {"updatedat", {"{date-time}"}},
    {"datetime", {"{date-time}"}},
    {"date", {"{date}"}},
    {"birthday", {"{date}"}},
    {"born", {"{date}"}},
    {"deadline", {"{date}"}},
    {"phone", {"+1 555 0100", "+1 555 0101", "+1 555 0102", "+1 555 0103"}},
    {"firstname", {"Ada", "Alan", "Grace", "Edsger"}},
    {"lastname", {"Lovelace", "Turing", "Hopper", "Dijkstra"}},
    {"surname", {"Lovelace", "Turing", "Hopper", "Dijkstra"}},
    {"filename", {"made-up.txt", "demo.md", "notes.csv", "draft.json"}},
    {"username", {"ada", "alan", "grace", "edsger"}},
    {"city", {"Lisbon", "Kyoto", "Montreal", "Nairobi"}},
    {"cities", {"Lisbon", "Kyoto", "Montreal", "Nairobi"}},
    {"town", {"Lisbon", "Kyoto", "Montreal", "Nairobi"}},
    {"location", {"Lisbon", "Kyoto", "Montreal", "Nairobi"}},
    {"countr", {"Portugal", "Japan", "Canada", "Kenya"}},
    {"street", {"1 Made-up Street", "2 Demo Road", "3 Example Lane", "4 Sample Square"}},
    {"address", {"1 Made-up Street", "2 Demo Road", "3 Example Lane", "4 Sample Square"}},
    {"color", {"teal", "amber", "violet", "coral"}},
    {"colour", {"teal", "amber", "violet", "coral"}},
    {"currency", {"EUR", "JPY", "CAD", "KES"}},
    {"language", {"Portuguese", "Japanese", "French", "Swahili"}},
    {"company", {"Made-up Works", "Demo & Sons", "Example Labs", "Sample Union"}},
    {"tag", {"made-up", "demo", "example", "sample"}},
    {"keyword", {"made-up", "demo", "example", "sample"}},
    {"categor", {"made-up", "demo", "example", "sample"}},
    {"unit", {"celsius", "metres", "kilograms", "seconds"}},
    {"command", {"echo made up", "echo demo", "echo example", "echo sample"}},
    {"path", {"made/up.txt", "demo/notes.md", "example/data.csv", "sample/draft.json"}},
    {"title", {"A made-up title", "The demo", "An example", "A sample"}},
    {"people", {"Ada Lovelace", "Alan Turing", "Grace Hopper", "Edsger Dijkstra"}},
    {"person", {"Ada Lovelace", "Alan Turing", "Grace Hopper", "Edsger Dijkstra"}},
    {"author", {"Ada Lovelace", "Alan Turing", "Grace Hopper", "Edsger Dijkstra"}},
    {"friend", {"Ada Lovelace", "Alan Turing", "Grace Hopper", "Edsger Dijkstra"}},
    {"member", {"Ada Lovelace", "Alan Turing", "Grace Hopper", "Edsger Dijkstra"}},
    {"name", {"Ada Lovelace", "Alan Turing", "Grace Hopper", "Edsger Dijkstra"}},
};

static const struct {
    const char *word;
    double value;
} numbers[] = {
    {"age", 36},           {"year", 2026},         {"price", 19.95},    {"cost", 19.95},
    {"amount", 42.5},      {"total", 128},         {"rating", 4.5},     {"score", 0.87},
    {"confidence", 0.9},   {"probability", 0.75},  {"latitude", 38.72}, {"longitude", -9.14},
    {"temperature", 21.5}, {"population", 545000}, {"percent", 62},     {"height", 1.72},
    {"weight", 64.5},
};

/* Whether the name holds the word, whatever its case and its separators. */
static bool says(const char *name, const char *word) {
    char plain[128];
    size_t size = 0;
    for (; *name && size + 1 < sizeof plain; name++)
        if (*name != '_' && *name != '-' && *name != ' ')
            plain[size++] = *name;
    plain[size] = '\0';
    return strcasestr(plain, word) != NULL;
}

bool demo_number_hint(const char *name, double *value) {
    for (size_t i = 0; name && i < sizeof numbers / sizeof *numbers; i++)
        if (says(name, numbers[i].word)) {
            *value = numbers[i].value;
            return true;
        }
    return false;
}

static const struct hint *hint_of_format(const char *format, size_t size) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strlen(formats[i].word) == size && memcmp(formats[i].word, format, size) == 0)
            return &formats[i];
    return NULL;
}

/* Whether the sentence has the word for itself: "a date", not "a candidate". */
static bool has_word(const char *sentence, const char *word) {
    size_t size = strlen(word);
    for (const char *at = sentence; (at = strcasestr(at, word)); at += size)
        if ((at == sentence || !isalpha((unsigned char)at[-1])) &&
            !isalpha((unsigned char)at[size]))
            return true;
    return false;
}

static bool is_format(const struct hint *hint) {
    return hint->texts[0][0] == '{';
}

/* A format that the description speaks of. */
static const struct hint *described_hint(const json_t *schema) {
    const char *description = json_string_value(json_object_get(schema, "description"));
    for (size_t i = 0; description && i < sizeof names / sizeof *names; i++)
        if (is_format(&names[i]) && has_word(description, names[i].word))
            return &names[i];
    return NULL;
}

static const struct hint *hint_of(const json_t *schema, const char *name) {
    const char *format = json_string_value(json_object_get(schema, "format"));
    const struct hint *hint = format ? hint_of_format(format, strlen(format)) : NULL;
    if (format && !hint && (strstr(format, "uri") || strstr(format, "iri")))
        hint = hint_of_format("uri", 3);
    for (size_t i = 0; name && !hint && i < sizeof names / sizeof *names; i++)
        if (says(name, names[i].word))
            hint = &names[i];
    if (!hint)
        hint = described_hint(schema);
    if (hint && is_format(hint))
        hint = hint_of_format(hint->texts[0] + 1, strlen(hint->texts[0]) - 2);
    return hint;
}

/* What a person reads as the value of this property. */
static char *likely_text(const json_t *schema, const char *name, unsigned count) {
    const struct hint *hint = hint_of(schema, name);
    char *text = NULL;
    int size;
    if (hint && count < CHOICES)
        size = asprintf(&text, "%s", hint->texts[count]);
    else if (hint && hint >= names && hint < names + sizeof names / sizeof *names)
        size = asprintf(&text, "%s %u", hint->texts[count % CHOICES], count / CHOICES + 1);
    else if (hint)
        size = asprintf(&text, "%s", hint->texts[count % CHOICES]);
    else if (count == 0)
        size = asprintf(&text, MADE_UP);
    else
        size = asprintf(&text, MADE_UP ", %u", count + 1);
    if (size < 0)
        standin_fail("standin-cli: out of memory");
    return text;
}

/* All texts here are ASCII: a byte is a character. */
static bool fits(const char *text, size_t least, size_t most) {
    size_t size = strlen(text);
    return size >= least && size <= most;
}

static char *pattern_text(const char *pattern, unsigned count, size_t least, size_t most) {
    for (unsigned i = 0; pattern && i < PATTERN_TRIES; i++) {
        char *text = demo_pattern(pattern, count + i);
        if (text && fits(text, least, most))
            return text;
        free(text);
    }
    return NULL;
}

/* Of a length that is allowed. The end stays: it is what tells one text from another. */
static char *fit(char *text, size_t least, size_t most) {
    static const char filler[] = MADE_UP ", ";
    size_t size = strlen(text);
    if (size > most) {
        memmove(text, text + (size - most), most + 1);
    } else if (size < least) {
        char *longer = standin_must(malloc(least + 1));
        for (size_t i = 0; i < least - size; i++)
            longer[i] = filler[i % (sizeof filler - 1)];
        memcpy(longer + least - size, text, size + 1);
        free(text);
        return longer;
    }
    return text;
}

json_t *demo_string(const json_t *schema, const char *name, unsigned count) {
    const json_t *shortest = json_object_get(schema, "minLength");
    const json_t *longest = json_object_get(schema, "maxLength");
    size_t least = shortest ? (size_t)json_number_value(shortest) : 0;
    size_t most = longest ? (size_t)json_number_value(longest) : LONGEST_MADE;
    if (least > LONGEST_MADE)
        least = LONGEST_MADE;
    char *text =
        pattern_text(json_string_value(json_object_get(schema, "pattern")), count, least, most);
    if (!text)
        text = fit(likely_text(schema, name, count), least, most);
    json_t *value = standin_must(json_string(text));
    free(text);
    return value;
}
