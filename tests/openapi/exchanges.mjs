// SPDX-License-Identifier: Apache-2.0
// Holds every answer that the end-to-end tests have seen against the document. Arguments: the top of
// the checkout, the folder of the records. What it cannot judge it counts and names.
import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { codeProblems } from './codes.mjs';
import { loadWithExamples } from './document.mjs';
import { Judge } from './judge.mjs';
import { readFolder } from './records.mjs';

const SHOWN = 40;

const [top, folder] = process.argv.slice(2);
const notes = parse(fs.readFileSync(path.join(top, 'tests/openapi/exchanges.yaml'), 'utf8'));
const judge = new Judge(loadWithExamples(top));
const totals = { judged: 0, elsewhere: 0, unreadable: 0 };
const elsewhere = new Map();
const findings = new Map();

function add(map, key, exchange) {
  if (!map.has(key)) map.set(key, { count: 0, exchange });
  map.get(key).count += 1;
}

function name({ method, target, status }) {
  return `${method} ${target.split('?')[0].slice(0, 60)} ${status}`;
}

/** An answer at a path that the document does not know: of a module of the tests, or an error. */
function judgeElsewhere(exchange) {
  totals.elsewhere += 1;
  add(elsewhere, exchange.test, exchange);
  const json = exchange.headers['content-type']?.startsWith('application/json');
  if (exchange.status < 400 || exchange.test in notes.own_paths) return;
  if (!json || exchange.cut || exchange.method === 'HEAD' || judge.isKnownError(exchange)) return;
  add(findings, `${name(exchange)}: the error has no form that the document knows`, exchange);
}

for (const exchange of readFolder(folder)) {
  if (!exchange.method) {
    totals.unreadable += 1;
    if (!judge.isKnownError(exchange)) add(findings, `${exchange.status} to bytes that are no request`, exchange);
  } else if (exchange.test in notes.own_paths || judge.at(exchange).length === 0) {
    judgeElsewhere(exchange);
  } else {
    totals.judged += 1;
    for (const problem of judge.judge(exchange)) add(findings, `${name(exchange)}: ${problem}`, exchange);
  }
}

function report(title, lines) {
  if (lines.length === 0) return;
  console.log(`${title}:`);
  for (const line of lines.slice(0, SHOWN)) console.log(`  ${line}`);
  if (lines.length > SHOWN) console.log(`  … and ${lines.length - SHOWN} more`);
}

/** What the document promises and no test has seen; each has a reason in exchanges.yaml. */
function unseen() {
  const excused = new Map();
  for (const { operations: ids, statuses = [], events = [], reason } of notes.never_seen) {
    const ends = [...statuses, ...events.map((event) => `event ${event}`)];
    for (const id of ids) for (const end of ends) excused.set(`${id} ${end}`, reason);
  }
  const missing = judge.promised().filter((key) => !judge.seen.has(key));
  return {
    excused: missing.filter((key) => excused.has(key)).length,
    problems: [
      ...missing.filter((key) => !excused.has(key)).map((key) => `${key}: documented, never seen`),
      ...[...excused.keys()]
        .filter((key) => !judge.promised().includes(key))
        .map((key) => `${key}: exchanges.yaml excuses what the document does not promise`),
    ],
  };
}

const never = unseen();
const codes = codeProblems(top, judge.document, judge.codes);
const statuses = [...judge.seen.keys()].filter((key) => / \d+$/.test(key)).length;
const events = [...judge.seen.keys()].filter((key) => / event /.test(key)).length;
console.log(
  `${totals.judged} answers of ${judge.operations.length} operations: ${statuses} statuses and ${events} events seen, ` +
    `${never.excused} never (exchanges.yaml says why); ${judge.codes.size} codes`,
);
console.log(
  `${totals.unreadable} answers to bytes that are no request, ${totals.elsewhere} at paths of the tests' own: ` +
    [...elsewhere].map(([test, { count }]) => `${test.replace(/_test$/, '')} ${count}`).join(', '),
);
report(
  'answers that do not fit the document',
  [...findings].map(([key, { count, exchange }]) => `${key} (${count}×, ${exchange.test}): ${exchange.body.slice(0, 300)}`),
);
report('promises', never.problems);
report('codes', codes);
process.exit(findings.size + never.problems.length + codes.length > 0 ? 1 : 0);
