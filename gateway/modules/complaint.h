/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host has to say about a module's manners: in the log in the module's name, and as
 * counters. A module that misbehaves without end does not fill the log.
 */
#ifndef MODULES_COMPLAINT_H
#define MODULES_COMPLAINT_H

#include <koine/base.h>
#include <stdbool.h>
#include <stdint.h>

struct module;
struct module_set;

enum { COMPLAINTS_A_SECOND = 5 };

/* Of one module; all zero at first. */
struct complaints {
    uint64_t second_ms; /* when the running second began */
    unsigned said;      /* in it */
    unsigned more;      /* that were not logged */
};

/* Logs, COMPLAINTS_A_SECOND at most; how many more there were is said a second later.
 * [any-thread] */
void module_complain(struct module *module, int level, struct koine_text request_id,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Says at once how many more there were, if any. [loop] */
void module_complain_rest(struct module *module);

/* Those of a set: they need its loop for what is said later. */
struct complaint_book;
struct complaint_book *complaint_book_create(struct module_set *set); /* NULL: no memory */
void complaint_book_destroy(struct complaint_book *book);             /* takes NULL */

/* Counts; a module's series are there, at 0, from module_count_begin on. [loop] */
void module_count_begin(struct module *module);
void module_count_slow_call(struct module *module);
void module_count_unanswered(struct module *module);

#endif
