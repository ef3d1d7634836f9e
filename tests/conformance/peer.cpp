// The child knows nothing of the transcript: it makes one call for each order.
#include "tests/conformance/peer.hpp"

#include "tests/conformance/text.hpp"
#include "tests/conformance/told.hpp"

#include <array>
#include <csignal>
#include <cstring>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

namespace farside::conformance {

struct peer::order {
    enum class kind { open, close, lock, lock_or_unlock, unlock, end } what = kind::open;
    int fd = -1;
    int number = 0;  // flags, or the command

    struct flock lock {};

    std::array<char, 64> path{};
};

struct peer::answer {
    outcome result = 0;

    struct flock lock {};
};

namespace {

struct flock everything(int type) {
    struct flock lock {};

    lock.l_type = static_cast<short>(type);
    return lock;
}

}  // namespace

peer::peer(transcript& t, std::string name) : t_{t}, name_{std::move(name)} {
    std::array<int, 2> orders{};
    std::array<int, 2> answers{};
    if (::pipe2(orders.data(), O_CLOEXEC) != 0 || ::pipe2(answers.data(), O_CLOEXEC) != 0) {
        t_.record("pipe", conformance::told(-1));
        return;
    }
    std::fflush(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
        ::close(orders[1]);
        ::close(answers[0]);
        obey(orders[0], answers[1]);
    }
    ::close(orders[0]);
    ::close(answers[1]);
    orders_ = orders[1];
    answers_ = answers[0];
}

peer::~peer() {
    if (pid_ > 0) {
        end();
    }
}

void peer::obey(int orders, int answers) {
    order next;
    while (::read(orders, &next, sizeof next) == sizeof next && next.what != order::kind::end) {
        const answer done = carry_out(next);
        if (::write(answers, &done, sizeof done) != sizeof done) {
            break;
        }
    }
    ::_exit(0);
}

peer::answer peer::carry_out(const order& what) {
    answer done;
    done.lock = what.lock;
    switch (what.what) {
        case order::kind::open:
            done.result = conformance::told(::open(what.path.data(), what.number | O_CLOEXEC));
            break;
        case order::kind::close:
            done.result = conformance::told(::close(what.fd));
            break;
        case order::kind::lock:
            done.result = conformance::told(::fcntl(what.fd, what.number, &done.lock));
            break;
        case order::kind::lock_or_unlock:
            done.result = conformance::told(::fcntl(what.fd, F_SETLKW, &done.lock));
            if (done.result == -EDEADLK) {
                done.lock = everything(F_UNLCK);
                ::fcntl(what.fd, F_SETLK, &done.lock);
            }
            break;
        case order::kind::unlock:
            done.lock = everything(F_UNLCK);
            done.result = conformance::told(::fcntl(what.fd, F_SETLK, &done.lock));
            break;
        case order::kind::end:
            break;
    }
    return done;
}

void peer::send(const order& what) const {
    [[maybe_unused]] const auto sent = ::write(orders_, &what, sizeof what);
}

peer::answer peer::receive() {
    answer done;
    ssize_t got = 0;
    do {
        got = ::read(answers_, &done, sizeof done);
    } while (got < 0 && errno == EINTR);
    if (got != sizeof done) {
        done.result = -EPIPE;
    }
    return done;
}

int peer::open(const char* path, int flags) {
    order what;
    what.number = flags;
    std::strncpy(what.path.data(), path, what.path.size() - 1);
    send(what);
    const auto result = receive().result;
    t_.record(name_ + ": open " + path, result < 0 ? result : 0);
    return static_cast<int>(result);
}

void peer::close(int fd) {
    order what;
    what.what = order::kind::close;
    what.fd = fd;
    send(what);
    t_.record(name_ + ": close", receive().result);
}

outcome peer::lock(int fd, int command, const struct flock& lock) {
    start_lock(fd, command, lock);
    return finish_lock();
}

void peer::start_lock(int fd, int command, const struct flock& lock) {
    order what;
    what.what = order::kind::lock;
    what.fd = fd;
    what.number = command;
    what.lock = lock;
    under_way_ = name_ + ": " + text::of_lock_command(command) + ' ' + text::of_lock(lock);
    send(what);
}

outcome peer::finish_lock() {
    const auto done = receive();
    told_ = done.lock;
    return t_.record(under_way_, done.result, text::of_lock(done.lock));
}

void peer::start_lock_or_unlock(int fd, const struct flock& lock) {
    order what;
    what.what = order::kind::lock_or_unlock;
    what.fd = fd;
    what.lock = lock;
    send(what);
}

bool peer::finish_lock_or_unlock() {
    const auto done = receive();
    if (done.result != 0 && done.result != -EDEADLK) {
        t_.record(name_ + ": F_SETLKW", done.result);
    }
    return done.result == -EDEADLK;
}

void peer::post_unlock(int fd) const {
    order what;
    what.what = order::kind::unlock;
    what.fd = fd;
    send(what);
}

void peer::finish_unlock() {
    t_.record(name_ + ": unlock", receive().result);
}

// Closing its orders would not do: another peer, made later, has them open as well.
void peer::end() {
    order what;
    what.what = order::kind::end;
    send(what);
    reap();
}

void peer::kill() {
    ::kill(pid_, SIGKILL);
    reap();
}

void peer::reap() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    t_.note(name_ + (WIFSIGNALED(status) ? ": killed" : ": ended"));
    if (orders_ >= 0) {
        ::close(std::exchange(orders_, -1));
    }
    ::close(std::exchange(answers_, -1));
}

}  // namespace farside::conformance
