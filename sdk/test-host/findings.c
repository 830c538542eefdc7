/* SPDX-License-Identifier: Apache-2.0 */
/* What the module did wrong, said once with how often it happened. */
#include "test-host/host.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void keep(struct koine_test_host *host, const char *kind, char *text) {
    for (size_t i = 0; i < host->finding_count; i++) {
        struct finding *known = &host->findings[i];
        if (strcmp(known->as.kind, kind) == 0 && strcmp(known->as.text, text) == 0) {
            known->as.count++;
            free(text);
            return;
        }
    }
    host->findings =
        memory_resize(host->findings, (host->finding_count + 1) * sizeof(struct finding));
    host->findings[host->finding_count++] = (struct finding){.as = {kind, text, 1}};
}

void finding_add(struct koine_test_host *host, const char *kind, const char *format, ...) {
    struct buffer text = {0};
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    buffer_print(&text, "%s", line);
    pthread_mutex_lock(&host->lock);
    keep(host, kind, text.data);
    if (host->trace)
        fprintf(host->trace, "            [%s] %s\n", kind, line);
    pthread_mutex_unlock(&host->lock);
}

static struct finding *untaken(const struct koine_test_host *host, size_t index) {
    for (size_t i = 0; i < host->finding_count; i++)
        if (!host->findings[i].taken && index-- == 0)
            return &host->findings[i];
    return NULL;
}

size_t koine_test_finding_count(const struct koine_test_host *host) {
    size_t count = 0;
    for (size_t i = 0; i < host->finding_count; i++)
        count += !host->findings[i].taken;
    return count;
}

const struct koine_test_finding *koine_test_finding(const struct koine_test_host *host,
                                                    size_t index) {
    const struct finding *finding = untaken(host, index);
    return finding ? &finding->as : NULL;
}

bool koine_test_expect(struct koine_test_host *host, const char *part) {
    struct finding *finding;
    for (size_t i = 0; (finding = untaken(host, i)); i++)
        if (strstr(finding->as.kind, part) || strstr(finding->as.text, part)) {
            finding->taken = true;
            return true;
        }
    return false;
}

void koine_test_report(const struct koine_test_host *host, FILE *out) {
    const struct koine_test_finding *finding;
    for (size_t i = 0; (finding = koine_test_finding(host, i)); i++) {
        fprintf(out, "koine-test-host: %s: [%s] %s", host_module_name(host), finding->kind,
                finding->text);
        if (finding->count > 1)
            fprintf(out, " (%zu times)", finding->count);
        fputc('\n', out);
    }
}
