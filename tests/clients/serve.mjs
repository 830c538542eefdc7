// SPDX-License-Identifier: Apache-2.0
// Starts the stand-in API and the gateways, runs the test files in one process against them, stops
// everything. Arguments: a scratch folder, the build folder, the two CLIs, names of test files.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { KEY, startApi, startGateway } from './gateway.mjs';

const [scratch, build, cli, olderCli, ...names] = process.argv.slice(2);

const MODELS = `{gpt-4o: claude-sonnet-4-6, fast: claude-haiku-4-5}`;
const MODULES = `
modules:
  settings:
    openai: {models: ${MODELS}}
    anthropic: {models: ${MODELS}}
`;

// Most tests share the first. `narrow` has one slot of each kind, and forgets what waits at once.
const GATEWAYS = {
  wide: {
    cli,
    text: `pool: {max_processes: 6, warm: 0}\nslots: {streaming: 8, nonstreaming: 8}${MODULES}`,
  },
  narrow: {
    cli,
    text: `pool: {warm: 0}\nslots: {streaming: 1, nonstreaming: 1}${MODULES}`,
    runner: 'parked_timeout_ms: 200',
  },
  older: { cli: olderCli, text: `pool: {warm: 0}${MODULES}` },
};

const folder = path.dirname(process.argv[1]);
const known = fs
  .readdirSync(folder)
  .filter((file) => file.endsWith('.test.mjs'))
  .sort();
const files = names.length ? names.map((name) => `${name}.test.mjs`) : known;
const unknown = files.filter((file) => !known.includes(file));
if (unknown.length) {
  console.error(`tests/clients: no such test: ${unknown}; there are ${known}`);
  process.exit(2);
}

/** Runs the tests; resolves to their exit status. */
function runTests(api, gateways) {
  // One process for all files: starting node and loading the clients takes longer than most tests.
  const main = path.join(folder, 'all.mjs');
  fs.writeFileSync(main, files.map((file) => `import './${file}';\n`).join(''));
  const urls = Object.entries(gateways).map(([name, gateway]) => [name, gateway.url]);
  const env = {
    PATH: process.env.PATH,
    HOME: scratch,
    TMPDIR: scratch,
    LANG: 'C.UTF-8',
    KOINE_KEY: KEY,
    KOINE_API: api.url,
    KOINE_GATEWAYS: JSON.stringify(Object.fromEntries(urls)),
  };
  const reporter = [
    '--test-reporter',
    path.join(folder, 'reporter.mjs'),
    '--test-reporter-destination',
    'stdout',
  ];
  const options = { cwd: folder, env, stdio: ['ignore', 'inherit', 'inherit'] };
  const child = spawn(process.execPath, [...reporter, main], options);
  process.on('SIGTERM', () => child.kill('SIGKILL'));
  return new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
}

const api = await startApi(build);
const gateways = {};
let status = 1;
try {
  for (const [name, { cli: command, text, runner }] of Object.entries(GATEWAYS)) {
    const directory = path.join(scratch, name);
    gateways[name] = await startGateway({
      build,
      directory,
      api,
      cli: command,
      config: { text, runner },
    });
  }
  status = await runTests(api, gateways);
} finally {
  for (const gateway of Object.values(gateways)) {
    await gateway.stop().catch((error) => {
      console.error(error.message);
      status = 1;
    });
    if (process.env.KOINE_LOG) console.error(gateway.log());
  }
  await api.stop();
}
process.exit(status);
