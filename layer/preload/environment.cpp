// Reading the environment a buffer at a time, and building the one that an exec needs in one
// mapping that is given back where the exec fails.
#include "layer/preload/environment.hpp"

#include "layer/preload/process_state.hpp"
#include "layer/preload/syscall_x86_64.hpp"
#include "layer/preload/working_directory.hpp"

#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>

namespace farside::preload {
namespace {

constexpr std::string_view preload_name = "LD_PRELOAD=";
constexpr std::size_t number_room = 12;
constexpr std::string_view uring_setting = "UV_USE_IO_URING=0";

bool is_ours(std::string_view variable) noexcept {
    return variable.starts_with(segment::environment_session) ||
           variable.starts_with(segment::environment_directory) || variable == uring_setting;
}

}  // namespace

environment_reader::environment_reader() noexcept
    : fd_{static_cast<int>(kernel(__NR_openat, AT_FDCWD, "/proc/self/environ", O_RDONLY | O_CLOEXEC)
      )} {}

environment_reader::~environment_reader() {
    if (fd_ >= 0) {
        kernel(__NR_close, fd_);
    }
}

bool environment_reader::next(std::string_view& variable) noexcept {
    while (fd_ >= 0) {
        for (std::size_t i = begin_; i < end_; ++i) {
            if (buffer_[i] != '\0') {
                continue;
            }
            variable = {buffer_ + begin_, i - begin_};
            begin_ = i + 1;
            if (!skipping_) {
                return true;
            }
            skipping_ = false;
            i = begin_ - 1;
        }
        if (begin_ == 0 && end_ == sizeof buffer_) {
            skipping_ = true;
            end_ = 0;
        }
        std::memmove(buffer_, buffer_ + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
        const long got = kernel(__NR_read, fd_, buffer_ + end_, sizeof buffer_ - end_);
        if (got <= 0) {
            return false;
        }
        end_ += static_cast<std::size_t>(got);
    }
    return false;
}

exec_environment::exec_environment(char* const* given, loads_library loads) noexcept {
    const std::string_view library{state.view->library};
    const std::string_view session{state.session_variable};
    bool has_preload = false;
    bool has_session = false;
    bool has_uring = false;
    bool has_directory = false;
    std::size_t count = 0;
    std::size_t preload_bytes = 0;
    for (; given != nullptr && given[count] != nullptr; ++count) {
        std::string_view variable{given[count]};
        if (variable == session) {
            has_session = true;
        } else if (variable == uring_setting) {
            has_uring = true;
        } else if (variable.starts_with(segment::environment_directory)) {
            has_directory = true;
        } else if (variable.starts_with(preload_name)) {
            preload_bytes = variable.size();
            variable.remove_prefix(preload_name.size());
            has_preload = variable.starts_with(library) &&
                          (variable.size() == library.size() || variable[library.size()] == ':' ||
                           variable[library.size()] == ' ');
        }
    }
    const bool right_preload = loads == loads_library::yes ? has_preload : preload_bytes == 0;
    if (right_preload && has_session && has_uring && !has_directory && !directory_is_remote()) {
        variables_ = given;
        return;
    }
    rebuild(given, count, preload_bytes, loads);
}

void exec_environment::rebuild(
    char* const* given, std::size_t count, std::size_t preload_bytes, loads_library loads
) noexcept {
    const std::string_view library{state.view->library};
    constexpr std::size_t added = 4;
    memory_bytes_ = (count + added + 1) * sizeof(char*) + preload_name.size() + library.size() + 1 +
                    preload_bytes + 1 + sizeof segment::environment_directory + number_room +
                    PATH_MAX;
    const long got = kernel(
        __NR_mmap,
        nullptr,
        memory_bytes_,
        PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS,
        -1,
        0
    );
    if (got < 0) {
        return;
    }
    memory_ = reinterpret_cast<void*>(got);
    auto** const variables = static_cast<char**>(memory_);
    char* text = reinterpret_cast<char*>(variables + count + added + 1);
    const auto put = [&text](std::string_view part) noexcept {
        std::memcpy(text, part.data(), part.size());
        text += part.size();
    };

    std::size_t used = 0;
    char* const preload = text;
    put(preload_name);
    if (loads == loads_library::yes) {
        put(library);
    }
    for (std::size_t i = 0; i < count; ++i) {
        std::string_view variable{given[i]};
        if (variable.starts_with(preload_name)) {
            // What else is preloaded stays, behind us; we may be in there already.
            variable.remove_prefix(preload_name.size());
            if (variable.starts_with(library)) {
                variable.remove_prefix(library.size());
            }
            if (!variable.empty() && (variable[0] == ':' || variable[0] == ' ')) {
                variable.remove_prefix(1);
            }
            if (!variable.empty() && loads == loads_library::yes) {
                put(":");
            }
            put(variable);
        } else if (!is_ours(variable)) {
            variables[used++] = given[i];
        }
    }
    *text++ = '\0';
    if (preload[preload_name.size()] != '\0') {
        variables[used++] = preload;
    }
    variables[used++] = state.session_variable;
    variables[used++] = const_cast<char*>(uring_setting.data());
    if (directory_is_remote()) {
        variables[used++] = text;
        put(segment::environment_directory);
        // Without a descriptor the number is one that no process has.
        const int fd = directory_descriptor();
        text += write_number(text, fd >= 0 ? static_cast<unsigned>(fd) : descriptors_max);
        put(":");
        text += copy_directory(text, PATH_MAX - 1);
        *text = '\0';
    }
    variables[used] = nullptr;
    variables_ = variables;
}

exec_environment::~exec_environment() {
    if (memory_ != nullptr) {
        kernel(__NR_munmap, memory_, memory_bytes_);
    }
}

}  // namespace farside::preload
