// SPDX-License-Identifier: Apache-2.0
// `@anthropic-ai/sdk`: tools of the client. Two uses at once, results, streams, the tool runner, a run
// that is gone meanwhile, choices.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import { z } from 'zod';
import {
  conversation,
  describe,
  gateways,
  key,
  lastReceived,
  offered,
  PNG,
  prompt,
  served,
  test,
  use,
} from './world.mjs';

const url = gateways.wide;
const client = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
const fields = { model: 'claude-sonnet-4-6', max_tokens: 1024 };
const user = (content) => ({ role: 'user', content });

const tools = ['weather', 'time'].map((name) => ({
  name,
  description: `Tells the ${name}`,
  input_schema: { type: 'object', properties: { of: { type: 'string' } }, required: ['of'] },
}));
const both = {
  tools: [use('anthropic', 'weather', { of: 'Oslo' }), use('anthropic', 'time', { of: 'CET' })],
  text: 'Rain at noon',
};

function resultsOf(message) {
  return user(
    message.content
      .filter((block) => block.type === 'tool_use')
      .map(({ id, name }) => ({
        type: 'tool_result',
        tool_use_id: id,
        content: name === 'weather' ? 'rain' : '12:00',
      })),
  );
}

function assertBoth(message) {
  assert.equal(message.stop_reason, 'tool_use');
  const uses = message.content.filter((block) => block.type === 'tool_use');
  assert.deepEqual(
    uses.map(({ name, input }) => [name, input]),
    [
      ['weather', { of: 'Oslo' }],
      ['time', { of: 'CET' }],
    ],
  );
  return uses.map((block) => block.id);
}

function withResults(text, [weather, time]) {
  return [
    ['user', text],
    [
      'assistant',
      { use: 'mcp__anthropic__weather', id: weather, input: { of: 'Oslo' } },
      { use: 'mcp__anthropic__time', id: time, input: { of: 'CET' } },
    ],
    ['user', { result: 'rain', id: weather }, { result: '12:00', id: time }],
  ];
}

