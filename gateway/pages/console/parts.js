// SPDX-License-Identifier: Apache-2.0
// What an answer is made of: text, thinking, tools, notices, the failure. A part shows what it is
// given; which event says what is the turn's affair.
import { button, element } from './element.js';

const BLOCK_CHARACTERS = 8_000;
const UNBROKEN_CHARACTERS = 100_000;
const SUMMARY_CHARACTERS = 120;

/** Text that grows, in blocks: to draw it anew costs as much as the last block, not as all of it. */
export class FlowingText {
  #body = element('div', { class: 'text' });
  #block = null;
  #room = 0;
  #pending = [];
  element = this.#body;

  add(text) {
    this.#pending.push(text);
  }

  /** Puts what was added into the page. A block ends with a line, if lines are not endless. */
  draw() {
    let text = this.#pending.join('');
    this.#pending = [];
    while (text) {
      if (this.#block === null) this.#begin();
      const lineFeed = text.length <= this.#room ? -1 : text.indexOf('\n', Math.max(0, this.#room));
      const end = lineFeed < 0 ? text.length : lineFeed + 1;
      this.#block.append(text.slice(0, end));
      this.#room -= end;
      if (lineFeed >= 0 || this.#room < -UNBROKEN_CHARACTERS) this.#block = null;
      text = text.slice(end);
    }
  }

  #begin() {
    this.#block = element('div');
    this.#body.append(this.#block);
    this.#room = BLOCK_CHARACTERS;
  }
}

export class Thinking extends FlowingText {
  constructor() {
    super();
    const title = element('summary', {}, 'Thinking');
    this.element = element('details', { class: 'thinking', open: true }, title, this.element);
  }
}

/** The value of an input that says most: a command, a path, a question. */
function gist(input) {
  const values = Object.values(input);
  const text = values.find((value) => typeof value === 'string') ?? JSON.stringify(input);
  const line = text.replace(/\s+/g, ' ');
  return line.length > SUMMARY_CHARACTERS ? `${line.slice(0, SUMMARY_CHARACTERS)}…` : line;
}

/** A tool's output: text, or content blocks of which some are text. */
function outputText(output) {
  if (typeof output === 'string') return output;
  const isText = (block) => typeof block.text === 'string';
  return output.map((block) => (isText(block) ? block.text : JSON.stringify(block))).join('\n');
}

/** One use of a tool: begun, called with an input, ended with an output. */
export class Tool {
  #name = element('b');
  #gist = element('code');
  #state = element('span', { class: 'state' }, 'writing its input');

  constructor({ name, parentToolUseId }) {
    this.#name.textContent = name ?? 'Tool';
    this.element = element(
      'details',
      { class: parentToolUseId ? 'tool inner' : 'tool', 'data-state': 'wait' },
      element('summary', {}, this.#name, this.#gist, this.#state),
    );
  }

  take({ phase, name, input, output, isError }) {
    if (name) this.#name.textContent = name;
    if (phase === 'input') {
      this.#gist.textContent = gist(input ?? {});
      this.#state.textContent = 'running';
      this.#add('Input', JSON.stringify(input, null, 2));
    } else if (phase === 'ended') {
      this.element.dataset.state = isError ? 'bad' : 'ok';
      this.#state.textContent = isError ? 'failed' : 'done';
      this.#add('Output', outputText(output ?? ''));
    }
  }

  /** The answer is over; a tool that has not ended will not. */
  close() {
    if (this.element.dataset.state !== 'wait') return;
    this.element.dataset.state = 'bad';
    this.#state.textContent = 'not ended';
  }

  #add(title, text) {
    this.element.append(element('h4', {}, title), element('pre', {}, text));
  }
}

/** A sentence beside the answer. */
export function notice(text, code) {
  const made = element('p', { class: 'notice' }, text);
  if (code) made.append(' ', element('code', {}, code));
  return made;
}

export function retryNotice({ attempt, maxRetries, errorStatus, delayMs }) {
  const failed =
    errorStatus === null ? 'The API cannot be reached' : `The API answers ${errorStatus}`;
  const again = delayMs === null ? '' : `; again in ${(delayMs / 1000).toFixed(1)} s`;
  return notice(`${failed}: retry ${attempt} of ${maxRetries}${again}.`);
}

/** What the sentence of the gateway does not say: what to do on this page. */
const ADVICE = {
  unreachable: 'Is it running? Then a proxy in between, or the network, may be the reason.',
  broken: 'The gateway or a proxy has closed the connection; what came before it is above.',
  UNAUTHORIZED: 'Paste a key under Set-up.',
  SESSION_NOT_FOUND: '“New session” begins another one.',
};

function placeOf(path) {
  return path.length ? path.join('.') : 'body';
}

/** Counts down to when it is worth to try again; at once when nobody has said how long to wait. */
function againButton(waitS, again) {
  let leftS = waitS;
  const made = button('', again);
  const show = () => {
    made.disabled = leftS > 0;
    made.textContent = leftS > 0 ? `Send again in ${leftS} s` : 'Send again';
    if (leftS-- > 0) setTimeout(show, 1000);
  };
  show();
  return made;
}

/**
 * A failure as it is. `code`: as the gateway gave it; `kind`: of a failure that is not the gateway's.
 * With `again` comes a button.
 */
export function failure(
  { message, code, kind, status, issues = [], requestId, retryAfterS },
  again,
) {
  const made = element('div', { class: 'failure' }, element('p', { class: 'sentence' }, message));
  const facts = [code, status && `HTTP ${status}`, requestId && `request ${requestId}`];
  const shown = facts.filter(Boolean).map((fact) => element('code', {}, fact));
  if (shown.length) made.append(element('p', { class: 'facts' }, ...shown));
  // The sentence says the same of a single one.
  if (issues.length > 1) {
    const line = ({ path, message: text }) =>
      element('li', {}, element('code', {}, placeOf(path)), ` ${text}`);
    made.append(element('ul', { class: 'issues' }, ...issues.map(line)));
  }
  const advice = kind ?? code;
  if (Object.hasOwn(ADVICE, advice)) made.append(element('p', {}, ADVICE[advice]));
  if (again) made.append(againButton(retryAfterS ?? 0, again));
  return made;
}
