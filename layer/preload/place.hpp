// Where a path argument leads: to the kernel as it is, to the kernel by another path, to the
// target, or nowhere. Every handler of a call with a path asks here first, so a path is on one side
// for every operation.
#pragma once

#include "layer/common/side.hpp"
#include "layer/preload/process_state.hpp"

#include <cstdint>
#include <string_view>

namespace farside::preload {

enum class empty_path : bool { is_error, is_descriptor };  // AT_EMPTY_PATH
enum class last_link : bool { follow, keep };  // AT_SYMLINK_NOFOLLOW, O_NOFOLLOW, unlink

// Whether the path has a ".." in it.
[[nodiscard]] bool climbs(std::string_view path) noexcept;

class place {
public:
    // `fd` as the *at calls take it: a descriptor or AT_FDCWD. `path` may be nullptr.
    place(
        long fd,
        const char* path,
        last_link link = last_link::follow,
        empty_path empty = empty_path::is_error
    ) noexcept;

    enum class kind : std::uint8_t {
        untouched,  // local: the kernel gets the call as it was made
        local,      // local, but by path() instead of what the program gave
        remote,     // base() and path(); the session decides the side where base() is not 0
        failed,     // failure() is the answer
    };

    [[nodiscard]] kind what() const noexcept { return kind_; }

    [[nodiscard]] bool remote() const noexcept { return kind_ == kind::remote; }

    [[nodiscard]] bool is_local() const noexcept {
        return kind_ == kind::untouched || kind_ == kind::local;
    }

    [[nodiscard]] long failure() const noexcept { return failure_; }

    // The id of the open file that the path is relative to, or 0: the path is absolute.
    [[nodiscard]] std::uint64_t base() const noexcept { return base_; }

    // With last_link::keep, where the path is the name of a descriptor or of the working directory
    // under /proc and that is remote: the open file's id, else 0. what() is then local.
    [[nodiscard]] std::uint64_t link_to() const noexcept { return link_to_; }

    // Whether a link at the end is followed, as the constructor was told.
    [[nodiscard]] last_link last() const noexcept { return link_; }

    // NUL-terminated where what() is local.
    [[nodiscard]] std::string_view path() const noexcept { return path_; }

private:
    void resolve(long fd, std::string_view path) noexcept;
    void resolve_absolute(std::string_view path, bool rewritten) noexcept;
    void resolve_descriptor(long fd, std::string_view path) noexcept;
    void resolve_in_directory(std::string_view path) noexcept;
    void resolve_joined(
        std::string_view directory, std::string_view path, bool kernel_agrees
    ) noexcept;
    bool resolve_process_name(std::string_view path) noexcept;
    void fail(long error) noexcept;
    [[nodiscard]] char* buffer() noexcept;

    kind kind_ = kind::untouched;
    last_link link_;
    long failure_ = 0;
    std::uint64_t base_ = 0;
    std::uint64_t link_to_ = 0;
    std::string_view path_;
    alignas(scratch) unsigned char scratch_[sizeof(scratch)];
    bool has_scratch_ = false;

public:
    ~place();
    place(const place&) = delete;
    place& operator=(const place&) = delete;
    place(place&&) = delete;
    place& operator=(place&&) = delete;
};

}  // namespace farside::preload
