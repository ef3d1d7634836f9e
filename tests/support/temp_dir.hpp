// A directory of a test's own: made empty, removed with everything in it at the end. With
// FARSIDE_TEST_KEEP set it is kept, and its path printed, to be looked at after a failure.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace farside::test {

class temp_dir {
public:
    temp_dir();
    temp_dir(const temp_dir&) = delete;
    temp_dir& operator=(const temp_dir&) = delete;
    ~temp_dir();

    // Absolute, without symbolic links.
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

// Makes the directories above it, too.
void write_file(const std::filesystem::path& path, std::string_view content);

[[nodiscard]] std::string read_file(const std::filesystem::path& path);

}  // namespace farside::test
