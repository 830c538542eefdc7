/* SPDX-License-Identifier: Apache-2.0 */
/* One field of a body: each kind's rule, and where its value goes. */
#include "body_internal.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_NUMBER_BYTES = 40 };

/* The greatest whose neighbours a double can tell apart. */
static const int64_t LARGEST_INTEGER = (INT64_C(1) << 53) - 1;

static struct koine_text text_of(const char *string) {
    return (struct koine_text){string, strlen(string)};
}

/* Shows numbers as they were written, and of everything else only what it is: the answer may be
 * logged, and a prompt has no place there. */
static void expected(const struct body_value *value, const char *what) {
    bool number = json_is_number(value->json) && value->written.size <= SHOWN_NUMBER_BYTES;
    struct koine_text got = number ? value->written : text_of(koine_json_kind(value->json));
    body_problem_at(value->body, value->field->name, -1, "must be %s, got %.*s", what,
                    (int)got.size, got.data);
}

static struct koine_text string_text(const json_t *json) {
    return (struct koine_text){json_string_value(json), json_string_length(json)};
}

/* Whether the value may be as empty as it is; says so when not. */
static bool full_enough(const struct body_value *value, size_t size) {
    if (size || !(value->field->flags & KOINE_BODY_NOT_EMPTY))
        return true;
    body_problem_at(value->body, value->field->name, -1, "must not be empty");
    return false;
}

/* Whether `amount` is within the field's limits; says so when not, `unit` being " character". */
static bool within(const struct body_value *value, const char *must, double amount,
                   const char *unit) {
    const struct koine_body_field *field = value->field;
    const bool low = amount < field->minimum;
    const bool high = amount > field->maximum;
    if ((field->minimum == 0 && field->maximum == 0) || (!low && !high))
        return true;
    const double limit = low ? field->minimum : field->maximum;
    body_problem_at(value->body, field->name, -1, "must %s at %s %.17g%s%s, got %.17g", must,
                    low ? "least" : "most", limit, unit, *unit && limit != 1 ? "s" : "", amount);
    return false;
}

/* jansson has taken the string for UTF-8: each character has one byte that does not continue. */
static size_t characters_of(struct koine_text text) {
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++)
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return count;
}

static bool is_choice(const struct body_value *value) {
    const char *const *choices = value->field->choices;
    char list[256] = "";
    size_t used = 0;
    for (size_t i = 0; choices && choices[i]; i++) {
        if (strcmp(choices[i], json_string_value(value->json)) == 0)
            return true;
        const int size = snprintf(list + used, sizeof(list) - used, "%s\"%s\"",
                                  i == 0           ? ""
                                  : choices[i + 1] ? ", "
                                                   : " or ",
                                  choices[i]);
        used += size > 0 && (size_t)size < sizeof(list) - used ? (size_t)size : 0;
    }
    if (choices)
        body_problem_at(value->body, value->field->name, -1, "must be %s", list);
    return !choices;
}

static void read_string(const struct body_value *value) {
    if (!json_is_string(value->json)) {
        expected(value, "a string");
        return;
    }
    const struct koine_text text = string_text(value->json);
    if (full_enough(value, text.size) &&
        within(value, "have", (double)characters_of(text), " character") && is_choice(value))
        *(struct koine_text *)value->member = text;
}

static void read_positive_integer(const struct body_value *value) {
    double number = json_is_number(value->json) ? json_number_value(value->json) : 0;
    if (number > UINT32_MAX)
        expected(value, "at most 4294967295");
    else if (!(number >= 1) || number != (double)(uint32_t)number)
        expected(value, "a positive integer");
    else if (within(value, "be", number, ""))
        *(uint32_t *)value->member = (uint32_t)number;
}

static void read_positive_number(const struct body_value *value) {
    double number = json_is_number(value->json) ? json_number_value(value->json) : 0;
    if (!(number > 0) || !isfinite(number))
        expected(value, "a positive number");
    else if (within(value, "be", number, ""))
        *(double *)value->member = number;
}

static void read_integer(const struct body_value *value) {
    const double number = json_is_number(value->json) ? json_number_value(value->json) : NAN;
    if (!(fabs(number) <= (double)LARGEST_INTEGER) || number != (double)(int64_t)number)
        expected(value, "an integer of at most 53 bits");
    else if (within(value, "be", number, ""))
        *(int64_t *)value->member = (int64_t)number;
}

