// The two descriptors of /proc/self and what is asked through them.
#include "agent/process_descriptors.hpp"

#include "protocol/limits.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fcntl.h>
#include <unistd.h>

namespace farside::agent {

result<process_descriptors> process_descriptors::open() {
    process_descriptors opened;
    // Without a right to be where it is, this process is still allowed to name absolute paths.
    opened.started_in_ = unique_fd{::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    opened.self_ = unique_fd{::open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!opened.self_) {
        return last_error();
    }
    opened.directory_ =
        unique_fd{::openat(opened.self_.get(), "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!opened.directory_) {
        return last_error();
    }
    if (const auto returned = opened.return_to(); !returned) {
        return returned.error();
    }
    return opened;
}

result<void> process_descriptors::return_to() const {
    if (::fchdir(directory_.get()) != 0) {
        return last_error();
    }
    return {};
}

result<std::string> process_descriptors::path_of(int fd) const {
    // d_path() of the kernel works in one page.
    std::string path(4096, '\0');
    const auto bytes =
        ::readlinkat(directory_.get(), name_of(fd).c_str(), path.data(), path.size());
    if (bytes < 0) {
        return last_error();
    }
    path.resize(static_cast<std::size_t>(bytes));
    if (path.empty() || path.front() != '/') {
        return errno_code(ENOENT);  // "(unreachable)...", or not a file with a path
    }
    return path;
}

std::uint64_t process_descriptors::watches_max() const {
    const unique_fd setting{
        ::openat(self_.get(), "../sys/fs/inotify/max_user_watches", O_RDONLY | O_CLOEXEC)};
    std::array<char, 32> text{};
    const auto got = setting ? ::read(setting.get(), text.data(), text.size()) : 0;
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + std::max<ssize_t>(got, 0), value);
    return value;
}

result<unique_fd> process_descriptors::open_mount_table() const {
    unique_fd table{::openat(self_.get(), "mountinfo", O_RDONLY | O_CLOEXEC)};
    if (!table) {
        return last_error();
    }
    return table;
}

}  // namespace farside::agent
