// SPDX-License-Identifier: Apache-2.0
// Runs the parts one after the other and prints what each found. Arguments: the top of the checkout,
// the build folder, a scratch folder, and perhaps the folder of records.
import path from 'node:path';
import { codeProblems, settingProblems } from './codes.mjs';
import { load, loadWithExamples } from './document.mjs';
import { Exchanges, promiseProblems } from './exchanges.mjs';
import { exampleProblems, oldSentences } from './examples.mjs';
import { Judge } from './judge.mjs';
import { fieldProblems } from './fields.mjs';
import { missingRefusals, ownProblems, redoclyProblems } from './lint.mjs';
import { Live } from './live.mjs';
import { selfProblems } from './self.mjs';
import { variantProblems } from './variants.mjs';

const SHOWN = 40;
const [top, build, scratch, records] = process.argv.slice(2);
const file = path.join(top, 'openapi.yaml');
let failed = 0;

function report(title, problems) {
  if (problems.length === 0) return;
  failed += problems.length;
  console.log(`${title}: ${problems.length}`);
  for (const problem of problems.slice(0, SHOWN)) console.log(`  ${problem}`);
  if (problems.length > SHOWN) console.log('  …');
}

const document = load(file);
const all = loadWithExamples(top);
const judge = new Judge(all);
const stock = judge.operations.filter(({ template }) => template in document.paths);

report('the checkers themselves', selfProblems(document));
report('openapi.yaml, by Redocly', await redoclyProblems(top, file));
report('openapi.yaml and the fragments of examples/modules', [
  ...ownProblems(all, judge.answers),
  ...fieldProblems(all, judge.requests),
  ...missingRefusals(document, stock),
]);

report('documents of other gateways', await variantProblems(top, build, scratch));

const live = new Live(judge, { build, scratch });
await live.run(stock);
console.log(`${live.sent} requests to live gateways, of ${stock.length} operations`);
report('live gateways', live.findings);

if (records) {
  const exchanges = new Exchanges(top, judge);
  exchanges.readAll(records);
  for (const line of exchanges.summary()) console.log(line);
  report('answers that do not fit the document', exchanges.problems());
  report('promises of the document', promiseProblems(exchanges.notes, judge, stock));
  report('examples', exampleProblems(judge));
  const old = oldSentences(judge);
  if (old.length > 0) console.log(`not said by any gateway, but in examples: ${old.join(' | ')}`);
}
report('settings', settingProblems(top, all));
report('codes', codeProblems(top, document, records ? judge.codes : new Map()));
process.exit(failed > 0 ? 1 : 0);
