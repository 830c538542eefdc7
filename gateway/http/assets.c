/* SPDX-License-Identifier: Apache-2.0 */
/* Which page a path means, and what a browser may do with it. */
#include "http/assets.h"
#include "http/page.h"
#include "http/viewer.h"
#include <koine-module/embed.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

KOINE_EMBED(page_docs_html, "gateway/pages/docs/docs.html");
KOINE_EMBED(page_docs_css, "gateway/pages/docs/docs.css");
KOINE_EMBED(page_docs_js, "gateway/pages/docs/docs.js");
KOINE_EMBED(page_console_html, "gateway/pages/console/console.html");
KOINE_EMBED(page_console_css, "gateway/pages/console/console.css");
KOINE_EMBED(page_console_js, "gateway/pages/console/console.js");
KOINE_EMBED(page_console_element, "gateway/pages/console/element.js");
KOINE_EMBED(page_console_events, "gateway/pages/console/events.js");
KOINE_EMBED(page_console_figures, "gateway/pages/console/figures.js");
KOINE_EMBED(page_console_gateway, "gateway/pages/console/gateway.js");
KOINE_EMBED(page_console_parts, "gateway/pages/console/parts.js");
KOINE_EMBED(page_console_request, "gateway/pages/console/request.js");
KOINE_EMBED(page_console_setup, "gateway/pages/console/setup.js");
KOINE_EMBED(page_console_sse, "gateway/pages/console/sse.js");
KOINE_EMBED(page_console_tree, "gateway/pages/console/tree.js");
KOINE_EMBED(page_console_turn, "gateway/pages/console/turn.js");

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
enum { EMBEDDED = sizeof(embedded) / sizeof(*embedded) };

struct assets {
    bool docs, console;                   /* are served */
    char etags[EMBEDDED][PAGE_ETAG_SIZE]; /* each empty until it is asked for */
    struct viewer *viewer;
};

struct assets *assets_create(const struct config *config) {
    struct assets *assets = calloc(1, sizeof(*assets));
    if (!assets)
        return NULL;
    assets->docs = config->pages.docs;
    assets->console = config->pages.console;
    assets->viewer = viewer_create();
    if (!assets->viewer) {
        free(assets);
        return NULL;
    }
    return assets;
}

void assets_destroy(struct assets *assets) {
    if (!assets)
        return;
    viewer_destroy(assets->viewer);
    free(assets);
}

/* ---- paths */

static bool begins(const struct gate_head *head, const char *start) {
    return head->path.size >= strlen(start) && memcmp(head->path.data, start, strlen(start)) == 0;
}

static void redirect(struct gate_connection *connection, int status, const char *target,
                     const char *id) {
    char headers[256];
    int size =
        snprintf(headers, sizeof(headers), "Location: %s\r\nX-Request-Id: %s\r\n", target, id);
    gate_answer(connection, status, (struct koine_text){headers, (size_t)size}, KOINE_TEXT(""));
}

/* The pages name their files relative to themselves, as a proxy may put them deeper. */
static bool redirected(struct server *server, struct gate_connection *connection,
                       const struct gate_head *head, const char *id) {
    bool docs = page_path_is(head, "/docs/");
    if (!docs && !page_path_is(head, "/console/"))
        return false;
    if (docs ? !server->assets->docs : !server->assets->console)
        return false;
    if (page_is_read(server, connection, head, id))
        redirect(connection, 308, docs ? "../docs" : "../console", id);
    return true;
}

bool assets_answer_root(struct server *server, struct gate_connection *connection,
                        const struct gate_head *head, const char *id) {
    const struct assets *assets = server->assets;
    struct koine_text accepted;
    if (!page_is_asked_for(head) || !page_path_is(head, "/") ||
        !(assets->docs || assets->console) || !gate_field(head->fields, "Accept", &accepted) ||
        !accepted.size || !memmem(accepted.data, accepted.size, "text/html", strlen("text/html")))
        return false;
    redirect(connection, 302, assets->docs ? "docs" : "console", id);
    return true;
}

bool assets_answer(struct server *server, struct gate_connection *connection,
                   const struct gate_head *head, const char *id) {
    struct assets *assets = server->assets;
    if (!begins(head, "/docs") && !begins(head, "/console"))
        return false;
    for (size_t i = 0; i < EMBEDDED; i++) {
        const struct asset *asset = &embedded[i];
        if (!(asset->is_docs ? assets->docs : assets->console) || !page_path_is(head, asset->path))
            continue;
        if (!*assets->etags[i])
            page_etag(asset->file->text, assets->etags[i]);
        page_answer(server, connection, head, id,
                    &(struct page){.content_type = asset->content_type,
                                   .headers = asset->headers,
                                   .etag = assets->etags[i],
                                   .body = asset->file->text});
        return true;
    }
    return (assets->docs && viewer_answer(assets->viewer, server, connection, head, id)) ||
           redirected(server, connection, head, id);
}
