// SPDX-License-Identifier: Apache-2.0
// What every test uses: addresses, scripts for the stand-in API, what that API received, and what a
// gateway says of itself. Knows nothing of the clients.
import assert from 'node:assert/strict';
import nodeTest from 'node:test';

export { describe } from 'node:test';

export const key = process.env.KOINE_KEY;
export const gateways = JSON.parse(process.env.KOINE_GATEWAYS);

const TEST_MS = 60_000;
const SOON_MS = 15_000;

export function test(name, fn) {
  nodeTest(name, { timeout: TEST_MS }, fn);
}

// ---- what the model says

/** A prompt that makes the stand-in API follow the script. */
export function prompt(text, script) {
  return script ? `${text}\napi: ${JSON.stringify(script)}` : text;
}

/** A use of a function of the client, in a script: `module` is the name of the gateway's module. */
export function use(module, name, input) {
  return { name: `mcp__${module}__${name}`, input };
}

// ---- what the API received

/** Bodies of the requests so far. */
export async function received() {
  const answer = await fetch(`${process.env.KOINE_API}/requests`);
  return (await answer.json()).map((request) => request.body);
}

export async function lastReceived() {
  const bodies = await received();
  assert.notEqual(bodies.length, 0, 'the API received no request');
  return bodies.at(-1);
}

function spoken(text) {
  return text.split('\napi: ')[0];
}

function resultText(content) {
  return typeof content === 'string'
    ? content
    : content.map((block) => block.text ?? block).join('');
}

function told(block) {
  switch (block.type) {
    case 'text':
      return spoken(block.text);
    case 'image':
    case 'document':
      return { [block.type]: block.source };
    case 'tool_use':
      return { use: block.name, id: block.id, input: block.input };
    case 'tool_result':
      return {
        result: resultText(block.content),
        id: block.tool_use_id,
        ...(block.is_error && { error: true }),
      };
    case 'thinking':
      return { thinking: block.thinking, signature: block.signature };
    default:
      return block;
  }
}

/** What the CLI says beside a prompt of its own accord: reminders, and where it keeps an image. */
function isAside({ type, text }) {
  return type === 'text' && /^(<system-reminder>|\[Image: source: [^\]\n]*\]$)/.test(text);
}

/**
 * A request's messages as [ROLE, BLOCK, …] each; a text block is its text without the script. Left
 * out is what the CLI says of its own accord, and nothing else.
 */
export function conversation(body) {
  const blocks = (content) =>
    typeof content === 'string'
      ? [spoken(content)]
      : content.filter((block) => !isAside(block)).map(told);
  return body.messages
    .filter(({ role }) => role !== 'system')
    .map(({ role, content }) => [role, ...blocks(content)]);
}

/** The system prompt that the API received, a text; the CLI puts blocks of its own before it. */
export function systemOf(body) {
  return typeof body.system === 'string' ? body.system : body.system.at(-1).text;
}

/** The names of the tools that the model was offered. */
export function offered(body) {
  return (body.tools ?? []).map((tool) => tool.name);
}

// ---- what the gateway says

export async function health(url) {
  return (await fetch(`${url}/health`)).json();
}

/** How many runs found a process of each kind: differences tell who answered. */
export async function served(url) {
  const { hits, misses, sessionHits } = (await health(url)).pool;
  return { others: hits + misses, sessions: sessionHits };
}

/** Resolves when `holds` does for the health of the gateway; fails after some seconds. */
export async function soon(url, what, holds) {
  const end = Date.now() + SOON_MS;
  for (;;) {
    const state = await health(url);
    if (holds(state)) return;
    if (Date.now() > end)
      assert.fail(`not within ${SOON_MS} ms: ${what}; /health says ${JSON.stringify(state)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Resolves when no run has a slot any more. */
export function idle(url) {
  return soon(
    url,
    'no slot is taken',
    ({ concurrency }) => concurrency.streaming.active + concurrency.nonStreaming.active === 0,
  );
}

/** Resolves when no run is left, not even one that waits for results. */
export function forgotten(url) {
  return soon(url, 'no run is left', ({ processes }) => processes.running === 0);
}

/** Resolves when a run is at work. */
export function busy(url) {
  return soon(
    url,
    'a run is at work',
    ({ concurrency }) => concurrency.streaming.active + concurrency.nonStreaming.active > 0,
  );
}

/** A `fetch` for a client that counts: when each attempt began, and the status of the first. */
export function countedFetch() {
  const attempts = [];
  let tell;
  const firstAnswered = new Promise((resolve) => {
    tell = resolve;
  });
  const counted = async (...args) => {
    attempts.push(performance.now());
    const response = await fetch(...args);
    tell(response.status);
    return response;
  };
  return { attempts, firstAnswered, fetch: counted };
}

/** A picture of one pixel. */
export const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
