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

/** Sources by their file. */
function readSources(top) {
  const all = FOLDERS.flatMap((folder) => [...files(path.join(top, folder))]);
  return new Map(all.map((file) => [path.relative(top, file), fs.readFileSync(file, 'utf8')]));
}

/** String constants that look like codes: name → the first file that has it. */
function codesOfSources(sources) {
  const found = new Map();
  for (const [file, text] of sources) {
    for (const [, name] of text.matchAll(/"([A-Z]{2,}(?:_[A-Z]+)+|[A-Z]{5,})"/g)) {
      const isCode = !NOT_CODES.some((pattern) => pattern.test(name));
      if (isCode && !found.has(name)) found.set(name, file);
    }
  }
  return found;
}

/** Codes and types in tables whose first column is `Code` or `Type`: name → the statuses beside it. */
function codesOfDocument(document) {
  const texts = [document.info.description, ...document.tags.map((tag) => tag.description ?? '')];
  const found = new Map();
  let columns = [];
  for (const line of texts.join('\n').split('\n')) {
    const cells = line.startsWith('|')
      ? line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim())
      : [];
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
  const sources = readSources(top);
  const listed = codesOfDocument(document);
  const problems = [];
  for (const [code, file] of codesOfSources(sources)) {
    if (!listed.has(code)) problems.push(`${code} of ${file} is in no table of the document`);
  }
  const text = [...sources.values()].join('');
  for (const code of listed.keys()) {
    if (!text.includes(`"${code}"`)) problems.push(`${code} is listed, but no source has it`);
  }
  for (const [code, statuses] of seen) {
    if (!listed.has(code))
      problems.push(`${code} was answered, but no table of the document has it`);
    for (const status of statuses) {
      const known = listed.get(code) ?? [];
      if (typeof status === 'number' && known.length > 0 && !known.includes(status)) {
        problems.push(`${code} was answered with ${status}, listed are ${known}`);
      }
    }
  }
  return problems;
}

const SETTING = /`((?:http|runner|slots|pool|sessions|tools|modules|pages|health)\.[a-z_.]+)/g;

/** Settings that the document names and the gateway does not have. */
export function settingProblems(top, document) {
  const keys = fs.readFileSync(path.join(top, 'gateway/config/keys.c'), 'utf8');
  const named = new Set([...JSON.stringify(document).matchAll(SETTING)].map(([, name]) => name));
  return [...named]
    .filter((name) => !keys.includes(`"${name}`))
    .map((name) => `there is no setting ${name}`);
}
