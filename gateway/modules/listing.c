/* SPDX-License-Identifier: Apache-2.0 */
/* Text about modules, aligned for people, with words at fixed places for grep. */
#include "modules/listing.h"
#include "policy/slots.h"
#include <string.h>

#define INDENT "         "

/* Of the columns of routes, the same for all modules. */
struct widths {
    int method, path, class;
};

static const char *class_name(const struct route *route) {
    return route->slot_class ? slot_class_name(route->slot_class) : "none";
}

/* "/models (with anthropic-version)": as route_name, in a column of its own. */
static const char *path_column(const struct route *route, struct route_name *name) {
    return strchr(route_name(&route->as, name), ' ') + 1;
}

static void widen(int *width, const char *text) {
    int size = (int)strlen(text);
    if (size > *width)
        *width = size;
}

static struct widths measure(const struct module_set *set) {
    struct widths widths = {0};
    for (size_t i = 0; i < set->count; i++)
        for (size_t j = 0; j < set->items[i]->route_count; j++) {
            const struct route *route = &set->items[i]->routes[j].route;
            struct route_name name = {""};
            widen(&widths.method, route->as.method);
            widen(&widths.path, path_column(route, &name));
            widen(&widths.class, class_name(route));
        }
    return widths;
}

static void write_route(const struct module_route *entry, const struct widths *widths, FILE *out) {
    const struct route *route = &entry->route;
    struct route_name name = {""};
    bool public = route->as.authentication == KOINE_AUTH_NONE;
    bool moved = strcmp(route->as.path, route->given_path) != 0;
    fprintf(out, INDENT "%-*s %-*s  slot class %-*s  authentication %s", widths->method,
            route->as.method, widths->path, path_column(route, &name), widths->class,
            class_name(route), public ? "none" : "required");
    if (moved)
        fprintf(out, "%s  moved from %s", public ? "    " : "", route->given_path);
    if (!entry->enabled)
        fprintf(out, "%s  disabled", public && !moved ? "    " : "");
    fputc('\n', out);
}

static void write_module(const struct module *module, const struct widths *widths, FILE *out) {
    const struct koine_module *descriptor = module->descriptor;
    fprintf(out, "loaded   %s %s (module ABI %u.%u): %s\n" INDENT "%s\n", descriptor->name,
            descriptor->version, descriptor->abi_major, descriptor->abi_minor, descriptor->summary,
            module->path);
    for (size_t i = 0; i < module->route_count; i++)
        write_route(&module->routes[i], widths, out);
    if (!module->route_count)
        fputs(INDENT "no routes\n", out);
}

static const char *sentence_of(const struct module_refusal *refusal) {
    return refusal->sentence ? refusal->sentence : "out of memory";
}

/* The sentence names the path, which stands there already. */
static void write_refusal(const struct module_refusal *refusal, FILE *out) {
    const char *sentence = sentence_of(refusal), *path = refusal->path;
    if (!path) {
        fprintf(out, "problem  %s\n", sentence);
        return;
    }
    size_t size = strlen(path);
    if (strncmp(sentence, "module ", 7) == 0 && strncmp(sentence + 7, path, size) == 0 &&
        strncmp(sentence + 7 + size, ": ", 2) == 0)
        sentence += 7 + size + 2;
    fprintf(out, "refused  %s%s%s%s%s\n", refusal->name ? refusal->name : "",
            refusal->version ? " " : "", refusal->version ? refusal->version : "",
            refusal->name ? "\n" INDENT : "", path);
    fprintf(out, INDENT "%s\n", sentence);
}

void listing_write(const struct module_set *set, FILE *out) {
    struct widths widths = measure(set);
    size_t refused = 0;
    for (size_t i = 0; i < set->count; i++)
        write_module(set->items[i], &widths, out);
    for (size_t i = 0; i < set->refusal_count; i++) {
        write_refusal(&set->refusals[i], out);
        refused += set->refusals[i].path != NULL;
    }
    fprintf(out, "%zu loaded, %zu refused, %zu problems\n", set->count, refused,
            set->refusal_count - refused);
}

void listing_write_refusals(const struct module_set *set, FILE *out) {
    for (size_t i = 0; i < set->refusal_count; i++)
        fprintf(out, "koine-gateway: %s\n", sentence_of(&set->refusals[i]));
}
