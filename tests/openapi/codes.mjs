// SPDX-License-Identifier: Apache-2.0
// The document's tables of codes against what can be sent: constants of the sources, and what was
// seen. A code stands in a table's first column, in backticks.
import fs from 'node:fs';
import path from 'node:path';

/** Where codes are made. Settings and variables of the environment look alike: they live elsewhere. */
const FOLDERS = ['gateway/http', 'gateway/modules', 'gateway/runner', 'sdk/module', 'modules'];
const NOT_CODES = [
  /^(GET|PUT|POST|HEAD|PATCH|DELETE|OPTIONS|TRACE|CONNECT)$/,
  /^(CLAUDE|ANTHROPIC|KOINE|DISABLE|SSL|NODE|XDG|LC)_/,
  /_PROXY$/,
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|TZ|TMPDIR|CLAUDECODE)$/,
];

function* files(folder) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* files(file);
    else if (/\.[ch]$/.test(entry.name)) yield file;
  }
}

/** String constants that look like codes: name → the first file that has it. */
export function codesOfSources(top) {
  const found = new Map();
  for (const folder of FOLDERS) {
    for (const file of files(path.join(top, folder))) {
      for (const [, name] of fs.readFileSync(file, 'utf8').matchAll(/"([A-Z]{2,}(?:_[A-Z]+)+|[A-Z]{5,})"/g)) {
        if (!NOT_CODES.some((pattern) => pattern.test(name)) && !found.has(name)) {
          found.set(name, path.relative(top, file));
        }
      }
    }
  }
  return found;
}

/** Codes and types in tables whose first column is `Code` or `Type`: name → the statuses beside it. */
export function codesOfDocument(document) {
  const texts = [document.info.description, ...document.tags.map((tag) => tag.description ?? '')];
  const found = new Map();
  let columns = [];
  for (const line of texts.join('\n').split('\n')) {
    const cells = line.startsWith('|') ? line.split('|').slice(1, -1).map((cell) => cell.trim()) : [];
    if (cells.length === 0) columns = [];
    else if (columns.length === 0) columns = cells;
    else noteRow(found, columns, cells);
  }
  return found;
}

function noteRow(found, columns, cells) {
  const statuses = (cells[columns.indexOf('Status')]?.match(/\d{3}/g) ?? []).map(Number);
  for (const [index, column] of columns.entries()) {
    if (column !== 'Code' && column !== 'Type') continue;
    for (const [, code] of cells[index].matchAll(/`([^`]+)`/g)) {
      found.set(code, [...(found.get(code) ?? []), ...statuses]);
    }
  }
}

/** What is wrong with the tables; `seen`: codes of answers with their statuses. */
export function codeProblems(top, document, seen) {
  const sources = codesOfSources(top);
  const listed = codesOfDocument(document);
  const problems = [];
  for (const [code, file] of sources) {
    if (!listed.has(code)) problems.push(`${code} of ${file} is in no table of the document`);
  }
  for (const code of listed.keys()) {
    if (/^[A-Z_]+$/.test(code) && !sources.has(code)) problems.push(`${code} is listed, but no source has it`);
  }
  for (const [code, statuses] of seen) {
    if (!listed.has(code)) problems.push(`${code} was answered, but no table of the document has it`);
    for (const status of statuses) {
      const known = listed.get(code) ?? [];
      if (typeof status === 'number' && known.length > 0 && !known.includes(status)) {
        problems.push(`${code} was answered with ${status}, listed are ${known}`);
      }
    }
  }
  return problems;
}
