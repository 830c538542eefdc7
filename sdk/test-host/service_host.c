/* SPDX-License-Identifier: Apache-2.0 */
/* "koine.log/1", "koine.config/1", "koine.metrics/1", and how a test reads what came of them. */
#include "modules/struct_size.h"
#include "test-host/answer.h"
#include "test-host/call.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- log [any-thread] */

void host_log(struct koine_test_host *host, int level, struct koine_text request_id,
              struct koine_text message) {
    static const char *const names[] = {"error", "warning", "info", "debug"};
    enum { MESSAGE_BYTES = 4096 };
    size_t size = message.size < MESSAGE_BYTES ? message.size : MESSAGE_BYTES;
    level = level < KOINE_LOG_ERROR ? KOINE_LOG_ERROR : level;
    level = level > KOINE_LOG_DEBUG ? KOINE_LOG_DEBUG : level;
    pthread_mutex_lock(&host->lock);
    buffer_print(&host->log, "%s: ", names[level]);
    if (request_id.size)
        buffer_print(&host->log, "[%.*s] ", (int)request_id.size, request_id.data);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)message.data[i];
        if (c < 0x20 || c == 0x7f)
            buffer_print(&host->log, "\\x%02x", c);
        else
            buffer_add(&host->log, (struct koine_text){message.data + i, 1});
    }
    buffer_add(&host->log, KOINE_TEXT("\n"));
    pthread_mutex_unlock(&host->lock);
}

static void log_service_write(const struct koine_host *seen, int32_t level, koine_request handle,
                              struct koine_text message) {
    struct call call;
    struct koine_text id = {0};
    call_begin(&call, seen, "log->write", CALL_ANYWHERE);
    struct koine_test_host *host = call.host;
    if (handle.id && pthread_equal(pthread_self(), host->loop_thread)) {
        const struct koine_test_answer *request = handle_get(host, HANDLE_REQUEST, handle.id);
        if (request)
            id = request->id;
        else
            call_gone(&call, HANDLE_REQUEST, handle.id);
    } else if (handle.id) {
        finding_add(host, "wrong-thread",
                    "log->write was given a request on another thread than the loop's; only 0 may "
                    "be given there");
    }
    host_log(host, level, id, message);
    call_end(&call, KOINE_OK);
}

static int32_t log_service_enabled(const struct koine_host *seen, int32_t level) {
    struct call call;
    call_begin(&call, seen, "log->enabled", CALL_ANYWHERE);
    call_end(&call, KOINE_OK);
    return level <= KOINE_LOG_DEBUG;
}

const struct koine_log test_log = {
    .size = sizeof(struct koine_log),
    .write = log_service_write,
    .enabled = log_service_enabled,
};

const char *koine_test_log(struct koine_test_host *host) {
    return buffer_text(&host->log);
}

bool koine_test_logged(struct koine_test_host *host, const char *text) {
    return strstr(buffer_text(&host->log), text) != NULL;
}

/* ---- config */

/* The member at a dotted path, or NULL. */
static const json_t *member(const struct koine_test_host *host, const char *path) {
    const json_t *at = host->settings;
    while (at && path && *path) {
        size_t size = strcspn(path, ".");
        at = json_object_getn(at, path, size);
        path += size + (path[size] == '.');
    }
    return path ? at : NULL;
}

/* Finds a member of one of these types (bits by json_type). KOINE_OK with `*at`, else what to
 * answer. */
static int32_t look_up(const struct koine_host *seen, const char *name, const char *path,
                       unsigned types, const json_t **at) {
    struct call call;
    if (!call_begin(&call, seen, name, CALL_FROM_INIT))
        return call_end(&call, call.result);
    *at = member(call.host, path);
    if (!*at)
        return call_end(&call, KOINE_NOT_FOUND);
    return call_end(&call, types >> json_typeof(*at) & 1 ? KOINE_OK : KOINE_INVALID);
}

static int32_t config_section(const struct koine_host *seen, struct koine_text *json) {
    struct call call;
    *json = (struct koine_text){0};
    if (!call_begin(&call, seen, "config->section", CALL_FROM_INIT))
        return call_end(&call, call.result);
    *json = text_of(call.host->settings_text);
    return call_end(&call, KOINE_OK);
}

static int32_t config_text(const struct koine_host *seen, const char *path,
                           struct koine_text *value) {
    const json_t *at = NULL;
    int32_t result = look_up(seen, "config->text", path, 1u << JSON_STRING, &at);
    if (result == KOINE_OK)
        *value = (struct koine_text){json_string_value(at), json_string_length(at)};
    return result;
}

static int32_t config_integer(const struct koine_host *seen, const char *path, int64_t *value) {
    const json_t *at = NULL;
    int32_t result = look_up(seen, "config->integer", path, 1u << JSON_INTEGER, &at);
    if (result == KOINE_OK)
        *value = json_integer_value(at);
    return result;
}

