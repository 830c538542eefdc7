// SPDX-License-Identifier: Apache-2.0
// The document against live gateways: each example of a request is sent and must be answered as the
// document says; then each operation is brought to refuse in the ways that it describes.
import path from 'node:path';
import { begin, send } from './client.mjs';
import { KEY, startGateway } from './gateway.mjs';
import { BODY_LIMIT, GATEWAYS, OTHER_KEY } from './gateways.mjs';
import { forbidden } from './limits.mjs';
import * as requests from './requests.mjs';

/** What a run does that is to last. */
const SLOW = { text: 'x', repeat: 100000, delay_ms: 20 };

export class Live {
  constructor(judge, { build, scratch }) {
    this.judge = judge;
    this.document = judge.document;
    this.build = build;
    this.scratch = scratch;
    this.findings = [];
    this.sent = 0;
  }

  async start(name) {
    const cli = path.resolve(this.build, 'tests/standin-cli');
    const directory = path.join(this.scratch, name);
    const api = { url: 'http://127.0.0.1:9' };
    return startGateway({ build: this.build, directory, cli, api, config: GATEWAYS[name] });
  }

  find(what, problem, exchange) {
    this.findings.push(
      `${what}: ${problem}: ${exchange?.status ?? ''} ${exchange?.body.slice(0, 300) ?? ''}`,
    );
  }

  send(gateway, what, request, options) {
    return send(gateway.url, request, options).catch((error) => {
      throw new Error(`${what}: ${error.message}; the gateway's log:\n${gateway.log()}`);
    });
  }

  /** Sends and judges; `wanted`: the status it must be answered with, 'ok' for any below 400. */
  async ask(gateway, what, request, wanted, options) {
    this.sent += 1;
    const exchange = await this.send(gateway, what, request, options);
    for (const problem of this.judge.judge(exchange)) this.find(what, problem, exchange);
    const good = wanted === 'ok' ? exchange.status < 400 : exchange.status === wanted;
    if (!good) this.find(what, `expected ${wanted}`, exchange);
    return exchange;
  }

  async run(operations) {
    const wide = await this.start('wide');
    try {
      for (const entry of operations) await this.examples(wide, entry);
      for (const entry of operations) await this.refusals(wide, entry);
      for (const entry of operations) await this.limits(wide, entry);
      await this.sessions(wide, operations);
      await this.heads(wide);
    } finally {
      await wide.stop();
    }
    await this.late(operations);
    for (const [name, status] of [
      ['ending', 500],
      ['silent', 504],
      ['uncounting', 501],
    ]) {
      await this.atStart(name, operations, status);
    }
    await this.waiting(operations);
    await this.busy(operations);
  }

  // ---- examples

  async examples(gateway, entry) {
    const request = requests.requestOf(this.document, entry, KEY);
    const examples = requests.bodyExamples(this.document, entry);
    const wanted = this.successOf(entry);
    if (entry.operation.requestBody && examples.length === 0)
      this.find(entry.id, 'its request has no example');
    if (!entry.operation.requestBody) {
      const { headers } = await this.ask(gateway, entry.id, request, wanted);
      if (headers.etag) await this.again(gateway, entry, request, headers.etag);
    }
    for (const [name, type, value] of examples) {
      const body = value.sessionId
        ? { ...value, sessionId: await this.session(gateway, entry) }
        : value;
      await this.ask(
        gateway,
        `${entry.id}, example ${name}`,
        requests.withBody(request, type, body),
        wanted,
      );
    }
  }

  /** What an example must be answered with: success where the operation knows it. */
  successOf({ operation }) {
    return Object.keys(operation.responses).some((status) => status < 300) ? 'ok' : 404;
  }

  again(gateway, entry, request, etag) {
    const headers = { ...request.headers, 'if-none-match': etag };
    return this.ask(gateway, `${entry.id} again`, { ...request, headers }, 304);
  }

  async session(gateway, entry) {
    const answer = await this.send(gateway, entry.id, this.saying(entry, 'Begin.'));
    return JSON.parse(answer.body).sessionId;
  }

