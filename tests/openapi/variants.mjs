// SPDX-License-Identifier: Apache-2.0
// The documents of gateways that serve something else than the stock modules: they are as valid.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { ownProblems, redoclyProblems } from './lint.mjs';
import { closedValidator } from './schemas.mjs';

/** Paths of the modules of a folder; an example whose compiler is not here was not built. */
function modulesIn(folder) {
  if (!fs.existsSync(folder)) return [];
  const names = fs.readdirSync(folder).filter((name) => name.endsWith('.so'));
  return names.sort().map((name) => path.resolve(folder, name));
}

function variants(build, scratch) {
  const module = (name) => path.resolve(build, 'modules', `${name}.so`);
  const examples = modulesIn(path.join(build, 'examples/modules'));
  const others = examples.filter((file) => !/sql-tool/.test(file)); // it wants a database
  return [
    ['one of two dialects', [module('anthropic')], ''],
    [
      'modules of third parties',
      [...modulesIn(path.join(build, 'modules')), ...others],
      `, settings: {thread: {directory: ${scratch}}}`,
    ],
  ];
}

/** Problems of each variant; `top`: of the checkout. */
export async function variantProblems(top, build, scratch) {
  const problems = [];
  for (const [name, modules, more] of variants(build, scratch)) {
    const config = path.join(scratch, 'variant.yaml');
    const file = path.join(scratch, 'variant-openapi.yaml');
    fs.writeFileSync(config, `modules: {load: [${modules.join(', ')}]${more}}\n`);
    const program = path.resolve(build, 'koine-gateway');
    fs.writeFileSync(file, execFileSync(program, ['--openapi', '--config', config]));
    const document = parse(fs.readFileSync(file, 'utf8'));
    const found = [
      ...(await redoclyProblems(top, file, { partial: true })),
      ...ownProblems(document, closedValidator(document)),
    ];
    problems.push(...found.map((problem) => `${name}: ${problem}`));
  }
  return problems;
}
