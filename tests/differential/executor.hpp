// Runs a sequence in the current directory, by plain system calls, and writes down what came of
// every step. What it prints is the same on two systems exactly if they did the same.
#pragma once

#include "tests/differential/step.hpp"

#include <array>
#include <span>
#include <string>
#include <vector>

#include <sys/types.h>

namespace farside::differential {

// What a program needs to go on where another one was: steps [from, from + count) of the sequence,
// with the descriptors that it inherits.
struct continuation {
    std::size_t from = 0;
    std::size_t count = 0;
    std::array<int, slots> files{-1, -1, -1, -1, -1, -1};
};

[[nodiscard]] bool is_directory(int fd);

class executor {
public:
    // `start` is the directory of the sequence. `program` is a command line to which the words of a
    // continuation are added: it runs part of the same sequence in a process of its own.
    executor(sequence all, std::string start, std::vector<std::string> program);

    void run(const continuation& part);

    // The words of --from, --count and --files.
    [[nodiscard]] static std::vector<std::string> words_of(const continuation& part);

private:
    struct mapping {
        char* address = nullptr;
        std::size_t bytes = 0;
        off_t offset = 0;
        int file = -1;  // O_PATH: to ask for its size
    };

    // Answers how many steps are done.
    std::size_t do_step(std::size_t index, std::size_t end);
    void do_descriptor(const step& one);
    void do_record_lock(const step& one);
    void do_io(const step& one);
    void do_open_file(const step& one);
    void do_name(const step& one);
    void do_copy(const step& one);
    void do_map(const step& one);
    void make_map(mapping& m, const step& one);
    void in_child(std::size_t from, std::size_t count);
    void in_program(std::size_t from, std::size_t count) const;

    int& file(std::int64_t slot) { return files_[static_cast<std::size_t>(slot)]; }

    mapping& map(std::int64_t slot) { return maps_[static_cast<std::size_t>(slot)]; }

    sequence all_;
    std::vector<std::string> program_;
    std::string start_;
    bool may_lock_twice_;
    std::array<int, slots> files_{};
    std::array<mapping, mappings> maps_{};
};

// Writing down: tell_*() end the line.
void say(std::string_view text);
void tell_result(long result);  // -1: errno
void tell_bytes(long result, std::string_view bytes);

// `count` bytes that count up from `first`: what was written where can be read off them.
[[nodiscard]] std::string pattern(std::int64_t count, std::int64_t first);

}  // namespace farside::differential
