// SPDX-License-Identifier: Apache-2.0
// A person at the console: opens it, writes prompts, reads what came. The stand-in CLI says what a prompt
// tells it to say.
import { visit } from './browser.mjs';
import { gateway, KEY } from './gateways.mjs';

/** The gateway that most tests of the console share. */
export const stock = await gateway('console', { config: 'pool: {warm: 1}\n' });

/** A prompt that makes the stand-in CLI do as the scenario says. */
export function prompt(scenario, text = '') {
  return `standin:${JSON.stringify(scenario)}${text}`;
}

export function lastTurn(page) {
  return page.locator('.turn').last();
}

/** Resolves when the last turn is over: `done`, `failed` or `stopped`. */
export async function over(page, how) {
  await page.locator(`.turn:last-child[data-state="${how}"]`).waitFor();
}

export async function send(page, text) {
  await page.locator('#prompt').fill(text);
  await page.locator('#prompt').press('Control+Enter');
}

export async function askForObject(page, schema) {
  await page.locator('[name=answer][value=object]').check();
  await page.locator('#schema').fill(schema);
}

export async function figure(page, name) {
  const pair = lastTurn(page).locator('.figures > div', {
    has: page.getByText(name, { exact: true }),
  });
  return pair.locator('dd').innerText();
}

/** The log of the last turn, opened; whole, as its last event is `done`. */
export async function rawEvents(page) {
  await lastTurn(page).getByText('Raw events').click();
  const log = lastTurn(page).locator('pre', { hasText: ' done ' });
  return log.innerText();
}

/** Visits the console of a gateway; with a key it waits until that is taken. */
export async function open(url = stock.url, { key = KEY, ...options } = {}) {
  const visited = await visit(`${url}/console`, options);
  if (key) {
    await visited.page.locator('#key').fill(key);
    await visited.page.locator('#check-key[data-state="ok"]').waitFor();
  }
  return visited;
}

/** From now on `window.seen` collects the different texts that `selector` shows, picture by picture. */
export async function watch(page, selector) {
  await page.evaluate((watched) => {
    window.seen = [];
    const look = () => {
      const text = document.querySelector(watched)?.textContent;
      if (text && text !== window.seen.at(-1)) window.seen.push(text);
      requestAnimationFrame(look);
    };
    look();
  }, selector);
}

export function seen(page) {
  return page.evaluate(() => window.seen);
}
