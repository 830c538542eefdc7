// SPDX-License-Identifier: Apache-2.0
// Server-sent events, and whether their order is one that `x-event-order` describes: a regular
// expression over names, read by its derivatives, so that the begin of a stream can be judged too.

/** The events of a stream; what no empty line has ended is none. */
export function readEvents(text) {
  const blocks = text.replaceAll('\r\n', '\n').split('\n\n');
  blocks.pop();
  return blocks.map(readEvent).filter((event) => event.data !== undefined);
}

function readEvent(block) {
  const event = {};
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const field = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, '');
    event[field] = field === 'data' && 'data' in event ? `${event.data}\n${value}` : value;
  }
  return { name: event.data === '[DONE]' ? '[DONE]' : (event.event ?? 'message'), ...event };
}

// ---- expressions: undefined matches nothing, EMPTY the empty list

const EMPTY = { kind: 'empty' };

function sequence(first, second) {
  if (!first || !second) return undefined;
  if (first === EMPTY) return second;
  return second === EMPTY ? first : { kind: 'sequence', first, second };
}

function either(one, other) {
  if (!one || !other) return one ?? other;
  return { kind: 'either', one, other };
}

function repeated(part) {
  return { kind: 'repeated', part };
}

/** `session (text | tool)* (result | error) done`: names, groups, `|`, `*`, `+` and `?`. */
export function parseOrder(text) {
  const tokens = text.match(/[()|*+?]|[^\s()|*+?]+/g) ?? [];
  const order = parseEither(tokens);
  if (tokens.length > 0)
    throw new Error(`x-event-order: '${tokens[0]}' is out of place in: ${text}`);
  return order;
}

function parseEither(tokens) {
  let order = parseSequence(tokens);
  while (tokens[0] === '|') {
    tokens.shift();
    order = either(order, parseSequence(tokens));
  }
  return order;
}

function parseSequence(tokens) {
  let order = EMPTY;
  while (tokens.length > 0 && tokens[0] !== ')' && tokens[0] !== '|')
    order = sequence(order, parseTimes(tokens));
  return order;
}

function parseTimes(tokens) {
  const token = tokens.shift();
  let part = { kind: 'name', name: token };
  if (token === '(') {
    part = parseEither(tokens);
    if (tokens.shift() !== ')') throw new Error('x-event-order: a ) is missing');
  }
  const times = '*+?'.includes(tokens[0] ?? ' ') ? tokens.shift() : '';
  if (times === '*') return repeated(part);
  if (times === '+') return sequence(part, repeated(part));
  return times === '?' ? either(part, EMPTY) : part;
}

function mayEnd(order) {
  switch (order.kind) {
    case 'name':
      return false;
    case 'sequence':
      return mayEnd(order.first) && mayEnd(order.second);
    case 'either':
      return mayEnd(order.one) || mayEnd(order.other);
    default:
      return true;
  }
}

/** What may follow the name; undefined: it may not come. */
function after(order, name) {
  switch (order.kind) {
    case 'name':
      return order.name === name ? EMPTY : undefined;
    case 'sequence': {
      const first = sequence(after(order.first, name), order.second);
      return mayEnd(order.first) ? either(first, after(order.second, name)) : first;
    }
    case 'either':
      return either(after(order.one, name), after(order.other, name));
    case 'repeated':
      return sequence(after(order.part, name), order);
    default:
      return undefined;
  }
}

/** What is wrong with the order of these names, or null. `whole`: the stream has ended. */
export function orderProblem(order, names, whole) {
  let rest = order;
  let last;
  for (const [index, name] of names.entries()) {
    const next = after(rest, name);
    if (!next)
      return `the event ${name} may not come as number ${index + 1}, after ${last ?? 'nothing'}`;
    rest = next;
    last = name;
  }
  return whole && !mayEnd(rest) ? `the stream ended after ${last ?? 'no event'}` : null;
}