static int32_t config_number(const struct koine_host *seen, const char *path, double *value) {
    const json_t *at = NULL;
    int32_t result =
        look_up(seen, "config->number", path, 1u << JSON_INTEGER | 1u << JSON_REAL, &at);
    if (result == KOINE_OK)
        *value = json_number_value(at);
    return result;
}

static int32_t config_boolean(const struct koine_host *seen, const char *path, int32_t *value) {
    const json_t *at = NULL;
    int32_t result =
        look_up(seen, "config->boolean", path, 1u << JSON_TRUE | 1u << JSON_FALSE, &at);
    if (result == KOINE_OK)
        *value = json_is_true(at);
    return result;
}

/* A directory of the test's own, made when it is first asked for and removed with the host. */
static int32_t config_state_directory(const struct koine_host *seen, struct koine_text *path) {
    struct call call;
    *path = (struct koine_text){0};
    if (!call_begin(&call, seen, "config->state_directory", CALL_FROM_INIT))
        return call_end(&call, call.result);
    struct koine_test_host *host = call.host;
    if (!host->state_directory) {
        const char *root = getenv("TMPDIR");
        struct buffer made = {0};
        buffer_print(&made, "%s/koine-test-host-XXXXXX", root && *root ? root : "/tmp");
        if (!mkdtemp(made.data)) {
            buffer_finish(&made);
            return call_end(&call, KOINE_INVALID);
        }
        host->state_directory = made.data;
    }
    *path = text_of(host->state_directory);
    return call_end(&call, KOINE_OK);
}

const struct koine_config test_config = {
    .size = sizeof(struct koine_config),
    .section = config_section,
    .text = config_text,
    .integer = config_integer,
    .number = config_number,
    .boolean = config_boolean,
    .state_directory = config_state_directory,
};

/* ---- metrics */

static int32_t metrics_service_define(const struct koine_host *seen,
                                      const struct koine_metric_options *given,
                                      koine_metric *metric) {
    struct call call;
    struct koine_metric_options options;
    char prefix[64];
    if (!call_begin(&call, seen, "metrics->define", CALL_FROM_INIT))
        return call_end(&call, call.result);
    int32_t result =
        call_read(&call, &options, sizeof(options), given,
                  LENGTH_WITH(koine_metric_options, bucket_count), "koine_metric_options");
    if (!metric)
        return call_end(&call, call_invalid(&call, "metric must be given"));
    if (result == KOINE_OK && !host_may_allocate(call.host))
        result = KOINE_NO_MEMORY;
    if (result != KOINE_OK)
        return call_end(&call, result);
    metrics_module_prefix(host_module_name(call.host), prefix, sizeof(prefix));
    result = metrics_define(call.host->metrics, prefix, 1000, &options, &metric->id);
    if (result == KOINE_OK)
        handle_note(call.host, HANDLE_METRIC, metric->id);
    else if (result == KOINE_INVALID)
        call_invalid(&call, "a name, label or bucket is not as koine/metrics.h says");
    else if (result == KOINE_REFUSED)
        call_invalid(&call, "more than 1,000 series: a label takes too many values");
    return call_end(&call, result);
}

static int32_t change(struct call *call, koine_metric metric, int result) {
    if (result == KOINE_GONE)
        call_gone(call, HANDLE_METRIC, metric.id);
    else if (result == KOINE_INVALID)
        call_invalid(call, "this value does not suit the type of the metric");
    return call_end(call, result);
}

static int32_t metrics_service_add(const struct koine_host *seen, koine_metric metric,
                                   double value) {
    struct call call;
    if (!call_begin(&call, seen, "metrics->add", CALL_FROM_INIT))
        return call_end(&call, call.result);
    return change(&call, metric, metrics_add(call.host->metrics, metric.id, value));
}

static int32_t metrics_service_set(const struct koine_host *seen, koine_metric metric,
                                   double value) {
    struct call call;
    if (!call_begin(&call, seen, "metrics->set", CALL_FROM_INIT))
        return call_end(&call, call.result);
    return change(&call, metric, metrics_set(call.host->metrics, metric.id, value));
}

const struct koine_metrics test_metrics = {
    .size = sizeof(struct koine_metrics),
    .define = metrics_service_define,
    .add = metrics_service_add,
    .set = metrics_service_set,
};

bool koine_test_metric(struct koine_test_host *host, const char *series, double *value) {
    size_t size, wanted = strlen(series);
    char *text = memory_need(metrics_render(host->metrics, &size));
    bool found = false;
    for (char *line = text, *end; !found && (end = strchr(line, '\n')); line = end + 1)
        if (strncmp(line, series, wanted) == 0 && line[wanted] == ' ') {
            *value = strtod(line + wanted + 1, NULL);
            found = true;
        }
    free(text);
    return found;
}
