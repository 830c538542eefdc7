/* SPDX-License-Identifier: Apache-2.0 */
/* The object of an answer with a schema: the client reads it as the text of the answer, or as the
 * input of the tool that it has forced. */
#include "chat_internal.h"

bool chat_has_object(const struct chat_turn *turn) {
    return turn->ask.schema.data != NULL; /* never read: it may be gone */
}

static void begin(struct chat_turn *turn) {
    struct koine_chat_event event = {.block = KOINE_CHAT_BLOCK_TEXT};
    const struct koine_chat_id id = koine_chat_id_make("toolu_");
    if (turn->forced_tool)
        event = (struct koine_chat_event){.block = KOINE_CHAT_BLOCK_TOOL,
                                          .id = chat_text_of(id.text),
                                          .name = chat_text_of(turn->forced_tool)};
    turn->object_told = true;
    chat_tell_block(turn, &event);
}

static void tell(struct chat_turn *turn, struct koine_text piece) {
    if (turn->forced_tool) {
        chat_tell_piece(turn, KOINE_CHAT_INPUT, piece);
        return;
    }
    chat_message_digest_text(&turn->answer, piece);
    chat_tell_piece(turn, KOINE_CHAT_TEXT, piece);
}

void chat_object_begin(struct chat_turn *turn) {
    static const struct koine_failure restarted = {
        .size = sizeof(restarted),
        .status = 500,
        .code = {"PARSE_ERROR", sizeof("PARSE_ERROR") - 1},
        .message = {"The model began its object anew, and what was sent of it is void; ask again",
                    sizeof("The model began its object anew, and what was sent of it is void; ask "
                           "again") -
                        1},
    };
    if (!turn->ask.streams)
        return;
    if (turn->object_told)
        chat_turn_fail(turn, &restarted);
    else
        begin(turn);
}

void chat_object_delta(struct chat_turn *turn, struct koine_text piece) {
    if (turn->ask.streams && turn->object_told)
        tell(turn, piece);
}

void chat_object_end(struct chat_turn *turn, struct koine_text object) {
    if (!turn->object_told) {
        begin(turn);
        tell(turn, object);
    }
    chat_tell_block_end(turn);
}
