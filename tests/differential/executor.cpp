// The walk through the sequence, its processes, and the operations on descriptors.
#include "tests/differential/executor.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farside::differential {
namespace {

// FNV-1a.
std::uint32_t hash(std::string_view bytes) {
    std::uint32_t value = 2166136261U;
    for (const char c : bytes) {
        value = (value ^ static_cast<unsigned char>(c)) * 16777619U;
    }
    return value;
}

constexpr std::array lock_commands{F_SETLK, F_GETLK, F_OFD_SETLK, F_OFD_GETLK};

int lock_command(const step& one) {
    return lock_commands[static_cast<std::size_t>(one.numbers[1] / 3)];
}

// Whether a lock of a process may be in the way beside another one. Of several fcntl(2) tells one,
// and does not say which.
bool may_lock_twice(const sequence& all) {
    const auto sets = [&](int command) {
        return std::ranges::any_of(all, [=](const step& one) {
            return one.what == action::lock_record && lock_command(one) == command;
        });
    };
    const bool several_processes = std::ranges::any_of(all, [](const step& one) {
        return one.what == action::fork || one.what == action::spawn;
    });
    return sets(F_SETLK) && (sets(F_OFD_SETLK) || several_processes);
}

void tell_child(pid_t child) {
    int status = 0;
    const auto ended = ::waitpid(child, &status, 0);
    say(ended == child ? "child ended " + std::to_string(status) : std::string{"no child"});
    say("\n");
}

}  // namespace

void say(std::string_view text) {
    while (!text.empty()) {
        const auto put = ::write(STDOUT_FILENO, text.data(), text.size());
        if (put <= 0) {
            ::_exit(3);
        }
        text.remove_prefix(static_cast<std::size_t>(put));
    }
}

void tell_result(long result) {
    const int error = errno;
    say(result >= 0 ? std::to_string(result) : std::string{::strerrorname_np(error)});
    say("\n");
}

void tell_bytes(long result, std::string_view bytes) {
    if (result < 0) {
        tell_result(result);
        return;
    }
    bytes = bytes.substr(0, static_cast<std::size_t>(result));
    std::string text = std::to_string(result) + " #" + std::to_string(hash(bytes)) + ' ';
    for (const char c : bytes.substr(0, 12)) {
        text += c >= ' ' && c <= '~' ? c : '.';
    }
    say(text + '\n');
}

std::string pattern(std::int64_t count, std::int64_t first) {
    std::string bytes(static_cast<std::size_t>(count), '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<char>(static_cast<std::size_t>(first) + i);
    }
    return bytes;
}

executor::executor(sequence all, std::string start, std::vector<std::string> program)
    : all_{std::move(all)},
      program_{std::move(program)},
      start_{std::move(start)},
      may_lock_twice_{may_lock_twice(all_)} {}

void executor::run(const continuation& part) {
    files_ = part.files;
    const std::size_t end = std::min(all_.size(), part.from + part.count);
    for (std::size_t i = part.from; i < end;) {
        i += do_step(i, end);
    }
}

std::vector<std::string> executor::words_of(const continuation& part) {
    std::vector<std::string> words{
        "--from", std::to_string(part.from), "--count", std::to_string(part.count), "--files"};
    for (const int file : part.files) {
        words.push_back(std::to_string(file));
    }
    return words;
}

std::size_t executor::do_step(std::size_t index, std::size_t end) {
    const step& one = all_[index];
    say(std::to_string(index) + ' ' + to_text(one) + " = ");
    switch (one.what) {
        case action::fork:
        case action::spawn: {
            const auto count = std::min(static_cast<std::size_t>(one.numbers[0]), end - index - 1);
            one.what == action::fork ? in_child(index + 1, count) : in_program(index + 1, count);
            return 1 + count;
        }
        case action::read:
        case action::pread:
        case action::readv:
        case action::write:
        case action::pwrite:
        case action::writev:
        case action::seek:
            do_io(one);
            break;
        case action::copy_range:
        case action::send_file:
        case action::splice:
            do_copy(one);
            break;
        case action::map:
        case action::map_private:
        case action::load:
        case action::store:
        case action::sync_map:
        case action::unmap:
        case action::remap:
            do_map(one);
            break;
        case action::close:
        case action::dup:
        case action::dup2:
        case action::get_flags:
        case action::set_flags:
        case action::lock_file:
        case action::lock_record:
            do_descriptor(one);
            break;
        case action::truncate_open:
        case action::allocate:
        case action::sync:
        case action::stat_open:
        case action::list_on:
            do_open_file(one);
            break;
        default:
            do_name(one);
    }
    return 1;
}

void executor::in_child(std::size_t from, std::size_t count) {
    say("a child\n");
    const pid_t child = ::fork();
    if (child == 0) {
        run({from, count, files_});
        ::_exit(0);
    }
    tell_child(child);
}

