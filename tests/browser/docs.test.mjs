// SPDX-License-Identifier: Apache-2.0
// GET /docs: the reference of what this gateway serves, in Scalar, with nothing from elsewhere.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, beforeEach, describe } from 'node:test';
import {
  DESKTOP,
  elsewhere,
  firstPaint,
  median,
  overflow,
  PHONE,
  picture,
  test,
  visit,
} from './browser.mjs';
import { bareFolder, behindProxy, build, gateway, KEY, soon } from './gateways.mjs';

const MAXIMUM_PAINT_MS = 1000; // of what the gateway serves, not of a frame only
const MAXIMUM_VIEWER_MS = 2000;
const MAXIMUM_BYTES = 1_500_000;
// The limit is for a machine that does nothing else. Where other tests run beside, and come first,
// everything takes several times as long: KOINE_SLACK=5 of `make check`.
const SLACK = Number(process.env.KOINE_SLACK || 1);

const STOCK = 'text, object, stream, stream-object, anthropic, openai';
const HELLO = path.join(build, 'examples/modules/hello.so');

const stock = await gateway('stock', { config: `modules: {load: [${STOCK}, ${HELLO}]}\n` });
const demo = await gateway('demo', { options: ['--demo'] });
const bare = await gateway('bare', {
  config: `modules: {directory: ${path.join(build, 'modules')}}\n`,
  folder: bareFolder('bare-program'),
});

/** Resolves when the viewer shows the reference. */
function shown(page) {
  return page.locator('#plain').waitFor({ state: 'detached' });
}

async function visitReference(url, options) {
  const visited = await visit(`${url}/docs`, options);
  await shown(visited.page);
  return visited;
}

const measured = { paints: [], operations: [], viewers: [], sizes: [] };

/** The same, and what it took is measured. */
async function visitMeasured(url, options) {
  const visited = await visitReference(url, { ...options, prepare: watchOperation });
  const { page, bytes } = visited;
  measured.paints.push(await firstPaint(page));
  const { operation, viewer } = await operationPaints(page);
  measured.operations.push(operation);
  measured.viewers.push(viewer);
  await page.waitForLoadState('networkidle');
  measured.sizes.push(bytes());
  return visited;
}

/** In the page: when the names of operations were first painted, in ms after the visit began. */
function watchOperation(page) {
  return page.addInitScript(() => {
    const looked = { operation: '#operations li', viewer: 'a[href*="/POST/"]' };
    window.painted = {};
    // The second frame begins when the first is out.
    const note = (name) =>
      requestAnimationFrame(() =>
        requestAnimationFrame(() => {
          window.painted[name] = performance.now();
        }),
      );
    const observer = new MutationObserver(() => {
      for (const [name, selector] of Object.entries(looked)) {
        if (!document.querySelector(selector)) continue;
        delete looked[name];
        note(name);
      }
    });
    observer.observe(document, { childList: true, subtree: true });
  });
}

async function operationPaints(page) {
  const both = await page.waitForFunction(() => window.painted.viewer && window.painted);
  return both.jsonValue();
}

async function openAllGroups(page) {
  const closed = page.locator('aside button[aria-expanded="false"]:has-text("Open Group")');
  for (let left = await closed.count(); left > 0; left = await closed.count()) {
    await closed.first().click();
  }
}

/** METHOD and path of every operation that the document of the gateway describes. */
async function described(url) {
  const { paths } = await (await fetch(`${url}/openapi.json`)).json();
  const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];
  return Object.entries(paths).flatMap(([at, item]) =>
    methods.filter((method) => item[method]).map((method) => `${method.toUpperCase()}${at}`),
  );
}

/** Opens the form in which a request is tried out. */
async function openForm(page, at) {
  await page.locator(`aside a[href$="POST${at}"]`).click();
  await page.getByRole('button', { name: new RegExp(`^Test Request.*post ${at}\\)`) }).click();
  const form = page.getByRole('dialog');
  await form.getByRole('button', { name: 'Send' }).first().waitFor();
  return form;
}

async function writeBody(form, body) {
  await form.locator('.cm-content', { hasText: '"prompt"' }).first().fill(JSON.stringify(body));
}

async function closeForm(page, form) {
  await page.keyboard.press('Escape');
  await form.waitFor({ state: 'hidden' });
}

async function send(form) {
  await form.getByRole('button', { name: 'Send' }).first().click();
}

function assertSmall(bytes) {
  assert.ok(bytes <= MAXIMUM_BYTES, `found ${bytes} bytes, expected at most ${MAXIMUM_BYTES}`);
}

/** In the page: whether its ground is as light or dark as the person wants it. */
function isOf(colorScheme) {
  const [red] = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
  return colorScheme === (red < 128 ? 'dark' : 'light');
}

