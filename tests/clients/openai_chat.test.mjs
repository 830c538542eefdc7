// SPDX-License-Identifier: Apache-2.0
// `openai`: chat completions that are not streamed. Texts, structured output, images, conversations.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
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
  received,
  served,
  systemOf,
  test,
} from './world.mjs';

const url = gateways.wide;
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const model = 'gpt-4o';

function ask(messages, fields) {
  return client.chat.completions.create({ model, messages, ...fields });
}

const user = (content) => ({ role: 'user', content });

describe('openai chat', () => {
  // Starting the CLI takes half a second: tests that can go on with one conversation.
  const talk = [{ role: 'system', content: 'Be brief.' }];

  async function goOn(text, fields) {
    talk.push(user(text));
    const completion = await ask(talk, fields);
    talk.push(completion.choices[0].message);
    return completion;
  }

  test('a text, and what the API received for it', async () => {
    const completion = await goOn('Hello');
    assert.equal(completion.object, 'chat.completion');
    assert.match(completion.id, /^chatcmpl-/);
    const age = Date.now() / 1000 - completion.created;
    assert.ok(Math.abs(age) < 60, `created ${age} s ago`);
    assert.equal(completion.choices.length, 1);
    const [choice] = completion.choices;
    assert.equal(choice.index, 0);
    assert.equal(choice.finish_reason, 'stop');
    assert.equal(choice.message.role, 'assistant');
    assert.equal(choice.message.content, 'You said: Hello');
    assert.equal(choice.message.tool_calls, undefined);
    const { prompt_tokens, completion_tokens, total_tokens } = completion.usage;
    assert.deepEqual([prompt_tokens, completion_tokens, total_tokens], [10, 5, 15]);
    const body = await lastReceived();
    assert.equal(body.model, 'claude-sonnet-4-6');
    assert.equal(systemOf(body), 'Be brief.');
    assert.deepEqual(conversation(body), [['user', 'Hello']]);
    assert.deepEqual(offered(body), []);
  });

  test('a conversation that the client keeps goes on in its process', async () => {
    const before = await served(url);
    await goOn('And yours?');
    const { choices } = await goOn('Goodbye');
    assert.equal(choices[0].message.content, 'You said: Goodbye');
    assert.deepEqual(conversation(await lastReceived()), [
      ['user', 'Hello'],
      ['assistant', 'You said: Hello'],
      ['user', 'And yours?'],
      ['assistant', 'You said: And yours?'],
      ['user', 'Goodbye'],
    ]);
    assert.deepEqual(await served(url), { others: before.others, sessions: before.sessions + 2 });
  });

  test('what the CLI has no setting for is taken without effect', async () => {
    const { choices } = await goOn('Hello again', {
      temperature: 0.2,
      top_p: 0.9,
      presence_penalty: 0,
      frequency_penalty: 0,
      user: 'u1',
      seed: 7,
      n: 1,
    });
    assert.equal(choices[0].message.content, 'You said: Hello again');
  });

  test('another model, by its own name, and a limit of tokens', async () => {
    await goOn('Hello you', { model: 'claude-haiku-4-5', max_tokens: 33 });
    const { model: asked, max_tokens } = await lastReceived();
    assert.deepEqual([asked, max_tokens], ['claude-haiku-4-5', 33]);
  });

  test('a history that was edited is given to the API message by message', async () => {
    const before = await served(url);
    const messages = [
      user('My name is Bob'),
      { role: 'assistant', content: 'Nice to meet you, Bob' },
      user([
        { type: 'text', text: 'First line' },
        { type: 'text', text: 'second line' },
      ]),
      { role: 'assistant', content: [{ type: 'text', text: 'Both lines read' }] },
      user('What is my name?'),
    ];
    await ask([{ role: 'developer', content: 'Remember names.' }, ...messages]);
    const body = await lastReceived();
    assert.deepEqual(conversation(body), [
      ['user', 'My name is Bob'],
      ['assistant', 'Nice to meet you, Bob'],
      ['user', 'First line', 'second line'],
      ['assistant', 'Both lines read'],
      ['user', 'What is my name?'],
    ]);
    assert.equal(systemOf(body), 'Remember names.');
    assert.equal((await served(url)).sessions, before.sessions);
  });

  test('an image and a file as data URLs arrive as they are', async () => {
    const data = Buffer.from('%PDF-1.4\n%%EOF\n').toString('base64');
    const file_data = `data:application/pdf;base64,${data}`;
    await ask([
      user([
        { type: 'text', text: 'What is this?' },
        { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}`, detail: 'high' } },
        { type: 'file', file: { filename: 'two.pdf', file_data } },
        { type: 'text', text: 'One word.' },
      ]),
    ]);
    const image = { type: 'base64', media_type: 'image/png', data: PNG };
    const document = { type: 'base64', media_type: 'application/pdf', data };
    assert.deepEqual(conversation(await lastReceived()), [
      ['user', 'What is this?', { image }, { document }, 'One word.'],
    ]);
  });

  test('an object by zodResponseFormat and parse', async () => {
    const Person = z.object({ name: z.string(), age: z.number().int(), tags: z.array(z.string()) });
    const ada = { name: 'Ada', age: 36, tags: ['maths'] };
    const messages = [user(prompt('Who wrote it?', { object: ada }))];
    const fields = { model, messages, response_format: zodResponseFormat(Person, 'person') };
    const completion = await client.chat.completions.parse(fields);
    const [{ message, finish_reason }] = completion.choices;
    assert.deepEqual(message.parsed, ada);
    assert.deepEqual(JSON.parse(message.content), ada);
    assert.equal(finish_reason, 'stop');
    const asked = (await received()).filter((body) => offered(body).includes('StructuredOutput'));
    assert.deepEqual(offered(asked.at(-1)), ['StructuredOutput']);

    const before = await served(url);
    messages.push(message, user(prompt('Sure?', { object: ada })));
    const again = await client.chat.completions.parse(fields);
    assert.deepEqual(again.choices[0].message.parsed, ada);
    assert.deepEqual(await served(url), { others: before.others, sessions: before.sessions + 1 });
  });

  test('an object by json_object', async () => {
    const said = { anything: [1, 2, { deep: true }] };
    const { choices } = await ask([user(prompt('As JSON', { object: said }))], {
      response_format: { type: 'json_object' },
    });
    assert.deepEqual(JSON.parse(choices[0].message.content), said);
    assert.equal(choices[0].finish_reason, 'stop');
  });

  test('finish_reason says that the limit of tokens was met', async () => {
    const script = { text: 'Once upon a', stop_reason: 'max_tokens' };
    const messages = [user(prompt('Tell a story', script))];
    const { choices } = await ask(messages, { max_completion_tokens: 34 });
    assert.equal(choices[0].finish_reason, 'length');
    assert.match(choices[0].message.content, /^Once upon a/);
    assert.equal((await lastReceived()).max_tokens, 34);
  });

  test('models.list and retrieve', async () => {
    const names = [];
    for await (const entry of client.models.list()) {
      assert.equal(entry.object, 'model');
      names.push(entry.id);
    }
    assert.ok(names.includes('gpt-4o') && names.includes('sonnet'), `${names}`);
    const one = await client.models.retrieve('gpt-4o');
    assert.deepEqual({ id: one.id, object: one.object }, { id: 'gpt-4o', object: 'model' });
  });
});
