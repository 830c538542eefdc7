// SPDX-License-Identifier: Apache-2.0
// Requests to the gateway that the page came from, and the ways in which they fail. Shows nothing.

/** No answer: the gateway ended, the network failed, or something between does not let it through. */
export class Unreachable extends Error {
  kind = 'unreachable';

  constructor(url) {
    super(`No answer from ${url.origin}`);
  }
}

/** An answer that says no: of the gateway (with a code), or of what stands before it (without). */
export class Refusal extends Error {
  constructor(message, { status, code, issues, retryAfterS, requestId }) {
    super(message);
    Object.assign(this, { status, code, issues, retryAfterS, requestId });
  }
}

/** A stream that ended before it said that it was done. */
export class Broken extends Error {
  kind = 'broken';

  constructor() {
    super('The stream ended before the answer was complete: no `done` event came.');
  }
}

const NOT_JSON_CHARACTERS = 300;

/** Seconds to wait; undefined when nobody says. A date, which the gateway never sends, counts as none. */
function retryAfter(header) {
  return /^\d+$/.test(header ?? '') ? Number(header) : undefined;
}

function objectOf(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

async function refusalOf(response) {
  const text = await response.text().catch(() => '');
  const { error, code, issues } = objectOf(text);
  const known = typeof error === 'string';
  const foreign = `This is not an answer of the gateway: ${text.slice(0, NOT_JSON_CHARACTERS)}`;
  return new Refusal(known ? error : foreign, {
    status: response.status,
    code: known ? code : undefined,
    issues: Array.isArray(issues) ? issues : [],
    retryAfterS: retryAfter(response.headers.get('retry-after')),
    requestId: response.headers.get('x-request-id'),
  });
}

/** The key as a header; a character that no header can hold is a refusal of our own. */
function authorization(key) {
  if (!key) return {};
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new Refusal('A key holds letters, digits and signs of ASCII, and no blank.', {});
  }
  return { Authorization: `Bearer ${key}` };
}

function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

export class Gateway {
  /** `base`: what the paths are relative to; a proxy may have put the gateway below a prefix. */
  constructor(base) {
    this.base = new URL('.', base);
  }

  url(path) {
    return new URL(path.replace(/^\//, ''), this.base);
  }

  async #fetch(path, options) {
    try {
      return await fetch(this.url(path), { cache: 'no-store', ...options });
    } catch (error) {
      throw options.signal?.aborted ? error : new Unreachable(this.base);
    }
  }

  /** What /health says; `demo` also by the header that a demo adds to all answers. */
  async health() {
    const response = await this.#fetch('/health', {});
    const body = objectOf(await response.text());
    if (typeof body.status !== 'string') {
      throw new Refusal('What answers here is not a gateway.', { status: response.status });
    }
    return { ...body, demo: body.demo === true || response.headers.has('x-koine-demo') };
  }

  /** Resolves when the key is one of this gateway's. /metrics takes any of them and costs little. */
  async checkKey(key, signal) {
    const response = await this.#fetch('/metrics', { headers: authorization(key), signal });
    if (!response.ok) throw await refusalOf(response);
    await response.body.cancel();
  }

  /** Sends a request for events; resolves to the answer when it has begun. */
  async ask({ path, body }, key, signal) {
    const response = await this.#fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...authorization(key) },
      body: JSON.stringify(body),
      signal,
    });
    const type = response.headers.get('content-type') ?? '';
    if (!response.ok || !type.startsWith('text/event-stream')) throw await refusalOf(response);
    return response;
  }

  /** The same request for a shell. The key stays out of it. */
  curl({ path, body }) {
    return [
      `curl --no-buffer ${quoted(this.url(path).href)}`,
      '-H "Authorization: Bearer $CLAUDE_CODE_GATEWAY_API_KEY"',
      `-H 'Content-Type: application/json'`,
      `--data ${quoted(JSON.stringify(body, null, 2))}`,
    ].join(' \\\n  ');
  }
}
