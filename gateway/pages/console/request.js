// SPDX-License-Identifier: Apache-2.0
// The form as the request that it means: path and body. Sends nothing.

/** A JSON object written by hand, or what is wrong with it. */
export function readObject(text) {
  try {
    const value = JSON.parse(text);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return { value };
    return { problem: 'This must be a JSON object, such as {"type": "object"}.' };
  } catch (error) {
    return { problem: `This is not JSON: ${error.message}` };
  }
}

function lines(text) {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}

/** Only what was filled in: what is left out is the gateway's choice. */
function optional(fields) {
  const body = {};
  if (fields.get('model').trim()) body.model = fields.get('model').trim();
  if (fields.get('system').trim()) body.system = fields.get('system');
  if (fields.has('noTools')) body.disallowedTools = ['*'];
  else if (fields.get('allowedTools').trim()) body.allowedTools = lines(fields.get('allowedTools'));
  if (fields.get('maxTokens')) body.maxTokens = Number(fields.get('maxTokens'));
  if (fields.has('events')) body.events = fields.getAll('events');
  return body;
}

/** { path, body }, or { problems } by the name of the field. `fields`: FormData of the form. */
export function readRequest(fields, sessionId) {
  const asObject = fields.get('answer') === 'object';
  const problems = {};
  const body = { prompt: fields.get('prompt') };
  if (asObject) {
    const { value, problem } = readObject(fields.get('schema'));
    body.schema = value;
    if (problem) problems.schema = problem;
  }
  if (sessionId) body.sessionId = sessionId;
  Object.assign(body, optional(fields));
  if (fields.get('further').trim()) {
    const { value, problem } = readObject(fields.get('further'));
    Object.assign(body, value);
    if (problem) problems.further = problem;
  }
  if (Object.keys(problems).length) return { problems };
  return { path: asObject ? '/stream-object' : '/stream', body };
}
