// memfds, their seals and their mappings.
#include "layer/session/shared_memory.hpp"

#include <cassert>
#include <cerrno>
#include <new>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace farside::session {
namespace {

boost::system::error_code last_error() {
    return {errno, boost::system::system_category()};
}

protocol::result<unique_fd> create_memfd(const char* name, std::size_t bytes) {
    unique_fd fd{::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) {
        return last_error();
    }
    return fd;
}

protocol::result<void*> map(const unique_fd& fd, std::size_t bytes) {
    void* address =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd.get(), 0);
    if (address == MAP_FAILED) {
        return last_error();
    }
    return address;
}

// The same memfd through a descriptor that only reads.
protocol::result<unique_fd> reopen_read_only(const unique_fd& fd) {
    const std::string path = "/proc/self/fd/" + std::to_string(fd.get());
    unique_fd again{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!again) {
        return last_error();
    }
    return again;
}

boost::system::error_code seal(const unique_fd& fd, int seals) {
    if (::fcntl(fd.get(), F_ADD_SEALS, seals) != 0) {
        return last_error();
    }
    return {};
}

}  // namespace

// Nobody may resize what others have mapped: touching pages that are gone is SIGBUS.
boost::system::error_code shared_memory::create_segment() {
    auto fd = create_memfd("farside-segment", sizeof(segment::segment));
    if (!fd) {
        return fd.error();
    }
    segment_fd_ = std::move(*fd);
    const auto address = map(segment_fd_, sizeof(segment::segment));
    if (!address) {
        return address.error();
    }
    // Fresh pages are zero, the value that every member begins with.
    segment_ = static_cast<segment::segment*>(*address);
    segment_->head.magic = segment::magic;
    segment_->head.version = segment::layout_version;

    struct stat found {};

    if (::fstat(segment_fd_.get(), &found) != 0) {
        return last_error();
    }
    segment_inode_ = found.st_ino;
    return seal(segment_fd_, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

// Sealed against writing once our own writable mapping exists: that one stays.
boost::system::error_code shared_memory::create_view(std::uint64_t arena_bytes) {
    const std::size_t cache_bytes = arena_bytes == 0 ? 0 : sizeof(segment::cache) + arena_bytes;
    const std::size_t bytes = segment::cache_offset + cache_bytes;
    auto fd = create_memfd("farside-view", bytes);
    if (!fd) {
        return fd.error();
    }
    const auto address = map(*fd, bytes);
    if (!address) {
        return address.error();
    }
    view_ = static_cast<segment::view*>(*address);
    view_->cache_bytes = cache_bytes;
    if (arena_bytes != 0) {
        if (const auto ec = fill_cache(arena_bytes)) {
            return ec;
        }
    }
    if (const auto ec =
            seal(*fd, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)) {
        return ec;
    }
    auto again = reopen_read_only(*fd);
    if (!again) {
        return again.error();
    }
    view_fd_ = std::move(*again);
    return {};
}

boost::system::error_code shared_memory::fill_cache(std::uint64_t arena_bytes) {
    void* const behind = reinterpret_cast<std::byte*>(view_) + segment::cache_offset;
    cache_ = static_cast<segment::cache*>(behind);
    cache_->head.arena_bytes = arena_bytes;
    auto* to = reinterpret_cast<std::byte*>(&cache_->head.numbers);
    std::size_t rest = sizeof cache_->head.numbers;
    while (rest > 0) {
        const ssize_t got = ::getrandom(to, rest, 0);
        if (got < 0 && errno != EINTR) {
            return last_error();
        }
        to += got > 0 ? got : 0;
        rest -= got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    return {};
}

std::size_t shared_memory::view_file_bytes() const {
    return segment::cache_offset + view_->cache_bytes;
}

cache_writer::memory shared_memory::cache() const {
    if (cache_ == nullptr) {
        return {};
    }
    auto* const arena = reinterpret_cast<std::byte*>(cache_) + sizeof *cache_;
    return {cache_, {arena, cache_->head.arena_bytes}, segment_->slab_used};
}

// Empty, and nothing can be written: a descriptor of it that escapes the layer fails loudly.
boost::system::error_code shared_memory::create_template() {
    auto fd = create_memfd("farside-template", 0);
    if (!fd) {
        return fd.error();
    }
    if (const auto ec = seal(*fd, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)) {
        return ec;
    }
    auto again = reopen_read_only(*fd);
    if (!again) {
        return again.error();
    }
    template_ = std::move(*again);

    struct stat found {};

    if (::fstat(template_.get(), &found) != 0) {
        return last_error();
    }
    template_inode_ = found.st_ino;
    template_device_ = found.st_dev;
    return {};
}

boost::system::error_code shared_memory::create_doorbell() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return last_error();
    }
    session_doorbell_ = unique_fd{ends[0]};
    user_doorbell_ = unique_fd{ends[1]};
    return {};
}

protocol::result<shared_memory> shared_memory::create(std::uint64_t arena_bytes) {
    shared_memory made;
    if (const auto ec = made.create_view(arena_bytes)) {
        return ec;
    }
    for (const auto step :
         {&shared_memory::create_segment,
          &shared_memory::create_template,
          &shared_memory::create_doorbell}) {
        if (const auto ec = (made.*step)()) {
            return ec;
        }
    }
    return made;
}

shared_memory::shared_memory(shared_memory&& other) noexcept
    : segment_{std::exchange(other.segment_, nullptr)},
      view_{std::exchange(other.view_, nullptr)},
      cache_{std::exchange(other.cache_, nullptr)},
      segment_fd_{std::move(other.segment_fd_)},
      view_fd_{std::move(other.view_fd_)},
      template_{std::move(other.template_)},
      user_doorbell_{std::move(other.user_doorbell_)},
      session_doorbell_{std::move(other.session_doorbell_)},
      trace_{std::move(other.trace_)},
      segment_inode_{other.segment_inode_},
      template_inode_{other.template_inode_},
      template_device_{other.template_device_},
      robust_{std::move(other.robust_)} {}

shared_memory::~shared_memory() {
    robust_.reset();
    if (segment_ != nullptr) {
        ::munmap(segment_, sizeof(segment::segment));
    }
    if (view_ != nullptr) {
        ::munmap(view_, view_file_bytes());
    }
}

shared_memory::inherited_descriptors shared_memory::inherited() const {
    return {segment_fd_.get(), view_fd_.get(), template_.get(), user_doorbell_.get(), trace_.get()};
}

void shared_memory::release_descriptors() {
    segment_fd_.reset();
    view_fd_.reset();
    template_.reset();
    user_doorbell_.reset();
    session_doorbell_.reset();
    trace_.reset();
}

boost::system::error_code shared_memory::adopt() {
    assert(!robust_ && session_doorbell_);
    user_doorbell_.reset();
    trace_.reset();
    const auto tid = static_cast<std::uint32_t>(::gettid());
    segment_->head.session_tid = tid;
    // Also the slots that nobody used yet hold the id, so that all are marked when this thread
    // ends: that is how a later caller learns it.
    for (auto& slot : segment_->slots) {
        slot.state.store(tid, std::memory_order_release);
    }
    robust_ = std::make_unique<robust_list>();
    return robust_->install(segment_->slots);
}

}  // namespace farside::session
