/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's configuration as one plain struct: file, then environment on top of it.
 * Knows every key, its type, default and range; does not act on any of them.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A list of strings, NULL-terminated. `items == NULL` means that the key was not given, which for
 * an allow list means "everything"; a list with count 0 means "nothing". */
struct config_list {
    char **items;
    size_t count;
};

struct config_key {
    char *name;               /* [a-z0-9-]{1,32}; bound into session ids */
    unsigned char sha256[32]; /* of the secret */
    struct config_list allowed_tools;
    struct config_list disallowed_tools;
    struct config_list
        routes; /* paths this key may use, "/generate-text" or "/v1/" + "*"; not given: all */
    struct config_list profiles; /* not given: all; the first is the key's default */
    int64_t max_streaming;       /* -1: no limit of its own */
    int64_t max_nonstreaming;    /* -1 */
    char *working_directory;     /* NULL: runner.working_directory */
};

struct config_profile {
    char *name;               /* [a-z0-9-]{1,32} */
    struct config_list flags; /* checked against a list of flags that may stand here */
    bool slash_commands;      /* a prompt that begins with "/" may run a command of the CLI */
};

struct config_pair {
    char *name;
    char *value;
};

/* What a module is told: its own section, and where it comes from for messages. */
struct config_module {
    char *name;       /* a module's name, or its path when it holds a '/' */
    json_t *settings; /* object, never NULL */
    json_t *lines;    /* of what is in it, see settings_lines; NULL: not known */
    unsigned line;    /* where the section stands in the file; 0: nowhere */
};

/* What the operator wants otherwise about a route of a module. */
struct config_route {
    char *module; /* a module's name, or its path when it holds a '/' */
    char *method; /* as the module calls it, as is `path` */
    char *path;
    char *moved_to;     /* NULL: it stays */
    char *slot_class;   /* "none", or a class; NULL: as the module says */
    int authentication; /* 0 required, 1 none, -1: as the module says */
    bool enabled;
    unsigned line; /* where the entry stands in the file */
};

struct config_slot_class {
    char *name;
    int64_t limit;
};

struct config {
    char *file;             /* path it was read from, NULL: none */
    bool demo;              /* started with --demo: see config_load_demo */
    char *listen_host;      /* "127.0.0.1", "::1", "0.0.0.0" */
    uint16_t listen_port;   /* 3100; 0 lets the system choose */
    char *state_directory;  /* absolute */
    uint32_t drain_seconds; /* 30 */

    struct config_key *keys;
    size_t key_count;

    struct {
        int accept_foreign; /* 1, 0, or -1: only when there is a single key (the default) */
        uint32_t wait_ms;   /* 0: how long a turn waits for the one before it, then SESSION_BUSY */
    } sessions;

    struct {
        struct config_list allowed;
        struct config_list disallowed;
    } tools;

    struct {
        uint32_t streaming;                /* 3; 0 rejects all */
        uint32_t nonstreaming;             /* 5 */
        struct config_slot_class *classes; /* those that modules name */
        size_t class_count;
        uint32_t queue;            /* 0: requests that may wait for a slot of one class, beyond the
                                      first of each key */
        uint32_t queue_timeout_ms; /* 30,000: how long one waits; then 429 */
    } slots;

    /* Processes of the CLI that wait for work. */
    struct {
        uint32_t warm;                 /* 1: started ahead, for each kind asked for lately */
        uint32_t max_processes;        /* all processes of the CLI; 0: as memory allows */
        uint32_t session_idle_seconds; /* 300: how long a process stays with its session */
        uint32_t spare_idle_seconds;   /* 600: how long "lately" is */
        uint64_t min_available_bytes;  /* 512 MiB: with less memory nothing is kept waiting */
    } pool;

    struct {
        uint64_t max_body_bytes;      /* 10 MiB */
        uint32_t max_head_bytes;      /* 64 KiB */
        uint32_t head_timeout_ms;     /* 10,000: a head must be complete by then */
        uint32_t body_timeout_ms;     /* 30,000 of silence within a body */
        uint32_t idle_timeout_ms;     /* 75,000 between requests */
        uint32_t write_timeout_ms;    /* 30,000 without progress while writing */
        uint32_t request_timeout_ms;  /* 600,000: a whole request */
        uint32_t stream_buffer_bytes; /* 256 KiB: FULL above this, drained below a quarter */
        uint32_t keep_alive_ms;       /* 15,000 of silence before a keep-alive comment */
        uint32_t max_connections;     /* 10,000 */
    } http;

