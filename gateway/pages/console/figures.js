// SPDX-License-Identifier: Apache-2.0
// What an answer took, as a list of names and values. Only what is known is listed.
import { element } from './element.js';

/** Values that need more room than a number. */
const WIDE = { Model: 'long', Session: 'whole' };

export function seconds(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

export function dollars(usd) {
  return `$${usd.toLocaleString('en', { maximumSignificantDigits: 3 })}`;
}

function written(value, write) {
  return value == null ? undefined : write(value);
}

/** How the CLI ended, where that is not as it should be. */
function ended({ code, signal, reason } = { code: 0 }) {
  if (code === 0) return undefined;
  return [reason, signal, code !== null && `exit ${code}`].filter(Boolean).join(', ');
}

function valuesOf({ usage, permissionDenials = [], ...known }) {
  return {
    Status: known.status,
    'First token': written(known.firstMs, seconds),
    Total: written(known.totalMs, seconds),
    Cost: written(known.costUsd, dollars),
    'Tokens in': usage?.inputTokens,
    'Tokens out': usage?.outputTokens,
    'Cache read': usage?.cacheReadInputTokens,
    'Cache written': usage?.cacheCreationInputTokens,
    'Model calls': known.numTurns,
    'Stopped by': known.stopReason,
    Denied: permissionDenials.map((use) => use.tool_name).join(', ') || undefined,
    'CLI ended': ended(known.ending),
    Model: known.model,
    Session: known.sessionId,
  };
}

export function figures(list, known) {
  const pairs = Object.entries(valuesOf(known)).filter(([, value]) => value != null);
  list.replaceChildren(
    ...pairs.map(([name, value]) => {
      const text = value.toLocaleString('en');
      const pair = [element('dt', {}, name), element('dd', {}, text)];
      return element('div', { class: WIDE[name] }, ...pair);
    }),
  );
}
