// SPDX-License-Identifier: Apache-2.0
// The raw events of one answer with the time at which each came. Keeps the last of them only, and of
// long ones the beginning, so that it does not grow without bound.
import { copyButton, element, oncePerFrame } from './element.js';

const KEPT_EVENTS = 5_000;
const KEPT_CHARACTERS = 2_000;
const SHOWN_EVENTS = 500;

function shortened(text) {
  const more = text.length - KEPT_CHARACTERS;
  if (more <= 0) return text;
  return `${text.slice(0, KEPT_CHARACTERS)}… (${more.toLocaleString('en')} more characters)`;
}

function line({ name, data, comment }, offsetMs) {
  const time = `${(offsetMs / 1000).toFixed(3)} s`.padStart(10);
  const what = comment === undefined ? `${name.padEnd(14)} ${shortened(data)}` : `: ${comment}`;
  return `${time}  ${what}\n`;
}

export class EventLog {
  #lines = [];
  #count = 0;
  #counted = element('span', { class: 'state' }, '0');
  #pre = element('pre', { tabindex: '0', 'aria-label': 'Raw events' });
  #note = element('p', { class: 'note' });
  #draw = oncePerFrame(() => this.#show());

  constructor() {
    this.element = element(
      'details',
      { class: 'events' },
      element('summary', {}, 'Raw events ', this.#counted),
      this.#note,
      this.#pre,
      copyButton('Copy events', () => this.#lines.join('')),
    );
    this.element.addEventListener('toggle', () => this.#show());
  }

  get count() {
    return this.#count;
  }

  add(event, offsetMs) {
    this.#count += 1;
    this.#lines.push(line(event, offsetMs));
    if (this.#lines.length > 2 * KEPT_EVENTS) this.#lines = this.#lines.slice(-KEPT_EVENTS);
    this.#draw();
  }

  #show() {
    this.#counted.textContent = this.#count.toLocaleString('en');
    if (!this.element.open) return;
    const shown = this.#lines.slice(-SHOWN_EVENTS);
    const hidden = this.#count - shown.length;
    this.#note.textContent = hidden
      ? `The last ${shown.length}; the copy holds up to ${KEPT_EVENTS.toLocaleString('en')}.`
      : '';
    this.#pre.textContent = shown.join('');
    this.#pre.scrollTop = this.#pre.scrollHeight;
  }
}
