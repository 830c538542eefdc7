// SPDX-License-Identifier: Apache-2.0
// The 0.x line of `@anthropic-ai/sdk`, which most code still has: an older version of the API, the key
// in X-Api-Key, `?beta=true`.
import assert from 'node:assert/strict';
import Anthropic from 'anthropic-sdk-0';
import { betaZodTool } from 'anthropic-sdk-0/helpers/beta/zod';
import { z } from 'zod';
import {
  conversation,
  describe,
  gateways,
  key,
  lastReceived,
  prompt,
  served,
  test,
  use,
} from './world.mjs';

const url = gateways.wide;
const client = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
const fields = { model: 'claude-sonnet-4-6', max_tokens: 1024 };
const user = (content) => ({ role: 'user', content });

describe('anthropic 0.x', () => {
  test('a text, the next turn streamed, in one process', async () => {
    const messages = [user('One')];
    const first = await client.messages.create({ ...fields, messages });
    const before = await served(url);
    messages.push({ role: 'assistant', content: first.content }, user('Two'));
    assert.equal(
      await client.messages.stream({ ...fields, messages }).finalText(),
      'You said: Two',
    );
    assert.deepEqual(conversation(await lastReceived()), [
      ['user', 'One'],
      ['assistant', 'You said: One'],
      ['user', 'Two'],
    ]);
    assert.deepEqual(await served(url), { others: before.others, sessions: before.sessions + 1 });
  });

  test('the tool runner', async () => {
    const called = [];
    const message = await client.beta.messages.toolRunner({
      ...fields,
      messages: [
        user(
          prompt('Weather?', { tool: use('anthropic', 'weather', { of: 'Oslo' }), text: 'Rain' }),
        ),
      ],
      tools: [
        betaZodTool({
          name: 'weather',
          description: 'Tells the weather',
          inputSchema: z.object({ of: z.string() }),
          run: ({ of }) => {
            called.push(of);
            return 'rain';
          },
        }),
      ],
    });
    assert.deepEqual(
      message.content.map((block) => block.text),
      ['Rain'],
    );
    assert.deepEqual(called, ['Oslo']);
  });

  test('keys, models, a wrong key', async () => {
    assert.ok((await client.models.list()).data.length > 0);
    const bearer = new Anthropic({ baseURL: url, authToken: key, apiKey: null, maxRetries: 0 });
    assert.ok((await bearer.models.list()).data.length > 0);
    const wrong = new Anthropic({ baseURL: url, apiKey: 'wrong', maxRetries: 0 });
    await assert.rejects(
      wrong.messages.create({ ...fields, messages: [user('Hello')] }),
      (error) => {
        assert.ok(error instanceof Anthropic.AuthenticationError, error.stack);
        return true;
      },
    );
  });
});
