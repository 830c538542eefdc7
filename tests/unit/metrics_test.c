/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metrics registry: what may be defined, how values change, and the text that is exposed.
 */
#include "ops/metrics.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 1000 };

static struct metrics *metrics;

static void setup(void) {
    metrics = metrics_create();
    ck_assert_ptr_nonnull(metrics);
}

static void teardown(void) {
    metrics_destroy(metrics);
}

static struct koine_metric_options options_of(uint32_t type, const char *name) {
    return (struct koine_metric_options){
        .size = sizeof(struct koine_metric_options), .type = type, .name = name, .help = "Help."};
}

static struct koine_label label(const char *name, const char *value) {
    return (struct koine_label){{name, strlen(name)}, {value, strlen(value)}};
}

static int define(const struct koine_metric_options *options, uint64_t *index) {
    return metrics_define(metrics, "koine_", MANY, options, index);
}

/* Defines what must succeed. */
static uint64_t defined(const struct koine_metric_options *options) {
    uint64_t index = 0;
    ck_assert_int_eq(define(options, &index), KOINE_OK);
    ck_assert_uint_ne(index, 0);
    return index;
}

static void assert_rendered(const char *expected) {
    size_t size = 0;
    char *text = metrics_render(metrics, &size);
    ck_assert_ptr_nonnull(text);
    ck_assert_str_eq(text, expected);
    ck_assert_uint_eq(size, strlen(expected));
    free(text);
}

/* ---- values and text ------------------------------------------------------------------------- */

START_TEST(an_empty_registry_is_an_empty_text)
{ assert_rendered(""); }
END_TEST

START_TEST(a_counter_adds_up)
{
    struct koine_metric_options options = options_of(KOINE_METRIC_COUNTER, "requests_total");
    uint64_t counter = defined(&options);
    ck_assert_int_eq(metrics_add(metrics, counter, 1), KOINE_OK);
    ck_assert_int_eq(metrics_add(metrics, counter, 2.5), KOINE_OK);
    assert_rendered("# HELP koine_requests_total Help.\n"
                    "# TYPE koine_requests_total counter\n"
                    "koine_requests_total 3.5\n");
}
END_TEST

START_TEST(a_counter_neither_shrinks_nor_is_set)
{
    struct koine_metric_options options = options_of(KOINE_METRIC_COUNTER, "requests_total");
    uint64_t counter = defined(&options);
    ck_assert_int_eq(metrics_add(metrics, counter, -1), KOINE_INVALID);
    ck_assert_int_eq(metrics_add(metrics, counter, (double)NAN), KOINE_INVALID);
    ck_assert_int_eq(metrics_add(metrics, counter, (double)INFINITY), KOINE_INVALID);
    ck_assert_int_eq(metrics_set(metrics, counter, 7), KOINE_INVALID);
    assert_rendered("# HELP koine_requests_total Help.\n"
                    "# TYPE koine_requests_total counter\n"
                    "koine_requests_total 0\n");
}
END_TEST

START_TEST(a_gauge_goes_up_and_down_and_is_set)
{
    struct koine_metric_options options = options_of(KOINE_METRIC_GAUGE, "runs");
    uint64_t gauge = defined(&options);
    ck_assert_int_eq(metrics_set(metrics, gauge, 5), KOINE_OK);
    ck_assert_int_eq(metrics_add(metrics, gauge, -7), KOINE_OK);
    assert_rendered("# HELP koine_runs Help.\n# TYPE koine_runs gauge\nkoine_runs -2\n");
}
END_TEST

