/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway from C, with libcurl alone:
 *     cc examples/clients/c.c -o client -lcurl
 *     KOINE_URL=http://127.0.0.1:3100 CLAUDE_CODE_GATEWAY_API_KEY=… ./client
 * Without a key it takes that of `koine-gateway --demo`. It finds members of the answers' JSON by
 * their name, which is enough here; a program that does more should use a JSON library.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRIES = 3 };

/* ---- text that grows */

struct text {
    char *bytes; /* terminated, or NULL when there is none */
    size_t size;
};

static void text_add(struct text *text, const char *bytes, size_t size) {
    char *grown = realloc(text->bytes, text->size + size + 1);
    if (!grown) {
        fputs("error: out of memory\n", stderr);
        exit(1);
    }
    memcpy(grown + text->size, bytes, size);
    text->bytes = grown;
    text->size += size;
    grown[text->size] = '\0';
}

static void text_clear(struct text *text) {
    free(text->bytes);
    *text = (struct text){0};
}

/* ---- members of a JSON object, by name */

/* A code point as UTF-8. */
static void add_character(struct text *out, unsigned long code) {
    char bytes[4];
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3f));
    static const unsigned char first[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    bytes[0] = (char)(first[size] | code);
    text_add(out, bytes, size);
}

/* What stands behind \u; two of them may make one character. */
static const char *add_escaped(struct text *out, const char *digits) {
    unsigned code = 0, low = 0;
    sscanf(digits, "%4x", &code);
    digits += strspn(digits, "0123456789abcdefABCDEF") >= 4 ? 4 : 0;
    if (code >= 0xd800 && code < 0xdc00 && sscanf(digits, "\\u%4x", &low) == 1) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        digits += 6;
    }
    add_character(out, code);
    return digits;
}

