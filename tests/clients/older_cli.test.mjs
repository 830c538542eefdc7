// SPDX-License-Identifier: Apache-2.0
// The older CLI behind the same clients: one conversation of each, with a turn that goes on, two
// functions at once, and a history.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
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

const url = gateways.older;
const user = (content) => ({ role: 'user', content });

describe('older CLI', () => {
  test('openai: functions, the next turn, an object', async () => {
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
    const model = 'gpt-4o';
    const tools = ['weather', 'time'].map((name) => ({
      type: 'function',
      function: { name, parameters: { type: 'object', properties: { of: { type: 'string' } } } },
    }));
    const both = {
      tools: [use('openai', 'weather', { of: 'Oslo' }), use('openai', 'time', { of: 'CET' })],
      text: 'Rain at noon',
    };
    const messages = [user(prompt('Weather and time?', both))];
    const { message } = (await client.chat.completions.create({ model, messages, tools }))
      .choices[0];
    const ids = message.tool_calls.map((call) => call.id);
    assert.equal(ids.length, 2);
    const before = await served(url);
    messages.push(
      message,
      ...ids.map((id, index) => ({ role: 'tool', tool_call_id: id, content: `result ${index}` })),
    );
    const stream = client.chat.completions.stream({ model, messages, tools });
    messages.push({ role: 'assistant', content: await stream.finalContent() }, user('Thanks'));
    await client.chat.completions.create({ model, messages, tools });
    const received = conversation(await lastReceived());
    // This CLI sends the results in an order of its own.
    const [role, ...results] = received[2];
    received[2] = [role, ...results.sort((a, b) => (a.id < b.id ? -1 : 1))];
    assert.deepEqual(received, [
      ['user', 'Weather and time?'],
      [
        'assistant',
        { use: 'mcp__openai__weather', id: ids[0], input: { of: 'Oslo' } },
        { use: 'mcp__openai__time', id: ids[1], input: { of: 'CET' } },
      ],
      ['user', { result: 'result 0', id: ids[0] }, { result: 'result 1', id: ids[1] }],
      ['assistant', 'Rain at noon'],
      ['user', 'Thanks'],
    ]);
    assert.deepEqual(await served(url), { others: before.others, sessions: before.sessions + 1 });
    const completion = await client.chat.completions.parse({
      model,
      messages: [user(prompt('Where?', { object: { city: 'Oslo' } }))],
      response_format: zodResponseFormat(z.object({ city: z.string() }), 'place'),
    });
    assert.deepEqual(completion.choices[0].message.parsed, { city: 'Oslo' });
  });

  test('anthropic: a history that ends in results, thinking, a stream, counting', async () => {
    const client = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
    const fields = {
      model: 'claude-sonnet-4-6',
      max_tokens: 4096,
      thinking: { type: 'enabled', budget_tokens: 1024 },
    };
    const tools = [
      { name: 'weather', input_schema: { type: 'object', properties: { of: { type: 'string' } } } },
    ];
    const messages = [
      user(prompt('Weather?', { tool: use('anthropic', 'weather', { of: 'Oslo' }), text: 'Rain' })),
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'Let me see', signature: 'c2lnbmF0dXJl' },
          { type: 'tool_use', id: 'toolu_elsewhere', name: 'weather', input: { of: 'Oslo' } },
        ],
      },
      user([{ type: 'tool_result', tool_use_id: 'toolu_elsewhere', content: 'rain' }]),
    ];
    assert.equal(await client.messages.stream({ ...fields, messages, tools }).finalText(), 'Rain');
    assert.deepEqual(conversation(await lastReceived()), [
      ['user', 'Weather?'],
      [
        'assistant',
        { thinking: 'Let me see', signature: 'c2lnbmF0dXJl' },
        { use: 'mcp__anthropic__weather', id: 'toolu_elsewhere', input: { of: 'Oslo' } },
      ],
      ['user', { result: 'rain', id: 'toolu_elsewhere' }],
    ]);
    const { input_tokens } = await client.messages.countTokens({
      model: fields.model,
      tools,
      messages,
    });
    assert.ok(input_tokens > 0, `${input_tokens}`);
  });
});
