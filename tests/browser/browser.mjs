// SPDX-License-Identifier: Apache-2.0
// Visits an address with Chromium and tells what the page asked for, of whom, and what went wrong
// in it. Knows nothing of what is on the pages.
import http from 'node:http';
import path from 'node:path';
import nodeTest, { after } from 'node:test';
import { chromium } from 'playwright-core';
import { build } from './gateways.mjs';

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

// For a machine that is busy with other tests.
const TEST_MS = 180_000;
const WAIT_MS = 30_000;

export function test(name, fn) {
  nodeTest(name, { timeout: TEST_MS }, fn);
}

// ---- everybody else

const elsewhere = [];
const recorder = http.createServer((request, response) => {
  elsewhere.push(`${request.method} ${request.url}`);
  response.writeHead(502).end();
});
recorder.on('connect', (request, socket) => {
  elsewhere.push(`CONNECT ${request.url}`);
  socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
});
await new Promise((resolve) => recorder.listen(0, '127.0.0.1', resolve));

/**
 * What pages and their workers have asked of other hosts than this one. The browser reaches those
 * through a proxy, which is this recorder: there is no way around it.
 */
export { elsewhere };

const browser = await chromium.launch({
  executablePath: process.env.KOINE_CHROMIUM,
  // The browser asks somebody what the fields of a form mean; that is not of the page.
  args: ['--autofill-server-url=http://127.0.0.1:9/'],
});

after(async () => {
  await browser.close();
  recorder.close();
});

// ---- a visit

/** Violations of the page's policy go to the console, those that a script catches included. */
function watchPolicy(page) {
  return page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (violation) =>
      console.error(`policy: ${violation.violatedDirective}: ${violation.blockedURI}`),
    );
  });
}

/** Adds up what came over the wire, headers included. */
async function countBytes(context, page) {
  const session = await context.newCDPSession(page);
  const counted = { bytes: 0 };
  session.on('Network.loadingFinished', ({ encodedDataLength }) => {
    counted.bytes += encodedDataLength;
  });
  await session.send('Network.enable');
  return counted;
}

/**
 * A new person opens `address`. `prepare(page)` runs before the page does.
 * `asked`: addresses; `problems`: errors and warnings in the console, exceptions, what the policy
 * of the page has refused.
 */
export async function visit(address, options = {}) {
  const { viewport = DESKTOP, colorScheme = 'light', javaScriptEnabled = true, prepare } = options;
  const context = await browser.newContext({
    viewport,
    colorScheme,
    javaScriptEnabled,
    proxy: { server: `http://127.0.0.1:${recorder.address().port}`, bypass: '127.0.0.1' },
  });
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  const asked = [];
  const problems = [];
  context.on('request', (request) => asked.push(request.url()));
  page.on('pageerror', (error) => problems.push(`exception: ${error.message}`));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()))
      problems.push(`${message.type()}: ${message.text()}`);
  });
  await watchPolicy(page);
  const counted = await countBytes(context, page);
  await prepare?.(page);
  await page.goto(address);
  return {
    page,
    asked,
    problems,
    bytes: () => counted.bytes,
    close: () => context.close(),
  };
}

// ---- what is seen

/** By how many pixels the page is wider than its window. */
export function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}

/** When the browser first painted text or a picture, in ms after the visit began. */
export async function firstPaint(page) {
  const entry = await page.waitForFunction(
    () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
  );
  return entry.jsonValue();
}

/** A picture for people: BUILD/browser/NAME.png. */
export function picture(page, name) {
  return page.screenshot({ path: path.join(build, 'browser', `${name}.png`) });
}

export function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
