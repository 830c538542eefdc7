/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: reads options and configuration, opens the socket, has a worker supervised. */
#include "config/config.h"
#include "demo.h"
#include "inspect.h"
#include "ops/log.h"
#include "runner/cli_limits.h"
#include "runner/process_launcher.h"
#include "supervisor/supervisor.h"
#include "worker.h"
#include <errno.h>
#include <getopt.h>
#include <koine/module.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

extern char **environ;

static const char usage[] =
    "Usage: koine-gateway [OPTIONS]\n"
    "Serves the Claude Code CLI over HTTP. Stays in the foreground and logs to stderr;\n"
    "SIGTERM drains and ends it.\n"
    "\n"
    "  -c, --config FILE        read the configuration from FILE (YAML)\n"
    "  -l, --listen ADDR:PORT   listen here instead (127.0.0.1:3100); port 0: any free one\n"
    "  -d, --demo               serve made-up answers, to try clients and pages without an\n"
    "                           account: asks no model, runs no tool, takes the key koine-demo\n"
    "  -t, --check-config       check configuration and modules, then end\n"
    "  -p, --print-config       print the effective configuration, secrets masked\n"
    "  -m, --modules            list modules and their routes, and what is refused and why;\n"
    "                           serves nothing, needs no key; status 1 if any is refused\n"
    "  -o, --openapi            print the OpenAPI document of what would be served (YAML);\n"
    "                           as --modules, it serves nothing and needs no key\n"
    "  -v, --version            print the version\n"
    "  -h, --help               print this text\n"
    "\n"
    "CLAUDE_CODE_GATEWAY_API_KEY holds the key that clients send when the configuration\n"
    "names none. All keys of the file, with comments: koine-gateway.yaml in\n"
    "examples/config, or installed in share/koine-gateway.\n"
    "\n"
    "With --demo whatever FILE and the environment say holds, their keys too, but for what\n"
    "belongs to the real CLI: runner.command, runner.environment and runner.pass. Sessions\n"
    "are kept in a temporary directory instead of state_directory and end with the demo.\n"
    "Its key is known to everybody: keep it on 127.0.0.1.\n";

struct options {
    const char *config, *listen;
    bool check, demo, modules, openapi, print;
};

/* 0: go on; else the exit status plus 1. */
static int read_options(int argc, char **argv, struct options *options) {
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'}, {"listen", required_argument, NULL, 'l'},
        {"demo", no_argument, NULL, 'd'},         {"check-config", no_argument, NULL, 't'},
        {"print-config", no_argument, NULL, 'p'}, {"modules", no_argument, NULL, 'm'},
        {"openapi", no_argument, NULL, 'o'},      {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "c:l:dtpmovh", known, NULL)) != -1) {
        switch (option) {
        case 'c':
            options->config = optarg;
            break;
        case 'l':
            options->listen = optarg;
            break;
        case 'd':
            options->demo = true;
            break;
        case 't':
            options->check = true;
            break;
        case 'p':
            options->print = true;
            break;
        case 'm':
            options->modules = true;
            break;
        case 'o':
            options->openapi = true;
            break;
        case 'v':
            printf("koine-gateway %s (module ABI %d.%d)\n", KOINE_VERSION, KOINE_ABI_MAJOR,
                   KOINE_ABI_MINOR);
            return 1;
        case 'h':
            fputs(usage, stdout);
            return 1;
        default:
            fputs("Try 'koine-gateway --help'.\n", stderr);
            return 3;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "koine-gateway: unexpected argument '%s'\nTry 'koine-gateway --help'.\n",
                argv[optind]);
        return 3;
    }
    return 0;
}

static const char *listen_advice(int error) {
    switch (error) {
    case EADDRINUSE:
        return "; end what listens there (ss -ltnp shows it), or choose another port with --listen "
               "or GATEWAY_PORT";
    case EACCES:
        return "; ports below 1024 need root or CAP_NET_BIND_SERVICE: choose another with --listen";
    case EADDRNOTAVAIL:
        return "; no interface of this machine has that address: 127.0.0.1 is reached from this "
               "machine alone, 0.0.0.0 listens on all";
    default:
        return "";
    }
}

