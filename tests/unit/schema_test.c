/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module SDK's schemas against a host that is nothing but a request: what is refused, at which
 * place and in which words, and the text that the CLI is given for what today's generators emit.
 */
#include <check.h>
#include <jansson.h>
#include <koine-module/schema.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- a host with one request ------------------------------------------------------------- */

enum { ALLOCATIONS = 16 };

static struct {
    struct koine_text body;
    void *allocated[ALLOCATIONS];
    size_t allocations;
    void (*ended)(void *data, koine_request request, int32_t how);
    void *ended_data;
    unsigned status; /* of the answer, 0: none */
    char *message;
    json_t *issues;
} exchange;

/* Counts down to the allocation that fails; below 0: none does. */
static long allocations_left = -1;

static bool allocation_fails(void) {
    return allocations_left >= 0 && allocations_left-- == 0;
}

static void *json_allocate(size_t bytes) {
    return allocation_fails() ? NULL : malloc(bytes);
}

static int32_t host_header(const struct koine_host *host, koine_request request, const char *name,
                           struct koine_text *out) {
    (void)host, (void)request, (void)name;
    *out = (struct koine_text){NULL, 0};
    return KOINE_NOT_FOUND;
}

static int32_t host_body(const struct koine_host *host, koine_request request,
                         struct koine_text *out) {
    (void)host, (void)request;
    *out = exchange.body;
    return KOINE_OK;
}

static void *host_alloc(const struct koine_host *host, koine_request request, size_t bytes) {
    (void)host, (void)request;
    ck_assert_uint_lt(exchange.allocations, ALLOCATIONS);
    void *memory = allocation_fails() ? NULL : calloc(1, bytes);
    exchange.allocated[exchange.allocations++] = memory;
    return memory;
}

static int32_t host_on_end(const struct koine_host *host, koine_request request,
                           void (*callback)(void *, koine_request, int32_t), void *data) {
    (void)host, (void)request;
    exchange.ended = callback;
    exchange.ended_data = data;
    return KOINE_OK;
}

static void end_request(void) {
    if (exchange.ended)
        exchange.ended(exchange.ended_data, (koine_request){1}, KOINE_END_ANSWERED);
    exchange.ended = NULL;
    while (exchange.allocations)
        free(exchange.allocated[--exchange.allocations]);
}

static int32_t host_fail(const struct koine_host *host, koine_request request,
                         const struct koine_failure *failure) {
    (void)host, (void)request;
    long left = allocations_left;
    allocations_left = -1; /* what follows is the test's own */
    ck_assert_uint_eq(exchange.status, 0);
    exchange.status = failure->status;
    exchange.message = strndup(failure->message.data, failure->message.size);
    exchange.issues = json_loadb(failure->issues.data, failure->issues.size, 0, NULL);
    end_request();
    allocations_left = left;
    return KOINE_OK;
}

static const struct koine_http http = {.size = sizeof(struct koine_http),
                                       .header = host_header,
                                       .body = host_body,
                                       .alloc = host_alloc,
                                       .on_end = host_on_end,
                                       .fail = host_fail};

static const void *host_service(const struct koine_host *host, const char *id) {
    (void)host;
    return strcmp(id, KOINE_HTTP) ? NULL : &http;
}

static const struct koine_host host = {sizeof(struct koine_host), 1, 0, host_service};

/* ---- a request with a schema ------------------------------------------------------------- */

struct request_body {
    struct koine_text schema;
};

static const struct koine_body_field fields[] = {
    KOINE_BODY_FIELD(struct request_body, schema, "schema", KOINE_BODY_OBJECT, 0),
};

/* The prepared text, malloc'd; NULL: the request has been answered, or there is no schema. */
static char *prepare_body(const char *body) {
    struct request_body request = {{NULL, 0}};
    char *text = NULL;
    memset(&exchange, 0, sizeof exchange);
    exchange.body = (struct koine_text){body, strlen(body)};
    struct koine_body *read = koine_body_read(&host, (koine_request){1}, fields, 1, &request);
    if (read)
        koine_schema_prepare(read, "schema", &request.schema);
    if (read && koine_body_accept(read) && request.schema.data)
        text = strndup(request.schema.data, request.schema.size);
    end_request();
    return text;
}

static char *prepare(const char *schema) {
    char *body;
    ck_assert_int_ge(asprintf(&body, "{\"schema\":%s}", schema), 0);
    char *text = prepare_body(body);
    free(body);
    return text;
}

static void forget_answer(void) {
    free(exchange.message);
    json_decref(exchange.issues);
    memset(&exchange, 0, sizeof exchange);
}

