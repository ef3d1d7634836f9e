// /proc/PID/stat: "PID (NAME) STATE PPID ...". The name may contain anything, also parentheses.
#include "layer/session/process_status.hpp"

#include "protocol/support/unique_fd.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace farside::session {
namespace {

struct process_line {
    char state = '\0';
    pid_t parent = 0;
};

process_line read_line(pid_t process) {
    const std::string path = "/proc/" + std::to_string(process) + "/stat";
    const unique_fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    char text[512];
    const ssize_t bytes = file ? ::read(file.get(), text, sizeof text - 1) : -1;
    if (bytes <= 0) {
        return {};
    }
    text[bytes] = '\0';
    const char* const name_end = std::strrchr(text, ')');
    if (name_end == nullptr || std::strlen(name_end) < 5) {
        return {};
    }
    return {name_end[2], static_cast<pid_t>(std::strtol(name_end + 4, nullptr, 10))};
}

}  // namespace

bool is_stopped(pid_t process) {
    return read_line(process).state == 'T';
}

bool descends_from(pid_t process, pid_t ancestor) {
    // Pids may be reused while we look: the bound keeps a circle from being one.
    for (int generation = 0; generation < 1000 && process > 1; ++generation) {
        if (process == ancestor) {
            return true;
        }
        process = read_line(process).parent;
    }
    return false;
}

}  // namespace farside::session