describe('docs', () => {
  // Each load of the viewer costs seconds of the processor: most tests share one.
  let reference;
  before(async () => {
    reference = await visitMeasured(stock.url);
  });
  // A form that a failed test has left open covers the page.
  beforeEach(() => reference.page.keyboard.press('Escape'));
  after(() => reference.close());

  test('shows every operation of every module, those of others too', async () => {
    const { page } = reference;
    await openAllGroups(page);
    const links = await page.$$eval('aside a', (all) => all.map((a) => a.getAttribute('href')));
    const operations = await described(stock.url);
    const known = ['generate-text', 'generate-object', 'stream', 'stream-object'];
    for (const one of [...known, 'v1/messages', 'v1/chat/completions', 'hello'])
      assert.ok(operations.includes(`POST/${one}`), `${one} is not in ${operations}`);
    const shownOnes = links.map((href) => href.split(/[#/](?=[A-Z]+\/)/).at(-1));
    const missing = operations.filter((operation) => !shownOnes.includes(operation));
    assert.deepEqual(missing, [], `the viewer shows ${shownOnes.join(' ')}`);
    assert.equal(await page.locator('#demo').isVisible(), false);
    // The examples can be copied as they are.
    await page.getByText(`curl ${stock.url}/generate-text`).first().waitFor();
  });

  test('is in an order for people, and no code in its tables is broken', async () => {
    const { page } = reference;
    const group = page.locator('aside a[href*="tag/generate/"]');
    const paths = (await group.allInnerTexts()).map((text) => text.match(/\/\S+/)?.[0]);
    const best = ['/generate-text', '/generate-object', '/stream', '/stream-object'];
    assert.deepEqual(paths.slice(0, best.length), best);
    const codes = page.locator('td:first-child code');
    const lines = await codes.evaluateAll((all) => all.map((code) => code.getClientRects().length));
    assert.ok(lines.length > 20, `found ${lines.length} codes`);
    assert.deepEqual(lines, lines.map(() => 1), 'lines of each code');
  });

  test('sends a request and shows the answer', async () => {
    const { page, problems, bytes } = reference;
    const form = await openForm(page, '/generate-text');
    await form.getByPlaceholder('Token').fill(KEY);
    await writeBody(form, { prompt: 'standin:{"text":"Said by the stand-in."}' });
    await send(form);
    await form.getByText('200 OK').waitFor();
    await form.getByText('"Said by the stand-in."').waitFor();
    await picture(page, 'docs-request');
    await closeForm(page, form);
    const kept = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage]));
    assert.ok(!kept.includes(KEY), `the key is kept: ${kept}`);
    assert.deepEqual(problems, []);
    assertSmall(bytes());
  });

  test('asks nobody but the gateway, and does nothing that its policy forbids', async () => {
    const { page, asked, problems } = reference;
    await page.getByRole('button', { name: 'Open Search' }).click();
    await page.getByRole('searchbox').or(page.getByRole('combobox')).first().fill('stream');
    await page.keyboard.press('Escape');
    await page.waitForLoadState('networkidle');
    const others = asked.filter((url) => !url.startsWith(`${stock.url}/`));
    assert.deepEqual(others, []);
    assert.deepEqual(elsewhere, []);
    assert.deepEqual(problems, []);
    // A person may follow a link to who made the viewer, and to what a status means.
    const hosts = await page.$$eval('a[href^="http"]', (links) => links.map((a) => a.host));
    const known = [new URL(stock.url).host, 'www.scalar.com', 'developer.mozilla.org'];
    const unknown = hosts.filter((host) => !known.includes(host));
    assert.deepEqual(unknown, []);
    const offered = (await page.locator('button').allInnerTexts()).join('|');
    assert.match(offered, /Test Request/);
    assert.doesNotMatch(offered, /Ask AI|MCP|Open API Client|Deploy|Share|Configure/);
  });

  test('shows the events of a stream as they come, and can end it', async () => {
    const { page, problems } = reference;
    const form = await openForm(page, '/stream');
    const script = { text: 'Half of it, and then no more.', delta_bytes: 8, hang: 'mid_text' };
    await writeBody(form, { prompt: `standin:${JSON.stringify(script)}` });
    await send(form);
    await form.getByText('event: text').first().waitFor();
    await soon(stock.url, 'it streams', ({ concurrency }) => concurrency.streaming.active === 1);
    await picture(page, 'docs-stream');
    assert.deepEqual(problems, []);
    // Scalar throws here, over a stream that it has let go of already.
    await form.getByRole('button', { name: 'Cancel' }).first().click();
    await soon(stock.url, 'it has ended', ({ concurrency }) => concurrency.streaming.active === 0);
    await writeBody(form, { prompt: 'standin:{"text":"All of it."}' });
    await send(form);
    await form.getByText('event: done').waitFor();
    await closeForm(page, form);
  });

  test('a refusal is shown as what it is', async () => {
    const { page } = reference;
    const form = await openForm(page, '/generate-text');
    await form.getByPlaceholder('Token').fill('wrong');
    await send(form);
    await form.getByText('403 Forbidden').waitFor();
    await form.getByText('"AUTH_ERROR"').waitFor();
    await closeForm(page, form);
  });

  test('a demo says so and has its key filled in', async () => {
    const { page, problems, close } = await visitMeasured(demo.url);
    assert.match(await page.locator('#demo').innerText(), /made up.*koine-demo/);
    await picture(page, 'docs-demo');
    assert.equal(await page.getByPlaceholder('Token').first().inputValue(), 'koine-demo');
    assert.match(await page.locator('pre').first().innerText(), /Bearer koine-demo/);
    await page.setViewportSize(PHONE);
    assert.equal(await overflow(page), 0, 'pixels too wide');
    await picture(page, 'docs-demo-phone');
    assert.deepEqual(problems, []);
    await close();
  });

  test('is painted soon and is small', () => {
    const [paint, operation, viewer, size] = Object.values(measured).map(median).map(Math.round);
    const painted = `first paint ${paint} ms, operations ${operation} ms, viewer ${viewer} ms`;
    console.log(`          ${painted}, ${size} bytes`);
    const { paints, operations, viewers } = measured;
    assert.ok(paint <= MAXIMUM_PAINT_MS * SLACK, `first paint after ${paints} ms`);
    assert.ok(operation <= MAXIMUM_PAINT_MS * SLACK, `operations after ${operations} ms`);
    assert.ok(viewer <= MAXIMUM_VIEWER_MS * SLACK, `the viewer after ${viewers} ms`);
    assertSmall(size);
  });

  test('works below a path of a reverse proxy, on desktops and phones, light and dark', async () => {
    const url = await behindProxy(stock.url, '/claude');
    const options = { colorScheme: 'dark', viewport: PHONE };
    const { page, asked, problems, close } = await visitReference(url, options);
    await page.getByText(url, { exact: true }).first().waitFor();
    for (const colorScheme of ['dark', 'light']) {
      await page.emulateMedia({ colorScheme });
      await page.waitForFunction(isOf, colorScheme);
      for (const [device, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
        await page.setViewportSize(viewport);
        assert.equal(await overflow(page), 0, `${device} ${colorScheme}: pixels too wide`);
        await picture(page, `docs-${device}-${colorScheme}`);
      }
    }
    const others = asked.filter((address) => !address.startsWith(`${url}/`));
    assert.deepEqual(others, []);
    assert.deepEqual(problems, []);
    await close();
  });

  test('without the viewer the plain document is shown, and how to get the viewer', async () => {
    const { page, close } = await visit(`${bare.url}/docs`, { viewport: PHONE });
    await page.locator('#document').waitFor();
    const listed = await page.locator('#operations li').allInnerTexts();
    assert.equal(listed.length, (await described(bare.url)).length);
    assert.ok(listed.some((line) => /POST\s+\/generate-text/.test(line)), `found ${listed}`);
    const text = await (await fetch(`${bare.url}/openapi.yaml`)).text();
    assert.equal(await page.locator('#document').textContent(), text);
    assert.match(await page.locator('#state').innerText(), /not installed.*make.*npm/);
    assert.equal(await overflow(page), 0, 'pixels too wide');
    await picture(page, 'docs-plain-phone');
    await page.setViewportSize(DESKTOP);
    await page.emulateMedia({ colorScheme: 'dark' });
    await picture(page, 'docs-plain');
    await close();
  });

  test('what the page asked of others would be refused, and seen', async () => {
    const { page, problems, close } = await visit(`${bare.url}/docs`);
    const refused = page.waitForEvent('console', (message) => message.text().startsWith('policy:'));
    await page.evaluate(() => fetch('https://elsewhere.example/').catch(() => {}));
    await refused;
    const problem = 'error: policy: connect-src: https://elsewhere.example/';
    assert.ok(problems.includes(problem), `found ${problems}`);
    // Where no policy holds it back.
    await page.goto('about:blank');
    await page.evaluate(() => fetch('https://elsewhere.example/').catch(() => {}));
    assert.deepEqual(elsewhere, ['CONNECT elsewhere.example:443']);
    elsewhere.length = 0;
    await close();
  });

  test('a viewer that cannot run is not said to be missing', async () => {
    const prepare = (page) =>
      page.route('**/standalone.esm.js', (route) =>
        route.request().method() === 'HEAD'
          ? route.continue()
          : route.fulfill({ contentType: 'text/javascript', body: 'throw new Error("too new")' }),
      );
    const { page, close } = await visit(`${stock.url}/docs`, { prepare });
    await page.locator('#document').waitFor();
    assert.match(await page.locator('#state').innerText(), /cannot run here: too new/);
    await close();
  });

  test('without JavaScript it leads to the document', async () => {
    const { page, close } = await visit(`${stock.url}/docs`, { javaScriptEnabled: false });
    assert.match(await page.locator('body').innerText(), /needs JavaScript/);
    for (const name of ['openapi.yaml', 'openapi.json']) {
      const link = page.getByRole('link', { name });
      assert.equal(await link.evaluate((a) => a.href), `${stock.url}/${name}`);
    }
    await picture(page, 'docs-no-script');
    await close();
  });

  test('says when the document cannot be had', async () => {
    const prepare = (page) =>
      page.route('**/openapi.*', (route) => route.fulfill({ status: 503, body: '' }));
    const { page, close } = await visit(`${stock.url}/docs`, { prepare });
    await page.getByText('openapi.json was answered with 503').waitFor();
    await close();
  });
});
