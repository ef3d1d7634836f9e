// Operations on names, and those on open files that change or tell more than bytes.
#include "tests/differential/executor.hpp"

#include <algorithm>
#include <cerrno>
#include <string>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace farside::differential {
namespace {

const char* path(std::int64_t index) {
    return path_names[static_cast<std::size_t>(index)];
}

void tell_stat(int result, const struct stat& found) {
    if (result == 0) {
        std::array<char, 16> mode{};
        std::snprintf(mode.data(), mode.size(), "%o", found.st_mode);
        std::string text = std::string{mode.data()} + " links " + std::to_string(found.st_nlink);
        if (!S_ISDIR(found.st_mode)) {
            text += " bytes " + std::to_string(found.st_size);
        }
        say(text + ' ');
    }
    tell_result(result);
}

// The records' names and types, sorted: their order is the file system's affair.
std::string entries_of(const char* records, long bytes) {
    std::vector<std::string> names;
    for (long at = 0; at < bytes;) {
        const auto* const entry = reinterpret_cast<const dirent64*>(records + at);
        names.push_back(std::string{entry->d_name} + ':' + std::to_string(entry->d_type));
        at += entry->d_reclen;
    }
    std::ranges::sort(names);
    std::string text;
    for (const auto& name : names) {
        text += name + ' ';
    }
    return text;
}

// From the first to the last: of names made after a listing began nothing is promised.
void tell_entries(int fd, std::size_t room) {
    alignas(dirent64) std::array<char, 4096> records{};
    if (is_directory(fd)) {
        ::lseek(fd, 0, SEEK_SET);
    }
    for (long got = 1; got > 0;) {
        got = ::syscall(SYS_getdents64, fd, records.data(), std::min(room, records.size()));
        say(entries_of(records.data(), got));
        tell_result(got);
    }
}

}  // namespace

void executor::do_open_file(const step& one) {
    const auto [slot, first, second, third] = one.numbers;
    const int fd = file(slot);
    switch (one.what) {
        case action::truncate_open:
            return tell_result(::ftruncate(fd, first));
        case action::allocate:
            return tell_result(::fallocate(fd, static_cast<int>(first), second, third));
        case action::sync:
            return tell_result(first == 0 ? ::fsync(fd) : ::fdatasync(fd));
        case action::stat_open: {
            struct stat found {};

            const int result = ::fstat(fd, &found);
            return tell_stat(result, found);
        }
        default:
            return tell_entries(fd, static_cast<std::size_t>(first));
    }
}

void executor::do_name(const step& one) {
    const auto [first, second, third, fourth] = one.numbers;
    const auto mode = static_cast<mode_t>(second);
    switch (one.what) {
        case action::open:
        case action::open_at: {
            int& fd = file(first);
            if (fd >= 0) {
                ::close(fd);
            }
            const int directory = one.what == action::open ? AT_FDCWD : file(fourth);
            fd = ::openat(
                directory,
                path(second),
                static_cast<int>(third),
                one.what == action::open ? static_cast<mode_t>(fourth) : 0640
            );
            return tell_result(fd);
        }
        case action::truncate:
            return tell_result(::truncate(path(first), second));
        case action::stat: {
            struct stat found {};

            const int result = ::fstatat(AT_FDCWD, path(first), &found, static_cast<int>(second));
            return tell_stat(result, found);
        }
        case action::access:
            return tell_result(::access(path(first), static_cast<int>(second)));
        case action::list: {
            const int fd = ::open(path(first), O_RDONLY | O_DIRECTORY);
            tell_entries(fd, 4096);
            if (fd >= 0) {
                ::close(fd);
            }
            return;
        }
        case action::unlink:
            return tell_result(::unlink(path(first)));
        case action::make_directory:
            return tell_result(::mkdir(path(first), mode));
        case action::remove_directory:
            return tell_result(::rmdir(path(first)));
        case action::rename:
            return tell_result(::renameat2(
                AT_FDCWD, path(first), AT_FDCWD, path(second), static_cast<unsigned>(third)
            ));
        case action::link:
            return tell_result(::link(path(first), path(second)));
        case action::make_symlink:
            return tell_result(::symlink(path(first), path(second)));
        case action::read_link: {
            std::string target(100, '\0');
            const auto got = ::readlink(path(first), target.data(), target.size());
            return tell_bytes(got, target);
        }
        case action::change_mode:
            return tell_result(::chmod(path(first), mode));
        case action::set_times: {
            const std::array<timespec, 2> times{{{second, 5}, {third, 7}}};
            return tell_result(::utimensat(AT_FDCWD, path(first), times.data(), 0));
        }
        case action::change_directory:
            return tell_result(::chdir(path(first)));
        case action::leave_directory:
            return tell_result(::chdir(start_.c_str()));
        default:
            return tell_result(static_cast<long>(::umask(static_cast<mode_t>(first))));
    }
}

}  // namespace farside::differential