/* A bound, listening socket; -1 with a message on stderr. */
static int open_listener(const struct config *config) {
    char port[8];
    struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM,
                                     .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    snprintf(port, sizeof(port), "%u", config->listen_port);
    int failed = getaddrinfo(config->listen_host, port, &hints, &found);
    if (failed) {
        fprintf(stderr, "koine-gateway: listen: '%s' is no IP address: %s\n", config->listen_host,
                gai_strerror(failed));
        return -1;
    }
    int one = 1;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
        bind(fd, found->ai_addr, found->ai_addrlen) || listen(fd, 1024)) {
        fprintf(stderr, "koine-gateway: cannot listen on %s port %s: %s%s\n", config->listen_host,
                port, strerror(errno), listen_advice(errno));
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

struct service {
    const struct config *config;
    struct log *log;
    int listener;
    const struct demo *demo;   /* NULL: it is none */
    struct left_out *left_out; /* modules */
    size_t left_out_count;
};

static void on_ready(void *data) {
    const struct service *service = data;
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    char host[64] = "?", port[16] = "?";
    if (getsockname(service->listener, (struct sockaddr *)&address, &size) == 0)
        getnameinfo((struct sockaddr *)&address, size, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV);
    const bool is_ipv6 = strchr(host, ':');
    char url[128];
    snprintf(url, sizeof(url), "http://%s%s%s:%s", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "",
             port);
    log_print(service->log, KOINE_LOG_INFO, "gateway", "serving on %s", url);
    if (service->config->demo)
        demo_announce(service->config, service->log, url);
}

/* Everything short of serving: a refusal shows before the start. */
static int check(const struct config *config) {
    int result = inspect_modules(config, environ, INSPECT_REFUSED, stderr);
    if (!result)
        printf("%s: the configuration is fine\n", config->file ? config->file : "defaults");
    return result;
}

/* In the worker's process. */
static int work(void *data, const struct supervised *supervised) {
    struct service *service = data;
    int result = worker_run(&(struct worker_options){.config = service->config,
                                                     .environment = environ,
                                                     .listeners = &service->listener,
                                                     .listener_count = 1,
                                                     .log = service->log,
                                                     .supervised = supervised,
                                                     .left_out = service->left_out,
                                                     .left_out_count = service->left_out_count,
                                                     .ready = on_ready,
                                                     .data = service});
    if (service->demo)
        demo_end_alone(service->demo, supervised->control);
    return result;
}

/* modules.on_error holds for a crash at the start, too. */
static bool leave_out(void *data, const char *module, const char *why) {
    struct service *service = data;
    if (service->config->modules.stop_on_error)
        return false;
    for (size_t i = 0; i < service->left_out_count; i++)
        if (strcmp(service->left_out[i].name, module) == 0)
            return false; /* so it was not the module that the notes say */
    struct left_out *grown =
        reallocarray(service->left_out, service->left_out_count + 1, sizeof(*grown));
    if (!grown)
        return false;
    service->left_out = grown;
    snprintf(grown[service->left_out_count].name, sizeof(grown->name), "%s", module);
    snprintf(grown[service->left_out_count++].why, sizeof(grown->why), "%s", why);
    return true;
}

static int serve(const struct config *config, const struct demo *demo) {
    struct service service = {.config = config,
                              .log = log_create(STDERR_FILENO, config->log.level, config->log.json),
                              .listener = open_listener(config),
                              .demo = demo};
    int result = 1;
    cli_limits_prepare(config);
    if (service.log && service.listener >= 0)
        result = supervisor_run(
            &(struct supervisor_options){.log = service.log,
                                         .listener = service.listener,
                                         .drain_seconds = config->drain_seconds,
                                         .hang_timeout_ms = config->modules.hang_timeout_ms,
                                         .work = work,
                                         .leave_out = leave_out,
                                         .data = &service});
    log_destroy(service.log);
    free(service.left_out);
    return result;
}

static int serve_demo(struct config *config) {
    struct demo demo;
    char message[512];
    if (demo_begin(&demo, config, message, sizeof(message))) {
        fprintf(stderr, "koine-gateway: %s\n", message);
        return 1;
    }
    int result = serve(config, &demo);
    demo_end(&demo);
    return result;
}

static struct config *load(const struct options *options, struct config_error *error) {
    if (!options->demo)
        return options->modules || options->openapi
                   ? config_load_without_keys(options->config, environ, error)
                   : config_load(options->config, environ, error);
    char *cli = demo_find_cli(error->message, sizeof(error->message));
    struct config *config = cli ? config_load_demo(options->config, environ, cli, error) : NULL;
    free(cli);
    return config;
}

int main(int argc, char **argv) {
    process_launcher_main(argv);
    struct options options = {0};
    int end = read_options(argc, argv, &options);
    if (end)
        return end - 1;
    struct config_error error = {.message = "out of memory"};
    struct config *config = load(&options, &error);
    if (config && options.listen && config_set_listen(config, options.listen, &error)) {
        config_destroy(config);
        config = NULL;
    }
    if (!config) {
        fprintf(stderr, "koine-gateway: %s\n", error.message);
        return 1;
    }
    int result;
    if (options.print)
        result = config_print(config, stdout) != 0;
    else if (options.modules)
        result = inspect_modules(config, environ, INSPECT_LIST, stdout);
    else if (options.openapi)
        result = inspect_modules(config, environ, INSPECT_OPENAPI, stdout);
    else if (options.check)
        result = check(config);
    else
        result = options.demo ? serve_demo(config) : serve(config, NULL);
    config_destroy(config);
    return result;
}