START_TEST(a_histogram_counts_what_is_at_most_each_bound)
{
    static const double buckets[] = {0.1, 1, 10};
    struct koine_metric_options options = options_of(KOINE_METRIC_HISTOGRAM, "wait_seconds");
    struct koine_label labels[] = {label("route", "/stream")};
    options.buckets = buckets;
    options.bucket_count = 3;
    options.labels = labels;
    options.label_count = 1;
    uint64_t histogram = defined(&options);
    static const double observed[] = {0.05, 0.1, 0.5, 10, 100};
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(metrics_add(metrics, histogram, observed[i]), KOINE_OK);
    }
    ck_assert_int_eq(metrics_set(metrics, histogram, 1), KOINE_INVALID);
    assert_rendered("# HELP koine_wait_seconds Help.\n"
                    "# TYPE koine_wait_seconds histogram\n"
                    "koine_wait_seconds_bucket{route=\"/stream\",le=\"0.1\"} 2\n"
                    "koine_wait_seconds_bucket{route=\"/stream\",le=\"1\"} 3\n"
                    "koine_wait_seconds_bucket{route=\"/stream\",le=\"10\"} 4\n"
                    "koine_wait_seconds_bucket{route=\"/stream\",le=\"+Inf\"} 5\n"
                    "koine_wait_seconds_sum{route=\"/stream\"} 110.65\n"
                    "koine_wait_seconds_count{route=\"/stream\"} 5\n");
}
END_TEST

START_TEST(series_of_one_name_stand_together_under_one_head)
{
    struct koine_label first[] = {label("code", "200")};
    struct koine_label second[] = {label("code", "429")};
    struct koine_metric_options answers = options_of(KOINE_METRIC_COUNTER, "answers_total");
    struct koine_metric_options runs = options_of(KOINE_METRIC_GAUGE, "runs");
    answers.labels = first;
    answers.label_count = 1;
    defined(&answers);
    defined(&runs);
    answers.labels = second;
    answers.help = "Another help, too late.";
    defined(&answers);
    assert_rendered("# HELP koine_answers_total Help.\n"
                    "# TYPE koine_answers_total counter\n"
                    "koine_answers_total{code=\"200\"} 0\n"
                    "koine_answers_total{code=\"429\"} 0\n"
                    "# HELP koine_runs Help.\n"
                    "# TYPE koine_runs gauge\n"
                    "koine_runs 0\n");
}
END_TEST

START_TEST(help_and_label_values_are_escaped)
{
    struct koine_label labels[] = {label("path", "C:\\a \"b\"\nc")};
    struct koine_metric_options options = options_of(KOINE_METRIC_GAUGE, "runs");
    options.help = "A \\ and\na \"line\".";
    options.labels = labels;
    options.label_count = 1;
    defined(&options);
    assert_rendered("# HELP koine_runs A \\\\ and\\na \"line\".\n"
                    "# TYPE koine_runs gauge\n"
                    "koine_runs{path=\"C:\\\\a \\\"b\\\"\\nc\"} 0\n");
}
END_TEST

static const struct number {
    double value;
    const char *written;
} numbers[] = {
    {0, "0"},
    {1e6, "1000000"},
    {0.1, "0.1"},
    {0.1 + 0.2, "0.30000000000000004"},
    {1.0 / 3, "0.3333333333333333"},
    {9007199254740991.0, "9007199254740991"},
    {1e300, "1e+300"},
    {5e-324, "4.94065645841247e-324"},
    {(double)INFINITY, "+Inf"},
    {-(double)INFINITY, "-Inf"},
    {(double)NAN, "NaN"},
};

START_TEST(a_number_is_written_so_that_it_reads_back_the_same)
{
    char expected[160];
    struct koine_metric_options options = options_of(KOINE_METRIC_GAUGE, "x");
    ck_assert_int_eq(metrics_set(metrics, defined(&options), numbers[_i].value), KOINE_OK);
    snprintf(expected, sizeof(expected), "# HELP koine_x Help.\n# TYPE koine_x gauge\nkoine_x %s\n",
             numbers[_i].written);
    assert_rendered(expected);
}
END_TEST

/* ---- finding --------------------------------------------------------------------------------- */

START_TEST(the_same_name_and_labels_are_the_same_series_in_any_order)
{
    struct koine_label one[] = {label("a", "1"), label("b", "2")};
    struct koine_label other[] = {label("b", "2"), label("a", "1")};
    struct koine_metric_options options = options_of(KOINE_METRIC_GAUGE, "runs");
    options.label_count = 2;
    options.labels = one;
    uint64_t first = defined(&options);
    options.labels = other;
    ck_assert_uint_eq(defined(&options), first);
}
END_TEST