/* JSON in single quotes is readable in C. */
static char *quoted(const char *text) {
    char *json = strdup(text);
    for (char *at = json; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    return json;
}

static void assert_prepared(const char *schema, const char *expected) {
    char *given = quoted(schema), *wanted = quoted(expected);
    char *text = prepare(given);
    ck_assert_msg(text != NULL, "%s was refused: %s", schema, exchange.message);
    ck_assert_str_eq(text, wanted);
    forget_answer();
    free(text);
    free(wanted);
    free(given);
}

static void assert_kept(const char *schema) {
    assert_prepared(schema, schema);
}

/* `expected`: the issues as "path message", a line each; the path begins behind "schema". */
static void assert_refused(const char *schema, const char *expected) {
    char *given = quoted(schema), *told = NULL, *text = prepare(given);
    size_t size, index;
    json_t *issue;
    FILE *out = open_memstream(&told, &size);
    ck_assert_msg(text == NULL, "%s was taken: %s", schema, text);
    ck_assert_uint_eq(exchange.status, 400);
    json_array_foreach(exchange.issues, index, issue) {
        char *path = json_dumps(json_object_get(issue, "path"), JSON_COMPACT);
        fprintf(out, "%s%s %s", index ? "\n" : "", path,
                json_string_value(json_object_get(issue, "message")));
        free(path);
    }
    fclose(out);
    for (char *at = told; *at; at++)
        *at = *at == '"' ? '\'' : *at;
    ck_assert_str_eq(told, expected);
    forget_answer();
    free(told);
    free(given);
}

struct sample {
    const char *schema, *expected;
};

/* ---- what is no schema ------------------------------------------------------------------- */

#define TYPES                                                                                      \
    "must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string', got "
#define NO_KEYWORD                                                                                 \
    "['schema'] must be a JSON Schema, such as {'type':'object','properties':{…}}: it holds no " \
    "keyword of JSON Schema"
#define NOT_OBJECT(got)                                                                            \
    "['schema','type'] must be 'object', got " got                                                 \
    ": structured output is always an object; make the value a property of one"
#define NO_SCHEMA " must be a schema (an object or a boolean), got "
#define NO_LIST " must be an array of at least one schema, got "

static const struct sample refused[] = {
    {"{}", NO_KEYWORD},
    {"{'name':'string','age':'number'}", NO_KEYWORD},
    {"{'$schema':'http://json-schema.org/draft-07/schema#'}", NO_KEYWORD},
    {"{'type':'array','items':{}}", NOT_OBJECT("'array'")},
    {"{'type':['string','null']}", NOT_OBJECT("an array")},
    {"{'type':'str'}", "['schema','type'] " TYPES "'str'"},
    {"{'type':null}", "['schema','type'] " TYPES "null"},
    {"{'type':[]}", "['schema','type'] must hold at least one value, got an empty array"},
    {"{'type':['object','int',5]}",
     "['schema','type',1] " TYPES "'int'\n['schema','type',2] " TYPES "5"},
    {"{'type':['object','object']}", "['schema','type',1] stands in this array twice: 'object'"},
    {"{'properties':{'age':{'type':'int'}}}",
     "['schema','properties','age','type'] " TYPES "'int'"},
    {"{'properties':[]}", "['schema','properties'] must be an object, got an empty array"},
    {"{'properties':{'a':'string'}}", "['schema','properties','a']" NO_SCHEMA "'string'"},
    {"{'patternProperties':5}", "['schema','patternProperties'] must be an object, got 5"},
    {"{'$defs':{'a':[1]}}", "['schema','$defs','a']" NO_SCHEMA "an array"},
    {"{'definitions':{'a':1}}", "['schema','definitions','a']" NO_SCHEMA "1"},
    {"{'dependentSchemas':{'a':['b']}}", "['schema','dependentSchemas','a']" NO_SCHEMA "an array"},
    {"{'dependentRequired':{'a':['b',1]}}",
     "['schema','dependentRequired','a',1] must be a string, got 1"},
    {"{'dependencies':{'a':['b','b'],'c':5}}",
     "['schema','dependencies','a',1] stands in this array twice: 'b'\n"
     "['schema','dependencies','c']" NO_SCHEMA "5"},
    {"{'properties':{'a':{'items':'string'}}}",
     "['schema','properties','a','items']" NO_SCHEMA "'string'"},
    {"{'items':[]}", "['schema','items']" NO_LIST "an empty array"},
    {"{'items':[true,1]}", "['schema','items',1]" NO_SCHEMA "1"},
    {"{'anyOf':[]}", "['schema','anyOf']" NO_LIST "an empty array"},
    {"{'allOf':{}}", "['schema','allOf']" NO_LIST "an object"},
    {"{'oneOf':[{'type':'x'}]}", "['schema','oneOf',0,'type'] " TYPES "'x'"},
    {"{'prefixItems':[null]}", "['schema','prefixItems',0]" NO_SCHEMA "null"},
    {"{'not':1}", "['schema','not']" NO_SCHEMA "1"},
    {"{'if':1,'then':2,'else':3}", "['schema','if']" NO_SCHEMA "1\n['schema','then']" NO_SCHEMA
                                   "2\n['schema','else']" NO_SCHEMA "3"},
    {"{'contains':[]}", "['schema','contains']" NO_SCHEMA "an empty array"},
    {"{'additionalProperties':'no'}", "['schema','additionalProperties']" NO_SCHEMA "'no'"},
    {"{'additionalItems':1}", "['schema','additionalItems']" NO_SCHEMA "1"},
    {"{'unevaluatedProperties':1}", "['schema','unevaluatedProperties']" NO_SCHEMA "1"},
    {"{'unevaluatedItems':1}", "['schema','unevaluatedItems']" NO_SCHEMA "1"},
    {"{'propertyNames':1}", "['schema','propertyNames']" NO_SCHEMA "1"},
    {"{'contentSchema':1}", "['schema','contentSchema']" NO_SCHEMA "1"},
    {"{'required':'a'}", "['schema','required'] must be an array of strings, got 'a'"},
    {"{'properties':{'a':{'required':true}}}",
     "['schema','properties','a','required'] must be an array of strings, got true"},
    {"{'required':['a',1,'a']}", "['schema','required',1] must be a string, got 1\n"
                                 "['schema','required',2] stands in this array twice: 'a'"},
    {"{'enum':'a'}", "['schema','enum'] must be an array, got 'a'"},
    {"{'enum':[]}", "['schema','enum'] must hold at least one value, got an empty array"},
    {"{'enum':[{'a':1,'b':2},{'b':2,'a':1}]}",
     "['schema','enum',1] stands in this array twice: an object"},
    {"{'examples':'x'}", "['schema','examples'] must be an array, got 'x'"},
    {"{'minLength':-1}", "['schema','minLength'] must be an integer of 0 or more, got -1"},
    {"{'maxItems':1.5}", "['schema','maxItems'] must be an integer of 0 or more, got 1.5"},
    {"{'minProperties':'1'}",
     "['schema','minProperties'] must be an integer of 0 or more, got '1'"},
    {"{'maximum':'1'}", "['schema','maximum'] must be a number, got '1'"},
    {"{'exclusiveMinimum':null}", "['schema','exclusiveMinimum'] must be a number, got null"},
    {"{'exclusiveMinimum':true}",
     "['schema','exclusiveMinimum'] must be a number, or stand beside minimum: got true"},
    {"{'exclusiveMaximum':true}",
     "['schema','exclusiveMaximum'] must be a number, or stand beside maximum: got true"},
    {"{'multipleOf':0}", "['schema','multipleOf'] must be a number above 0, got 0"},
    {"{'pattern':5}", "['schema','pattern'] must be a string, got 5"},
    {"{'uniqueItems':'yes'}", "['schema','uniqueItems'] must be true or false, got 'yes'"},
    {"{'readOnly':1,'writeOnly':1,'deprecated':1}",
     "['schema','readOnly'] must be true or false, got 1\n"
     "['schema','writeOnly'] must be true or false, got 1\n"
     "['schema','deprecated'] must be true or false, got 1"},
    {"{'title':5,'description':null,'$comment':[]}",
     "['schema','title'] must be a string, got 5\n"
     "['schema','description'] must be a string, got null\n"
     "['schema','$comment'] must be a string, got an empty array"},
    {"{'$ref':5}", "['schema','$ref'] must be a string, got 5"},
    {"{'$ref':'https://example.com/x'}",
     "['schema','$ref'] must be a pointer such as '#/$defs/name', or an '$id' of this schema as it "
     "is written there, got 'https://example.com/x': nothing is fetched"},
    {"{'$id':'x','properties':{'a':{'$ref':'x#/properties/a'}}}",
     "['schema','properties','a','$ref'] must be a pointer such as '#/$defs/name', or an '$id' of "
     "this schema as it is written there, got 'x#/properties/a': nothing is fetched"},
    {"{'$ref':'#/$defs/No','$defs':{'Yes':{}}}",
     "['schema','$ref'] leads to no schema in this document: '#/$defs/No'"},
    {"{'$ref':'#/properties','properties':{}}",
     "['schema','$ref'] leads to no schema in this document: '#/properties'"},
    {"{'$ref':'#name','$anchor':'name'}",
     "['schema','$ref'] must be a pointer such as '#/$defs/name', got '#name': anchors are not "
     "supported"},
    {"{'properties':{'a':{'$ref':'#b'},'b':{'$id':'#b'}}}",
     "['schema','properties','a','$ref'] must be a pointer such as '#/$defs/name', got '#b': "
     "anchors are not supported"},
    {"{'$defs':{'R':{}},'properties':{'a':{'$id':'A','not':{'$ref':'#/$defs/R'}}}}",
     "['schema','properties','a','not','$ref'] leads to no schema below the nearest '$id', where "
     "it begins: '#/$defs/R'"},
    {"{'$defs':{'R':{}},'properties':{'a':{'$id':'A','$ref':'#/$defs/R'}}}",
     "['schema','properties','a','$ref'] is not supported beside '$id': put it into allOf"},
    {"{'$ref':'#/enum/0','enum':[{}]}",
     "['schema','$ref'] leads to no schema in this document: '#/enum/0'"},
    {"{'$ref':'#/components/A','components':{'A':{}}}",
     "['schema','$ref'] leads to no schema in this document: '#/components/A'"},
    {"{'$ref':'#/anyOf/01','anyOf':[{},{}]}",
     "['schema','$ref'] leads to no schema in this document: '#/anyOf/01'"},
    {"{'$ref':'#/$defs/a%0','$defs':{'a':{}}}",
     "['schema','$ref'] leads to no schema in this document: '#/$defs/a%0'"},
    {"{'$ref':'#/$defs/a~2','$defs':{'a':{}}}",
     "['schema','$ref'] leads to no schema in this document: '#/$defs/a~2'"},
    {"{'$ref':'#/$defs/a%00','$defs':{'a':{}}}",
     "['schema','$ref'] leads to no schema in this document: '#/$defs/a%00'"},
    {"{'type':'object','$dynamicRef':'#x'}", "['schema','$dynamicRef'] is not supported: use $ref"},
    {"{'prefixItems':[{}],'items':[{}]}",
     "['schema','items'] must be a schema beside prefixItems, got an array"},
    {"{'contains':{},'minContains':2}",
     "['schema','minContains'] is not supported: contains can be asked for one value only"},
    {"{'dependentRequired':{},'dependencies':{}}",
     "['schema','dependentRequired'] must be the only one of dependencies, dependentRequired and "
     "dependentSchemas here\n"
     "['schema','dependencies'] must be the only one of dependencies, dependentRequired and "
     "dependentSchemas here"},
    {"{'allOf':[{}],'unevaluatedProperties':false}",
     "['schema','unevaluatedProperties'] is not supported beside keywords such as allOf and $ref: "
     "use additionalProperties"},
    {"{'contains':{},'unevaluatedItems':false}",
     "['schema','unevaluatedItems'] is not supported beside keywords such as allOf and $ref: use "
     "items"},
};

START_TEST(what_is_no_schema_is_refused_at_its_place)
{ assert_refused(refused[_i].schema, refused[_i].expected); }
END_TEST

/* ---- what the CLI is given --------------------------------------------------------------- */

#define OBJECT(rest) "{'type':'object'," rest "}"
#define PROPERTY(schema) OBJECT("'properties':{'a':" schema "}")

/* The root as it was written, which the CLI would take for objects alone. */
#define MOVED(root) "{'type':'object','$ref':'#/definitions/root','definitions':{'root':" root "}}"

static const struct sample prepared[] = {
    {PROPERTY("{'type':'string','format':'email'}"), PROPERTY("{'type':'string'}")},
    {OBJECT("'$schema':'https://json-schema.org/draft/2020-12/schema','required':[]"),
     OBJECT("'required':[]")},
    {PROPERTY("{'example':1,'x-a':{},'id':'i','discriminator':{'propertyName':'k'},'title':'T'}"),
     PROPERTY("{'title':'T'}")},
    {" { 'type' : 'object' , 'required' : [ 'a' ] } ", OBJECT("'required':[ 'a' ]")},
    {"{'required':['a']}", OBJECT("'required':['a']")},
    {"{'$ref':'#/$defs/R','$defs':{'R':{}}}", OBJECT("'$ref':'#/$defs/R','$defs':{'R':{}}")},
    {"{'anyOf':[{'type':'object'}]}", OBJECT("'anyOf':[{'type':'object'}]")},
    {"{'type':['null','object'],'nullable':true,'title':'T'}", OBJECT("'title':'T'")},
    {"{'type':['object'],'properties':{'a':{'$ref':'#'}}}",
     OBJECT("'properties':{'a':{'$ref':'#'}}")},
    {"{'type':['object','string'],'properties':{'a':{'$ref':'#'}}}",
     MOVED("{'type':['object','string'],'properties':{'a':{'$ref':'#/definitions/root'}}}")},
    {"{'properties':{'a':{'$ref':'#'}},'required':['a'],'$schema':'x'}",
     MOVED("{'properties':{'a':{'$ref':'#/definitions/root'}},'required':['a']}")},
    {"{'anyOf':[{'type':'string'},{'prefixItems':[{'$ref':'#'},{'$ref':'#/anyOf/0'},{'$ref':"
     "'#/anyOf/1/prefixItems/0'}]}]}",
     MOVED("{'anyOf':[{'type':'string'},{'items':[{'$ref':'#/definitions/root'},{'$ref':"
           "'#/definitions/root/anyOf/0'},{'$ref':'#/definitions/root/anyOf/1/items/0'}]}]}")},
    {"{'type':'object','nullable':true,'properties':{'a':{'$ref':'#'}}}",
     MOVED("{'type':['object','null'],'properties':{'a':{'$ref':'#/definitions/root'}}}")},
    {"{'$id':'Node','type':['null','object'],'properties':{'a':{'$ref':'Node'},'b':{'$ref':'#'}}}",
     "{'$id':'Node','type':'object','$ref':'#/definitions/root','definitions':{'root':{'type':["
     "'null','object'],'properties':{'a':{'$ref':'Node#/definitions/root'},'b':{'$ref':"
     "'#/definitions/root'}}}}}"},
    {"{'title':'T','properties':{'a':{'$ref':'http://x/y#'}},'$id':'http://x/y#'}",
     "{'$id':'http://x/y#','type':'object','$ref':'#/definitions/root','definitions':{'root':{"
     "'title':'T','properties':{'a':{'$ref':'http://x/y#/definitions/root'}}}}}"},
    {PROPERTY("{'type':'string','nullable':true}"), PROPERTY("{'type':['string','null']}")},
    {PROPERTY("{'type':['string'],'nullable':true}"), PROPERTY("{'type':['string','null']}")},
    {PROPERTY("{'type':['null'],'nullable':true}"), PROPERTY("{'type':['null']}")},
    {PROPERTY("{'type':'string','nullable':false}"), PROPERTY("{'type':'string'}")},
    {PROPERTY("{'nullable':true,'allOf':[true]}"), PROPERTY("{'allOf':[true]}")},
    {PROPERTY("{'minimum':1,'exclusiveMinimum':true}"), PROPERTY("{'exclusiveMinimum':1}")},
    {PROPERTY("{'exclusiveMaximum':false,'maximum':0.10}"), PROPERTY("{'maximum':0.10}")},
    {PROPERTY("{'exclusiveMaximum':true,'maximum':9}"), PROPERTY("{'exclusiveMaximum':9}")},
    {PROPERTY("{'minimum':1,'exclusiveMinimum':2}"),
     PROPERTY("{'minimum':1,'exclusiveMinimum':2}")},
    {PROPERTY("{'prefixItems':[{},true],'items':false}"),
     PROPERTY("{'items':[{},true],'additionalItems':false}")},
    {PROPERTY("{'items':[{}],'additionalItems':false}"),
     PROPERTY("{'items':[{}],'additionalItems':false}")},
    {PROPERTY("{'items':{},'additionalItems':false}"), PROPERTY("{'items':{}}")},
    {PROPERTY("{'unevaluatedItems':false}"), PROPERTY("{'items':false}")},
    {PROPERTY("{'prefixItems':[{}],'unevaluatedItems':false}"),
     PROPERTY("{'items':[{}],'additionalItems':false}")},
    {PROPERTY("{'items':{},'unevaluatedItems':false}"), PROPERTY("{'items':{}}")},
    {OBJECT("'unevaluatedProperties':false"), OBJECT("'additionalProperties':false")},
    {OBJECT("'unevaluatedProperties':false,'additionalProperties':true"),
     OBJECT("'additionalProperties':true")},
    {OBJECT("'allOf':[{}],'unevaluatedProperties':true"), OBJECT("'allOf':[{}]")},
    {OBJECT("'dependentRequired':{'a':['b']}"), OBJECT("'dependencies':{'a':['b']}")},
    {OBJECT("'dependentSchemas':{'a':{'format':'x'}}"), OBJECT("'dependencies':{'a':{}}")},
    {PROPERTY("{'contains':{},'minContains':1}"), PROPERTY("{'contains':{}}")},
    {PROPERTY("{'contains':{},'minContains':0}"), PROPERTY("{}")},
    {PROPERTY("{'maxContains':3}"), PROPERTY("{}")},
    {PROPERTY("{'if':{},'then':true}"), PROPERTY("{'if':{},'then':true}")},
    {PROPERTY("{'if':{}}"), PROPERTY("{}")},
    {PROPERTY("{'then':{},'else':{}}"), PROPERTY("{}")},
    {OBJECT("'$defs':{'T':{'prefixItems':[{},{'dependentSchemas':{'/%':{}}}]}},'allOf':[{'$ref':"
            "'#/$defs/T/prefixItems/1/dependentSchemas/~1%25'}]"),
     OBJECT("'$defs':{'T':{'items':[{},{'dependencies':{'/%':{}}}]}},'allOf':[{'$ref':"
            "'#/$defs/T/items/1/dependencies/~1%25'}]")},
    {OBJECT("'$defs':{'T':{}},'properties':{'a':{'$id':'A','$defs':{'T':{'prefixItems':[{}]}},"
            "'properties':{'b':{'$ref':'#/$defs/T/prefixItems/0'},'c':{'$ref':'#'},'d':{'$id':"
            "'#d','$ref':'#/$defs/T'}}},'e':{'$ref':'#/$defs/T'}}"),
     OBJECT("'$defs':{'T':{}},'properties':{'a':{'$id':'A','$defs':{'T':{'items':[{}]}},"
            "'properties':{'b':{'$ref':'#/$defs/T/items/0'},'c':{'$ref':'#'},'d':{'$id':"
            "'#d','$ref':'#/$defs/T'}}},'e':{'$ref':'#/$defs/T'}}")},
};

START_TEST(what_the_cli_does_not_know_is_left_out_or_told_in_its_words)
{ assert_prepared(prepared[_i].schema, prepared[_i].expected); }
END_TEST

static const char *const kept[] = {
    OBJECT("'properties':{'format':{'type':'string'},'$schema':{},'nullable':true,'':{}}"),
    PROPERTY("{'enum':[{'format':'x','$schema':1},null,12345678901234567890,1.0]}"),
    PROPERTY("{'const':{'example':1},'default':{'nullable':true},'examples':[{'format':'x'}]}"),
    OBJECT("'required':['format']"),
    OBJECT("'additionalProperties':{'type':'string'},'propertyNames':{'pattern':'^a'}"),
    OBJECT("'patternProperties':{'^\\\\w\\\\\\\\$':{'minLength':2.0}}"),
    OBJECT("'definitions':{'a b':{},'ä~/':{}},'allOf':[{'$ref':'#/definitions/a%20b'},{'$ref':"
           "'#/definitions/a b'},{'$ref':'#/definitions/ä~0~1'},{'$ref':'#'}]"),
    OBJECT("'dependencies':{'a':['b'],'c':{}}"),
    OBJECT("'properties':{'next':{'$ref':'Node'}},'$id':'Node'"),
    PROPERTY("{'type':['string','null'],'contentEncoding':'base64','readOnly':true}"),
    OBJECT("'$comment':'c','title':'t','description':'d','not':false,'oneOf':[true]"),
};

START_TEST(what_the_cli_knows_is_kept_as_it_was_written)
{ assert_kept(kept[_i]); }
END_TEST

/* What the generators that people use write for a small model, and what becomes of it. */
static const struct sample generated[] = {
    /* zod 3 with zod-to-json-schema: a name, a date, a positive number, a tuple, a nullable */
    {"{'$ref':'#/definitions/User','definitions':{'User':{'type':'object','properties':{'email':{"
     "'type':'string','format':'email'},'born':{'type':'string','format':'date-time'},'age':{"
     "'type':'integer','exclusiveMinimum':0},'at':{'type':'array','minItems':2,'maxItems':2,"
     "'items':[{'type':'number'},{'type':'number'}]},'nick':{'type':['string','null']}},"
     "'required':['email'],'additionalProperties':false}},"
     "'$schema':'http://json-schema.org/draft-07/schema#'}",
     "{'type':'object','$ref':'#/definitions/User','definitions':{'User':{'type':'object',"
     "'properties':{'email':{'type':'string'},'born':{'type':'string'},'age':{'type':'integer',"
     "'exclusiveMinimum':0},'at':{'type':'array','minItems':2,'maxItems':2,'items':[{'type':"
     "'number'},{'type':'number'}]},'nick':{'type':['string','null']}},'required':['email'],"
     "'additionalProperties':false}}}"},
    /* zod 4's toJSONSchema */
    {"{'$schema':'https://json-schema.org/draft/2020-12/schema','type':'object','properties':{"
     "'id':{'type':'string','format':'uuid','pattern':'^[0-9a-f]{8}$'},'n':{'type':'integer',"
     "'minimum':-9007199254740991,'maximum':9007199254740991},'pair':{'type':'array',"
     "'prefixItems':[{'type':'string'},{'type':'number'}]},'tree':{'$ref':'#'}},'required':['id'],"
     "'additionalProperties':false}",
     "{'type':'object','properties':{'id':{'type':'string','pattern':'^[0-9a-f]{8}$'},'n':{'type':"
     "'integer','minimum':-9007199254740991,'maximum':9007199254740991},'pair':{'type':'array',"
     "'items':[{'type':'string'},{'type':'number'}]},'tree':{'$ref':'#'}},'required':['id'],"
     "'additionalProperties':false}"},
    /* pydantic 2's model_json_schema with a tagged union, an optional and a tuple */
    {"{'$defs':{'Cat':{'properties':{'kind':{'const':'cat','title':'Kind','type':'string'}},"
     "'required':['kind'],'title':'Cat','type':'object'},'Dog':{'properties':{'kind':{'const':"
     "'dog','title':'Kind','type':'string'}},'required':['kind'],'title':'Dog','type':'object'}},"
     "'properties':{'pet':{'discriminator':{'mapping':{'cat':'#/$defs/Cat','dog':'#/$defs/Dog'},"
     "'propertyName':'kind'},'oneOf':[{'$ref':'#/$defs/Cat'},{'$ref':'#/$defs/Dog'}],'title':"
     "'Pet'},'seen':{'anyOf':[{'format':'date-time','type':'string'},{'type':'null'}],'default':"
     "null,'title':'Seen'},'span':{'maxItems':2,'minItems':2,'prefixItems':[{'type':'integer'},{"
     "'type':'string'}],'title':'Span','type':'array'}},'required':['pet','span'],'title':'Owner',"
     "'type':'object'}",
     "{'$defs':{'Cat':{'properties':{'kind':{'const':'cat','title':'Kind','type':'string'}},"
     "'required':['kind'],'title':'Cat','type':'object'},'Dog':{'properties':{'kind':{'const':"
     "'dog','title':'Kind','type':'string'}},'required':['kind'],'title':'Dog','type':'object'}},"
     "'properties':{'pet':{'oneOf':[{'$ref':'#/$defs/Cat'},{'$ref':'#/$defs/Dog'}],'title':"
     "'Pet'},'seen':{'anyOf':[{'type':'string'},{'type':'null'}],'default':null,'title':'Seen'},"
     "'span':{'maxItems':2,'minItems':2,'items':[{'type':'integer'},{'type':'string'}],'title':"
     "'Span','type':'array'}},'required':['pet','span'],'title':'Owner','type':'object'}"},
    /* TypeBox: Type.Recursive refers by $id */
    {"{'$id':'Node','type':'object','properties':{'id':{'type':'string','format':'uri'},'nodes':{"
     "'type':'array','items':{'$ref':'Node'}}},'required':['id','nodes']}",
     "{'$id':'Node','type':'object','properties':{'id':{'type':'string'},'nodes':{'type':'array',"
     "'items':{'$ref':'Node'}}},'required':['id','nodes']}"},
    /* a fragment of OpenAPI 3.0 */
    {"{'type':'object','properties':{'price':{'type':'number','format':'double','minimum':0,"
     "'exclusiveMinimum':true,'example':9.5},'note':{'type':'string','nullable':true,'xml':{"
     "'name':'n'}}},'externalDocs':{'url':'x'},'x-internal':true}",
     "{'type':'object','properties':{'price':{'type':'number','exclusiveMinimum':0},'note':{'type':"
     "['string','null']}}}"},
};

START_TEST(what_generators_write_reaches_the_cli)
{ assert_prepared(generated[_i].schema, generated[_i].expected); }
END_TEST

/* ---- the field --------------------------------------------------------------------------- */

START_TEST(a_schema_left_out_is_none)
{
    ck_assert_ptr_null(prepare_body("{}"));
    ck_assert_uint_eq(exchange.status, 0);
    forget_answer();
}
END_TEST

START_TEST(a_field_of_another_type_is_refused_once)
{
    ck_assert_ptr_null(prepare_body("{\"schema\":5}"));
    ck_assert_str_eq(exchange.message, "schema: must be an object, got 5");
    forget_answer();
}
END_TEST

START_TEST(problems_are_told_in_one_sentence)
{
    ck_assert_ptr_null(prepare("{\"type\":\"x\",\"anyOf\":[1]}"));
    ck_assert_ptr_nonnull(strstr(exchange.message, "2 problems: schema.type: must be one of"));
    ck_assert_ptr_nonnull(strstr(exchange.message, "; schema.anyOf[0]: must be a schema"));
    forget_answer();
}
END_TEST

/* ---- bounds ------------------------------------------------------------------------------ */

/* `levels` schemas, each the "not" of the one before. */
static char *nested(size_t levels) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 1; i < levels; i++)
        fputs("{\"not\":", out);
    fputs("{\"title\":\"end\"}", out);
    for (size_t i = 1; i < levels; i++)
        fputc('}', out);
    fclose(out);
    return text;
}

