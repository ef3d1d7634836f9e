// Removal gives itself the rights that a test may have taken from its directories.
#include "tests/support/temp_dir.hpp"

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>

namespace farside::test {

namespace fs = std::filesystem;

namespace {

void make_removable(const fs::path& directory) {
    std::error_code ignored;
    fs::permissions(directory, fs::perms::owner_all, fs::perm_options::add, ignored);
    for (const auto& entry : fs::directory_iterator{directory, ignored}) {
        if (!entry.is_symlink() && entry.is_directory()) {
            make_removable(entry.path());
        }
    }
}

}  // namespace

temp_dir::temp_dir() {
    std::string name = (fs::temp_directory_path() / "test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        throw std::runtime_error{"no temporary directory at " + name};
    }
    path_ = fs::canonical(name);
}

temp_dir::~temp_dir() {
    if (std::getenv("FARSIDE_TEST_KEEP") != nullptr) {
        std::cerr << "kept: " << path_ << '\n';
        return;
    }
    make_removable(path_);
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

void write_file(const fs::path& path, std::string_view content) {
    fs::create_directories(path.parent_path());
    std::ofstream file{path, std::ios::binary};
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    if (!file.flush()) {
        throw std::runtime_error{"cannot write " + path.string()};
    }
}

std::string read_file(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace farside::test
