// SPDX-License-Identifier: Apache-2.0
// `openai`: what is refused or fails is an error of the class and with the words that its users know.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import {
  busy,
  countedFetch,
  describe,
  gateways,
  idle,
  key,
  prompt,
  received,
  test,
} from './world.mjs';

const url = gateways.wide;
const model = 'gpt-4o';
const user = (content) => ({ role: 'user', content });
const hello = { model, messages: [user('Hello')] };

function clientOf(options) {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0, ...options });
}

const client = clientOf();

/** Asserts that it fails with that class; returns the error. */
async function fails(promise, Class, status) {
  const error = await promise.then(
    (value) => assert.fail(`answered ${JSON.stringify(value)}`),
    (reason) => reason,
  );
  assert.equal(error.constructor.name, Class.name, error.stack);
  assert.equal(error.status, status);
  return error;
}

describe('openai errors', () => {
  test('no key, and a wrong one', async () => {
    const keyless = clientOf({ defaultHeaders: { authorization: null } });
    const missing = await fails(
      keyless.chat.completions.create(hello),
      OpenAI.AuthenticationError,
      401,
    );
    assert.equal(missing.code, 'invalid_api_key');
    const wrong = clientOf({ apiKey: 'wrong' });
    await fails(wrong.chat.completions.create(hello), OpenAI.AuthenticationError, 401);
    await fails(wrong.models.list(), OpenAI.AuthenticationError, 401);
  });

  test('what is refused names its field, and costs no request to the API', async () => {
    const before = (await received()).length;
    const refused = [
      ['n', { n: 2 }],
      ['logprobs', { logprobs: true }],
      ['modalities', { modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'wav' } }],
      ['logit_bias', { logit_bias: { 50256: -100 } }],
      ['messages', { messages: [] }],
      ['messages', { messages: [{ role: 'nobody', content: 'Hello' }] }],
      ['max_tokens', { max_tokens: 'many' }],
      ['no_such_field', { no_such_field: 1 }],
    ];
    for (const [param, fields] of refused) {
      const error = await fails(
        client.chat.completions.create({ ...hello, ...fields }),
        OpenAI.BadRequestError,
        400,
      );
      assert.equal(error.type, 'invalid_request_error');
      assert.match(error.message, new RegExp(`\\b${param}\\b`));
      assert.match(error.param, new RegExp(`^${param}`));
    }
    assert.equal((await received()).length, before);
  });

  test('what is not there', async () => {
    const unknown = await fails(
      client.chat.completions.create({ ...hello, model: 'gpt-0' }),
      OpenAI.NotFoundError,
      404,
    );
    assert.match(unknown.message, /gpt-0/);
    assert.equal(unknown.code, 'model_not_found');
    await fails(client.models.retrieve('gpt-0'), OpenAI.NotFoundError, 404);
    await fails(client.embeddings.create({ model, input: 'Hello' }), OpenAI.NotFoundError, 404);
  });

  test('the API overloaded, a request that it refuses, its own limit', async () => {
    const ask = (script) =>
      client.chat.completions.create({ model, messages: [user(prompt('Hello', script))] });
    const overloaded = await ask({ status: 529, type: 'overloaded_error' }).catch((error) => error);
    assert.ok(overloaded instanceof OpenAI.InternalServerError, `${overloaded}`);
    const refused = { status: 400, type: 'invalid_request_error', message: 'too much' };
    await fails(ask(refused), OpenAI.BadRequestError, 400);
    await fails(ask({ status: 429, type: 'rate_limit_error' }), OpenAI.RateLimitError, 429);
  });

  test('a client that waits no longer', async () => {
    const impatient = clientOf({ timeout: 500 });
    const wait = impatient.chat.completions.create({
      model,
      messages: [user(prompt('Wait', { hang: true }))],
    });
    await fails(wait, OpenAI.APIConnectionTimeoutError, undefined);
    await idle(url);
  });

  test('no slot: RateLimitError, and the client that retries waits as Retry-After says', async () => {
    const narrow = { baseURL: `${gateways.narrow}/v1` };
    const holder = new AbortController();
    const held = clientOf(narrow)
      .chat.completions.create(
        { model, messages: [user(prompt('Wait', { hang: true }))] },
        { signal: holder.signal },
      )
      .catch((error) => error);
    await busy(gateways.narrow);
    const refused = await fails(
      clientOf(narrow).chat.completions.create(hello),
      OpenAI.RateLimitError,
      429,
    );
    assert.equal(refused.headers.get('retry-after'), '5');
    const { attempts, firstAnswered, fetch } = countedFetch();
    const patient = clientOf({ ...narrow, fetch, maxRetries: 1 });
    const wait = patient.chat.completions.create(hello);
    assert.equal(await firstAnswered, 429);
    holder.abort();
    assert.ok((await held) instanceof OpenAI.APIUserAbortError);
    assert.equal((await wait).choices[0].message.content, 'You said: Hello');
    assert.equal(attempts.length, 2);
    const waited = attempts[1] - attempts[0];
    assert.ok(waited >= 4990 && waited < 8000, `waited ${waited} ms, expected 5000`);
  });
});
