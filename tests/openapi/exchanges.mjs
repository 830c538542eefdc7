// SPDX-License-Identifier: Apache-2.0
// Holds every answer that the end-to-end tests have seen against the document. What it cannot judge
// it counts and names.
import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { readFolder } from './records.mjs';

function name({ method, target, status }) {
  return `${method} ${target.split('?')[0].slice(0, 60)} ${status}`;
}

export class Exchanges {
  constructor(top, judge) {
    this.judge = judge;
    this.notes = parse(fs.readFileSync(path.join(top, 'tests/openapi/exchanges.yaml'), 'utf8'));
    this.judged = 0;
    this.unreadable = 0;
    this.elsewhere = new Map(); // test → how many
    this.found = new Map(); // problem → how many, and the first
  }

  readAll(folder) {
    for (const exchange of readFolder(folder)) this.read(exchange);
  }

  read(exchange) {
    if (!exchange.method) this.readUnreadable(exchange);
    else if (exchange.test in this.notes.own_paths || this.judge.at(exchange).length === 0) this.readElsewhere(exchange);
    else this.readOwn(exchange);
  }

  find(problem, exchange) {
    if (!this.found.has(problem)) this.found.set(problem, { count: 0, exchange });
    this.found.get(problem).count += 1;
  }

  readOwn(exchange) {
    this.judged += 1;
    for (const problem of this.judge.judge(exchange)) this.find(`${name(exchange)}: ${problem}`, exchange);
  }

  /** An answer to bytes that are no request. */
  readUnreadable(exchange) {
    this.unreadable += 1;
    if (this.judge.isKnownError(exchange)) this.judge.noteCodes(JSON.parse(exchange.body), exchange.status);
    else this.find(`${exchange.status} to no request: no known error`, exchange);
  }

  /** An answer at a path that the document does not know: of a module of the tests, or an error. */
  readElsewhere(exchange) {
    const { test, status, headers, cut, method } = exchange;
    this.elsewhere.set(test, (this.elsewhere.get(test) ?? 0) + 1);
    const json = headers['content-type']?.startsWith('application/json');
    if (status < 400 || test in this.notes.own_paths || test in this.notes.own_errors) return;
    if (!json || cut || method === 'HEAD' || this.judge.isKnownError(exchange)) return;
    this.find(`${name(exchange)}: the error has no form that the document knows`, exchange);
  }

  problems() {
    return [...this.found].map(
      ([problem, { count, exchange }]) =>
        `${problem} (${count}×, ${exchange.test}): ${JSON.stringify(exchange.body.slice(0, 300))}`,
    );
  }

  summary() {
    const keys = [...this.judge.seen.keys()];
    const statuses = keys.filter((key) => / \d+$/.test(key)).length;
    const events = keys.filter((key) => / event /.test(key)).length;
    const others = [...this.elsewhere].map(([test, count]) => `${test.replace(/_test$/, '')} ${count}`);
    return [
      `${this.judged} answers of the end-to-end tests; with those of the live gateways ${statuses} statuses and ` +
        `${events} events of ${this.judge.operations.length} operations, ${this.judge.codes.size} codes`,
      `${this.unreadable} answers to bytes that are no request; not in the document, errors judged alone: ${others.join(', ')}`,
    ];
  }
}

/** What the document promises and nobody has seen, unless exchanges.yaml says why. */
export function promiseProblems(notes, judge, entries) {
  const excused = new Set();
  for (const { operations, statuses = [], events = [] } of notes.never_seen) {
    const ends = [...statuses, ...events.map((event) => `event ${event}`)];
    for (const id of operations) for (const end of ends) excused.add(`${id} ${end}`);
  }
  const promised = judge.promised(entries);
  return [
    ...promised
      .filter((key) => !judge.seen.has(key) && !excused.has(key))
      .map((key) => `${key}: never seen, and exchanges.yaml does not say why`),
    ...[...excused]
      .filter((key) => !promised.includes(key))
      .map((key) => `${key}: exchanges.yaml has it, but the document does not promise it`),
  ];
}
