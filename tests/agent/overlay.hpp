// An overlay (overlayfs) of a test's own, as containers have one: what is made before mount() is in
// the lower layer, and is copied up when it is changed.
#pragma once

#include "tests/support/temp_dir.hpp"

#include <filesystem>

namespace farside::agent::test {

class overlay {
public:
    overlay();
    overlay(const overlay&) = delete;
    overlay& operator=(const overlay&) = delete;
    ~overlay();

    [[nodiscard]] std::filesystem::path lower() const { return directory_.path() / "lower"; }

    // False: it is not allowed here.
    [[nodiscard]] bool mount();

    [[nodiscard]] std::filesystem::path path() const { return directory_.path() / "all"; }

private:
    farside::test::temp_dir directory_;
    bool mounted_ = false;
};

}  // namespace farside::agent::test