START_TEST(a_label_value_cannot_pass_for_two_labels)
{
    struct koine_label two[] = {label("a", "1"), label("b", "2")};
    struct koine_label one[] = {label("a", "1\",b=\"2")};
    struct koine_metric_options options = options_of(KOINE_METRIC_GAUGE, "runs");
    options.labels = two;
    options.label_count = 2;
    uint64_t first = defined(&options);
    options.labels = one;
    options.label_count = 1;
    ck_assert_uint_ne(defined(&options), first);
}
END_TEST

START_TEST(each_of_many_series_is_found_again)
{
    char value[16];
    uint64_t indexes[MANY];
    struct koine_metric_options options = options_of(KOINE_METRIC_GAUGE, "runs");
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            snprintf(value, sizeof(value), "%d", i);
            struct koine_label labels[] = {label("n", value)};
            options.labels = labels;
            options.label_count = 1;
            uint64_t index = defined(&options);
            if (round == 1) {
                ck_assert_uint_eq(index, indexes[i]);
            }
            indexes[i] = index;
        }
    }
}
END_TEST

START_TEST(one_series_too_many_is_refused_for_that_prefix_alone)
{
    uint64_t index = 0;
    struct koine_metric_options runs = options_of(KOINE_METRIC_GAUGE, "runs");
    struct koine_metric_options rows = options_of(KOINE_METRIC_GAUGE, "rows");
    ck_assert_int_eq(metrics_define(metrics, "koine_a_", 1, &runs, &index), KOINE_OK);
    ck_assert_int_eq(metrics_define(metrics, "koine_a_", 1, &rows, &index), KOINE_REFUSED);
    ck_assert_int_eq(metrics_define(metrics, "koine_a_", 1, &runs, &index), KOINE_OK);
    ck_assert_int_eq(metrics_define(metrics, "koine_b_", 1, &rows, &index), KOINE_OK);
    assert_rendered("# HELP koine_a_runs Help.\n# TYPE koine_a_runs gauge\nkoine_a_runs 0\n"
                    "# HELP koine_b_rows Help.\n# TYPE koine_b_rows gauge\nkoine_b_rows 0\n");
}
END_TEST

START_TEST(a_name_has_one_type)
{
    uint64_t index = 0;
    struct koine_metric_options counter = options_of(KOINE_METRIC_COUNTER, "runs_total");
    struct koine_metric_options gauge = options_of(KOINE_METRIC_GAUGE, "runs_total");
    defined(&counter);
    ck_assert_int_eq(define(&gauge, &index), KOINE_EXISTS);
}
END_TEST

START_TEST(a_histogram_has_one_set_of_buckets)
{
    static const double some[] = {1, 2};
    static const double others[] = {1, 3};
    uint64_t index = 0;
    struct koine_label labels[] = {label("a", "b")};
    struct koine_metric_options options = options_of(KOINE_METRIC_HISTOGRAM, "wait_seconds");
    options.buckets = some;
    options.bucket_count = 2;
    defined(&options);
    options.labels = labels;
    options.label_count = 1;
    options.buckets = others;
    ck_assert_int_eq(define(&options, &index), KOINE_EXISTS);
    options.buckets = some;
    options.bucket_count = 1;
    ck_assert_int_eq(define(&options, &index), KOINE_EXISTS);
}
END_TEST

START_TEST(two_modules_never_share_a_series)
{
    uint64_t index = 0;
    struct koine_metric_options longer = options_of(KOINE_METRIC_GAUGE, "b_rows");
    struct koine_metric_options shorter = options_of(KOINE_METRIC_GAUGE, "rows");
    ck_assert_int_eq(metrics_define(metrics, "koine_a_", MANY, &longer, &index), KOINE_OK);
    ck_assert_int_eq(metrics_define(metrics, "koine_a_b_", MANY, &shorter, &index), KOINE_EXISTS);
}
END_TEST

