/* SPDX-License-Identifier: Apache-2.0 */
/* Which operations the document has, where, and who may call them: that follows from the routes. */
#include "openapi_fixture.h"

#define GET_A "paths: {/a: {get: {summary: As written, responses: {'200': {description: Yes.}}}}}\n"

START_TEST(an_operation_stands_as_its_module_wrote_it)
{
    add_module("alpha", GET_A);
    add_route("GET", "/a");
    merge();
    assert_names("paths", "/health /a");
    assert_at(
        "paths /a get",
        "{'summary':'As written','responses':{'200':{'description':'Yes.'}},'tags':['alpha']}");
    assert_at("servers", "[{'url':'/'}]");
    assert_at("info version", "'" KOINE_VERSION "'");
    assert_at("tags", "[{'name':'Own'},{'name':'alpha','description':'What it does.'}]");
    ck_assert_str_eq(fixture.warnings, "");
}
END_TEST

START_TEST(an_operation_without_a_route_is_left_out)
{
    add_module("alpha", "paths: {/a: {get: {}, post: {summary: P}}, /b: {get: {summary: B}}, "
                        "/health: {get: {summary: Mine}}}\n");
    add_route("POST", "/a");
    merge();
    assert_names("paths", "/health /a");
    assert_names("paths /a", "post");
    assert_at("paths /health get summary", "");
}
END_TEST

START_TEST(a_route_without_description_is_shown)
{
    add_module("alpha", NULL);
    add_route("POST", "/v1/{kind}/of/{name}");
    add_route("GET", "/public")->as.authentication = KOINE_AUTH_NONE;
    fixture.routes[0][1].given_authentication = KOINE_AUTH_NONE;
    merge();
    assert_at("paths /v1/{kind}/of/{name} post",
              "{'operationId':'alpha_POST_v1__kind__of__name_','tags':['alpha'],'summary':'Not "
              "described by its module.','parameters':["
              "{'name':'kind','in':'path','description':'Not described by its "
              "module.','required':true,'schema':{'type':'string'}},"
              "{'name':'name','in':'path','description':'Not described by its "
              "module.','required':true,'schema':{'type':'string'}}],"
              "'responses':{'4XX':{'description':'Refused.'},'default':{'description':'Not "
              "described by its module.'}}}");
    assert_at("paths /public get security", "[]");
    ck_assert_str_eq(fixture.warnings, "");
}
END_TEST

START_TEST(a_route_that_the_fragment_lacks_is_shown_beside_the_others)
{
    add_module("alpha", GET_A);
    add_route("GET", "/a");
    add_route("DELETE", "/a");
    add_route("GET", "/b");
    merge();
    assert_names("paths", "/health /a /b");
    assert_names("paths /a", "get delete");
    assert_at("paths /a get summary", "'As written'");
    assert_at("paths /a delete summary", "'Not described by its module.'");
}
END_TEST

START_TEST(a_moved_route_stands_where_it_is_served)
{
    add_module(
        "alpha",
        "paths:\n  /a/{x}:\n    description: Shared.\n"
        "    parameters: [{name: x, in: path, required: true}]\n"
        "    get: {summary: G}\n    post: {summary: P, parameters: [{name: y, in: query}]}\n");
    add_route("GET", "/a/{x}");
    add_route("POST", "/a/{x}")->as.path = "/else/{x}";
    merge();
    assert_names("paths", "/health /a/{x} /else/{x}");
    assert_names("paths /a/{x}", "description parameters get");
    assert_at("paths /else/{x} parameters", "[{'name':'x','in':'path','required':true}]");
    assert_at("paths /else/{x} post summary", "'P'");
}
END_TEST

/* What one path item shares is not another's: it goes into the operation. */
START_TEST(two_modules_share_a_path)
{
    add_module("alpha", "paths: {'/a/{x}': {parameters: [{name: x, in: path, description: Of "
                        "alpha.}], get: {summary: G}}}\n");
    add_route("GET", "/a/{x}");
    add_module("beta", "paths: {'/a/{x}': {parameters: [{name: x, in: path}, {name: q, in: query}, "
                       "{name: own, in: query, description: Shared.}], post: {summary: P, "
                       "parameters: [{name: own, in: query}]}}}\n");
    add_route("POST", "/a/{x}");
    merge();
    assert_names("paths /a/{x}", "get post");
    assert_at("paths /a/{x} get parameters",
              "[{'name':'x','in':'path','description':'Of alpha.'}]");
    assert_at("paths /a/{x} post parameters",
              "[{'name':'own','in':'query'},{'name':'x','in':'path'},{'name':'q','in':'query'}]");
}
END_TEST

