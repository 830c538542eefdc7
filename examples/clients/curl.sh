#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each endpoint once, with curl. Needs the gateway's key:
#   CLAUDE_CODE_GATEWAY_API_KEY=… examples/clients/curl.sh [http://127.0.0.1:3100]
set -eu
url=${1:-http://127.0.0.1:3100}
key=${CLAUDE_CODE_GATEWAY_API_KEY:?is not set: it is the key that the gateway was started with}

post() { # PATH BODY; -N shows events as they come
    echo "--- POST $1"
    curl -sSN --fail-with-body "$url$1" -H "Authorization: Bearer $key" \
        -H 'Content-Type: application/json' -d "$2"
    echo
}

post /generate-text '{"prompt": "Say hello in one word."}'

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
