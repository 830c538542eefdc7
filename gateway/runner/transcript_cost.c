/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a session had cost before: the CLI (2.1.330) takes its total up again with --resume and
 * reports the sum, so the cost of one request is the difference. It keeps the total as lines
 * {"type":"cost-state",…,"totalCostUSD":X} in the transcript; the last one counts.
 */
#include "runner/transcript.h"
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The line stands at the end, after the turn's last messages. */
enum { TAIL_BYTES = 256 * 1024 };

static double cost_of_line(const char *line, size_t size) {
    json_t *state = json_loadb(line, size, 0, NULL);
    const char *type = json_string_value(json_object_get(state, "type"));
    double cost = -1;
    if (type && strcmp(type, "cost-state") == 0)
        cost = json_number_value(json_object_get(state, "totalCostUSD"));
    json_decref(state);
    return cost;
}

/* The last cost-state line of the text; 0: none. */
static double last_cost(const char *text, size_t size) {
    static const char mark[] = "\"cost-state\"";
    while (size) {
        const char *start = memrchr(text, '\n', size - 1);
        start = start ? start + 1 : text;
        size_t line = size - (size_t)(start - text);
        double cost = memmem(start, line, mark, sizeof(mark) - 1) ? cost_of_line(start, line) : -1;
        if (cost >= 0)
            return cost;
        size = (size_t)(start - text);
    }
    return 0;
}

double transcript_cost(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat file;
    double cost = 0;
    char *tail = NULL;
    if (fd < 0)
        return 0;
    if (fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && (tail = malloc(TAIL_BYTES))) {
        off_t from = file.st_size > TAIL_BYTES ? file.st_size - TAIL_BYTES : 0;
        ssize_t size = pread(fd, tail, TAIL_BYTES, from);
        if (size > 0)
            cost = last_cost(tail, (size_t)size);
    }
    free(tail);
    close(fd);
    return cost;
}
