// SPDX-License-Identifier: Apache-2.0
// Requests that the document forbids: an example in which one member, however deep, is left out or has
// another value. The gateway must refuse each: a limit that is not kept is no limit.
import { resolved } from './document.mjs';
import { bodyExamples } from './requests.mjs';

const LONG = 'x'.repeat(2000);
const VALUES = [
  null,
  true,
  -1,
  0,
  1.5,
  2 ** 33,
  '',
  '*)',
  LONG,
  [],
  [1],
  [''],
  [LONG],
  {},
  { x: 1 },
];
/** Within what the first level holds. */
const DEEP_VALUES = [null, true, 1.5, '', [], {}, 'nothing of this'];

/** The names of the members of a schema and of what it is made of. */
function names(document, given) {
  const schema = resolved(document, given);
  const parts = (schema.allOf ?? []).flatMap((part) => names(document, part));
  return [...new Set([...Object.keys(schema.properties ?? {}), ...parts])];
}

/** Places within a value: `[path, pattern]`, where the pattern has no indexes. */
function* places(value, path = [], pattern = '') {
  if (!value || typeof value !== 'object') return;
  for (const [step, part] of Object.entries(value)) {
    const next = Array.isArray(value) ? `${pattern}[]` : `${pattern}.${step}`;
    yield [[...path, step], next];
    yield* places(part, [...path, step], next);
  }
}

/** A copy with something else at a place; undefined: nothing. */
function changed(value, [step, ...rest], other) {
  const copy = Array.isArray(value) ? [...value] : { ...value };
  if (rest.length > 0) copy[step] = changed(value[step], rest, other);
  else if (other !== undefined) copy[step] = other;
  else if (Array.isArray(copy)) copy.splice(step, 1);
  else delete copy[step];
  return copy;
}

/** Places of all examples, one of each pattern, and of the members that no example has. */
function* allPlaces(document, schema, examples) {
  const seen = new Set();
  for (const example of examples) {
    for (const [path, pattern] of places(example)) {
      const isNew = !seen.has(pattern);
      seen.add(pattern);
      if (isNew) yield [example, path];
    }
  }
  for (const name of names(document, schema))
    if (!seen.has(`.${name}`)) yield [examples[0], [name]];
}

/** `[what, body]` of each body that is forbidden; `matches`: a compiler of schemas. */
export function* forbidden(document, entry, matches) {
  const examples = bodyExamples(document, entry).map(([, , value]) => value);
  const { schema } = resolved(document, entry.operation.requestBody).content['application/json'];
  const problem = matches(schema);
  for (const [example, path] of allPlaces(document, schema, examples)) {
    for (const value of [undefined, ...(path.length > 1 ? DEEP_VALUES : VALUES)]) {
      const body = changed(example, path, value);
      if (problem(body)) yield [`${path.join('.')}: ${JSON.stringify(value)?.slice(0, 40)}`, body];
    }
  }
}
