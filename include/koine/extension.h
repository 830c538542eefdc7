/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a module offers beyond its routes, asked for through koine_module.extension by id.
 * A module answers NULL for every id that it does not know: later hosts ask for more.
 */
#ifndef KOINE_EXTENSION_H
#define KOINE_EXTENSION_H

#include <koine/runner.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * "koine.openapi/1": struct koine_document: an OpenAPI 3.1 fragment (YAML or JSON) with `paths`,
 * `components` and `tags` for the module's routes. The gateway serves it as part of its own
 * document (/openapi.yaml, /openapi.json, /docs): paths as modules.routes moves them, without
 * operations whose route the module has not registered, and with components renamed that clash
 * with another module's. At most 1 MiB, no anchors. One that cannot be used costs a warning; the
 * routes are then shown bare.
 */
#define KOINE_EXTENSION_OPENAPI "koine.openapi/1"

/*
 * "koine.config-schema/1": struct koine_document: a JSON Schema for the module's section of the
 * config. The host checks the section before init and names file and line of what does not fit.
 * Understood: type, properties, required, additionalProperties (false, true or a schema), items,
 * enum, const, minimum, maximum, minLength, maxLength, minItems, maxItems, and the annotations
 * title, description, default, examples, $schema, $id, $comment. A schema with any other keyword
 * is refused, so that nothing is ever silently unchecked.
 */
#define KOINE_EXTENSION_CONFIG_SCHEMA "koine.config-schema/1"

struct koine_document {
    uint32_t size;
    uint32_t reserved;
    struct koine_text text;
};

/*
 * "koine.tools/1": struct koine_tool_set: tools that every run of the gateway is offered, as far as
 * the tool policy allows mcp__MODULE__NAME. Each tool has its `call`; at most 1,000, no two of
 * one name. A module whose set holds one that cannot be given to the model is refused.
 */
#define KOINE_EXTENSION_TOOLS "koine.tools/1"

struct koine_tool_set {
    uint32_t size;
    uint32_t count;
    const struct koine_tool *const *tools;
};

KOINE_PIN(koine_document, text, 8);
KOINE_PIN(koine_tool_set, tools, 8);

#ifdef __cplusplus
}
#endif
#endif
