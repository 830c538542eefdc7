// SPDX-License-Identifier: Apache-2.0
// GET /console: what a person sees of a set-up and of an answer; the page itself.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe } from 'node:test';
import { elsewhere, overflow, PHONE, picture, test } from './browser.mjs';
import {
  askForObject,
  figure,
  lastTurn,
  open,
  over,
  prompt,
  rawEvents,
  seen,
  send,
  stock,
  watch,
} from './console.mjs';
import { behindProxy, gateway, KEY } from './gateways.mjs';

const MAXIMUM_BYTES = 60_000;
const NARROW = { width: 360, height: 740 };

describe('console: set-up', () => {
  test('says whether gateway, CLI and key are good', async () => {
    const { page, close } = await open(stock.url, { key: null });
    await page.getByText('reachable, ').waitFor();
    assert.match(await page.locator('#check-cli').innerText(), /\(Claude Code/);
    assert.equal(await page.locator('#setup-state').innerText(), 'key needed');
    await page.locator('#key').fill('no-such-key');
    await page.locator('#check-key[data-state="bad"]').waitFor();
    assert.equal(await page.locator('#setup-state').innerText(), 'key refused');
    const { error } = await (
      await fetch(`${stock.url}/metrics`, { headers: { Authorization: 'Bearer no-such-key' } })
    ).json();
    assert.equal(await page.locator('#key-problem').innerText(), error);
    await send(page, 'hello');
    await over(page, 'failed');
    assert.equal(await lastTurn(page).locator('.sentence').innerText(), error);
    await picture(page, 'console-wrong-key');
    await page.locator('#key').fill(`\u00fc${KEY}`);
    await page.getByText('letters, digits and signs of ASCII').waitFor();
    await page.locator('#key').fill(` ${KEY} `);
    await page.getByText('accepted').waitFor();
    await page.getByText('ready', { exact: true }).waitFor();
    await close();
  });

  test('keeps the key in the page, or in the tab when asked to', async () => {
    const { page, asked, close } = await open();
    const stored = () =>
      page.evaluate(() => [{ ...sessionStorage }, { ...localStorage }, document.cookie]);
    await send(page, prompt({ text: 'kept' }));
    await over(page, 'done');
    assert.deepEqual(await stored(), [{}, {}, '']);
    await page.reload();
    await page.getByText('key needed').waitFor();
    await page.locator('#key').fill(KEY);
    await page.locator('#remember').check();
    await page.getByText('accepted').waitFor();
    await page.reload();
    await page.getByText('accepted').waitFor();
    assert.equal(await page.locator('#key').getAttribute('type'), 'password');
    await page.locator('#remember').uncheck();
    assert.deepEqual(await stored(), [{}, {}, '']);
    assert.deepEqual(
      asked.filter((url) => url.includes(KEY)),
      [],
    );
    await close();
  });

  test('finds a gateway that is ill, gone, and back', async () => {
    const { page, close } = await open(stock.url, { key: null });
    await page.getByText('reachable, ').waitFor();
    const check = async (answer) => {
      await page.unrouteAll();
      if (answer) await page.route('**/health', answer);
      await send(page, 'a refusal, after which health is asked for');
      await over(page, 'failed');
    };
    const slots = { active: 1, limit: 3, waiting: 2 };
    const ill = {
      status: 'unhealthy',
      error: 'The CLI is ill.',
      version: '1',
      concurrency: { streaming: slots },
    };
    await check((route) => route.fulfill({ status: 503, json: ill }));
    await page.getByText('The CLI is ill.').waitFor();
    await page.getByText('1 of 3 running, 2 waiting').waitFor();
    await check((route) => route.abort());
    await page.getByText('unreachable', { exact: true }).waitFor();
    assert.equal(await page.locator('#check-gateway').innerText(), `No answer from ${stock.url}`);
    await check((route) => route.fulfill({ status: 404, body: 'What?' }));
    await page.getByText('What answers here is not a gateway.').waitFor();
    await check();
    await page.getByText('reachable, ').waitFor();
    await close();
  });

  test('works below a path of a reverse proxy', async () => {
    const { page, close } = await open(await behindProxy(stock.url, '/deep/er'));
    await send(page, prompt({ text: 'through the proxy' }));
    await over(page, 'done');
    assert.equal(await page.locator('.parts > .text').textContent(), 'through the proxy');
    const reference = await page.getByRole('link', { name: 'API reference' }).getAttribute('href');
    assert.equal(reference, 'docs');
    await close();
  });

  test('of a demo says that answers are made up, and has its key', async () => {
    const demo = await gateway('console-demo', { options: ['--demo'] });
    const { page, close } = await open(demo.url, { key: null });
    await page.getByText('Answers are made up').waitFor();
    await page.getByText('accepted').waitFor();
    await picture(page, 'console-demo');
    await page.getByRole('button', { name: 'An object' }).click();
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await over(page, 'done');
    assert.match(await lastTurn(page).locator('.tree').innerText(), /title: .*\n *summary: /);
    await close();
  });
});

describe('console: answers', () => {
  test('a text comes in pieces, with what it took', async () => {
    const { page, problems, close } = await open();
    await watch(page, '.parts > .text');
    await send(
      page,
      prompt({ text: 'Grüße, one piece after the other. ', repeat: 40, delay_ms: 20 }),
    );
    await page.getByRole('button', { name: 'Stop' }).waitFor();
    await over(page, 'done');
    const texts = await seen(page);
    assert.ok(texts.length > 4, `seen: ${JSON.stringify(texts)}`);
    for (let i = 1; i < texts.length; i++)
      assert.ok(texts[i].startsWith(texts[i - 1]), `${texts[i - 1]} became ${texts[i]}`);
    assert.equal(texts.at(-1), 'Grüße, one piece after the other. '.repeat(40));
    assert.equal(await figure(page, 'Status'), '200');
    assert.match(await figure(page, 'Cost'), /^\$0\.0/);
    assert.match(await figure(page, 'Tokens out'), /^\d/);
    assert.match(await figure(page, 'Total'), /^[\d.]+ m?s$/);
    assert.match(await figure(page, 'First token'), /^[\d.]+ m?s$/);
    assert.equal(await figure(page, 'Model'), 'claude-standin');
    await page.getByRole('button', { name: 'Send', exact: true }).waitFor();
    await picture(page, 'console-text');
    assert.deepEqual(problems, []);
    await close();
  });

  test('a session goes on until another is asked for', async () => {
    const { page, close } = await open();
    const ask = async () => {
      await send(page, prompt({ echo: 'session' }));
      await over(page, 'done');
      return lastTurn(page).locator('.parts > .text').textContent();
    };
    const first = await ask();
    assert.equal(await figure(page, 'Session'), first);
    assert.equal(await ask(), first);
    assert.match(await page.locator('#session-state').innerText(), /^2 turns, \$0\./);
    await page.getByLabel('Continue session').uncheck();
    assert.notEqual(await ask(), first);
    assert.equal(await page.locator('.turn').count(), 3);
    await page.getByRole('button', { name: 'New session' }).click();
    assert.equal(await page.locator('.turn').count(), 0);
    assert.equal(await page.locator('#continue').isVisible(), false);
    await close();
  });

  test('an object grows field by field', async () => {
    const { page, problems, close } = await open();
    await askForObject(page, '{"type": "object"}');
    await watch(page, '.tree');
    const object = {
      title: 'Ada',
      age: 36,
      notes: ['first line\nsecond', null, true],
      inner: { deep: {} },
    };
    await send(page, prompt({ object, delta_bytes: 4, delay_ms: 20 }));
    await page.locator('.tree .new').first().waitFor();
    await over(page, 'done');
    const trees = await seen(page);
    assert.ok(trees.length > 3, `seen: ${JSON.stringify(trees)}`);
    assert.ok(
      trees.some((tree) => tree.includes('title') && !tree.includes('inner')),
      `seen: ${trees}`,
    );
    assert.equal(
      trees.at(-1),
      '{title: Adaage: 36notes: [first line\nsecondnulltrue]inner: {deep: {}}}',
    );
    assert.equal(await page.locator('.tree .new').count(), 0);
    await picture(page, 'console-object');
    const levels = 2000;
    const deep = JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);
    await send(page, prompt({ object: deep, delta_bytes: 100_000 }));
    await over(page, 'done');
    assert.match(await page.locator('.turn').last().locator('.tree').innerText(), /"a":{"a":/);
    await page.locator('#schema').fill('{"type": ');
    await send(page, 'goes nowhere');
    await page.getByText('This is not JSON').waitFor();
    assert.equal(await page.locator('.turn').count(), 2);
    assert.deepEqual(problems, []);
    await close();
  });

  test('an object that begins anew says so', async () => {
    const { page, close } = await open();
    await askForObject(page, '{"type": "object", "required": ["good"]}');
    await send(
      page,
      prompt({ object: { good: 1 }, object_rejects: 1, rejected_object: { bad: 1 } }),
    );
    await over(page, 'done');
    assert.match(await lastTurn(page).locator('.notice').innerText(), / OBJECT_RESTARTED$/);
    assert.equal(await lastTurn(page).locator('.tree').last().innerText(), '{\ngood: 1\n}');
    await close();
  });

  test('tools, thinking and retries are shown as they come', async () => {
    const { page, close } = await open();
    await page.locator('#tools').fill('Bash(echo:*)\n\n Read ');
    const tool = { name: 'Bash', input: { command: 'echo it works' }, run: 'echo it works' };
    await send(page, prompt({ tool, thinking: 'Let me see.', text: 'It does.', retry: 2 }));
    await over(page, 'done');
    const kinds = await page.$$eval('.parts > *', (parts) => parts.map((part) => part.className));
    assert.deepEqual(kinds, ['notice', 'notice', 'tool', 'thinking', 'text']);
    assert.match(
      await page.locator('.notice').last().innerText(),
      /529: retry 2 of 10; again in 0.5 s/,
    );
    assert.equal(await page.locator('.thinking .text').textContent(), 'Let me see.');
    const shown = page.locator('.tool');
    assert.equal(await shown.locator('summary').innerText(), 'Bash\necho it works\ndone');
    await shown.locator('summary').click();
    assert.equal(await shown.locator('pre').last().innerText(), 'it works');
    await picture(page, 'console-tools');
    const events = await rawEvents(page);
    assert.match(
      events,
      /^ +\d\.\d{3} s {2}session .*\n(.*\n)*.* done +\{"code":0,"signal":null\}/,
    );
    await close();
  });

  test('the request is there for curl, without the key', async () => {
    const { page, close } = await open();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const awkward = `It's "$HOME" \\ 'here'\n\u00fc`;
    await page.locator('#system').fill(awkward);
    await page.locator('#tools').fill('Bash(echo:*)\n\n Read ');
    await send(page, prompt({ text: 'hello' }));
    await over(page, 'done');
    await page.getByText('curl', { exact: true }).click();
    await page.getByRole('button', { name: 'Copy', exact: true }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const line = await page.evaluate(() => navigator.clipboard.readText());
    assert.ok(!line.includes(KEY), line);
    const print = `curl() { printf '%s\\0' "$@"; }\n`;
    const env = { CLAUDE_CODE_GATEWAY_API_KEY: 'from the environment' };
    const [, url, , authorization, , , , body] = execFileSync('sh', ['-c', print + line], { env })
      .toString()
      .split('\0');
    assert.equal(url, `${stock.url}/stream`);
    assert.equal(authorization, 'Authorization: Bearer from the environment');
    assert.deepEqual(JSON.parse(body), {
      prompt: prompt({ text: 'hello' }),
      system: awkward,
      allowedTools: ['Bash(echo:*)', 'Read'],
      events: ['tool', 'thinking', 'retry'],
    });
    await close();
  });

  test('what the model says is never read as HTML', async () => {
    const { page, problems, close } = await open();
    const evil = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';
    await page.locator('#tools').fill('Bash');
    const tool = { name: 'Bash', input: { [evil]: evil }, output: evil };
    await send(page, prompt({ tool, thinking: evil, text: evil }));
    await over(page, 'done');
    assert.equal(await page.locator('.parts > .text').textContent(), evil);
    await send(page, prompt({ is_error: { text: evil, api_error_status: 500 } }));
    await over(page, 'failed');
    await askForObject(page, '{"type": "object"}');
    await send(page, prompt({ object: { [evil]: evil } }));
    await over(page, 'done');
    assert.equal(await page.locator('#turns').locator('img, script').count(), 0);
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    assert.deepEqual(problems, []);
    await close();
  });

  test('a hundred thousand events are no burden', async () => {
    const { page, close } = await open();
    await send(page, prompt({ text: 'ten bytes\n', repeat: 100_000, short_result: true }));
    await over(page, 'done');
    const text = await page.$eval('.parts > .text', (part) => part.textContent);
    assert.equal(text.length, 1_000_000);
    const elements = await page.$$eval('.turn *', (all) => all.length);
    assert.ok(elements < 500, `${elements} elements`);
    const lines = (await rawEvents(page)).split('\n');
    assert.ok(lines.length < 1000, `${lines.length} lines`);
    await close();
  });
});

describe('console: page', () => {
  test('is small, asks nobody else, and does nothing that its policy forbids', async () => {
    const { page, asked, problems, close } = await open();
    await send(page, prompt({ text: 'hello' }));
    await over(page, 'done');
    const files = [...new Set(asked)].filter((url) => url.includes('/console'));
    const sizes = await Promise.all(
      files.map(async (url) => (await (await fetch(url)).arrayBuffer()).byteLength),
    );
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    assert.ok(
      files.length > 3 && bytes <= MAXIMUM_BYTES,
      `${bytes} bytes in ${files.length} files`,
    );
    const others = asked.filter(
      (url) => !url.startsWith(`${stock.url}/`) && !url.startsWith('data:'),
    );
    assert.deepEqual(others, []);
    assert.deepEqual(elsewhere, []);
    assert.deepEqual(problems, []);
    await close();
  });

  test('fits a phone, whatever it shows', async () => {
    const unbroken = 'unbroken'.repeat(60);
    for (const viewport of [PHONE, NARROW]) {
      const { page, close } = await open(stock.url, { viewport });
      assert.ok((await overflow(page)) <= 0, `empty: ${await overflow(page)} px too wide`);
      await page.locator('#options summary').click();
      await page.locator('#tools').fill('Bash');
      const tool = { name: 'Bash', input: { command: unbroken }, output: unbroken };
      await send(page, prompt({ tool, text: unbroken, thinking: unbroken }, unbroken));
      await over(page, 'done');
      await page
        .locator('#further')
        .fill(JSON.stringify({ effort: { [unbroken]: 1 }, maxTurns: 0 }));
      await askForObject(page, JSON.stringify({ type: unbroken }));
      await send(page, 'refused');
      await over(page, 'failed');
      await page.locator('#further').fill('');
      await page.locator('#schema').fill('{"type": "object"}');
      await send(page, prompt({ object: { [unbroken]: { [unbroken]: [unbroken] } } }));
      await over(page, 'done');
      await page.evaluate(() =>
        document.querySelectorAll('details').forEach((one) => (one.open = true)),
      );
      assert.ok((await overflow(page)) <= 0, `full: ${await overflow(page)} px too wide`);
      await picture(page, `console-phone-${viewport.width}`);
      await close();
    }
  });

  test('every field has a name, and text its contrast', async () => {
    for (const colorScheme of ['light', 'dark']) {
      const { page, close } = await open(stock.url, { colorScheme });
      await send(page, prompt({ text: 'hello', thinking: 'well', retry: 1 }));
      await over(page, 'done');
      await page.locator('#further').fill('{"maxTokens": -1, "maxTurns": 0}');
      await send(page, 'refused');
      await over(page, 'failed');
      const nameless = await page.$$eval('input, textarea, button, summary', (all) =>
        all
          .filter((one) => !(one.labels?.length || one.textContent.trim()))
          .map((one) => one.outerHTML),
      );
      assert.deepEqual(nameless, []);
      const { worst, where } = await page.evaluate(worstContrast);
      assert.ok(worst >= 4.5, `${colorScheme}: ${worst.toFixed(2)} in ${where}`);
      await picture(page, `console-${colorScheme}`);
      await close();
    }
  });

  test('reads events however the bytes are cut', async () => {
    const { page, close } = await open(stock.url, { key: null });
    const text =
      '\ufeff: hi\r\nevent: ä\rdata: 1\ndata:2\r\n\r\n\ndata\n\nid: 7\nevent: x\n\ndata: 日本😀\n\ndata: lost';
    const wrong = await page.evaluate(readInPieces, text);
    assert.deepEqual(wrong, []);
    await close();
  });
});

// ---- in the page

/** The cuts of the bytes of `text` at which the events come out otherwise. */
async function readInPieces(text) {
  const { readEvents } = await import('/console/sse.js');
  const bytes = new TextEncoder().encode(text);
  const expected = JSON.stringify([
    { comment: 'hi' },
    { name: 'ä', data: '1\n2' },
    { name: 'message', data: '' },
    { name: 'message', data: '日本😀' },
  ]);
  const read = async (pieces) => {
    const events = [];
    const body = new ReadableStream({
      start(controller) {
        pieces.forEach((piece) => controller.enqueue(piece));
        controller.close();
      },
    });
    await readEvents(body, (event) => events.push(event));
    return JSON.stringify(events);
  };
  const wrong = [];
  for (let cut = 0; cut <= bytes.length; cut++) {
    const events = await read([bytes.slice(0, cut), bytes.slice(cut)]);
    if (events !== expected) wrong.push({ cut, events });
  }
  const events = await read([...bytes].map((byte) => Uint8Array.of(byte)));
  if (events !== expected) wrong.push({ cut: 'everywhere', events });
  return wrong;
}

/** The text with the least contrast to what is behind it, by WCAG 2. */
function worstContrast() {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const luminance = (colors) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const color of colors) {
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
    }
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) =>
    element ? [...behind(element.parentElement), getComputedStyle(element).backgroundColor] : [];
  let worst = { worst: Infinity };
  for (const element of document.querySelectorAll('body *')) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!hasText || !element.checkVisibility() || element.disabled) continue;
    const ground = behind(element);
    const [lighter, darker] = [
      luminance(ground),
      luminance([...ground, getComputedStyle(element).color]),
    ].sort((a, b) => b - a);
    const contrast = (lighter + 0.05) / (darker + 0.05);
    if (contrast < worst.worst) worst = { worst: contrast, where: element.outerHTML.slice(0, 80) };
  }
  return worst;
}
