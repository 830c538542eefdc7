/* SPDX-License-Identifier: Apache-2.0 */
/* Modules that are not loaded: each refusal says which file, what is wrong and what to do, and with
 * `on_error: continue` the gateway serves what is left. */
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <dlfcn.h>
#include <elf.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONTINUE "  on_error: continue\n  load_timeout_ms: 300\n"

static struct gateway *gateway;

static void teardown(void) {
    gateway_stop(gateway);
}

/* Starts with `module`, "%s" in `sentence` being its path; asserts that this was logged and that
 * /generate-text answers. */
static void assert_refused(const char *module, const char *rest, const char *variable,
                           const char *sentence) {
    const char *const modules[] = {module, NULL};
    const char *const environment[] = {variable, NULL};
    gateway = modules_start(modules, CONTINUE, rest, environment);
    char *path = test_module(module), *log = gateway_log(gateway);
    char *before = scratch_text("%.*s", (int)strcspn(sentence, "%"), sentence);
    const char *after = strstr(sentence, "%s") ? strstr(sentence, "%s") + 2 : "";
    char *expected = scratch_text("%s%s%s", before, *after ? path : "", after);
    ck_assert_msg(strstr(log, expected) != NULL, "'%s' is not in the log:\n%s", expected, log);
    struct http_response answer = generate(gateway, "{'text':'still here'}", NULL);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "still here");
    http_response_finish(&answer);
    free(expected);
    free(before);
    free(log);
    free(path);
}

/* ---- what the module says of itself */

static const struct {
    const char *way, *sentence;
} refusals[] = {
    {"magic", "module %s: koine_module() returned something that is no module descriptor"},
    {"major", "module %s: needs module ABI 9.1, this gateway has 1.1: rebuild the module"},
    {"minor", "module %s: needs module ABI 1.99, this gateway has 1.1: install a newer gateway"},
    {"size",
     "module %s: its descriptor says that it has 40 bytes, that of ABI 1.1 has 88: set size"},
    {"long-size", "module %s: its descriptor says that it has 60000 bytes, that of ABI 1.1 has 88"},
    {"name", "module %s: its name must be [a-z][a-z0-9-]{0,31}"},
    /* "crashed (SIGSEGV)"; a sanitizer takes the signal and exits */
    {"version", "module %s: its koine_module() "},
    {"summary", "module %s: its version and summary must be one line of UTF-8"},
    {"create", "module %s: create failed (-"},
    {"openapi", "module %s: what it offers as koine.openapi/1 says that it has 4 bytes"},
    {"tools", "module %s: what it offers as koine.tools/1: count is 2 and tools is NULL"},
    {"tool-null", "module %s: what it offers as koine.tools/1: tool 1: it is NULL"},
    {"tool-name", "module %s: what it offers as koine.tools/1: tool 1 (good): another one before"},
    {"tool-schema", "koine.tools/1: tool 1 (bad): its input_schema must be a JSON object"},
    {"tool-text", "koine.tools/1: tool 1 (bad): its description must be UTF-8"},
    {"tool-call", "koine.tools/1: tool 1 (bad): its call is missing"},
    {"init", "): the answer is not 42"},
    {"route", "module %s: its route POST /generate-text answers the same requests as POST "
              "/generate-text of the module text ("},
    {"start", "): no licence"},
    {"exit", "module %s: one of its constructors ended the process (exit status 3)"},
    {"exit", "; the last that it wrote: the licence has expired"},
    {"hang", "module %s: one of its constructors did not come back within 300 ms"},
    {"chatter", "module %s: one of its constructors did not come back within 300 ms"},
    {"abort", "module %s: its koine_module() crashed (SIGABRT)"},
};

START_TEST(a_descriptor_or_a_start_that_is_refused)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        char *variable = scratch_text("KOINE_TEST_REFUSE=%s", refusals[i].way);
        assert_refused("refused", NULL, variable, refusals[i].sentence);
        struct http_response answer =
            http_send(gateway, &(struct http_request){.path = "/refused", .body = "x"});
        http_assert_error(&answer, 404, "NOT_FOUND"); /* also when it had registered it */
        http_response_finish(&answer);
        gateway_stop(gateway);
        gateway = NULL;
        free(variable);
    }
}
END_TEST

START_TEST(a_module_that_nothing_refuses)
{
    static const char *const modules[] = {"refused", NULL};
    gateway = modules_start(modules, NULL, NULL, NULL);
    ck_assert(gateway_log_has(gateway, "refused 1.0.0: Is refused when asked to be"));
}
END_TEST

