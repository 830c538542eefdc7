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

/* Whose code lies where: of the library that holds `address`. */
struct search {
    const char *address;
    const char *begin, *end;
};

static int look_at(struct dl_phdr_info *info, size_t size, void *data) {
    struct search *search = data;
    const char *begin = NULL, *end = NULL;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        const char *at = (const char *)(info->dlpi_addr + part->p_vaddr);
        if (part->p_type != PT_LOAD)
            continue;
        begin = !begin || at < begin ? at : begin;
        end = at + part->p_memsz > end ? at + part->p_memsz : end;
    }
    if (search->address < begin || search->address >= end)
        return 0;
    search->begin = begin;
    search->end = end;
    return 1;
}

static struct search library_of(const void *address) {
    struct search search = {.address = address};
    dl_iterate_phdr(look_at, &search);
    return search;
}

void allocation_watch(struct koine_test_host *host) {
    struct allocation *allocation = &host->allocation;
    struct search module = library_of(host->descriptor);
    struct search loader = library_of(dlsym(RTLD_DEFAULT, "__tls_get_addr"));
    allocation->module_begin = module.begin;
    allocation->module_end = module.end;
    allocation->loader_begin = loader.begin;
    allocation->loader_end = loader.end;
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
