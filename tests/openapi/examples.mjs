// SPDX-License-Identifier: Apache-2.0
// Examples of errors against what was really sent: a code that no answer had is no example.
import { responseOf } from './document.mjs';
import { readEvents } from './events.mjs';

function* examplesOf({ content }) {
  for (const [type, media] of Object.entries(content ?? {})) {
    const values = media.examples ? Object.values(media.examples).map(({ value }) => value) : [media.example];
    for (const value of values) yield [type, value];
  }
}

function codesOf(value) {
  return [value?.code, value?.error?.code, value?.error?.type].filter((code) => typeof code === 'string');
}

function eventCodes(text) {
  return readEvents(text)
    .filter(({ name, data }) => data !== name)
    .flatMap(({ data }) => codesOf(JSON.parse(data)));
}

export function exampleProblems(judge) {
  const problems = new Set();
  const note = (place, code) => {
    if (!judge.codes.has(code)) problems.add(`${place}: nothing was answered with ${code}`);
  };
  for (const { id, operation } of judge.operations) {
    for (const status of Object.keys(operation.responses)) {
      for (const [type, value] of examplesOf(responseOf(judge.document, operation, status))) {
        const codes = type === 'text/event-stream' ? eventCodes(value) : status >= 400 ? codesOf(value) : [];
        for (const code of codes) note(`${id} ${status}`, code);
      }
    }
  }
  return [...problems];
}
