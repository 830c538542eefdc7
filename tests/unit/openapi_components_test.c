/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of components: which are added, which get another name, which are left out. */
#include "openapi_fixture.h"

#define REFERS(path, name)                                                                         \
    "paths: {" path ": {get: {responses: {'200': {$ref: '#/components/responses/" name "'}}}}}\n"
#define ANSWER(name, schema)                                                                       \
    name ": {description: D, content: {application/json: {schema: {$ref: "                         \
         "'#/components/schemas/" schema "'}}}}"

static void assert_refers(const char *path, const char *name) {
    char place[200], expected[200];
    snprintf(place, sizeof place, "paths %s get responses 200 $ref", path);
    snprintf(expected, sizeof expected, "'#/components/responses/%s'", name);
    assert_at(place, expected);
}

static void assert_schema_of(const char *response, const char *name) {
    char place[200], expected[200];
    snprintf(place, sizeof place, "components responses %s content application/json schema $ref",
             response);
    snprintf(expected, sizeof expected, "'#/components/schemas/%s'", name);
    assert_at(place, expected);
}

START_TEST(what_is_used_is_there)
{
    add_module("alpha", REFERS("/a", "Answer") "components: {responses: {" ANSWER(
                            "Answer", "Thing") "}, schemas: {Thing: {type: object}, Else: {}}}\n");
    add_route("GET", "/a");
    merge();
    assert_names("components", "securitySchemes responses schemas");
    assert_names("components responses", "Answer");
    assert_names("components schemas", "Thing");
    assert_names("components securitySchemes", "bearer");
}
END_TEST

START_TEST(what_only_left_out_operations_use_goes)
{
    add_module("alpha", REFERS("/a", "Answer") "components: {responses: {" ANSWER(
                            "Answer", "Thing") "}, schemas: {Thing: {type: object}}}\n");
    merge();
    assert_names("components", "securitySchemes");
    assert_at("tags", "[{'name':'Own'}]");
}
END_TEST

START_TEST(a_fragment_uses_what_the_host_has)
{
    add_module("alpha", REFERS("/a", "Refused"));
    add_route("GET", "/a");
    merge();
    assert_names("components responses", "Refused");
    assert_names("components schemas", "Error");
}
END_TEST

START_TEST(equal_components_are_one)
{
    add_module("alpha", REFERS("/a", "Answer") "components: {responses: {" ANSWER(
                            "Answer", "Thing") "}, schemas: {Thing: {type: object, title: T}}}\n");
    add_route("GET", "/a");
    add_module("beta",
               REFERS("/b", "Answer") "components: {schemas: {Thing: {title: \"T\", type: "
                                      "object}}, responses: {" ANSWER("Answer", "Thing") "}}\n");
    add_route("GET", "/b");
    merge();
    assert_names("components responses", "Answer");
    assert_names("components schemas", "Thing");
    assert_refers("/b", "Answer");
}
END_TEST

START_TEST(one_that_differs_gets_another_name)
{
    add_module("alpha", REFERS("/a", "Answer") "components: {responses: {" ANSWER(
                            "Answer", "Thing") "}, schemas: {Thing: {type: object}}}\n");
    add_route("GET", "/a");
    add_module("beta", REFERS("/b", "Other") "components: {responses: {" ANSWER(
                           "Other", "Thing") "}, schemas: {Thing: {type: string}}}\n");
    add_route("GET", "/b");
    merge();
    assert_names("components schemas", "Thing beta_Thing");
    assert_schema_of("Answer", "Thing");
    assert_schema_of("Other", "beta_Thing");
    assert_at("components schemas beta_Thing type", "'string'");
}
END_TEST

/* Two that read the same but lead to what differs are not the same. */
START_TEST(what_leads_to_one_that_differs_differs_too)
{
    add_module("alpha", REFERS("/a", "Answer") "components: {responses: {" ANSWER(
                            "Answer", "Thing") "}, schemas: {Thing: {type: object}}}\n");
    add_route("GET", "/a");
    add_module("beta", REFERS("/b", "Answer") "components: {responses: {" ANSWER(
                           "Answer", "Thing") "}, schemas: {Thing: {type: string}}}\n");
    add_route("GET", "/b");
    merge();
    assert_names("components responses", "Answer beta_Answer");
    assert_refers("/a", "Answer");
    assert_refers("/b", "beta_Answer");
    assert_schema_of("beta_Answer", "beta_Thing");
}
END_TEST

START_TEST(a_new_name_that_is_taken_is_not_taken_again)
{
    add_module("alpha", "paths: {/a: {get: {x-a: [{$ref: '#/components/schemas/T'}, {$ref: "
                        "'#/components/schemas/beta_T'}]}}}\n"
                        "components: {schemas: {T: {const: 1}, beta_T: {const: 2}}}\n");
    add_route("GET", "/a");
    add_module("beta", "paths: {/b: {get: {x-b: {$ref: '#/components/schemas/T/properties/p'}}}}\n"
                       "components: {schemas: {T: {const: 3}}}\n");
    add_route("GET", "/b");
    merge();
    assert_names("components schemas", "T beta_T beta_T_2");
    assert_at("paths /b get x-b $ref", "'#/components/schemas/beta_T_2/properties/p'");
}
END_TEST

