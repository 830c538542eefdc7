// SPDX-License-Identifier: Apache-2.0
// Whether an answer is one that the document describes: status, headers, type, body, events.
import { mediaType, operations, operationsAt, resolved, responseOf } from './document.mjs';
import { orderProblem, parseOrder, readEvents } from './events.mjs';
import { closedValidator, openValidator } from './schemas.mjs';

/** What a refusal may be before it is known which operation is meant. */
const REFUSED = [401, 403, 404, 405];

/** An exchange is `{method, target, request, asked, status, headers, body, cut}`, see records.mjs. */
export class Judge {
  constructor(document) {
    this.document = document;
    this.operations = operations(document);
    this.answers = closedValidator(document);
    this.requests = openValidator(document);
    this.orders = new Map();
    this.seen = new Map(); // 'operationId status' and 'operationId event NAME' → how many
    this.codes = new Map(); // code → statuses that it came with
    this.sentences = new Set(); // of errors, without what is particular
  }

  /** The operations at a path, whatever their method. */
  at({ target, request }) {
    return operationsAt(this.document, this.operations, target.split('?')[0], request);
  }

  /** The operation that is asked for; undefined: the path has none of this method. */
  operationOf(exchange) {
    const found = this.at(exchange);
    const wanted = exchange.method.toLowerCase();
    const exact = found.find((entry) => entry.method === wanted);
    return exact ?? (wanted === 'head' ? found.find((entry) => entry.method === 'get') : undefined);
  }

  /** What is wrong with an answer at a path of the document. */
  judge(exchange) {
    const entry = this.operationOf(exchange);
    const refusing =
      entry ?? (REFUSED.includes(exchange.status) ? this.at(exchange)[0] : undefined);
    const described = [
      refusing && responseOf(this.document, refusing.operation, exchange.status),
      responseOf(this.document, this.document['x-every-operation'], exchange.status),
    ].filter(Boolean);
    if (described.length === 0) return [`the status ${exchange.status} is not described`];
    const problems = described.map((response) => this.problems(entry, response, exchange));
    const found = problems.find((list) => list.length === 0) ?? problems[0];
    if (problems[0].length === 0) this.noteSeen(entry, exchange);
    return [...found, ...this.requestProblems(entry, exchange)];
  }

  /** 405 is what all operations of a path say of other methods. */
  noteSeen(entry, exchange) {
    const others = exchange.status === 405 ? this.at(exchange) : [];
    for (const { id } of entry ? [entry] : others) this.count(`${id} ${exchange.status}`);
  }

  problems(entry, response, exchange) {
    const problems = this.headerProblems(response, exchange);
    if (exchange.method === 'HEAD') return problems;
    return [...problems, ...this.contentProblems(entry, response, exchange)];
  }

  count(key) {
    this.seen.set(key, (this.seen.get(key) ?? 0) + 1);
  }

  headerProblems(response, { headers }) {
    return Object.entries(response.headers ?? {}).flatMap(([name, reference]) => {
      const header = resolved(this.document, reference);
      const value = headers[name.toLowerCase()];
      if (value === undefined) return header.required ? [`the header ${name} is missing`] : [];
      const problem = this.answers(header.schema)(typed(header.schema, value));
      return problem ? [`the header ${name}: ${problem}`] : [];
    });
  }

  contentProblems(entry, response, exchange) {
    const type = mediaType(exchange.headers['content-type']);
    if (!response.content) {
      return exchange.body.length > 0 ? [`a body of the type ${type}, none is described`] : [];
    }
    const content = response.content[type];
    if (!content) return [`the type ${type} is not described`];
    if (type === 'text/event-stream') return this.eventProblems(entry, content, exchange);
    return exchange.cut ? [] : this.bodyProblems(content, type, exchange);
  }

