/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles of the configuration as a request may use them: which one a name means, whether its key
 * may have it, and whether the CLI would find the credentials that it needs.
 */
#ifndef RUNNER_CLI_PROFILE_H
#define RUNNER_CLI_PROFILE_H

#include "http/request.h"

/* NULL: there is none of this name. */
const struct config_profile *cli_profile_named(const struct config *config, struct koine_text name);

/* Of a key that may use some only, the first of them. */
struct koine_text cli_profile_default(const struct key *key);

/* The profile of a request; no name: the key's default. NULL with `failure` filled. */
const struct config_profile *cli_profile_choose(struct request *request, struct koine_text name,
                                                struct koine_failure *failure);

/*
 * KOINE_REFUSED with `failure` when the profile holds --bare, which reads no login, and neither the
 * CLI's environment nor the profile's own --settings names another credential. What files of the
 * CLI's user hold is not looked at.
 */
int32_t cli_profile_check(struct request *request, const struct config_profile *profile,
                          struct koine_failure *failure);

#endif