START_TEST(a_histograms_parts_keep_their_names)
{
    static const double buckets[] = {1};
    uint64_t index = 0;
    struct koine_metric_options histogram = options_of(KOINE_METRIC_HISTOGRAM, "wait");
    struct koine_metric_options before = options_of(KOINE_METRIC_GAUGE, "other_sum");
    struct koine_metric_options after = options_of(KOINE_METRIC_GAUGE, "wait_count");
    histogram.buckets = buckets;
    histogram.bucket_count = 1;
    defined(&histogram);
    ck_assert_int_eq(define(&after, &index), KOINE_EXISTS);
    defined(&before);
    histogram.name = "other";
    ck_assert_int_eq(define(&histogram, &index), KOINE_EXISTS);
}
END_TEST

START_TEST(an_index_that_nobody_was_given_is_gone)
{
    ck_assert_int_eq(metrics_add(metrics, 0, 1), KOINE_GONE);
    ck_assert_int_eq(metrics_add(metrics, 1, 1), KOINE_GONE);
    ck_assert_int_eq(metrics_set(metrics, UINT64_MAX, 1), KOINE_GONE);
}
END_TEST

/* ---- what cannot be defined ------------------------------------------------------------------ */

static const struct bad_name {
    uint32_t type;
    const char *name;
} bad_names[] = {
    {KOINE_METRIC_GAUGE, NULL},      {KOINE_METRIC_GAUGE, ""},
    {KOINE_METRIC_GAUGE, "Runs"},    {KOINE_METRIC_GAUGE, "1st"},
    {KOINE_METRIC_GAUGE, "_runs"},   {KOINE_METRIC_GAUGE, "run-s"},
    {KOINE_METRIC_COUNTER, "runs"},  {KOINE_METRIC_COUNTER, "_total"},
    {KOINE_METRIC_HISTOGRAM, "run"}, {KOINE_METRIC_HISTOGRAM + 1, "runs"},
};

START_TEST(a_bad_name_or_type_is_invalid)
{
    uint64_t index = 0;
    struct koine_metric_options options = options_of(bad_names[_i].type, bad_names[_i].name);
    ck_assert_int_eq(define(&options, &index), KOINE_INVALID);
    assert_rendered("");
}
END_TEST

START_TEST(options_of_another_size_or_without_help_are_invalid)
{
    uint64_t index = 0;
    struct koine_metric_options options = options_of(KOINE_METRIC_GAUGE, "runs");
    options.size = 8;
    ck_assert_int_eq(define(&options, &index), KOINE_INVALID);
    options = options_of(KOINE_METRIC_GAUGE, "runs");
    options.help = NULL;
    ck_assert_int_eq(define(&options, &index), KOINE_INVALID);
    ck_assert_int_eq(define(NULL, &index), KOINE_INVALID);
}
END_TEST

static const struct koine_label bad_labels[] = {
    {KOINE_TEXT(""), KOINE_TEXT("x")},     {{NULL, 0}, KOINE_TEXT("x")},
    {KOINE_TEXT("A"), KOINE_TEXT("x")},    {KOINE_TEXT("1a"), KOINE_TEXT("x")},
    {KOINE_TEXT("a-b"), KOINE_TEXT("x")},  {KOINE_TEXT("le"), KOINE_TEXT("x")},
    {KOINE_TEXT("__a"), KOINE_TEXT("x")},  {KOINE_TEXT("a"), KOINE_TEXT("\xff")},
    {KOINE_TEXT("a"), KOINE_TEXT("x\0y")}, {KOINE_TEXT("a"), {NULL, 3}},
};

START_TEST(a_bad_label_is_invalid)
{
    uint64_t index = 0;
    struct koine_metric_options options = options_of(KOINE_METRIC_GAUGE, "runs");
    options.labels = &bad_labels[_i];
    options.label_count = 1;
    ck_assert_int_eq(define(&options, &index), KOINE_INVALID);
}
END_TEST

