// What the child says comes through a pipe.
#include "tests/agent/child.hpp"

#include <gtest/gtest.h>

#include <array>

#include <sys/wait.h>
#include <unistd.h>

namespace farside::agent::test {

std::string told_by_child(const std::function<std::string()>& what) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe(ends.data()) != 0) {
        ADD_FAILURE() << "no pipe";
        return {};
    }
    const pid_t child = ::fork();
    if (child == 0) {
        const auto told = what();
        [[maybe_unused]] const auto written = ::write(ends[1], told.data(), told.size());
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string told(65536, '\0');
    const auto bytes = ::read(ends[0], told.data(), told.size());
    told.resize(bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
    ::close(ends[0]);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    return told;
}

}  // namespace farside::agent::test
