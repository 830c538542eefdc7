// SPDX-License-Identifier: Apache-2.0
// `openai`: functions of the client in chat completions. Two calls at once, results, the runTools
// helper, streams, a run that is gone meanwhile, choices.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { zodFunction } from 'openai/helpers/zod';
import { z } from 'zod';
import {
  conversation,
  describe,
  gateways,
  forgotten,
  key,
  lastReceived,
  offered,
  prompt,
  served,
  test,
  use,
} from './world.mjs';

const url = gateways.wide;
const options = { apiKey: key, maxRetries: 0 };
const client = new OpenAI({ baseURL: `${url}/v1`, ...options });
const narrow = new OpenAI({ baseURL: `${gateways.narrow}/v1`, ...options });
const model = 'gpt-4o';
const user = (content) => ({ role: 'user', content });

const parameters = {
  weather: z.object({ city: z.string() }),
  time: z.object({ zone: z.string() }),
};

/** With `call` they can be run, too. */
function toolsWith(call) {
  return Object.entries(parameters).map(([name, shape]) =>
    zodFunction({ name, description: `Tells the ${name}`, parameters: shape, function: call }),
  );
}

const tools = toolsWith();
const weatherUse = use('openai', 'weather', { city: 'Oslo' });
const timeUse = use('openai', 'time', { zone: 'CET' });
const both = { tools: [weatherUse, timeUse], text: 'Rain at noon' };

/** The results of the calls of a message, as a client sends them. */
function resultsOf(message) {
  return message.tool_calls.map(({ id, function: { name } }) => ({
    role: 'tool',
    tool_call_id: id,
    content: name === 'weather' ? 'rain' : '12:00',
  }));
}

function assertBoth(choice) {
  assert.equal(choice.finish_reason, 'tool_calls');
  assert.deepEqual(
    choice.message.tool_calls.map(({ type, function: { name, arguments: text } }) => [
      type,
      name,
      JSON.parse(text),
    ]),
    [
      ['function', 'weather', { city: 'Oslo' }],
      ['function', 'time', { zone: 'CET' }],
    ],
  );
  const ids = choice.message.tool_calls.map((call) => call.id);
  assert.equal(new Set(ids).size, 2, `${ids}`);
  return ids;
}

/** What the API receives once the results of `both` are there. */
function withResults(text, [weather, time]) {
  return [
    ['user', text],
    [
      'assistant',
      { use: 'mcp__openai__weather', id: weather, input: { city: 'Oslo' } },
      { use: 'mcp__openai__time', id: time, input: { zone: 'CET' } },
    ],
    ['user', { result: 'rain', id: weather }, { result: '12:00', id: time }],
  ];
}

