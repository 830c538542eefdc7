/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON Schema in a request: says what is wrong with it by its place, and writes it in the form
 * that the CLI's structured output takes. Validates no values: that is the CLI's affair.
 */
#ifndef KOINE_MODULE_SCHEMA_H
#define KOINE_MODULE_SCHEMA_H

#include <koine-module/body.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Checks the schema that a field of kind KOINE_BODY_OBJECT has read, between koine_body_read and
 * koine_body_accept. What is no JSON Schema is added to the body's problems with its path, such as
 * ["schema","properties","age","type"]. Otherwise `*schema` is replaced by a text in the request's
 * memory that takes the same objects and leaves out what the CLI cannot compile: `$schema` of
 * any draft, `format` … at every place where a schema stands (a property of that name stays). The
 * root takes objects alone; what refers to it takes all that the client's root takes.
 * A `*schema` of none (the field was left out or had another type) is passed over.
 */
void koine_schema_prepare(struct koine_body *body, const char *field, struct koine_text *schema);

/*
 * The same for a schema deeper in the body: `path` as that of koine_body_problem_at, such as
 * "tools[2].input_schema", of at most eight steps. Where no object stands there nothing is done,
 * and `*schema` stays as it is.
 */
void koine_schema_prepare_at(struct koine_body *body, const char *path, struct koine_text *schema);

#ifdef __cplusplus
}
#endif
#endif
