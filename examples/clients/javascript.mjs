// SPDX-License-Identifier: Apache-2.0
// The gateway from JavaScript, with nothing but fetch: Node 18 or later, or a browser.
//
//     KOINE_URL=http://127.0.0.1:3100 CLAUDE_CODE_GATEWAY_API_KEY=… node examples/clients/javascript.mjs
//
// Without a key it takes that of `koine-gateway --demo`. Copy what is above main().

/** What the gateway refused or could not do. */
export class GatewayError extends Error {
  constructor(status, { code = '?', error = '?', issues = [] }) {
    super(`${status || 'stream'} ${code}: ${error}`);
    Object.assign(this, { status, code, issues }); // status 0: within a stream
  }
}

const seconds = (s) => new Promise((done) => setTimeout(done, 1000 * s));

export class Gateway {
  constructor(url, key) {
    this.url = url;
    this.key = key;
  }

  /** Sends JSON and gives the answer, still unread. When the gateway is busy it waits as told. */
  async post(path, body, { signal, tries = 3 } = {}) {
    const response = await fetch(this.url + path, {
      method: 'POST',
      headers: { Authorization: `Bearer ${this.key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      signal,
    });
    if (response.ok) return response;
    if (response.status === 429 && tries > 1) {
      await response.body?.cancel();
      const wait = Number(response.headers.get('Retry-After') ?? 5);
      console.warn(`(busy: trying again in ${wait} s)`);
      await seconds(wait);
      return this.post(path, body, { signal, tries: tries - 1 });
    }
    const answer = await response.json().catch(() => ({ error: response.statusText }));
    throw new GatewayError(response.status, answer);
  }

  /** A whole answer. */
  async ask(path, body, options) {
    return (await this.post(path, body, options)).json();
  }

  /** The events of a stream as they come. To leave the loop early ends the run. */
  async *events(path, body, options) {
    const response = await this.post(path, body, options);
    for await (const { name, data } of eventsOf(response.body)) {
      if (name === 'error') throw new GatewayError(0, data);
      yield { name, data };
      if (name === 'done') return;
    }
    throw new GatewayError(0, { code: 'CUT', error: 'the stream ended before its event done' });
  }
}

/** Server-sent events from bytes in any pieces. EventSource would do it, but cannot send a body. */
async function* eventsOf(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let name = '';
  let data = [];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + value).split(/\r?\n/);
      rest = lines.pop();
      for (const line of lines) {
        if (line === '') {
          if (data.length) yield { name, data: JSON.parse(data.join('\n')) };
          name = '';
          data = [];
        } else if (line.startsWith('event:')) {
          name = line.slice(6).trim();
        } else if (line.startsWith('data:')) {
          data.push(line.slice(5).replace(/^ /, ''));
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function main(gateway) {
  console.log('--- a text');
  const answer = await gateway.ask('/generate-text', { prompt: 'Say hello.' });
  console.log(answer.text);

  console.log('--- the conversation goes on');
  const more = { prompt: 'Say it in French.', sessionId: answer.sessionId };
  console.log((await gateway.ask('/generate-text', more)).text);

  console.log('--- a stream');
  const prompt = 'Count from one to five.';
  for await (const { name, data } of gateway.events('/stream', { prompt })) {
    if (name === 'text') process.stdout.write(data.text);
    if (name === 'result')
      console.log(`\n(${data.usage.totalTokens} tokens, ${data.costUsd.toFixed(4)} USD)`);
  }

  console.log('--- an object');
  const schema = {
    type: 'object',
    properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 0 } },
    required: ['name', 'age'],
  };
  const invented = await gateway.ask('/generate-object', { prompt: 'Invent a person.', schema });
  console.log(invented.object);

  console.log('--- an error');
  try {
    await gateway.ask('/generate-text', { prompt: 5 });
  } catch (error) {
    console.log(error.message);
    for (const issue of error.issues) console.log(' ', issue.path.join('.'), issue.message);
  }
}

if (globalThis.process?.argv[1]?.endsWith('javascript.mjs')) {
  const { KOINE_URL = 'http://127.0.0.1:3100', CLAUDE_CODE_GATEWAY_API_KEY = 'koine-demo' } =
    process.env;
  main(new Gateway(KOINE_URL, CLAUDE_CODE_GATEWAY_API_KEY)).catch((error) => {
    const why = error.cause ? `no gateway at ${KOINE_URL}: ${error.cause.message}` : error.message;
    console.error(`error: ${why}`);
    process.exitCode = 1;
  });
}
