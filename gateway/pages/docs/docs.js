// SPDX-License-Identifier: Apache-2.0
// Shows the document of this gateway in Scalar, with all off that asks anybody else; or as plain
// text where Scalar is not installed. All addresses are relative: a proxy may put the page deeper.

// What Scalar checks its settings with tries eval() first, which the page's policy forbids.
globalThis.__zod_globalConfig = { jitless: true };

const DEMO_KEY = 'koine-demo';
// Of the examples in the document: the address of a gateway as it comes, and where its key is.
const USUAL_ADDRESS = 'http://127.0.0.1:3100';
const USUAL_KEY = '$CLAUDE_CODE_GATEWAY_API_KEY';
// Where tags and operations stand that have no `x-order`: what is lower is before them.
const USUAL_ORDER = 10;

const element = (id) => document.getElementById(id);

const say = (text) => {
  element('state').textContent = text;
};

async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}`);
  return answer;
}

/** Where the page came from, as the server of a document: no slash at the end. */
function server() {
  return new URL('.', location).href.replace(/\/$/, '');
}

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

const orderOf = (described) => described?.['x-order'] ?? USUAL_ORDER;

/** Tags, and paths by tag, as they are best read: by `x-order`, then as modules are loaded. */
function inReadingOrder({ paths = {}, tags = [] }) {
  const sortedTags = [...tags].sort((one, other) => orderOf(one) - orderOf(other));
  const names = sortedTags.map(({ name }) => name);
  const operation = ([, item]) => METHODS.map((method) => item[method]).find(Boolean);
  const group = (entry) => {
    const at = names.indexOf(operation(entry)?.tags?.[0]);
    return at < 0 ? names.length : at;
  };
  const sortedPaths = Object.entries(paths).sort(
    (one, other) =>
      group(one) - group(other) || orderOf(operation(one)) - orderOf(operation(other)),
  );
  return { tags: sortedTags, paths: Object.fromEntries(sortedPaths) };
}

/** The document in an order for people, with examples that can be copied as they are. */
function readable(content, isDemo) {
  const here = (content.info.description ?? '').replaceAll(USUAL_ADDRESS, server());
  const description = isDemo ? here.replaceAll(USUAL_KEY, DEMO_KEY) : here;
  return { ...content, ...inReadingOrder(content), info: { ...content.info, description } };
}

/** The one key of a demo, for every way in which the document says that a key is brought. */
function demoKeys(schemes = {}) {
  const filled = Object.keys(schemes).map((name) => [name, { token: DEMO_KEY, value: DEMO_KEY }]);
  return Object.fromEntries(filled);
}

function settings(content, isDemo, onLoaded) {
  const here = server();
  return {
    content,
    slug: 'koine-gateway', // and what it is called when it is downloaded
    servers: [{ url: here }],
    authentication: {
      preferredSecurityScheme: 'bearer',
      ...(isDemo && { securitySchemes: demoKeys(content.components?.securitySchemes) }),
    },
    // Nothing of others: no fonts, no counting, no chat, no links to services.
    withDefaultFonts: false,
    telemetry: false,
    agent: { disabled: true },
    mcp: { disabled: true },
    hideClientButton: true,
    showDeveloperTools: 'never',
    // What people type; and "Models" would be those that answer.
    operationTitleSource: 'path',
    modelsSectionLabel: 'Schemas',
    externalUrls: { dashboardUrl: here, registryUrl: here, proxyUrl: here, apiBaseUrl: here },
    // Shorter than Scalar's own, which a phone has no room for.
    localization: { translations: { apiClient: { authSelector: { selectedType: '{type}' } } } },
    onLoaded,
  };
}

function showDemo() {
  element('demo').hidden = false;
  document.body.classList.add('demo');
}

// ---- without the viewer, and until it runs

function cell(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

/** What can be asked for, a line each: it is there long before the viewer is. */
function listOperations({ paths = {} }) {
  for (const [path, item] of Object.entries(paths)) {
    for (const method of METHODS.filter((known) => item[known])) {
      const row = document.createElement('li');
      row.append(
        cell('b', method.toUpperCase()),
        cell('code', path.replace(/#.*/, '')), // what follows tells apart what a header tells apart
        cell('span', item[method].summary ?? ''),
      );
      element('operations').append(row);
    }
  }
}

async function whyNoViewer(error) {
  const { status } = await fetch('docs/scalar/standalone.esm.js', { method: 'HEAD' });
  return status === 404
    ? 'The viewer is not installed: “make” fetches it once npm is there (on Debian: apt-get install npm).'
    : `The viewer cannot run here: ${error.message}.`;
}

async function showPlain(why) {
  say(`${why} This is what it would show.`);
  const answer = await get('openapi.yaml');
  element('document').textContent = await answer.text();
  element('document').hidden = false;
}

// ---- with it

async function showReference(viewer, content, isDemo) {
  document.title = `Reference – ${content.info.title}`;
  await new Promise((loaded) => {
    viewer.createApiReference('#reference', settings(content, isDemo, loaded));
  });
  element('plain').remove();
}

async function show() {
  say('Loading …');
  const loading = import('./scalar/standalone.esm.js').then(
    (viewer) => ({ viewer }),
    (error) => ({ error }),
  );
  const answer = await get('openapi.json');
  const isDemo = answer.headers.has('X-Koine-Demo');
  if (isDemo) showDemo();
  const content = readable(await answer.json(), isDemo);
  listOperations(content);
  const { viewer, error } = await loading;
  if (viewer) await showReference(viewer, content, isDemo);
  else await showPlain(await whyNoViewer(error));
}

show().catch((error) => say(`The reference cannot be shown: ${error.message}.`));