START_TEST(nesting_has_an_end)
{
    char *most = nested(128), *over = nested(129);
    char *text = prepare(most);
    ck_assert_ptr_nonnull(text);
    free(text);
    ck_assert_ptr_null(prepare(over));
    json_t *issue = json_array_get(exchange.issues, 0);
    ck_assert_uint_eq(json_array_size(exchange.issues), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(issue, "path")), 129);
    ck_assert_str_eq(json_string_value(json_object_get(issue, "message")),
                     "is nested more than 128 schemas deep");
    forget_answer();
    free(over);
    free(most);
}
END_TEST

START_TEST(long_names_and_values_are_cut_between_characters)
{
    char schema[2048], name[512] = "";
    for (size_t i = 0; i < 100; i++)
        strcat(name, "€");
    snprintf(schema, sizeof schema, "{\"properties\":{\"%s\":{\"type\":\"%s\"}}}", name, name);
    ck_assert_ptr_null(prepare(schema));
    json_t *issue = json_array_get(exchange.issues, 0);
    const char *step = json_string_value(json_array_get(json_object_get(issue, "path"), 2));
    const char *message = json_string_value(json_object_get(issue, "message"));
    ck_assert_uint_eq(strlen(step), 63 + strlen("…"));
    ck_assert_str_eq(step + 63, "…");
    ck_assert_ptr_nonnull(strstr(message, "got \"€"));
    ck_assert_str_eq(message + strlen(message) - strlen("€…\""), "€…\"");
    ck_assert_uint_lt(strlen(message), 200);
    forget_answer();
}
END_TEST