describe('openai functions', () => {
  // Starting the CLI takes half a second: tests that go on with one conversation.
  const talk = [];
  const told = [];

  test('two calls at once: the run waits, the results go on with it', async () => {
    talk.push(user(prompt('Weather and time?', both)));
    const first = await client.chat.completions.parse({ model, messages: talk, tools });
    const ids = assertBoth(first.choices[0]);
    const [{ function: weather }] = first.choices[0].message.tool_calls;
    assert.deepEqual(weather.parsed_arguments, { city: 'Oslo' });
    const names = offered(await lastReceived()).sort();
    assert.deepEqual(names, ['mcp__openai__time', 'mcp__openai__weather']);
    const before = await served(url);
    talk.push(first.choices[0].message, ...resultsOf(first.choices[0].message));
    const second = await client.chat.completions.create({ model, messages: talk, tools });
    assert.equal(second.choices[0].message.content, 'Rain at noon');
    assert.equal(second.choices[0].finish_reason, 'stop');
    told.push(...withResults('Weather and time?', ids));
    assert.deepEqual(conversation(await lastReceived()), told);
    assert.deepEqual(await served(url), before, 'another process answered');
    talk.push(second.choices[0].message);
    told.push(['assistant', 'Rain at noon']);
  });

  test('streamed: the session goes on, arguments in pieces, then the results', async () => {
    const before = await served(url);
    const done = [];
    talk.push(user(prompt('Once more?', { ...both, before: 'Let me see', deltas: 3 })));
    const stream = client.chat.completions
      .stream({ model, messages: talk, tools })
      .on('tool_calls.function.arguments.done', (call) =>
        done.push([call.index, call.name, call.arguments]),
      );
    const {
      choices: [choice],
    } = await stream.finalChatCompletion();
    const ids = assertBoth(choice);
    assert.equal(choice.message.content, 'Let me see');
    const calls = choice.message.tool_calls.map((call) => call.function);
    assert.deepEqual(
      done,
      calls.map((call, index) => [index, call.name, call.arguments]),
    );
    talk.push(choice.message, ...resultsOf(choice.message));
    const second = client.chat.completions.stream({ model, messages: talk, tools });
    assert.equal(await second.finalContent(), 'Rain at noon');
    const turn = withResults('Once more?', ids);
    turn[1].splice(1, 0, 'Let me see');
    told.push(...turn);
    assert.deepEqual(conversation(await lastReceived()), told);
    assert.deepEqual(await served(url), { others: before.others, sessions: before.sessions + 1 });
    talk.push((await second.finalChatCompletion()).choices[0].message);
    told.push(['assistant', 'Rain at noon']);
  });

  test('tool_choice none: no function is called, though they are told', async () => {
    talk.push(user('Thanks'));
    const completion = await client.chat.completions.create({
      model,
      tools,
      tool_choice: 'none',
      messages: talk,
    });
    assert.equal(completion.choices[0].finish_reason, 'stop');
    assert.equal(completion.choices[0].message.content, 'You said: Thanks');
    assert.deepEqual(conversation(await lastReceived()), [...told, ['user', 'Thanks']]);
  });

  test('runTools calls the functions and comes to an end', async () => {
    const called = [];
    const call = (input) => {
      called.push(input);
      return 'city' in input ? 'rain' : '12:00';
    };
    const runner = client.chat.completions.runTools({
      model,
      messages: [user(prompt('Weather and time?', both))],
      tools: toolsWith(call),
    });
    assert.equal(await runner.finalContent(), 'Rain at noon');
    assert.deepEqual(called, [{ city: 'Oslo' }, { zone: 'CET' }]);
    assert.equal(runner.allChatCompletions().length, 2);
    const [first] = runner.allChatCompletions();
    const ids = first.choices[0].message.tool_calls.map(({ id }) => id);
    assert.deepEqual(conversation(await lastReceived()), withResults('Weather and time?', ids));
  });

  test('runTools, streamed, over two rounds', async () => {
    const script = { tool: weatherUse, then: { tool: timeUse, then: { text: 'Enough' } } };
    const called = [];
    const runner = client.chat.completions.runTools({
      model,
      stream: true,
      messages: [user(prompt('One after the other', script))],
      tools: toolsWith((input) => {
        called.push(input);
        return 'fine';
      }),
    });
    assert.equal(await runner.finalContent(), 'Enough');
    assert.deepEqual(called, [{ city: 'Oslo' }, { zone: 'CET' }]);
  });

  test('a run that is gone meanwhile is replaced by the history, exactly', async () => {
    const messages = [user(prompt('Weather and time?', both))];
    const {
      choices: [choice],
    } = await narrow.chat.completions.create({ model, messages, tools });
    const ids = assertBoth(choice);
    await forgotten(gateways.narrow);
    const before = await served(gateways.narrow);
    messages.push(choice.message, ...resultsOf(choice.message));
    const second = await narrow.chat.completions.create({ model, messages, tools });
    assert.equal(second.choices[0].message.content, 'Rain at noon');
    assert.deepEqual(conversation(await lastReceived()), withResults('Weather and time?', ids));
    assert.equal((await served(gateways.narrow)).others, before.others + 1);
  });

  test('calls that happened elsewhere are given to the API as they were', async () => {
    const call = (id, name, input) => ({
      id,
      type: 'function',
      function: { name, arguments: JSON.stringify(input) },
    });
    const message = {
      role: 'assistant',
      content: null,
      tool_calls: [
        call('call_1', 'weather', { city: 'Oslo' }),
        call('call_2', 'time', { zone: 'CET' }),
      ],
    };
    const messages = [
      user('Weather and time?'),
      message,
      ...resultsOf(message),
      { role: 'assistant', content: 'Rain at noon' },
      user('Thanks'),
    ];
    const {
      choices: [choice],
    } = await client.chat.completions.create({ model, messages, tools });
    assert.equal(choice.message.content, 'You said: Thanks');
    const body = await lastReceived();
    const ids = body.messages[1].content.map((block) => block.id);
    assert.deepEqual(conversation(body), [
      ...withResults('Weather and time?', ids),
      ['assistant', 'Rain at noon'],
      ['user', 'Thanks'],
    ]);
  });

  test('tool_choice of one function: the answer is its call', async () => {
    const {
      choices: [choice],
    } = await client.chat.completions.create({
      model,
      tools,
      tool_choice: { type: 'function', function: { name: 'weather' } },
      messages: [user(prompt('Hello', { object: { city: 'Oslo' } }))],
    });
    assert.deepEqual(
      choice.message.tool_calls.map(({ function: { name, arguments: text } }) => [
        name,
        JSON.parse(text),
      ]),
      [['weather', { city: 'Oslo' }]],
    );
    assert.ok(['stop', 'tool_calls'].includes(choice.finish_reason), choice.finish_reason);
  });

  test('tool_choice required, of several functions, is refused by name', async () => {
    const wait = client.chat.completions.create({
      model,
      tools,
      tool_choice: 'required',
      messages: [user('Hello')],
    });
    await assert.rejects(wait, (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError, `${error}`);
      assert.match(error.message, /tool_choice/);
      return true;
    });
  });
});