/* ---- what the file is */

static char *file_in(const char *directory, const char *name) {
    char *path = scratch_text("%s/%s", directory, name);
    scratch_write(path, "no library\n");
    return path;
}

START_TEST(a_file_that_is_no_library)
{
    char *directory = scratch_directory_create();
    char *path = file_in(directory, "text.so");
    assert_refused(path, NULL, NULL, "module %s: is no ELF file, so it is no module");
    free(path);
    scratch_directory_destroy(directory);
}
END_TEST

START_TEST(a_file_that_anybody_may_write)
{
    char *directory = scratch_directory_create();
    char *path = file_in(directory, "open.so");
    ck_assert_int_eq(chmod(path, 0666), 0);
    assert_refused(path, NULL, NULL,
                   "module %s: anybody may write this file, so it is not loaded; run: chmod o-w ");
    free(path);
    scratch_directory_destroy(directory);
}
END_TEST

START_TEST(a_file_that_is_not_there)
{ assert_refused("/nowhere/at-all.so", NULL, NULL, "module %s: No such file or directory"); }
END_TEST

START_TEST(a_directory_is_no_file)
{ assert_refused("/usr/lib", NULL, NULL, "module %s: is not a regular file"); }
END_TEST

/* A copy of a module that nothing refuses. */
static char *copy_in(const char *directory) {
    return test_module_copy("refused", directory, "copy");
}

START_TEST(a_directory_that_anybody_may_write)
{
    char *directory = scratch_directory_create(), *inner = scratch_text("%s/inner", directory);
    ck_assert_int_eq(mkdir(inner, 0755), 0);
    char *path = copy_in(inner);
    char *sentence = scratch_text("module %%s: anybody may write the directory %s above it, and so "
                                  "replace it: it is not loaded; run: chmod o-w %s",
                                  directory, directory);
    ck_assert_int_eq(chmod(directory, 0777), 0);
    assert_refused(path, NULL, NULL, sentence);
    gateway_stop(gateway);
    ck_assert_int_eq(chmod(directory, 01777), 0); /* as /tmp is */
    gateway = modules_start((const char *const[]){path, NULL}, NULL, NULL, NULL);
    ck_assert(gateway_log_has(gateway, "refused 1.0.0"));
    free(sentence);
    free(path);
    free(inner);
    scratch_directory_destroy(directory);
}
END_TEST

START_TEST(a_file_of_another_user)
{
    if (geteuid() != 0)
        return; /* only root can make one */
    char *directory = scratch_directory_create(), *path = copy_in(directory);
    ck_assert_int_eq(chown(path, 4711, 0), 0);
    assert_refused(path, NULL, NULL,
                   "module %s: it belongs to the user 4711, who could change what the gateway "
                   "(user 0) does, so it is not loaded; run: chown root ");
    free(path);
    scratch_directory_destroy(directory);
}
END_TEST

/* The head of an ELF file, and no more. */
static char *elf_in(const char *directory, unsigned char class, unsigned char order,
                    uint16_t machine) {
    char *path = scratch_text("%s/other.so", directory);
    unsigned char head[64] = {0x7f, 'E', 'L', 'F', class, order, 1};
    bool big = order == ELFDATA2MSB;
    head[big ? 17 : 16] = ET_DYN;
    head[big ? 19 : 18] = (unsigned char)machine;
    head[big ? 18 : 19] = (unsigned char)(machine >> 8);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(head, 1, sizeof head, file), sizeof head);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

START_TEST(a_library_for_another_machine)
{
    static const struct {
        unsigned char class, order;
        uint16_t machine;
        const char *name;
    } others[] = {
        {ELFCLASS64, ELFDATA2LSB, EM_RISCV, "riscv"},
        {ELFCLASS32, ELFDATA2LSB, EM_386, "i386 32-bit"},
        {ELFCLASS64, ELFDATA2MSB, EM_S390, "s390 big-endian"},
        {ELFCLASS64, ELFDATA2LSB, 0x1234, "ELF machine 4660"},
    };
    char *directory = scratch_directory_create();
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char *path = elf_in(directory, others[i].class, others[i].order, others[i].machine);
        char *sentence = scratch_text("module %%s: built for %s, this gateway is ", others[i].name);
        assert_refused(path, NULL, NULL, sentence);
        gateway_stop(gateway);
        gateway = NULL;
        free(sentence);
        free(path);
    }
    scratch_directory_destroy(directory);
}
END_TEST

