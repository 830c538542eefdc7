/* SPDX-License-Identifier: Apache-2.0 */
/* `make check`: the cache and the border, without a gateway. Ends with 0 when all holds. */
#include "../border.h"
#include "../cache.h"

#include <cstdio>
#include <string>

namespace {

int failures = 0;

template <typename A, typename B>
void expect_equal(const char *what, const A &found, const B &expected) {
    if (found == expected)
        return;
    failures++;
    std::fprintf(stderr, "%s: %s, expected %s\n", what, std::to_string(found).c_str(),
                 std::to_string(expected).c_str());
}

void no_exception_crosses_the_border() {
    expect_equal("memory", guarded([]() -> std::int32_t { throw std::bad_alloc(); }),
                 KOINE_NO_MEMORY);
    expect_equal("anything else", guarded([]() -> std::int32_t { throw 1; }), KOINE_INVALID);
    expect_equal("none", guarded([]() -> std::int32_t { return KOINE_FULL; }), KOINE_FULL);
}

void the_least_recently_used_is_dropped() {
    Cache cache;
    cache.configure(2, 1000);
    cache.store("a", "1", 0);
    cache.store("b", "2", 0);
    expect_equal("a is there", cache.find("a", 1) != nullptr, true);
    cache.store("c", "3", 2);
    expect_equal("b is gone", cache.find("b", 3) == nullptr, true);
    expect_equal("a is still there", cache.find("a", 3) != nullptr, true);
    expect_equal("size", cache.size(), 2u);
}

void an_answer_grows_old() {
    Cache cache;
    cache.configure(2, 1000);
    cache.store("a", "1", 500);
    expect_equal("young", cache.find("a", 1499) != nullptr, true);
    expect_equal("old", cache.find("a", 1500) == nullptr, true);
    expect_equal("and dropped", cache.size(), 0u);
}

void a_newer_answer_replaces() {
    Cache cache;
    cache.configure(2, 1000);
    cache.store("a", "1", 0);
    cache.store("a", "2", 900);
    const Cache::Entry *entry = cache.find("a", 1500);
    expect_equal("the second", entry && entry->answer == "2", true);
    expect_equal("size", cache.size(), 1u);
}

} // namespace

int main() {
    no_exception_crosses_the_border();
    the_least_recently_used_is_dropped();
    an_answer_grows_old();
    a_newer_answer_replaces();
    return failures != 0;
}