/* The number behind one makes the other's new name. */
START_TEST(new_names_of_two_are_two)
{
    add_module("alpha", "paths: {/a: {get: {x-a: [{$ref: '#/components/schemas/T'}, {$ref: "
                        "'#/components/schemas/T_2'}, {$ref: '#/components/schemas/beta_T'}]}}}\n"
                        "components: {schemas: {T: {const: 1}, T_2: {const: 2}, beta_T: {}}}\n");
    add_route("GET", "/a");
    add_module("beta", "paths: {/b: {get: {x-b: [{$ref: '#/components/schemas/T'}, {$ref: "
                       "'#/components/schemas/T_2'}]}}}\n"
                       "components: {schemas: {T: {const: 3}, T_2: {const: 4}}}\n");
    add_route("GET", "/b");
    merge();
    assert_at("paths /b get x-b 0 $ref", "'#/components/schemas/beta_T_3'");
    assert_at("paths /b get x-b 1 $ref", "'#/components/schemas/beta_T_2'");
    assert_at("components schemas beta_T_3 const", "3");
    assert_at("components schemas beta_T_2 const", "4");
}
END_TEST

START_TEST(every_kind_of_reference_follows)
{
    add_module("alpha", "paths: {/a: {get: {security: [{key: []}], x-s: {$ref: "
                        "'#/components/schemas/Dog'}, x-c: {$ref: '#/components/schemas/Cat'}}}}\n"
                        "components: {schemas: {Dog: {const: 1}, Cat: {const: 1}},\n"
                        "  securitySchemes: {key: {type: http, scheme: a}}}\n");
    add_route("GET", "/a");
    add_module(
        "beta",
        "paths: {/b: {get: {security: [{key: []}], x-s: {$ref: '#/components/schemas/Pet'}}}}\n"
        "components:\n"
        "  securitySchemes: {key: {type: http, scheme: b}}\n"
        "  schemas:\n"
        "    Dog: {const: 2}\n"
        "    Cat: {const: 2}\n"
        "    Pet:\n"
        "      oneOf: [{$ref: '#/components/schemas/Dog'}, {$ref: '#/components/schemas/Cat'}]\n"
        "      discriminator:\n"
        "        propertyName: kind\n"
        "        mapping: {d: Dog, c: '#/components/schemas/Cat', e: elsewhere}\n");
    add_route("GET", "/b");
    merge();
    assert_at("components schemas Pet discriminator mapping",
              "{'d':'beta_Dog','c':'#/components/schemas/beta_Cat','e':'elsewhere'}");
    assert_at(
        "components schemas Pet oneOf",
        "[{'$ref':'#/components/schemas/beta_Dog'},{'$ref':'#/components/schemas/beta_Cat'}]");
    assert_at("paths /b get security", "[{'beta_key':[]}]");
    assert_names("components securitySchemes", "bearer key beta_key");
}
END_TEST

/* A property may be called as a keyword is, and data may look like a reference. */
START_TEST(data_is_no_reference_and_names_are_no_keywords)
{
    static const char *const fragment =
        "paths: {/b: {get: {x-s: {$ref: '#/components/schemas/T'}}}}\n"
        "components:\n"
        "  schemas:\n"
        "    Used: {const: 2}\n"
        "    T:\n"
        "      example: {$ref: '#/components/schemas/Nothing'}\n"
        "      default: {$ref: 'http://elsewhere/'}\n"
        "      examples: [{$ref: '#/components/schemas/Nothing'}]\n"
        "      properties: {example: {$ref: '#/components/schemas/Used'}}\n";
    add_module("beta", fragment);
    add_route("GET", "/b");
    merge();
    ck_assert_str_eq(fixture.warnings, "");
    assert_names("components schemas", "Used T");
}
END_TEST

START_TEST(components_may_lead_to_each_other)
{
    add_module("alpha", "paths: {/a: {get: {x-s: {$ref: '#/components/schemas/Tree'}}}}\n"
                        "components: {schemas: {Tree: {items: {$ref: '#/components/schemas/Leaf'}},"
                        " Leaf: {not: {$ref: '#/components/schemas/Tree'}}}}\n");
    add_route("GET", "/a");
    add_module("beta", "paths: {/b: {get: {x-s: {$ref: '#/components/schemas/Tree'}}}}\n"
                       "components: {schemas: {Tree: {items: {$ref: '#/components/schemas/Leaf'}},"
                       " Leaf: {title: L, not: {$ref: '#/components/schemas/Tree'}}}}\n");
    add_route("GET", "/b");
    merge();
    assert_names("components schemas", "Tree Leaf beta_Tree beta_Leaf");
    assert_at("components schemas beta_Tree items $ref", "'#/components/schemas/beta_Leaf'");
    assert_at("components schemas beta_Leaf not $ref", "'#/components/schemas/beta_Tree'");
    assert_at("components schemas Tree items $ref", "'#/components/schemas/Leaf'");
}
END_TEST

START_TEST(tags_that_are_used_are_there_once)
{
    add_module("alpha", "tags: [{name: Pets, description: Of alpha.}, {name: Unused}]\n"
                        "paths: {/a: {get: {tags: [Pets, Own]}}}\n");
    add_route("GET", "/a");
    add_module("beta", "tags: [{name: Pets, description: Of beta.}]\n"
                       "paths: {/b: {get: {tags: [Pets]}}}\n");
    add_route("GET", "/b");
    merge();
    assert_at("tags", "[{'name':'Own'},{'name':'Pets','description':'Of alpha.'}]");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        what_is_used_is_there,
        what_only_left_out_operations_use_goes,
        a_fragment_uses_what_the_host_has,
        equal_components_are_one,
        one_that_differs_gets_another_name,
        what_leads_to_one_that_differs_differs_too,
        a_new_name_that_is_taken_is_not_taken_again,
        new_names_of_two_are_two,
        every_kind_of_reference_follows,
        data_is_no_reference_and_names_are_no_keywords,
        components_may_lead_to_each_other,
        tags_that_are_used_are_there_once,
    };
    return test_main("openapi_components", fixture_setup, fixture_teardown, tests,
                     sizeof tests / sizeof *tests);
}
