/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syntax of a request head. Whatever two readers could understand differently is refused: bare
 * line feeds, folded lines, blanks before a colon, doubled or odd lengths. It reads no socket.
 */
#include "http/gate_head.h"

#include <string.h>
#include <strings.h>

#define BAD_REQUEST(text)                                                                          \
    (struct gate_refusal) {                                                                        \
        400, "VALIDATION_ERROR", text                                                              \
    }

/* Where a head is read, and what it has told so far. */
struct head_reader {
    struct koine_text rest;
    struct gate_parsed_head *parsed;
    struct gate_refusal *refusal;
    bool host_seen;
    bool close_asked;
    bool keep_alive_asked;
    bool expect_seen;
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* tchar of RFC 9110: what methods and header names are made of. */
static bool is_token_char(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct koine_text text) {
    for (size_t i = 0; i < text.size; i++) {
        if (!is_token_char(text.data[i])) {
            return false;
        }
    }
    return text.size > 0;
}

/* Anything but control bytes; tabs and the upper half ("obs-text") may stand in values. */
static bool is_value(struct koine_text text) {
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static struct koine_text trimmed(struct koine_text text) {
    while (text.size > 0 && is_blank(text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && is_blank(text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}

static bool same_name(struct koine_text text, const char *name) {
    return text.size == strlen(name) && strncasecmp(text.data, name, text.size) == 0;
}

static int refuse(struct head_reader *reader, struct gate_refusal refusal) {
    *reader->refusal = refusal;
    return -1;
}

enum gate_scan gate_head_scan(struct koine_text bytes, size_t *scanned, size_t *end) {
    size_t at = *scanned;
    if (bytes.size > 0 && !is_token_char(bytes.data[0])) {
        return GATE_SCAN_BAD; /* TLS, binary protocols: no need to wait for their line end */
    }
    while (at < bytes.size) {
        const char *feed = memchr(bytes.data + at, '\n', bytes.size - at);
        if (feed == NULL) {
            break;
        }
        at = (size_t)(feed - bytes.data);
        if (at == 0 || feed[-1] != '\r') {
            return GATE_SCAN_BAD; /* a bare line feed: known now, so not a matter of a timeout */
        }
        if (at >= 3 && feed[-2] == '\n') {
            *end = at + 1;
            return GATE_SCAN_COMPLETE;
        }
        at++;
        *scanned = at;
    }
    *scanned = bytes.size;
    return GATE_SCAN_MORE;
}

/* Takes the next line without its CRLF. False when there is none. */
static bool take_line(struct koine_text *rest, struct koine_text *line) {
    const char *feed = rest->size == 0 ? NULL : memchr(rest->data, '\n', rest->size);
    if (feed == NULL || feed == rest->data || feed[-1] != '\r') {
        return false;
    }
    *line = (struct koine_text){rest->data, (size_t)(feed - 1 - rest->data)};
    rest->size -= line->size + 2;
    rest->data += line->size + 2;
    return true;
}

static int parse_version(struct head_reader *reader, struct koine_text version) {
    if (version.size != 8 || memcmp(version.data, "HTTP/", 5) != 0 || !is_digit(version.data[5]) ||
        version.data[6] != '.' || !is_digit(version.data[7])) {
        return refuse(reader, BAD_REQUEST("The request line must be METHOD, space, target, space, "
                                          "HTTP/1.1."));
    }
    if (version.data[5] != '1' || version.data[7] > '1') {
        return refuse(reader, (struct gate_refusal){505, "HTTP_VERSION_NOT_SUPPORTED",
                                                    "Only HTTP/1.1 and HTTP/1.0 are spoken here."});
    }
    reader->parsed->head.minor_version = version.data[7] == '1';
    return 0;
}

static int parse_target(struct head_reader *reader, struct koine_text target) {
    struct gate_head *head = &reader->parsed->head;
    if (target.size == 0 || target.data[0] != '/') {
        return refuse(reader, BAD_REQUEST("The request target must be a path that begins with "
                                          "'/'."));
    }
    for (size_t i = 0; i < target.size; i++) {
        if (target.data[i] <= 0x20 || target.data[i] == 0x7f || target.data[i] == '#') {
            return refuse(reader, BAD_REQUEST("The request target holds a byte that must be "
                                              "percent-encoded."));
        }
    }
    const char *mark = memchr(target.data, '?', target.size);
    head->target = head->path = target;
    if (mark != NULL) {
        head->path.size = (size_t)(mark - target.data);
        head->query = (struct koine_text){mark + 1, target.size - head->path.size - 1};
    }
    return 0;
}

static int parse_request_line(struct head_reader *reader) {
    struct gate_head *head = &reader->parsed->head;
    struct koine_text line;
    if (!take_line(&reader->rest, &line)) {
        return refuse(reader, BAD_REQUEST("Every line of the head must end with CR LF."));
    }
    const char *first = memchr(line.data, ' ', line.size);
    const char *last = memrchr(line.data, ' ', line.size);
    if (first == NULL || first == last) {
        return refuse(reader, BAD_REQUEST("The request line must be METHOD, space, target, space, "
                                          "HTTP/1.1."));
    }
    head->method = (struct koine_text){line.data, (size_t)(first - line.data)};
    if (!is_token(head->method)) {
        return refuse(reader, BAD_REQUEST("The method is not a token of HTTP."));
    }
    head->is_head = head->method.size == 4 && memcmp(head->method.data, "HEAD", 4) == 0;
    size_t tail = (size_t)(line.data + line.size - (last + 1));
    if (parse_version(reader, (struct koine_text){last + 1, tail}) != 0) {
        return -1;
    }
    return parse_target(reader, (struct koine_text){first + 1, (size_t)(last - first - 1)});
}

static int parse_content_length(struct head_reader *reader, struct koine_text value) {
    int64_t length = 0;
    if (reader->parsed->head.content_length >= 0) {
        return refuse(reader, BAD_REQUEST("There must be only one Content-Length."));
    }
    for (size_t i = 0; i < value.size; i++) {
        if (!is_digit(value.data[i]) || length > (INT64_MAX - 9) / 10) {
            value.size = 0;
            break;
        }
        length = length * 10 + (value.data[i] - '0');
    }
    if (value.size == 0) {
        return refuse(reader, BAD_REQUEST("Content-Length must be a number of bytes, digits only, "
                                          "below 2^63."));
    }
    reader->parsed->head.content_length = length;
    return 0;
}

static int parse_transfer_encoding(struct head_reader *reader, struct koine_text value) {
    if (reader->parsed->head.chunked) {
        return refuse(reader, BAD_REQUEST("There must be only one Transfer-Encoding."));
    }
    if (!same_name(value, "chunked")) {
        return refuse(reader, (struct gate_refusal){501, "NOT_IMPLEMENTED",
                                                    "The only Transfer-Encoding understood is "
                                                    "'chunked'."});
    }
    reader->parsed->head.chunked = true;
    return 0;
}

static int parse_host(struct head_reader *reader, struct koine_text value) {
    if (reader->host_seen) {
        return refuse(reader, BAD_REQUEST("There must be only one Host."));
    }
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];
        bool legal = is_token_char(c) ? strchr("#^`|", c) == NULL : strchr(":[](),;=", c) != NULL;
        if (!legal || c == '\0') {
            return refuse(reader, BAD_REQUEST("Host must be a name or address, with or without "
                                              "a port."));
        }
    }
    reader->host_seen = true;
    return 0;
}

static int parse_connection(struct head_reader *reader, struct koine_text value) {
    while (value.size > 0) {
        const char *comma = memchr(value.data, ',', value.size);
        size_t size = comma == NULL ? value.size : (size_t)(comma - value.data);
        struct koine_text option = trimmed((struct koine_text){value.data, size});
        reader->close_asked |= same_name(option, "close");
        reader->keep_alive_asked |= same_name(option, "keep-alive");
        size += comma != NULL;
        value.data += size;
        value.size -= size;
    }
    return 0;
}

static int parse_expect(struct head_reader *reader, struct koine_text value) {
    if (!same_name(value, "100-continue")) {
        return refuse(reader, (struct gate_refusal){417, "EXPECTATION_FAILED",
                                                    "The only expectation understood is "
                                                    "'100-continue'."});
    }
    reader->expect_seen = true;
    return 0;
}

/* A credential that is there twice could be judged by one and logged or routed by the other. */
static int keep_single(struct head_reader *reader, struct koine_text *kept,
                       struct koine_text value) {
    if (kept->data != NULL) {
        return refuse(reader, BAD_REQUEST("Authorization and X-Api-Key may be given only once."));
    }
    *kept = value;
    return 0;
}

static int keep_first(struct koine_text *kept, struct koine_text value) {
    if (kept->data == NULL) {
        *kept = value;
    }
    return 0;
}

/* The length decides first: most headers are none of these and cost one switch. */
static int parse_known_field(struct head_reader *reader, struct koine_text name,
                             struct koine_text value) {
    struct gate_head *head = &reader->parsed->head;
    switch (name.size) {
    case 4:
        return same_name(name, "Host") ? parse_host(reader, value) : 0;
    case 6:
        return same_name(name, "Expect") ? parse_expect(reader, value) : 0;
    case 9:
        return same_name(name, "X-Api-Key") ? keep_single(reader, &head->api_key, value) : 0;
    case 10:
        return same_name(name, "Connection") ? parse_connection(reader, value) : 0;
    case 12:
        if (same_name(name, "Content-Type")) {
            return keep_first(&head->content_type, value);
        }
        return same_name(name, "X-Request-Id") ? keep_first(&head->request_id, value) : 0;
    case 13:
        return same_name(name, "Authorization") ? keep_single(reader, &head->authorization, value)
                                                : 0;
    case 14:
        return same_name(name, "Content-Length") ? parse_content_length(reader, value) : 0;
    case 17:
        return same_name(name, "Transfer-Encoding") ? parse_transfer_encoding(reader, value) : 0;
    default:
        return 0;
    }
}

static int parse_field(struct head_reader *reader, struct koine_text line) {
    const char *colon = memchr(line.data, ':', line.size);
    if (is_blank(line.data[0])) {
        return refuse(reader, BAD_REQUEST("A header may not be folded over several lines."));
    }
    if (colon == NULL) {
        return refuse(reader, BAD_REQUEST("A header line must be a name, a colon and a value."));
    }
    struct koine_text name = {line.data, (size_t)(colon - line.data)};
    struct koine_text value = {colon + 1, line.size - name.size - 1};
    if (!is_token(name)) {
        return refuse(reader, BAD_REQUEST("A header name is empty or holds a byte that is not "
                                          "allowed there, such as a blank before the colon."));
    }
    if (!is_value(value)) {
        return refuse(reader, BAD_REQUEST("A header value holds a control byte."));
    }
    return parse_known_field(reader, name, trimmed(value));
}

/* The lines up to the empty one, which must be the last. */
static int parse_fields(struct head_reader *reader) {
    const char *begin = reader->rest.data;
    struct koine_text line;
    while (take_line(&reader->rest, &line)) {
        if (line.size == 0) {
            if (reader->rest.size > 0) {
                break;
            }
            reader->parsed->head.fields = (struct koine_text){begin, (size_t)(line.data - begin)};
            return 0;
        }
        if (parse_field(reader, line) != 0) {
            return -1;
        }
    }
    return refuse(reader, BAD_REQUEST("Every line of the head must end with CR LF, the last one "
                                      "being empty."));
}

static bool may_have_body(struct koine_text method) {
    static const char *const names[] = {"POST", "PUT", "PATCH", "GET", "DELETE"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (method.size == strlen(names[i]) && memcmp(method.data, names[i], method.size) == 0) {
            return true;
        }
    }
    return false;
}

/* What no single line shows: how the headers agree with each other and with the version. */
static int judge_whole(struct head_reader *reader) {
    struct gate_parsed_head *parsed = reader->parsed;
    struct gate_head *head = &parsed->head;
    bool modern = head->minor_version == 1;
    if (modern && !reader->host_seen) {
        return refuse(reader, BAD_REQUEST("HTTP/1.1 requires a Host header."));
    }
    if (head->chunked && head->content_length >= 0) {
        return refuse(reader, BAD_REQUEST("Content-Length and Transfer-Encoding exclude each "
                                          "other."));
    }
    if (head->chunked && !modern) {
        return refuse(reader, BAD_REQUEST("HTTP/1.0 knows no Transfer-Encoding."));
    }
    head->has_body = head->chunked || head->content_length > 0;
    if (head->has_body && !may_have_body(head->method)) {
        return refuse(reader, BAD_REQUEST("A request of this method may not have a body."));
    }
    parsed->keep_alive = !reader->close_asked && (modern || reader->keep_alive_asked);
    parsed->expects_continue = reader->expect_seen && modern && head->has_body;
    return 0;
}

int gate_head_parse(struct koine_text bytes, struct gate_parsed_head *parsed,
                    struct gate_refusal *refusal) {
    struct head_reader reader = {.rest = bytes, .parsed = parsed, .refusal = refusal};
    *parsed = (struct gate_parsed_head){.head = {.content_length = -1}};
    if (parse_request_line(&reader) != 0 || parse_fields(&reader) != 0) {
        return -1;
    }
    return judge_whole(&reader);
}

bool gate_field(struct koine_text fields, const char *name, struct koine_text *value) {
    struct koine_text line;
    while (take_line(&fields, &line)) {
        const char *colon = line.size == 0 ? NULL : memchr(line.data, ':', line.size);
        if (colon == NULL) {
            continue;
        }
        size_t size = (size_t)(colon - line.data);
        if (same_name((struct koine_text){line.data, size}, name)) {
            *value = trimmed((struct koine_text){colon + 1, line.size - size - 1});
            return true;
        }
    }
    return false;
}
