/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms that texts of the configuration must have.
 * Looks at the text alone, never at the file system.
 */
#include "config/forms.h"

#include "config/scalar.h"
#include "http/route_path.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

enum { MAXIMUM_PATH = 4095, MAXIMUM_TEXT = 64 * 1024 };

static bool made_of(const char *text, const char *characters, size_t maximum) {
    size_t size = strlen(text);
    return size > 0 && size <= maximum && strspn(text, characters) == size;
}

static bool is_text(const char *text) {
    return *text != '\0' && strlen(text) <= MAXIMUM_TEXT;
}

static bool is_path(const char *text) {
    return *text == '/' && strlen(text) <= MAXIMUM_PATH;
}

static bool is_command(const char *text) {
    return is_path(text) || (is_text(text) && strchr(text, '/') == NULL);
}

static bool is_name(const char *text) {
    return made_of(text, LOWER DIGITS "-", 32);
}

static bool is_user(const char *text) {
    return made_of(text, LOWER UPPER DIGITS "_-.$", 32) && strchr(DIGITS "-.$", *text) == NULL;
}

static bool is_class(const char *text) {
    return made_of(text, LOWER UPPER DIGITS "._-", 64);
}

static bool is_module(const char *text) {
    bool beside_config = strncmp(text, "./", 2) == 0 || strncmp(text, "../", 3) == 0;
    return is_path(text) || beside_config || made_of(text, LOWER UPPER DIGITS "._-", 64);
}

static bool is_route(const char *text) {
    size_t size = strlen(text);
    const char *star = strchr(text, '*');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~') { /* outside printable ASCII */
            return false;
        }
    }
    return *text == '/' && size <= 1024 && (star == NULL || star[1] == '\0');
}

static bool is_served_path(const char *text) {
    return route_path_problem(text) == NULL;
}

static bool is_variable(const char *text) {
    return made_of(text, LOWER UPPER DIGITS "_", 255) && strchr(DIGITS, *text) == NULL &&
           strcmp(text, FORM_KEY_VARIABLE) != 0;
}

const struct form form_text = {"text that is not empty", is_text, false};
const struct form form_path = {"an absolute path (it begins with \"/\")", is_path, false};
const struct form form_command = {"an absolute path, or a name without \"/\" to look up on PATH",
                                  is_command, false};
const struct form form_name = {"1 to 32 of a-z, 0-9 and \"-\"", is_name, true};
const struct form form_user = {"the name of a user of this system", is_user, true};
const struct form form_class = {"1 to 64 of A-Z, a-z, 0-9, \".\", \"_\" and \"-\"", is_class, true};
const struct form form_module = {"a module's name, or its path, which begins with \"/\" or, from "
                                 "where this file is, with \"./\"",
                                 is_module, true};
const struct form form_route = {
    "a path such as \"/generate-text\", or a prefix of paths such as \"/v1/*\"", is_route, false};
const struct form form_served_path = {
    "a path such as \"/ask\" or \"/models/{model}\", as clients call it", is_served_path, false};
const struct form form_variable = {
    "the name of an environment variable other than " FORM_KEY_VARIABLE
    " (the gateway's own key is never given to the CLI)",
    is_variable, false};

static int hex_digit(char character) {
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = character != '\0' ? strchr(digits, character) : NULL;
    return at != NULL ? (int)((at - digits) % 16) : -1;
}

int form_sha256(const char *text, unsigned char hash[32]) {
    unsigned char bytes[32];
    if (strlen(text) != 2 * sizeof bytes) {
        return -1;
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return -1;
        }
        bytes[i] = (unsigned char)(high * 16 + low);
    }
    memcpy(hash, bytes, sizeof bytes);
    return 0;
}

static bool is_port(const char *text, uint16_t *port) {
    int64_t value = 0;
    if (strspn(text, DIGITS) > 5 || scalar_integer(text, &value) != 0 || value < 0 ||
        value > UINT16_MAX) {
        return false;
    }
    *port = (uint16_t)value;
    return true;
}

static bool is_address(const char *text, bool version6) {
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(version6 ? AF_INET6 : AF_INET, text, bytes) == 1;
}

const char *form_listen(const char *text, char *host, size_t size, uint16_t *port) {
    static const char expected[] =
        "\"ADDRESS:PORT\" such as \"127.0.0.1:3100\", \"[::1]:3100\" or just \"3100\"";
    const char *colon = strrchr(text, ':');
    const char *digits = colon != NULL ? colon + 1 : text;
    size_t length = colon != NULL ? (size_t)(colon - text) : 0;
    bool brackets = length >= 2 && text[0] == '[' && text[length - 1] == ']';
    const char *begin = brackets ? text + 1 : text;
    length -= brackets ? 2 : 0;
    uint16_t number = 0;
    char address[INET6_ADDRSTRLEN];

    if (!is_port(digits, &number) || length >= sizeof address || length >= size) {
        return expected;
    }
    memcpy(address, begin, length);
    address[length] = '\0';
    if (strcmp(address, "*") == 0) {
        return "an address: \"0.0.0.0\" is every IPv4 address, \"[::]\" every IPv6 address";
    }
    if (strcmp(address, "localhost") == 0 && !brackets) {
        snprintf(address, sizeof address, "127.0.0.1");
    }
    if ((address[0] != '\0' || brackets) && !is_address(address, brackets)) {
        return expected;
    }
    snprintf(host, size, "%s", address);
    *port = number;
    return NULL;
}
