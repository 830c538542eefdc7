// SPDX-License-Identifier: Apache-2.0
// No request runs a tool of the CLI: neither by a function of the client that bears its name, nor by a
// model that calls one although none was offered.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import {
  conversation,
  describe,
  gateways,
  key,
  lastReceived,
  offered,
  prompt,
  received,
  test,
  use,
} from './world.mjs';

const url = gateways.wide;
const anthropic = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const user = (content) => ({ role: 'user', content });

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cli-tools-'));
const secret = path.join(folder, 'secret');
const trace = path.join(folder, 'trace');
fs.writeFileSync(secret, 'the secret of this machine');

const uses = { Bash: { command: `touch ${trace}` }, Read: { file_path: secret } };
const schema = { type: 'object', properties: {}, additionalProperties: true };

async function assertUntouched() {
  assert.equal(fs.existsSync(trace), false, 'the command was run');
  assert.doesNotMatch(
    JSON.stringify((await received()).map((body) => body.messages)),
    /the secret of this machine/,
  );
}

/** Names in the way of MODULE's functions, and those of the CLI itself. */
function namesOf(module) {
  return [(name) => use(module, name, uses[name]), (name) => ({ name, input: uses[name] })];
}

describe('tools of the CLI', () => {
  test("openai: functions named Bash and Read are the client's", async () => {
    const tools = ['Bash', 'Read'].map((name) => ({
      type: 'function',
      function: { name, parameters: schema },
    }));
    const [own] = namesOf('openai');
    const messages = [user(prompt('Go on', { tools: [own('Bash'), own('Read')], text: 'Done' }))];
    const first = await openai.chat.completions.create({ model: 'gpt-4o', messages, tools });
    const { message } = first.choices[0];
    assert.deepEqual(
      message.tool_calls.map(({ function: { name, arguments: text } }) => [name, JSON.parse(text)]),
      Object.entries(uses),
    );
    assert.deepEqual(offered(await lastReceived()).sort(), [
      'mcp__openai__Bash',
      'mcp__openai__Read',
    ]);
    messages.push(
      message,
      ...message.tool_calls.map(({ id }) => ({
        role: 'tool',
        tool_call_id: id,
        content: 'as you like',
      })),
    );
    const second = await openai.chat.completions.create({ model: 'gpt-4o', messages, tools });
    assert.equal(second.choices[0].message.content, 'Done');
    await assertUntouched();
  });

  test("anthropic: tools named Bash and Read are the client's", async () => {
    const tools = ['Bash', 'Read'].map((name) => ({ name, input_schema: schema }));
    const [own] = namesOf('anthropic');
    const messages = [user(prompt('Go on', { tools: [own('Bash'), own('Read')], text: 'Done' }))];
    const first = await anthropic.messages.create({
      model: 'fast',
      max_tokens: 1024,
      messages,
      tools,
    });
    assert.equal(first.stop_reason, 'tool_use');
    assert.deepEqual(
      first.content.map(({ name, input }) => [name, input]),
      Object.entries(uses),
    );
    assert.deepEqual(offered(await lastReceived()).sort(), [
      'mcp__anthropic__Bash',
      'mcp__anthropic__Read',
    ]);
    await assertUntouched();
  });

  test('a model that calls the tools of the CLI itself runs nothing', async () => {
    const [, bare] = namesOf('anthropic');
    const named = ['Bash', 'Read'].map((name) => ({ name, input_schema: schema }));
    for (const tools of [undefined, named]) {
      const script = { tools: [bare('Bash'), bare('Read')], text: 'Done' };
      const message = await anthropic.messages.create({
        model: 'fast',
        max_tokens: 1024,
        tools,
        messages: [user(prompt('Use them', script))],
      });
      assert.equal(message.stop_reason, 'end_turn');
      assert.deepEqual(
        message.content.map((block) => block.text),
        ['Done'],
      );
      const body = await lastReceived();
      assert.ok(!offered(body).some((name) => name in uses), `${offered(body)}`);
      const results = conversation(body).at(-1).slice(1);
      assert.deepEqual(
        results.map(({ error }) => error),
        [true, true],
        JSON.stringify(results),
      );
      await assertUntouched();
    }
  });
});
