// Lines of calls on open files. The lines of calls on names are in transcript_names.cpp.
#include "tests/conformance/transcript.hpp"

#include <algorithm>

#include <unistd.h>

namespace farside::conformance {
namespace {

std::string arguments(std::initializer_list<std::string> words) {
    std::string result;
    for (const auto& word : words) {
        result += result.empty() ? word : ' ' + word;
    }
    return result;
}

std::string number(std::int64_t value) {
    return std::to_string(value);
}

std::string of_offset(const std::optional<std::int64_t>& offset) {
    return offset ? number(*offset) : "position";
}

// Buffers of the sizes asked for, as iovecs.
class buffers {
public:
    explicit buffers(const std::vector<std::size_t>& sizes) {
        for (const auto size : sizes) {
            parts_.emplace_back(size, '\0');
        }
        point();
    }

    explicit buffers(std::vector<std::string> parts) : parts_(std::move(parts)) { point(); }

    [[nodiscard]] std::span<const iovec> vectors() const { return vectors_; }

    [[nodiscard]] std::string joined() const {
        std::string all;
        for (const auto& part : parts_) {
            all += part;
        }
        return all;
    }

    [[nodiscard]] std::string sizes() const {
        std::string text = "[";
        for (std::size_t i = 0; i < parts_.size() && i < 8; ++i) {
            text += (i == 0 ? "" : " ") + std::to_string(parts_[i].size());
        }
        return text + (parts_.size() > 8 ? " ... of " + std::to_string(parts_.size()) : "") + ']';
    }

private:
    void point() {
        for (auto& part : parts_) {
            vectors_.push_back({part.data(), part.size()});
        }
    }

