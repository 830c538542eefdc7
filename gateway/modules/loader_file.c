/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be told of a module's file without running anything of it: who may have changed it, and
 * for which machine it was built.
 */
#include "modules/loader.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- who may have changed it */

static bool check_owner(const char *path, const struct stat *file, struct loader_message *message) {
    uid_t self = geteuid();
    if (file->st_uid == 0 || file->st_uid == self)
        return true;
    return loader_refuse(message, path,
                         "it belongs to the user %u, who could change what the gateway (user %u) "
                         "does, so it is not loaded; run: chown root %s",
                         (unsigned)file->st_uid, (unsigned)self, path);
}

/* Who may write a directory may put another file there, unless it is like /tmp. `real`: the path
 * without links; is cut. */
static bool check_directories(const char *path, char *real, struct loader_message *message) {
    struct stat directory;
    for (char *slash; (slash = strrchr(real, '/'));) {
        slash[slash == real] = '\0'; /* the last one is "/" */
        if (stat(real, &directory))
            return loader_refuse(message, path, "%s: %s", real, strerror(errno));
        if ((directory.st_mode & S_IWOTH) && !(directory.st_mode & S_ISVTX))
            return loader_refuse(message, path,
                                 "anybody may write the directory %s above it, and so replace it: "
                                 "it is not loaded; run: chmod o-w %s",
                                 real, real);
        if (slash == real)
            break;
    }
    return true;
}

static bool check_writers(const char *path, const struct stat *file,
                          struct loader_message *message) {
    char real[PATH_MAX];
    if (file->st_mode & S_IWOTH)
        return loader_refuse(message, path,
                             "anybody may write this file, so it is not loaded; run: chmod o-w %s",
                             path);
    if (!check_owner(path, file, message))
        return false;
    if (!realpath(path, real))
        return loader_refuse(message, path, "%s", strerror(errno));
    return check_directories(path, real, message);
}

/* ---- for which machine it was built */

/* Class, byte order, type and machine stand at the same places whatever the class. */
struct elf_head {
    unsigned char ident[EI_NIDENT];
    uint16_t type, machine;
};

static bool read_head(const char *path, struct elf_head *head) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, head, sizeof(*head));
    if (fd >= 0)
        close(fd);
    if (size != sizeof(*head))
        memset(head, 0, sizeof(*head));
    return size >= 0;
}

static void name_machine(const struct elf_head *head, char *out, size_t size) {
    static const struct {
        uint16_t machine;
        const char *name;
    } names[] = {{EM_X86_64, "x86-64"}, {EM_AARCH64, "aarch64"}, {EM_386, "i386"},
                 {EM_ARM, "arm"},       {EM_RISCV, "riscv"},     {EM_PPC64, "ppc64"},
                 {EM_S390, "s390"},     {EM_MIPS, "mips"}};
    const char *order = head->ident[EI_DATA] == ELFDATA2MSB ? " big-endian" : "";
    const char *bits = head->ident[EI_CLASS] == ELFCLASS32 ? " 32-bit" : "";
    uint16_t machine = head->machine;
    uint16_t one = 1;
    bool little = *(unsigned char *)&one == 1;
    if (little == (head->ident[EI_DATA] == ELFDATA2MSB))
        machine = (uint16_t)(machine << 8 | machine >> 8);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (names[i].machine == machine) {
            snprintf(out, size, "%s%s%s", names[i].name, bits, order);
            return;
        }
    snprintf(out, size, "ELF machine %u%s%s", machine, bits, order);
}

static bool check_machine(const char *path, struct loader_message *message) {
    struct elf_head file, self;
    char of_file[64], of_self[64];
    if (!read_head(path, &file))
        return loader_refuse(message, path, "cannot be read: %s", strerror(errno));
    if (memcmp(file.ident, ELFMAG, SELFMAG) != 0)
        return loader_refuse(message, path,
                             "is no ELF file, so it is no module: expected what gcc -shared makes");
    if (!read_head("/proc/self/exe", &self) || memcmp(self.ident, ELFMAG, SELFMAG) != 0)
        return true; /* dlopen judges in its own words */
    name_machine(&file, of_file, sizeof(of_file));
    name_machine(&self, of_self, sizeof(of_self));
    if (strcmp(of_file, of_self) != 0)
        return loader_refuse(message, path,
                             "built for %s, this gateway is %s: build the module for %s", of_file,
                             of_self, of_self);
    if (file.type != ET_DYN)
        return loader_refuse(message, path,
                             "is an ELF file, but no shared object: link it with -shared");
    return true;
}

bool loader_check_file(const char *path, struct loader_message *message) {
    struct stat file;
    if (stat(path, &file))
        return loader_refuse(message, path, "%s%s", strerror(errno),
                             errno == ENOENT ? "; expected the path of a shared object, or the "
                                               "name of one in modules.directory"
                                             : "");
    if (!S_ISREG(file.st_mode))
        return loader_refuse(message, path, "is not a regular file");
    return check_writers(path, &file, message) && check_machine(path, message);
}
