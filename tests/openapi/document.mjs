// SPDX-License-Identifier: Apache-2.0
// The OpenAPI document as the tests read it: its operations, and what belongs to an answer of one.
// Fragments of modules that are not stock can be laid over it. Judges nothing.
import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

/** Reads the document of the stock gateway, with the fragments of the example modules over it. */
export function loadWithExamples(top) {
  const document = parse(fs.readFileSync(path.join(top, 'openapi.yaml'), 'utf8'));
  const folder = path.join(top, 'examples/modules');
  for (const name of fs.readdirSync(folder).sort()) {
    const file = path.join(folder, name, 'openapi.yaml');
    if (fs.existsSync(file)) layOver(document, parse(fs.readFileSync(file, 'utf8')), file);
  }
  return document;
}

export function load(file) {
  return parse(fs.readFileSync(file, 'utf8'));
}

function layOver(document, fragment, file) {
  merge(document.paths, fragment.paths ?? {}, file);
  for (const [section, members] of Object.entries(fragment.components ?? {})) {
    document.components[section] ??= {};
    merge(document.components[section], members, file);
  }
  document.tags.push(...(fragment.tags ?? []));
}

function merge(into, members, file) {
  for (const [name, value] of Object.entries(members)) {
    if (name in into) throw new Error(`${file}: ${name} is defined twice`);
    into[name] = value;
  }
}

/** What a `$ref` stands for; other values as they are. */
export function resolved(document, value) {
  let at = value;
  while (at?.$ref) {
    at = at.$ref
      .slice(2)
      .split('/')
      .map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce((node, step) => node?.[step], document);
    if (at === undefined) throw new Error(`${value.$ref} is not in the document`);
  }
  return at;
}

/** All operations: `{id, method, path, template, operation, item}`; `path` has no `#…`. */
export function operations(document) {
  const list = [];
  for (const [template, item] of Object.entries(document.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const operation = item[method];
      const at = template.split('#')[0];
      list.push({ id: operation.operationId, method, path: at, template, operation, item });
    }
  }
  return list;
}

/** The parameters of an operation, of its path's first. */
export function parameters(document, { operation, item }) {
  return [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((parameter) =>
    resolved(document, parameter),
  );
}

function fits(template, target) {
  const steps = template.split('/');
  const given = target.split('/');
  const same = (step, index) => (/^\{.*\}$/.test(step) ? given[index] !== '' : step === given[index]);
  return steps.length === given.length && steps.every(same);
}

/** How exact a template is: literal paths come before those with parameters. */
function exactness(template) {
  return template.split('{').length - 1;
}

/**
 * The operations at a path, whatever their method: those whose template is the most exact, and of
 * these the ones whose required headers the request has, or else those that require none.
 */
export function operationsAt(document, list, target, headers) {
  const all = list.filter(({ path: template }) => fits(template, target));
  const best = Math.min(...all.map(({ path: template }) => exactness(template)));
  const exact = all.filter(({ path: template }) => exactness(template) === best);
  const required = (entry) =>
    parameters(document, entry).filter((parameter) => parameter.in === 'header' && parameter.required);
  const asked = exact.filter((entry) => {
    const names = required(entry).map(({ name }) => name.toLowerCase());
    return names.length > 0 && names.every((name) => name in headers);
  });
  return asked.length > 0 ? asked : exact.filter((entry) => required(entry).length === 0 || exact.length === 1);
}

/** The answer that an operation has for a status; undefined when it has none. */
export function responseOf(document, operation, status) {
  const response = operation?.responses[status];
  return response && resolved(document, response);
}

export function mediaType(value) {
  return value?.split(';')[0].trim().toLowerCase();
}