    std::vector<std::string> parts_;
    std::vector<iovec> vectors_;
};

}  // namespace

transcript::~transcript() {
    for (const auto& [fd, shown] : descriptors_) {
        api_->close(fd);
    }
}

void transcript::note(const std::string& line) {
    std::fprintf(out_, "%s\n", line.c_str());
    std::fflush(out_);
}

void transcript::note(const std::string& what, bool holds) {
    note(what + (holds ? ": yes" : ": no"));
}

outcome transcript::record(const std::string& call, outcome result, const std::string& detail) {
    note(call + " -> " + (result >= 0 && !detail.empty() ? detail : text::of_outcome(result)));
    return result;
}

std::string transcript::of(int fd) const {
    const auto found = descriptors_.find(fd);
    return found != descriptors_.end() ? found->second : number(fd);
}

std::string transcript::of(const name& at) const {
    const auto path = text::shortened(at.path);
    return at.dir == here ? path : of(at.dir) + ':' + path;
}

int transcript::opened(const std::string& call, outcome result) {
    if (result < 0) {
        record(call, result);
        return -1;
    }
    const int fd = static_cast<int>(result);
    descriptors_[fd] = "fd" + number(++opened_);
    record(call, result, of(fd));
    return fd;
}

int transcript::open(const name& at, int flags, unsigned mode) {
    const auto bits = static_cast<unsigned>(flags);
    const bool creates = (bits & O_CREAT) != 0 || (bits & O_TMPFILE) == O_TMPFILE;
    auto call = arguments({"open", of(at), text::of_open_flags(bits)});
    call += creates ? ' ' + text::octal(mode) : "";
    return opened(call, api_->open(at, flags, mode));
}

int transcript::openat2(const name& at, const open_how& how) {
    const auto call = arguments(
        {"openat2",
         of(at),
         text::of_open_flags(static_cast<unsigned>(how.flags)),
         text::octal(static_cast<unsigned>(how.mode)),
         "resolve",
         number(static_cast<std::int64_t>(how.resolve))}
    );
    return opened(call, api_->openat2(at, how));
}

outcome transcript::close(int fd) {
    const auto call = arguments({"close", of(fd)});
    descriptors_.erase(fd);
    return record(call, api_->close(fd));
}

std::string transcript::finish_read(const std::string& call, outcome got, std::string data) {
    data.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    record(call, got, number(got) + ' ' + text::shortened(data));
    return data;
}

std::string transcript::read(int fd, std::size_t bytes) {
    std::string data(bytes, '\0');
    const auto got = api_->read(fd, data);
    return finish_read(arguments({"read", of(fd), std::to_string(bytes)}), got, std::move(data));
}

std::string transcript::pread(int fd, std::size_t bytes, std::int64_t offset) {
    std::string data(bytes, '\0');
    const auto got = api_->pread(fd, data, offset);
    return finish_read(
        arguments({"pread", of(fd), std::to_string(bytes), "at", number(offset)}),
        got,
        std::move(data)
    );
}

std::string transcript::readv(int fd, const std::vector<std::size_t>& sizes) {
    const buffers to{sizes};
    const auto got = api_->readv(fd, to.vectors());
    return finish_read(arguments({"readv", of(fd), to.sizes()}), got, to.joined());
}

std::string transcript::preadv(int fd, const std::vector<std::size_t>& sizes, std::int64_t offset) {
    const buffers to{sizes};
    const auto got = api_->preadv(fd, to.vectors(), offset);
    return finish_read(
        arguments({"preadv", of(fd), to.sizes(), "at", number(offset)}), got, to.joined()
    );
}

outcome transcript::write(int fd, std::string_view bytes) {
    return record(arguments({"write", of(fd), text::shortened(bytes)}), api_->write(fd, bytes));
}

outcome transcript::pwrite(int fd, std::string_view bytes, std::int64_t offset) {
    return record(
        arguments({"pwrite", of(fd), text::shortened(bytes), "at", number(offset)}),
        api_->pwrite(fd, bytes, offset)
    );
}

outcome transcript::writev(int fd, const std::vector<std::string>& parts) {
    const buffers from{parts};
    return record(arguments({"writev", of(fd), from.sizes()}), api_->writev(fd, from.vectors()));
}

outcome transcript::pwritev2(
    int fd, const std::vector<std::string>& parts, std::int64_t offset, int flags
) {
    const buffers from{parts};
    return record(
        arguments({"pwritev2", of(fd), from.sizes(), "at", number(offset), "flags", number(flags)}),
        api_->pwritev2(fd, from.vectors(), offset, flags)
    );
}

outcome transcript::lseek(int fd, std::int64_t offset, int whence) {
    return record(
        arguments({"lseek", of(fd), number(offset), text::of_whence(whence)}),
        api_->lseek(fd, offset, whence)
    );
}

outcome transcript::ftruncate(int fd, std::int64_t size) {
    return record(arguments({"ftruncate", of(fd), number(size)}), api_->ftruncate(fd, size));
}

outcome transcript::fallocate(int fd, int mode, std::int64_t offset, std::int64_t bytes) {
    return record(
        arguments({"fallocate", of(fd), "mode", number(mode), number(offset), number(bytes)}),
        api_->fallocate(fd, mode, offset, bytes)
    );
}

outcome transcript::fsync(int fd) {
    return record(arguments({"fsync", of(fd)}), api_->fsync(fd));
}

outcome transcript::fdatasync(int fd) {
    return record(arguments({"fdatasync", of(fd)}), api_->fdatasync(fd));
}

outcome transcript::syncfs(int fd) {
    return record(arguments({"syncfs", of(fd)}), api_->syncfs(fd));
}

outcome transcript::sync_file_range(
    int fd, std::int64_t offset, std::int64_t bytes, unsigned flags
) {
    return record(
        arguments({"sync_file_range", of(fd), number(offset), number(bytes), number(flags)}),
        api_->sync_file_range(fd, offset, bytes, flags)
    );
}

outcome transcript::copy_file_range(
    int from,
    std::optional<std::int64_t> from_offset,
    int to,
    std::optional<std::int64_t> to_offset,
    std::size_t bytes
) {
    const auto call = arguments(
        {"copy_file_range",
         of(from),
         of_offset(from_offset),
         of(to),
         of_offset(to_offset),
         std::to_string(bytes)}
    );
    auto* const from_at = from_offset ? &*from_offset : nullptr;
    auto* const to_at = to_offset ? &*to_offset : nullptr;
    const auto copied = api_->copy_file_range(from, from_at, to, to_at, bytes);
    return record(
        call,
        copied,
        arguments({number(copied), "now", of_offset(from_offset), of_offset(to_offset)})
    );
}

outcome transcript::get_flags(int fd) {
    const auto flags = api_->get_flags(fd);
    return record(
        arguments({"fcntl", of(fd), "F_GETFL"}),
        flags,
        text::of_open_flags(static_cast<unsigned>(flags))
    );
}

outcome transcript::set_flags(int fd, int flags) {
    return record(
        arguments({"fcntl", of(fd), "F_SETFL", text::of_open_flags(static_cast<unsigned>(flags))}),
        api_->set_flags(fd, flags)
    );
}

outcome transcript::flock(int fd, int operation) {
    return record(arguments({"flock", of(fd), number(operation)}), api_->flock(fd, operation));
}

namespace {

// Processes have other numbers on each way.
std::string of_holder(pid_t pid) {
    return pid == ::getpid() ? "this process" : pid > 0 ? "another process" : number(pid);
}

}  // namespace

outcome transcript::lock_record(int fd, int command, struct flock lock) {
    const auto call =
        arguments({"fcntl", of(fd), text::of_lock_command(command), text::of_lock(lock)});
    const auto result = api_->lock_record(fd, command, lock);
    const bool told = command == F_OFD_GETLK || command == F_GETLK;
    const bool held = told && lock.l_type != F_UNLCK;
    return record(
        call,
        result,
        told ? text::of_lock(lock) + (held ? " of " + of_holder(lock.l_pid) : "") : std::string{}
    );
}

outcome transcript::ioctl(
    int fd, unsigned long command, const std::string& command_name, int value
) {
    const auto call = arguments({"ioctl", of(fd), command_name});
    const auto result = api_->ioctl(fd, command, value);
    return record(call, result, arguments({number(result), "value", number(value)}));
}

outcome transcript::getdents(int fd, std::vector<directory_entry>& to, std::size_t bytes) {
    const auto result = api_->getdents(fd, bytes, to);
    if (result < 0) {
        record(arguments({"getdents", of(fd), std::to_string(bytes)}), result);
    }
    return result;
}

std::vector<directory_entry> transcript::list(int fd) {
    std::vector<directory_entry> entries;
    while (getdents(fd, entries) > 0) {
    }
    std::ranges::sort(entries, {}, &directory_entry::name);
    std::string lines;
    for (const auto& entry : entries) {
        lines += "\n  " + text::quoted(entry.name) + ' ' + text::of_entry_type(entry.type);
    }
    constexpr std::size_t shown_entries_max = 40;
    const auto count = number(static_cast<std::int64_t>(entries.size()));
    note(
        arguments({"list", of(fd), "->", count, "entries"}) +
        (entries.size() <= shown_entries_max ? lines : ' ' + text::shortened(lines))
    );
    return entries;
}

std::vector<directory_entry> transcript::list(const name& at) {
    const auto fd = api_->open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) {
        record(arguments({"list", of(at)}), fd);
        return {};
    }
    descriptors_[static_cast<int>(fd)] = of(at);
    auto entries = list(static_cast<int>(fd));
    descriptors_.erase(static_cast<int>(fd));
    api_->close(static_cast<int>(fd));
    return entries;
}

}  // namespace farside::conformance