START_TEST(a_label_may_stand_once_and_eight_are_the_limit)
{
    uint64_t index = 0;
    struct koine_label twice[] = {label("a", "1"), label("b", "2"), label("a", "2")};
    struct koine_label nine[] = {label("a", ""), label("b", ""), label("c", ""),
                                 label("d", ""), label("e", ""), label("f", ""),
                                 label("g", ""), label("h", ""), label("i", "")};
    struct koine_metric_options options = options_of(KOINE_METRIC_GAUGE, "runs");
    options.labels = twice;
    options.label_count = 3;
    ck_assert_int_eq(define(&options, &index), KOINE_INVALID);
    options.labels = nine;
    options.label_count = 9;
    ck_assert_int_eq(define(&options, &index), KOINE_INVALID);
    options.label_count = 8;
    ck_assert_int_eq(define(&options, &index), KOINE_OK);
}
END_TEST

START_TEST(bad_buckets_are_invalid)
{
    static const double falling[] = {1, 2, 2};
    static const double endless[] = {1, (double)INFINITY};
    double many[33];
    uint64_t index = 0;
    for (size_t i = 0; i < 33; i++) {
        many[i] = (double)i;
    }
    struct koine_metric_options options = options_of(KOINE_METRIC_HISTOGRAM, "wait_seconds");
    options.buckets = falling;
    options.bucket_count = 3;
    ck_assert_int_eq(define(&options, &index), KOINE_INVALID);
    options.buckets = endless;
    options.bucket_count = 2;
    ck_assert_int_eq(define(&options, &index), KOINE_INVALID);
    options.buckets = many;
    options.bucket_count = 33;
    ck_assert_int_eq(define(&options, &index), KOINE_INVALID);
    options.bucket_count = 0;
    ck_assert_int_eq(define(&options, &index), KOINE_INVALID);
    options.bucket_count = 32;
    ck_assert_int_eq(define(&options, &index), KOINE_OK);
}
END_TEST

static void add_values(Suite *suite) {
    TCase *values = tcase_create("values");
    tcase_add_checked_fixture(values, setup, teardown);
    tcase_add_test(values, an_empty_registry_is_an_empty_text);
    tcase_add_test(values, a_counter_adds_up);
    tcase_add_test(values, a_counter_neither_shrinks_nor_is_set);
    tcase_add_test(values, a_gauge_goes_up_and_down_and_is_set);
    tcase_add_test(values, a_histogram_counts_what_is_at_most_each_bound);
    tcase_add_test(values, series_of_one_name_stand_together_under_one_head);
    tcase_add_test(values, help_and_label_values_are_escaped);
    tcase_add_loop_test(values, a_number_is_written_so_that_it_reads_back_the_same, 0,
                        sizeof(numbers) / sizeof(numbers[0]));
    suite_add_tcase(suite, values);
}

static void add_definitions(Suite *suite) {
    TCase *definitions = tcase_create("definitions");
    tcase_add_checked_fixture(definitions, setup, teardown);
    tcase_add_test(definitions, the_same_name_and_labels_are_the_same_series_in_any_order);
    tcase_add_test(definitions, a_label_value_cannot_pass_for_two_labels);
    tcase_add_test(definitions, each_of_many_series_is_found_again);
    tcase_add_test(definitions, one_series_too_many_is_refused_for_that_prefix_alone);
    tcase_add_test(definitions, a_name_has_one_type);
    tcase_add_test(definitions, a_histogram_has_one_set_of_buckets);
    tcase_add_test(definitions, two_modules_never_share_a_series);
    tcase_add_test(definitions, a_histograms_parts_keep_their_names);
    tcase_add_test(definitions, an_index_that_nobody_was_given_is_gone);
    tcase_add_loop_test(definitions, a_bad_name_or_type_is_invalid, 0,
                        sizeof(bad_names) / sizeof(bad_names[0]));
    tcase_add_test(definitions, options_of_another_size_or_without_help_are_invalid);
    tcase_add_loop_test(definitions, a_bad_label_is_invalid, 0,
                        sizeof(bad_labels) / sizeof(bad_labels[0]));
    tcase_add_test(definitions, a_label_may_stand_once_and_eight_are_the_limit);
    tcase_add_test(definitions, bad_buckets_are_invalid);
    suite_add_tcase(suite, definitions);
}

int main(void) {
    Suite *suite = suite_create("metrics");
    add_values(suite);
    add_definitions(suite);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
