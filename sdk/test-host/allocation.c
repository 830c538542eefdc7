/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations that fail on demand, and what a module did not free. */
#include "test-host/heap.h"
#include "test-host/host.h"
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

/* ---- failing */

bool host_may_allocate(struct koine_test_host *host) {
    return allocation_succeeds(&host->allocation);
}

bool koine_test_fail_allocation(struct koine_test_host *host, long n) {
    bool failed = atomic_exchange(&host->allocation.failed, false);
    atomic_store(&host->allocation.left, n);
    return failed;
}

bool koine_test_watches_memory(void) {
    return koine_test_heap_works && koine_test_heap_works();
}

bool allocation_inside(bool inside) {
    return koine_test_heap_inside ? koine_test_heap_inside(inside) : false;
}

/* ---- watching */

static struct library_range range_of(const struct dl_phdr_info *info) {
    struct library_range range = {NULL, NULL};
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        const char *at = (const char *)(info->dlpi_addr + part->p_vaddr);
        if (part->p_type != PT_LOAD)
            continue;
        range.begin = !range.begin || at < range.begin ? at : range.begin;
        range.end = at + part->p_memsz > range.end ? at + part->p_memsz : range.end;
    }
    return range;
}

/* By the beginning of the file's name. */
static bool is_named(const char *path, const char *name) {
    const char *slash = strrchr(path, '/');
    return strncmp(slash ? slash + 1 : path, name, strlen(name)) == 0;
}

static bool keeps_memory(const struct koine_test_host *host, const char *path) {
    static const char *const always[] = {"ld-linux", "libcrypto.so", "libssl.so"};
    for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
        if (is_named(path, always[i]))
            return true;
    for (const char *const *name = host->limits.lasting_libraries; name && *name; name++)
        if (is_named(path, *name))
            return true;
    return false;
}

static int look_at(struct dl_phdr_info *info, size_t size, void *data) {
    struct koine_test_host *host = data;
    struct allocation *allocation = &host->allocation;
    struct library_range range = range_of(info);
    (void)size;
    if (library_holds(range, (const char *)host->descriptor))
        allocation->module = range;
    else if (is_named(info->dlpi_name, "libjansson.so"))
        allocation->jansson = range;
    else if (allocation->lasting_count < LASTING_LIBRARIES && keeps_memory(host, info->dlpi_name))
        allocation->lasting[allocation->lasting_count++] = range;
    return 0;
}

void allocation_watch(struct koine_test_host *host) {
    struct allocation *allocation = &host->allocation;
    allocation->lasting_count = 0;
    dl_iterate_phdr(look_at, host);
    if (koine_test_heap_watch)
        koine_test_heap_watch(allocation);
}

/* ---- what is left */

struct left {
    const char *caller;
    size_t blocks, bytes;
};

enum { LEFT_PLACES = 32 };

struct left_list {
    struct left places[LEFT_PLACES]; /* nothing is allocated while blocks are visited */
    size_t count;
};

static void add_block(const struct heap_block *block, void *data) {
    struct left_list *list = data;
    size_t i = 0;
    while (i < list->count && list->places[i].caller != block->caller)
        i++;
    if (i == LEFT_PLACES)
        return;
    if (i == list->count)
        list->places[list->count++] = (struct left){.caller = block->caller};
    list->places[i].blocks++;
    list->places[i].bytes += block->size;
}

/* "hello.so+0x1234 (make_state)": as addr2line wants it. */
static void name_place(const char *address, char *out, size_t size) {
    Dl_info info;
    if (!dladdr(address, &info) || !info.dli_fname) {
        snprintf(out, size, "%p", (const void *)address);
        return;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    const char *file = slash ? slash + 1 : info.dli_fname;
    long offset = address - (const char *)info.dli_fbase;
    if (info.dli_sname && address - (const char *)info.dli_saddr < 4096)
        snprintf(out, size, "%s+0x%lx (%s or behind it)", file, (unsigned long)offset,
                 info.dli_sname);
    else
        snprintf(out, size, "%s+0x%lx", file, (unsigned long)offset);
}

void allocation_unwatch(struct koine_test_host *host) {
    struct left_list list = {.count = 0};
    char place[256];
    if (koine_test_heap_unwatch)
        koine_test_heap_unwatch(&host->allocation, add_block, &list);
    for (size_t i = 0; i < list.count; i++) {
        name_place(list.places[i].caller, place, sizeof(place));
        finding_add(host, "memory-left",
                    "%zu bytes in %zu blocks, allocated at %s, were not freed when destroy had "
                    "returned",
                    list.places[i].bytes, list.places[i].blocks, place);
    }
}

/* ---- rounds */

/* Takes the findings of one round; returns how many there were. */
static size_t finish_round(struct koine_test_host *host, size_t round) {
    koine_test_stop(host);
    size_t count = koine_test_finding_count(host);
    if (count)
        fprintf(stderr, "koine-test-host: when allocation %zu failed:\n", round);
    koine_test_report(host, stderr);
    host_free(host);
    return count;
}

size_t koine_test_each_allocation(const struct koine_test_options *options,
                                  void (*scenario)(struct koine_test_host *host, void *data),
                                  void *data, size_t *rounds) {
    enum { MOST_ROUNDS = 100000 };
    size_t findings = 0, round = 0;
    bool failed = true;
    while (failed && ++round < MOST_ROUNDS) {
        struct koine_test_error error;
        struct koine_test_host *refused, *host;
        host = host_create(options, (long)round, &refused, &error);
        if (host && scenario)
            scenario(host, data);
        if (!host)
            host = refused;
        failed = koine_test_fail_allocation(host, 0);
        if (!failed && host == refused) {
            fprintf(stderr, "koine-test-host: %s\n", error.message);
            findings++;
        }
        findings += finish_round(host, round);
    }
    if (rounds)
        *rounds = round - 1;
    return findings;
}
