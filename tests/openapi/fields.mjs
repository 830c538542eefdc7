// SPDX-License-Identifier: Apache-2.0
// Whether every member of every schema is described and shown by an example: one of its own, or in an
// example of a body that holds it.
import { operations, resolved } from './document.mjs';
import { readEvents } from './events.mjs';

/** Schemas that say all by themselves. */
function isClear(schema) {
  return 'const' in schema || 'enum' in schema || schema.type === 'boolean' || schema.type === 'null';
}

export class Fields {
  constructor(document, matches) {
    this.document = document;
    this.matches = matches; // schema → value → null when it fits
    this.shown = new Set(); // schemas of members that an example has
    this.members = new Map(); // schema of a member → where it stands
  }

  /** Notes every member that can be reached from a schema. */
  collect(schema, place) {
    for (const part of [...(schema.allOf ?? []), ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])]) this.collect(part, place);
    if (schema.items) this.collect(schema.items, `${place}[]`);
    for (const [name, member] of Object.entries(schema.properties ?? {})) {
      this.members.set(member, `${place}.${name}`);
      this.collect(member, `${place}.${name}`);
    }
  }

  /** Marks the members of which the value is an example. */
  show(given, value) {
    const schema = resolved(this.document, given);
    if (given !== schema) this.shown.add(given);
    for (const example of schema.examples ?? []) if (example !== value) this.showParts(schema, example);
    this.showParts(schema, value);
  }

  showParts(schema, value) {
    for (const part of schema.allOf ?? []) this.show(part, value);
    for (const part of [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])]) {
      if (!this.matches(part)(value)) this.show(part, value);
    }
    if (Array.isArray(value) && schema.items) for (const item of value) this.show(schema.items, item);
    if (!value || typeof value !== 'object') return;
    for (const [name, member] of Object.entries(schema.properties ?? {})) {
      if (!(name in value)) continue;
      this.shown.add(member);
      this.show(member, value[name]);
    }
  }

  problems() {
    return [...this.members].flatMap(([member, place]) => {
      const schema = resolved(this.document, member);
      const described = member.description ?? schema.description;
      const exampled = this.shown.has(member) || schema.examples || 'default' in schema || isClear(schema);
      return [
        ...(described || 'const' in schema ? [] : [`${place} has no description`]),
        ...(exampled || described?.startsWith('Without effect') ? [] : [`${place} has no example`]),
      ];
    });
  }
}

function* bodies(document) {
  for (const { operation } of operations(document)) {
    if (operation.requestBody) yield resolved(document, operation.requestBody);
    for (const response of Object.values(operation.responses)) yield resolved(document, response);
  }
}

function* examplesOf(media) {
  if (media.example !== undefined) yield media.example;
  for (const { value } of Object.values(media.examples ?? {})) yield value;
}

function showEvents(fields, media, text) {
  for (const { name, data } of readEvents(text)) {
    const schema = media['x-events']?.[name];
    if (schema) fields.show(schema, data === name ? data : JSON.parse(data));
  }
}

/** Members without description or example; `matches`: a compiler of schemas. */
export function fieldProblems(document, matches) {
  const fields = new Fields(document, matches);
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    fields.collect(schema, name);
    for (const example of schema.examples ?? []) fields.show(schema, example);
  }
  for (const { content } of bodies(document)) {
    for (const media of Object.values(content ?? {})) {
      for (const value of examplesOf(media)) {
        if (media['x-events']) showEvents(fields, media, value);
        else if (media.schema) fields.show(media.schema, value);
      }
    }
  }
  return fields.problems();
}
