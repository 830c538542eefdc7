// SPDX-License-Identifier: Apache-2.0
// What an answer took, as a list of names and values. Only what is known is listed.
import { element } from './element.js';

export function seconds(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

export function dollars(usd) {
  return `$${usd.toLocaleString('en', { maximumSignificantDigits: 3 })}`;
}

function count(number) {
  return number.toLocaleString('en');
}

/** How the CLI ended, where that is not as it should be. */
function ended({ code, signal, reason }) {
  return [reason, signal, code !== null && `exit ${code}`].filter(Boolean).join(', ');
}

/** Name, value of what is known, and how the value is written. */
const FIGURES = [
  ['Status', (known) => known.status, String],
  ['First token', (known) => known.firstMs, seconds],
  ['Total', (known) => known.totalMs, seconds],
  ['Cost', (known) => known.costUsd, dollars],
  ['Tokens in', (known) => known.usage?.inputTokens, count],
  ['Tokens out', (known) => known.usage?.outputTokens, count],
  ['Cache read', (known) => known.usage?.cacheReadInputTokens, count],
  ['Cache written', (known) => known.usage?.cacheCreationInputTokens, count],
  ['Model', (known) => known.model, String],
  ['Model calls', (known) => known.numTurns, count],
  ['Stopped by', (known) => known.stopReason, String],
  [
    'Denied',
    (known) => known.permissionDenials?.map((use) => use.tool_name).join(', ') || null,
    String,
  ],
  ['CLI ended', (known) => (known.ending && known.ending.code !== 0 ? known.ending : null), ended],
  ['Session', (known) => known.sessionId, String],
];

/** Values that need more room than a number. */
const WIDE = { Model: 'long', Session: 'whole' };

export function figures(list, known) {
  const pairs = FIGURES.map(([name, valueOf, written]) => [name, valueOf(known), written]);
  list.replaceChildren(
    ...pairs
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value, written]) =>
        element(
          'div',
          { class: WIDE[name] },
          element('dt', {}, name),
          element('dd', {}, written(value)),
        ),
      ),
  );
}
