// SPDX-License-Identifier: Apache-2.0
// The console: ties the form, the set-up and the turns of the conversation together. What a turn shows
// is turn.js; how requests are sent is gateway.js.
import { announce, button, element } from './element.js';
import { dollars } from './figures.js';
import { Broken, Gateway } from './gateway.js';
import { readObject, readRequest } from './request.js';
import { Setup } from './setup.js';
import { readEvents } from './sse.js';
import { Turn } from './turn.js';

const NEAR_THE_END_PX = 48;
const SEND_KEYS = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘ Enter' : 'Ctrl Enter';
const EXAMPLES = [
  { label: 'A text', answer: 'text', text: 'Explain server-sent events in three sentences.' },
  { label: 'An object', answer: 'object', text: 'Summarize how HTTP caching works.' },
  {
    label: 'A tool',
    answer: 'text',
    text: 'Which files are here? Look.',
    tools: 'Glob\nBash(ls:*)',
  },
];

const byId = (id) => document.getElementById(id);
const wide = matchMedia('(min-width: 60rem)');
const gateway = new Gateway(document.baseURI);
const setup = new Setup(gateway, () => {
  const panel = byId('setup');
  if (!wide.matches && !panel.contains(document.activeElement)) panel.open = false;
});
const form = byId('ask');
const prompt = byId('prompt');

let session = null; // { id, turns, costUsd } of the conversation
let running = null; // AbortController of the request that runs

// ---- what is seen

function scroller() {
  return wide.matches ? byId('conversation') : document.scrollingElement;
}

function scrollToEnd() {
  scroller().scrollTop = scroller().scrollHeight;
}

/** Makes a change; who saw the end of the conversation before sees it afterwards. */
function follow(change) {
  const { scrollHeight, clientHeight, scrollTop } = scroller();
  change();
  if (scrollHeight - clientHeight - scrollTop < NEAR_THE_END_PX) scrollToEnd();
}

function markField(name, problem) {
  const field = form.elements[name];
  if (!(field instanceof Element)) return;
  field.setAttribute('aria-invalid', String(Boolean(problem)));
  const place = byId(`${name}-problem`);
  if (place) place.textContent = problem ?? '';
}

function showAnswerKind() {
  const isObject = form.elements.answer.value === 'object';
  byId('schema-field').hidden = !isObject;
  byId('endpoint').textContent = isObject ? 'POST /stream-object' : 'POST /stream';
}

function showSession() {
  byId('session').hidden = !session;
  if (!session) return;
  const turns = session.turns === 1 ? '1 turn' : `${session.turns} turns`;
  byId('session-state').textContent = `${turns}, ${dollars(session.costUsd)}`;
}

/** Send while nothing runs, Stop while something does; the focus goes with them. */
function showRunning(controller) {
  const hadFocus = ['send', 'stop'].some((id) => byId(id) === document.activeElement);
  running = controller;
  byId('send').hidden = Boolean(running);
  byId('stop').hidden = !running;
  byId('keys').textContent = running ? 'Esc' : SEND_KEYS;
  byId('new-session').disabled = Boolean(running);
  if (hadFocus) byId(running ? 'stop' : 'send').focus();
}

// ---- what is done

/** Has the turn show the answer to the request. Does not reject. */
async function receive(turn, request, signal) {
  try {
    const response = await gateway.ask(request, setup.key, signal);
    turn.answered(response);
    await readEvents(response.body, (event) => turn.take(event)).catch(console.warn);
    throw new Broken();
  } catch (error) {
    if (signal.aborted) turn.stopped();
    else turn.failed(error);
  }
}

function remember({ sessionId, costUsd }) {
  const sum = session?.id === sessionId ? session : { turns: 0, costUsd: 0 };
  session = { id: sessionId, turns: sum.turns + 1, costUsd: sum.costUsd + costUsd };
  showSession();
}

async function run(request) {
  const controller = new AbortController();
  const turn = new Turn({
    request,
    curl: gateway.curl(request),
    follow,
    again: () => running || run(request),
  });
  byId('welcome').hidden = true;
  byId('turns').append(turn.element);
  scrollToEnd();
  showRunning(controller);
  announce('Sent');
  receive(turn, request, controller.signal);
  await turn.over;
  showRunning(null);
  if (turn.result?.sessionId) remember(turn.result);
  if (turn.refused && !prompt.value) prompt.value = request.body.prompt;
  for (const { path, message } of turn.refused?.issues ?? []) markField(path[0], message);
  setup.checkHealth();
}

function send() {
  const sessionId = byId('continue').checked ? session?.id : undefined;
  const { problems, ...request } = readRequest(new FormData(form), sessionId);
  if (problems) {
    const [first] = Object.keys(problems);
    byId('options').open = true;
    markField(first, problems[first]);
    form.elements[first].focus();
    return;
  }
  prompt.value = '';
  run(request);
}

function beginAnew() {
  session = null;
  byId('turns').replaceChildren();
  byId('welcome').hidden = false;
  showSession();
  announce('New session');
  prompt.focus();
}

function takeExample({ answer, text, tools = '' }) {
  form.elements.answer.value = answer;
  form.elements.allowedTools.value = tools;
  prompt.value = text;
  showAnswerKind();
  prompt.focus();
}

/** Ctrl or Cmd with Enter sends, from any field of the request; Escape stops. */
function takeKey(event) {
  const isField = event.target.form === form;
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && isField && !event.isComposing) {
    event.preventDefault();
    if (!running) form.requestSubmit();
  } else if (event.key === 'Escape' && running) {
    running.abort();
  }
}

function checkJson({ target }) {
  const { problem } = target.value.trim() ? readObject(target.value) : {};
  markField(target.name, problem);
}

byId('options').open = wide.matches;
for (const example of EXAMPLES) {
  const choice = button(example.label, () => takeExample(example));
  byId('examples').append(element('li', {}, choice));
}
form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (!running) send();
});
form.addEventListener('change', showAnswerKind);
byId('stop').addEventListener('click', () => running?.abort());
byId('new-session').addEventListener('click', beginAnew);
document.addEventListener('keydown', takeKey);
for (const field of form.elements) {
  const isJson = field.name === 'schema' || field.name === 'further';
  field.addEventListener('input', isJson ? checkJson : () => markField(field.name, null));
}
showAnswerKind();
showRunning(null);
setup.check();
fetch('docs', { method: 'HEAD' }).then(({ ok }) => (byId('docs').hidden = !ok), console.warn);
