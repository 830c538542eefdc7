// SPDX-License-Identifier: Apache-2.0
// `ai` with `@ai-sdk/openai-compatible`: text, streams, objects, tools over several steps, images,
// leaving, errors and retries.
import assert from 'node:assert/strict';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import {
  APICallError,
  generateObject,
  generateText,
  Output,
  stepCountIs,
  streamObject,
  streamText,
  tool,
} from 'ai';
import { z } from 'zod';
import {
  conversation,
  describe,
  gateways,
  idle,
  key,
  lastReceived,
  PNG,
  prompt,
  served,
  systemOf,
  test,
  use,
} from './world.mjs';

const url = gateways.wide;
const provider = createOpenAICompatible({
  name: 'koine',
  baseURL: `${url}/v1`,
  apiKey: key,
  supportsStructuredOutputs: true,
  includeUsage: true,
});
const fields = { model: provider('gpt-4o'), maxRetries: 0 };
const Person = z.object({ name: z.string(), age: z.number(), tags: z.array(z.string()) });
const ada = { name: 'Ada', age: 36, tags: ['maths'] };

function toolsOf(called) {
  const answering = (name, answer) =>
    tool({
      description: `Tells the ${name}`,
      inputSchema: z.object({ of: z.string() }),
      execute: ({ of }) => {
        called.push(of);
        return answer;
      },
    });
  return { weather: answering('weather', 'rain'), time: answering('time', { hour: 12 }) };
}

const both = {
  tools: [use('openai', 'weather', { of: 'Oslo' }), use('openai', 'time', { of: 'CET' })],
  text: 'Rain at noon',
};

describe('ai', () => {
  // Starting the CLI takes half a second: tests that go on with one conversation.
  const talk = [];
  const talking = { ...fields, system: 'Be brief.', messages: talk };

  test('generateText', async () => {
    talk.push({ role: 'user', content: 'Hello' });
    const { text, finishReason, usage, response } = await generateText(talking);
    assert.equal(text, 'You said: Hello');
    assert.equal(finishReason, 'stop');
    assert.deepEqual([usage.inputTokens, usage.outputTokens, usage.totalTokens], [10, 5, 15]);
    const body = await lastReceived();
    assert.equal(systemOf(body), 'Be brief.');
    assert.deepEqual(conversation(body), [['user', 'Hello']]);
    talk.push(...response.messages);
  });

  test('streamText goes on in the same process', async () => {
    const before = await served(url);
    talk.push({ role: 'user', content: prompt('Count', { text: 'one two three', deltas: 3 }) });
    const result = streamText(talking);
    const pieces = [];
    for await (const piece of result.textStream) pieces.push(piece);
    assert.equal(pieces.join(''), 'one two three');
    assert.equal(await result.finishReason, 'stop');
    assert.equal((await result.usage).totalTokens, 15);
    assert.deepEqual(conversation(await lastReceived()), [
      ['user', 'Hello'],
      ['assistant', 'You said: Hello'],
      ['user', 'Count'],
    ]);
    assert.deepEqual(await served(url), { others: before.others, sessions: before.sessions + 1 });
  });

  test('an image arrives as it is', async () => {
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image', image: Buffer.from(PNG, 'base64') },
    ];
    await generateText({ ...fields, messages: [{ role: 'user', content }] });
    const image = { type: 'base64', media_type: 'image/png', data: PNG };
    assert.deepEqual(conversation(await lastReceived()), [['user', 'What is this?', { image }]]);
  });

  test('generateObject, streamObject, and Output.object', async () => {
    const messages = [{ role: 'user', content: prompt('Who?', { object: ada, deltas: 4 }) }];
    const asking = { ...fields, messages };
    const again = () => {
      messages.push({ role: 'assistant', content: JSON.stringify(ada) }, messages[0]);
    };
    const { object } = await generateObject({ ...asking, schema: Person });
    assert.deepEqual(object, ada);
    again();
    const { output } = await generateText({ ...asking, output: Output.object({ schema: Person }) });
    assert.deepEqual(output, ada);
    again();
    const streamed = streamObject({ ...asking, schema: Person });
    const partial = [];
    for await (const part of streamed.partialObjectStream) partial.push(part);
    assert.deepEqual(partial.at(-1), ada);
    assert.deepEqual(await streamed.object, ada);
  });

  test('tools: two calls in a step, their results, the text', async () => {
    const called = [];
    const { text, steps } = await generateText({
      ...fields,
      tools: toolsOf(called),
      stopWhen: stepCountIs(5),
      prompt: prompt('Weather and time?', both),
    });
    assert.equal(text, 'Rain at noon');
    assert.equal(steps.length, 2);
    assert.deepEqual(called, ['Oslo', 'CET']);
    const body = await lastReceived();
    const [weather, time] = body.messages[1].content.map((block) => block.id);
    assert.deepEqual(conversation(body), [
      ['user', 'Weather and time?'],
      [
        'assistant',
        { use: 'mcp__openai__weather', id: weather, input: { of: 'Oslo' } },
        { use: 'mcp__openai__time', id: time, input: { of: 'CET' } },
      ],
      ['user', { result: 'rain', id: weather }, { result: '{"hour":12}', id: time }],
    ]);
  });

  test('tools, streamed, over two rounds, in one process', async () => {
    const script = { tool: both.tools[0], then: { tool: both.tools[1], then: { text: 'Enough' } } };
    const called = [];
    const before = await served(url);
    const result = streamText({
      ...fields,
      tools: toolsOf(called),
      stopWhen: stepCountIs(5),
      prompt: prompt('One after the other', script),
    });
    assert.equal(await result.text, 'Enough');
    assert.equal((await result.steps).length, 3);
    assert.deepEqual(called, ['Oslo', 'CET']);
    const { others, sessions } = await served(url);
    assert.deepEqual(
      { others, sessions },
      { others: before.others + 1, sessions: before.sessions },
    );
  });

  test('a client that aborts ends its run', async () => {
    const controller = new AbortController();
    const aborted = [];
    const result = streamText({
      ...fields,
      abortSignal: controller.signal,
      onAbort: () => aborted.push(true),
      onError: () => {},
      prompt: prompt('Wait', { text: 'one moment', hang: true }),
    });
    let text = '';
    for await (const piece of result.textStream) {
      text += piece;
      if (text === 'one moment') controller.abort();
    }
    assert.equal(text, 'one moment');
    assert.deepEqual(aborted, [true]);
    await idle(url);
  });

  test('errors tell status and message, and what can be tried again', async () => {
    const wait = generateText({ ...fields, model: provider('gpt-0'), prompt: 'Hello' });
    await assert.rejects(wait, (error) => {
      assert.ok(APICallError.isInstance(error), error.stack);
      assert.deepEqual([error.statusCode, error.isRetryable], [404, false]);
      assert.match(error.message, /gpt-0/);
      return true;
    });
    const limited = generateText({
      ...fields,
      prompt: prompt('Hello', { status: 429, type: 'rate_limit_error' }),
    });
    await assert.rejects(limited, (error) => {
      assert.ok(APICallError.isInstance(error), error.stack);
      assert.deepEqual([error.statusCode, error.isRetryable], [429, true]);
      return true;
    });
  });
});
