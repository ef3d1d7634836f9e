// Record locks among processes: who is kept out, who waits, and what ends a lock.
#include "tests/conformance/conformance_case.hpp"
#include "tests/conformance/lock_of.hpp"
#include "tests/conformance/peer.hpp"
#include "tests/conformance/told.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farside::conformance {
namespace {

const struct flock whole = lock_of(F_WRLCK, 0, 0);
const struct flock nothing = lock_of(F_UNLCK, 0, 0);

// Whether `other` is kept from all of the file.
void probe(peer& other, int fd) {
    other.lock(fd, F_SETLK, whole);
    other.lock(fd, F_SETLK, nothing);
}

// A timer whose signal comes again and again, so that no call waits for ever, however late it
// begins to wait.
class ticking {
public:
    ticking(void (*on_tick)(int), int flags) {
        struct sigaction action {};

        action.sa_handler = on_tick;
        action.sa_flags = flags;
        ::sigaction(SIGALRM, &action, &before_);
        const itimerval interval{{0, 20'000}, {0, 20'000}};
        ::setitimer(ITIMER_REAL, &interval, nullptr);
    }

    ticking(const ticking&) = delete;
    ticking& operator=(const ticking&) = delete;

    ~ticking() {
        const itimerval never{};
        ::setitimer(ITIMER_REAL, &never, nullptr);
        ::sigaction(SIGALRM, &before_, nullptr);
    }

private:
    struct sigaction before_ {};
};

const peer* unlocked_by_signal = nullptr;
int unlocked_descriptor = -1;
volatile std::sig_atomic_t ticks = 0;

// What a program does in a shell's place: one that says a line, then lives until its input ends.
struct waiting_program {
    pid_t pid = -1;
    int input = -1;
    int output = -1;
};

// A child that takes a lock on `fd`, which gets `descriptor_flags`, and becomes cat(1).
waiting_program become_cat(transcript& t, int descriptor_flags) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) {
        t.record("pipe", told(-1));
        return {};
    }
    std::fflush(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
        const int fd = ::open("a", O_RDWR);
        struct flock lock = whole;
        ::fcntl(fd, F_SETLK, &lock);
        ::fcntl(fd, F_SETFD, descriptor_flags);
        ::execl("./not-there", "not-there", nullptr);  // changes nothing
        ::dup2(in[0], STDIN_FILENO);
        ::dup2(out[1], STDOUT_FILENO);
        ::execl("/bin/cat", "cat", nullptr);
        ::_exit(1);
    }
    ::close(in[0]);
    ::close(out[1]);
    // What it says shows that it runs.
    char byte = 'x';
    t.note("it runs", ::write(in[1], &byte, 1) == 1 && ::read(out[0], &byte, 1) == 1);
    return {pid, in[1], out[0]};
}

void end(transcript& t, const waiting_program& program) {
    ::close(program.input);
    ::close(program.output);
    int status = 0;
    ::waitpid(program.pid, &status, 0);
    t.note("it ended with " + std::to_string(WEXITSTATUS(status)));
}

