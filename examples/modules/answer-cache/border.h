/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where C++ meets the ABI: text to and fro, and a wall that no exception crosses. The ABI is C: an
 * exception that left a callback would unwind through the gateway and end its worker.
 */
#ifndef ANSWER_CACHE_BORDER_H
#define ANSWER_CACHE_BORDER_H

#include <exception>
#include <koine/koine.h>
#include <new>
#include <string_view>

/* Borrowed both ways: neither is terminated, both live as long as what they point to. */
inline std::string_view view(koine_text text) {
    return {text.data, text.size};
}
inline koine_text text(std::string_view view) {
    return {view.data(), view.size()};
}

/* What begins with `size` is all zero but for that: zero is always the default. */
template <typename Struct> Struct sized() {
    Struct value{};
    value.size = sizeof(Struct);
    return value;
}

/* Runs `body`, whose result is a KOINE_… code. Everything that the host calls goes through here. */
template <typename Body> std::int32_t guarded(Body &&body) noexcept {
    try {
        return body();
    } catch (const std::bad_alloc &) {
        return KOINE_NO_MEMORY;
    } catch (...) {
        return KOINE_INVALID;
    }
}

#endif
