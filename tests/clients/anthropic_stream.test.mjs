// SPDX-License-Identifier: Apache-2.0
// `@anthropic-ai/sdk`: streamed messages. The API's own order of events, the stream helper, leaving.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { z } from 'zod';
import {
  conversation,
  describe,
  gateways,
  idle,
  key,
  lastReceived,
  prompt,
  served,
  test,
} from './world.mjs';

const url = gateways.wide;
const client = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
const fields = { model: 'claude-sonnet-4-6', max_tokens: 1024 };
const user = (content) => ({ role: 'user', content });

describe('anthropic stream', () => {
  // Starting the CLI takes half a second: tests that go on with one conversation.
  const talk = [];

  test('the events of the API, in its order', async () => {
    const events = [];
    talk.push(user(prompt('Count', { text: 'one two three', deltas: 3 })));
    const stream = await client.messages.create({ ...fields, messages: talk, stream: true });
    for await (const event of stream) events.push(event);
    const types = events.map((event) => event.type).filter((type) => type !== 'ping');
    assert.deepEqual(types, [
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    const { message } = events.find((event) => event.type === 'message_start');
    assert.equal(message.role, 'assistant');
    assert.deepEqual(message.content, []);
    assert.equal(message.stop_reason, null);
    assert.equal(message.usage.input_tokens, 10);
    const end = events.find((event) => event.type === 'message_delta');
    assert.equal(end.delta.stop_reason, 'end_turn');
    assert.equal(end.usage.output_tokens, 5);
    const deltas = events.filter((event) => event.type === 'content_block_delta');
    assert.equal(deltas.map((event) => event.delta.text).join(''), 'one two three');
    talk.push({ role: 'assistant', content: 'one two three' });
  });

  test('the stream helper: text events, final message, usage; the process goes on', async () => {
    const before = await served(url);
    const deltas = [];
    talk.push(user(prompt('Hello', { text: 'Good morning', deltas: 4 })));
    const stream = client.messages
      .stream({ ...fields, messages: talk })
      .on('text', (delta) => deltas.push(delta));
    const message = await stream.finalMessage();
    assert.deepEqual([deltas.join(''), deltas.length], ['Good morning', 4]);
    assert.equal(await stream.finalText(), 'Good morning');
    assert.equal(message.stop_reason, 'end_turn');
    assert.equal(message.usage.input_tokens, 10);
    assert.equal(message.usage.output_tokens, 5);
    talk.push({ role: message.role, content: message.content }, user('Bye'));
    assert.equal(
      await client.messages.stream({ ...fields, messages: talk }).finalText(),
      'You said: Bye',
    );
    assert.deepEqual(conversation(await lastReceived()), [
      ['user', 'Count'],
      ['assistant', 'one two three'],
      ['user', 'Hello'],
      ['assistant', 'Good morning'],
      ['user', 'Bye'],
    ]);
    assert.deepEqual(await served(url), { others: before.others, sessions: before.sessions + 2 });
  });

  test('thinking: its text, then its signature, then the answer', async () => {
    const thoughts = [];
    const signatures = [];
    const stream = client.messages
      .stream({
        ...fields,
        max_tokens: 4096,
        thinking: { type: 'enabled', budget_tokens: 1024 },
        messages: [user(prompt('Think', { thinking: 'Let me see', text: 'Done' }))],
      })
      .on('thinking', (delta) => thoughts.push(delta))
      .on('signature', (signature) => signatures.push(signature));
    const { content } = await stream.finalMessage();
    assert.equal(thoughts.join(''), 'Let me see');
    assert.deepEqual(signatures, ['c3RhbmRpbg==']);
    assert.deepEqual(
      content.map((block) => block.type),
      ['thinking', 'text'],
    );
    assert.equal(content[0].signature, 'c3RhbmRpbg==');
  });

  test('an object in pieces, parsed at the end', async () => {
    const Place = z.object({ city: z.string(), inhabitants: z.number() });
    const oslo = { city: 'Oslo', inhabitants: 700000 };
    const deltas = [];
    const stream = client.messages
      .stream({
        ...fields,
        messages: [user(prompt('Where?', { object: oslo, deltas: 5 }))],
        output_config: { format: zodOutputFormat(Place) },
      })
      .on('text', (delta) => deltas.push(delta));
    const message = await stream.finalMessage();
    assert.deepEqual(message.parsed_output, oslo);
    assert.ok(deltas.length > 1, `${deltas.length} deltas`);
  });

  test('a client that aborts ends its run', async () => {
    const stream = client.messages.stream({
      ...fields,
      messages: [user(prompt('Wait', { text: 'one moment', hang: true }))],
    });
    stream.on('text', (_, snapshot) => snapshot === 'one moment' && stream.abort());
    await assert.rejects(
      stream.finalMessage(),
      (error) => error instanceof Anthropic.APIUserAbortError,
    );
    await idle(url);
  });

  test('a failure of the API within a stream is an error event', async () => {
    const failure = { status: 400, type: 'invalid_request_error', message: 'no more' };
    const script = { text: 'Well', stream_error: 'overloaded_error', then: failure };
    const texts = [];
    const wait = client.messages
      .stream({ ...fields, messages: [user(prompt('Hello', script))] })
      .on('text', (text) => texts.push(text))
      .finalMessage();
    await assert.rejects(wait, (error) => {
      assert.ok(error instanceof Anthropic.APIError, error.stack);
      assert.match(error.message, /no more/);
      return true;
    });
    assert.equal(texts.join(''), 'Well');
    await idle(url);
  });
});
