// A queue of signals has an end, behind which the kernel sends a plain SIGIO: then every lease is
// asked.
#include "agent/file_leases.hpp"

#include "protocol/support/unique_fd.hpp"

#include <array>
#include <csignal>
#include <vector>

#include <fcntl.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace farside::agent {
namespace {

// Nobody else uses it in this process.
int lease_signal() {
    return SIGRTMIN + 5;
}

}  // namespace

file_leases::file_leases(const asio::any_io_executor& executor)
    : signals_{executor}, thread_{static_cast<int>(::gettid())} {
    sigset_t set{};
    sigemptyset(&set);
    sigaddset(&set, lease_signal());
    sigaddset(&set, SIGIO);
    // They stay blocked: one that comes late must not end the process.
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    unique_fd made{::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)};
    boost::system::error_code ec;
    signals_.assign(made.get(), ec);
    if (made && !ec) {
        [[maybe_unused]] const int now_owned_by_asio = made.release();
    }
}

bool file_leases::take(int fd, lease_owner& owner, protocol::handle_id handle) {
    const f_owner_ex thread{F_OWNER_TID, thread_};
    // Who is to be told is said first: the signal may come at once.
    if (!signals_.is_open() || ::fcntl(fd, F_SETOWN_EX, &thread) != 0 ||
        ::fcntl(fd, F_SETSIG, lease_signal()) != 0 || ::fcntl(fd, F_SETLEASE, F_RDLCK) != 0) {
        return false;
    }
    holders_.insert_or_assign(fd, holder{&owner, handle});
    return true;
}

void file_leases::release(int fd) {
    if (holders_.erase(fd) != 0) {
        ::fcntl(fd, F_SETLEASE, F_UNLCK);
    }
}

void file_leases::break_one(int fd) {
    const auto found = holders_.find(fd);
    if (found == holders_.end()) {
        return;  // it was given up meanwhile; at worst the descriptor is another file's by now
    }
    const auto [owner, handle] = found->second;
    release(fd);
    owner->on_broken(handle);
}

void file_leases::break_all_waited_for() {
    std::vector<int> waited_for;
    for (const auto& [fd, held] : holders_) {
        if (::fcntl(fd, F_GETLEASE) != F_RDLCK) {
            waited_for.push_back(fd);
        }
    }
    for (const int fd : waited_for) {
        break_one(fd);
    }
}

bool file_leases::give_up_broken() {
    bool any = false;
    for (;;) {
        std::array<signalfd_siginfo, 32> told{};
        const auto got = ::read(signals_.native_handle(), told.data(), sizeof told);
        if (got <= 0) {
            return any;
        }
        const auto count = static_cast<std::size_t>(got) / sizeof(signalfd_siginfo);
        for (std::size_t i = 0; i < count; ++i) {
            any = true;
            if (told[i].ssi_signo == SIGIO) {
                break_all_waited_for();
            } else {
                break_one(told[i].ssi_fd);
            }
        }
    }
}

awaitable<void> file_leases::run() {
    while (signals_.is_open()) {
        const auto [ec] = co_await signals_.async_wait(descriptor::wait_read);
        if (ec) {
            co_return;
        }
        give_up_broken();
    }
}

void file_leases::stop() {
    boost::system::error_code ignored;
    signals_.close(ignored);
}

}  // namespace farside::agent