START_TEST(who_joins_a_path_takes_no_parameters_from_it)
{
    add_module("alpha", "paths: {/a: {parameters: [{name: q, in: query}], get: {summary: G}, "
                        "post: {summary: P}}, /b: {put: {summary: B}}}\n");
    add_route("GET", "/a");
    add_route("POST", "/a");
    add_route("PUT", "/b")->as.path = "/a";
    add_route("DELETE", "/a");
    merge();
    assert_names("paths /a", "get post put delete");
    assert_at("paths /a get parameters", "[{'name':'q','in':'query'}]");
    assert_at("paths /a post parameters", "[{'name':'q','in':'query'}]");
    assert_at("paths /a put parameters", "");
    assert_at("paths /a delete parameters", "");
}
END_TEST

START_TEST(two_names_of_one_parameter_stand_apart)
{
    add_module("alpha", "paths: {'/a/{x}': {get: {summary: G}}}\n");
    add_route("GET", "/a/{x}");
    add_module("beta", "paths: {'/a/{y}': {post: {summary: P}}}\n");
    add_route("POST", "/a/{y}");
    merge();
    assert_names("paths", "/health /a/{x} /a/{y}#beta");
}
END_TEST

/* ---- told apart by a header */

#define MARKED "paths: {'/v1/models#beta': {get: {summary: With the header}}}\n"

START_TEST(a_marked_path_stands_beside_the_bare_one)
{
    add_module("alpha", "paths: {/v1/models: {get: {summary: Bare}}}\n");
    add_route("GET", "/v1/models");
    add_module("beta", MARKED);
    add_route("GET", "/v1/models")->as.header = "beta-version";
    merge();
    assert_names("paths", "/health /v1/models /v1/models#beta");
    assert_at("paths /v1/models get summary", "'Bare'");
    assert_at("paths /v1/models#beta get summary", "'With the header'");
}
END_TEST

START_TEST(the_order_of_loading_does_not_matter_to_marks)
{
    add_module("beta", MARKED);
    add_route("GET", "/v1/models")->as.header = "beta-version";
    add_module("zeta", "paths: {/v1/models: {get: {summary: Bare}}}\n");
    add_route("GET", "/v1/models");
    merge();
    assert_names("paths", "/health /v1/models#beta /v1/models");
    assert_at("paths /v1/models get summary", "'Bare'");
}
END_TEST

START_TEST(a_marked_path_that_is_alone_loses_its_mark)
{
    add_module("beta", MARKED);
    add_route("GET", "/v1/models")->as.header = "beta-version";
    merge();
    assert_names("paths", "/health /v1/models");
}
END_TEST

START_TEST(one_module_has_both)
{
    add_module("alpha", "paths: {'/a#with': {get: {summary: With}}, /a: {get: {summary: Bare}}}\n");
    add_route("GET", "/a");
    add_route("GET", "/a")->as.header = "x-with";
    merge();
    assert_names("paths", "/health /a#with /a");
    assert_at("paths /a#with get summary", "'With'");
    assert_at("paths /a get summary", "'Bare'");
}
END_TEST

START_TEST(an_undescribed_route_names_its_header)
{
    add_module("alpha", NULL);
    add_route("GET", "/a");
    add_route("GET", "/a")->as.header = "x-with";
    add_route("GET", "/b")->as.header = "x-alone";
    merge();
    assert_names("paths", "/health /a /a#x-with /b");
    assert_at("paths /a#x-with get parameters",
              "[{'name':'x-with','in':'header','description':'The route is for requests with this "
              "header, whatever its value.','required':true,'schema':{'type':'string'}}]");
}
END_TEST

/* ---- who may call it */

/* What becomes of the security of an operation. */
static void assert_security(const char *written, uint32_t given, uint32_t served, uint32_t places,
                            const char *expected) {
    char *fragment = NULL;
    ck_assert_int_gt(asprintf(&fragment,
                              "paths: {/a: {get: {summary: S%s%s}}}\n"
                              "components: {securitySchemes: {own: {type: http, scheme: x}}}\n",
                              *written ? ", security: " : "", written),
                     0);
    fixture_setup();
    add_module("alpha", fragment);
    struct route *route = add_route("GET", "/a");
    route->given_authentication = given;
    route->as.authentication = served;
    route->as.key_places = places;
    merge();
    assert_at("paths /a get security", expected);
    fixture_teardown();
    fixture_setup();
    free(fragment);
}

START_TEST(security_is_what_the_route_says)
{
    enum { REQUIRED = KOINE_AUTH_REQUIRED, NONE = KOINE_AUTH_NONE };
    /* as the module wants it */
    assert_security("", REQUIRED, REQUIRED, 0, "");
    assert_security("[{bearer: []}, {own: []}]", REQUIRED, REQUIRED, 0,
                    "[{'bearer':[]},{'own':[]}]");
    assert_security("[]", NONE, NONE, 0, "[]");
    assert_security("[{own: []}]", NONE, NONE, 0, "[{'own':[]}]");
    /* what the module says of itself is wrong */
    assert_security("[]", REQUIRED, REQUIRED, 0, "");
    assert_security("[{}, {bearer: []}]", REQUIRED, REQUIRED, 0, "");
    assert_security("", NONE, NONE, 0, "[]");
    /* as the operator wants it */
    assert_security("", REQUIRED, NONE, 0, "[]");
    assert_security("[{bearer: []}]", REQUIRED, NONE, 0, "[]");
    assert_security("[]", NONE, REQUIRED, 0, "");
    assert_security("[{own: []}]", NONE, REQUIRED, 0, "");
    /* where the key is looked for */
    assert_security("[]", NONE, REQUIRED, KOINE_KEY_X_API_KEY, "[{'xApiKey':[]}]");
    assert_security("[]", NONE, REQUIRED, KOINE_KEY_X_API_KEY | KOINE_KEY_BEARER,
                    "[{'bearer':[]},{'xApiKey':[]}]");
    assert_security("[]", NONE, REQUIRED, KOINE_KEY_BEARER, "");
}
END_TEST

