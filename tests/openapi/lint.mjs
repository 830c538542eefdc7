// SPDX-License-Identifier: Apache-2.0
// Whether the document is valid OpenAPI 3.1, by Redocly's rules, and complete by some of our own.
import fs from 'node:fs';
import path from 'node:path';
import { lint, loadConfig } from '@redocly/openapi-core';
import { parse } from 'yaml';
import { operations, resolved } from './document.mjs';
import { orderProblem, parseOrder, readEvents } from './events.mjs';

/**
 * Problems of the file by Redocly. What exceptions.yaml excuses is none, and must be there, unless the
 * document is one of a part of the modules.
 */
export async function redoclyProblems(top, file, { partial } = {}) {
  const folder = path.join(top, 'tests/openapi');
  const config = await loadConfig({ configPath: path.join(folder, 'redocly.yaml') });
  const exceptions = parse(fs.readFileSync(path.join(folder, 'exceptions.yaml'), 'utf8'));
  const found = await lint({ ref: file, config });
  const excuses = exceptions.map((exception) => ({ ...exception, used: false }));
  const problems = found.filter(({ ruleId, location: [{ pointer }] }) => {
    const excuse = excuses.find(({ rule, at }) => rule === ruleId && pointer.startsWith(at));
    if (excuse) excuse.used = true;
    return !excuse;
  });
  return [
    ...problems.map(
      ({ ruleId, severity, message, location: [{ pointer }] }) =>
        `${severity} ${ruleId}: ${message} at ${pointer}`,
    ),
    ...excuses
      .filter(({ used }) => !used && !partial)
      .map(({ rule, at }) => `exceptions.yaml: ${rule} finds nothing at ${at}`),
  ];
}

// ---- what Redocly does not see: it looks at no extension

function* references(value) {
  if (Array.isArray(value)) for (const part of value) yield* references(part);
  if (!value || typeof value !== 'object') return;
  for (const [name, part] of Object.entries(value)) {
    if (name === '$ref' && typeof part === 'string') yield part;
    else yield* references(part);
  }
}

function unused(document) {
  const reached = new Set();
  const waiting = [document.paths, document['x-every-operation']];
  while (waiting.length > 0) {
    for (const reference of references(waiting.pop())) {
      if (reached.has(reference)) continue;
      reached.add(reference);
      waiting.push(resolved(document, { $ref: reference }));
    }
  }
  return Object.entries(document.components)
    .filter(([section]) => section !== 'securitySchemes')
    .flatMap(([section, members]) =>
      Object.keys(members).map((name) => `#/components/${section}/${name}`),
    )
    .filter((reference) => !reached.has(reference))
    .map((reference) => `${reference} is used nowhere`);
}

/** Answers of all operations: `[place, response]` each. */
function answers(document) {
  return operations(document).flatMap(({ id, operation }) =>
    Object.entries(operation.responses).map(([status, response]) => [
      `${id} ${status}`,
      resolved(document, response),
    ]),
  );
}

function withoutExamples(document) {
  const problems = [];
  for (const { id, operation } of operations(document)) {
    for (const [type, content] of Object.entries(operation.requestBody?.content ?? {})) {
      if (!content.examples && content.example === undefined)
        problems.push(`${id}: its request as ${type} has no example`);
    }
    if (!operation.summary) problems.push(`${id} has no summary`);
    if (!operation.tags?.length) problems.push(`${id} has no tag`);
  }
  for (const [place, { content, headers }] of answers(document)) {
    for (const [type, media] of Object.entries(content ?? {})) {
      if (!media.examples && media.example === undefined)
        problems.push(`${place}: ${type} has no example`);
    }
    if (!Object.keys(headers ?? {}).includes('X-Request-Id'))
      problems.push(`${place} has no header X-Request-Id`);
  }
  return problems;
}

/** Refusals that the gateway has for every operation of that kind, whichever module it is of. */
export function missingRefusals(document, entries) {
  return entries.flatMap(({ id, operation }) => {
    const needsKey = (operation.security ?? document.security).length > 0;
    const wanted = [405];
    if (needsKey) wanted.push(401, 403);
    // Metrics are told until the end.
    if (needsKey && id !== 'metrics') wanted.push(503);
    if (operation.requestBody) wanted.push(400, 408, 413, 415);
    return wanted
      .filter((status) => !(status in operation.responses))
      .map((status) => `${id}: ${status} is not described`);
  });
}

/** Examples of streams: each event by its schema, in an order that is described. */
function streamProblems(document, validator) {
  return answers(document).flatMap(([place, { content }]) => {
    const media = content?.['text/event-stream'];
    if (!media) return [];
    const order = parseOrder(media['x-event-order'] ?? '');
    return Object.entries(media.examples ?? { example: { value: media.example } }).flatMap(
      ([name, { value }]) => {
        const events = readEvents(value);
        const wrong = orderProblem(
          order,
          events.map((event) => event.name),
          true,
        );
        const found = events
          .map((event) => eventProblem(media['x-events'], event, validator))
          .filter(Boolean);
        return [...(wrong ? [wrong] : []), ...found].map(
          (problem) => `${place}, example ${name}: ${problem}`,
        );
      },
    );
  });
}

function eventProblem(schemas, { name, data }, validator) {
  if (!schemas?.[name]) return `the event ${name} is not described`;
  const problem = validator(schemas[name])(data === name ? data : JSON.parse(data));
  return problem && `the event ${name}: ${problem}`;
}

/** Problems that only this document can have; `validator`: closedValidator's. */
export function ownProblems(document, validator) {
  return [
    ...unused(document),
    ...withoutExamples(document),
    ...streamProblems(document, validator),
  ];
}
