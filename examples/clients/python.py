#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The gateway from Python, with nothing but its standard library.

    KOINE_URL=http://127.0.0.1:3100 CLAUDE_CODE_GATEWAY_API_KEY=… examples/clients/python.py

Without a key it takes that of `koine-gateway --demo`. Copy what is above main().
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

URL = os.environ.get("KOINE_URL", "http://127.0.0.1:3100")
KEY = os.environ.get("CLAUDE_CODE_GATEWAY_API_KEY", "koine-demo")


class GatewayError(Exception):
    """What the gateway refused or could not do: status (0 within a stream), code, sentence."""

    def __init__(self, status, answer):
        self.status = status
        self.code = answer.get("code", "?")
        self.issues = answer.get("issues", [])
        super().__init__(f"{status or 'stream'} {self.code}: {answer.get('error', '?')}")

    @classmethod
    def of(cls, refusal):
        try:
            return cls(refusal.code, json.load(refusal))
        except ValueError:  # not the gateway's: a proxy answers HTML
            return cls(refusal.code, {"error": refusal.reason})


def post(path, body, tries=3):
    """Sends JSON and gives the answer, still open. When the gateway is busy it waits as told."""
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    request = urllib.request.Request(URL + path, json.dumps(body).encode(), headers)
    for left in reversed(range(tries)):
        try:
            return urllib.request.urlopen(request, timeout=600)
        except urllib.error.HTTPError as refusal:
            with refusal:
                if refusal.code != 429 or left == 0:
                    raise GatewayError.of(refusal) from None
                wait_s = int(refusal.headers.get("Retry-After", 5))
            print(f"(busy: trying again in {wait_s} s)", file=sys.stderr)
            time.sleep(wait_s)


def ask(path, body):
    """A whole answer."""
    with post(path, body) as answer:
        return json.load(answer)


def events(path, body):
    """The events of a stream as they come: (name, data)."""
    name, data = "", []
    with post(path, body) as lines:
        for line in lines:
            field, _, value = line.decode().rstrip("\r\n").partition(":")
            if field == "event":
                name = value.removeprefix(" ")
            elif field == "data":
                data.append(value.removeprefix(" "))
            elif field == "" and not value and data:  # an empty line; ": …" is a comment
                event = json.loads("\n".join(data))
                if name == "error":
                    raise GatewayError(0, event)
                yield name, event
                if name == "done":
                    return
                name, data = "", []
    raise GatewayError(0, {"code": "CUT", "error": "the stream ended before its event done"})


def main():
    print("--- a text")
    answer = ask("/generate-text", {"prompt": "Say hello."})
    print(answer["text"])

    print("--- the conversation goes on")
    more = {"prompt": "Say it in French.", "sessionId": answer["sessionId"]}
    print(ask("/generate-text", more)["text"])

    print("--- a stream")
    for name, data in events("/stream", {"prompt": "Count from one to five."}):
        if name == "text":
            print(data["text"], end="", flush=True)
        elif name == "result":
            print(f"\n({data['usage']['totalTokens']} tokens, {data['costUsd']:.4f} USD)")

    print("--- an object")
    person = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
        "required": ["name", "age"],
    }
    print(ask("/generate-object", {"prompt": "Invent a person.", "schema": person})["object"])

    print("--- an error")
    try:
        ask("/generate-text", {"prompt": 5})
    except GatewayError as error:
        print(error)
        for issue in error.issues:
            print(" ", ".".join(map(str, issue["path"])), issue["message"])


if __name__ == "__main__":
    try:
        main()
    except GatewayError as error:
        sys.exit(f"error: {error}")
    except urllib.error.URLError as error:
        sys.exit(f"error: no gateway at {URL}: {error.reason}")
