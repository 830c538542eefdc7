/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fragments that cannot be used: the warning names the line and what was expected, the module's
 * routes are shown without it, and nothing takes long.
 */
#include "openapi/part.h"
#include "openapi_fixture.h"
#include "support/scratch_directory.h"

#include <glob.h>
#include <stdlib.h>
#include <time.h>

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What there is of a module with this fragment and one route. */
static void merge_odd(struct koine_text text) {
    fixture_setup();
    add_module("odd", "");
    fixture.modules[0].fragment = text;
    add_route("GET", "/a");
    const double begin = seconds();
    merge();
    ck_assert_double_lt(seconds() - begin, 5);
    assert_at("paths /a get summary", "'Not described by its module.'");
    assert_at("components schemas", "");
}

static void assert_refused(const char *text, const char *warning) {
    merge_odd(text_of(text));
    assert_warned("odd: ");
    assert_warned(warning);
    assert_warned("; its routes are shown without their description\n");
    fixture_teardown();
    fixture_setup();
}

START_TEST(fragments_that_are_no_yaml)
{
    assert_refused("paths: {\n", "the OpenAPI fragment:2: not valid YAML: ");
    assert_refused("a: b: c\n", "the OpenAPI fragment:1: not valid YAML: ");
    assert_refused("paths:\n\t/a: {}\n", "the OpenAPI fragment:2: not valid YAML: ");
    assert_refused("a: \xff\n", "not valid YAML: invalid leading UTF-8 octet");
    assert_refused("a: \x01\n", "not valid YAML: control characters are not allowed");
    assert_refused("", "odd: the fragment is empty, expected paths and components");
    assert_refused("# nothing\n", "odd: the fragment is empty, expected paths and components");
    assert_refused("{}\n---\n{}\n", "the OpenAPI fragment:3: a second document begins here");
}
END_TEST

START_TEST(what_yaml_has_and_a_document_does_not)
{
    assert_refused("a: &x {}\nb: *x\n", "the OpenAPI fragment:1: anchors (&name) and aliases");
    assert_refused("a:\n  <<: {b: c}\n", "the OpenAPI fragment:2: merge keys (<<)");
    assert_refused("a: !!binary AAAA\n", "the OpenAPI fragment:1: tags such as !!str");
    assert_refused("a: 1\nb: 2\na: 3\n", "the OpenAPI fragment:3: the key \"a\" is here twice, "
                                         "first in line 1");
    assert_refused("? [a]\n: b\n", "a list or mapping cannot be the name of a key");
    assert_refused("a: \"\\0\"\n", "text must not hold a NUL character");
    assert_refused("a:\n  b: .inf\n",
                   "the OpenAPI fragment:2: b: found the number .inf, expected a "
                   "value of JSON");
    assert_refused("a: [-.INF]\n", "the OpenAPI fragment:1: here: ");
    assert_refused("a: .NaN\n", "expected a value of JSON");
    assert_refused("a: 0xFFFFFFFFFFFFFFFFF\n", "expected a value of JSON");
}
END_TEST

START_TEST(what_no_fragment_looks_like)
{
    assert_refused("- a\n",
                   "the whole: found a list, expected a mapping with paths and components");
    assert_refused("text\n", "the whole: found the text \"text\"");
    assert_refused("openapi: 3.0.3\n", "openapi: found the text \"3.0.3\", expected version 3.1");
    assert_refused("swagger: 2\nopenapi: [3]\n", "expected version 3.1");
    assert_refused("paths: [a]\n", "paths: found a list, expected a mapping");
    assert_refused("paths:\n  a: {}\n",
                   "the OpenAPI fragment:2: paths: found \"a\", expected a path such as \"/name\"");
    assert_refused("paths:\n  /a:\n", "\"/a\": found nothing, expected a mapping of operations");
    assert_refused("paths:\n  /a:\n    get: text\n",
                   "the OpenAPI fragment:3: get: found the text \"text\", expected an operation");
    assert_refused("paths:\n  /a:\n    get:\n      parameters: {name: b}\n",
                   "the OpenAPI fragment:4: parameters: found a mapping, expected a list");
    assert_refused("paths: {/a: {get: {security: {bearer: []}}}}\n",
                   "security: found a mapping, expected a list");
    assert_refused("paths: {/a: {get: {tags: a}}}\n", "tags: found the text \"a\"");
    assert_refused("paths: {/a: {parameters: 1, get: {}}}\n", "parameters: found the number 1");
    assert_refused("components: {schemes: {}}\n",
                   "components: found \"schemes\", expected schemas");
    assert_refused("components: {schemas: [a]}\n", "schemas: found a list");
    assert_refused("components: {schemas: {a/b: {}}}\n", "schemas: found \"a/b\", expected a name");
    assert_refused("components: {schemas: {'': {}}}\n", "schemas: found \"\", expected a name");
    assert_refused("tags: [a]\n", "tags: found the text \"a\", expected a mapping with a name");
    assert_refused("tags: {a: b}\n", "tags: found a mapping, expected a list");
}
END_TEST

