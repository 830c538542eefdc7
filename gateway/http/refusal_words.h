/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person reads whose request is refused: what was wrong, and who mends it how. One place, so
 * that the gateway and the host that modules are tested with say the same. Sentences that name the
 * path or a limit are made in refusal_text.c. No sentence holds a key (but the one that
 * is no secret, of the demo), a path of this machine, or text of the CLI.
 */
#ifndef HTTP_REFUSAL_WORDS_H
#define HTTP_REFUSAL_WORDS_H

#define REFUSAL_WHICH_KEY                                                                          \
    "\"; KEY is the value of CLAUDE_CODE_GATEWAY_API_KEY where the gateway runs, or another key "  \
    "of its configuration."
#define REFUSAL_BEARER_WANTED                                                                      \
    "A key is needed: send the header \"Authorization: Bearer KEY" REFUSAL_WHICH_KEY
#define REFUSAL_X_API_KEY_WANTED                                                                   \
    "A key is needed: send the header \"X-Api-Key: KEY" REFUSAL_WHICH_KEY
#define REFUSAL_WRONG_KEY                                                                          \
    "This key is not known here: compare it, to the last character, with "                         \
    "CLAUDE_CODE_GATEWAY_API_KEY where the gateway runs, or with the keys of its configuration. "  \
    "A key of Anthropic's is not meant."
#define REFUSAL_DEMO_KEY                                                                           \
    "This is a demo, and its key is koine-demo: send the header \"Authorization: Bearer "          \
    "koine-demo\"."
#define REFUSAL_ROUTE_OF_KEY                                                                       \
    "This key may not use this route: use another key, or have the path added to the key's "       \
    "\"routes\" in the gateway's configuration."
#define REFUSAL_PROFILE_OF_KEY                                                                     \
    "This key may not use this profile: name another one, or have it added to the key's "          \
    "\"profiles\" in the gateway's configuration."
/* Completes "profile: …". */
#define REFUSAL_UNKNOWN_PROFILE                                                                    \
    "is no profile of this gateway's configuration: its operator defines them under \"profiles\""
#define REFUSAL_NO_TOOLS                                                                           \
    "None of the requested tools may be used here: the policy of this gateway and of this key "    \
    "leaves nothing of allowedTools. Ask for other tools; \"disallowedTools\": [\"*\"] asks for "  \
    "an answer without any."
#define REFUSAL_NO_SESSION                                                                         \
    "There is no session with this sessionId for this key: it was begun with another key, or is "  \
    "no longer kept. Leave sessionId out to begin a new one."
#define REFUSAL_SESSION_BUSY                                                                       \
    "Another request of this session is still running: send this one when that one has ended, or " \
    "have requests wait (sessions.wait_ms in the gateway's configuration)."
#define REFUSAL_NO_OBJECT                                                                          \
    " no object that fits the schema: see whether the prompt can be answered in this form, or "    \
    "make the schema simpler."
/* %s: what took too long, and the setting that limits it. */
#define REFUSAL_TIMEOUT "No result in time: %s took too long."
#define REFUSAL_SHUTTING_DOWN                                                                      \
    "The gateway is shutting down and takes no new work: send the request again in a few seconds."
#define REFUSAL_ENDED_BY_SHUTDOWN                                                                  \
    "The gateway is shutting down and has ended this request: send it again in a few seconds."
#define REFUSAL_NO_MEMORY                                                                          \
    "The gateway is out of memory: send the request again later; if this goes on, give the "       \
    "machine more memory or lower pool.max_processes."

#endif
