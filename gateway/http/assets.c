/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which file a path means, and what a browser may do with it. The viewer's file is read at the
 * first request for it and kept: a file that is replaced is seen after a restart.
 */
#include "http/assets.h"
#include "http/page.h"
#include <errno.h>
#include <fcntl.h>
#include <koine-module/embed.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

KOINE_EMBED(page_docs_html, "gateway/pages/docs.html");
KOINE_EMBED(page_docs_css, "gateway/pages/docs.css");
KOINE_EMBED(page_docs_js, "gateway/pages/docs.js");
KOINE_EMBED(page_console_html, "gateway/pages/console.html");
KOINE_EMBED(page_console_css, "gateway/pages/console.css");
KOINE_EMBED(page_console_js, "gateway/pages/console.js");
KOINE_EMBED(page_console_element, "gateway/pages/element.js");
KOINE_EMBED(page_console_events, "gateway/pages/events.js");
KOINE_EMBED(page_console_figures, "gateway/pages/figures.js");
KOINE_EMBED(page_console_gateway, "gateway/pages/gateway.js");
KOINE_EMBED(page_console_parts, "gateway/pages/parts.js");
KOINE_EMBED(page_console_request, "gateway/pages/request.js");
KOINE_EMBED(page_console_setup, "gateway/pages/setup.js");
KOINE_EMBED(page_console_sse, "gateway/pages/sse.js");
KOINE_EMBED(page_console_tree, "gateway/pages/tree.js");
KOINE_EMBED(page_console_turn, "gateway/pages/turn.js");

#define HTML "text/html; charset=utf-8"
#define CSS "text/css; charset=utf-8"
#define JAVASCRIPT "text/javascript; charset=utf-8"

/* Nothing from elsewhere, nobody around it. */
#define ONLY_ITSELF                                                                                \
    "Referrer-Policy: no-referrer\r\nCross-Origin-Opener-Policy: same-origin\r\n"                  \
    "Content-Security-Policy: default-src 'none'; script-src 'self'; connect-src 'self'; "         \
    "img-src 'self' data:; font-src 'self' data:; base-uri 'none'; form-action 'none'; "           \
    "frame-ancestors 'none'; style-src 'self'"

/* The viewer puts style elements into the page. */
static const char docs_headers[] = ONLY_ITSELF " 'unsafe-inline'\r\n";
static const char console_headers[] = ONLY_ITSELF "\r\n";

static const struct asset {
    const char *path;
    const struct koine_document *file;
    const char *content_type, *headers;
    bool is_docs; /* else the console */
} embedded[] = {
    {"/docs", &page_docs_html, HTML, docs_headers, true},
    {"/docs/docs.css", &page_docs_css, CSS, "", true},
    {"/docs/docs.js", &page_docs_js, JAVASCRIPT, "", true},
    {"/console", &page_console_html, HTML, console_headers, false},
    {"/console/console.css", &page_console_css, CSS, "", false},
    {"/console/console.js", &page_console_js, JAVASCRIPT, "", false},
    {"/console/element.js", &page_console_element, JAVASCRIPT, "", false},
    {"/console/events.js", &page_console_events, JAVASCRIPT, "", false},
    {"/console/figures.js", &page_console_figures, JAVASCRIPT, "", false},
    {"/console/gateway.js", &page_console_gateway, JAVASCRIPT, "", false},
    {"/console/parts.js", &page_console_parts, JAVASCRIPT, "", false},
    {"/console/request.js", &page_console_request, JAVASCRIPT, "", false},
    {"/console/setup.js", &page_console_setup, JAVASCRIPT, "", false},
    {"/console/sse.js", &page_console_sse, JAVASCRIPT, "", false},
    {"/console/tree.js", &page_console_tree, JAVASCRIPT, "", false},
    {"/console/turn.js", &page_console_turn, JAVASCRIPT, "", false},
};
enum { EMBEDDED = sizeof(embedded) / sizeof(*embedded), MAXIMUM_VIEWER = 32 * 1024 * 1024 };

/* The viewer as it is, and compressed. */
struct viewer {
    const char *name, *headers;
    struct koine_text text; /* malloc'd; none until it is asked for */
    char etag[PAGE_ETAG_SIZE];
};

struct assets {
    bool docs, console; /* are served */
    char etags[EMBEDDED][PAGE_ETAG_SIZE];
    struct viewer plain, compressed;
};

static struct koine_text text_of(const struct koine_document *file) {
    return file->text;
}

struct assets *assets_create(const struct config *config) {
    struct assets *assets = calloc(1, sizeof(*assets));
    if (!assets)
        return NULL;
    assets->docs = config->pages.docs;
    assets->console = config->pages.console;
    assets->plain = (struct viewer){.name = "scalar.js", .headers = "Vary: Accept-Encoding\r\n"};
    assets->compressed = (struct viewer){
        .name = "scalar.js.gz", .headers = "Vary: Accept-Encoding\r\nContent-Encoding: gzip\r\n"};
    for (size_t i = 0; i < EMBEDDED; i++)
        page_etag(text_of(embedded[i].file), assets->etags[i]);
    return assets;
}

void assets_destroy(struct assets *assets) {
    if (!assets)
        return;
    free((char *)(uintptr_t)assets->plain.text.data);
    free((char *)(uintptr_t)assets->compressed.text.data);
    free(assets);
}

