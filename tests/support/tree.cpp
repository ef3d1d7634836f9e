// Times of files that a program has just made differ between two runs: only old ones are told.
#include "tests/support/tree.hpp"

#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <stdexcept>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace farside::test {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t content_bytes_max = 2000;
constexpr std::time_t sample_time = 981'173'106;  // 2001-02-03 04:05:06 UTC

// FNV-1a: enough to tell two files apart that ought to be equal.
std::uint64_t hash(std::string_view bytes) {
    std::uint64_t value = 0xcbf29ce484222325;
    for (const char c : bytes) {
        value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
    return value;
}

char type_letter(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFDIR:
            return 'd';
        case S_IFREG:
            return '-';
        case S_IFLNK:
            return 'l';
        case S_IFIFO:
            return 'p';
        case S_IFSOCK:
            return 's';
        case S_IFBLK:
            return 'b';
        default:
            return 'c';
    }
}

std::string describe_content(const fs::path& path, const struct stat& status) {
    if (S_ISLNK(status.st_mode)) {
        return " -> " + printable(fs::read_symlink(path).string(), newlines::escape);
    }
    if (!S_ISREG(status.st_mode)) {
        return {};
    }
    if (status.st_size > 64 * 1024 * 1024) {
        return " (" + std::to_string(status.st_size) + " bytes)";
    }
    const std::string content = read_file(path);
    if (content.size() > content_bytes_max) {
        std::array<char, 64> text{};
        std::snprintf(
            text.data(),
            text.size(),
            " (%zu bytes, hash %016llx)",
            content.size(),
            static_cast<unsigned long long>(hash(content))
        );
        return text.data();
    }
    return " \"" + printable(content, newlines::escape) + '"';
}

std::string describe_entry(const fs::path& root, const fs::path& path) {
    struct stat status {};

    if (::lstat(path.c_str(), &status) != 0) {
        return "?? " + path.string();
    }
    std::string when = "now";
    if (status.st_mtim.tv_sec < std::time(nullptr) - 3600) {
        when = std::to_string(status.st_mtim.tv_sec) + '.' + std::to_string(status.st_mtim.tv_nsec);
    }
    std::array<char, 64> mode{};
    std::snprintf(
        mode.data(), mode.size(), "%c %04o ", type_letter(status.st_mode), status.st_mode & 07777U
    );
    std::string line = mode.data();
    line += std::to_string(status.st_uid) + ':' + std::to_string(status.st_gid);
    // How a file system counts and measures directories is its own affair.
    if (!S_ISDIR(status.st_mode)) {
        line += " x" + std::to_string(status.st_nlink);
        line += " " + when;
    }
    line += " " + printable(path.lexically_relative(root).string(), newlines::escape);
    return line + describe_content(path, status);
}

void set_time(const fs::path& path, std::time_t seconds) {
    const std::array<timespec, 2> times{timespec{seconds, 0}, timespec{seconds, 0}};
    ::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW);
}

// The same bytes each time, with all byte values, not to be compressed away.
std::string noise(std::size_t bytes) {
    std::string result;
    std::uint32_t state = 12345;
    for (std::size_t i = 0; i < bytes; ++i) {
        state = state * 1664525 + 1013904223;
        result += static_cast<char>(state >> 24);
    }
    return result;
}

void make_files(const fs::path& root) {
    std::string numbers;
    for (int i = 1; i <= 200; ++i) {
        numbers += std::to_string(i * 7919 % 1000) + '\n';
    }
    write_file(root / "numbers.txt", numbers);
    write_file(
        root / "notes.txt",
        "first line of the notes\nhay hay needle hay\nthird\n\nlast line has no newline"
    );
    write_file(root / "table.csv", "name,count\nanna,3\nbert,11\ncarl,7\nanna,2\n");
    write_file(root / "noise.bin", noise(300'000));
    write_file(root / "empty", "");
    write_file(root / "run.sh", "#!/bin/sh\necho \"ran $0 with $*\"\ncat \"${0%/*}/table.csv\"\n");
    write_file(root / "dir/one.c", "int one(void) { return 1; }\n");
    write_file(root / "dir/two.c", "/* needle */\nint two(void) { return 2; }\n");
    write_file(root / "dir/sub/deep.txt", "deep needle\n");
    write_file(root / "dir/sub/.hidden", "hidden\n");
    write_file(root / "names/with space", "space\n");
    write_file(root / "names/new\nline", "newline\n");
    write_file(root / "names/bytes\xff\x01", "bytes\n");
    write_file(root / "names/-dash", "dash\n");
    write_file(root / "private", "secret\n");
}

}  // namespace

std::string printable(std::string_view bytes, newlines how) {
    std::string result;
    for (const char c : bytes) {
        if ((c >= ' ' && c <= '~') || (c == '\n' && how == newlines::keep)) {
            result += c;
        } else {
            std::array<char, 8> text{};
            std::snprintf(text.data(), text.size(), "\\x%02x", static_cast<unsigned char>(c));
            result += text.data();
        }
    }
    return result;
}

std::string replace_all(std::string text, std::string_view what, std::string_view with) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
        text.replace(at, what.size(), with);
        at += with.size();
    }
    return text;
}

std::string describe_tree(const fs::path& root) {
    std::vector<fs::path> paths{root};
    for (const auto& entry : fs::recursive_directory_iterator{root}) {
        paths.push_back(entry.path());
    }
    std::ranges::sort(paths);
    std::string result;
    for (const fs::path& path : paths) {
        result += describe_entry(root, path) + '\n';
    }
    return result;
}

void make_sample_tree(const fs::path& root) {
    make_files(root);
    fs::permissions(root / "run.sh", fs::perms{0755});
    fs::permissions(root / "private", fs::perms{0600});
    fs::permissions(root / "dir/one.c", fs::perms{0444});
    fs::create_symlink("notes.txt", root / "link");
    fs::create_symlink("dir/sub", root / "link_to_dir");
    fs::create_symlink("../numbers.txt", root / "dir/up");
    fs::create_symlink("nowhere", root / "dangling");
    fs::create_hard_link(root / "table.csv", root / "table_too.csv");
    fs::create_directory(root / "empty_dir");
    if (::mkfifo((root / "fifo").c_str(), 0644) != 0) {
        throw std::runtime_error{"mkfifo"};
    }
    // Deepest first: a directory's time changes with its entries.
    std::vector<fs::path> paths{root};
    for (const auto& entry : fs::recursive_directory_iterator{root}) {
        paths.push_back(entry.path());
    }
    std::ranges::sort(paths, std::greater<>{});
    std::time_t time = sample_time;
    for (const fs::path& path : paths) {
        set_time(path, time);
        time += 3600;
    }
}

}  // namespace farside::test