    struct {
        char *command;                   /* "claude": looked up on PATH when it holds no '/' */
        char *working_directory;         /* absolute; default: the current one */
        struct config_list pass;         /* names of further variables handed to the CLI */
        struct config_pair *environment; /* variables set for the CLI */
        size_t environment_count;
        uint64_t max_line_bytes;        /* 32 MiB */
        uint32_t start_timeout_ms;      /* 30,000 until a new process answers */
        uint32_t first_byte_timeout_ms; /* 60,000 until the CLI says a turn's first line */
        uint32_t silence_timeout_ms;    /* 300,000 between two lines */
        uint32_t interrupt_grace_ms;    /* 2,000 for a turn to end before its process is ended */
        uint32_t kill_grace_ms;         /* 400 between SIGTERM and SIGKILL */
        uint32_t parked_runs;           /* 16: runs that wait for a tool result without a request */
        uint32_t parked_timeout_ms;     /* 300,000 */
        char *user;                     /* whom the CLI runs as; NULL: the gateway's own user */
        uint32_t nice;                  /* 0 to 19 */
        struct {
            uint64_t memory_bytes; /* 0: no limit, likewise below */
            uint64_t cpu_seconds;
            uint64_t open_files;
            uint64_t file_bytes; /* of one file that it writes */
        } limits;                /* of each process of the CLI, and each that it starts */
        bool cgroup; /* auto (default): memory_bytes of all together where it can be had; off */
    } runner;

    struct config_profile *profiles; /* "full" and "bare" are always there */
    size_t profile_count;

    struct {
        char *directory;          /* NULL: `modules` beside the binary, else the installed one */
        bool stop_on_error;       /* on_error: stop (default) | continue */
        struct config_list load;  /* names or paths; not given: every module in the directory */
        uint32_t load_timeout_ms; /* 10,000: how long a file may take to be tried out */
        uint32_t slow_call_ms;    /* 100: a module's call of so long is logged; 0: none is */
        uint32_t hang_timeout_ms; /* 60,000: the worker is ended in one of so long; 0: never */
        struct config_module *sections;
        size_t section_count;
        struct config_route *routes;
        size_t route_count;
    } modules;

    /* For browsers; they hold no secret and need no key. */
    struct {
        bool docs;    /* /docs; default true */
        bool console; /* /console; default true */
    } pages;

    struct {
        uint32_t probe_interval_ms; /* 30,000: how old the answer of `claude --version` may be */
        uint32_t probe_timeout_ms;  /* 10,000 */
    } health;

    struct {
        int level;        /* 0 error, 1 warning, 2 info, 3 debug; default info */
        bool json;        /* one JSON object a line instead of text */
        bool tool_inputs; /* log what a tool was to be called with; it may hold secrets */
    } log;
};

/* Where a configuration is wrong. `message` says what, where (file:line: key), what was expected.
 */
struct config_error {
    char message[1024];
};

/*
 * Reads the file at `path` (NULL: none, defaults only), then lays `environ`-style `environment`
 * (NULL-terminated "NAME=value" strings) over it.
 * Returns a configuration that config_destroy frees, or NULL with `error` filled.
 */
struct config *config_load(const char *path, char *const *environment, struct config_error *error);

/* The same for a look at it that serves nobody: it may lack keys. */
struct config *config_load_without_keys(const char *path, char *const *environment,
                                        struct config_error *error);

/* The key that every demo takes. */
#define CONFIG_DEMO_KEY "koine-demo"

/* What a template of a temporary directory ends with: see mkdtemp. */
#define CONFIG_TEMPORARY "koine-demo-XXXXXX"

/*
 * The same for a demo, whose answers the stand-in CLI at `cli` makes up. It takes CONFIG_DEMO_KEY
 * beside the keys that there are, starts `cli` whatever runner.command says, and has a
 * state_directory and a CLAUDE_CONFIG_DIR below it that end with CONFIG_TEMPORARY until somebody
 * makes them.
 */
struct config *config_load_demo(const char *path, char *const *environment, const char *cli,
                                struct config_error *error);

/* Forgets what runner.environment sets. */
void config_forget_environment(struct config *config);

/* Replaces host and port by `text`: "127.0.0.1:3100", "[::1]:3100", ":3100" or "3100"; without a
 * host the host stays as it is, so that a bare port never opens the gateway to the network.
 * Returns 0, or -1 with `error` filled and the configuration unchanged. */
int config_set_listen(struct config *config, const char *text, struct config_error *error);

/* Writes the effective configuration as YAML. Secrets are masked as "***": keys' hashes, values of
 * runner.environment, JSON within profiles' flags, settings of modules whose name holds key,
 * secret, token or password. config_load reads the rest back and refuses a masked value, so that no
 * mask is ever taken for a secret. Returns 0, or -1 when `out` fails. */
int config_print(const struct config *config, FILE *out);

/* Frees the configuration; takes NULL. */
void config_destroy(struct config *config);

#endif