/* ---- the viewer */

/* `name` in the first of the two folders that has it; -1. */
static int open_viewer(const char *name) {
    static const char *const places[] = {"docs", "../share/koine-gateway/docs"};
    char binary[PATH_MAX], path[PATH_MAX + 64];
    ssize_t size = readlink("/proc/self/exe", binary, sizeof(binary) - 1);
    binary[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(binary, '/');
    for (size_t i = 0; slash && i < sizeof(places) / sizeof(*places); i++) {
        slash[1] = '\0';
        snprintf(path, sizeof(path), "%s%s/%s", binary, places[i], name);
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd >= 0)
            return fd;
    }
    return -1;
}

/* All of it, malloc'd; none when it cannot be read. */
static struct koine_text read_all(int fd) {
    struct stat file;
    if (fstat(fd, &file) || !S_ISREG(file.st_mode) || file.st_size < 1 ||
        file.st_size > MAXIMUM_VIEWER)
        return (struct koine_text){0};
    size_t size = (size_t)file.st_size, used = 0;
    char *text = malloc(size);
    ssize_t got = 1;
    while (text && used < size && got > 0)
        if ((got = read(fd, text + used, size - used)) > 0)
            used += (size_t)got;
    if (text && used == size)
        return (struct koine_text){text, size};
    free(text);
    return (struct koine_text){0};
}

static bool load(struct viewer *viewer) {
    if (viewer->text.data)
        return true;
    int fd = open_viewer(viewer->name);
    if (fd < 0)
        return false;
    viewer->text = read_all(fd);
    close(fd);
    if (!viewer->text.data)
        return false;
    page_etag(viewer->text, viewer->etag);
    return true;
}

/* Whether Accept-Encoding (RFC 9110 section 12.5.3) names gzip without refusing it. */
static bool takes_gzip(const struct gate_head *head) {
    struct koine_text accepted;
    char list[256];
    if (!gate_field(head->fields, "Accept-Encoding", &accepted))
        return false;
    snprintf(list, sizeof(list), "%.*s", (int)accepted.size, accepted.data);
    char *gzip = strcasestr(list, "gzip");
    if (!gzip)
        return false;
    gzip += strlen("gzip");
    gzip += strspn(gzip, " \t");
    char *weight = *gzip == ';' ? strchr(gzip, '=') : NULL;
    return !weight || strtof(weight + 1, NULL) > 0;
}

static void answer_viewer(struct server *server, struct gate_connection *connection,
                          const struct gate_head *head, const char *id) {
    struct assets *assets = server->assets;
    struct viewer *viewer =
        takes_gzip(head) && load(&assets->compressed) ? &assets->compressed : &assets->plain;
    if (load(viewer)) {
        page_answer(server, connection, head, id,
                    &(struct page){.content_type = JAVASCRIPT,
                                   .headers = viewer->headers,
                                   .etag = viewer->etag,
                                   .body = viewer->text});
    } else if (page_is_read(server, connection, head, id)) {
        struct koine_failure failure = {0};
        failure_set(&failure, 404, "NOT_FOUND",
                    "The viewer of the reference is not installed: \"make\" fetches it where npm "
                    "is installed; /openapi.yaml is the same as text.");
        server_refuse(server, connection, NULL, id, &failure, "");
    }
}

/* ---- paths */

static bool path_is(const struct gate_head *head, const char *path) {
    return head->path.size == strlen(path) && memcmp(head->path.data, path, head->path.size) == 0;
}

static bool begins(const struct gate_head *head, const char *start) {
    return head->path.size >= strlen(start) && memcmp(head->path.data, start, strlen(start)) == 0;
}

/* The pages name their files relative to themselves, as a proxy may put them deeper. */
static bool redirected(struct server *server, struct gate_connection *connection,
                       const struct gate_head *head, const char *id) {
    bool docs = path_is(head, "/docs/");
    if (!docs && !path_is(head, "/console/"))
        return false;
    if (docs ? !server->assets->docs : !server->assets->console)
        return false;
    if (!page_is_read(server, connection, head, id))
        return true;
    char headers[256];
    int size = snprintf(headers, sizeof(headers), "Location: ../%s\r\nX-Request-Id: %s\r\n",
                        docs ? "docs" : "console", id);
    gate_answer(connection, 308, (struct koine_text){headers, (size_t)size}, KOINE_TEXT(""));
    return true;
}

bool assets_answer(struct server *server, struct gate_connection *connection,
                   const struct gate_head *head, const char *id) {
    struct assets *assets = server->assets;
    if (!begins(head, "/docs") && !begins(head, "/console"))
        return false;
    for (size_t i = 0; i < EMBEDDED; i++) {
        const struct asset *asset = &embedded[i];
        if (!(asset->is_docs ? assets->docs : assets->console) || !path_is(head, asset->path))
            continue;
        page_answer(server, connection, head, id,
                    &(struct page){.content_type = asset->content_type,
                                   .headers = asset->headers,
                                   .etag = assets->etags[i],
                                   .body = text_of(asset->file)});
        return true;
    }
    if (assets->docs && path_is(head, "/docs/scalar.js")) {
        answer_viewer(server, connection, head, id);
        return true;
    }
    return redirected(server, connection, head, id);
}
