// Plain system calls.
#include "tests/coherence/files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace farside::coherence {
namespace {

void write_new(const std::string& path, int flags, const std::string& text) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
    if (fd < 0 || ::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::close(fd) != 0) {
        fail("writing " + path);
    }
}

std::string to_text(const struct timespec& time) {
    return std::to_string(time.tv_sec) + '.' + std::to_string(time.tv_nsec);
}

}  // namespace

void fail(const std::string& what) {
    std::fprintf(stderr, "%s: %s\n", what.c_str(), std::strerror(errno));
    std::exit(2);
}

void make_directory(const std::string& path) {
    if (::mkdir(path.c_str(), 0755) != 0) {
        fail("mkdir " + path);
    }
}

void write_whole(const std::string& path, const std::string& text) {
    write_new(path, O_TRUNC, text);
}

void replace(const std::string& path, const std::string& text) {
    const auto beside = path + ".new";
    write_new(beside, O_EXCL, text);
    if (::rename(beside.c_str(), path.c_str()) != 0) {
        fail("rename " + beside);
    }
}

std::string read_whole(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (errno != ENOENT) {
            fail("open " + path);
        }
        return "missing";
    }
    std::string text;
    std::array<char, 4096> part;
    ssize_t got = 0;
    while ((got = ::read(fd, part.data(), part.size())) > 0) {
        text.append(part.data(), static_cast<std::size_t>(got));
    }
    if (got < 0 || ::close(fd) != 0) {
        fail("read " + path);
    }
    std::ranges::replace(text, '\0', '-');
    return text;
}

std::string describe(const std::string& path, int flags) {
    struct stat told {};

    if (::fstatat(AT_FDCWD, path.c_str(), &told, flags) != 0) {
        if (errno != ENOENT) {
            fail("stat " + path);
        }
        return "missing";
    }
    return std::to_string(told.st_ino) + ' ' + std::to_string(told.st_mode) + ' ' +
           std::to_string(told.st_nlink) + ' ' + std::to_string(told.st_uid) + ' ' +
           std::to_string(told.st_size) + ' ' + to_text(told.st_mtim) + ' ' + to_text(told.st_ctim);
}

std::string link_target(const std::string& path) {
    std::array<char, 4096> text;
    const auto got = ::readlink(path.c_str(), text.data(), text.size());
    if (got < 0) {
        if (errno != ENOENT) {
            fail("readlink " + path);
        }
        return "missing";
    }
    return {text.data(), static_cast<std::size_t>(got)};
}

std::string list(const std::string& path) {
    DIR* const directory = ::opendir(path.c_str());
    if (directory == nullptr) {
        fail("opendir " + path);
    }
    std::vector<std::string> names;
    while (const auto* const entry = ::readdir(directory)) {
        names.emplace_back(entry->d_name);
    }
    ::closedir(directory);
    std::ranges::sort(names);
    std::string text;
    for (const auto& name : names) {
        text += name + ' ';
    }
    return text;
}

std::string digits(int round) {
    auto text = std::to_string(round);
    return std::string(8 - std::min<std::size_t>(8, text.size()), '0') + text;
}

}  // namespace farside::coherence