START_TEST(references_that_lead_nowhere)
{
    assert_refused(
        "paths: {/a: {get: {summary: S,\n  x-a: {$ref: '#/components/schemas/T'}}}}\n",
        "the OpenAPI fragment:2: $ref \"#/components/schemas/T\": expected the name of a "
        "component that the fragment or the gateway has");
    assert_refused("paths: {/a: {get: {x-a: {$ref: '#/components/schemas'}}}}\n",
                   "$ref \"#/components/schemas\"");
    assert_refused("paths: {/a: {get: {x-a: {$ref: '#/components/schema/E'}}}}\n",
                   "$ref \"#/components/schema/E\": expected the name of a component");
    assert_refused("paths: {/a: {get: {x-a: {$ref: 'http://elsewhere/x.json'}}}}\n",
                   "expected \"#/components/…\": nothing is fetched from elsewhere");
    assert_refused("paths: {/a: {get: {security: [{none: []}]}}}\n", "security \"none\": expected");
}
END_TEST

/* Another module's components are there or not, as the operator likes. */
START_TEST(a_component_of_another_module_is_nobodys)
{
    add_module("alpha", "paths: {/x: {get: {x-s: {$ref: '#/components/schemas/T'}}}}\n"
                        "components: {schemas: {T: {}}}\n");
    add_route("GET", "/x");
    add_module("beta", "paths: {/a: {get: {summary: S, x-s: {$ref: '#/components/schemas/T'}}}}\n");
    add_route("GET", "/a");
    merge();
    assert_warned("beta: the OpenAPI fragment:1: $ref \"#/components/schemas/T\"");
    assert_at("paths /a get summary", "'Not described by its module.'");
}
END_TEST

/* ---- large ones */

/* `count` times `text`, with another before and behind; the caller frees. */
static char *repeated(const char *before, const char *text, size_t count, const char *behind) {
    const size_t size = strlen(text);
    char *all = malloc(strlen(before) + count * size + strlen(behind) + 1), *at = all;
    ck_assert_ptr_nonnull(all);
    at = stpcpy(at, before);
    for (size_t i = 0; i < count; i++)
        at = mempcpy(at, text, size);
    strcpy(at, behind);
    return all;
}

static void assert_repeated_refused(const char *before, const char *text, size_t count,
                                    const char *behind, const char *warning) {
    char *all = repeated(before, text, count, behind);
    assert_refused(all, warning);
    free(all);
}

START_TEST(fragments_that_are_too_much)
{
    assert_repeated_refused("a: ", "x", 100 * 1024 * 1024, "\n",
                            "has 104857604 bytes, expected at most 1048576");
    assert_repeated_refused("a: ", "[", 100000, "\n", "nested deeper than 64 levels");
    assert_repeated_refused("", "- ", 100000, "\n", "nested deeper than 64 levels");
    assert_repeated_refused("a: [", "1,", 100000, "]\n", "more than 2000 entries in one place");
    assert_repeated_refused("a: [[", "1],[", 100000, "]]\n", "more than 2000 entries in one place");
    char *row = repeated("[", "[],", 1500, "],");
    assert_repeated_refused("a: [", row, 100, "]\n", "more than 50000 values in all");
    free(row);
}
END_TEST