START_TEST(security_of_the_whole_fragment_is_that_of_its_operations)
{
    add_module("alpha", "security: [{own: []}]\npaths: {/a: {get: {summary: S}}}\n"
                        "components: {securitySchemes: {own: {type: http, scheme: x}}}\n");
    add_route("GET", "/a");
    merge();
    assert_at("paths /a get security", "[{'own':[]}]");
    assert_at("security", "[{'bearer':[]}]");
    assert_names("components securitySchemes", "bearer own");
}
END_TEST

START_TEST(an_extension_among_the_paths_is_no_path)
{
    add_module("alpha", "paths: {x-note: text, x-more: {get: {}}, /a: {get: {summary: A}}}\n");
    add_route("GET", "/a");
    merge();
    assert_names("paths", "/health /a");
    assert_at("paths /a get summary", "'A'");
    ck_assert_str_eq(fixture.warnings, "");
}
END_TEST

START_TEST(pages_that_are_off_are_left_out)
{
    static const char *const off[] = {"/docs", NULL};
    fixture.host = "info: {}\npaths: {/docs: {get: {}}, /docs/x: {get: {}}, /docsy: {get: {}}, "
                   "/console: {get: {}}}\n";
    fixture.off = off;
    merge();
    assert_names("paths", "/docsy /console");
}
END_TEST

START_TEST(a_notice_comes_first)
{
    fixture.notice = "Mind this.";
    merge();
    assert_at("info description", "'Mind this.'");
    fixture_teardown();
    fixture_setup();
    fixture.notice = "Mind this.";
    fixture.host = "info: {description: Of the host.}\npaths: {}\n";
    merge();
    assert_at("info description", "'Mind this.\\n\\nOf the host.'");
}
END_TEST

START_TEST(ids_of_operations_are_unique)
{
    add_module("alpha", "paths: {/a: {get: {operationId: list}}}\n");
    add_route("GET", "/a");
    add_module("beta", "paths: {/b: {get: {operationId: list}}}\n");
    add_route("GET", "/b");
    merge();
    assert_at("paths /a get operationId", "'list'");
    assert_at("paths /b get operationId", "'beta_list'");
}
END_TEST

START_TEST(ids_within_a_module_are_unique_too)
{
    add_module("alpha", "paths: {/a: {get: {operationId: do}, put: {operationId: do},\n"
                        "  post: {operationId: do}}, /b: {get: {operationId: alpha_do_4}}}\n");
    add_route("GET", "/b");
    add_route("GET", "/a");
    add_route("PUT", "/a");
    add_route("POST", "/a");
    add_module("beta", "paths: {/c: {get: {operationId: alpha_do_3}}}\n");
    add_route("GET", "/c");
    merge();
    assert_at("paths /a get operationId", "'do'");
    assert_at("paths /a put operationId", "'alpha_do'");
    assert_at("paths /a post operationId", "'alpha_do_3'");
    assert_at("paths /b get operationId", "'alpha_do_4'");
    assert_at("paths /c get operationId", "'beta_alpha_do_3'");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        an_operation_stands_as_its_module_wrote_it,
        an_operation_without_a_route_is_left_out,
        a_route_without_description_is_shown,
        a_route_that_the_fragment_lacks_is_shown_beside_the_others,
        a_moved_route_stands_where_it_is_served,
        two_modules_share_a_path,
        who_joins_a_path_takes_no_parameters_from_it,
        two_names_of_one_parameter_stand_apart,
        a_marked_path_stands_beside_the_bare_one,
        the_order_of_loading_does_not_matter_to_marks,
        a_marked_path_that_is_alone_loses_its_mark,
        one_module_has_both,
        an_undescribed_route_names_its_header,
        security_is_what_the_route_says,
        security_of_the_whole_fragment_is_that_of_its_operations,
        an_extension_among_the_paths_is_no_path,
        pages_that_are_off_are_left_out,
        a_notice_comes_first,
        ids_of_operations_are_unique,
        ids_within_a_module_are_unique_too,
    };
    return test_main("openapi_paths", fixture_setup, fixture_teardown, tests,
                     sizeof tests / sizeof *tests);
}
