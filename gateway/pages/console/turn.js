// SPDX-License-Identifier: Apache-2.0
// One turn of the conversation: the prompt, the answer as its events come, the figures. Says what
// came of it; sends nothing itself.
import { announce, copyButton, element, oncePerFrame } from './element.js';
import { EventLog } from './events.js';
import { figures, seconds } from './figures.js';
import { failure, FlowingText, notice, retryNotice, Thinking, Tool } from './parts.js';
import { Tree } from './tree.js';

const TICK_MS = 100;
/** Events that show that the model is at work. */
const FIRST_SIGNS = new Set(['text', 'thinking', 'tool', 'partial-object', 'object']);

export class Turn {
  #tellOver;
  /** Set when it is over, by `result`: { sessionId, costUsd, … }. */
  result = null;
  /** The error when nothing came but that. */
  refused = null;
  isOver = false;
  /** Resolves when it is over. */
  over = new Promise((resolve) => {
    this.#tellOver = resolve;
  });

  #began = performance.now();
  #queue = [];
  #log = new EventLog();
  #parts = element('div', { class: 'parts' });
  #state = element('p', { class: 'progress' });
  #figures = element('dl', { class: 'figures' });
  #copy = copyButton('Copy answer', () => this.#answerText());
  #known = {};
  #part = null; // the one that grows
  #tree = null;
  #partial = null; // data of the last partial-object that is not drawn yet
  #object;
  #tools = new Map();
  #follow;
  #again;
  #draw = oncePerFrame(() => this.#show());
  #timer = setInterval(() => this.#tick(), TICK_MS);

  /**
   * `follow(change)`: makes a change and keeps the end in view; `again()`: sends the request again.
   */
  constructor({ request, curl, follow, again }) {
    this.#follow = follow;
    this.#again = again;
    const { prompt } = request.body;
    const title = typeof prompt === 'string' ? prompt : JSON.stringify(prompt);
    const summary = element('summary', {}, 'curl');
    const code = element('pre', { tabindex: '0', 'aria-label': 'The request for curl' }, curl);
    const copy = copyButton('Copy', () => curl);
    const shell = element('details', {}, summary, code, copy);
    this.element = element(
      'li',
      { class: 'turn', 'data-state': 'running' },
      element('h2', { class: 'prompt' }, title),
      this.#parts,
      this.#state,
      this.#figures,
      element('div', { class: 'evidence' }, shell, this.#log.element, this.#copy),
    );
    this.#copy.hidden = true;
    this.#tick();
  }

  /** The head of the answer has come. */
  answered(response) {
    this.#know({ status: response.status });
  }

  take(event) {
    if (this.isOver) return;
    const offsetMs = performance.now() - this.#began;
    this.#log.add(event, offsetMs);
    if (event.comment !== undefined) return;
    if (FIRST_SIGNS.has(event.name) && !this.#known.firstMs) this.#know({ firstMs: offsetMs });
    this.#queue.push(event);
    if (event.name === 'done') this.#close('done');
    else this.#draw();
  }

  /** The request failed, or its stream ended too soon, unless it was over before. */
  failed(error) {
    if (this.isOver) return;
    this.#known.status ??= error.status;
    if (!this.#log.count) this.refused = error;
    this.#close('failed', () => this.#fail({ ...error, message: error.message }));
  }

  stopped() {
    if (!this.isOver) this.#close('stopped');
  }

  #know(facts) {
    Object.assign(this.#known, facts);
    figures(this.#figures, this.#known);
  }

  #tick() {
    const what = this.#known.firstMs === undefined ? 'Waiting' : 'Answering';
    this.#state.textContent = `${what} · ${seconds(performance.now() - this.#began)}`;
  }

  #close(how, last) {
    this.isOver = true;
    clearInterval(this.#timer);
    this.#known.totalMs = performance.now() - this.#began;
    this.#tellOver(); // what follows may fail
    this.#show();
    this.#follow(() => {
      last?.();
      this.#part = null;
      this.#tools.forEach((tool) => tool.close());
      this.#tree?.settle();
      const failed = this.#parts.querySelector(':scope > .failure');
      this.element.dataset.state = failed ? 'failed' : how;
      this.#state.textContent = how === 'stopped' ? 'Stopped: the gateway ends the run.' : '';
      this.#copy.hidden = !this.#answerText();
      this.#know({});
    });
    const sentence = this.#parts.querySelector('.failure .sentence')?.textContent;
    announce(sentence ?? (how === 'stopped' ? 'Stopped' : 'The answer is complete'));
  }

  /** Draws what has come since the last time. */
  #show() {
    this.#follow(() => {
      try {
        for (const event of this.#queue.splice(0)) this.#apply(event);
        this.#drawPartial();
      } catch (error) {
        this.#partial = null;
        this.#fail(error);
      }
      this.#part?.draw();
    });
  }

  #apply({ name, data }) {
    // Of partial objects that come between two pictures only the last is read.
    if (name === 'partial-object') this.#partial = data;
    else if (Object.hasOwn(this.#handlers, name)) this.#handlers[name](JSON.parse(data));
  }

  #handlers = {
    session: ({ sessionId }) => this.#know({ sessionId }),
    text: ({ text }) => this.#grow(FlowingText, text),
    thinking: ({ text }) => this.#grow(Thinking, text),
    tool: (use) => this.#useTool(use),
    retry: (retry) => this.#add(retryNotice(retry)),
    warning: ({ message, code }) => {
      if (code === 'OBJECT_RESTARTED') this.#partial = this.#tree = null;
      this.#add(notice(message, code));
    },
    object: ({ object }) => {
      this.#partial = null;
      this.#object = object;
      this.#treeHere().update(object);
    },
    result: (result) => {
      this.result = result;
      this.#know(result);
    },
    error: ({ error, ...rest }) => this.#fail({ message: error, ...rest }),
    done: (ending) => this.#know({ ending }),
  };

  #add(part) {
    this.#part?.draw();
    this.#part = null;
    this.#parts.append(part);
  }

  /** Text goes on in the part that grows, if that is one of its kind. */
  #grow(Kind, text) {
    if (this.#part?.constructor !== Kind) {
      const part = new Kind();
      this.#add(part.element);
      this.#part = part;
    }
    this.#part.add(text);
  }

  #useTool(use) {
    let tool = this.#tools.get(use.id);
    if (!tool) {
      tool = new Tool(use);
      this.#tools.set(use.id, tool);
      this.#add(tool.element);
    }
    tool.take(use);
  }

  #treeHere() {
    if (!this.#tree) {
      this.#tree = new Tree();
      this.#add(this.#tree.element);
    }
    return this.#tree;
  }

  #drawPartial() {
    if (this.#partial === null) return;
    const { parsed } = JSON.parse(this.#partial);
    this.#partial = null;
    if (parsed !== null) this.#treeHere().update(parsed);
  }

  #fail(problem) {
    this.#add(failure(problem, this.#again));
  }

  #answerText() {
    if (this.#object !== undefined) return JSON.stringify(this.#object, null, 2);
    const texts = [...this.#parts.querySelectorAll(':scope > .text')];
    return texts.map((part) => part.textContent).join('\n\n');
  }
}