START_TEST(a_constructor_that_throws)
{
    assert_refused("throwing", NULL, NULL,
                   "module %s: one of its constructors crashed (SIGABRT) when it was tried out");
    ck_assert(gateway_log_has(gateway, "; the last that it wrote: what():  no database"));
}
END_TEST

START_TEST(a_symbol_that_nobody_defines)
{
    assert_refused("undefined", NULL, NULL,
                   "module %s: it uses the symbol a_function_of_nobody, which nothing defines: "
                   "link it with what defines it; -Wl,-z,defs shows this");
}
END_TEST

START_TEST(a_library_that_is_no_module)
{
    Dl_info library;
    ck_assert_int_ne(dladdr(dlsym(RTLD_DEFAULT, "json_loads"), &library), 0);
    assert_refused(library.dli_fname, NULL, NULL, "module %s: does not export koine_module()");
}
END_TEST

START_TEST(two_modules_of_one_name)
{
    static const char *const modules[] = {"dialect", "dialect", NULL};
    gateway = modules_start(modules, "  on_error: continue\n", NULL, NULL);
    ck_assert(gateway_log_has(gateway, "is already named \"dialect\""));
    struct http_response answer = http_send(
        gateway, &(struct http_request){.path = "/v1/echo/a", .body = "standin:{\"text\":\"hi\"}"});
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}
END_TEST

/* ---- what it was told */

START_TEST(settings_that_do_not_fit_its_schema)
{
    static const char *const modules[] = {"dialect", NULL};
    gateway = modules_start(modules,
                            "  on_error: continue\n  settings:\n    dialect:\n"
                            "      greeting: 3\n",
                            NULL, NULL);
    char *file = gateway_path(gateway, "gateway.yaml"), *log = gateway_log(gateway);
    char *place = scratch_text("%s:", file);
    const char *at = strstr(log, place);
    ck_assert_msg(at != NULL, "%s is not in the log:\n%s", place, log);
    unsigned long line = strtoul(at + strlen(place), NULL, 10);
    ck_assert_msg(line == 8, "line %lu is named, greeting stands in 8:\n%s", line, log);
    ck_assert_msg(strstr(at, "modules.settings.dialect") && strstr(at, "greeting") &&
                      strstr(at, "expected"),
                  "%s", log);
    struct http_response answer =
        http_send(gateway, &(struct http_request){.path = "/v1/echo/a", .body = "x"});
    http_assert_error(&answer, 404, "NOT_FOUND");
    http_response_finish(&answer);
    free(place);
    free(log);
    free(file);
}
END_TEST

START_TEST(settings_that_fit_its_schema)
{
    static const char *const modules[] = {"dialect", NULL};
    gateway = modules_start(modules, "  settings:\n    dialect: {greeting: hello}\n", NULL, NULL);
    ck_assert(gateway_log_has(gateway, "dialect 1.0.0"));
}
END_TEST

START_TEST(settings_of_a_module_that_is_not_there)
{
    static const char *const modules[] = {NULL};
    gateway = modules_start(modules, "  on_error: continue\n  settings: {txet: {}}\n", NULL, NULL);
    ck_assert(gateway_log_has(gateway, "modules.settings.txet: no module of this name is loaded"));
    struct http_response answer = generate(gateway, "{'text':'still here'}", NULL);
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}
END_TEST

/* ---- later than init */

START_TEST(a_start_that_fails_takes_the_module_out)
{
    static const char *const modules[] = {"refused", NULL};
    static const char *const environment[] = {"KOINE_TEST_REFUSE=start", NULL};
    gateway = modules_start(modules, CONTINUE, NULL, environment);
    ck_assert(gateway_log_has(gateway, "refused is destroyed"));
    struct http_response answer =
        http_send(gateway, &(struct http_request){.path = "/refused", .body = "x"});
    http_assert_error(&answer, 404, "NOT_FOUND");
    http_response_finish(&answer);
    ck_assert(!gateway_log_has(gateway, "refused quiesces"));
}
END_TEST

/* ---- without `on_error: continue` */

