// SPDX-License-Identifier: Apache-2.0
// Sends one request and gives the exchange as records.mjs does. Judges nothing.
import http from 'node:http';

const PATIENCE_MS = 30_000;

/**
 * `request`: `{method, target, headers, body}`; `unfinished`: the body is announced longer than it is,
 * and never ends. Resolves when the answer has ended.
 */
export function send(url, { method, target, headers = {}, body }, { unfinished } = {}) {
  const sent = { ...headers };
  if (body !== undefined) sent['content-length'] = Buffer.byteLength(body) + (unfinished ? 10 : 0);
  return new Promise((resolve, reject) => {
    const request = http.request(new URL(url), { method, path: target, headers: sent, agent: false });
    request.setTimeout(PATIENCE_MS, () => {
      request.destroy(new Error(`${method} ${target}: no answer within ${PATIENCE_MS} ms`));
    });
    request.on('error', reject);
    request.on('response', async (response) => {
      try {
        resolve(await received(response, { method, target, request: headers, asked: body ?? '' }));
      } catch (error) {
        reject(error);
      } finally {
        request.destroy();
      }
    });
    if (unfinished) request.write(body);
    else request.end(body);
  });
}

async function received(response, exchange) {
  let body = '';
  response.setEncoding('utf8');
  for await (const text of response) body += text;
  const { statusCode: status, headers } = response;
  return { test: 'tests/openapi', ...exchange, status, headers, body, cut: false };
}

/** Begins a request whose run is to last: `begun` resolves with its first bytes, `end()` leaves. */
export function begin(url, { method, target, headers, body }) {
  const request = http.request(new URL(url), { method, path: target, headers, agent: false });
  const begun = new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      response.on('error', () => {});
      response.once('data', (data) => resolve(String(data)));
    });
  });
  begun.catch(() => {}); // it may be left before anything came
  request.end(body);
  return { begun, end: () => request.destroy() };
}
