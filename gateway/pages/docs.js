// SPDX-License-Identifier: Apache-2.0
// Shows the document of this gateway in Scalar, with all off that asks anybody else; or as plain text
// where Scalar is not installed. All addresses are relative: a proxy may put the page deeper.

// What Scalar checks its settings with tries eval() first, which the page's policy forbids.
globalThis.__zod_globalConfig = { jitless: true };

const DEMO_KEY = 'koine-demo';

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

/** The one key of a demo, for every way in which the document says that a key is brought. */
function demoKeys(schemes = {}) {
  const filled = Object.keys(schemes).map((name) => [name, { token: DEMO_KEY, value: DEMO_KEY }]);
  return Object.fromEntries(filled);
}

function settings(content, isDemo, onLoaded) {
  const here = server();
  return {
    content,
    servers: [{ url: here }],
    authentication: {
      preferredSecurityScheme: 'bearer',
      ...(isDemo && { securitySchemes: demoKeys(content.components?.securitySchemes) }),
    },
    // Nothing of others: no fonts, no counting, no chat, no link to a client or a toolbar elsewhere.
    withDefaultFonts: false,
    telemetry: false,
    agent: { disabled: true },
    mcp: { disabled: true },
    hideClientButton: true,
    showDeveloperTools: 'never',
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

async function showReference(viewer, answer) {
  const isDemo = answer.headers.has('X-Koine-Demo');
  if (isDemo) showDemo();
  const content = await answer.json();
  document.title = `Reference – ${content.info.title}`;
  await new Promise((loaded) => {
    viewer.createApiReference('#reference', settings(content, isDemo, loaded));
  });
  element('plain').remove();
}

async function showPlain(why) {
  say(why);
  const answer = await get('openapi.yaml');
  if (answer.headers.has('X-Koine-Demo')) showDemo();
  element('document').textContent = await answer.text();
  element('document').hidden = false;
}

async function show() {
  say('Loading …');
  const [viewer, answer] = await Promise.allSettled([
    import('./scalar/standalone.esm.js'),
    get('openapi.json'),
  ]);
  if (viewer.status === 'rejected') {
    const missing = 'The viewer is not installed here: “make” fetches it where npm is installed.';
    await showPlain(`${missing} This is what it would show.`);
  } else if (answer.status === 'rejected') {
    throw answer.reason;
  } else {
    await showReference(viewer.value, answer.value);
  }
}

show().catch((error) => say(`The reference cannot be shown: ${error.message}.`));