START_TEST(many_problems_are_counted_and_not_all_told)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fputs("{\"enum\":[0", out);
    for (size_t i = 0; i < 1000; i++)
        fputs(",0", out);
    fputs("]}", out);
    fclose(out);
    ck_assert_ptr_null(prepare(text));
    ck_assert_uint_eq(json_array_size(exchange.issues), 16);
    ck_assert_ptr_nonnull(strstr(exchange.message, "1000 problems: schema.enum[1]: stands in"));
    ck_assert_ptr_nonnull(strstr(exchange.message, "; and 984 more"));
    forget_answer();
    free(text);
}
END_TEST

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A megabyte of properties that are all `member`. */
static char *wide(const char *member) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fputs("{\"properties\":{\"n0\":{}", out);
    for (size_t i = 1; i * (strlen(member) + 8) < 1000000; i++)
        fprintf(out, ",\"n%zu\":%s", i, member);
    fputs("}}", out);
    fclose(out);
    return text;
}

static double time_of(const char *field, const char *schema, bool taken) {
    char *body;
    ck_assert_int_ge(asprintf(&body, "{\"%s\":%s}", field, schema), 0);
    double before = seconds();
    char *result = prepare_body(body);
    double took = seconds() - before;
    ck_assert_msg((result != NULL) == taken, "%.200s", exchange.message);
    forget_answer();
    free(result);
    free(body);
    return took;
}

