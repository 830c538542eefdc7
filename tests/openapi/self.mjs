// SPDX-License-Identifier: Apache-2.0
// Whether the checkers find what they are there for: answers with one fault each, and some without.
import { orderProblem, parseOrder } from './events.mjs';
import { Judge } from './judge.mjs';

const ORDER = 'session (text | tool)* (result | error) done';
const ORDERS = [
  ['session text tool text result done', true, null],
  ['session error done', true, null],
  ['session text', false, null],
  ['session text', true, /ended after text/],
  ['text session', false, /text may not come as number 1/],
  ['session result text', false, /text may not come as number 3, after result/],
  ['session result done done', true, /done may not come as number 4/],
];

function orderProblems() {
  return ORDERS.flatMap(([names, whole, expected]) => {
    const found = orderProblem(parseOrder(ORDER), names.split(' '), whole);
    const right = expected ? expected.test(found ?? '') : found === null;
    return right ? [] : [`the order of '${names}': found ${found}, expected ${expected}`];
  });
}

const HEADERS = { 'x-request-id': '1', 'content-type': 'application/json; charset=utf-8' };
const TEXT = {
  text: 'Paris.',
  usage: {
    inputTokens: 1,
    outputTokens: 1,
    totalTokens: 2,
    cacheReadInputTokens: 0,
    cacheCreationInputTokens: 0,
  },
  sessionId: 'x',
  costUsd: 0,
  model: null,
  numTurns: 1,
  durationMs: 1,
  stopReason: null,
  permissionDenials: [],
};

/** An answer of POST /generate-text. */
function answer(change = {}) {
  return {
    method: 'POST',
    target: '/generate-text',
    request: { 'content-type': 'application/json' },
    asked: '{"prompt":"x"}',
    status: 200,
    headers: HEADERS,
    body: JSON.stringify(TEXT),
    cut: false,
    ...change,
  };
}

function refusal(status, code, headers = {}) {
  const body = JSON.stringify({ error: 'No.', code });
  return answer({ status, body, headers: { ...HEADERS, ...headers } });
}

function stream(...events) {
  const body = events.map(([name, data]) => `event: ${name}\ndata: ${data}\n\n`).join('');
  const headers = {
    'x-request-id': '1',
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  };
  return answer({ target: '/stream', headers, body });
}

const SESSION = ['session', '{"sessionId":"x"}'];
const DONE = ['done', '{"code":0,"signal":null}'];
const FAULT = ['error', '{"error":"No.","code":"TIMEOUT_ERROR"}'];

const ANSWERS = [
  [answer(), null],
  [answer({ body: JSON.stringify({ ...TEXT, more: 1 }) }), /unevaluated.*more/],
  [answer({ body: JSON.stringify({ ...TEXT, usage: { ...TEXT.usage, more: 1 } }) }), /usage.*more/],
  [answer({ body: JSON.stringify({ ...TEXT, costUsd: undefined }) }), /costUsd/],
  [answer({ body: 'Paris.' }), /no JSON/],
  [answer({ headers: { 'x-request-id': '1', 'content-type': 'text/plain' } }), /text\/plain/],
  [answer({ headers: { 'content-type': 'application/json' } }), /X-Request-Id is missing/],
  [answer({ asked: '{"prompt":1}' }), /that the document forbids/],
  [refusal(418, 'TEAPOT'), /418 is not described/],
  [refusal(429, 'CONCURRENCY_LIMIT_ERROR'), /Retry-After is missing/],
  [refusal(429, 'CONCURRENCY_LIMIT_ERROR', { 'retry-after': 'soon' }), /Retry-After/],
  [refusal(429, 'CONCURRENCY_LIMIT_ERROR', { 'retry-after': '5' }), null],
  [refusal(401, 'UNAUTHORIZED'), /WWW-Authenticate is missing/],
  [refusal(405, 'METHOD_NOT_ALLOWED'), /Allow is missing/],
  [stream(SESSION, FAULT, DONE), null],
  [stream(SESSION, FAULT), /ended after error/],
  [stream(FAULT, DONE), /error may not come/],
  [stream(SESSION, ['text', '{"text":1}'], FAULT, DONE), /text: .*string/],
  [stream(SESSION, ['news', '{}'], FAULT, DONE), /news/],
];

function answerProblems(document) {
  const judge = new Judge(document);
  return ANSWERS.flatMap(([exchange, expected]) => {
    const found = judge.judge(exchange).join('; ');
    const right = expected ? expected.test(found) : found === '';
    return right
      ? []
      : [`${exchange.target} ${exchange.status}: found '${found}', expected ${expected}`];
  });
}

export function selfProblems(document) {
  return [...orderProblems(), ...answerProblems(document)];
}
