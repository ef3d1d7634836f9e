// Another process that a case tells what to do with files, one call at a time: a child made by
// fork(2), which has its own copies of the descriptors that were open, and calls what it is told
// directly. Orders and answers go through pipes of this machine.
#pragma once

#include "tests/conformance/transcript.hpp"

#include <cstdint>
#include <string>

#include <fcntl.h>
#include <sys/types.h>

namespace farside::conformance {

class peer {
public:
    // `name` stands for it in the transcript.
    peer(transcript& t, std::string name);
    peer(const peer&) = delete;
    peer& operator=(const peer&) = delete;
    ~peer();

    int open(const char* path, int flags);
    void close(int fd);
    outcome lock(int fd, int command, const struct flock& lock);

    // Makes the call of lock(); finish_lock() waits for its end and tells.
    void start_lock(int fd, int command, const struct flock& lock);
    outcome finish_lock();

    // The same, but where it would be a deadlock it unlocks all of the file instead, so that others
    // go on. Answers without a word whether it was refused so.
    void start_lock_or_unlock(int fd, const struct flock& lock);
    bool finish_lock_or_unlock();

    // Tells it to unlock all of `fd`, without waiting for that; also in a signal handler.
    void post_unlock(int fd) const;
    // Waits for the answer of post_unlock().
    void finish_unlock();

    // Ends by itself, or killed; returns when it has ended.
    void end();
    void kill();

    [[nodiscard]] pid_t pid() const { return pid_; }

    [[nodiscard]] struct flock told() const { return told_; }

private:
    struct order;
    struct answer;

    [[noreturn]] static void obey(int orders, int answers);
    static answer carry_out(const order& told);
    void send(const order& what) const;
    answer receive();
    void reap();

    transcript& t_;
    std::string name_;
    pid_t pid_ = -1;
    int orders_ = -1;
    int answers_ = -1;
    std::string under_way_;

    struct flock told_ {};
};

}  // namespace farside::conformance