/* Measured by what it takes to parse the same text, which holds on any machine and under any tool:
 * it is about twice that, and anything quadratic would be hundreds of times. */
static void assert_linear(const char *member) {
    char *schema = wide(member);
    double parsed = time_of("other", schema, false), all = time_of("schema", schema, true);
    ck_assert_msg(all < 20 * parsed, "%f s, and %f s to parse", all, parsed);
    free(schema);
}

START_TEST(a_large_schema_is_prepared_in_linear_time)
{
    char *deep = nested(127);
    assert_linear("{\"type\":\"string\",\"format\":\"date\",\"enum\":[\"a\"]}");
    assert_linear("{\"$ref\":\"#/properties/n1\"}");
    assert_linear(deep);
    free(deep);
}
END_TEST

/* ---- memory ------------------------------------------------------------------------------ */

static const char *const for_memory[] = {
    "{\"schema\":{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"required\":[\"a\",\"b\"]}},\"$id\":"
    "\"x\",\"enum\":[{\"a\":[1]}],\"properties\":{\"a\":{\"$ref\":\"x\"}}}}",
    "{\"schema\":{\"type\":[\"x\",1],\"properties\":{\"a\":{\"$ref\":\"#/x\"}},\"anyOf\":[]}}",
};

START_TEST(no_failed_allocation_is_accepted)
{
    json_malloc_t allocate;
    json_free_t release;
    bool ended = false;
    json_get_alloc_funcs(&allocate, &release);
    json_set_alloc_funcs(json_allocate, free);
    for (long n = 0; !ended; n++) {
        allocations_left = n;
        char *text = prepare_body(for_memory[_i]);
        ended = allocations_left >= 0;
        allocations_left = -1;
        if (ended)
            ck_assert(_i ? exchange.status == 400 : text != NULL);
        else
            ck_assert_msg(text == NULL && exchange.status, "allocation %ld failed unseen", n);
        free(text);
        forget_answer();
    }
    json_set_alloc_funcs(allocate, release);
}
END_TEST

