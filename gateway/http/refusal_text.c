/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences about one request that nobody serves. Nothing is decided here. */
#include "http/refusal_text.h"
#include "config/nearest.h"
#include <stdio.h>
#include <string.h>

enum { SHOWN_PATH = 100, SHOWN_METHOD = 20 };

/* Text of a client, as much as fits a sentence. The gate lets nothing but ASCII pass here; whoever
 * calls the test host may send more, so that a character is not cut. */
struct shown {
    int size;
    const char *rest; /* "…" when there is more */
};

static struct shown shorten(struct koine_text text, size_t most) {
    size_t size = text.size <= most ? text.size : most;
    while (size && size < text.size && ((unsigned char)text.data[size] & 0xC0) == 0x80)
        size--;
    return (struct shown){(int)size, size < text.size ? "…" : ""};
}

struct guess {
    const char *path; /* NULL: nothing is near */
    size_t distance;
};

/* Whatever else differs, each character too many counts one: most paths are out by their length. */
static void consider(struct guess *best, const char *known, const char *asked) {
    size_t known_size = strlen(known), asked_size = strlen(asked);
    if (known_size >= asked_size + best->distance || asked_size >= known_size + best->distance)
        return;
    size_t distance = nearest_distance(known, asked);
    if (distance < best->distance)
        *best = (struct guess){known, distance};
}

/* Paths with parameters are none that could be typed, so they are not proposed. */
static const char *probably_meant(const struct router *router, const char *path) {
    struct guess best = {NULL, nearest_limit(path)};
    for (size_t i = 0; i < router_count(router); i++) {
        const char *known = router_at(router, i)->as.path;
        if (!strchr(known, '{'))
            consider(&best, known, path);
    }
    for (size_t i = 0; router_pages[i]; i++)
        consider(&best, router_pages[i], path);
    return best.path;
}

const char *refusal_unknown_path(struct refusal_text *out, const struct router *router,
                                 struct koine_text path) {
    const struct shown shown = shorten(path, SHOWN_PATH);
    char asked[SHOWN_PATH + 1];
    snprintf(asked, sizeof(asked), "%.*s", shown.size, path.data);
    const char *meant = *shown.rest ? NULL : probably_meant(router, asked);
    snprintf(out->text, sizeof(out->text),
             "Nothing is served at %s%s%s%.200s%s /openapi.yaml lists every path, /docs shows them "
             "unless it is turned off.",
             asked, shown.rest, meant ? "; did you mean " : "", meant ? meant : "",
             meant ? "?" : ":");
    return out->text;
}

const char *refusal_wrong_method(struct refusal_text *out, struct koine_text method,
                                 struct koine_text path, const char *allow) {
    const struct shown verb = shorten(method, SHOWN_METHOD), where = shorten(path, SHOWN_PATH);
    snprintf(out->text, sizeof(out->text), "%.*s%s is not served at %.*s%s, only %s.", verb.size,
             method.data, verb.rest, where.size, path.data, where.rest, allow);
    return out->text;
}

const char *refusal_large_body(struct refusal_text *out, const struct route *route,
                               uint64_t limit_bytes) {
    snprintf(out->text, sizeof(out->text),
             "The body of the request is larger than the %llu bytes that this route accepts: send "
             "less, or have %s raised.",
             (unsigned long long)limit_bytes,
             route && route->as.max_body_bytes
                 ? "the limit of its module"
                 : "http.max_body_bytes in the gateway's configuration");
    return out->text;
}

const char *refusal_large_head(struct refusal_text *out, uint64_t limit_bytes) {
    snprintf(out->text, sizeof(out->text),
             "The head of the request, its line and all its headers, is larger than %llu bytes: "
             "send less, or have http.max_head_bytes in the gateway's configuration raised.",
             (unsigned long long)limit_bytes);
    return out->text;
}
