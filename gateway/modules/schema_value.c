/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparison of JSON values as JSON Schema means it. Knows no keyword.
 */
#include "modules/schema_value.h"

#include "modules/schema_place.h"

/* -1, 0 or 1. Exact, which a conversion to double is not above 2^53. */
static int compare_with_real(json_int_t integer, double real) {
    const double limit = 9223372036854775808.0; /* 2^63 */
    if (real >= limit || real < -limit) {
        return real > 0 ? -1 : 1;
    }
    json_int_t whole = (json_int_t)real;
    if (integer != whole) {
        return integer < whole ? -1 : 1;
    }
    double fraction = real - (double)whole;
    return (fraction < 0) - (fraction > 0);
}

int schema_compare_numbers(const json_t *a, const json_t *b) {
    if (json_is_integer(a) && json_is_integer(b)) {
        json_int_t left = json_integer_value(a);
        json_int_t right = json_integer_value(b);
        return (left > right) - (left < right);
    }
    if (json_is_integer(a)) {
        return compare_with_real(json_integer_value(a), json_real_value(b));
    }
    if (json_is_integer(b)) {
        return -compare_with_real(json_integer_value(b), json_real_value(a));
    }
    return (json_real_value(a) > json_real_value(b)) - (json_real_value(a) < json_real_value(b));
}

static bool objects_equal(const json_t *a, const json_t *b) {
    const char *name;
    json_t *member;
    json_object_foreach(schema_members(a), name, member) {
        const json_t *other = json_object_get(b, name);
        if (other == NULL || !schema_equal(member, other)) {
            return false;
        }
    }
    return json_object_size(a) == json_object_size(b);
}

static bool arrays_equal(const json_t *a, const json_t *b) {
    if (json_array_size(a) != json_array_size(b)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(a); i++) {
        if (!schema_equal(json_array_get(a, i), json_array_get(b, i))) {
            return false;
        }
    }
    return true;
}

bool schema_equal(const json_t *a, const json_t *b) {
    if (json_is_number(a) && json_is_number(b)) {
        return schema_compare_numbers(a, b) == 0;
    }
    if (json_is_object(a) && json_is_object(b)) {
        return objects_equal(a, b);
    }
    if (json_is_array(a) && json_is_array(b)) {
        return arrays_equal(a, b);
    }
    return json_equal(a, b) == 1;
}