  bodyProblems(content, type, { body, status }) {
    const [value, broken] = type.endsWith('json') ? readJson(body) : [body];
    if (broken) return [`the body ${broken}`];
    if (status >= 400) this.noteCodes(value, status);
    const problem = content.schema && this.answers(content.schema)(value);
    return problem ? [`the body: ${problem}`] : [];
  }

  /** Codes of errors, and of events of errors and warnings, in whoever's form they are. */
  noteCodes(value, status) {
    for (const text of sentencesOf(value)) this.sentences.add(inGeneral(text));
    for (const code of [value?.code, value?.error?.code, value?.error?.type]) {
      if (typeof code !== 'string') continue;
      if (!this.codes.has(code)) this.codes.set(code, new Set());
      this.codes.get(code).add(status);
    }
  }

  eventProblems(entry, content, { body, cut }) {
    const events = readEvents(body);
    const problems = events.flatMap((event) =>
      this.eventProblem(entry, content['x-events'], event),
    );
    const order = content['x-event-order'];
    if (!order) return [...problems, 'the stream has no x-event-order'];
    if (!this.orders.has(order)) this.orders.set(order, parseOrder(order));
    const names = events.map(({ name }) => name);
    const wrong = orderProblem(this.orders.get(order), names, !cut);
    return (wrong ? [wrong, ...problems] : problems).slice(0, 3);
  }

  eventProblem(entry, schemas, { name, data }) {
    const schema = schemas?.[name];
    if (!schema) return [`the event ${name} is not described`];
    const [value, broken] = data === name ? [data] : readJson(data);
    if (broken) return [`the event ${name} ${broken}`];
    this.noteCodes(value, name);
    this.count(`${entry?.id} event ${name}`);
    const problem = this.answers(schema)(value);
    return problem ? [`the event ${name}: ${problem}`] : [];
  }

  /** What was answered well must be a request that the document allows. */
  requestProblems(entry, exchange) {
    if (!entry || exchange.status >= 300 || !exchange.asked) return [];
    const body = entry.operation.requestBody;
    const type = mediaType(exchange.request['content-type']);
    const schema = body && resolved(this.document, body).content[type]?.schema;
    if (!schema || type !== 'application/json') return [];
    const [value, broken] = readJson(exchange.asked);
    if (broken) return []; // chunks, or more than is kept
    const problem = this.requests(schema)(value);
    return problem ? [`it is an answer to a request that the document forbids: ${problem}`] : [];
  }

  /** Whether an error at a path that the document lacks has one of the forms that it knows. */
  isKnownError({ body }) {
    const [value, broken] = readJson(body);
    if (broken) return false;
    for (const text of sentencesOf(value)) this.sentences.add(inGeneral(text));
    const forms = ['Error', 'OpenAiError', 'AnthropicError'];
    return forms.some((name) => !this.answers(this.document.components.schemas[name])(value));
  }

  /** The statuses and events that these operations promise, as keys of `seen`. */
  promised(entries) {
    return entries.flatMap(({ id, operation }) => {
      const events = Object.values(operation.responses)
        .map((response) => resolved(this.document, response).content?.['text/event-stream'])
        .flatMap((content) => Object.keys(content?.['x-events'] ?? {}));
      return [
        ...Object.keys(operation.responses).map((status) => `${id} ${status}`),
        ...events.map((name) => `${id} event ${name}`),
      ];
    });
  }
}

/** The sentence of an error, or of a warning. */
export function sentencesOf(value) {
  const texts = [value?.error, value?.error?.message, value?.message];
  return texts.filter((text) => typeof text === 'string');
}

/** A sentence without numbers, and without what stands in quotes. */
export function inGeneral(text) {
  return text.replace(/\d+/g, 'N').replace(/"[^"]*"|'[^']*'/g, 'Q');
}

function readJson(text) {
  try {
    return [JSON.parse(text)];
  } catch (error) {
    return [undefined, `is no JSON: ${error.message}`];
  }
}

function typed(schema, value) {
  return schema.type === 'integer' || schema.type === 'number' ? Number(value) : value;
}