/* Some megabytes of aliases in other readers: here the first anchor is the end. */
START_TEST(an_alias_bomb)
{
    char bomb[4096] = "a0: &a0 [x]\n";
    for (int i = 1; i < 30; i++) {
        const size_t used = strlen(bomb);
        snprintf(bomb + used, sizeof bomb - used, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d]\n", i, i,
                 i - 1, i - 1, i - 1, i - 1);
    }
    assert_refused(bomb, "anchors (&name) and aliases");
    assert_refused("a: &a [*a]\n", "anchors (&name) and aliases");
}
END_TEST

/* The longest chain of names that must be changed one after the other. */
START_TEST(many_components_that_clash_one_through_the_other)
{
    enum { COUNT = 1900 };
    static char fragments[2][COUNT * 80];
    for (int which = 0; which < 2; which++) {
        char *at = fragments[which];
        at += sprintf(at,
                      "paths: {/p%d: {get: {x-s: {$ref: '#/components/schemas/S0'}}}}\n"
                      "components:\n  schemas:\n",
                      which);
        for (int i = 0; i < COUNT; i++)
            at += sprintf(at, "    S%d: {not: {$ref: '#/components/schemas/S%d'}}\n", i, i + 1);
        sprintf(at, "    S%d: {const: %d}\n", COUNT, which);
    }
    add_module("alpha", fragments[0]);
    add_route("GET", "/p0");
    add_module("beta", fragments[1]);
    add_route("GET", "/p1");
    const double begin = seconds();
    merge();
    ck_assert_double_lt(seconds() - begin, 5);
    assert_at("paths /p1 get x-s $ref", "'#/components/schemas/beta_S0'");
    assert_at("components schemas beta_S1899 not $ref", "'#/components/schemas/beta_S1900'");
    assert_at("components schemas beta_S1900 const", "1");
    assert_at("components schemas S1900 const", "0");
    ck_assert_str_eq(fixture.warnings, "");
}
END_TEST

/* ---- the host's */

START_TEST(the_hosts_part_is_one)
{
    const struct openapi_options options = {.warn = on_warning};
    fixture.root = openapi_merge(openapi_host_part(), NULL, 0, &options);
    ck_assert_msg(fixture.root != NULL, "%s", fixture.warnings);
    ck_assert_ptr_null(openapi_merge(text_of("paths: {\n"), NULL, 0, &options));
    assert_warned("gateway: gateway/openapi.yaml:2: not valid YAML");
}
END_TEST

/* Of the stock modules and the examples: they refer to nothing but what the gateway has. */
START_TEST(the_fragments_that_are_here_can_be_used)
{
    glob_t files;
    struct openapi_part host, part;
    struct config_error error;
    struct problems problems;
    problems_init(&problems, "gateway/openapi.yaml", &error);
    ck_assert_msg(openapi_part_read(&host, openapi_host_part(), NULL, &problems), "%s",
                  error.message);
    ck_assert_int_eq(glob("modules/*/openapi.yaml", 0, NULL, &files), 0);
    ck_assert_int_eq(glob("examples/modules/*/openapi.yaml", GLOB_APPEND, NULL, &files), 0);
    ck_assert_uint_gt(files.gl_pathc, 10);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        char *text = scratch_read(files.gl_pathv[i]);
        problems_init(&problems, files.gl_pathv[i], &error);
        ck_assert_msg(openapi_part_read(&part, text_of(text), host.components, &problems), "%s",
                      error.message);
        openapi_part_finish(&part);
        free(text);
    }
    globfree(&files);
    openapi_part_finish(&host);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        fragments_that_are_no_yaml,
        what_yaml_has_and_a_document_does_not,
        what_no_fragment_looks_like,
        references_that_lead_nowhere,
        a_component_of_another_module_is_nobodys,
        fragments_that_are_too_much,
        an_alias_bomb,
        many_components_that_clash_one_through_the_other,
        the_hosts_part_is_one,
        the_fragments_that_are_here_can_be_used,
    };
    return test_main("openapi_fragment", fixture_setup, fixture_teardown, tests,
                     sizeof tests / sizeof *tests);
}
