/* SPDX-License-Identifier: Apache-2.0 */
/* "koine.log/1", "koine.config/1", "koine.metrics/1": what a module tells and is told by the host.
 */
#include "http/server.h"
#include "modules/module.h"
#include "ops/metrics.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- log [any-thread] */

static void log_service_write(const struct koine_host *host, int32_t level, koine_request handle,
                              struct koine_text message) {
    struct module *module = module_of(host);
    struct koine_text id = {0};
    if (handle.id && pthread_equal(pthread_self(), module->worker->loop_thread)) {
        const struct request *request = request_find(module->worker, handle);
        if (request)
            id = request_id_text(request);
    }
    if (level < KOINE_LOG_ERROR)
        level = KOINE_LOG_ERROR;
    log_write(module->worker->log, level, module_name(module), id, message);
}

static int32_t log_service_enabled(const struct koine_host *host, int32_t level) {
    return log_enabled(module_of(host)->worker->log, level);
}

const struct koine_log service_log = {
    .size = sizeof(struct koine_log),
    .write = log_service_write,
    .enabled = log_service_enabled,
};

/* ---- config */

/* The member at a dotted path, or NULL. */
static const json_t *member(const struct module *module, const char *path) {
    const json_t *at = module->settings;
    while (at && path && *path) {
        size_t size = strcspn(path, ".");
        at = json_object_getn(at, path, size);
        path += size + (path[size] == '.');
    }
    return path ? at : NULL;
}

static int32_t config_section(const struct koine_host *host, struct koine_text *json) {
    const struct module *module = module_of(host);
    *json = (struct koine_text){module->settings_text, strlen(module->settings_text)};
    return KOINE_OK;
}

static int32_t config_text(const struct koine_host *host, const char *path,
                           struct koine_text *value) {
    const json_t *at = member(module_of(host), path);
    if (!at)
        return KOINE_NOT_FOUND;
    if (!json_is_string(at))
        return KOINE_INVALID;
    *value = (struct koine_text){json_string_value(at), json_string_length(at)};
    return KOINE_OK;
}

static int32_t config_integer(const struct koine_host *host, const char *path, int64_t *value) {
    const json_t *at = member(module_of(host), path);
    if (!at)
        return KOINE_NOT_FOUND;
    if (!json_is_integer(at))
        return KOINE_INVALID;
    *value = json_integer_value(at);
    return KOINE_OK;
}

static int32_t config_number(const struct koine_host *host, const char *path, double *value) {
    const json_t *at = member(module_of(host), path);
    if (!at)
        return KOINE_NOT_FOUND;
    if (!json_is_number(at))
        return KOINE_INVALID;
    *value = json_number_value(at);
    return KOINE_OK;
}

static int32_t config_boolean(const struct koine_host *host, const char *path, int32_t *value) {
    const json_t *at = member(module_of(host), path);
    if (!at)
        return KOINE_NOT_FOUND;
    if (!json_is_boolean(at))
        return KOINE_INVALID;
    *value = json_is_true(at);
    return KOINE_OK;
}

static int32_t config_state_directory(const struct koine_host *host, struct koine_text *path) {
    struct module *module = module_of(host);
    *path = (struct koine_text){0};
    if (!module->state_directory) {
        char *made = NULL;
        const char *root = module->worker->config->state_directory;
        if (asprintf(&made, "%s/modules", root) < 0)
            return KOINE_NO_MEMORY;
        bool good = mkdir(made, 0700) == 0 || errno == EEXIST;
        free(made);
        if (asprintf(&made, "%s/modules/%s", root, module_name(module)) < 0)
            return KOINE_NO_MEMORY;
        if (!good || (mkdir(made, 0700) && errno != EEXIST)) {
            log_print(module->worker->log, KOINE_LOG_ERROR, module_name(module),
                      "the state directory %s cannot be made: %m", made);
            free(made);
            return KOINE_INVALID;
        }
        module->state_directory = made;
    }
    *path = (struct koine_text){module->state_directory, strlen(module->state_directory)};
    return KOINE_OK;
}

const struct koine_config service_config = {
    .size = sizeof(struct koine_config),
    .section = config_section,
    .text = config_text,
    .integer = config_integer,
    .number = config_number,
    .boolean = config_boolean,
    .state_directory = config_state_directory,
};

/* ---- metrics */

/* Modules may have a '-' in their names, metrics may not. */
static void write_metric_prefix(const struct module *module, char *out, size_t size) {
    snprintf(out, size, "koine_%s_", module_name(module));
    for (char *dash = strchr(out, '-'); dash; dash = strchr(dash, '-'))
        *dash = '_';
}

static int32_t metrics_service_define(const struct koine_host *host,
                                      const struct koine_metric_options *given,
                                      koine_metric *metric) {
    struct module *module = module_of(host);
    struct koine_metric_options options;
    char prefix[64];
    if (!metric || !module_may_call(module, "metrics->define", false))
        return KOINE_WRONG_STATE;
    int32_t result = module_read_struct(&options, sizeof(options), given,
                                        LENGTH_WITH(koine_metric_options, bucket_count));
    if (result != KOINE_OK)
        return result;
    write_metric_prefix(module, prefix, sizeof(prefix));
    return metrics_define(module->worker->metrics, prefix, 1000, &options, &metric->id);
}

static int32_t metrics_service_add(const struct koine_host *host, koine_metric metric,
                                   double value) {
    struct module *module = module_of(host);
    if (!module_may_call(module, "metrics->add", false))
        return KOINE_WRONG_STATE;
    return metrics_add(module->worker->metrics, metric.id, value);
}

static int32_t metrics_service_set(const struct koine_host *host, koine_metric metric,
                                   double value) {
    struct module *module = module_of(host);
    if (!module_may_call(module, "metrics->set", false))
        return KOINE_WRONG_STATE;
    return metrics_set(module->worker->metrics, metric.id, value);
}

const struct koine_metrics service_metrics = {
    .size = sizeof(struct koine_metrics),
    .define = metrics_service_define,
    .add = metrics_service_add,
    .set = metrics_service_set,
};
