/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory and the secret in it.
 * A new secret is written aside and linked into place, so no one ever reads half of it.
 */
#include "config/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct state {
    const char *directory;
    char path[PATH_MAX]; /* of the secret */
    char *message;
    size_t size;
};

static int fail(const struct state *state, const char *what, const char *path) {
    snprintf(
        state->message, state->size,
        "%s: %s: %s; let the gateway's user write there, or set state_directory to another place",
        path, what, strerror(errno));
    return -1;
}

/* mkdir -p, every new directory for the gateway's user alone. */
static int make_directories(const struct state *state) {
    char path[PATH_MAX];
    struct stat status;
    snprintf(path, sizeof path, "%s", state->directory);
    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at == '/') {
            *at = '\0';
            if (mkdir(path, 0700) != 0 && errno != EEXIST) {
                return fail(state, "the state directory's parent cannot be made", path);
            }
            *at = '/';
        }
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return fail(state, "the state directory cannot be made", path);
    }
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
        errno = ENOTDIR;
        return fail(state, "the state directory cannot be used", path);
    }
    return 0;
}

static int write_all(int file, const unsigned char *bytes, size_t size) {
    while (size > 0) {
        ssize_t written = write(file, bytes, size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return -1;
        }
        bytes += written;
        size -= (size_t)written;
    }
    return 0;
}

static int fill_secret(const struct state *state, int file, const char *path) {
    unsigned char secret[STATE_SECRET_BYTES];
    int result = 0;
    if (RAND_bytes(secret, sizeof secret) != 1) {
        snprintf(state->message, state->size, "libcrypto has no random bytes for a secret");
        return -1;
    }
    if (write_all(file, secret, sizeof secret) != 0 || fsync(file) != 0) {
        result = fail(state, "the session secret cannot be written", path);
    }
    OPENSSL_cleanse(secret, sizeof secret);
    return result;
}

/* Where another gateway was faster its secret stays. */
static int put_in_place(const char *temporary, const char *path) {
    if (link(temporary, path) == 0 || errno == EEXIST) {
        return 0;
    }
    /* Some file systems have no hard links. */
    return renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0 || errno == EEXIST
               ? 0
               : -1;
}

/* So that the new name outlives a power failure; a file system without it is no reason to stop. */
static void sync_directory(const char *path) {
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0) {
        (void)fsync(directory);
        close(directory);
    }
}

static int make_secret(const struct state *state) {
    char temporary[PATH_MAX + 8];
    int result = -1;
    snprintf(temporary, sizeof temporary, "%s.XXXXXX", state->path);
    int file = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
    if (file < 0) {
        return fail(state, "the state directory cannot be written to", state->directory);
    }
    result = fill_secret(state, file, temporary);
    close(file);
    if (result == 0 && put_in_place(temporary, state->path) != 0) {
        result = fail(state, "the session secret cannot be put in place", state->path);
    }
    unlink(temporary);
    sync_directory(state->directory);
    return result;
}

static int check_status(const struct state *state, int file) {
    struct stat status;
    if (fstat(file, &status) != 0) {
        return fail(state, "the session secret cannot be looked at", state->path);
    }
    if (!S_ISREG(status.st_mode)) {
        snprintf(state->message, state->size, "%s: not a regular file", state->path);
        return -1;
    }
    if ((status.st_mode & 077) != 0) {
        snprintf(state->message, state->size,
                 "%s: others may read or change the session secret (mode %04o); delete it to have "
                 "a new one made (older sessions are then refused), or, if you are sure that "
                 "nobody has seen it, chmod 600 it",
                 state->path, (unsigned)status.st_mode & 07777U);
        return -1;
    }
    if (status.st_size != STATE_SECRET_BYTES) {
        snprintf(state->message, state->size,
                 "%s: holds %lld bytes, expected %d; delete it to have a new one made (older "
                 "sessions are then refused)",
                 state->path, (long long)status.st_size, STATE_SECRET_BYTES);
        return -1;
    }
    return 0;
}

static int read_secret(const struct state *state, int file, unsigned char *secret) {
    size_t used = 0;
    if (check_status(state, file) != 0) {
        return -1;
    }
    while (used < STATE_SECRET_BYTES) {
        ssize_t got = read(file, secret + used, STATE_SECRET_BYTES - used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            errno = got == 0 ? EIO : errno;
            return fail(state, "the session secret cannot be read", state->path);
        }
        used += (size_t)got;
    }
    return 0;
}

/* O_NONBLOCK: a FIFO in this place must not hang the start. */
static int open_secret(const struct state *state) {
    return open(state->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

int state_secret_load(const char *state_directory, unsigned char secret[STATE_SECRET_BYTES],
                      char *message, size_t size) {
    struct state state = {.directory = state_directory, .message = message, .size = size};
    int needed = snprintf(state.path, sizeof state.path, "%s/session-secret", state_directory);
    int result = -1;
    memset(secret, 0, STATE_SECRET_BYTES);
    if (needed < 0 || (size_t)needed >= sizeof state.path) {
        errno = ENAMETOOLONG;
        return fail(&state, "the state directory cannot be used", state_directory);
    }
    if (make_directories(&state) != 0) {
        return -1;
    }
    int file = open_secret(&state);
    if (file < 0 && errno == ENOENT) {
        if (make_secret(&state) != 0) {
            return -1;
        }
        file = open_secret(&state);
    }
    if (file < 0) {
        return fail(&state, "the session secret cannot be opened", state.path);
    }
    result = read_secret(&state, file, secret);
    if (result != 0) {
        OPENSSL_cleanse(secret, STATE_SECRET_BYTES);
    }
    close(file);
    return result;
}