/* ---- a schema that is not a field ---------------------------------------------------------- */

/* The prepared text of "a.b.schema", malloc'd; NULL: answered, or there is none. */
static char *prepare_deeper(const char *body) {
    char *json = quoted(body), *text = NULL;
    struct koine_text schema = {NULL, 0};
    memset(&exchange, 0, sizeof exchange);
    exchange.body = (struct koine_text){json, strlen(json)};
    struct koine_body *read = koine_body_read(&host, (koine_request){1}, NULL, 0, NULL);
    ck_assert_ptr_nonnull(read);
    koine_schema_prepare_at(read, "a.b.schema", &schema);
    if (koine_body_accept(read) && schema.data)
        text = strndup(schema.data, schema.size);
    end_request();
    free(json);
    return text;
}

START_TEST(a_schema_deeper_in_the_body_is_prepared)
{
    char *text = prepare_deeper("{'x':[{'schema':1}],'a':{'schema':{},'b':{'c':'}','schema':"
                                "{'$schema':'x','type':'object','maxProperties':10}}}}");
    ck_assert_pstr_eq(text, "{\"type\":\"object\",\"maxProperties\":10}");
    free(text);
}
END_TEST

START_TEST(its_problems_are_told_with_the_whole_path)
{
    ck_assert_ptr_null(prepare_deeper("{'a':{'b':{'schema':{'type':'objekt'}}}}"));
    char *path =
        json_dumps(json_object_get(json_array_get(exchange.issues, 0), "path"), JSON_COMPACT);
    ck_assert_pstr_eq(path, "[\"a\",\"b\",\"schema\",\"type\"]");
    free(path);
    forget_answer();
}
END_TEST

