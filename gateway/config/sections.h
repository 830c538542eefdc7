/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a configuration that are no single value: keys, profiles, slot classes, variables,
 * settings and routes of modules. How each is read and how it is written again, as the tables of
 * keys call it.
 */
#ifndef CONFIG_SECTIONS_H
#define CONFIG_SECTIONS_H

#include "config/reader.h"

void section_read_listen(struct reader *reader, void *member, const struct node *node,
                         const char *shown);
void section_read_keys(struct reader *reader, void *member, const struct node *node,
                       const char *shown);
void section_read_sha256(struct reader *reader, void *member, const struct node *node,
                         const char *shown);
void section_read_classes(struct reader *reader, void *member, const struct node *node,
                          const char *shown);
void section_read_environment(struct reader *reader, void *member, const struct node *node,
                              const char *shown);
void section_read_profiles(struct reader *reader, void *member, const struct node *node,
                           const char *shown);
void section_read_flags(struct reader *reader, void *member, const struct node *node,
                        const char *shown);
void section_read_settings(struct reader *reader, void *member, const struct node *node,
                           const char *shown);
void section_read_routes(struct reader *reader, void *member, const struct node *node,
                         const char *shown);

/* `base` is the struct that the table describes. A new reference; NULL: out of memory. Secrets
 * are masked. */
json_t *section_write_listen(const void *base, const void *member);
json_t *section_write_keys(const void *base, const void *member);
json_t *section_write_sha256(const void *base, const void *member);
json_t *section_write_classes(const void *base, const void *member);
json_t *section_write_environment(const void *base, const void *member);
json_t *section_write_profiles(const void *base, const void *member);
json_t *section_write_flags(const void *base, const void *member);
json_t *section_write_settings(const void *base, const void *member);
json_t *section_write_routes(const void *base, const void *member);

/* True for names of settings whose values are not printed: *key*, *secret*, *token*, *password*,
 * in any case. */
bool section_name_is_secret(const char *name);

#endif