  // ---- what is changed about an example

  /** The operation's first example with another prompt, and `more` members. */
  saying(entry, prompt, more = {}, key = KEY) {
    const request = requests.requestOf(this.document, entry, key);
    const [first] = requests.bodyExamples(this.document, entry);
    if (!first) return request;
    const [, type, value] = first;
    return requests.withBody(request, type, { ...requests.saying(value, prompt), ...more });
  }

  describes({ operation }, status) {
    return String(status) in operation.responses;
  }

  async refusals(gateway, entry) {
    const plain = this.saying(entry, 'Hello');
    const bare = { ...plain, headers: { ...plain.headers } };
    for (const name of ['authorization', 'x-api-key']) delete bare.headers[name];
    const refused = async (status, request, options) => {
      if (this.describes(entry, status)) {
        await this.ask(
          gateway,
          `${entry.id}, to be refused with ${status}`,
          request,
          status,
          options,
        );
      }
    };
    if (requests.needsKey(this.document, entry)) {
      await refused(401, bare);
      await refused(
        403,
        this.saying(entry, 'Hello', {}, entry.id === 'metrics' ? 'no-key' : OTHER_KEY),
      );
    }
    await refused(405, { ...plain, method: 'PATCH' });
    if (plain.target.endsWith('/models/sonnet')) {
      await refused(404, { ...plain, target: plain.target.replace('sonnet', 'no-such-model') });
    }
    if (!entry.operation.requestBody) return;
    const { body } = plain;
    const typed = (type, text) => ({
      ...plain,
      headers: { ...plain.headers, 'content-type': type },
      body: text,
    });
    await refused(400, { ...plain, body: '{}' });
    await refused(408, { ...plain, body: body.slice(0, 5) }, { unfinished: true });
    await refused(413, { ...plain, body: body + ' '.repeat(BODY_LIMIT) });
    await refused(415, typed('text/plain', body));
    await this.missing(gateway, entry, refused);
    await this.failures(entry, refused);
  }

  /** Every limit of the request's schema is kept. */
  async limits(gateway, entry) {
    if (!entry.operation.requestBody) return;
    const plain = requests.requestOf(this.document, entry, KEY);
    for (const [what, body] of forbidden(this.document, entry, this.judge.requests)) {
      const request = requests.withBody(plain, 'application/json', body);
      await this.ask(gateway, `${entry.id}, ${what}`, request, 400);
    }
  }

  async missing(gateway, entry, refused) {
    const model = JSON.parse(this.saying(entry, '').body).model;
    const unknown = model
      ? { model: 'no-such-model' }
      : { sessionId: '3f0c2c5e-7b7e-4c1f-9a53-2f1f6f0f6a10' };
    if (!this.describes(entry, 200)) return;
    await refused(404, this.saying(entry, 'Hello', unknown));
  }

  /** What the CLI is made to do; an event stream that has begun tells it there. */
  async failures(entry, refused) {
    const [plainly] = requests.bodyExamples(this.document, entry);
    if (!this.describes(entry, 502) || plainly[2].input === null) return;
    const failing = { text: 'The API failed', api_error_status: 500 };
    await refused(502, this.saying(entry, requests.scenario({ is_error: failing })));
    await refused(
      500,
      this.saying(entry, requests.scenario({ exit: { code: 3, when: 'after_init' } })),
    );
    await refused(422, this.saying(entry, requests.scenario({ subtype: 'error_max_turns' })));
    const overloaded = { text: 'Overloaded', api_error_status: 529 };
    await refused(529, this.saying(entry, requests.scenario({ is_error: overloaded })));
  }

  // ---- sessions

  async sessions(gateway, operations) {
    for (const entry of operations.filter((candidate) => this.describes(candidate, 409))) {
      const stream = operations.find(({ id }) => id === 'stream');
      const held = begin(gateway.url, this.saying(stream, requests.scenario(SLOW)));
      const { sessionId } = JSON.parse(/^data: (.*)$/m.exec(await held.begun)[1]);
      await this.ask(
        gateway,
        `${entry.id}, of a busy session`,
        this.saying(entry, 'Hello', { sessionId }),
        409,
      );
      held.end();
    }
  }

