/* SPDX-License-Identifier: Apache-2.0 */
/* A number for a demo's object: within its bounds, a multiple where that is asked for, and what the
 * property's name lets one expect where that fits. */
#include "standin_cli_demo.h"

#include <math.h>

struct range {
    double low, high; /* both included when `step` is given */
    bool open_low, open_high;
    double step; /* 0: none */
};

static void read_bound(const json_t *schema, const char *name, const char *exclusive_name,
                       double *bound, bool *open, double sign) {
    const json_t *value = json_object_get(schema, name);
    const json_t *exclusive = json_object_get(schema, exclusive_name);
    if (json_is_number(value)) {
        *bound = json_number_value(value);
        *open = json_is_true(exclusive); /* draft-04 */
    }
    if (json_is_number(exclusive) && sign * json_number_value(exclusive) >= sign * *bound) {
        *bound = json_number_value(exclusive);
        *open = true;
    }
}

static struct range range_of(const json_t *schema, bool whole) {
    struct range range = {-HUGE_VAL, HUGE_VAL, false, false, 0};
    const json_t *multiple = json_object_get(schema, "multipleOf");
    read_bound(schema, "minimum", "exclusiveMinimum", &range.low, &range.open_low, 1);
    read_bound(schema, "maximum", "exclusiveMaximum", &range.high, &range.open_high, -1);
    range.step = json_is_number(multiple) ? json_number_value(multiple) : whole ? 1 : 0;
    if (whole && range.step != floor(range.step))
        range.step = ceil(range.step) == 1 ? 1 : range.step * 10;
    return range;
}

static bool is_within(const struct range *range, double value) {
    return (range->open_low ? value > range->low : value >= range->low) &&
           (range->open_high ? value < range->high : value <= range->high);
}

/* The `count`-th multiple from a bound on, from the start again behind the other. */
static double stepped(const struct range *range, double hint, unsigned count) {
    double step = range->step;
    double from = isfinite(range->low) ? ceil(range->low / step) * step : -HUGE_VAL;
    double to = isfinite(range->high) ? floor(range->high / step) * step : HUGE_VAL;
    if (range->open_low && from <= range->low)
        from += step;
    if (range->open_high && to >= range->high)
        to -= step;
    double start = ceil(hint / step) * step;
    if (start + count * step <= to && start >= from)
        return start + count * step;
    if (!isfinite(from))
        return to - count * step;
    return isfinite(to) && to >= from ? from + fmod(count, (to - from) / step + 1) * step
                                      : from + count * step;
}

static double between(const struct range *range, double hint, unsigned count) {
    double value = hint + count;
    if (is_within(range, value))
        return value;
    if (isfinite(range->low) && isfinite(range->high))
        value = range->low + (range->high - range->low) * (count % 9 + 1) / 10;
    else
        value = isfinite(range->low) ? range->low + 1 + count : range->high - 1 - count;
    double rounded = round(value * 100) / 100;
    return is_within(range, rounded) ? rounded : value;
}

json_t *demo_number(const json_t *schema, const struct demo_place *place, bool whole) {
    struct range range = range_of(schema, whole);
    double hint = whole ? 7 : 4.2;
    demo_number_hint(place->name, &hint);
    double value =
        range.step > 0 ? stepped(&range, hint, place->count) : between(&range, hint, place->count);
    if (!isfinite(value))
        value = 0; /* of bounds and steps that no number is between */
    bool is_integer = value == floor(value) && fabs(value) < 9e15;
    return is_integer && (whole || range.step >= 1) ? json_integer((json_int_t)value)
                                                    : json_real(value);
}
