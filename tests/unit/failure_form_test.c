/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals filled for modules of every age, and their JSON. */
#include "http/failure_form.h"
#include "modules/struct_size.h"
#include "support/test_main.h"
#include <stdlib.h>
#include <string.h>

enum { BYTES_OF_1_0 = LENGTH_WITH(koine_failure, issues) };

/* Of a module: `size` bytes, then what is not its own to write. */
union memory {
    struct koine_failure failure;
    unsigned char bytes[sizeof(struct koine_failure) + 16];
};

static void assert_filled(uint32_t size, uint32_t told, size_t untouched_from) {
    union memory memory;
    memset(&memory, 0xaa, sizeof(memory));
    memory.failure.size = size;
    ck_assert_int_eq(failure_set(&memory.failure, 429, "CODE", "A sentence."), KOINE_REFUSED);
    ck_assert_uint_eq(memory.failure.size, told);
    ck_assert_uint_eq(memory.failure.status, 429);
    ck_assert_uint_eq(memory.failure.retry_after_s, 5);
    ck_assert_uint_eq(memory.failure.code.size, 4);
    ck_assert_uint_eq(memory.failure.issues.size, 0);
    for (size_t i = BYTES_OF_1_0; i < untouched_from; i++)
        ck_assert_msg(memory.bytes[i] == 0, "byte %zu is %02x, not cleared", i, memory.bytes[i]);
    for (size_t i = untouched_from; i < sizeof(memory); i++)
        ck_assert_msg(memory.bytes[i] == 0xaa, "byte %zu was written: %02x", i, memory.bytes[i]);
}

START_TEST(no_byte_behind_the_size_is_written)
{
    const uint32_t now = sizeof(struct koine_failure);
    ck_assert_uint_eq(BYTES_OF_1_0, 64);
    assert_filled(BYTES_OF_1_0, BYTES_OF_1_0, BYTES_OF_1_0);
    assert_filled(now, now, now);
    assert_filled(now + 8, now + 8, now);
    assert_filled(0, now, now); /* the host's own */
}
END_TEST

/* What a module of 1.0 hands in says nothing of the API. */
START_TEST(a_shorter_one_is_read)
{
    union memory memory;
    struct koine_failure read;
    memset(&memory, 0xaa, sizeof(memory));
    memory.failure.size = BYTES_OF_1_0;
    memory.failure.status = 418;
    ck_assert_int_eq(struct_size_read(&read, sizeof(read), &memory, BYTES_OF_1_0), KOINE_OK);
    ck_assert_uint_eq(read.size, sizeof(read));
    ck_assert_uint_eq(read.status, 418);
    ck_assert_uint_eq(read.upstream_status, 0);
    ck_assert_int_eq(struct_size_read(&read, sizeof(read), &memory, sizeof(read)), KOINE_INVALID);
}
END_TEST

START_TEST(the_apis_status_is_not_in_the_json)
{
    struct koine_failure failure = {0};
    size_t size;
    failure_set(&failure, 502, "UPSTREAM_ERROR", "Overloaded");
    failure.upstream_status = 529;
    char *json = failure_json(&failure, &size);
    ck_assert_ptr_nonnull(json);
    ck_assert_str_eq(json, "{\"error\":\"Overloaded\",\"code\":\"UPSTREAM_ERROR\"}");
    free(json);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {no_byte_behind_the_size_is_written, a_shorter_one_is_read,
                                  the_apis_status_is_not_in_the_json};
    return test_main("failure_form", NULL, NULL, tests, sizeof tests / sizeof *tests);
}
