/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields as tables. What would make the answer another one than was asked for is refused; what
 * the CLI has no switch for, and what changes no more than odds, speed or cost, has no effect.
 */
#include "fields.h"
#include <koine-module/module.h>

enum {
    LARGEST_COUNT = 100000, /* of messages in a request of the API */
    LARGEST_TOP_K = 1000000000
};

static const char *const service_tiers[] = {"auto", "standard_only", NULL};
static const char *const speeds[] = {"standard", "fast", NULL};

#define FIELD(member, kind, flags)                                                                 \
    KOINE_BODY_FIELD(struct message_body, member, #member, KOINE_BODY_##kind,                      \
                     (flags) | KOINE_BODY_NULLABLE)
#define LIMITED(member, kind, flags, minimum, maximum)                                             \
    KOINE_BODY_LIMITED(struct message_body, member, #member, KOINE_BODY_##kind,                    \
                       (flags) | KOINE_BODY_NULLABLE, minimum, maximum)
#define CHOICE(member, choices)                                                                    \
    KOINE_BODY_CHOICE(struct message_body, member, #member, KOINE_BODY_NULLABLE, choices)

#define FIELDS_OF_BOTH                                                                             \
    FIELD(model, STRING, KOINE_BODY_REQUIRED | KOINE_BODY_NOT_EMPTY),                              \
        LIMITED(messages, ARRAY, KOINE_BODY_REQUIRED | KOINE_BODY_NOT_EMPTY, 1, LARGEST_COUNT),    \
        FIELD(system, JSON, 0), FIELD(tools, ARRAY, 0), FIELD(tool_choice, OBJECT, 0),             \
        FIELD(thinking, OBJECT, 0), FIELD(output_config, OBJECT, 0),                               \
        FIELD(output_format, OBJECT, 0), FIELD(cache_control, OBJECT, 0), CHOICE(speed, speeds),   \
        FIELD(thread, JSON, 0)

static const struct koine_body_field create_fields[] = {
    FIELDS_OF_BOTH,
    FIELD(max_tokens, POSITIVE_INTEGER, KOINE_BODY_REQUIRED),
    FIELD(stream, BOOLEAN, 0),
    FIELD(metadata, OBJECT, 0),
    CHOICE(service_tier, service_tiers),
    LIMITED(temperature, NUMBER, 0, 0, 1),
    LIMITED(top_p, NUMBER, 0, 0, 1),
    LIMITED(top_k, INTEGER, 0, 0, LARGEST_TOP_K),
};

static const struct koine_body_field count_fields[] = {FIELDS_OF_BOTH};

#define HONOURED(name)                                                                             \
    { name, KOINE_BODY_HONOURED, NULL, NULL }
#define NO_EFFECT(name)                                                                            \
    { name, KOINE_BODY_WITHOUT_EFFECT, NULL, NULL }
#define REFUSED(name, allowed, why)                                                                \
    { name, KOINE_BODY_REFUSED, allowed, why }

#define RULES_OF_BOTH                                                                              \
    HONOURED("model"), HONOURED("messages"), HONOURED("system"), HONOURED("tools"),                \
        HONOURED("tool_choice"), HONOURED("thinking"), HONOURED("output_config"),                  \
        HONOURED("output_format"), NO_EFFECT("cache_control"), NO_EFFECT("speed"),                 \
        REFUSED("context_management", "{} {\"edits\":[]}",                                         \
                "the conversation is given to the model as it is"),                                \
        REFUSED("mcp_servers", "[]", "the operator configures the servers of the CLI"),            \
        REFUSED("thread", NULL, "send the whole conversation")

static const struct koine_body_rule create_rules[] = {
    RULES_OF_BOTH,
    HONOURED("max_tokens"),
    HONOURED("stream"),
    NO_EFFECT("metadata"),
    NO_EFFECT("service_tier"),
    NO_EFFECT("temperature"),
    NO_EFFECT("top_p"),
    NO_EFFECT("top_k"),
    REFUSED("stop_sequences", "[]", "the CLI has none; cut the answer where it is read"),
    REFUSED("container", NULL, "no containers are kept here"),
    REFUSED("inference_geo", "\"global\"", "where the model runs is the operator's choice"),
    REFUSED("fallbacks", "[]", "one model answers"),
    REFUSED("fallback_credit_token", NULL, "one model answers"),
    REFUSED("diagnostics", NULL, "the answer has none"),
};

static const struct koine_body_rule count_rules[] = {RULES_OF_BOTH};

const struct request_fields create_message_fields = {create_fields, KOINE_COUNT(create_fields),
                                                     create_rules, KOINE_COUNT(create_rules)};
const struct request_fields count_tokens_fields = {count_fields, KOINE_COUNT(count_fields),
                                                   count_rules, KOINE_COUNT(count_rules)};
