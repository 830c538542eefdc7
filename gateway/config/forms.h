/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms that texts of the configuration must have, each with the words that describe it.
 * Knows one text at a time; whether it fits with others is checked elsewhere.
 */
#ifndef CONFIG_FORMS_H
#define CONFIG_FORMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct form {
    const char *expected; /* completes "expected …" */
    bool (*matches)(const char *text);
    bool any_scalar; /* 5 and true are taken as text even without quotes */
};

extern const struct form form_text;        /* not empty */
extern const struct form form_path;        /* absolute */
extern const struct form form_command;     /* absolute path, or a bare name for PATH */
extern const struct form form_name;        /* of keys and profiles: [a-z0-9-]{1,32} */
extern const struct form form_class;       /* of slot classes: [A-Za-z0-9._-]{1,64} */
extern const struct form form_module;      /* name, or path */
extern const struct form form_route;       /* "/generate-text", "/v1/" + "*" */
extern const struct form form_served_path; /* "/ask", "/v1/models/{model}" */
extern const struct form form_user;        /* of the system: a name, not a number */
extern const struct form form_variable;    /* the name of an environment variable for the CLI */

/* What stands in place of a secret in printed configurations; never taken as a value. */
#define FORM_MASK "***"

/* Environment variable that holds the gateway's own key; never given to the CLI. */
#define FORM_KEY_VARIABLE "CLAUDE_CODE_GATEWAY_API_KEY"

/* 64 hexadecimal digits to 32 bytes. Returns 0, or -1 with `hash` untouched. */
int form_sha256(const char *text, unsigned char hash[32]);

/* "127.0.0.1:3100", "[::1]:3100", ":3100" or "3100". Without a host, `host` becomes an empty
 * string. Returns NULL, or the words after "expected". */
const char *form_listen(const char *text, char *host, size_t size, uint16_t *port);

#endif
