/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows pointers from the variables of libraries, as a conservative garbage collector does: any
 * word that is the address of a block counts as a pointer to it.
 */
#include "test-host/heap_lasting.h"
#include <link.h>
#include <string.h>

struct search {
    const struct heap_table *table;
    struct library_range module;
    bool found; /* another block in this round */
};

static void mark_from(struct search *search, const char *begin, size_t size) {
    for (size_t at = 0; at + sizeof(void *) <= size; at += sizeof(void *)) {
        const void *word;
        memcpy(&word, begin + at, sizeof(word));
        struct heap_block *block = heap_find(search->table, word);
        if (block && !block->lasts)
            block->lasts = search->found = true;
    }
}

static struct library_range part_of(const struct dl_phdr_info *info, const ElfW(Phdr) * part) {
    const char *begin = (const char *)(info->dlpi_addr + part->p_vaddr);
    return (struct library_range){begin, begin + part->p_memsz};
}

static bool is_module(const struct search *search, const struct dl_phdr_info *info) {
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD &&
            library_holds(search->module, part_of(info, &info->dlpi_phdr[i]).begin))
            return true;
    return false;
}

/* The program has no name in the list; nor has the kernel's own library, which has no variables. */
static int look_at(struct dl_phdr_info *info, size_t size, void *data) {
    struct search *search = data;
    (void)size;
    if (!*info->dlpi_name || is_module(search, info))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & (PF_R | PF_W)) == (PF_R | PF_W))
            mark_from(search, part_of(info, part).begin, part->p_memsz);
    }
    return 0;
}

void heap_mark_lasting(const struct heap_table *table, struct library_range module) {
    struct search search = {.table = table, .module = module};
    dl_iterate_phdr(look_at, &search);
    while (search.found) {
        search.found = false;
        for (size_t i = 0; i < table->capacity; i++)
            if (table->places[i].address && table->places[i].lasts)
                mark_from(&search, table->places[i].address, table->places[i].size);
    }
}
