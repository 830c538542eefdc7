// SPDX-License-Identifier: Apache-2.0
// `openai`: streamed chat completions, by the iterator and by the stream helper; and leaving one.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
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
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const model = 'gpt-4o';
const user = (content) => ({ role: 'user', content });

async function chunksOf(fields) {
  const chunks = [];
  for await (const chunk of await client.chat.completions.create({
    model,
    stream: true,
    ...fields,
  })) {
    chunks.push(chunk);
  }
  return chunks;
}

function textOf(chunks) {
  return chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
}

describe('openai stream', () => {
  // Starting the CLI takes half a second: tests that go on with one conversation.
  const talk = [];

  test('chunks: the role first, pieces of text, the reason at the end', async () => {
    talk.push(user(prompt('Count', { text: 'one two three', deltas: 3 })));
    const chunks = await chunksOf({ messages: talk });
    assert.equal(textOf(chunks), 'one two three');
    assert.equal(chunks[0].choices[0].delta.role, 'assistant');
    const pieces = chunks.filter((chunk) => chunk.choices[0]?.delta.content);
    assert.equal(pieces.length, 3);
    const reasons = chunks.map((chunk) => chunk.choices[0].finish_reason).filter(Boolean);
    assert.deepEqual(reasons, ['stop']);
    assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
    assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
    for (const chunk of chunks) {
      assert.equal(chunk.object, 'chat.completion.chunk');
      assert.ok(!chunk.usage, `usage that nobody asked for: ${JSON.stringify(chunk)}`);
    }
    talk.push({ role: 'assistant', content: textOf(chunks) });
  });

  test('include_usage: the last chunk tells it, without a choice', async () => {
    const usage = {
      input_tokens: 20,
      output_tokens: 7,
      cache_read_input_tokens: 100,
      cache_creation_input_tokens: 3,
    };
    const before = await served(url);
    talk.push(user(prompt('Hello', { text: 'Hi', usage })));
    const chunks = await chunksOf({ messages: talk, stream_options: { include_usage: true } });
    const last = chunks.pop();
    assert.deepEqual(last.choices, []);
    // What was read from a cache or written to one is part of the prompt, as in that API.
    assert.equal(last.usage.prompt_tokens, 123);
    assert.equal(last.usage.completion_tokens, 7);
    assert.equal(last.usage.total_tokens, 130);
    assert.equal(last.usage.prompt_tokens_details.cached_tokens, 100);
    for (const chunk of chunks) assert.ok(!chunk.usage, JSON.stringify(chunk));
    assert.deepEqual(await served(url), { others: before.others, sessions: before.sessions + 1 });
    talk.push({ role: 'assistant', content: textOf(chunks) });
  });

  test('the stream helper: events, final content, usage; the same process goes on', async () => {
    const before = await served(url);
    const deltas = [];
    const done = [];
    const fields = { model, messages: talk, stream_options: { include_usage: true } };
    talk.push(user(prompt('Greet', { text: 'Good morning', deltas: 4 })));
    const stream = client.chat.completions
      .stream(fields)
      .on('content', (delta) => deltas.push(delta))
      .on('content.done', ({ content }) => done.push(content));
    const completion = await stream.finalChatCompletion();
    assert.equal(deltas.join(''), 'Good morning');
    assert.equal(deltas.length, 4);
    assert.deepEqual(done, ['Good morning']);
    assert.equal(await stream.finalContent(), 'Good morning');
    assert.equal(completion.choices[0].finish_reason, 'stop');
    assert.equal(completion.choices[0].message.role, 'assistant');
    assert.equal((await stream.totalUsage()).total_tokens, 15);
    talk.push(completion.choices[0].message, user('Bye'));
    await client.chat.completions.create({ model, messages: talk });
    assert.deepEqual(conversation(await lastReceived()), [
      ['user', 'Count'],
      ['assistant', 'one two three'],
      ['user', 'Hello'],
      ['assistant', 'Hi'],
      ['user', 'Greet'],
      ['assistant', 'Good morning'],
      ['user', 'Bye'],
    ]);
    assert.deepEqual(await served(url), { others: before.others, sessions: before.sessions + 2 });
  });

  test('the stream helper: an object in pieces, parsed', async () => {
    const Place = z.object({ city: z.string(), inhabitants: z.number() });
    const oslo = { city: 'Oslo', inhabitants: 700000 };
    const partial = [];
    const stream = client.chat.completions
      .stream({
        model,
        messages: [user(prompt('Where?', { object: oslo, deltas: 5 }))],
        response_format: zodResponseFormat(Place, 'place'),
      })
      .on('content.delta', ({ parsed }) => partial.push(parsed));
    const completion = await stream.finalChatCompletion();
    assert.deepEqual(completion.choices[0].message.parsed, oslo);
    assert.ok(partial.length > 0, 'no delta was told');
    assert.deepEqual(partial.at(-1), oslo);
  });

  test('a client that aborts ends its run', async () => {
    const controller = new AbortController();
    const stream = await client.chat.completions.create(
      { model, messages: [user(prompt('Wait', { text: 'one moment', hang: true }))], stream: true },
      { signal: controller.signal },
    );
    let text = '';
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      if (text === 'one moment') controller.abort();
    }
    assert.equal(text, 'one moment');
    await idle(url);
  });

  test('a client that leaves its loop ends its run', async () => {
    const stream = await client.chat.completions.create({
      model,
      messages: [user(prompt('Wait', { text: 'one moment', hang: true }))],
      stream: true,
    });
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) break;
    }
    await idle(url);
  });

  test('a failure of the API within a stream is an error of the client', async () => {
    // The CLI goes on by itself where the stream broke off; what it is answered then is its failure.
    const failure = { status: 400, type: 'invalid_request_error', message: 'no more' };
    const script = { text: 'Well', stream_error: 'overloaded_error', then: failure };
    const texts = [];
    const wait = client.chat.completions
      .stream({ model, messages: [user(prompt('Hello', script))] })
      .on('content', (text) => texts.push(text))
      .done();
    await assert.rejects(wait, (error) => {
      assert.ok(error instanceof OpenAI.APIError, error.stack);
      assert.match(error.message, /no more/);
      return true;
    });
    assert.equal(texts.join(''), 'Well');
    await idle(url);
  });
});