/* Runs a gateway that does not come to serve: its exit status; `said` is what it wrote. */
static int run_to_end(const char *config, char *said, size_t size) {
    char *directory = scratch_directory_create(), *binary = gateway_binary();
    char *file = scratch_text("%s/gateway.yaml", directory);
    scratch_write(file, config);
    char *command = scratch_text("STATE_DIRECTORY='%s' CLAUDE_CODE_GATEWAY_API_KEY=" GATEWAY_KEY
                                 " timeout 60 '%s' --config '%s' --listen 127.0.0.1:0 2>&1",
                                 directory, binary, file);
    FILE *output = popen(command, "r");
    ck_assert_ptr_nonnull(output);
    said[fread(said, 1, size - 1, output)] = '\0';
    int status = pclose(output);
    free(command);
    free(file);
    free(binary);
    scratch_directory_destroy(directory);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void assert_stops(const char *module, const char *more, const char *sentence) {
    const char *const modules[] = {module, NULL};
    char said[16384];
    char *config = modules_config(modules, more, NULL);
    int status = run_to_end(config, said, sizeof said);
    ck_assert_msg(status == 1, "exit status %d, expected 1; it said:\n%s", status, said);
    ck_assert_msg(strstr(said, sentence) && !strstr(said, "serving on"), "%s", said);
    ck_assert_msg(!strstr(said, "was killed"), "%s", said);
    free(config);
}

START_TEST(a_refusal_stops_the_gateway)
{
    assert_stops("/nowhere/at-all.so", NULL, "module /nowhere/at-all.so: No such file");
    assert_stops("dialect", "  settings: {dialect: {greeting: 3}}\n", "greeting");
    assert_stops("dialect", "  settings: {txet: {}}\n", "modules.settings.txet: no module");
    setenv("KOINE_TEST_REFUSE", "init", 1); /* this test has a process of its own */
    assert_stops("refused", NULL, "the answer is not 42");
    setenv("KOINE_TEST_REFUSE", "start", 1);
    assert_stops("refused", NULL, "start failed (-2): no licence");
    assert_stops("throwing", NULL, "what():  no database");
}
END_TEST

static void assert_left_out(const char *way, const char *where) {
    static const char *const modules[] = {"refused", "routes", NULL};
    char *variable = scratch_text("KOINE_TEST_REFUSE=%s", way);
    char *config = modules_config(modules, "  on_error: continue\n", NULL);
    gateway = gateway_start(&(struct gateway_options){
        .config = config, .environment = (const char *const[]){variable, NULL}, .crashes = true});
    ck_assert(gateway_log_has(gateway, "refused.so: left out: worker "));
    ck_assert(gateway_log_has(gateway, where));
    struct http_response answer = generate(gateway, "{'text':'still here'}", NULL);
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
    gateway_stop(gateway);
    gateway = NULL;
    free(config);
    free(variable);
}

/* The worker goes with it; the next one does without the module. */
START_TEST(a_module_that_crashes_the_first_worker_is_left_out)
{
    assert_left_out("init-crash", "was killed by SIGABRT in module refused (init)");
    assert_left_out("start-crash", "was killed by SIGABRT in module refused (start)");
}
END_TEST

/* Files are tried before any is loaded: nobody has to start once for each mistake. */
START_TEST(all_that_cannot_be_loaded_are_told_at_once)
{
    static const char *const modules[] = {"throwing", "undefined", "/nowhere/at-all.so", NULL};
    char said[16384];
    char *config = modules_config(modules, NULL, NULL);
    ck_assert_int_eq(run_to_end(config, said, sizeof said), 1);
    ck_assert_msg(strstr(said, "no database") && strstr(said, "a_function_of_nobody") &&
                      strstr(said, "/nowhere/at-all.so: No such file"),
                  "%s", said);
    free(config);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_descriptor_or_a_start_that_is_refused,
        a_module_that_nothing_refuses,
        a_file_that_is_no_library,
        a_file_that_anybody_may_write,
        a_file_that_is_not_there,
        a_directory_is_no_file,
        a_directory_that_anybody_may_write,
        a_file_of_another_user,
        a_library_for_another_machine,
        a_constructor_that_throws,
        a_symbol_that_nobody_defines,
        a_library_that_is_no_module,
        two_modules_of_one_name,
        settings_that_do_not_fit_its_schema,
        settings_that_fit_its_schema,
        settings_of_a_module_that_is_not_there,
        a_start_that_fails_takes_the_module_out,
        a_refusal_stops_the_gateway,
        a_module_that_crashes_the_first_worker_is_left_out,
        all_that_cannot_be_loaded_are_told_at_once,
    };
    return test_main("modules_refused", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
