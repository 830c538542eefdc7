// SPDX-License-Identifier: Apache-2.0
// The settings of the gateways that the document is tried with. Starts none.
import { createHash } from 'node:crypto';

/** A key that may use no route. */
export const OTHER_KEY = 'a-key-that-may-use-nothing';
const KEYS = `keys: [{name: other, sha256: ${createHash('sha256').update(OTHER_KEY).digest('hex')}, routes: [/nothing]}]\n`;
export const BODY_LIMIT = 65536;

/** A setting that makes every run of the stand-in CLI do that. */
function environment(keys) {
  return `environment: {CLAUDE_CODE_STANDIN: '${JSON.stringify(keys)}'}`;
}

export const GATEWAYS = {
  // What examples and most refusals are sent to.
  wide: { text: `${KEYS}http: {max_body_bytes: ${BODY_LIMIT}, body_timeout_ms: 250}\n` },
  // Gives up soon, and has no pages.
  hasty: {
    text: `${KEYS}http: {request_timeout_ms: 300}\npool: {warm: 0}\npages: {docs: false, console: false}\n`,
  },
  // Have a CLI that fails before it is asked.
  ending: { text: KEYS, runner: environment({ exit: { code: 3, when: 'start' } }) },
  silent: {
    text: `${KEYS}http: {request_timeout_ms: 300}\n`,
    runner: environment({ hang: 'start' }),
  },
  uncounting: { text: KEYS, runner: environment({ context_usage: null }) },
  // Has one slot for streams, and a waiting line.
  waiting: { text: `${KEYS}slots: {streaming: 1, queue: 5}\n` },
  // Has one slot of each kind, which are taken; then it is told to end.
  busy: { text: `${KEYS}slots: {streaming: 1, nonstreaming: 1}\ndrain_seconds: 60\n` },
};
