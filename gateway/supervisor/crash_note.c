/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handler of fatal signals. It looks through the stack of the thread that crashed for an
 * address in a module's code: not a backtrace, but it needs nothing that a crash may have broken.
 * It reads by a system call, which fails where the stack ends, and then lets the signal have its
 * effect.
 */
#include "supervisor/crash_note.h"
#include <link.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, SEARCHED_PAGES = 8 };

static struct worker_notes *crash_notes; /* a handler has no other way to it; set once */

static unsigned module_at(const struct worker_notes *notes, uintptr_t address) {
    for (unsigned i = 0; i < NOTES_MODULES; i++)
        if (address >= notes->code[i].begin && address < notes->code[i].end)
            return i + 1;
    return 0;
}

/* Where the thread was, and the end of its stack. Between that and our own frame lie its vector
 * registers, which hold what somebody else has left in them. */
static void read_context(const ucontext_t *context, uintptr_t *instruction, uintptr_t *stack) {
#if defined(__x86_64__)
    *instruction = (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
    *stack = (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    *instruction = (uintptr_t)context->uc_mcontext.pc;
    *stack = (uintptr_t)context->uc_mcontext.sp;
#else
    *instruction = 0;
    *stack = (uintptr_t)(context + 1);
#endif
}

/* From there upwards, the innermost frame first. */
static unsigned module_on_stack(const struct worker_notes *notes, uintptr_t at) {
    for (int page = 0; page < SEARCHED_PAGES; page++) {
        uintptr_t words[PAGE_BYTES / sizeof(uintptr_t)];
        size_t size = PAGE_BYTES - at % PAGE_BYTES;
        struct iovec to = {words, size}, from = {(void *)at, size};
        if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != (ssize_t)size)
            break;
        for (size_t i = 0; i < size / sizeof(uintptr_t); i++) {
            unsigned module = module_at(notes, words[i]);
            if (module)
                return module;
        }
        at += size;
    }
    return 0;
}

static unsigned module_of_thread(const struct worker_notes *notes, const ucontext_t *context) {
    uintptr_t instruction, stack;
    read_context(context, &instruction, &stack);
    unsigned module = module_at(notes, instruction);
    return module ? module : module_on_stack(notes, stack & ~(uintptr_t)(sizeof(stack) - 1));
}

static void on_fatal(int number, siginfo_t *info, void *context) {
    pid_t thread = (pid_t)syscall(SYS_gettid);
    if (thread != getpid() && info->si_code != SI_USER) {
        unsigned module = module_of_thread(crash_notes, context);
        atomic_store(&crash_notes->crashed_thread, module ? module : NOTES_SOME_THREAD);
    }
    if (info->si_code <= 0) /* else the instruction is run again, and that is the end */
        syscall(SYS_tgkill, getpid(), thread, number);
}

void crash_note_install(struct worker_notes *notes) {
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    struct sigaction action = {.sa_sigaction = on_fatal,
                               .sa_flags = SA_SIGINFO | (int)SA_RESETHAND};
    crash_notes = notes;
    for (size_t i = 0; i < sizeof(fatal) / sizeof(*fatal); i++) {
        struct sigaction before;
        if (sigaction(fatal[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(fatal[i], &action, NULL);
    }
}

struct search {
    struct worker_notes *notes;
    unsigned number;
    uintptr_t address;
};

/* Of one library: its code, when the address is in it. */
static int on_library(struct dl_phdr_info *library, size_t size, void *data) {
    const struct search *search = data;
    uintptr_t begin = 0, end = 0;
    bool found = false;
    (void)size;
    for (int i = 0; i < library->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &library->dlpi_phdr[i];
        uintptr_t from = library->dlpi_addr + part->p_vaddr, to = from + part->p_memsz;
        if (part->p_type != PT_LOAD)
            continue;
        found = found || (search->address >= from && search->address < to);
        if (part->p_flags & PF_X) {
            begin = begin ? begin : from;
            end = to;
        }
    }
    if (found) {
        search->notes->code[search->number - 1].begin = begin;
        search->notes->code[search->number - 1].end = end;
    }
    return found;
}

void crash_note_code(struct worker_notes *notes, unsigned number, const void *address) {
    struct search search = {notes, number, (uintptr_t)address};
    dl_iterate_phdr(on_library, &search);
}
