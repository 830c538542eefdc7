// SPDX-License-Identifier: Apache-2.0
// Examples of errors against what was really sent: a code that no answer had is no example.
import { responseOf } from './document.mjs';
import { readEvents } from './events.mjs';
import { inGeneral, sentencesOf } from './judge.mjs';

function* examplesOf({ content }) {
  for (const [type, media] of Object.entries(content ?? {})) {
    const values = media.examples
      ? Object.values(media.examples).map(({ value }) => value)
      : [media.example];
    for (const value of values) yield [type, value];
  }
}

function codesOf(value) {
  return [value?.code, value?.error?.code, value?.error?.type].filter(
    (code) => typeof code === 'string',
  );
}

function eventValues(text) {
  return readEvents(text)
    .filter(({ name, data }) => data !== name)
    .map(({ data }) => JSON.parse(data));
}

/** Errors in examples: `[place, value]` each. */
function errorExamples(judge) {
  return judge.operations.flatMap(({ id, operation }) =>
    Object.keys(operation.responses).flatMap((status) =>
      [...examplesOf(responseOf(judge.document, operation, status))].flatMap(([type, value]) => {
        if (type === 'text/event-stream')
          return eventValues(value).map((data) => [`${id} ${status}`, data]);
        return status >= 400 ? [[`${id} ${status}`, value]] : [];
      }),
    ),
  );
}

export function exampleProblems(judge) {
  const problems = errorExamples(judge).flatMap(([place, value]) =>
    codesOf(value)
      .filter((code) => !judge.codes.has(code))
      .map((code) => `${place}: nothing was answered with ${code}`),
  );
  return [...new Set(problems)];
}

/** Sentences of examples that the gateway has not said: they may be old ones. */
export function oldSentences(judge) {
  const texts = errorExamples(judge).flatMap(([, value]) => sentencesOf(value));
  return [...new Set(texts)].filter((text) => !judge.sentences.has(inGeneral(text)));
}
