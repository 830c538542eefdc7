// SPDX-License-Identifier: Apache-2.0
// `openai`: the Responses API. Text, events of the stream helper, function calls, structured text.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import {
  conversation,
  describe,
  gateways,
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
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const model = 'gpt-4o';
const user = (content) => ({ role: 'user', content });

const tools = ['weather', 'time'].map((name) => ({
  type: 'function',
  name,
  description: `Tells the ${name}`,
  strict: true,
  parameters: {
    type: 'object',
    properties: { of: { type: 'string' } },
    required: ['of'],
    additionalProperties: false,
  },
}));
const both = {
  tools: [use('openai', 'weather', { of: 'Oslo' }), use('openai', 'time', { of: 'CET' })],
  text: 'Rain at noon',
};

function resultsOf(response) {
  return response.output
    .filter((item) => item.type === 'function_call')
    .map(({ call_id, name }) => ({
      type: 'function_call_output',
      call_id,
      output: name === 'weather' ? 'rain' : '12:00',
    }));
}

function assertBoth(response) {
  const calls = response.output.filter((item) => item.type === 'function_call');
  assert.deepEqual(
    calls.map(({ name, arguments: text }) => [name, JSON.parse(text)]),
    [
      ['weather', { of: 'Oslo' }],
      ['time', { of: 'CET' }],
    ],
  );
  return calls.map((call) => call.call_id);
}

describe('openai responses', () => {
  // Starting the CLI takes half a second: tests that go on with one conversation.
  const talk = [];
  const fields = { model, instructions: 'Be brief.', input: talk };

  test('a text, with instructions', async () => {
    const response = await client.responses.create({ ...fields, input: 'Hello' });
    assert.equal(response.object, 'response');
    assert.equal(response.status, 'completed');
    assert.equal(response.error, null);
    assert.equal(response.output_text, 'You said: Hello');
    assert.equal(response.output[0].type, 'message');
    assert.equal(response.output[0].role, 'assistant');
    const { input_tokens, output_tokens, total_tokens } = response.usage;
    assert.deepEqual([input_tokens, output_tokens, total_tokens], [10, 5, 15]);
    const body = await lastReceived();
    assert.equal(systemOf(body), 'Be brief.');
    assert.deepEqual(conversation(body), [['user', 'Hello']]);
    talk.push(user('Hello'), ...response.output);
  });

  test('a conversation of items goes on in its process', async () => {
    const before = await served(url);
    talk.push(user('Two'));
    const { output, output_text } = await client.responses.create(fields);
    assert.equal(output_text, 'You said: Two');
    assert.deepEqual(conversation(await lastReceived()), [
      ['user', 'Hello'],
      ['assistant', 'You said: Hello'],
      ['user', 'Two'],
    ]);
    assert.deepEqual(await served(url), { others: before.others, sessions: before.sessions + 1 });
    talk.push(...output);
  });

  test('events of a stream, in order', async () => {
    const types = [];
    const numbers = [];
    let text = '';
    talk.push(user(prompt('Count', { text: 'one two', deltas: 2 })));
    const stream = await client.responses.create({ ...fields, stream: true });
    for await (const event of stream) {
      types.push(event.type);
      numbers.push(event.sequence_number);
      if (event.type === 'response.output_text.delta') text += event.delta;
      if (event.type === 'response.completed') talk.push(...event.response.output);
    }
    assert.equal(text, 'one two');
    assert.deepEqual(types, [
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => numbers[0] + index),
    );
  });

  test('the stream helper: deltas and the final response; the process goes on', async () => {
    const before = await served(url);
    const snapshots = [];
    talk.push(user(prompt('Hello', { text: 'Good morning', deltas: 3 })));
    const stream = client.responses
      .stream(fields)
      .on('response.output_text.delta', ({ snapshot }) => snapshots.push(snapshot));
    const response = await stream.finalResponse();
    assert.equal(response.output_text, 'Good morning');
    assert.equal(response.status, 'completed');
    assert.equal(response.usage.total_tokens, 15);
    assert.equal(snapshots.length, 3);
    assert.equal(snapshots.at(-1), 'Good morning');
    assert.deepEqual(await served(url), { others: before.others, sessions: before.sessions + 1 });
  });

  test('an image', async () => {
    await client.responses.create({
      model,
      input: [
        user([
          { type: 'input_text', text: 'What is this?' },
          { type: 'input_image', image_url: `data:image/png;base64,${PNG}`, detail: 'auto' },
        ]),
      ],
    });
    const image = { type: 'base64', media_type: 'image/png', data: PNG };
    assert.deepEqual(conversation(await lastReceived()), [['user', 'What is this?', { image }]]);
  });

  test('two function calls in a stream, then their results: the same process goes on', async () => {
    const done = [];
    const input = [user(prompt('Weather and time?', { ...both, deltas: 3 }))];
    const stream = client.responses
      .stream({ model, input, tools })
      .on('response.function_call_arguments.done', (event) => done.push(event.arguments));
    const first = await stream.finalResponse();
    const ids = assertBoth(first);
    assert.deepEqual(done.map(JSON.parse), [{ of: 'Oslo' }, { of: 'CET' }]);
    const before = await served(url);
    input.push(...first.output, ...resultsOf(first));
    const second = await client.responses.create({ model, input, tools });
    assert.equal(second.output_text, 'Rain at noon');
    assert.deepEqual(conversation(await lastReceived()), [
      ['user', 'Weather and time?'],
      [
        'assistant',
        { use: 'mcp__openai__weather', id: ids[0], input: { of: 'Oslo' } },
        { use: 'mcp__openai__time', id: ids[1], input: { of: 'CET' } },
      ],
      ['user', { result: 'rain', id: ids[0] }, { result: '12:00', id: ids[1] }],
    ]);
    assert.deepEqual(await served(url), before, 'another process answered');

    input.push(...second.output, user(prompt('Again', both)));
    const third = await client.responses.create({ model, input, tools });
    assertBoth(third);
    assert.deepEqual(await served(url), { others: before.others, sessions: before.sessions + 1 });
  });

  test('an object by zodTextFormat and parse', async () => {
    const Person = z.object({ name: z.string(), age: z.number() });
    const ada = { name: 'Ada', age: 36 };
    const input = [user(prompt('Who?', { object: ada }))];
    const asking = { model, input, text: { format: zodTextFormat(Person, 'person') } };
    const response = await client.responses.parse(asking);
    assert.deepEqual(response.output_parsed, ada);
    const before = await served(url);
    input.push(...response.output, user(prompt('Sure?', { object: ada })));
    assert.deepEqual((await client.responses.parse(asking)).output_parsed, ada);
    assert.deepEqual(await served(url), { others: before.others, sessions: before.sessions + 1 });
  });

  test('a limit of tokens leaves the response incomplete', async () => {
    const response = await client.responses.create({
      model,
      max_output_tokens: 35,
      input: prompt('Tell a story', { text: 'Once upon a', stop_reason: 'max_tokens' }),
    });
    assert.equal(response.status, 'incomplete');
    assert.equal(response.incomplete_details.reason, 'max_output_tokens');
    assert.equal((await lastReceived()).max_tokens, 35);
  });

  test('what needs a memory on the server is refused by name', async () => {
    const wait = client.responses.create({ model, input: 'Hello', previous_response_id: 'resp_1' });
    await assert.rejects(wait, (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError, `${error}`);
      assert.match(error.message, /previous_response_id/);
      return true;
    });
  });
});