static void read_number(const struct body_value *value) {
    const double number = json_is_number(value->json) ? json_number_value(value->json) : NAN;
    if (!isfinite(number))
        expected(value, "a number");
    else if (within(value, "be", number, ""))
        *(double *)value->member = number;
}

static void read_boolean(const struct body_value *value) {
    if (!json_is_boolean(value->json))
        expected(value, "true or false");
    else
        *(bool *)value->member = json_is_true(value->json);
}

static void read_strings(const struct body_value *value) {
    struct koine_body *body = value->body;
    size_t count = json_array_size(value->json), index;
    json_t *item;
    if (!json_is_array(value->json)) {
        expected(value, "an array of strings");
        return;
    }
    if (!full_enough(value, count) || !within(value, "hold", (double)count, " item"))
        return;
    /* One more than needed, so that an empty array is not NULL. */
    struct koine_text *items =
        body->http->alloc(body->host, body->request, (count + 1) * sizeof(*items));
    if (!items) {
        body->no_memory = true;
        return;
    }
    json_array_foreach(value->json, index, item) {
        if (json_is_string(item))
            items[index] = string_text(item);
        else
            body_problem_at(body, value->field->name, (long long)index, "must be a string, got %s",
                            koine_json_kind(item));
    }
    *(struct koine_body_strings *)value->member = (struct koine_body_strings){items, count};
}

static void read_prompt(const struct body_value *value) {
    struct koine_body_prompt *prompt = value->member;
    size_t index;
    json_t *block;
    if (json_is_string(value->json)) {
        if (full_enough(value, json_string_length(value->json)))
            prompt->text = string_text(value->json);
        return;
    }
    if (!json_is_array(value->json)) {
        expected(value, "a string or an array of content blocks");
        return;
    }
    if (!full_enough(value, json_array_size(value->json)))
        return;
    json_array_foreach(value->json, index, block) {
        if (!json_is_string(json_object_get(block, "type")))
            body_problem_at(value->body, value->field->name, (long long)index,
                            "must be a content block, an object with a \"type\" such as \"text\"");
    }
    prompt->blocks = value->written;
}

static void read_array(const struct body_value *value) {
    size_t count = json_array_size(value->json);
    if (!json_is_array(value->json))
        expected(value, "an array");
    else if (full_enough(value, count) && within(value, "hold", (double)count, " item"))
        *(struct koine_body_array *)value->member =
            (struct koine_body_array){value->written, count};
}

static void read_object(const struct body_value *value) {
    if (!json_is_object(value->json))
        expected(value, "an object");
    else if (full_enough(value, json_object_size(value->json)))
        *(struct koine_text *)value->member = value->written;
}

static void read_json(const struct body_value *value) {
    *(struct koine_text *)value->member = value->written;
}

/* Indexed by enum koine_body_kind. */
static const struct {
    size_t bytes;
    void (*read)(const struct body_value *value);
} kinds[] = {
    [KOINE_BODY_STRING] = {sizeof(struct koine_text), read_string},
    [KOINE_BODY_POSITIVE_INTEGER] = {sizeof(uint32_t), read_positive_integer},
    [KOINE_BODY_POSITIVE_NUMBER] = {sizeof(double), read_positive_number},
    [KOINE_BODY_BOOLEAN] = {sizeof(bool), read_boolean},
    [KOINE_BODY_STRINGS] = {sizeof(struct koine_body_strings), read_strings},
    [KOINE_BODY_PROMPT] = {sizeof(struct koine_body_prompt), read_prompt},
    [KOINE_BODY_ARRAY] = {sizeof(struct koine_body_array), read_array},
    [KOINE_BODY_OBJECT] = {sizeof(struct koine_text), read_object},
    [KOINE_BODY_INTEGER] = {sizeof(int64_t), read_integer},
    [KOINE_BODY_NUMBER] = {sizeof(double), read_number},
    [KOINE_BODY_JSON] = {sizeof(struct koine_text), read_json},
};

void body_field_read(const struct body_value *value) {
    assert(value->field->bytes == kinds[value->field->kind].bytes);
    kinds[value->field->kind].read(value);
}
