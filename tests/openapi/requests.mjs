// SPDX-License-Identifier: Apache-2.0
// Requests as the document says that they are made: its examples, and what they become when one
// thing about them is changed. Sends nothing.
import { parameters, resolved } from './document.mjs';

function exampleOf({ name, example, schema }) {
  const value = example ?? schema.examples?.[0] ?? schema.default ?? schema.enum?.[0];
  if (value === undefined) throw new Error(`the parameter ${name} has no example`);
  return String(value);
}

/** The header that brings the key, as the operation's first security scheme says. */
export function credentials(document, { operation }, key) {
  const [first] = operation.security ?? document.security;
  if (!first || key === undefined) return {};
  const scheme = document.components.securitySchemes[Object.keys(first)[0]];
  return scheme.type === 'http' ? { authorization: `Bearer ${key}` } : { [scheme.name.toLowerCase()]: key };
}

/** Whether the operation is for those who have a key. */
export function needsKey(document, { operation }) {
  return (operation.security ?? document.security).length > 0;
}

/** A request without a body: path and headers of the parameters' examples. */
export function requestOf(document, entry, key) {
  let target = entry.path;
  const headers = credentials(document, entry, key);
  for (const parameter of parameters(document, entry)) {
    if (parameter.in === 'path') target = target.replace(`{${parameter.name}}`, encodeURIComponent(exampleOf(parameter)));
    if (parameter.in === 'header' && (parameter.required || entry.operation.requestBody)) {
      if (parameter.required || parameter.schema.examples) headers[parameter.name.toLowerCase()] = exampleOf(parameter);
    }
  }
  return { method: entry.method.toUpperCase(), target, headers };
}

/** The examples of the request body: `[name, type, value]` each. */
export function bodyExamples(document, { operation }) {
  if (!operation.requestBody) return [];
  const { content } = resolved(document, operation.requestBody);
  return Object.entries(content).flatMap(([type, media]) => [
    ...(media.example === undefined ? [] : [['example', type, media.example]]),
    ...Object.entries(media.examples ?? {}).map(([name, example]) => [name, type, resolved(document, example).value]),
  ]);
}

export function withBody(request, type, value) {
  const body = type.endsWith('json') ? JSON.stringify(value) : value;
  return { ...request, headers: { ...request.headers, 'content-type': type }, body };
}

/** The value with that prompt, wherever the API puts it. */
export function saying(value, prompt) {
  if ('prompt' in value) return { ...value, prompt };
  if ('input' in value) return { ...value, input: prompt };
  return { ...value, messages: [{ role: 'user', content: prompt }] };
}

/** A prompt that makes the stand-in CLI do that. */
export function scenario(keys) {
  return `standin:${JSON.stringify(keys)}`;
}
