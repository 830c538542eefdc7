// SPDX-License-Identifier: Apache-2.0
// Reads what tests/support/exchange_record.c has written.
import fs from 'node:fs';
import path from 'node:path';

/** Every exchange of a folder, file by file. */
export function* readFolder(folder) {
  for (const name of fs.readdirSync(folder).sort()) {
    yield* readRecords(fs.readFileSync(path.join(folder, name)), name);
  }
}

function* readRecords(bytes, test) {
  let at = 0;
  while (at < bytes.length) {
    const feed = bytes.indexOf(10, at);
    const line = bytes.toString('latin1', at, feed);
    const match = /^exchange (\d+) (\d+) (\d+) (\d+) (cut|whole)$/.exec(line);
    if (!match) throw new Error(`${test}: no record at byte ${at}: ${line.slice(0, 200)}`);
    at = feed + 1;
    const parts = match.slice(1, 5).map((size) => {
      const part = bytes.subarray(at, at + Number(size));
      at += Number(size);
      return part;
    });
    at += 1;
    yield exchange(test, parts, match[5] === 'cut');
  }
}

function exchange(test, [request, asked, head, body], cut) {
  const [line, headers] = readHead(request.toString('latin1'));
  const [, method, target] = /^(\S+) (\/\S*) HTTP\/1\.[01]$/.exec(line) ?? [];
  const [statusLine, answerHeaders] = readHead(head.toString('latin1'));
  return {
    test,
    method,
    target,
    request: headers,
    asked: asked.toString('utf8'),
    status: Number(statusLine.split(' ')[1]),
    headers: answerHeaders,
    body: body.toString('utf8'),
    cut,
  };
}

function readHead(text) {
  const [first, ...lines] = text.split('\r\n');
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return [first, headers];
}
