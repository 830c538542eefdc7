// SPDX-License-Identifier: Apache-2.0
// `@anthropic-ai/sdk`: what is refused or fails is an error of the class and type that its users know.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
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
const user = (content) => ({ role: 'user', content });
const hello = { model: 'claude-sonnet-4-6', max_tokens: 1024, messages: [user('Hello')] };

function clientOf(options) {
  return new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0, ...options });
}

const client = clientOf();

async function fails(promise, Class, status, type) {
  const error = await promise.then(
    (value) => assert.fail(`answered ${JSON.stringify(value)}`),
    (reason) => reason,
  );
  assert.equal(error.constructor.name, Class.name, error.stack);
  assert.equal(error.status, status);
  assert.equal(error.type ?? undefined, type);
  return error;
}

describe('anthropic errors', () => {
  test('no key, and a wrong one, whichever way it comes', async () => {
    const keyless = clientOf({ defaultHeaders: { authorization: null } });
    await fails(
      keyless.messages.create(hello),
      Anthropic.AuthenticationError,
      401,
      'authentication_error',
    );
    const token = clientOf({ apiKey: undefined, authToken: 'wrong' });
    for (const wrong of [clientOf({ apiKey: 'wrong' }), token]) {
      const refused = [Anthropic.AuthenticationError, 401, 'authentication_error'];
      await fails(wrong.messages.create(hello), ...refused);
      await fails(wrong.models.list(), ...refused);
    }
  });

  test('what is refused names its field, and costs no request to the API', async () => {
    const before = (await received()).length;
    const refused = [
      ['max_tokens', { max_tokens: 0 }],
      ['messages', { messages: [] }],
      ['messages', { messages: [{ role: 'assistant', content: 'I begin' }] }],
      ['stop_sequences', { stop_sequences: ['END'] }],
      ['no_such_field', { no_such_field: 1 }],
    ];
    for (const [name, more] of refused) {
      const error = await fails(
        client.messages.create({ ...hello, ...more }),
        Anthropic.BadRequestError,
        400,
        'invalid_request_error',
      );
      assert.match(error.message, new RegExp(`\\b${name}\\b`));
      assert.ok(error.requestID, 'no request-id header');
    }
    assert.equal((await received()).length, before);
  });

  test('what is not there', async () => {
    const unknown = await fails(
      client.messages.create({ ...hello, model: 'gpt-0' }),
      Anthropic.NotFoundError,
      404,
      'not_found_error',
    );
    assert.match(unknown.message, /gpt-0/);
    await fails(client.models.retrieve('gpt-0'), Anthropic.NotFoundError, 404, 'not_found_error');
    await fails(client.messages.batches.list(), Anthropic.NotFoundError, 404, 'not_found_error');
  });

  test('the API overloaded, failing, limiting', async () => {
    const ask = (script) =>
      client.messages.create({ ...hello, messages: [user(prompt('Hello', script))] });
    const overloaded = { status: 529, type: 'overloaded_error' };
    await fails(ask(overloaded), Anthropic.OverloadedError, 529, 'overloaded_error');
    const failed = await ask({ status: 500, type: 'api_error' }).catch((error) => error);
    assert.ok(failed instanceof Anthropic.InternalServerError, failed.stack);
    assert.equal(failed.type, 'api_error');
    const limited = { status: 429, type: 'rate_limit_error' };
    await fails(ask(limited), Anthropic.RateLimitError, 429, 'rate_limit_error');
  });

  test('a client that waits no longer', async () => {
    const impatient = clientOf({ timeout: 500 });
    const wait = impatient.messages.create({
      ...hello,
      messages: [user(prompt('Wait', { hang: true }))],
    });
    await fails(wait, Anthropic.APIConnectionTimeoutError, undefined, undefined);
    await idle(url);
  });

  test('no slot: RateLimitError, and the client that retries waits as Retry-After says', async () => {
    const narrow = { baseURL: gateways.narrow };
    const holder = new AbortController();
    const held = clientOf(narrow)
      .messages.create(
        { ...hello, messages: [user(prompt('Wait', { hang: true }))] },
        { signal: holder.signal },
      )
      .catch((error) => error);
    await busy(gateways.narrow);
    const refused = await fails(
      clientOf(narrow).messages.create(hello),
      Anthropic.RateLimitError,
      429,
      'rate_limit_error',
    );
    assert.equal(refused.headers.get('retry-after'), '5');
    const { attempts, firstAnswered, fetch } = countedFetch();
    const wait = clientOf({ ...narrow, fetch, maxRetries: 1 }).messages.create(hello);
    assert.equal(await firstAnswered, 429);
    holder.abort();
    assert.ok((await held) instanceof Anthropic.APIUserAbortError);
    assert.equal((await wait).content[0].text, 'You said: Hello');
    assert.equal(attempts.length, 2);
    const waited = attempts[1] - attempts[0];
    assert.ok(waited >= 4990 && waited < 8000, `waited ${waited} ms, expected 5000`);
  });
});
