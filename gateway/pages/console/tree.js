// SPDX-License-Identifier: Apache-2.0
// A JSON value that grows, as lines of a tree. An update changes only what differs and marks it, so
// that it costs little more than to compare. Knows nothing of where values come from.
import { element } from './element.js';

/** Children of one object or array that are drawn; the rest is counted. */
const SHOWN_CHILDREN = 200;
const SHOWN_LEVELS = 40; // what is deeper is text

function kindOf(value) {
  if (Array.isArray(value)) return 'array';
  return value === null || typeof value === 'boolean' ? 'literal' : typeof value;
}

/** A string; while it only grows, the part that is new is marked. */
class StringNode {
  #value = '';
  #settled = new Text();
  #new = element('span');

  constructor() {
    this.element = element('span', { class: 'string' }, this.#settled, this.#new);
  }

  update(value, mark) {
    if (value === this.#value) return;
    if (value.startsWith(this.#value)) {
      this.#settled.appendData(this.#new.textContent);
      // A new element: the mark of one that stays would not begin anew.
      const added = element('span', {}, value.slice(this.#value.length));
      this.#new.replaceWith(added);
      this.#new = added;
      mark(added);
    } else {
      this.#settled.data = '';
      this.#new.textContent = value;
      mark(this.#new);
    }
    this.#value = value;
  }
}

class LiteralNode {
  constructor(kind) {
    this.element = element('span', { class: kind });
  }

  update(value, mark) {
    const text = JSON.stringify(value);
    if (text === this.element.textContent) return;
    this.element.textContent = text;
    mark(this.element);
  }
}

/** One line of an object or array: name or position, then the value. */
class Entry {
  #value;

  constructor(name) {
    this.element = element('div', { class: 'entry' });
    if (name !== null) this.element.append(element('span', { class: 'name' }, name), ': ');
  }

  update(value, mark, level = 0) {
    const kind = kindOf(value);
    if (this.#value?.kind !== kind) {
      const node = nodeOf(kind, level);
      if (this.#value) this.#value.node.element.replaceWith(node.element);
      else this.element.append(node.element);
      this.#value = { kind, node };
    }
    this.#value.node.update(value, mark, level + 1);
  }
}

class ContainerNode {
  #isArray;
  #entries = new Map();
  #lines = element('div', { class: 'entries' });
  #rest = element('div', { class: 'entry rest' });

  constructor(kind) {
    this.#isArray = kind === 'array';
    const [open, close] = this.#isArray ? '[]' : '{}';
    this.element = element('span', { class: 'container' }, open, this.#lines, close);
    this.#lines.append(this.#rest);
  }

  update(value, mark, level) {
    const names = Object.keys(value);
    const shown = names.slice(0, SHOWN_CHILDREN);
    if (this.#entries.size > shown.length || this.#lost(value)) this.#clear();
    for (const name of shown) {
      let entry = this.#entries.get(name);
      if (!entry) {
        entry = new Entry(this.#isArray ? null : name);
        this.#entries.set(name, entry);
        this.#rest.before(entry.element);
        if (!this.#isArray) mark(entry.element.firstChild);
      }
      entry.update(value[name], mark, level);
    }
    const more = names.length - shown.length;
    this.#rest.textContent = more ? `… and ${more.toLocaleString('en')} more` : '';
  }

  /** A name that was there is gone: the value is another one, and so may the order be. */
  #lost(value) {
    for (const name of this.#entries.keys()) if (!Object.hasOwn(value, name)) return true;
    return false;
  }

  #clear() {
    for (const entry of this.#entries.values()) entry.element.remove();
    this.#entries.clear();
  }
}

function nodeOf(kind, level) {
  const holds = kind === 'object' || kind === 'array';
  if (holds && level < SHOWN_LEVELS) return new ContainerNode(kind);
  return kind === 'string' ? new StringNode() : new LiteralNode(kind);
}

export class Tree {
  #root = new Entry(null);
  #marked = [];

  constructor() {
    this.element = element('div', { class: 'tree' }, this.#root.element);
  }

  /** Shows `value`, which may have nothing in common with the one before. */
  update(value) {
    this.settle();
    this.#root.update(value, (part) => {
      part.classList.add('new');
      this.#marked.push(part);
    });
  }

  /** Nothing is new any more. */
  settle() {
    for (const part of this.#marked) part.classList.remove('new');
    this.#marked = [];
  }
}
