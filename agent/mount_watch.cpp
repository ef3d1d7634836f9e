// The kernel marks an open mountinfo with an exceptional condition when the mounts have changed.
#include "agent/mount_watch.hpp"

#include "agent/file_systems.hpp"

#include <string>
#include <utility>

#include <poll.h>
#include <unistd.h>

namespace farside::agent {
namespace {

std::string read_from_start(int fd) {
    std::string text;
    std::string part(64 * 1024, '\0');
    for (;;) {
        const auto got = ::pread(fd, part.data(), part.size(), static_cast<off_t>(text.size()));
        if (got <= 0) {
            return text;
        }
        text.append(part, 0, static_cast<std::size_t>(got));
    }
}

}  // namespace

mount_watch::mount_watch(const asio::any_io_executor& executor, const root_dir& root)
    : root_{root}, table_{executor} {
    auto table = root.descriptors().open_mount_table();
    if (table) {
        boost::system::error_code ec;
        table_.assign(table->get(), ec);
        if (!ec) {
            [[maybe_unused]] const int now_owned_by_asio = table->release();
        }
    }
    look();
}

void mount_watch::look() {
    // Without the table nothing is known, and then nothing is assumed to be quick.
    const auto directory = root_.own_path();
    const auto table = table_.is_open() ? read_from_start(table_.native_handle()) : std::string{};
    may_hang_ = !table_.is_open() || !directory || has_hanging_mounts(table, *directory);
    auto mounts = directory ? mounts_below(table, *directory) : std::string{};
    changes_ += mounts != mounts_ ? 1U : 0U;
    mounts_ = std::move(mounts);
}

// The kernel tells of a change once, to whoever asks first: here or in run().
std::uint64_t mount_watch::changes() {
    pollfd table{table_.is_open() ? table_.native_handle() : -1, POLLPRI, 0};
    if (::poll(&table, 1, 0) > 0) {
        look();
    }
    return changes_;
}

awaitable<void> mount_watch::run() {
    while (!stopping_ && table_.is_open()) {
        const auto [ec] = co_await table_.async_wait(asio::posix::stream_descriptor::wait_error);
        if (ec) {
            co_return;
        }
        look();
    }
}

void mount_watch::stop() {
    stopping_ = true;
    boost::system::error_code ec;
    table_.close(ec);
}

}  // namespace farside::agent