/* Adds the first string member of that name to `out`; 0 when there is one. */
static int json_string(const char *json, const char *name, struct text *out) {
    static const char escapes[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    char start[64];
    snprintf(start, sizeof start, "\"%s\":\"", name);
    const char *at = json ? strstr(json, start) : NULL;
    if (!at)
        return -1;
    text_add(out, "", 0);
    for (at += strlen(start); *at && *at != '"';) {
        const char *escape = *at == '\\' && at[1] ? strchr(escapes, at[1]) : NULL;
        if (*at != '\\') {
            text_add(out, at++, 1);
        } else if (at[1] == 'u') {
            at = add_escaped(out, at + 2);
        } else {
            text_add(out, escape ? &meanings[escape - escapes] : at + 1, 1);
            at += at[1] ? 2 : 1;
        }
    }
    return 0;
}

/* ---- requests */

struct request {
    const char *path, *body;
    void (*on_event)(const char *name, const char *data); /* NULL: no stream is asked for */
    struct text answer;     /* whole; of a stream the line that is not complete yet */
    struct text name, data; /* of the event that is coming in */
    int failed, done;
    CURL *curl;
};

static void show_error(long status, const char *answer) {
    struct text code = {0}, message = {0}, issues = {0};
    json_string(answer, "code", &code);
    json_string(answer, "error", &message);
    json_string(answer, "rawText", &issues); /* [{"path":…,"message":…}] */
    printf("%ld %s: %s\n", status, code.bytes ? code.bytes : "?",
           message.bytes ? message.bytes : "?");
    if (issues.bytes)
        printf("  %s\n", issues.bytes);
    text_clear(&code);
    text_clear(&message);
    text_clear(&issues);
}

/* One line of an event stream, without its end. An empty one ends the event. */
static void on_line(struct request *request, const char *line) {
    if (strncmp(line, "event: ", 7) == 0) {
        text_clear(&request->name);
        text_add(&request->name, line + 7, strlen(line + 7));
    } else if (strncmp(line, "data: ", 6) == 0) {
        text_add(&request->data, line + 6, strlen(line + 6)); /* the gateway sends one line */
    } else if (*line == '\0' && request->name.bytes && request->data.bytes) {
        request->done |= strcmp(request->name.bytes, "done") == 0;
        request->failed |= strcmp(request->name.bytes, "error") == 0;
        request->on_event(request->name.bytes, request->data.bytes);
        text_clear(&request->name);
        text_clear(&request->data);
    }
}

/* libcurl calls this with what has come, in any pieces. */
static size_t on_bytes(char *bytes, size_t one, size_t size, void *data) {
    struct request *request = data;
    long status = 0;
    (void)one;
    curl_easy_getinfo(request->curl, CURLINFO_RESPONSE_CODE, &status);
    text_add(&request->answer, bytes, size);
    if (!request->on_event || status != 200)
        return size; /* a refusal is plain JSON also where a stream was asked for */
    char *line = request->answer.bytes, *end;
    while ((end = strchr(line, '\n'))) {
        *end = '\0';
        if (end > line && end[-1] == '\r')
            end[-1] = '\0';
        on_line(request, line);
        line = end + 1;
    }
    struct text rest = {0};
    text_add(&rest, line, strlen(line));
    text_clear(&request->answer);
    request->answer = rest;
    return size;
}

/* Sends it; again when the gateway is busy, after the time that it names. The status; 0: none. */
static long perform(struct request *request) {
    long status = 0;
    for (int try = 1;; try++) {
        char problem[CURL_ERROR_SIZE] = "";
        curl_off_t wait_s = 0;
        text_clear(&request->answer);
        curl_easy_setopt(request->curl, CURLOPT_ERRORBUFFER, problem);
        CURLcode result = curl_easy_perform(request->curl);
        curl_easy_setopt(request->curl, CURLOPT_ERRORBUFFER, NULL);
        curl_easy_getinfo(request->curl, CURLINFO_RESPONSE_CODE, &status);
        if (result != CURLE_OK) {
            fprintf(stderr, "error: %s\n", *problem ? problem : curl_easy_strerror(result));
            return 0;
        }
        curl_easy_getinfo(request->curl, CURLINFO_RETRY_AFTER, &wait_s);
        if (status != 429 || try == TRIES)
            return status;
        fprintf(stderr, "(busy: trying again in %ld s)\n", (long)wait_s);
        sleep((unsigned)wait_s);
    }
}

/* POSTs JSON. Returns 0, or -1 and shows what was wrong. The caller clears `answer`. */
static int post(struct request *request) {
    const char *base = getenv("KOINE_URL"), *key = getenv("CLAUDE_CODE_GATEWAY_API_KEY");
    char url[512], authorization[1200];
    snprintf(url, sizeof url, "%s%s", base ? base : "http://127.0.0.1:3100", request->path);
    snprintf(authorization, sizeof authorization, "Authorization: Bearer %s",
             key ? key : "koine-demo");
    struct curl_slist *headers = curl_slist_append(NULL, authorization);
    headers = curl_slist_append(headers, "Content-Type: application/json");
    request->curl = curl_easy_init();
    curl_easy_setopt(request->curl, CURLOPT_URL, url);
    curl_easy_setopt(request->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(request->curl, CURLOPT_POSTFIELDS, request->body);
    curl_easy_setopt(request->curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(request->curl, CURLOPT_WRITEDATA, request);
    long status = perform(request);
    curl_easy_cleanup(request->curl);
    curl_slist_free_all(headers);
    text_clear(&request->name);
    text_clear(&request->data);
    if (status != 200 && status != 0)
        show_error(status, request->answer.bytes);
    else if (status != 0 && request->on_event && !request->done)
        fputs("error: the stream ended before its event done\n", stderr);
    else if (status != 0)
        return request->failed ? -1 : 0;
    return -1;
}

/* ---- what it is good for */

/* Prints the text of an answer; `session` takes its id. */
static int ask_text(const char *body, struct text *session) {
    struct request request = {.path = "/generate-text", .body = body};
    struct text text = {0};
    int result = post(&request);
    if (result == 0 && json_string(request.answer.bytes, "text", &text) == 0)
        puts(text.bytes);
    text_clear(session);
    json_string(request.answer.bytes, "sessionId", session);
    text_clear(&text);
    text_clear(&request.answer);
    return result;
}

static int continue_session(const char *session) {
    char body[256];
    struct text same = {0};
    snprintf(body, sizeof body, "{\"prompt\":\"Say it in French.\",\"sessionId\":\"%s\"}", session);
    int result = ask_text(body, &same);
    text_clear(&same);
    return result;
}

static void show_event(const char *name, const char *data) {
    struct text text = {0};
    if (strcmp(name, "text") == 0 && json_string(data, "text", &text) == 0)
        fputs(text.bytes, stdout);
    else if (strcmp(name, "result") == 0)
        puts("");
    else if (strcmp(name, "error") == 0)
        show_error(0, data); /* it began well */
    fflush(stdout);
    text_clear(&text);
}

static int stream_text(void) {
    struct request request = {.path = "/stream",
                              .body = "{\"prompt\":\"Count from one to five.\"}",
                              .on_event = show_event};
    int result = post(&request);
    text_clear(&request.answer);
    return result;
}

static int ask_object(void) {
    struct request request = {
        .path = "/generate-object",
        .body = "{\"prompt\":\"Invent a person.\",\"schema\":{\"type\":\"object\",\"properties\":{"
                "\"name\":{\"type\":\"string\"},\"age\":{\"type\":\"integer\",\"minimum\":0}},"
                "\"required\":[\"name\",\"age\"]}}"};
    struct text object = {0};
    int result = post(&request);
    if (result == 0 && json_string(request.answer.bytes, "rawText", &object) == 0)
        puts(object.bytes);
    text_clear(&object);
    text_clear(&request.answer);
    return result;
}

int main(void) {
    struct text session = {0};
    curl_global_init(CURL_GLOBAL_DEFAULT);
    puts("--- a text");
    int result = ask_text("{\"prompt\":\"Say hello.\"}", &session);
    if (result == 0) {
        puts("--- the conversation goes on");
        result = continue_session(session.bytes);
    }
    if (result == 0) {
        puts("--- a stream");
        result = stream_text();
    }
    if (result == 0) {
        puts("--- an object");
        result = ask_object();
    }
    if (result == 0) {
        puts("--- an error");
        struct text none = {0};
        ask_text("{\"prompt\":5}", &none);
        text_clear(&none);
    }
    text_clear(&session);
    curl_global_cleanup();
    return result == 0 ? 0 : 1;
}
