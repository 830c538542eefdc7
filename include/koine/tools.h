/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service "koine.tools/1": the tool policy of a request.
 * The policy is state of the request: the host has already narrowed it to what the gateway and the
 * key allow. A module can narrow it further and never widen it; runner->start uses what is there.
 *
 * Rules are those of the CLI: "Read", "Bash(git:*)", "mcp__server__tool", and "*" in a disallow
 * list. They are compared by what they cover. All functions are [loop], in the state "serving".
 */
#ifndef KOINE_TOOLS_H
#define KOINE_TOOLS_H

#include <koine/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KOINE_TOOLS "koine.tools/1"

/* What judge answers. */
enum {
    KOINE_TOOL_DENIED = 0,
    KOINE_TOOL_ALLOWED = 1,
    KOINE_TOOL_DEPENDS = 2 /* on the input, or on the CLI's own defaults */
};

struct koine_tools {
    uint32_t size;
    uint32_t reserved;

    /*
     * Narrows the request's policy. `allowed`: NULL keeps what is allowed; a list (its count may be
     * 0) leaves what both allow. `disallowed`: added to what is denied; NULL adds nothing.
     * KOINE_OK; KOINE_REFUSED with `failure`: 400 VALIDATION_ERROR names the rule that cannot be
     * read, 400 NO_TOOLS_AVAILABLE when nothing of `allowed` is left; KOINE_GONE;
     * KOINE_WRONG_STATE: a run has started. On refusal the policy is unchanged.
     */
    int32_t (*narrow)(const struct koine_host *host, koine_request request,
                      const struct koine_text *allowed, size_t allowed_count,
                      const struct koine_text *disallowed, size_t disallowed_count,
                      struct koine_failure *failure);

    /* Judges a tool by name ("Bash", "mcp__server__tool"): KOINE_TOOL_…, or KOINE_GONE. */
    int32_t (*judge)(const struct koine_host *host, koine_request request, struct koine_text tool);

    /* The policy as JSON {"allowed":[…] or null,"disallowed":[…]}; lives as long as the request.
     * KOINE_OK, KOINE_GONE, KOINE_NO_MEMORY. */
    int32_t (*effective)(const struct koine_host *host, koine_request request,
                         struct koine_text *json);
};

KOINE_PIN(koine_tools, narrow, 8);
KOINE_PIN(koine_tools, judge, 16);
KOINE_PIN(koine_tools, effective, 24);

#ifdef __cplusplus
}
#endif
#endif