  // ---- what is no request of any operation

  async heads(gateway) {
    const request = { method: 'POST', target: '/generate-text', body: '{}' };
    const odd = [
      [417, { expect: 'the unexpected' }],
      [501, { 'transfer-encoding': 'gzip' }],
      [431, { 'x-long': 'x'.repeat(100000) }],
    ];
    for (const [status, headers] of odd) {
      const body = status === 501 ? undefined : request.body;
      await this.ask(
        gateway,
        `a head to be refused with ${status}`,
        { ...request, body, headers },
        status,
      );
    }
  }

  // ---- time

  async late(operations) {
    const gateway = await this.start('hasty');
    try {
      const prompt = requests.scenario({ hang: 'after_init' });
      const timed = operations.filter(
        (entry) =>
          this.describes(entry, 504) && this.describes(entry, 502) && entry.operation.requestBody,
      );
      await Promise.all(
        timed.map((entry) =>
          this.ask(gateway, `${entry.id}, too late`, this.saying(entry, prompt), 504),
        ),
      );
      for (const entry of operations.filter(({ path: at }) => /^.(docs|console)/.test(at))) {
        const request = requests.requestOf(this.document, entry);
        const headers = { ...request.headers, authorization: `Bearer ${KEY}` };
        await this.ask(gateway, `${entry.id}, turned off`, request, 401);
        await this.ask(gateway, `${entry.id}, turned off`, { ...request, headers }, 404);
      }
    } finally {
      await gateway.stop();
    }
  }

  /** Tokens are counted without a turn, so what a prompt says has no effect. */
  async atStart(name, operations, status) {
    const gateway = await this.start(name);
    try {
      const count = operations.find(({ id }) => id === 'anthropicCountTokens');
      await this.ask(
        gateway,
        `${count.id}, of a CLI that is ${name}`,
        this.saying(count, 'Hello'),
        status,
      );
    } finally {
      await gateway.stop();
    }
  }

  // ---- slots, and the end

  /** A stream that has to wait has not begun: its time can be over before. */
  async waiting(operations) {
    const gateway = await this.start('waiting');
    const streams = operations.filter(({ id }) => ['stream', 'streamObject'].includes(id));
    const held = begin(gateway.url, this.saying(streams[0], requests.scenario(SLOW)));
    try {
      await held.begun;
      for (const entry of streams) {
        const request = this.saying(entry, 'Hello', { timeoutMs: 100 });
        await this.ask(gateway, `${entry.id}, too late in the waiting line`, request, 504);
      }
    } finally {
      held.end();
      await gateway.stop();
    }
  }

  async busy(operations) {
    const gateway = await this.start('busy');
    const [stream, whole] = ['stream', 'generateText'].map((id) => {
      const entry = operations.find((candidate) => candidate.id === id);
      return begin(gateway.url, this.saying(entry, requests.scenario(SLOW)));
    });
    const each = async (status, what) => {
      for (const entry of operations.filter((candidate) => this.describes(candidate, status))) {
        await this.ask(gateway, `${entry.id}, ${what}`, this.saying(entry, 'Hello'), status);
      }
    };
    try {
      await stream.begun;
      await this.until(
        gateway,
        '/health',
        (_, { concurrency }) => concurrency.nonStreaming.active === 1,
      );
      await each(429, 'without a slot');
      gateway.terminate();
      await this.until(gateway, '/readyz', (status) => status === 503);
      await each(503, 'at the end');
    } finally {
      stream.end();
      whole.end();
      gateway.terminate();
      await gateway.join();
    }
  }

  async until(gateway, target, holds) {
    for (let tries = 0; tries < 1000; tries += 1) {
      const request = { method: 'GET', target };
      const { status, body } = await this.send(gateway, target, request);
      if (holds(status, JSON.parse(body))) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`${target} does not say what was waited for`);
  }
}
