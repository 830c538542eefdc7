// SPDX-License-Identifier: Apache-2.0
// A module in C++ whose constructor throws: it cannot even be loaded.
#include <koine/koine.h>
#include <stdexcept>

namespace {
struct database {
    database() {
        throw std::runtime_error("no database");
    }
} connected;
} // namespace

extern "C" const struct koine_module *koine_module(void) {
    return nullptr;
}