constexpr conformance_case cases[] = {
    {"record_locks.keep_another_process_out",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int fd = t.open("a", O_RDWR);
         peer other{t, "other"};
         const int theirs = other.open("a", O_RDWR);
         t.lock_record(fd, F_SETLK, lock_of(F_WRLCK, 2, 4));
         other.lock(theirs, F_SETLK, lock_of(F_RDLCK, 0, 3));
         other.lock(theirs, F_SETLK, lock_of(F_RDLCK, 0, 2));
         other.lock(theirs, F_GETLK, whole);
         t.note("told its process", other.told().l_pid == ::getpid());
         t.lock_record(fd, F_GETLK, whole);
         t.lock_record(fd, F_SETLK, lock_of(F_RDLCK, 0, 0));
         other.lock(theirs, F_SETLK, lock_of(F_RDLCK, 0, 0));
         t.lock_record(fd, F_SETLK, lock_of(F_WRLCK, 5, 1));
         other.lock(theirs, F_SETLK, lock_of(F_UNLCK, 5, 1));
         t.lock_record(fd, F_SETLK, lock_of(F_WRLCK, 5, 1));
         other.lock(theirs, F_GETLK, lock_of(F_RDLCK, 0, 0));
     }},
    {"record_locks.are_not_inherited",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int fd = t.open("a", O_RDWR);
         t.lock_record(fd, F_SETLK, whole);
         peer child{t, "child"};
         child.lock(fd, F_SETLK, lock_of(F_RDLCK, 0, 1));
         child.lock(fd, F_SETLK, nothing);
         child.close(fd);
         const int theirs = child.open("a", O_RDWR);
         probe(child, theirs);
         child.end();
         peer second{t, "second"};
         probe(second, fd);
     }},
    {"record_locks.end_with_close_of_a_copy",
     [](transcript& t) {
         t.make_file("a", "");
         const int fd = t.open("a", O_RDWR);
         peer other{t, "other"};
         const int theirs = other.open("a", O_RDWR);
         t.lock_record(fd, F_SETLK, whole);
         const int copy = ::dup(fd);
         probe(other, theirs);
         ::close(copy);
         probe(other, theirs);
         t.lock_record(fd, F_SETLK, whole);
         ::close(::fcntl(fd, F_DUPFD_CLOEXEC, 100));
         probe(other, theirs);
     }},
    {"record_locks.end_with_dup_onto_a_descriptor",
     [](transcript& t) {
         t.make_file("a", "");
         t.make_file("b", "");
         const int fd = t.open("a", O_RDWR);
         const int second = t.open("a", O_RDONLY);
         const int b = t.open("b", O_RDONLY);
         peer other{t, "other"};
         const int theirs = other.open("a", O_RDWR);
         t.lock_record(fd, F_SETLK, whole);
         t.record("dup2 to itself", told(::dup2(fd, fd)) == fd ? 0 : -1);
         t.record("dup2 of none", told(::dup2(250, second)));
         t.record("dup3 with odd flags", told(::dup3(b, second, O_APPEND)));
         probe(other, theirs);
         t.record("dup2", told(::dup2(b, second)) == second ? 0 : -1);
         probe(other, theirs);
         t.lock_record(fd, F_SETLK, whole);
         const int copy = ::dup(fd);
         t.record("dup3", told(::dup3(fd, copy, O_CLOEXEC)) == copy ? 0 : -1);
         probe(other, theirs);
         t.lock_record(fd, F_SETLK, whole);
         t.record("dup2 of a pipe's end", told(::dup2(STDERR_FILENO, copy)) == copy ? 0 : -1);
         probe(other, theirs);
         ::close(copy);
     }},
    {"record_locks.end_with_close_range",
     [](transcript& t) {
         t.make_file("a", "");
         const int fd = t.open("a", O_RDWR);
         peer other{t, "other"};
         const int theirs = other.open("a", O_RDWR);
         t.lock_record(fd, F_SETLK, whole);
         t.note("copy", ::dup2(fd, 300) == 300);
         t.record("close_range", told(::close_range(300, 310, 4 /* CLOSE_RANGE_CLOEXEC */)));
         probe(other, theirs);
         t.record("close_range", told(::close_range(300, 310, 0)));
         probe(other, theirs);
     }},
    {"record_locks.end_with_stdio",
     [](transcript& t) {
         t.make_file("a", "line\n");
         const int fd = t.open("a", O_RDWR);
         peer other{t, "other"};
         const int theirs = other.open("a", O_RDWR);
         t.lock_record(fd, F_SETLK, whole);
         std::FILE* const file = std::fopen("a", "r");
         probe(other, theirs);
         std::fclose(file);
         probe(other, theirs);
     }},
    {"record_locks.end_with_the_process",
     [](transcript& t) {
         t.make_file("a", "");
         const int fd = t.open("a", O_RDWR);
         for (int round = 0; round < 10; ++round) {
             peer holder{t, "holder"};
             holder.lock(fd, F_SETLK, whole);
             t.lock_record(fd, F_SETLK, whole);
             t.lock_record(fd, F_GETLK, whole);
             round % 2 == 0 ? holder.end() : holder.kill();
             t.lock_record(fd, F_SETLK, whole);
             t.lock_record(fd, F_SETLK, nothing);
         }
     }},
    {"record_locks.stay_through_exec",
     [](transcript& t) {
         t.make_file("a", "");
         const int fd = t.open("a", O_RDWR);
         const auto program = become_cat(t, 0);
         t.lock_record(fd, F_SETLK, whole);
         end(t, program);
         t.lock_record(fd, F_SETLK, whole);
     }},
    {"record_locks.end_where_exec_closes",
     [](transcript& t) {
         t.make_file("a", "");
         const int fd = t.open("a", O_RDWR);
         const auto program = become_cat(t, FD_CLOEXEC);
         t.lock_record(fd, F_SETLK, whole);
         end(t, program);
     }},
    {"record_locks.are_waited_for",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int fd = t.open("a", O_RDWR);
         peer other{t, "other"};
         const int theirs = other.open("a", O_RDWR);
         t.lock_record(fd, F_SETLK, whole);
         other.start_lock(theirs, F_SETLKW, lock_of(F_WRLCK, 4, 2));
         t.lock_record(fd, F_SETLK, lock_of(F_UNLCK, 0, 5));
         t.lock_record(fd, F_SETLK, lock_of(F_UNLCK, 5, 0));
         other.finish_lock();
         t.lock_record(fd, F_GETLK, whole);
         other.start_lock(theirs, F_SETLKW, lock_of(F_RDLCK, 4, 2));
         other.finish_lock();
         t.lock_record(fd, F_SETLKW, lock_of(F_RDLCK, 0, 0));
         t.lock_record(fd, F_SETLK, whole);
     }},
    {"record_locks.are_given_when_the_holder_closes_or_ends",
     [](transcript& t) {
         t.make_file("a", "");
         const int fd = t.open("a", O_RDWR);
         peer waiter{t, "waiter"};
         const int theirs = waiter.open("a", O_RDWR);
         t.lock_record(fd, F_SETLK, whole);
         waiter.start_lock(theirs, F_SETLKW, whole);
         t.close(t.open("a", O_RDONLY));
         waiter.finish_lock();
         t.lock_record(fd, F_SETLK, whole);
         waiter.lock(theirs, F_SETLK, nothing);
         {
             peer holder{t, "holder"};
             holder.lock(fd, F_SETLK, whole);
             waiter.start_lock(theirs, F_SETLKW, whole);
             holder.kill();
         }
         waiter.finish_lock();
         t.lock_record(fd, F_SETLK, whole);
     }},
    // Who of the two comes second is told so; that depends on who is faster.
    {"record_locks.refuse_a_deadlock",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int fd = t.open("a", O_RDWR);
         peer other{t, "other"};
         const int theirs = other.open("a", O_RDWR);
         t.lock_record(fd, F_SETLK, lock_of(F_WRLCK, 0, 1));
         other.lock(theirs, F_SETLK, lock_of(F_WRLCK, 1, 1));
         other.start_lock_or_unlock(theirs, lock_of(F_WRLCK, 0, 1));
         struct flock lock = lock_of(F_WRLCK, 1, 1);
         const auto mine = told(::fcntl(fd, F_SETLKW, &lock));
         if (mine == -EDEADLK) {
             t.api().lock_record(fd, F_SETLK, lock = nothing);
         }
         const bool theirs_refused = other.finish_lock_or_unlock();
         t.note("one was refused", (mine == -EDEADLK) != theirs_refused);
         t.note("and the other was not", mine == 0 || mine == -EDEADLK);
     }},
    {"record_locks.waits_end_with_a_signal",
     [](transcript& t) {
         t.make_file("a", "");
         const int fd = t.open("a", O_RDWR);
         peer other{t, "other"};
         other.lock(fd, F_SETLK, whole);
         {
             const ticking clock{[](int) {}, 0};
             t.lock_record(fd, F_SETLKW, whole);
         }
         t.lock_record(fd, F_GETLK, whole);
         other.lock(fd, F_SETLK, nothing);
         t.lock_record(fd, F_SETLKW, whole);
     }},
    {"record_locks.waits_go_on_after_a_signal",
     [](transcript& t) {
         t.make_file("a", "");
         const int fd = t.open("a", O_RDWR);
         peer other{t, "other"};
         other.lock(fd, F_SETLK, whole);
         unlocked_by_signal = &other;
         unlocked_descriptor = fd;
         ticks = 0;
         {
             const ticking clock{
                 [](int) {
                     ticks = ticks + 1;
                     if (ticks == 3) {
                         unlocked_by_signal->post_unlock(unlocked_descriptor);
                     }
                 },
                 SA_RESTART};
             t.lock_record(fd, F_SETLKW, whole);
         }
         other.finish_unlock();
         probe(other, fd);
     }},
    {"record_locks.are_of_all_threads",
     [](transcript& t) {
         t.make_file("a", "");
         const int fd = t.open("a", O_RDWR);
         peer other{t, "other"};
         const int theirs = other.open("a", O_RDWR);
         std::thread{[&] { t.lock_record(fd, F_SETLK, whole); }}.join();
         probe(other, theirs);
         t.lock_record(fd, F_SETLK, whole);
         std::thread{[&] { t.close(t.open("a", O_RDONLY)); }}.join();
         probe(other, theirs);
     }},
    {"record_locks.as_lockf_has_them",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int fd = t.open("a", O_RDWR);
         peer other{t, "other"};
         t.lseek(fd, 2, SEEK_SET);
         t.record("F_LOCK", told(::lockf(fd, F_LOCK, 3)));
         t.record("F_TEST", told(::lockf(fd, F_TEST, 0)));
         other.lock(fd, F_GETLK, whole);
         other.lock(fd, F_SETLK, lock_of(F_WRLCK, 8, 1));
         t.record("F_TLOCK", told(::lockf(fd, F_TLOCK, 0)));
         t.record("F_TEST", told(::lockf(fd, F_TEST, 0)));
         t.record("F_ULOCK", told(::lockf(fd, F_ULOCK, 1)));
         other.lock(fd, F_GETLK, whole);
     }},
    {"record_locks.and_spawned_children",
     [](transcript& t) {
         t.make_file("a", "");
         const int fd = t.open("a", O_RDWR);
         t.lock_record(fd, F_SETLK, whole);
         const int status = std::system("exec 5<a; exec 5<&-; cat a; cat <a");
         t.note("system: " + std::to_string(status));
         peer other{t, "other"};
         probe(other, fd);
     }},
    {"locks.of_a_child_that_ended_are_gone",
     [](transcript& t) {
         t.make_file("a", "0123456789");
         const int fd = t.open("a", O_RDWR);
         for (int i = 0; i < 40; ++i) {
             const pid_t child = ::fork();
             if (child == 0) {
                 const int own = ::open("a", O_RDWR);
                 struct flock range = lock_of(F_WRLCK, i, 1);
                 const bool good = ::flock(own, LOCK_EX) == 0 &&
                                   ::fcntl(own, F_OFD_SETLK, &range) == 0 &&
                                   ::fcntl(own, F_SETLK, &range) < 0;
                 ::_exit(good ? 0 : 1);
             }
             int status = -1;
             ::waitpid(child, &status, 0);
             struct flock range = lock_of(F_WRLCK, 0, 0);
             t.note("child", status == 0);
             t.note(
                 "F_OFD_GETLK", ::fcntl(fd, F_OFD_GETLK, &range) == 0 && range.l_type == F_UNLCK
             );
             t.note("flock", ::flock(fd, LOCK_EX | LOCK_NB) == 0 && ::flock(fd, LOCK_UN) == 0);
         }
     }},
};

}  // namespace

case_family record_lock_process_cases() {
    return {needs::process, cases};
}

}  // namespace farside::conformance