void executor::in_program(std::size_t from, std::size_t count) const {
    say("a program\n");
    auto words = program_;
    for (const auto& word : words_of({from, count, files_})) {
        words.push_back(word);
    }
    std::vector<char*> arguments;
    for (auto& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    pid_t child = -1;
    const int failed =
        ::posix_spawn(&child, arguments[0], nullptr, nullptr, arguments.data(), environ);
    if (failed != 0) {
        say(std::string{::strerrorname_np(failed)} + '\n');
        return;
    }
    tell_child(child);
}

bool is_directory(int fd) {
    struct stat told {};

    return ::fstat(fd, &told) == 0 && S_ISDIR(told.st_mode);
}

void executor::do_io(const step& one) {
    const auto [slot, first, second, third] = one.numbers;
    const int fd = file(slot);
    std::string bytes(static_cast<std::size_t>(one.what == action::seek ? 0 : first), '\0');
    const bool by_position = one.what == action::read || one.what == action::readv;
    if (by_position && is_directory(fd)) {  // EISDIR, or EINVAL: that depends on what it means
        return say("a directory\n");
    }
    switch (one.what) {
        case action::read: {
            const auto got = ::read(fd, bytes.data(), bytes.size());
            return tell_bytes(got, bytes);
        }
        case action::pread: {
            const auto got = ::pread(fd, bytes.data(), bytes.size(), second);
            return tell_bytes(got, bytes);
        }
        case action::readv: {
            std::string more(static_cast<std::size_t>(second), '\0');
            const std::array<iovec, 2> parts{
                {{bytes.data(), bytes.size()}, {more.data(), more.size()}}};
            const auto got = ::readv(fd, parts.data(), 2);
            return tell_bytes(got, bytes + more);
        }
        case action::write:
            bytes = pattern(first, second);
            return tell_result(::write(fd, bytes.data(), bytes.size()));
        case action::pwrite:
            bytes = pattern(first, third);
            return tell_result(::pwrite(fd, bytes.data(), bytes.size(), second));
        case action::writev: {
            bytes = pattern(first, third);
            std::string more = pattern(second, third + 1);
            const std::array<iovec, 2> parts{
                {{bytes.data(), bytes.size()}, {more.data(), more.size()}}};
            return tell_result(::writev(fd, parts.data(), 2));
        }
        default: {
            struct stat found {};

            // Positions in a directory are the file system's own; only its beginning is promised.
            const bool begins = first == 0 && second == SEEK_SET;
            if (!begins && ::fstat(fd, &found) == 0 && S_ISDIR(found.st_mode)) {
                return say("a directory\n");
            }
            // What is preallocated counts as data once somebody read it, ahead, too.
            if (second == SEEK_DATA || second == SEEK_HOLE) {
                return say("data and holes\n");
            }
            return tell_result(::lseek(fd, first, static_cast<int>(second)));
        }
    }
}

void executor::do_descriptor(const step& one) {
    const auto [slot, first, second, third] = one.numbers;
    int& fd = file(slot);
    switch (one.what) {
        case action::close:
            tell_result(::close(fd));
            fd = -1;
            return;
        case action::dup: {
            int& to = file(first);
            const int made = ::dup(fd);
            if (to >= 0) {
                ::close(to);
            }
            to = made;
            return tell_result(made);
        }
        case action::dup2:
            return tell_result(file(first) < 0 ? -1 : ::dup2(fd, file(first)));
        case action::get_flags:
            return tell_result(::fcntl(fd, F_GETFL));
        case action::set_flags:
            return tell_result(::fcntl(fd, F_SETFL, static_cast<int>(first)));
        case action::lock_file:
            return tell_result(::flock(fd, static_cast<int>(first)));
        default:
            break;
    }
    return do_record_lock(one);
}

void executor::do_record_lock(const step& one) {
    const auto [slot, first, second, third] = one.numbers;
    const int fd = file(slot);
    constexpr std::array types{F_RDLCK, F_WRLCK, F_UNLCK};

    struct flock range {};

    range.l_type = static_cast<short>(types[static_cast<std::size_t>(first % 3)]);
    range.l_start = second;
    range.l_len = third;
    const int command = lock_command(one);
    const int result = ::fcntl(fd, command, &range);
    const bool in_the_way =
        (command == F_GETLK || command == F_OFD_GETLK) && range.l_type != F_UNLCK;
    if (result == 0 && in_the_way && may_lock_twice_) {
        say("a lock ");
    } else if (result == 0) {
        const char* const owner = range.l_pid == 0            ? "none"
                                  : range.l_pid == -1         ? "no process"
                                  : range.l_pid == ::getpid() ? "self"
                                                              : "another";
        say(std::to_string(range.l_type) + ' ' + std::to_string(range.l_start) + '+' +
            std::to_string(range.l_len) + " of " + owner + ' ');
    }
    tell_result(result);
}

}  // namespace farside::differential
