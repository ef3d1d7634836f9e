// Calls that move bytes between files and pipes without the program: splice(2), tee(2),
// vmsplice(2), and what sendfile(2) and copy_file_range(2) refuse.
#include "tests/conformance/conformance_case.hpp"
#include "tests/conformance/told.hpp"

#include <array>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

namespace farside::conformance {
namespace {

// A pipe for the length of a case; reads say what came.
struct pipe_pair {
    explicit pipe_pair(int flags = 0) {
        if (::pipe2(ends.data(), flags) != 0) {
            ends = {-1, -1};
        }
    }

    ~pipe_pair() {
        close_reading();
        close_writing();
    }

    pipe_pair(const pipe_pair&) = delete;
    pipe_pair& operator=(const pipe_pair&) = delete;

    void close_reading() { ::close(std::exchange(ends[0], -1)); }

    void close_writing() { ::close(std::exchange(ends[1], -1)); }

    [[nodiscard]] int out() const { return ends[0]; }

    [[nodiscard]] int in() const { return ends[1]; }

    void show(transcript& t, std::size_t bytes) const {
        std::string room(bytes, '\0');
        const auto got = told(::read(out(), room.data(), room.size()));
        room.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        t.record("read pipe", got, text::shortened(room));
    }

    std::array<int, 2> ends{};
};

void splice(
    transcript& t,
    const char* what,
    int from,
    std::int64_t* from_offset,
    int to,
    std::int64_t* to_offset,
    std::size_t bytes,
    unsigned flags = 0
) {
    const auto result = told(::splice(from, from_offset, to, to_offset, bytes, flags));
    std::string shown = text::of_outcome(result);
    for (const std::int64_t* offset : {from_offset, to_offset}) {
        shown += offset == nullptr ? "" : " offset " + std::to_string(*offset);
    }
    t.record(std::string{"splice "} + what, result, shown);
}

void show_position(transcript& t, int fd) {
    t.note("position " + std::to_string(::lseek(fd, 0, SEEK_CUR)));
}

constexpr conformance_case cases[] = {
    {"splice.file_to_pipe",
     [](transcript& t) {
         t.make_file("a", "abcdefghijklmnopqrstuvwxyz");
         const pipe_pair pipe;
         const int fd = t.open("a", O_RDONLY);
         splice(t, "5", fd, nullptr, pipe.in(), nullptr, 5);
         show_position(t, fd);
         pipe.show(t, 100);
         std::int64_t offset = 20;
         splice(t, "at 20", fd, &offset, pipe.in(), nullptr, 100);
         show_position(t, fd);
         pipe.show(t, 100);
         splice(t, "at the end", fd, &offset, pipe.in(), nullptr, 100);
         splice(t, "the rest", fd, nullptr, pipe.in(), nullptr, 100, SPLICE_F_MOVE);
         pipe.show(t, 100);
         splice(t, "nothing", fd, nullptr, pipe.in(), nullptr, 0);
     }},
    {"splice.pipe_to_file",
     [](transcript& t) {
         t.make_file("a", "abcdefghij");
         pipe_pair pipe;
         const int fd = t.open("a", O_RDWR);
         static_cast<void>(!::write(pipe.in(), "0123456789", 10));
         splice(t, "3", pipe.out(), nullptr, fd, nullptr, 3);
         show_position(t, fd);
         std::int64_t offset = 8;
         splice(t, "4 at 8", pipe.out(), nullptr, fd, &offset, 4);
         show_position(t, fd);
         splice(t, "what is there", pipe.out(), nullptr, fd, nullptr, 100);
         show_position(t, fd);
         pipe.close_writing();
         splice(t, "after the end", pipe.out(), nullptr, fd, nullptr, 100);
         t.close(fd);
         t.show_file("a");
     }},
    {"splice.does_not_wait_when_told",
     [](transcript& t) {
         t.make_file("a", text::pattern(300'000));
         const int fd = t.open("a", O_RDWR);
         const pipe_pair empty;
         splice(t, "empty", empty.out(), nullptr, fd, nullptr, 10, SPLICE_F_NONBLOCK);
         const pipe_pair full{O_NONBLOCK};
         std::int64_t moved = 0;
         outcome last = 0;
         while ((last = told(::splice(fd, nullptr, full.in(), nullptr, 300'000, 0))) > 0) {
             moved += last;
         }
         t.note("moved " + std::to_string(moved) + ", then " + text::of_outcome(last));
         show_position(t, fd);
         full.show(t, 100'000);
         splice(t, "room again", fd, nullptr, full.in(), nullptr, 10, SPLICE_F_NONBLOCK);
     }},
    {"splice.whole_files_in_a_loop",
     [](transcript& t) {
         t.make_file("a", text::pattern(500'000));
         const pipe_pair pipe;
         const int from = t.open("a", O_RDONLY);
         const int to = t.open("b", O_CREAT | O_WRONLY, 0644);
         std::int64_t total = 0;
         for (;;) {
             const auto in = ::splice(from, nullptr, pipe.in(), nullptr, 1 << 20, 0);
             if (in <= 0) {
                 break;
             }
             for (ssize_t left = in; left > 0;) {
                 const auto out =
                     ::splice(pipe.out(), nullptr, to, nullptr, static_cast<std::size_t>(left), 0);
                 if (out <= 0) {
                     t.record("splice", told(out));
                     return;
                 }
                 left -= out;
                 total += out;
             }
         }
         t.note("moved " + std::to_string(total));
         t.close(to);
         t.show_file("b");
     }},
    {"splice.refuses",
     [](transcript& t) {
         t.make_file("a", "abc");
         t.mkdir("dir");
         const pipe_pair pipe;
         static_cast<void>(!::write(pipe.in(), "xyz", 3));
         const int reading = t.open("a", O_RDONLY);
         const int writing = t.open("a", O_WRONLY);
         const int both = t.open("a", O_RDWR);
         const int append = t.open("a", O_RDWR | O_APPEND);
         const int path = t.open("a", O_PATH);
         const int dir = t.open("dir", O_RDONLY);
         std::int64_t zero = 0;
         std::int64_t negative = -1;
         splice(t, "files", reading, nullptr, both, nullptr, 3);
         splice(t, "files", writing, nullptr, both, nullptr, 3);
         splice(t, "not readable", writing, nullptr, pipe.in(), nullptr, 3);
         splice(t, "not writable", pipe.out(), nullptr, reading, nullptr, 3);
         splice(t, "wrong end", reading, nullptr, pipe.out(), nullptr, 3);
         splice(t, "wrong end", pipe.in(), nullptr, both, nullptr, 3);
         splice(t, "append", pipe.out(), nullptr, append, nullptr, 3);
         splice(t, "path", path, nullptr, pipe.in(), nullptr, 3);
         splice(t, "path", pipe.out(), nullptr, path, nullptr, 3);
         splice(t, "directory", dir, nullptr, pipe.in(), nullptr, 3);
         splice(t, "offset of the pipe", reading, nullptr, pipe.in(), &zero, 3);
         splice(t, "offset of the pipe", pipe.out(), &zero, both, nullptr, 3);
         splice(t, "negative", reading, &negative, pipe.in(), nullptr, 3);
         splice(t, "negative", pipe.out(), nullptr, both, &negative, 3);
         splice(t, "flags", reading, nullptr, pipe.in(), nullptr, 3, 0x100);
         splice(t, "closed", reading, nullptr, -1, nullptr, 3);
         splice(t, "closed", -1, nullptr, both, nullptr, 3);
         t.record("tee", told(::tee(reading, pipe.in(), 3, 0)));
         t.record("tee", told(::tee(pipe.out(), both, 3, 0)));
         t.record("tee", told(::tee(pipe.out(), reading, 3, 0)));
         t.record("tee", told(::tee(reading, both, 3, 0)));
         t.record("tee nothing", told(::tee(reading, both, 0, 0)));
         iovec memory{&zero, sizeof zero};
         t.record("vmsplice", told(::vmsplice(reading, &memory, 1, 0)));
         t.record("vmsplice", told(::vmsplice(both, &memory, 1, 0)));
         t.record("vmsplice", told(::vmsplice(path, &memory, 1, 0)));
         pipe.show(t, 10);
     }},
    {"splice.into_a_broken_pipe",
     [](transcript& t) {
         t.make_file("a", "abc");
         pipe_pair pipe;
         pipe.close_reading();
         const int fd = t.open("a", O_RDONLY);
         const auto before = ::signal(SIGPIPE, SIG_IGN);
         splice(t, "broken", fd, nullptr, pipe.in(), nullptr, 3);
         ::signal(SIGPIPE, before);
         show_position(t, fd);
     }},
    {"splice.a_failed_write_loses_nothing",
     [](transcript& t) {
         t.make_file("a", "abc");
         const pipe_pair pipe;
         const int fd = t.open("a", O_RDWR);
         static_cast<void>(!::write(pipe.in(), "xyz", 3));
         std::int64_t beyond = std::int64_t{1} << 62;
         const auto result = ::splice(pipe.out(), nullptr, fd, &beyond, 3, 0);
         t.note("failed", result < 0);
         pipe.show(t, 10);
     }},
    {"sendfile.refuses",
     [](transcript& t) {
         t.make_file("a", "abcdef");
         t.mkdir("dir");
         const pipe_pair pipe;
         const int reading = t.open("a", O_RDONLY);
         const int writing = t.open("b", O_CREAT | O_WRONLY, 0644);
         const int append = t.open("b", O_WRONLY | O_APPEND);
         const int path = t.open("a", O_PATH);
         const int dir = t.open("dir", O_RDONLY);
         off_t negative = -5;
         off_t zero = 0;
         t.record("not readable", told(::sendfile(writing, writing, nullptr, 3)));
         t.record("not writable", told(::sendfile(reading, reading, nullptr, 3)));
         t.record("append", told(::sendfile(append, reading, nullptr, 3)));
         t.record("path", told(::sendfile(writing, path, nullptr, 3)));
         t.record("path", told(::sendfile(path, reading, nullptr, 3)));
         t.record("directory", told(::sendfile(writing, dir, nullptr, 3)));
         t.record("negative", told(::sendfile(writing, reading, &negative, 3)));
         t.record("negative into what is closed", told(::sendfile(-1, reading, &negative, 3)));
         t.record("negative from what is closed", told(::sendfile(writing, -1, &negative, 3)));
         t.record("from a pipe", told(::sendfile(writing, pipe.out(), nullptr, 3)));
         t.record("from a pipe at", told(::sendfile(writing, pipe.out(), &zero, 3)));
         t.record("closed", told(::sendfile(-1, reading, nullptr, 3)));
         t.record("closed", told(::sendfile(writing, -1, nullptr, 3)));
         t.record("nothing", told(::sendfile(writing, reading, nullptr, 0)));
         t.record("past the end", told(::sendfile(writing, reading, &zero, 100)));
         t.note("offset " + std::to_string(zero));
         show_position(t, reading);
         t.show_file("b");
     }},
};

}  // namespace

case_family splice_cases() {
    return {needs::process, cases};
}

}  // namespace farside::conformance
