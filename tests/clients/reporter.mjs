// SPDX-License-Identifier: Apache-2.0
// Prints a line a test, as tests/run-all does, and what went wrong below those that failed.

function time(ms) {
  return `${(ms / 1000).toFixed(1).padStart(6)} s`;
}

/** The error that the test threw, without what the runner wraps around it. */
function problem(error) {
  const cause = error?.cause ?? error;
  const stack = cause?.stack ?? String(cause);
  const text = stack.replace(/\n *at .*node:internal.*/g, '');
  const details =
    cause?.actual === undefined
      ? ''
      : `\nactual: ${JSON.stringify(cause.actual)}\nexpected: ${JSON.stringify(cause.expected)}`;
  return `${text}${details}`.replace(/^/gm, '      | ');
}

export default async function* report(source) {
  const groups = [];
  let passed = 0;
  let failed = 0;
  for await (const { type, data } of source) {
    if (type === 'test:start') {
      groups[data.nesting] = data.name;
    } else if (type === 'test:pass' && data.details.type !== 'suite') {
      passed += 1;
      yield `  ok      ${time(data.details.duration_ms)}  ${[...groups.slice(0, data.nesting), data.name].join(': ')}\n`;
    } else if (type === 'test:fail' && data.details.error?.failureType !== 'subtestsFailed') {
      failed += 1;
      yield `  FAILED  ${time(data.details.duration_ms)}  ${[...groups.slice(0, data.nesting), data.name].join(': ')}\n`;
      yield `${problem(data.details.error)}\n`;
    } else if (type === 'test:stderr' || type === 'test:stdout') {
      yield data.message;
    }
  }
  yield `  ${passed} passed, ${failed} failed\n`;
}
