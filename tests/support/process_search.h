/* SPDX-License-Identifier: Apache-2.0 */
/* Finds processes by a text in their command line, by reading /proc. Ends none. */
#ifndef SUPPORT_PROCESS_SEARCH_H
#define SUPPORT_PROCESS_SEARCH_H

#include <stdbool.h>

/* How many processes have an argument that equals `mark`; zombies have none. */
int process_search_count(const char *mark);
/* Looks until there are that many: true; false after `timeout_ms`. */
bool process_search_await(const char *mark, int count, unsigned timeout_ms);

#endif
