// SPDX-License-Identifier: Apache-2.0
// Server-sent events out of the bytes of an answer, as the HTML standard reads text/event-stream.
// Does not connect and knows no event by its name.

const READ_MS = 12;

/** Text in pieces of any size; gives the events, and the comments, that they complete. */
export class EventStreamParser {
  #line = '';
  #skipLineFeed = false;
  #name = '';
  #data = [];

  push(text) {
    const events = [];
    const lineEnd = /\r\n?|\n/g;
    // A line that ended with \r\n between two pieces is one line, not two.
    let start = this.#skipLineFeed && text.startsWith('\n') ? 1 : 0;
    lineEnd.lastIndex = start;
    for (let end; (end = lineEnd.exec(text)); start = lineEnd.lastIndex) {
      this.#take(this.#line + text.slice(start, end.index), events);
      this.#line = '';
    }
    this.#line += text.slice(start);
    if (text) this.#skipLineFeed = text.endsWith('\r');
    return events;
  }

  #take(line, events) {
    if (line === '') {
      this.#dispatch(events);
      return;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === '') events.push({ comment: value });
    else if (field === 'event') this.#name = value;
    else if (field === 'data') this.#data.push(value);
  }

  #dispatch(events) {
    if (this.#data.length) {
      events.push({ name: this.#name || 'message', data: this.#data.join('\n') });
    }
    this.#name = '';
    this.#data = [];
  }
}

/** Resolves in a later task: between two of these a page can be drawn. Unlike a timer it is not
 * slowed down in a tab that is hidden. */
function laterTask() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** Reads a body to its end; calls `take` with each event. What follows the last empty line is none. */
export async function readEvents(body, take) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventStreamParser();
  let since = performance.now();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    parser.push(decoder.decode(value, { stream: true })).forEach(take);
    if (performance.now() - since > READ_MS) {
      await laterTask();
      since = performance.now();
    }
  }
}
