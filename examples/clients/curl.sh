#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each endpoint once, with curl:
#   KOINE_URL=http://127.0.0.1:3100 CLAUDE_CODE_GATEWAY_API_KEY=… examples/clients/curl.sh
# Without a key it takes that of `koine-gateway --demo`.
set -eu
url=${1:-${KOINE_URL:-http://127.0.0.1:3100}}
key=${CLAUDE_CODE_GATEWAY_API_KEY-koine-demo}

# -N shows events as they come; --retry waits as Retry-After says when the gateway is busy (429).
post() { # PATH BODY
    echo "--- POST $1" >&2
    curl -sSN --fail-with-body --retry 2 -w '\n' "$url$1" -H "Authorization: Bearer $key" \
        -H 'Content-Type: application/json' -d "$2"
}

answer=$(post /generate-text '{"prompt": "Say hello in one word."}') || {
    echo "$answer"
    exit 1
}
echo "$answer"

# The conversation goes on.
session=$(echo "$answer" | sed 's/.*"sessionId":"\([^"]*\)".*/\1/')
post /generate-text '{"prompt": "And in French?", "sessionId": "'"$session"'"}'

post /generate-object '{
    "prompt": "Invent a person.",
    "schema": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
        "required": ["name", "age"]
    }
}'

# session, text, text, …, result, done
post /stream '{"prompt": "Count from one to five.", "events": ["tool", "thinking"]}'

# session, object-delta, …, object, result, done; without "partials" each event holds all so far
post /stream-object '{
    "prompt": "Invent three people.",
    "partials": "delta",
    "schema": {
        "type": "object",
        "properties": {
            "people": {
                "type": "array",
                "items": {"type": "object", "properties": {"name": {"type": "string"}}}
            }
        },
        "required": ["people"]
    }
}'

# An error says what is wrong, and where.
post /generate-object '{"prompt": 5, "schema": {"type": "objekt"}}' || echo "(refused, as it should be)"
