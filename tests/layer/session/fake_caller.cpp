// segment.hpp's protocol, step by step.
#include "tests/layer/session/fake_caller.hpp"

#include "layer/session/descriptor_passing.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace farside::session::testing {
namespace {

constexpr long patience_s = 30;

// Nothing woke us in time: false.
bool wait_on(std::atomic<std::uint32_t>& word, std::uint32_t value) {
    const struct timespec limit { patience_s, 0 };

    const long n = ::syscall(SYS_futex, &word, FUTEX_WAIT, value, &limit, nullptr, 0);
    return n == 0 || errno != ETIMEDOUT;
}

}  // namespace

std::uint32_t fake_caller::claim() const {
    const auto pid = static_cast<std::uint32_t>(::getpid());
    for (;;) {
        const auto releases = shared_.head.slot_releases.load();
        for (std::uint32_t i = 0; i < segment::slot_count; ++i) {
            std::uint32_t nobody = 0;
            if (shared_.slots[i].owner.compare_exchange_strong(nobody, pid)) {
                shared_.slots[i].cancelled.store(0);
                return i;
            }
        }
        shared_.head.slot_waiters.fetch_add(1);
        const char byte = 0;
        ::send(doorbell_, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        static_cast<void>(wait_on(shared_.head.slot_releases, releases));
        shared_.head.slot_waiters.fetch_sub(1);
    }
}

void fake_caller::fill(std::uint32_t slot, const question& q) const {
    auto& s = shared_.slots[slot];
    auto& area = shared_.areas[slot];
    s.op = q.op;
    std::copy(q.arguments.begin(), q.arguments.end(), std::begin(s.arguments));
    for (std::size_t i = 0; i < 2; ++i) {
        s.path_bytes[i] = static_cast<std::uint32_t>(q.path[i].size());
        std::memcpy(
            area.path[i], q.path[i].data(), std::min(q.path[i].size(), sizeof area.path[i])
        );
    }
    s.data_bytes = static_cast<std::uint32_t>(q.data.size());
    if (!q.data.empty()) {
        std::memcpy(area.data, q.data.data(), std::min(q.data.size(), sizeof area.data));
    }
}

void fake_caller::ring(std::uint32_t slot) const {
    shared_.head.posted[slot / 64].fetch_or(std::uint64_t{1} << (slot % 64));
    if (shared_.head.doorbell_rung.load() == 0) {
        const char byte = 0;
        ::send(doorbell_, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

bool fake_caller::post(std::uint32_t slot) const {
    std::uint32_t idle = shared_.head.session_tid;
    if (!shared_.slots[slot].state.compare_exchange_strong(idle, idle | segment::state_posted)) {
        return false;
    }
    ring(slot);
    return true;
}

answer fake_caller::await(std::uint32_t slot) const {
    auto& s = shared_.slots[slot];
    const auto& area = shared_.areas[slot];
    const std::uint32_t posted = shared_.head.session_tid | segment::state_posted;
    answer a;
    while (s.state.load() == posted) {
        if (!wait_on(s.state, posted)) {
            a.result = no_answer;
            return a;
        }
    }
    if ((s.state.load() & segment::state_owner_died) != 0) {
        a.result = -EIO;
        return a;
    }
    a.result = s.result;
    a.where = static_cast<side>(s.side);
    std::copy(std::begin(s.arguments), std::end(s.arguments), a.arguments.begin());
    for (std::size_t i = 0; i < 2; ++i) {
        a.path[i].assign(area.path[i], std::min(s.path_bytes[i], segment::path_room));
    }
    a.data.resize(std::min(s.data_bytes, segment::data_room));
    std::memcpy(a.data.data(), area.data, a.data.size());
    return a;
}

void fake_caller::cancel(std::uint32_t slot) const {
    shared_.slots[slot].cancelled.store(1);
    ring(slot);
}

void fake_caller::free(std::uint32_t slot) const {
    shared_.slots[slot].owner.store(0);
    shared_.head.slot_releases.fetch_add(1);
    if (shared_.head.slot_waiters.load() != 0) {
        ::syscall(SYS_futex, &shared_.head.slot_releases, FUTEX_WAKE, 1, nullptr, nullptr, 0);
    }
}

answer fake_caller::ask(const question& q) const {
    const auto slot = claim();
    fill(slot, q);
    answer a;
    a.result = -EIO;
    if (post(slot)) {
        a = await(slot);
    }
    free(slot);
    return a;
}

answer fake_caller::at(
    segment::call op,
    const std::string& path,
    const std::vector<std::int64_t>& others,
    const std::string& data,
    std::uint64_t base
) const {
    question q;
    q.op = op;
    q.arguments[segment::base0] = static_cast<std::int64_t>(base);
    std::copy(others.begin(), others.end(), q.arguments.begin() + segment::first_argument);
    q.path[0] = path;
    q.data = data;
    return ask(q);
}

answer fake_caller::on(
    segment::call op,
    std::uint64_t id,
    const std::vector<std::int64_t>& others,
    const std::string& data
) const {
    question q;
    q.op = op;
    q.arguments[0] = static_cast<std::int64_t>(id);
    std::copy(others.begin(), others.end(), q.arguments.begin() + 1);
    q.data = data;
    return ask(q);
}

remote_file fake_caller::make_descriptor() const {
    remote_file made;
    const std::string path = "/proc/self/fd/" + std::to_string(template_);
    made.fd = unique_fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    made.id = shared_.head.last_open_file_id.fetch_add(1) + 1;
    ::lseek(made.fd.get(), static_cast<off_t>(made.id), SEEK_SET);

    struct flock lock {};

    lock.l_type = F_WRLCK;
    lock.l_start = static_cast<off_t>(made.id);
    lock.l_len = 1;
    ::fcntl(made.fd.get(), F_OFD_SETLK, &lock);
    return made;
}

remote_file fake_caller::open(const std::string& path, int flags, int mode, std::uint64_t base)
    const {
    remote_file made = make_descriptor();
    std::uint64_t free_entry = 0;
    if (!entry(made.id).id.compare_exchange_strong(free_entry, made.id)) {
        made.opened.result = -ENFILE;
        return made;
    }
    made.opened =
        at(segment::call::open,
           path,
           {static_cast<std::int64_t>(made.id), flags, mode, 022, 0},
           {},
           base);
    return made;
}

std::int64_t fake_caller::close(remote_file& file) const {
    file.fd.reset();
    return on(segment::call::close, file.id).result;
}

namespace {

void hand_over(int doorbell, std::uint32_t slot, int fd) {
    auto index = static_cast<unsigned char>(slot);
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fd)> control{};
    iovec data{&index, 1};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(part), &fd, sizeof fd);
    ::sendmsg(doorbell, &message, MSG_NOSIGNAL);
}

}  // namespace

mapped_file fake_caller::map_shared(std::uint64_t id, int protection) const {
    std::array<int, 2> ends{};
    ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data());
    const unique_fd near{ends[0]};
    const unique_fd far{ends[1]};
    question q;
    q.op = segment::call::map_shared;
    q.arguments[0] = static_cast<std::int64_t>(id);
    q.arguments[1] = protection;
    mapped_file made;
    made.asked = ask_with(far.get(), q);
    std::array<std::byte, 1> byte{};
    made.descriptor = receive(near.get(), byte).descriptor;
    return made;
}

answer fake_caller::ask_with(int descriptor, const question& q) const {
    const auto slot = claim();
    fill(slot, q);
    hand_over(doorbell_, slot, descriptor);
    shared_.slots[slot].carries_descriptor = 1;
    answer a;
    a.result = -EIO;
    if (post(slot)) {
        a = await(slot);
    }
    shared_.slots[slot].carries_descriptor = 0;
    free(slot);
    return a;
}

}  // namespace farside::session::testing
