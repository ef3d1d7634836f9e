// The environment as the kernel keeps it, and the one that an exec needs. The library starts before
// libc has told anybody where environ is, so it reads /proc/self/environ.
#pragma once

#include <cstddef>
#include <string_view>

namespace farside::preload {

// Goes through the variables this process was started with.
class environment_reader {
public:
    environment_reader() noexcept;
    ~environment_reader();
    environment_reader(const environment_reader&) = delete;
    environment_reader& operator=(const environment_reader&) = delete;
    environment_reader(environment_reader&&) = delete;
    environment_reader& operator=(environment_reader&&) = delete;

    // The next "NAME=value"; valid until the next call. Variables longer than the buffer are cut:
    // none of ours is that long.
    [[nodiscard]] bool next(std::string_view& variable) noexcept;

private:
    int fd_ = -1;
    bool skipping_ = false;  // the rest of a cut variable
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    char buffer_[8192];
};

// Whether a program's loader can load our library; others would stumble over it.
enum class loads_library : bool { no, yes };

// The environment of a program about to be executed: `given`, with our variables as they must be.
// Owns memory only where something has to change.
class exec_environment {
public:
    exec_environment(char* const* given, loads_library loads) noexcept;
    ~exec_environment();
    exec_environment(const exec_environment&) = delete;
    exec_environment& operator=(const exec_environment&) = delete;
    exec_environment(exec_environment&&) = delete;
    exec_environment& operator=(exec_environment&&) = delete;

    // nullptr: not enough memory.
    [[nodiscard]] char* const* get() const noexcept { return variables_; }

private:
    void rebuild(
        char* const* given, std::size_t count, std::size_t preload_bytes, loads_library loads
    ) noexcept;

    char* const* variables_ = nullptr;
    void* memory_ = nullptr;
    std::size_t memory_bytes_ = 0;
};

}  // namespace farside::preload
