/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each file is read at the first request for it and kept: one that is replaced is seen after a
 * restart. What is kept is bounded by what is installed: a name that is no file costs nothing.
 */
#include "http/viewer.h"
#include "http/page.h"
#include "ops/beside.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "/docs/scalar/"

enum { NAME_SIZE = 128, MAXIMUM_FILE = 32 * 1024 * 1024 };

/* As it is, or compressed: then its name ends in .gz. */
struct viewer_file {
    struct viewer_file *next;
    char name[NAME_SIZE];
    struct koine_text text; /* malloc'd */
    char etag[PAGE_ETAG_SIZE];
};

struct viewer {
    struct viewer_file *files;
};

struct viewer *viewer_create(void) {
    return calloc(1, sizeof(struct viewer));
}

static void file_destroy(struct viewer_file *file) {
    free((char *)(uintptr_t)file->text.data);
    free(file);
}

void viewer_destroy(struct viewer *viewer) {
    struct viewer_file *next = viewer ? viewer->files : NULL;
    for (struct viewer_file *file; (file = next);) {
        next = file->next;
        file_destroy(file);
    }
    free(viewer);
}

/* ---- names */

static bool skip(struct koine_text *text, const char *start) {
    size_t size = strlen(start);
    if (text->size < size || memcmp(text->data, start, size) != 0)
        return false;
    text->data += size;
    text->size -= size;
    return true;
}

/* NAME.js or chunks/NAME.js, of letters, digits, `_`, `-` and dots that neither begin it nor meet:
 * no way leads out of the folder. */
static bool is_script(struct koine_text name) {
    static const char characters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    skip(&name, "chunks/");
    if (name.size <= 3 || memcmp(name.data + name.size - 3, ".js", 3) != 0)
        return false;
    char last = '.';
    for (size_t i = 0; i < name.size; i++) {
        if (!memchr(characters, name.data[i], sizeof(characters) - 1) ||
            (name.data[i] == '.' && last == '.'))
            return false;
        last = name.data[i];
    }
    return true;
}

/* ---- files */

/* `name` in the first of the two folders that has it; -1. */
static int open_file(const char *name) {
    static const char *const places[] = {"docs", "../share/koine-gateway/docs"};
    int fd = -1;
    for (size_t i = 0; fd < 0 && i < sizeof(places) / sizeof(*places); i++) {
        char place[64 + NAME_SIZE];
        snprintf(place, sizeof(place), "%s/scalar/%s", places[i], name);
        char *path = beside_program(place);
        fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
        free(path);
    }
    return fd;
}

/* All of it, malloc'd; none when it cannot be read. */
static struct koine_text read_all(int fd) {
    struct stat file;
    if (fstat(fd, &file) || !S_ISREG(file.st_mode) || file.st_size < 1 ||
        file.st_size > MAXIMUM_FILE)
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

static struct viewer_file *load(const char *name) {
    int fd = open_file(name);
    if (fd < 0)
        return NULL;
    struct koine_text text = read_all(fd);
    close(fd);
    struct viewer_file *file = text.data ? calloc(1, sizeof(*file)) : NULL;
    if (!file) {
        free((char *)(uintptr_t)text.data);
        return NULL;
    }
    snprintf(file->name, sizeof(file->name), "%s", name);
    file->text = text;
    page_etag(text, file->etag);
    return file;
}

/* NULL when there is none. */
static const struct viewer_file *find(struct viewer *viewer, const char *name) {
    for (struct viewer_file *file = viewer->files; file; file = file->next)
        if (strcmp(file->name, name) == 0)
            return file;
    struct viewer_file *loaded = load(name);
    if (!loaded)
        return NULL;
    loaded->next = viewer->files;
    viewer->files = loaded;
    return loaded;
}

/* ---- answers */

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

static void answer_missing(struct server *server, struct gate_connection *connection,
                           const struct gate_head *head, const char *id) {
    if (!page_is_read(server, connection, head, id))
        return;
    struct koine_failure failure = {0};
    failure_set(&failure, 404, "NOT_FOUND",
                "The viewer of the reference is not installed: \"make\" fetches it where npm is "
                "installed; /openapi.yaml is the same as text.");
    server_refuse(server, connection, NULL, id, &failure, "");
}

bool viewer_answer(struct viewer *viewer, struct server *server, struct gate_connection *connection,
                   const struct gate_head *head, const char *id) {
    struct koine_text path = head->path;
    char name[NAME_SIZE];
    if (!skip(&path, PREFIX) || !is_script(path) || path.size + sizeof(".gz") > sizeof(name))
        return false;
    int size = snprintf(name, sizeof(name), "%.*s.gz", (int)path.size, path.data);
    const struct viewer_file *file = takes_gzip(head) ? find(viewer, name) : NULL;
    bool compressed = file != NULL;
    name[size - 3] = '\0';
    if (!file && !(file = find(viewer, name))) {
        answer_missing(server, connection, head, id);
        return true;
    }
    page_answer(
        server, connection, head, id,
        &(struct page){.content_type = "text/javascript; charset=utf-8",
                       .headers = compressed ? "Vary: Accept-Encoding\r\nContent-Encoding: gzip\r\n"
                                             : "Vary: Accept-Encoding\r\n",
                       .etag = file->etag,
                       .body = file->text});
    return true;
}
