/* SPDX-License-Identifier: Apache-2.0 */
/* What the transcripts must hold: each turn whose result has come, once and in order; none that was
 * refused; nothing of other conversations. */
#include "support/chaos_book.h"
#include "support/scratch_directory.h"

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The runs whose prompts a transcript holds, in its order. */
struct transcript {
    unsigned *runs;
    size_t count, messages;
    char *outline; /* for failures */
};

static unsigned run_of(const json_t *line) {
    static const char prefix[] = "standin:";
    const json_t *content = json_object_get(json_object_get(line, "message"), "content");
    const char *text = json_string_value(
        json_is_array(content) ? json_object_get(json_array_get(content, 0), "text") : content);
    json_t *scenario = text && strncmp(text, prefix, strlen(prefix)) == 0
                           ? json_loads(text + strlen(prefix), 0, NULL)
                           : NULL;
    unsigned run = (unsigned)json_integer_value(json_object_get(scenario, "run"));
    json_decref(scenario);
    return run;
}

/* A line that was cut by the death of its writer is nobody's: no result can have come of it. */
static void take_line(struct transcript *transcript, const char *text) {
    json_t *line = json_loads(text, 0, NULL);
    const char *type = json_string_value(json_object_get(line, "type"));
    bool user = type && strcmp(type, "user") == 0;
    transcript->messages += user || (type && strcmp(type, "assistant") == 0);
    if (user) {
        unsigned *grown = realloc(transcript->runs, (transcript->count + 1) * sizeof(unsigned));
        ck_assert_ptr_nonnull(grown);
        transcript->runs = grown;
        grown[transcript->count++] = run_of(line);
        char *outline = scratch_text("%s %u", transcript->outline, grown[transcript->count - 1]);
        free(transcript->outline);
        transcript->outline = outline;
    }
    json_decref(line);
}

static struct transcript read_transcript(const char *home, const char *id) {
    struct transcript transcript = {.outline = strdup("")};
    char *pattern = scratch_text("%s/.claude/projects/*/%s.jsonl", home, id);
    glob_t found;
    if (glob(pattern, 0, NULL, &found) == 0) {
        char *text = scratch_read(found.gl_pathv[0]), *rest = text, *line;
        while ((line = strsep(&rest, "\n")))
            if (*line)
                take_line(&transcript, line);
        free(text);
    }
    globfree(&found);
    free(pattern);
    return transcript;
}

/* Where the run stands, from 1; 0: nowhere. Never twice. */
static size_t place_of(const struct transcript *transcript, unsigned run, const char *id) {
    size_t place = 0;
    for (size_t i = 0; i < transcript->count; i++)
        if (transcript->runs[i] == run) {
            ck_assert_msg(place == 0, "session %s holds run %u twice:%s", id, run,
                          transcript->outline);
            place = i + 1;
        }
    return place;
}

static void check_turn(const struct chaos_session *session, const struct transcript *transcript,
                       const struct chaos_turn *turn) {
    size_t place = place_of(transcript, turn->run, session->id);
    ck_assert_msg(place > 0 || turn->state != TURN_DONE,
                  "session %s has lost run %u, whose result had come; it holds%s", session->id,
                  turn->run, transcript->outline);
    ck_assert_msg(place == 0 || turn->state != TURN_REFUSED,
                  "session %s holds run %u, which was refused:%s", session->id, turn->run,
                  transcript->outline);
    for (size_t i = 0; turn->state == TURN_DONE && i < session->count; i++) {
        const struct chaos_turn *later = &session->turns[i];
        if (later->state == TURN_DONE && turn->ended_us < later->began_us)
            ck_assert_msg(place < place_of(transcript, later->run, session->id),
                          "session %s holds run %u before run %u, which came first:%s", session->id,
                          later->run, turn->run, transcript->outline);
    }
}

static bool knows(const struct chaos_session *session, unsigned run) {
    for (; session; session = session->parent)
        for (size_t i = 0; i < session->count; i++)
            if (session->turns[i].run == run)
                return true;
    return false;
}

/* True when everything is known of it; then it holds that and nothing else. */
static bool check_exactly(const struct chaos_session *session,
                          const struct transcript *transcript) {
    size_t done = 0;
    for (size_t i = 0; i < session->count; i++)
        done += session->turns[i].state == TURN_DONE;
    if (session->unsure)
        return false;
    ck_assert_msg(transcript->messages == 2 * done && transcript->count == done,
                  "session %s holds %zu messages of %zu turns, expected %zu turns:%s", session->id,
                  transcript->messages, transcript->count, done, transcript->outline);
    return !session->mixed;
}

struct chaos_checked chaos_book_check(struct chaos_book *book, const char *home) {
    struct chaos_session *const *sessions;
    struct chaos_checked checked = {.sessions = (unsigned)chaos_book_sessions(book, &sessions)};
    for (unsigned s = 0; s < checked.sessions; s++) {
        const struct chaos_session *session = sessions[s];
        struct transcript transcript = read_transcript(home, session->id);
        for (size_t i = 0; i < session->count; i++)
            check_turn(session, &transcript, &session->turns[i]);
        for (size_t i = 0; i < transcript.count; i++)
            ck_assert_msg(knows(session, transcript.runs[i]),
                          "session %s holds run %u of another:%s", session->id, transcript.runs[i],
                          transcript.outline);
        checked.exact += check_exactly(session, &transcript);
        checked.turns += (unsigned)session->count;
        free(transcript.runs);
        free(transcript.outline);
    }
    return checked;
}