START_TEST(a_step_that_is_missing_is_no_schema)
{
    static const char *const bodies[] = {"{}", "{'a':1}", "{'a':{'b':null}}", "{'a':{'b':{}}}",
                                         "{'a':{'b':{'schema':true}}}"};
    for (size_t i = 0; i < COUNT(bodies); i++) {
        ck_assert_ptr_null(prepare_deeper(bodies[i]));
        ck_assert_uint_eq(exchange.status, 0);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("schema");
    TCase *words = tcase_create("words"), *texts = tcase_create("texts");
    TCase *bounds = tcase_create("bounds");
    tcase_add_loop_test(words, what_is_no_schema_is_refused_at_its_place, 0, COUNT(refused));
    tcase_add_test(words, a_schema_left_out_is_none);
    tcase_add_test(words, a_field_of_another_type_is_refused_once);
    tcase_add_test(words, problems_are_told_in_one_sentence);
    suite_add_tcase(suite, words);
    tcase_add_loop_test(texts, what_the_cli_does_not_know_is_left_out_or_told_in_its_words, 0,
                        COUNT(prepared));
    tcase_add_loop_test(texts, what_the_cli_knows_is_kept_as_it_was_written, 0, COUNT(kept));
    tcase_add_loop_test(texts, what_generators_write_reaches_the_cli, 0, COUNT(generated));
    tcase_add_test(texts, a_schema_deeper_in_the_body_is_prepared);
    tcase_add_test(texts, its_problems_are_told_with_the_whole_path);
    tcase_add_test(texts, a_step_that_is_missing_is_no_schema);
    suite_add_tcase(suite, texts);
    tcase_set_timeout(bounds, 60);
    tcase_add_test(bounds, nesting_has_an_end);
    tcase_add_test(bounds, long_names_and_values_are_cut_between_characters);
    tcase_add_test(bounds, many_problems_are_counted_and_not_all_told);
    tcase_add_test(bounds, a_large_schema_is_prepared_in_linear_time);
    tcase_add_loop_test(bounds, no_failed_allocation_is_accepted, 0, COUNT(for_memory));
    suite_add_tcase(suite, bounds);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
