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
    if (!module_text_is_sane(module, "log->write", message))
        return;
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
    struct module *module = module_of(host);
    if (!module_may_call(module, "config->section", false))
        return KOINE_WRONG_STATE;
    if (!json)
        return module_invalid(module, "config->section", "json must be given");
    *json = (struct koine_text){module->settings_text, strlen(module->settings_text)};
    return KOINE_OK;
}

/* KOINE_OK with the member, or why there is none. Another type is no mistake of the module's. */
static int32_t find_member(const struct koine_host *host, const char *call, const char *path,
                           const void *value, const json_t **at) {
    struct module *module = module_of(host);
    if (!module_may_call(module, call, false))
        return KOINE_WRONG_STATE;
    if (!value) {
        module_invalid(module, call, "value must be given");
        return KOINE_INVALID;
    }
    *at = member(module, path);
    return *at ? KOINE_OK : KOINE_NOT_FOUND;
}

static int32_t config_text(const struct koine_host *host, const char *path,
                           struct koine_text *value) {
    const json_t *at;
    int32_t result = find_member(host, "config->text", path, value, &at);
    if (result != KOINE_OK)
        return result;
    if (!json_is_string(at))
        return KOINE_INVALID;
    *value = (struct koine_text){json_string_value(at), json_string_length(at)};
    return KOINE_OK;
}

static int32_t config_integer(const struct koine_host *host, const char *path, int64_t *value) {
    const json_t *at;
    int32_t result = find_member(host, "config->integer", path, value, &at);
    if (result != KOINE_OK)
        return result;
    if (!json_is_integer(at))
        return KOINE_INVALID;
    *value = json_integer_value(at);
    return KOINE_OK;
}

static int32_t config_number(const struct koine_host *host, const char *path, double *value) {
    const json_t *at;
    int32_t result = find_member(host, "config->number", path, value, &at);
    if (result != KOINE_OK)
        return result;
    if (!json_is_number(at))
        return KOINE_INVALID;
    *value = json_number_value(at);
    return KOINE_OK;
}

static int32_t config_boolean(const struct koine_host *host, const char *path, int32_t *value) {
    const json_t *at;
    int32_t result = find_member(host, "config->boolean", path, value, &at);
    if (result != KOINE_OK)
        return result;
    if (!json_is_boolean(at))
        return KOINE_INVALID;
    *value = json_is_true(at);
    return KOINE_OK;
}

static int32_t config_state_directory(const struct koine_host *host, struct koine_text *path) {
    struct module *module = module_of(host);
    if (!module_may_call(module, "config->state_directory", false))
        return KOINE_WRONG_STATE;
    if (!path)
        return module_invalid(module, "config->state_directory", "path must be given");
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

/* ---- metrics: a handle is kind | ordinal of the module | index */

enum { METRIC_KIND = 6, METRIC_KIND_SHIFT = 56, METRIC_ORDINAL_SHIFT = 32 };

static uint64_t metric_owner(const struct module *module) {
    return (uint64_t)METRIC_KIND << (METRIC_KIND_SHIFT - METRIC_ORDINAL_SHIFT) | module->ordinal;
}

static int32_t metrics_service_define(const struct koine_host *host,
                                      const struct koine_metric_options *given,
                                      koine_metric *metric) {
    static const char call[] = "metrics->define";
    struct module *module = module_of(host);
    struct koine_metric_options options;
    char prefix[64];
    uint64_t index;
    if (!module_may_call(module, call, false))
        return KOINE_WRONG_STATE;
    if (!metric)
        return module_invalid(module, call, "metric must be given");
    int32_t result = module_read_struct(module, call, &options, sizeof(options), given,
                                        LENGTH_WITH(koine_metric_options, bucket_count));
    if (result != KOINE_OK)
        return result;
    metrics_module_prefix(module_name(module), prefix, sizeof(prefix));
    result = metrics_define(module->worker->metrics, prefix, 1000, &options, &index);
    if (result == KOINE_OK)
        metric->id = metric_owner(module) << METRIC_ORDINAL_SHIFT | index;
    else
        module_refused(module, call, result,
                       result == KOINE_EXISTS    ? "there is one of this name with another type"
                       : result == KOINE_REFUSED ? "a label takes too many values"
                       : result == KOINE_INVALID ? "the type, a name, a label or a bucket is wrong"
                                                 : "no memory");
    return result;
}

static int32_t change(const struct koine_host *host, koine_metric metric, double value,
                      const char *call,
                      int (*how)(struct metrics *metrics, uint64_t index, double value)) {
    struct module *module = module_of(host);
    if (!module_may_call(module, call, false))
        return KOINE_WRONG_STATE;
    bool own = metric.id >> METRIC_ORDINAL_SHIFT == metric_owner(module);
    int32_t result = own ? how(module->worker->metrics, metric.id & UINT32_MAX, value) : KOINE_GONE;
    if (result == KOINE_GONE)
        module_refused(module, call, result, "the handle is none of the module's metrics");
    else if (result == KOINE_INVALID)
        module_invalid(module, call, "the value or the metric's type does not allow this");
    return result;
}

static int32_t metrics_service_add(const struct koine_host *host, koine_metric metric,
                                   double value) {
    return change(host, metric, value, "metrics->add", metrics_add);
}

static int32_t metrics_service_set(const struct koine_host *host, koine_metric metric,
                                   double value) {
    return change(host, metric, value, "metrics->set", metrics_set);
}

const struct koine_metrics service_metrics = {
    .size = sizeof(struct koine_metrics),
    .define = metrics_service_define,
    .add = metrics_service_add,
    .set = metrics_service_set,
};
