// SPDX-License-Identifier: Apache-2.0
// Starting and stopping what a test talks to: gateways with the real CLI, and the stand-in API. They
// end with this process, however that ends.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

export const KEY = 'a-key-for-the-tests';

const START_MS = 60_000;

/** Starts a program that dies with us; resolves when its output matches, with the match. */
function start(program, args, options, output, pattern) {
  const guarded = ['--pdeathsig', 'KILL', program, ...args];
  const child = spawn('setpriv', guarded, options);
  let log = '';
  const matched = new Promise((resolve, reject) => {
    const fail = (what) => reject(new Error(`${program} ${what}; it said:\n${log}`));
    const timer = setTimeout(() => fail(`is not ready within ${START_MS} ms`), START_MS);
    child[output].setEncoding('utf8').on('data', (text) => {
      log += text;
      const match = pattern.exec(log);
      if (match) {
        clearTimeout(timer);
        resolve(match);
      }
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => fail(`ended with ${code ?? signal}`));
  });
  const ended = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
  return { child, matched, ended, log: () => log };
}

/** The stand-in API. */
export async function startApi(build) {
  const program = path.resolve(build, 'tests/standin-api');
  const api = start(
    program,
    [],
    { stdio: ['ignore', 'pipe', 'inherit'] },
    'stdout',
    /PORT (\d+)\n/,
  );
  const [, port] = await api.matched;
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      api.child.kill();
      await api.ended;
    },
  };
}

/** A gateway with the CLI `cli`, with a folder of its own as home and state. */
export async function startGateway({ build, directory, config, cli, api, options = [] }) {
  for (const name of ['home', 'state', 'work', 'tmp']) {
    fs.mkdirSync(path.join(directory, name), { recursive: true, mode: 0o700 });
  }
  const file = path.join(directory, 'gateway.yaml');
  fs.writeFileSync(file, `runner: {command: ${cli}, ${config.runner ?? ''}}\n${config.text}`);
  const env = {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: path.join(directory, 'home'),
    STATE_DIRECTORY: path.join(directory, 'state'),
    LANG: 'C.UTF-8',
    CLAUDE_CODE_GATEWAY_API_KEY: KEY,
    ANTHROPIC_API_KEY: 'sk-ant-for-the-cli',
    ...(api && { ANTHROPIC_BASE_URL: api.url }),
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    CLAUDE_CODE_MAX_RETRIES: '0',
    CLAUDE_CODE_TMPDIR: path.join(directory, 'tmp'),
    DISABLE_TELEMETRY: '1',
    DISABLE_ERROR_REPORTING: '1',
    DISABLE_AUTOUPDATER: '1',
  };
  const program = path.resolve(build, 'koine-gateway');
  const args = ['--listen', '127.0.0.1:0', '--config', file, ...options];
  const cwd = path.join(directory, 'work');
  const spawned = { env, cwd, stdio: ['ignore', 'ignore', 'pipe'] };
  const gateway = start(program, args, spawned, 'stderr', /serving on (http:\/\/127\.0\.0\.1:\d+)/);
  const [, url] = await gateway.matched;
  return {
    url,
    work: cwd,
    log: gateway.log,
    /** Tells it to end, once what it does has ended. */
    terminate() {
      gateway.child.kill();
    },
    /** Resolves when it has ended; throws when it did not end as it should. */
    async join() {
      const code = await gateway.ended;
      const log = gateway.log();
      if (code !== 0 || /; a new one starts|Sanitizer/.test(log)) {
        throw new Error(
          `the gateway ended with ${code}, expected 0 and no crash; its log:\n${log}`,
        );
      }
    },
    async stop() {
      this.terminate();
      await this.join();
    },
  };
}
