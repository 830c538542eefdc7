// SPDX-License-Identifier: Apache-2.0
// GET /console: answers that are stopped, refused, broken or not the gateway's.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, describe } from 'node:test';
import { picture, test } from './browser.mjs';
import { figure, lastTurn, open, over, prompt, send, stock } from './console.mjs';
import { gateway, soon } from './gateways.mjs';

/** A server that has the console of the gateway, and answers what is posted with `answer(response)`. */
async function impostor(answer) {
  const server = http.createServer((request, response) => {
    if (request.method === 'POST') {
      answer(response);
      return;
    }
    const { headers } = request;
    const forwarded = http.get(stock.url + request.url, { headers }, (answered) => {
      response.writeHead(answered.statusCode, answered.rawHeaders);
      answered.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  after(stop);
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}

function stream(response, text) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  response.write(text);
}

describe('console: failures', () => {
  test('stopping ends the run', async () => {
    const { page, close } = await open();
    const streams = (active) => (state) => state.concurrency.streaming.active === active;
    for (const stop of [
      () => page.getByRole('button', { name: 'Stop' }).click(),
      () => page.locator('#prompt').press('Escape'),
    ]) {
      await send(page, prompt({ text: 'Begun, and never ', hang: 'mid_text' }));
      await soon(stock.url, 'a run has a slot', streams(1));
      await stop();
      await over(page, 'stopped');
      await soon(stock.url, 'no run has a slot', streams(0));
    }
    await page.getByRole('button', { name: 'Send', exact: true }).waitFor();
    await close();
  });

  test('a refusal tells what is wrong with which field', async () => {
    const { page, close } = await open();
    await page.locator('#further').fill('{"maxTokens": -1, "maxTurns": 0}');
    await send(page, 'a prompt');
    await over(page, 'failed');
    const issues = await page.locator('.issues li').allInnerTexts();
    assert.equal(issues.length, 2);
    assert.match(issues[0], /^maxTokens must be a positive integer/);
    assert.match(issues[1], /^maxTurns must be a positive integer/);
    assert.match(
      await page.locator('.facts').innerText(),
      /^VALIDATION_ERROR\s+HTTP 400\s+request /,
    );
    assert.equal(await page.locator('#max-tokens').getAttribute('aria-invalid'), 'true');
    assert.equal(await page.locator('#prompt').inputValue(), 'a prompt');
    await picture(page, 'console-issues');
    await close();
  });

  test('a gateway without a free slot says when to come back', async () => {
    const full = await gateway('console-full', { config: 'slots: {streaming: 0}\n' });
    const { page, close } = await open(full.url);
    await send(page, 'a prompt');
    await over(page, 'failed');
    const again = page.getByRole('button', { name: 'Send again' });
    assert.match(await again.innerText(), /^Send again in [1-5] s$/);
    assert.equal(await again.isDisabled(), true);
    assert.match(await page.locator('.facts').innerText(), /^CONCURRENCY_LIMIT_ERROR\s+HTTP 429/);
    await page.getByRole('button', { name: 'Send again', exact: true }).click();
    await page.locator('.turn').nth(1).waitFor();
    await close();
  });

  test('a failure in the stream leaves what came before', async () => {
    const { page, close } = await open();
    await send(page, prompt({ text: 'Begun and ', exit: { code: 3 } }));
    await over(page, 'failed');
    assert.match(await page.locator('.facts').innerText(), /^CLI_EXIT_ERROR/);
    assert.equal(await figure(page, 'CLI ended'), 'exit 3');
    assert.equal(await page.locator('#session').isVisible(), false);
    await close();
  });

  test('a broken stream, a foreign answer and no answer are told apart', async () => {
    const answers = [
      (response) => {
        stream(response, 'event: text\ndata: {"text": "Begun"}\n\nevent: text\ndata: {"te');
        setImmediate(() => response.destroy());
      },
      (response) => response.writeHead(502, { 'Content-Type': 'text/html' }).end('<h1>Bad</h1>'),
    ];
    const between = await impostor((response) => answers.shift()(response));
    const { page, close } = await open(between.url);
    await send(page, 'breaks');
    await over(page, 'failed');
    assert.match(await lastTurn(page).locator('.sentence').innerText(), /no `done` event came/);
    await send(page, 'foreign');
    await over(page, 'failed');
    const sentence = await lastTurn(page).locator('.sentence').innerText();
    assert.equal(sentence, 'This is not an answer of the gateway: <h1>Bad</h1>');
    between.stop();
    await send(page, 'nobody there');
    await over(page, 'failed');
    assert.equal(
      await lastTurn(page).locator('.sentence').innerText(),
      `No answer from ${between.url}`,
    );
    await close();
  });

  test('events that no gateway sends do not hold up the page', async () => {
    const event = (name, data) => `event: ${name}\ndata: ${data}\n\n`;
    const answers = [
      event('text', '{"text":"All"}') + event('text', '{'),
      event('text', '{"text":"All"}') + event('partial-object', '}'),
      event('text', '{"text":"All"}') + event('tool', '{"phase":"ended","output":[null]}'),
    ];
    const between = await impostor((response) =>
      stream(response, answers.shift() + event('done', '{"code":0,"signal":null}')),
    );
    const { page, problems, close } = await open(between.url);
    while (answers.length) {
      await send(page, 'a prompt');
      await over(page, 'failed');
      assert.equal(await lastTurn(page).locator('.text').textContent(), 'All');
      await page.getByRole('button', { name: 'Send', exact: true }).waitFor();
    }
    assert.deepEqual(problems, []);
    await close();
  });

  test('what follows `done` is nothing', async () => {
    const between = await impostor((response) =>
      stream(
        response,
        ': hello\r\nevent: text\r\ndata: {"text":\r\ndata: "All"}\r\n\r\n' +
          'event: done\ndata: {"code":0,"signal":null}\n\nevent: text\ndata: {"text":" and more"}\n\n',
      ),
    );
    const { page, close } = await open(between.url);
    await send(page, 'a prompt');
    await over(page, 'done');
    assert.equal(await page.locator('.parts').textContent(), 'All');
    await close();
  });
});
