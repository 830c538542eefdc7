// SPDX-License-Identifier: Apache-2.0
// Checks values against the document's schemas. For answers these are closed first: a member that a
// schema does not name is a finding, unless it says `additionalProperties: true`.
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const OPTIONS = { strict: false, allErrors: false, validateSchema: false };
const COMBINING = ['allOf', 'oneOf', 'anyOf'];
const DEEPER = ['items', 'contains', 'additionalProperties', 'unevaluatedProperties', 'not'];

/** Where the components of one form are: `closed` and `open` schemas refer to such. */
const place = (form) => `koine:${form}`;

function moved(reference, form) {
  return reference.replace('#/components/schemas/', `${place(form)}#/$defs/`);
}

function mapped(object, change) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));
}

/** What is within a schema's members and items, closed; what it is combined of in the form given. */
function withParts(schema, form) {
  const changed = { ...schema };
  for (const name of COMBINING) if (schema[name]) changed[name] = schema[name].map((part) => formed(part, form));
  for (const name of DEEPER) {
    if (schema[name] && typeof schema[name] === 'object') changed[name] = formed(schema[name], 'closed');
  }
  if (schema.properties) changed.properties = mapped(schema.properties, (part) => formed(part, 'closed'));
  if (schema.$defs) changed.$defs = mapped(schema.$defs, (part) => formed(part, 'closed'));
  if (schema.$ref) changed.$ref = moved(schema.$ref, form);
  return changed;
}

/** Whether the schema itself says which members there are. */
function names(schema) {
  return Boolean(schema.properties || schema.allOf);
}

function formed(schema, form) {
  if (typeof schema !== 'object') return schema;
  const decided = 'additionalProperties' in schema || 'unevaluatedProperties' in schema;
  if (form === 'open' || !names(schema)) return withParts(schema, form);
  const changed = withParts(schema, 'open');
  if (!decided) changed.unevaluatedProperties = false;
  return changed;
}

/** A function that compiles: schema → value → the first thing that is wrong, or null. */
export function closedValidator(document) {
  const ajv = new Ajv(OPTIONS);
  addFormats(ajv);
  const { schemas } = document.components;
  for (const form of ['closed', 'open']) {
    ajv.addSchema({ $id: place(form), $defs: mapped(schemas, (schema) => formed(schema, form)) });
  }
  return compiler(ajv, (schema) => formed(schema, 'closed'));
}

/** The same for requests, whose unknown members are the schema's own affair. */
export function openValidator(document) {
  const ajv = new Ajv(OPTIONS);
  addFormats(ajv);
  ajv.addSchema({ $id: 'koine:open', $defs: mapped(document.components.schemas, moveAll) });
  return compiler(ajv, moveAll);
}

function moveAll(value) {
  if (Array.isArray(value)) return value.map(moveAll);
  if (!value || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [
      name,
      name === '$ref' && typeof part === 'string' ? moved(part, 'open') : moveAll(part),
    ]),
  );
}

function compiler(ajv, change) {
  const compiled = new Map();
  return (schema) => {
    if (!compiled.has(schema)) compiled.set(schema, ajv.compile(change(schema)));
    const validate = compiled.get(schema);
    return (value) => (validate(value) ? null : described(validate.errors));
  };
}

function described(errors) {
  const { instancePath, message, params } = errors.at(-1);
  return `${instancePath || 'the value'} ${message}${params ? ` ${JSON.stringify(params)}` : ''}`;
}
