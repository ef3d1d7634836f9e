// A program under test with its terminal or pipe: what it prints is waited for, never slept for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>
#include <sys/wait.h>

namespace farside::test {

class running_program {
public:
    enum class where {
        pipe,      // output through a pipe; standard input is empty
        terminal,  // on a terminal of its own, as the leader of its session
    };

    // `prepare` runs in the child before exec.
    running_program(
        const std::vector<std::string>& command,
        where place = where::pipe,
        void (*prepare)() = nullptr
    );
    running_program(const running_program&) = delete;
    running_program& operator=(const running_program&) = delete;
    running_program(running_program&&) = delete;
    running_program& operator=(running_program&&) = delete;
    ~running_program();  // kills what still runs

    [[nodiscard]] pid_t pid() const { return pid_; }

    void type(const std::string& text) const;

    // Reads until `text` was printed (behind what was waited for before), and returns what came
    // before it. Fails the test, and returns nothing, when the output ends or 20 s pass.
    std::optional<std::string> expect(const std::string& text);

    // Reads to the end of the output.
    std::string rest();

    // Waits for the program's end and returns its wait status.
    int wait();

    // Waits until it stops, and returns the signal that stopped it.
    int wait_for_stop();

private:
    bool read_more();

    pid_t pid_ = -1;
    int output_ = -1;  // of a terminal: its input too
    bool ended_ = false;
    std::string text_;
};

// Whether the process is gone, waiting for that up to 20 s.
[[nodiscard]] bool is_gone(pid_t process);

// Whether its parent has learned of its end, waiting for that up to 20 s.
[[nodiscard]] bool is_reaped(pid_t process);

// Its exit status, or -signal.
[[nodiscard]] int plain_status(int wait_status);

}  // namespace farside::test
