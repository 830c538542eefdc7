/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles of the configuration as a request may use them. */
#include "runner/cli_profile.h"

#include "http/refusal_words.h"
#include "http/server.h"
#include "runner/cli_command.h"
#include "runner/cli_settings.h"
#include <string.h>

/* What --bare takes in place of a login; the last three stand for a cloud's own credentials. */
static const char *const credentials[] = {
    "ANTHROPIC_API_KEY",      "ANTHROPIC_AUTH_TOKEN",    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY",
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

const struct config_profile *cli_profile_named(const struct config *config,
                                               struct koine_text name) {
    for (size_t i = 0; i < config->profile_count; i++) {
        const struct config_profile *profile = &config->profiles[i];
        if (strlen(profile->name) == name.size && memcmp(profile->name, name.data, name.size) == 0)
            return profile;
    }
    return NULL;
}

struct koine_text cli_profile_default(const struct key *key) {
    const char *name = key && key->config->profiles.count ? key->config->profiles.items[0] : "full";
    return (struct koine_text){name, strlen(name)};
}

const struct config_profile *cli_profile_choose(struct request *request, struct koine_text name,
                                                struct koine_failure *failure) {
    if (!name.data)
        name = cli_profile_default(request->key);
    const struct config_profile *profile = cli_profile_named(request->worker->config, name);
    if (!profile) {
        failure_issue(request, failure, "profile", REFUSAL_UNKNOWN_PROFILE);
        return NULL;
    }
    if (!request->key || key_may_use_profile(request->key, name))
        return profile;
    failure_set(failure, 403, "AUTH_ERROR", REFUSAL_PROFILE_OF_KEY);
    return NULL;
}

/* ---- credentials */

static bool is_in_environment(const struct worker *worker) {
    for (size_t i = 0; i < COUNT(credentials); i++) {
        const char *value =
            cli_command_variable(worker->config, worker->environment, credentials[i]);
        if (value && *value)
            return true;
    }
    return false;
}

int32_t cli_profile_check(struct request *request, const struct config_profile *profile,
                          struct koine_failure *failure) {
    static const char settings[] = "--settings=";
    bool is_bare = false, has_credential = is_in_environment(request->worker);
    for (size_t i = 0; i < profile->flags.count; i++) {
        const char *flag = profile->flags.items[i];
        is_bare = is_bare || strcmp(flag, "--bare") == 0;
        if (strncmp(flag, settings, sizeof(settings) - 1) == 0)
            has_credential =
                has_credential || cli_settings_have_credential(flag + sizeof(settings) - 1,
                                                               credentials, COUNT(credentials));
    }
    if (!is_bare || has_credential)
        return KOINE_OK;
    return failure_print(
        request, failure, 503, "UNAVAILABLE",
        "The profile %s needs ANTHROPIC_API_KEY in the gateway's environment (--bare "
        "takes no login): set it there and start the gateway again.",
        profile->name);
}
