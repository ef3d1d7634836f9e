// Files mapped with MAP_SHARED: stores, write(2), truncation, other processes and what is left in
// the file are one and the same file.
#include "tests/conformance/conformance_case.hpp"
#include "tests/conformance/mapping.hpp"
#include "tests/conformance/told.hpp"

#include <array>
#include <cstring>

#include <linux/falloc.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farside::conformance {
namespace {

constexpr int read_write = PROT_READ | PROT_WRITE;
constexpr std::size_t page = 4096;

// A child that runs `body` and leaves with its answer; the exit status, or minus the signal.
template <typename Body>
int status_of_child(Body body) {
    std::fflush(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::_exit(body());
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Whether reading the byte is answered with SIGBUS.
bool is_bus_error(const char* at) {
    return status_of_child([at] { return *static_cast<const volatile char*>(at) == 0 ? 0 : 1; }) ==
           -SIGBUS;
}

// Another process and another open of the same name: what it reads by a mapping of its own.
int first_byte_seen_elsewhere(const char* path) {
    return status_of_child([path] {
        const int fd = ::open(path, O_RDONLY);
        const mapping map{1, PROT_READ, MAP_SHARED, fd};
        return map.failure() == 0 ? map.bytes()[0] : 0;
    });
}

// A pipe by which two processes take turns.
class turn {
public:
    turn() { opened_ = ::pipe2(ends_.data(), O_CLOEXEC) == 0; }

    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

    ~turn() {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }

    void give() const { [[maybe_unused]] const auto put = ::write(ends_[1], "x", 1); }

    void await() const {
        char byte = 0;
        [[maybe_unused]] const auto got = opened_ ? ::read(ends_[0], &byte, 1) : 0;
    }

private:
    std::array<int, 2> ends_{-1, -1};
    bool opened_ = false;
};

void coherence_by_calls(transcript& t) {
    t.make_file("a", "content of the file");
    const int fd = t.open("a", O_RDWR);
    const mapping map{19, read_write, MAP_SHARED, fd};
    map.store(0, "CONTENT");
    t.pread(fd, 30, 0);
    t.read(fd, 10);
    t.pwrite(fd, "OF", 8);
    show(t, "after pwrite", map);
    map.store(3, "---");
    t.show_file("a");
    const mapping other{19, PROT_READ, MAP_SHARED, t.open("a", O_RDONLY)};
    show(t, "another mapping", other);
    map.store(0, "x");
    show(t, "the same, later", other);
}

void coherence_of_processes(transcript& t) {
    t.make_file("a", std::string(page, 'a'));
    const mapping map{page, read_write, MAP_SHARED, t.open("a", O_RDWR)};
    const turn to_child;
    const turn to_parent;
    std::fflush(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
        const int own = ::open("a", O_RDWR);
        const mapping theirs{page, read_write, MAP_SHARED, own};
        theirs.store(0, "child");
        to_parent.give();
        to_child.await();
        char seen[6] = {};
        const auto got = ::pread(own, seen, 6, 10);
        theirs.store(20, {seen, static_cast<std::size_t>(got > 0 ? got : 0)});
        ::_exit(theirs.failure() == 0 ? 0 : 1);
    }
    to_parent.await();
    t.note("seen " + map.text().substr(0, 8));
    map.store(10, "parent");
    to_child.give();
    int status = 0;
    ::waitpid(pid, &status, 0);
    t.record("child", WEXITSTATUS(status));
    t.note("seen " + map.text().substr(0, 30));
    t.show_file("a");
}

void truncation(transcript& t) {
    t.make_file("a", text::pattern(3 * page));
    const int fd = t.open("a", O_RDWR);
    const mapping map{3 * page, read_write, MAP_SHARED, fd};
    map.store(10, "kept");
    map.store(2 * page, "gone");
    t.ftruncate(fd, page + 100);
    if (map.failure() == 0) {
        const char* const memory = map.bytes().data();
        t.note("the page behind the end is gone", is_bus_error(memory + 2 * page));
        t.note("the last page is there", !is_bus_error(memory + page + 200));
        t.note("what was cut off is zero", memory[page + 100] == 0 && memory[2 * page - 1] == 0);
    }
    t.ftruncate(fd, 3 * page);
    if (map.failure() == 0) {
        t.note("what came back is zero", map.bytes()[2 * page] == 0);
    }
    show(t, "mapping", map);
    t.show_file("a");
}

void truncation_by_name(transcript& t) {
    t.make_file("a", text::pattern(2 * page));
    t.link("a", "b");
    const mapping map{2 * page, read_write, MAP_SHARED, t.open("a", O_RDWR)};
    t.truncate("b", 100);
    t.note("gone", map.failure() == 0 && is_bus_error(map.bytes().data() + page));
    const int fd = t.open("b", O_WRONLY | O_TRUNC);
    t.note("empty", map.failure() == 0 && is_bus_error(map.bytes().data()));
    t.write(fd, "anew");
    t.note(map.failure() == 0 ? std::string{map.bytes().data(), 8} : "");
    map.store(0, "A");
    t.show_file("a");
}

void growth(transcript& t) {
    t.make_file("a", "short");
    const int fd = t.open("a", O_RDWR | O_APPEND);
    const mapping map{3 * page, read_write, MAP_SHARED, fd};
    map.store(0, "S");
    t.write(fd, std::string(page, 'x'));
    t.note(map.failure() == 0 ? std::string{map.bytes().data() + page - 3, 12} : "");
    map.store(page, "stored");
    t.ftruncate(fd, 2 * page + 10);
    map.store(2 * page, "behind");
    t.show_file("a");
    t.write(fd, "end");
    t.show_file("a");
}

void remapping(transcript& t) {
    t.make_file("a", text::pattern(4 * page));
    const int fd = t.open("a", O_RDWR);
    mapping map{page, read_write, MAP_SHARED, fd, page};
    t.close(fd);
    if (map.failure() != 0) {
        t.record("mmap", map.failure());
        return;
    }
    map.store(0, "before");
    void* const grown = ::mremap(map.bytes().data(), page, 3 * page, MREMAP_MAYMOVE);
    t.note("grown", grown != MAP_FAILED);
    map.release();
    auto* const bytes = static_cast<char*>(grown);
    std::memcpy(bytes + 2 * page, "grown", 5);
    void* const twice = ::mremap(grown, 0, page, MREMAP_MAYMOVE);
    t.note("doubled", twice != MAP_FAILED && std::memcmp(twice, "before", 6) == 0);
    std::memcpy(twice, "BEFORE", 6);
    void* const less = ::mremap(grown, 3 * page, page, 0);
    t.note("shrunk in place", less == grown);
    t.note("still the same", std::memcmp(less, "BEFORE", 6) == 0);
    t.record("munmap", told(::munmap(twice, page)));
    std::memcpy(less, "last", 4);
    t.record("munmap", told(::munmap(less, page)));
    t.show_file("a");
}

void protecting(transcript& t) {
    t.make_file("a", "content");
    const mapping map{7, PROT_READ, MAP_SHARED, t.open("a", O_RDWR)};
    const mapping fixed{7, PROT_READ, MAP_SHARED, t.open("a", O_RDONLY)};
    const auto protect = [&](const mapping& m) {
        return told(::mprotect(m.bytes().data(), page, read_write));
    };
    t.record("mprotect of a writer's", protect(map));
    t.record("mprotect of a reader's", protect(fixed));
    map.store(0, "CON");
    show(t, "reader's", fixed);
    t.show_file("a");
}

void errors(transcript& t) {
    t.make_file("a", "content");
    t.mkdir("dir");
    const int reader = t.open("a", O_RDONLY);
    const int writer = t.open("a", O_WRONLY);
    const int both = t.open("a", O_RDWR);
    show(t, "writing of a reader", mapping{7, read_write, MAP_SHARED, reader});
    show(t, "reading of a writer", mapping{7, PROT_READ, MAP_SHARED, writer});
    show(t, "writing of a writer", mapping{7, PROT_WRITE, MAP_SHARED, writer});
    show(t, "no bytes", mapping{0, read_write, MAP_SHARED, both});
    show(t, "no page", mapping{7, read_write, MAP_SHARED, both, 10});
    show(t, "too many bytes", mapping{SIZE_MAX, read_write, MAP_SHARED, both});
    show(t, "behind all", mapping{page, read_write, MAP_SHARED, both, INT64_MAX - page + 1});
    show(t, "no kind", mapping{7, read_write, 0, both});
    show(t, "of a directory", mapping{7, PROT_READ, MAP_SHARED, t.open("dir", O_RDONLY)});
    show(t, "of a path", mapping{7, PROT_READ, MAP_SHARED, t.open("a", O_PATH)});
    show(t, "of none", mapping{7, PROT_READ, MAP_SHARED, 999});
    t.record("synchronous", mapping{7, read_write, MAP_SHARED_VALIDATE | MAP_SYNC, both}.failure());
    t.record("validated", mapping{7, read_write, MAP_SHARED_VALIDATE, both}.failure());
    t.record("huge pages", mapping{7, read_write, MAP_SHARED | MAP_HUGETLB, both}.failure());
    const mapping map{2 * page, read_write, MAP_SHARED, both};
    if (map.failure() == 0) {
        char* const memory = map.bytes().data();
        t.record("both ways", told(::msync(memory, page, MS_SYNC | MS_ASYNC)));
        t.record("unknown flag", told(::msync(memory, page, 64)));
        t.record("no page", told(::msync(memory + 1, page, MS_SYNC)));
        t.record("nothing", told(::msync(memory, 0, MS_SYNC)));
        t.record("munmap no page", told(::munmap(memory + 1, page)));
        t.record("munmap nothing", told(::munmap(memory, 0)));
    }
}

void holes_and_ranges(transcript& t) {
    t.make_file("a", text::pattern(3 * page));
    const int fd = t.open("a", O_RDWR);
    const mapping map{3 * page, read_write, MAP_SHARED, fd};
    map.store(page, "stored before");
    t.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, page, page);
    t.note("zero", map.failure() == 0 && map.bytes()[page] == 0);
    t.fallocate(fd, 0, 0, 4 * page);
    map.store(0, "first");
    const int from = t.open("a", O_RDONLY);
    t.copy_file_range(from, 0, fd, 2 * page, 10);
    t.note(map.failure() == 0 ? std::string{map.bytes().data() + 2 * page, 10} : "");
    t.show_file("a");
}

void partly_unmapped(transcript& t) {
    t.make_file("a", text::pattern(3 * page));
    mapping map{3 * page, read_write, MAP_SHARED, t.open("a", O_RDWR)};
    map.store(0, "one");
    map.store(page, "two");
    map.store(2 * page, "three");
    if (map.failure() == 0) {
        char* const memory = map.bytes().data();
        t.record("munmap the middle", told(::munmap(memory + page, page)));
        std::memcpy(memory + 2 * page, "THREE", 5);
        t.record("msync with a hole", told(::msync(memory, 3 * page, MS_SYNC)));
        void* const over =
            ::mmap(memory, page, read_write, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        t.note("replaced", over == memory && memory[0] == 0);
        std::memcpy(memory, "private", 7);
    }
    t.show_file("a");
}

constexpr conformance_case cases[] = {
    {"shared_mmap.is_one_with_reading_and_writing", coherence_by_calls},
    {"shared_mmap.is_one_with_other_processes", coherence_of_processes},
    {"shared_mmap.truncation", truncation},
    {"shared_mmap.truncation_by_another_name", truncation_by_name},
    {"shared_mmap.growth", growth},
    {"shared_mmap.mremap", remapping},
    {"shared_mmap.mprotect", protecting},
    {"shared_mmap.refuses", errors},
    {"shared_mmap.fallocate_and_copies", holes_and_ranges},
    {"shared_mmap.in_parts", partly_unmapped},
    {"shared_mmap.writing_alone",
     [](transcript& t) {
         t.make_file("a", "content");
         const mapping map{7, PROT_WRITE, MAP_SHARED, t.open("a", O_RDWR)};
         t.record("mmap", map.failure());
         map.store(0, "CON");
         t.show_file("a");
     }},
    {"shared_mmap.msync",
     [](transcript& t) {
         t.make_file("a", "content");
         const mapping map{7, read_write, MAP_SHARED, t.open("a", O_RDWR)};
         char* const memory = map.bytes().data();
         for (const int how : {MS_SYNC, MS_ASYNC, MS_SYNC | MS_INVALIDATE, 0}) {
             map.store(static_cast<std::size_t>(how), "!");
             t.record("msync " + std::to_string(how), told(::msync(memory, page, how)));
         }
         t.show_file("a");
     }},
    {"shared_mmap.outlives_its_descriptor",
     [](transcript& t) {
         t.make_file("a", "content");
         const int fd = t.open("a", O_RDWR);
         const int twin = ::dup(fd);
         const mapping map{7, read_write, MAP_SHARED, twin};
         ::close(twin);
         map.store(0, "one");
         t.pread(fd, 10, 0);
         t.close(fd);
         map.store(3, "two");
         t.show_file("a");
     }},
    {"shared_mmap.outlives_its_name",
     [](transcript& t) {
         t.make_file("a", "content");
         const int fd = t.open("a", O_RDWR);
         const mapping map{7, read_write, MAP_SHARED, fd};
         t.unlink("a");
         map.store(0, "CON");
         t.pread(fd, 10, 0);
         t.make_file("a", "another");
         show(t, "mapping", map);
         t.close(fd);
         map.store(0, "con");
         show(t, "mapping", map);
     }},
    {"shared_mmap.follows_its_file_when_renamed",
     [](transcript& t) {
         t.make_file("a", "content");
         t.make_file("b", "another");
         const mapping map{7, read_write, MAP_SHARED, t.open("a", O_RDWR)};
         map.store(0, "C");
         t.rename("a", "b");
         map.store(1, "O");
         t.show_file("b");
     }},
    {"shared_mmap.nothing_behind_the_end_is_written",
     [](transcript& t) {
         t.make_file("a", "short");
         const int fd = t.open("a", O_RDWR);
         const mapping map{2 * page, read_write, MAP_SHARED, fd};
         map.store(3, "RT and more");
         t.note("same page", map.failure() == 0 && map.bytes()[10] == 'm');
         t.note("next page", map.failure() == 0 && is_bus_error(map.bytes().data() + page));
         t.fstat(fd);
         t.show_file("a");
     }},
    {"shared_mmap.empty_file_that_grows",
     [](transcript& t) {
         const int fd = t.open("a", O_RDWR | O_CREAT, 0600);
         const mapping map{page, read_write, MAP_SHARED, fd};
         t.record("mmap", map.failure());
         t.note("nothing", map.failure() == 0 && is_bus_error(map.bytes().data()));
         t.ftruncate(fd, 100);
         map.store(50, "stored");
         t.show_file("a");
     }},
    {"shared_mmap.private_mapping_sees_stores",
     [](transcript& t) {
         t.make_file("a", "content");
         const int fd = t.open("a", O_RDWR);
         const mapping map{7, read_write, MAP_SHARED, fd};
         map.store(0, "CON");
         const mapping own{7, read_write, MAP_PRIVATE, fd};
         show(t, "private", own);
         own.store(3, "mine");
         show(t, "shared", map);
         t.show_file("a");
     }},
    {"shared_mmap.is_inherited",
     [](transcript& t) {
         t.make_file("a", "content");
         const mapping map{7, read_write, MAP_SHARED, t.open("a", O_RDWR)};
         t.record("child", status_of_child([&] {
                      map.store(0, "CHI");
                      return 0;
                  }));
         show(t, "parent", map);
         t.show_file("a");
     }},
    {"shared_mmap.stores_of_a_killed_process_stay",
     [](transcript& t) {
         t.make_file("a", "content");
         t.record("child", status_of_child([] {
                      const int fd = ::open("a", O_RDWR);
                      const mapping map{7, read_write, MAP_SHARED, fd};
                      map.store(0, "KILLED");
                      ::kill(::getpid(), SIGKILL);
                      return 0;
                  }));
         t.show_file("a");
         t.note("elsewhere " + std::to_string(first_byte_seen_elsewhere("a")));
     }},
    {"shared_mmap.stores_before_exec_stay",
     [](transcript& t) {
         t.make_file("a", "content");
         t.record("child", status_of_child([] {
                      const mapping map{7, read_write, MAP_SHARED, ::open("a", O_RDWR)};
                      map.store(0, "EXEC");
                      ::execl("/bin/true", "true", nullptr);
                      return 1;
                  }));
         t.show_file("a");
     }},
    {"shared_mmap.at_an_offset",
     [](transcript& t) {
         t.make_file("a", text::pattern(3 * page + 10));
         const int fd = t.open("a", O_RDWR);
         const mapping second{page, read_write, MAP_SHARED, fd, page};
         const mapping last{10, read_write, MAP_SHARED, fd, 3 * page};
         second.store(0, "second");
         last.store(0, "last");
         t.pread(fd, 8, page);
         t.pread(fd, 20, 3 * page);
         const mapping whole{3 * page + 10, PROT_READ, MAP_SHARED, fd};
         show(t, "whole", whole);
     }},
    {"shared_mmap.large_and_scattered",
     [](transcript& t) {
         constexpr std::size_t bytes = 3'000'001;
         t.make_file("a", text::pattern(bytes));
         const int fd = t.open("a", O_RDWR);
         mapping map{bytes, read_write, MAP_SHARED, fd};
         for (std::size_t at = 0; at + 3 < bytes; at += 997) {
             map.store(at, "ab");
         }
         map.unmap();
         t.fsync(fd);
         t.show_file("a");
     }},
    {"shared_mmap.sparse",
     [](transcript& t) {
         const int fd = t.open("a", O_RDWR | O_CREAT, 0600);
         t.ftruncate(fd, 20'000'000);
         const mapping map{20'000'000, read_write, MAP_SHARED, fd};
         map.store(10'000'000, "island");
         t.lseek(fd, 0, SEEK_END);
         t.pread(fd, 6, 10'000'000);
         t.fsync(fd);
         t.note("few blocks", t.peek(fd).blocks < 1000);
     }},
    {"shared_mmap.keeps_a_lock_as_long_as_it_lasts",
     [](transcript& t) {
         t.make_file("a", "content");
         const int other = t.open("a", O_RDWR);
         mapping another{7, read_write, MAP_SHARED, other};
         for (const int flags : {O_RDWR, O_RDONLY}) {
             const int fd = t.open("a", flags);
             const int protection = flags == O_RDWR ? read_write : PROT_READ;
             mapping first{7, protection, MAP_SHARED, fd};
             mapping second{7, protection, MAP_SHARED, fd};
             t.flock(fd, LOCK_EX);
             if (flags == O_RDWR) {
                 first.store(0, "C");
             }
             t.close(fd);
             t.flock(other, LOCK_EX | LOCK_NB);
             first.unmap();
             t.flock(other, LOCK_EX | LOCK_NB);
             second.unmap();
             t.flock(other, LOCK_EX | LOCK_NB);
             t.flock(other, LOCK_UN);
         }
         another.store(1, "O");
         another.unmap();
         t.show_file("a");
     }},
    {"shared_mmap.renews_the_time_of_change",
     [](transcript& t) {
         t.make_file("a", "content");
         const int fd = t.open("a", O_RDWR);
         t.make_old("a");
         mapping map{7, read_write, MAP_SHARED, fd};
         map.store(0, "CON");
         map.unmap();
         t.fsync(fd);
         t.show_renewed("a");
         const moment set{1'000'000'000, 5};
         mapping again{7, read_write, MAP_SHARED, fd};
         again.store(0, "con");
         again.unmap();
         t.futimens(fd, set, set);
         t.show_times("a");
     }},
};

}  // namespace

case_family shared_mapping_cases() {
    return {needs::process, cases};
}

}  // namespace farside::conformance
