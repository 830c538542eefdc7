// SPDX-License-Identifier: Apache-2.0
// The gateways that the pages are asked of: with the stand-in CLI, each with a folder of its own.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after } from 'node:test';
import { startGateway } from './gateway.mjs';

export { KEY } from './gateway.mjs';

export const build = process.env.KOINE_BUILD;
const scratch = process.env.KOINE_SCRATCH;

const SOON_MS = 30_000;

/** A gateway that ends after the tests. `config`: YAML; `options`: more for the command line. */
export async function gateway(name, { config = '', options = [], folder = build } = {}) {
  const started = await startGateway({
    build: folder,
    directory: path.join(scratch, name),
    config: { text: config },
    cli: path.join(build, 'tests/standin-cli'),
    options,
  });
  after(async () => {
    const early = started.log().includes('SIGTERM');
    await started.stop();
    if (early) console.error(`${name} was told to end before the tests had ended`);
    if (early || process.env.KOINE_LOG) console.error(started.log());
  });
  return started;
}

/** A folder that holds the program and nothing beside it. */
export function bareFolder(name) {
  const folder = path.join(scratch, name);
  fs.mkdirSync(folder);
  fs.copyFileSync(path.join(build, 'koine-gateway'), path.join(folder, 'koine-gateway'));
  return folder;
}

/** Resolves when `holds` does for the health of the gateway at `url`. */
export async function soon(url, what, holds) {
  const end = Date.now() + SOON_MS;
  for (;;) {
    const state = await (await fetch(`${url}/health`)).json();
    if (holds(state)) return;
    if (Date.now() > end)
      throw new Error(`not within ${SOON_MS} ms: ${what}; /health says ${JSON.stringify(state)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A reverse proxy that has the gateway at `url` below `prefix`, and nothing else. */
export async function behindProxy(url, prefix) {
  const server = http.createServer((request, response) => {
    if (!request.url.startsWith(`${prefix}/`)) {
      response.writeHead(404).end();
      return;
    }
    const { method, headers } = request;
    const target = url + request.url.slice(prefix.length);
    const forwarded = http.request(target, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      answer.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    response.on('close', () => forwarded.destroy());
    request.pipe(forwarded);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}${prefix}`;
}
