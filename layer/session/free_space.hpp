// Whether bytes can be written behind on a file system: whether it is one that takes writes as a
// disk does (each write(2) to procfs is a command, whose error is its answer), and has so much room
// that ENOSPC will not come late. Asked of the agent in the background; until it has answered, and
// when the answer is old, the answer here is no.
#pragma once

#include "layer/session/agent_link.hpp"
#include "layer/session/open_files.hpp"
#include "layer/session/task_group.hpp"
#include "protocol/name_messages.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

namespace farside::session {

namespace limits {

// Free space that is left to others: what they write between two questions.
inline constexpr std::uint64_t free_bytes_min = std::uint64_t{64} << 20U;
// Asked again after the first time, not believed after the second.
inline constexpr std::chrono::seconds free_space_stale{2};
inline constexpr std::chrono::seconds free_space_unknown{6};

}  // namespace limits

class free_space {
public:
    free_space(task_group& tasks, agent_link& link) : tasks_{tasks}, link_{link} {}

    free_space(const free_space&) = delete;
    free_space& operator=(const free_space&) = delete;

    // Asks, unless the answer is known and fresh.
    void look(const std::shared_ptr<open_file>& file);

    // Whether `bytes` can be on their way to the file, and as many as `window` beside them.
    [[nodiscard]] bool allows(
        const std::shared_ptr<open_file>& file, std::uint64_t bytes, std::uint64_t window
    );

    // They are on their way.
    void use(const open_file& file, std::uint64_t bytes);

private:
    using clock = std::chrono::steady_clock;
    using device = std::pair<std::uint32_t, std::uint32_t>;

    struct file_system {
        bool known = false;
        bool asking = false;
        std::uint64_t available = 0;
        std::uint64_t used = 0;  // since it was asked
        clock::time_point asked;
    };

    [[nodiscard]] static device device_of(const open_file& file) {
        return {file.identity.device_major, file.identity.device_minor};
    }

    awaitable<> ask(std::shared_ptr<open_file> file);

    task_group& tasks_;
    agent_link& link_;
    std::map<device, file_system> known_;
};

}  // namespace farside::session
