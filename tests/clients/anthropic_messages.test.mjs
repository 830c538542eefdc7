// SPDX-License-Identifier: Apache-2.0
// `@anthropic-ai/sdk`: messages that are not streamed. Texts, system, images, documents, thinking,
// structured output, conversations, counting tokens, models.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { betaZodOutputFormat } from '@anthropic-ai/sdk/helpers/beta/zod';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
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
  systemOf,
  test,
} from './world.mjs';

const url = gateways.wide;
const client = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
const model = 'claude-sonnet-4-6';
const user = (content) => ({ role: 'user', content });
const assistant = (content) => ({ role: 'assistant', content });

function ask(messages, fields) {
  return client.messages.create({ model, max_tokens: 1024, messages, ...fields });
}

describe('anthropic messages', () => {
  // Starting the CLI takes half a second: tests that go on with one conversation.
  const talk = [];

  async function goOn(content, fields) {
    talk.push(user(content));
    const message = await ask(talk, { system: 'Be brief.', ...fields });
    talk.push({ role: message.role, content: message.content });
    return message;
  }

  test('a text, and what the API received for it', async () => {
    const message = await goOn('Hello', { max_tokens: 77 });
    assert.equal(message.type, 'message');
    assert.equal(message.role, 'assistant');
    assert.match(message.id, /^msg_/);
    assert.equal(message.model, model);
    assert.equal(message.stop_reason, 'end_turn');
    assert.equal(message.stop_sequence, null);
    const blocks = message.content.map(({ type, text }) => [type, text]);
    assert.deepEqual(blocks, [['text', 'You said: Hello']]);
    assert.equal(message.usage.input_tokens, 10);
    assert.equal(message.usage.output_tokens, 5);
    const body = await lastReceived();
    assert.equal(body.model, model);
    assert.equal(body.max_tokens, 77);
    assert.equal(systemOf(body), 'Be brief.');
    assert.deepEqual(conversation(body), [['user', 'Hello']]);
    assert.deepEqual(offered(body), []);
  });

  test('a conversation that the client keeps goes on in its process', async () => {
    const before = await served(url);
    await goOn('And yours?');
    await goOn([{ type: 'text', text: 'Goodbye' }]);
    assert.deepEqual(conversation(await lastReceived()), [
      ['user', 'Hello'],
      ['assistant', 'You said: Hello'],
      ['user', 'And yours?'],
      ['assistant', 'You said: And yours?'],
      ['user', 'Goodbye'],
    ]);
    assert.deepEqual(await served(url), { others: before.others, sessions: before.sessions + 2 });
  });

  test('figures of the cache', async () => {
    const usage = {
      input_tokens: 20,
      output_tokens: 7,
      cache_read_input_tokens: 100,
      cache_creation_input_tokens: 3,
    };
    const message = await goOn(prompt('Hello', { text: 'Hi', usage }));
    const told = Object.keys(usage).map((name) => [name, message.usage[name]]);
    assert.deepEqual(Object.fromEntries(told), usage);
  });

  test('another model, by an alias of the config', async () => {
    await goOn('Hello', { model: 'fast' });
    assert.equal((await lastReceived()).model, 'claude-haiku-4-5');
  });

  test('a key as authToken', async () => {
    const bearer = new Anthropic({ baseURL: url, authToken: key, maxRetries: 0 });
    assert.ok((await bearer.models.list()).data.length > 0);
  });

  test('the system prompt as blocks', async () => {
    const system = [
      { type: 'text', text: 'Be brief.' },
      { type: 'text', text: 'Be kind.', cache_control: { type: 'ephemeral' } },
    ];
    await ask([user('Hello')], { system });
    const said = systemOf(await lastReceived());
    assert.ok(
      said.indexOf('Be brief.') >= 0 && said.indexOf('Be kind.') > said.indexOf('Be brief.'),
      said,
    );
  });

  test('a history from elsewhere is given to the API message by message', async () => {
    const before = await served(url);
    await ask([
      user('My name is Bob'),
      assistant([
        { type: 'text', text: 'Nice to meet you,' },
        { type: 'text', text: 'Bob' },
      ]),
      user([
        { type: 'text', text: 'What is', cache_control: { type: 'ephemeral' } },
        { type: 'text', text: 'my name?' },
      ]),
    ]);
    assert.deepEqual(conversation(await lastReceived()), [
      ['user', 'My name is Bob'],
      ['assistant', 'Nice to meet you,', 'Bob'],
      ['user', 'What is', 'my name?'],
    ]);
    assert.equal((await served(url)).sessions, before.sessions);
  });

  test('images and documents arrive as they are', async () => {
    const image = { type: 'base64', media_type: 'image/png', data: PNG };
    const pdf = {
      type: 'base64',
      media_type: 'application/pdf',
      data: Buffer.from('%PDF-1.4\n%%EOF\n').toString('base64'),
    };
    const text = { type: 'text', media_type: 'text/plain', data: 'Once upon a time' };
    await ask([
      user([
        { type: 'image', source: image },
        { type: 'document', source: pdf },
        { type: 'document', source: text, title: 'A story' },
        { type: 'text', text: 'What are these?' },
      ]),
    ]);
    assert.deepEqual(conversation(await lastReceived()), [
      ['user', { image }, { document: pdf }, { document: text }, 'What are these?'],
    ]);
  });

  test('thinking, told and given back', async () => {
    const thinking = { type: 'enabled', budget_tokens: 1024 };
    const messages = [user(prompt('Think', { thinking: 'Let me see', text: 'Done' }))];
    const first = await ask(messages, { thinking, max_tokens: 4096 });
    const blocks = first.content.map(({ type, text, thinking: thought, signature }) => [
      type,
      text ?? thought,
      signature,
    ]);
    assert.deepEqual(blocks, [
      ['thinking', 'Let me see', 'c3RhbmRpbg=='],
      ['text', 'Done', undefined],
    ]);
    const before = await served(url);
    messages.push(assistant(first.content), user('And now?'));
    await ask(messages, { thinking, max_tokens: 4096 });
    const thought = { thinking: 'Let me see', signature: 'c3RhbmRpbg==' };
    assert.deepEqual(conversation(await lastReceived()), [
      ['user', 'Think'],
      ['assistant', thought, 'Done'],
      ['user', 'And now?'],
    ]);
    assert.deepEqual(await served(url), { others: before.others, sessions: before.sessions + 1 });

    messages.push(assistant([{ type: 'text', text: 'You said: And now?' }]));
    messages.push(user(prompt('Think', { thinking: 'Let me see', text: 'Done' })));
    const silent = await ask(messages);
    assert.deepEqual(
      silent.content.map((block) => block.type),
      ['text'],
      'thinking that nobody asked for',
    );
  });

  test('thinking of a history from elsewhere arrives with its signature', async () => {
    const thought = { thinking: 'Elsewhere', signature: 'ZWxzZXdoZXJl' };
    const thinking = { type: 'enabled', budget_tokens: 1024 };
    const messages = [
      user('Think'),
      assistant([
        { type: 'thinking', ...thought },
        { type: 'text', text: 'Done' },
      ]),
      user('And now?'),
    ];
    // what the CLI's short name stands for the gateway knows once it has answered
    await ask([user('Hello')], { model: 'haiku' });
    for (const name of [model, 'haiku']) {
      await ask(messages, { model: name, thinking, max_tokens: 4096 });
      assert.deepEqual(
        conversation(await lastReceived()),
        [
          ['user', 'Think'],
          ['assistant', thought, 'Done'],
          ['user', 'And now?'],
        ],
        name,
      );
    }
  });

  test('an object by zodOutputFormat and parse, then by the beta methods', async () => {
    const Person = z.object({ name: z.string(), age: z.number().int(), tags: z.array(z.string()) });
    const ada = { name: 'Ada', age: 36, tags: ['maths'] };
    const messages = [user(prompt('Who?', { object: ada }))];
    const fields = { model, max_tokens: 1024, messages };
    const message = await client.messages.parse({
      ...fields,
      output_config: { format: zodOutputFormat(Person) },
    });
    assert.deepEqual(message.parsed_output, ada);
    assert.equal(message.stop_reason, 'end_turn');
    assert.deepEqual(
      message.content.map((block) => block.type),
      ['text'],
    );
    messages.push(assistant(message.content), user(prompt('Again?', { object: ada })));
    const beta = await client.beta.messages.parse({
      ...fields,
      output_format: betaZodOutputFormat(Person),
    });
    assert.deepEqual(beta.parsed_output, ada);
  });

  test('stop_reason max_tokens', async () => {
    const message = await ask(
      [user(prompt('Tell a story', { text: 'Once upon a', stop_reason: 'max_tokens' }))],
      { max_tokens: 3 },
    );
    assert.equal(message.stop_reason, 'max_tokens');
    assert.ok(message.content[0].text.startsWith('Once upon a'), message.content[0].text);
  });

  test('countTokens asks no model', async () => {
    const before = await lastReceived();
    const { input_tokens } = await client.messages.countTokens({
      model,
      system: 'Be brief.',
      messages: [user('My name is Bob'), assistant('Hello Bob'), user('Who am I?')],
    });
    assert.ok(Number.isInteger(input_tokens) && input_tokens > 0, `${input_tokens}`);
    assert.deepEqual(await lastReceived(), before);
  });

  test('models.list and retrieve', async () => {
    const names = [];
    for await (const entry of client.models.list()) {
      assert.equal(entry.type, 'model');
      assert.ok(!Number.isNaN(Date.parse(entry.created_at)), entry.created_at);
      names.push(entry.id);
    }
    assert.ok(names.includes('fast') && names.includes('sonnet'), `${names}`);
    assert.equal((await client.models.retrieve('fast')).id, 'fast');
  });
});
