// Copies between files, and mappings. Memory is looked at with process_vm_readv(2), which answers
// EFAULT where a plain access would end the process.
#include "tests/differential/executor.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace farside::differential {
namespace {

constexpr std::size_t page = 4096;

bool same_file(int a, int b) {
    struct stat first {};

    struct stat second {};

    return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_ino == second.st_ino;
}

// From the file into a pipe, or the other way, until all is done: how much one call moves is not
// promised.
void splice_all(int fd, std::size_t bytes, bool into_file) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return tell_result(-1);
    }
    std::string moved;
    long result = 0;
    if (into_file) {
        const auto text = pattern(static_cast<std::int64_t>(bytes), 'A');
        const auto put = ::write(ends[1], text.data(), text.size());
        std::size_t left = put < 0 ? 0 : static_cast<std::size_t>(put);
        ::close(ends[1]);
        while (left > 0 && (result = ::splice(ends[0], nullptr, fd, nullptr, left, 0)) > 0) {
            left -= static_cast<std::size_t>(result);
            moved += std::to_string(left == 0 ? text.size() : 0);
        }
    } else {
        while (moved.size() < bytes) {
            result =
                ::splice(fd, nullptr, ends[1], nullptr, bytes - moved.size(), SPLICE_F_NONBLOCK);
            if (result <= 0) {
                break;
            }
            std::string part(static_cast<std::size_t>(result), '\0');
            const auto got = ::read(ends[0], part.data(), part.size());
            moved += part.substr(0, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        }
        ::close(ends[1]);
    }
    const int error = errno;
    ::close(ends[0]);
    errno = error;
    if (result < 0 && moved.empty()) {
        return tell_result(result);
    }
    tell_bytes(static_cast<long>(moved.size()), moved);
}

long memory_io(bool store, void* address, std::string& bytes) {
    const iovec here{bytes.data(), bytes.size()};
    const iovec there{address, bytes.size()};
    return store ? ::process_vm_writev(::getpid(), &here, 1, &there, 1, 0)
                 : ::process_vm_readv(::getpid(), &here, 1, &there, 1, 0);
}

void tell_private_map(int fd, std::size_t bytes) {
    void* const made = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (made == MAP_FAILED) {
        return tell_result(-1);
    }
    std::string seen(bytes, '\0');
    std::string stored =
        pattern(std::min<std::int64_t>(100, static_cast<std::int64_t>(bytes)), 'x');
    const long loaded = memory_io(false, made, seen);
    const int error = errno;
    memory_io(true, made, stored);
    ::munmap(made, bytes);
    errno = error;
    tell_bytes(loaded, seen);
}

}  // namespace

void executor::do_copy(const step& one) {
    const auto [slot, first, second, third] = one.numbers;
    const int fd = file(slot);
    if (one.what == action::splice) {
        return splice_all(fd, static_cast<std::size_t>(first), second == 1);
    }
    const int other = file(first);
    const auto bytes = static_cast<std::size_t>(second);
    if (one.what == action::copy_range) {
        off_t offset = third;
        return tell_result(
            ::copy_file_range(fd, third < 0 ? nullptr : &offset, other, nullptr, bytes, 0)
        );
    }
    if (is_directory(other)) {  // whether its position is in the way depends on what that means
        return say("from a directory\n");
    }
    if (same_file(fd, other)) {  // it may then read what it has just written, or not
        return say("the same file\n");
    }
    tell_result(::sendfile(fd, other, nullptr, bytes));
}

void executor::make_map(mapping& m, const step& one) {
    const auto [slot, from, how, where] = one.numbers;
    if (m.address != nullptr) {
        ::munmap(m.address, m.bytes);
        ::close(m.file);
        m = {};
    }
    const auto bytes = static_cast<std::size_t>(where >> 8) * page;
    const off_t offset = (where & 0xff) * static_cast<off_t>(page);
    void* const made = ::mmap(
        nullptr, bytes, static_cast<int>(how & 0xff), static_cast<int>(how >> 8), file(from), offset
    );
    if (made == MAP_FAILED) {
        return tell_result(-1);
    }
    const auto name = "/proc/self/fd/" + std::to_string(file(from));
    m = {static_cast<char*>(made), bytes, offset, ::open(name.c_str(), O_PATH | O_CLOEXEC)};
    tell_result(0);
}

void executor::do_map(const step& one) {
    const auto [slot, first, second, third] = one.numbers;
    if (one.what == action::map_private) {
        return tell_private_map(file(slot), static_cast<std::size_t>(first));
    }
    mapping& m = map(slot);
    if (one.what == action::map) {
        return make_map(m, one);
    }
    if (m.address == nullptr) {
        return say("no mapping\n");
    }
    const auto inside = static_cast<std::int64_t>(m.bytes) - first;
    const bool accesses = one.what == action::load || one.what == action::store;
    if (accesses && inside <= 0) {
        return say("outside\n");
    }
    switch (one.what) {
        case action::load: {
            std::string bytes(static_cast<std::size_t>(std::min(second, inside)), '\0');
            const long loaded = memory_io(false, m.address + first, bytes);
            return tell_bytes(loaded, bytes);
        }
        case action::store: {
            // What is stored beyond the end of the file may or may not appear when it grows.
            struct stat found {};

            ::fstat(m.file, &found);
            const auto room = found.st_size - m.offset - first;
            if (room <= 0) {
                return say("beyond the end\n");
            }
            std::string bytes = pattern(std::min({second, room, inside}), third);
            return tell_result(memory_io(true, m.address + first, bytes));
        }
        case action::sync_map:
            return tell_result(::msync(m.address, m.bytes, static_cast<int>(first)));
        case action::remap: {
            const auto bytes = static_cast<std::size_t>(first) * page;
            void* const moved = ::mremap(m.address, m.bytes, bytes, MREMAP_MAYMOVE);
            if (moved == MAP_FAILED) {
                return tell_result(-1);
            }
            m.address = static_cast<char*>(moved);
            m.bytes = bytes;
            return tell_result(0);
        }
        default:
            tell_result(::munmap(m.address, m.bytes));
            ::close(m.file);
            m = {};
    }
}

}  // namespace farside::differential
