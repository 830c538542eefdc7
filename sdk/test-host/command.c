/* SPDX-License-Identifier: Apache-2.0 */
/* koine-test-host MODULE.so: loads a module into the test host, checks it or sends it requests. */
#include "test-host/command.h"
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: koine-test-host [OPTION]... MODULE.so [REQUEST]...\n"
    "\n"
    "Loads a module of the Koine Gateway into a host for tests: no gateway, no network, no CLI,\n"
    "virtual time. Prints what it does and what it does wrong.\n"
    "\n"
    "Without a REQUEST the module goes through its lifecycle; its routes, its OpenAPI fragment "
    "and\n"
    "its config schema are looked at, and every allocation that it makes until it serves fails "
    "once.\n"
    "\n"
    "A REQUEST is one argument: METHOD PATH [BODY]. It is sent with a valid key, and its answer "
    "is\n"
    "waited for in virtual time: at most until its deadline.\n"
    "    koine-test-host ./hello.so 'GET /hello' 'POST /hello {\"name\":\"Ada\"}'\n"
    "\n"
    "  -s, --settings JSON|FILE  the module's section of the configuration "
    "(modules.settings.NAME)\n"
    "  -p, --script JSON|FILE    what the CLI says in every run: a JSON array of steps, such as\n"
    "                            [{\"text\":\"Hel\"},{\"pause_ms\":500},{\"text\":\"lo\"},\n"
    "                             {\"result\":{\"cost_usd\":0.01}}]\n"
    "                            All steps are in koine-test-host.h; without one a run answers "
    "its\n"
    "                            own prompt\n"
    "  -H, --header NAME:VALUE   a header of every REQUEST; may be given several times\n"
    "  -a, --allocations         sends the requests again and again, until each allocation on "
    "their\n"
    "                            way has failed once\n"
    "  -t, --timeout SECONDS     how long one call into the module may take (60): it is ended "
    "then.\n"
    "                            0: as long as it likes, in this process, as debuggers want it\n"
    "  -v, --verbose             each call into the module and each of its calls into the host, "
    "with\n"
    "                            the virtual time\n"
    "  -h, --help                this text\n"
    "      --version             the version\n"
    "\n"
    "Exit status: 0 when nothing was found, 1 when something was (also when the module crashed, "
    "ended\n"
    "the process or did not come back, which is said with the call that it was in), 2 when the "
    "arguments are wrong "
    "or\n"
    "the module cannot be loaded.\n";

static int fail(const char *what, const char *why) {
    fprintf(stderr, "koine-test-host: %s: %s; see koine-test-host --help\n", what, why);
    return 2;
}

/* The text itself when it is JSON, else the file of that name. NULL: said why. */
static char *read_json(const char *argument) {
    char *text = NULL;
    size_t size = 0;
    const char *start = argument + strspn(argument, " \t\r\n");
    if (*start == '{' || *start == '[')
        return strdup(argument);
    FILE *file = fopen(argument, "re");
    if (!file || getdelim(&text, &size, '\0', file) < 0) {
        fail(argument, file ? "is empty" : strerror(errno));
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    return text;
}

/* ---- requests */

/* "METHOD PATH BODY", cut at the first two blanks. False: there is no path. */
static bool cut(char *request, const char **method, const char **path, const char **body) {
    char *space = strchr(request, ' ');
    if (!space)
        return false;
    *space = '\0';
    *method = request;
    *path = space + 1;
    char *next = strchr(space + 1, ' ');
    if (next)
        *next = '\0';
    *body = next ? next + 1 : NULL;
    return **path == '/';
}

bool send_request(struct koine_test_host *host, const struct command *command, size_t index,
                  bool print) {
    const char *request = command->requests[index];
    struct koine_test_request sent = {.headers = command->headers};
    struct koine_test_answer *answer = NULL;
    char *copy = strdup(request);
    bool good = copy && cut(copy, &sent.method, &sent.path, &sent.body);
    if (good) {
        answer = koine_test_request(host, &sent);
        koine_test_await(answer);
    }
    if (good && print)
        print_answer(request, answer);
    else if (!good)
        fail(request, "a request is METHOD /PATH [BODY]");
    free(copy);
    return good;
}

static int send_all(const struct command *command) {
    struct koine_test_error error;
    struct koine_test_host *host = koine_test_host_create(&command->options, &error);
    bool good = true;
    if (!host) {
        fprintf(stderr, "koine-test-host: %s\n", error.message);
        return 2;
    }
    koine_test_play_always(host, command->script);
    for (size_t i = 0; good && i < command->request_count; i++)
        good = send_request(host, command, i, true);
    koine_test_stop(host);
    if (*koine_test_log(host))
        printf("log of %s:\n%s", koine_test_module_name(host), koine_test_log(host));
    fflush(stdout);
    bool found = koine_test_host_destroy(host) > 0;
    if (good && command->each_allocation)
        found = check_allocations(command) > 0 || found;
    return good ? found : 2;
}

int command_work(const struct command *command) {
    return command->request_count ? send_all(command) : (int)check_module(command);
}

/* ---- the command line */

static const struct option long_options[] = {
    {"settings", required_argument, NULL, 's'},
    {"script", required_argument, NULL, 'p'},
    {"header", required_argument, NULL, 'H'},
    {"allocations", no_argument, NULL, 'a'},
    {"timeout", required_argument, NULL, 't'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/* Seconds, up to a day. */
static int read_timeout(struct command *command, const char *argument) {
    char *end;
    errno = 0;
    unsigned long seconds = strtoul(argument, &end, 10);
    if (errno || !*argument || *argument == '-' || *end || seconds > 86400)
        return fail(argument, "--timeout takes 0 to 86400 seconds") + 1;
    command->timeout_ms = (uint32_t)seconds * 1000;
    return 0;
}

static int add_header(struct command *command, const char *argument) {
    if (!strchr(argument, ':') || *argument == ':')
        return fail(argument, "--header takes NAME: VALUE") + 1;
    if (command->header_count == COMMAND_HEADERS)
        return fail(argument, "--header may be given 32 times") + 1;
    command->headers[command->header_count++] = argument;
    return 0;
}

/* 0: go on; else the exit status plus one. */
static int read_option(struct command *command, int option, char **settings, char **script) {
    switch (option) {
    case 's':
        free(*settings);
        command->options.settings = *settings = read_json(optarg);
        return *settings ? 0 : 3;
    case 'p':
        free(*script);
        command->script = *script = read_json(optarg);
        return *script ? 0 : 3;
    case 'H':
        return add_header(command, optarg);
    case 'a':
        command->each_allocation = true;
        return 0;
    case 't':
        return read_timeout(command, optarg);
    case 'v':
        command->options.trace = stdout;
        return 0;
    case 'h':
        fputs(help, stdout);
        return 1;
    case 'V':
        puts("koine-test-host " KOINE_VERSION);
        return 1;
    default:
        return 3; /* getopt has said why */
    }
}

int main(int argc, char **argv) {
    struct command command = {.timeout_ms = 60000};
    char *settings = NULL, *script = NULL;
    int option, done = 0, status;
    while (!done && (option = getopt_long(argc, argv, "s:p:H:t:avh", long_options, NULL)) >= 0)
        done = read_option(&command, option, &settings, &script);
    if (done) {
        status = done - 1;
    } else if (optind == argc) {
        status = fail("MODULE.so", "no module was named");
    } else {
        command.options.module = argv[optind];
        command.requests = argv + optind + 1;
        command.request_count = (size_t)(argc - optind - 1);
        status = command_watch(&command);
    }
    free(settings);
    free(script);
    return status;
}
