// SPDX-License-Identifier: Apache-2.0
// Pieces of the page. Text is always put in as text: whatever it holds, it is never read as HTML.

const COPIED_MS = 1500;

/** An element; attributes that are false, null or undefined are left out. */
export function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === true) made.setAttribute(name, '');
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** A button that is not the form's. */
export function button(label, act, attributes) {
  const made = element('button', { type: 'button', ...attributes }, label);
  made.addEventListener('click', act);
  return made;
}

/** Says a sentence to those who hear the page. For what is over, not for what goes on. */
export function announce(text) {
  document.getElementById('announcements').textContent = text;
}

/** Calls `act` once before the next picture, however often it is asked for. */
export function oncePerFrame(act) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      act();
    });
  };
}

/** The clipboard is only there on https and on localhost; the old way is there everywhere. */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = element('textarea', { class: 'hidden', readonly: true });
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  if (!copied) throw new Error('the browser does not allow it');
}

export function copyButton(label, textOf) {
  const made = button(
    label,
    async () => {
      const said = await copy(textOf()).then(
        () => 'Copied',
        () => 'Cannot copy',
      );
      made.textContent = said;
      announce(said);
      setTimeout(() => (made.textContent = label), COPIED_MS);
    },
    { class: 'quiet' },
  );
  return made;
}