describe('anthropic tools', () => {
  // Starting the CLI takes half a second: tests that go on with one conversation.
  const talk = [];
  const told = [];

  test('two uses at once: the run waits, the results go on with it', async () => {
    talk.push(user(prompt('Weather and time?', both)));
    const first = await client.messages.create({ ...fields, messages: talk, tools });
    const ids = assertBoth(first);
    const names = offered(await lastReceived()).sort();
    assert.deepEqual(names, ['mcp__anthropic__time', 'mcp__anthropic__weather']);
    const before = await served(url);
    talk.push({ role: 'assistant', content: first.content }, resultsOf(first));
    const second = await client.messages.create({ ...fields, messages: talk, tools });
    assert.deepEqual(
      second.content.map((block) => block.text),
      ['Rain at noon'],
    );
    assert.equal(second.stop_reason, 'end_turn');
    told.push(...withResults('Weather and time?', ids));
    assert.deepEqual(conversation(await lastReceived()), told);
    assert.deepEqual(await served(url), before, 'another process answered');
    talk.push({ role: 'assistant', content: second.content });
    told.push(['assistant', 'Rain at noon']);
  });

  test('streamed: the session goes on, the input in pieces, then the results', async () => {
    const before = await served(url);
    const pieces = [];
    talk.push(user(prompt('Once more?', { ...both, before: 'Let me see', deltas: 3 })));
    const stream = client.messages
      .stream({ ...fields, messages: talk, tools })
      .on('inputJson', (piece) => pieces.push(piece));
    const first = await stream.finalMessage();
    const ids = assertBoth(first);
    assert.equal(first.content[0].text, 'Let me see');
    assert.ok(pieces.length >= 6, `${pieces.length} pieces`);
    assert.equal(pieces.join(''), '{"of":"Oslo"}{"of":"CET"}');
    talk.push({ role: 'assistant', content: first.content }, resultsOf(first));
    const second = await client.messages
      .stream({ ...fields, messages: talk, tools })
      .finalMessage();
    const turn = withResults('Once more?', ids);
    turn[1].splice(1, 0, 'Let me see');
    told.push(...turn);
    assert.deepEqual(conversation(await lastReceived()), told);
    assert.deepEqual(await served(url), { others: before.others, sessions: before.sessions + 1 });
    talk.push({ role: 'assistant', content: second.content });
    told.push(['assistant', 'Rain at noon']);
  });

  test('tool_choice none: the session goes on without a use', async () => {
    talk.push(user('Thanks'));
    const none = { type: 'none' };
    const message = await client.messages.create({
      ...fields,
      messages: talk,
      tools,
      tool_choice: none,
    });
    assert.equal(message.stop_reason, 'end_turn');
    assert.deepEqual(conversation(await lastReceived()), [...told, ['user', 'Thanks']]);
  });

  test('a result that is an error, one with an image, and a text behind them', async () => {
    const messages = [user(prompt('Weather and time?', both))];
    const first = await client.messages.create({ ...fields, messages, tools });
    const [weather, time] = assertBoth(first);
    const source = { type: 'base64', media_type: 'image/png', data: PNG };
    const picture = [
      { type: 'text', text: 'A clock' },
      { type: 'image', source },
    ];
    messages.push(
      { role: 'assistant', content: first.content },
      user([
        { type: 'tool_result', tool_use_id: weather, is_error: true, content: 'broken' },
        { type: 'tool_result', tool_use_id: time, content: picture },
        { type: 'text', text: 'Try again' },
      ]),
    );
    await client.messages.create({ ...fields, messages, tools });
    const [last] = (await lastReceived()).messages.filter(({ role }) => role === 'user').slice(-1);
    const [error, clock, text] = last.content;
    assert.deepEqual([error.is_error, error.tool_use_id], [true, weather]);
    assert.match(JSON.stringify(error.content), /broken/);
    assert.deepEqual(clock.content, picture);
    assert.equal(text.text, 'Try again');
  });

  test('the tool runner calls the tools and comes to an end', async () => {
    const called = [];
    const runnable = ['weather', 'time'].map((name) =>
      betaZodTool({
        name,
        description: `Tells the ${name}`,
        inputSchema: z.object({ of: z.string() }),
        run: ({ of }) => {
          called.push(of);
          return name === 'weather' ? 'rain' : '12:00';
        },
      }),
    );
    const message = await client.beta.messages.toolRunner({
      ...fields,
      messages: [user(prompt('Weather and time?', both))],
      tools: runnable,
    });
    assert.deepEqual(
      message.content.map((block) => block.text),
      ['Rain at noon'],
    );
    assert.deepEqual(called, ['Oslo', 'CET']);
    const body = await lastReceived();
    const ids = body.messages[1].content.map((block) => block.id);
    assert.deepEqual(conversation(body), withResults('Weather and time?', ids));
  });

  test('the tool runner, streamed, over two rounds', async () => {
    const script = {
      tool: use('anthropic', 'weather', { of: 'Oslo' }),
      then: { tool: use('anthropic', 'time', { of: 'CET' }), then: { text: 'Enough' } },
    };
    const called = [];
    const runner = client.beta.messages.toolRunner({
      ...fields,
      stream: true,
      messages: [user(prompt('One after the other', script))],
      tools: ['weather', 'time'].map((name) =>
        betaZodTool({
          name,
          description: name,
          inputSchema: z.object({ of: z.string() }),
          run: ({ of }) => {
            called.push(of);
            return 'fine';
          },
        }),
      ),
    });
    const texts = [];
    for await (const stream of runner)
      texts.push(
        (await stream.finalMessage()).content.map((block) => block.text ?? block.name).join(),
      );
    assert.deepEqual(texts, ['weather', 'time', 'Enough']);
    assert.deepEqual(called, ['Oslo', 'CET']);
  });

  test('results of uses that happened elsewhere: the API receives the history, exactly', async () => {
    const uses = [
      { type: 'tool_use', id: 'toolu_a', name: 'weather', input: { of: 'Oslo' } },
      { type: 'tool_use', id: 'toolu_b', name: 'time', input: { of: 'CET' } },
    ];
    const messages = [
      user(prompt('Weather and time?', both)),
      { role: 'assistant', content: uses },
      resultsOf({ content: uses }),
    ];
    const message = await client.messages.create({ ...fields, messages, tools });
    assert.deepEqual(
      message.content.map((block) => block.text),
      ['Rain at noon'],
    );
    const expected = withResults('Weather and time?', ['toolu_a', 'toolu_b']);
    assert.deepEqual(conversation(await lastReceived()), expected);
  });

  test('tool_choice of one tool: the answer is its use', async () => {
    const one = await client.messages.create({
      ...fields,
      tools,
      tool_choice: { type: 'tool', name: 'weather' },
      messages: [user(prompt('Hello', { object: { of: 'Oslo' } }))],
    });
    assert.equal(one.stop_reason, 'tool_use');
    const uses = one.content.map(({ type, name, input }) => [type, name, input]);
    assert.deepEqual(uses, [['tool_use', 'weather', { of: 'Oslo' }]]);
  });

  test('what no gateway can do is refused by name: any, tools of the server', async () => {
    const refused = [
      [/tool_choice/, { tools, tool_choice: { type: 'any' } }],
      [/tools\[0\]/, { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
    ];
    for (const [pattern, more] of refused) {
      await assert.rejects(
        client.messages.create({ ...fields, ...more, messages: [user('Hello')] }),
        (error) => {
          assert.ok(error instanceof Anthropic.BadRequestError, error.stack);
          assert.match(error.message, pattern);
          return true;
        },
      );
    }
  });
});
