// SPDX-License-Identifier: Apache-2.0
// Whether all is set up: the gateway, the CLI behind it, the key. The key is in this page's memory, or
// in the tab's when a person wants that; it is never in an address or a log.
import { Unreachable } from './gateway.js';

const STORED = 'koine-key';
const DEMO_KEY = 'koine-demo';
const HEALTH_MS = 15_000;
const TYPING_MS = 400;

const byId = (id) => document.getElementById(id);

function say(id, state, text) {
  const place = byId(id);
  place.dataset.state = state;
  if (place.textContent !== text) place.textContent = text;
}

function slots({ active, limit, waiting }) {
  return `${active} of ${limit} running${waiting ? `, ${waiting} waiting` : ''}`;
}

export class Setup {
  #gateway;
  #checking = null; // aborts a check of the key
  #typing;
  #healthTimer;
  #onReady;

  /** `onReady`: called when a key has been taken for the first time. */
  constructor(gateway, onReady) {
    this.#gateway = gateway;
    this.#onReady = onReady;
    const input = byId('key');
    input.value = sessionStorage.getItem(STORED) ?? '';
    byId('remember').checked = input.value !== '';
    input.addEventListener('input', () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#checkKey(), TYPING_MS);
    });
    input.addEventListener('change', () => this.#checkKey());
    byId('remember').addEventListener('change', () => this.#remember());
    byId('show-key').addEventListener('click', () => this.#toggleKey());
    document.addEventListener('visibilitychange', () => this.checkHealth());
  }

  get key() {
    return byId('key').value.trim();
  }

  async check() {
    await this.checkHealth();
    await this.#checkKey();
  }

  /** Asks /health, now and then while the page is seen. */
  async checkHealth() {
    clearTimeout(this.#healthTimer);
    if (document.hidden) return;
    try {
      this.#showHealth(await this.#gateway.health());
    } catch (error) {
      this.#showUnreachable(error);
    }
    clearTimeout(this.#healthTimer); // another one may have been asked meanwhile
    this.#healthTimer = setTimeout(() => this.checkHealth(), HEALTH_MS);
  }

  #showHealth({ status, claudeCli, cliVersion, error, concurrency, version, demo }) {
    const wasUnreachable = byId('check-gateway').dataset.state === 'bad';
    say('check-gateway', 'ok', `reachable, ${version}`);
    const works = status === 'healthy';
    say(
      'check-cli',
      works ? 'ok' : 'bad',
      works ? (cliVersion ?? claudeCli) : (error ?? claudeCli),
    );
    say('check-slots', 'ok', slots(concurrency.streaming));
    if (demo && byId('demo').hidden && !this.key) byId('key').value = DEMO_KEY;
    byId('demo').hidden = !demo;
    if (wasUnreachable) this.#checkKey();
    this.#summarize();
  }

  #showUnreachable(error) {
    say('check-gateway', 'bad', error.message);
    say('check-cli', 'wait', 'not known');
    say('check-slots', 'wait', 'not known');
    this.#summarize();
  }

  async #checkKey() {
    clearTimeout(this.#typing);
    this.#checking?.abort();
    byId('key-problem').textContent = '';
    this.#remember();
    if (!this.key) {
      say('check-key', 'wait', 'needed');
      this.#summarize();
      return;
    }
    const checking = (this.#checking = new AbortController());
    say('check-key', 'wait', 'checking …');
    try {
      await this.#gateway.checkKey(this.key, checking.signal);
      say('check-key', 'ok', 'accepted');
    } catch (error) {
      if (checking.signal.aborted) return;
      const refused = !(error instanceof Unreachable);
      say('check-key', refused ? 'bad' : 'wait', refused ? 'refused' : 'not checked');
      if (refused) byId('key-problem').textContent = error.message;
    }
    this.#summarize();
  }

  #summarize() {
    const stateOf = (id) => byId(id).dataset.state;
    const isReady = ['check-gateway', 'check-cli', 'check-key'].every((id) => stateOf(id) === 'ok');
    const problem =
      (stateOf('check-gateway') === 'bad' && 'unreachable') ||
      (stateOf('check-cli') === 'bad' && 'CLI unavailable') ||
      (stateOf('check-key') === 'bad' && 'key refused') ||
      'key needed';
    byId('key').setAttribute('aria-invalid', String(stateOf('check-key') === 'bad'));
    say('setup-state', isReady ? 'ok' : 'wait', isReady ? 'ready' : problem);
    if (isReady) {
      this.#onReady?.();
      this.#onReady = null;
    }
  }

  #remember() {
    if (byId('remember').checked && this.key) sessionStorage.setItem(STORED, this.key);
    else sessionStorage.removeItem(STORED);
  }

  #toggleKey() {
    const hidden = byId('key').type === 'password';
    byId('key').type = hidden ? 'text' : 'password';
    byId('show-key').setAttribute('aria-pressed', String(hidden));
    byId('show-key').textContent = hidden ? 'Hide' : 'Show';
  }
}
