// SPDX-License-Identifier: Apache-2.0
// Whether an answer is one that the document describes: status, headers, type, body, events.
import { mediaType, operations, operationsAt, resolved, responseOf } from './document.mjs';
import { orderProblem, parseOrder, readEvents } from './events.mjs';
import { closedValidator, openValidator } from './schemas.mjs';

/** An answer: `{method, target, request, status, headers, body, cut}`; names of headers in lower case. */
export class Judge {
  constructor(document) {
    this.document = document;
    this.operations = operations(document);
    this.validator = closedValidator(document);
    this.requestValidator = openValidator(document);
    this.orders = new Map();
    this.seen = new Map(); // 'operationId status' → how many
    this.codes = new Set();
  }

  /** The operation of a request; undefined: the document has none at this path or of this method. */
  operationOf({ method, target, request }) {
    const found = this.at(target, request);
    const wanted = method.toLowerCase();
    const exact = found.find((entry) => entry.method === wanted);
    return exact ?? (wanted === 'head' ? found.find((entry) => entry.method === 'get') : undefined);
  }

  at(target, request) {
    return operationsAt(this.document, this.operations, target.split('?')[0], request);
  }

  /** Problems of an answer to an operation of the document. */
  judge(exchange) {
    const entry = this.operationOf(exchange);
    const { status } = exchange;
    const response = responseOf(this.document, entry ?? this.otherMethod(exchange), status);
    if (!response) return [`status ${status} is not described`];
    if (entry) this.count(`${entry.id} ${status}`);
    const problems = this.headerProblems(response, exchange);
    if (exchange.method === 'HEAD') return problems;
    return [...problems, ...this.contentProblems(response, exchange)];
  }

  /** A method that the path does not know is answered as the others of the path are refused. */
  otherMethod({ target, request, status }) {
    return [401, 403, 404, 405].includes(status) ? this.at(target, request)[0] : undefined;
  }

  count(key) {
    this.seen.set(key, (this.seen.get(key) ?? 0) + 1);
  }

  headerProblems(response, { headers }) {
    return Object.entries(response.headers ?? {}).flatMap(([name, reference]) => {
      const header = resolved(this.document, reference);
      const value = headers[name.toLowerCase()];
      if (value === undefined) return header.required ? [`the header ${name} is missing`] : [];
      const { type } = header.schema;
      const typed = type === 'integer' || type === 'number' ? Number(value) : value;
      const problem = this.validator(header.schema)(typed);
      return problem ? [`the header ${name}: ${problem}`] : [];
    });
  }

  contentProblems(response, exchange) {
    const type = mediaType(exchange.headers['content-type']);
    if (!response.content) {
      return exchange.body.length > 0 ? [`a body of the type ${type}, none is described`] : [];
    }
    const content = response.content[type];
    if (!content) return [`the type ${type} is not described`];
    if (type === 'text/event-stream') return this.eventProblems(content, exchange);
    if (exchange.cut) return [];
    return this.bodyProblems(content, type, exchange.body);
  }

  bodyProblems(content, type, body) {
    let value = body;
    if (type.endsWith('json')) {
      try {
        value = JSON.parse(body);
      } catch (error) {
        return [`the body is no JSON: ${error.message}`];
      }
      this.noteCodes(value);
    }
    const problem = content.schema && this.validator(content.schema)(value);
    return problem ? [`the body: ${problem}`] : [];
  }

  /** Codes of errors and warnings, whoever's dialect they are in. */
  noteCodes(value) {
    for (const code of [value?.code, value?.error?.code, value?.error?.type]) {
      if (typeof code === 'string') this.codes.add(code);
    }
  }

  eventProblems(content, { body, cut }) {
    const schemas = content['x-events'];
    if (!schemas) return ['the stream has no x-events'];
    const events = readEvents(body);
    const problems = events.flatMap((event) => this.eventProblem(schemas, event)).slice(0, 3);
    const order = content['x-event-order'];
    if (!order) return [...problems, 'the stream has no x-event-order'];
    if (!this.orders.has(order)) this.orders.set(order, parseOrder(order));
    const names = events.map(({ name }) => name);
    const wrong = orderProblem(this.orders.get(order), names, !cut);
    return wrong ? [...problems, wrong] : problems;
  }

  eventProblem(schemas, { name, data }) {
    const schema = schemas[name];
    if (!schema) return [`the event ${name} is not described`];
    let value = data;
    if (data !== '[DONE]') {
      try {
        value = JSON.parse(data);
      } catch (error) {
        return [`the event ${name} is no JSON: ${error.message}`];
      }
      this.noteCodes(value);
    }
    const problem = this.validator(schema)(value);
    this.count(`event ${name}`);
    return problem ? [`the event ${name}: ${problem}`] : [];
  }
}
