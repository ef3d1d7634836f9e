// Programs that a test runs: started in a session of their own, so that no terminal of the tester's
// matters and all of them can be ended at once, with their output collected and their time bounded.
#pragma once

#include "protocol/support/unique_fd.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>
#include <sys/wait.h>

namespace farside::test {

struct command {
    std::vector<std::string> arguments;      // arguments[0] is looked for in PATH
    std::vector<std::string> environment{};  // "NAME=value" sets, "NAME" unsets
    std::string directory{};                 // working directory; empty: ours
    std::optional<std::string> input{};      // standard input; nothing: /dev/null
    std::chrono::seconds limit{60};          // then it is killed, and `timed_out` is set
};

struct outcome {
    std::string out;
    std::string err;
    int wait_status = 0;
    bool timed_out = false;

    // As a shell tells it: the exit status, or 128 and the signal.
    [[nodiscard]] int status() const {
        return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
    }
};

// To the end of the program and of its output.
[[nodiscard]] outcome run(const command& what);

// A program that runs beside the test. Destruction kills it and what is left of its session.
class process {
public:
    explicit process(const command& what);
    process(const process&) = delete;
    process& operator=(const process&) = delete;
    ~process();

    [[nodiscard]] pid_t pid() const { return pid_; }

    // What it has written to standard output so far.
    [[nodiscard]] const std::string& out() const { return result_.out; }

    // To its standard input, which is a pipe where the command has an input (also an empty one).
    void write(std::string_view text);
    void close_input();

    // Whether `text` came on standard output before its end and the limit.
    [[nodiscard]] bool wait_for(std::string_view text);

    // The same for standard error.
    [[nodiscard]] bool wait_for_error(std::string_view text);

    void signal(int number) const;

    // To the end of the program and of its output.
    [[nodiscard]] outcome wait();

private:
    void start(const command& what);
    void pump();
    void write_some();
    [[nodiscard]] int milliseconds_left() const;

    pid_t pid_ = -1;
    bool reaped_ = false;
    unique_fd handle_;  // a pidfd
    unique_fd input_;
    unique_fd output_;
    unique_fd errors_;
    std::string unwritten_;
    bool ends_input_ = false;  // as soon as everything is written
    std::chrono::steady_clock::time_point deadline_;
    outcome result_;
};

struct process_line {
    pid_t pid = 0;
    char state = '\0';  // as in /proc/PID/stat
    pid_t parent = 0;
    std::string name;
};

[[nodiscard]] std::vector<process_line> children_of(pid_t parent);

// Waits until the process has ended. False: it has not after `limit`.
[[nodiscard]] bool wait_for_end(pid_t pid, std::chrono::seconds limit = std::chrono::seconds{20});

// Makes this process the parent of orphans, so that those left behind by a program can be found.
void adopt_orphans();

// A line for each of our children that still runs (ended ones are reaped); empty: none.
[[nodiscard]] std::string children_left();

// Waits until there is none. False: some are left after `limit`.
[[nodiscard]] bool wait_for_children(std::chrono::seconds limit = std::chrono::seconds{20});

// Whether a program of that name is in PATH.
[[nodiscard]] bool is_installed(std::string_view program);

}  // namespace farside::test
