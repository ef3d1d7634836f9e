// Programs that other programs start: real tools with their output counted, and a thousand
// processes that each read one small file.
#include "bench/workloads/workload.hpp"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace farside::bench {
namespace {

// Starts the command with its standard output in `output`.
pid_t start(const std::vector<std::string>& command, int output) {
    std::vector<char*> words;
    words.reserve(command.size() + 1);
    for (const auto& word : command) {
        words.push_back(const_cast<char*>(word.c_str()));
    }
    words.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    pid_t child = 0;
    errno = ::posix_spawnp(&child, words[0], &actions, nullptr, words.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (errno != 0) {
        fail("start", command[0]);
    }
    return child;
}

void expect_success(pid_t child, const std::string& name) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            fail("wait for", name);
        }
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        errno = ECHILD;
        fail("failed:", name);
    }
}

// Lines in any order: directories are listed in the order of the file system.
void take_lines(request& r, std::string& pending, std::string_view bytes) {
    pending += bytes;
    std::size_t begin = 0;
    for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n', begin)) {
        r.seen.add_line(std::string_view{pending}.substr(begin, end - begin));
        begin = end + 1;
    }
    pending.erase(0, begin);
}

// "{pass}" in a word is the pass: what writes needs a new place each time.
std::vector<std::string> with_pass(std::vector<std::string> command, int pass) {
    for (auto& word : command) {
        constexpr std::string_view here = "{pass}";
        for (auto at = word.find(here); at != std::string::npos; at = word.find(here, at)) {
            word.replace(at, here.size(), std::to_string(pass));
        }
    }
    return command;
}

}  // namespace

// The command, in the directory. A digest over its lines; of binary output, cut at random bytes,
// that is as good.
void tool(request& r) {
    if (r.command.empty() || ::chdir(r.directory.c_str()) != 0) {
        fail("chdir", r.directory);
    }
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        fail("pipe for", r.command[0]);
    }
    const auto command = with_pass(r.command, r.pass);
    const pid_t child = start(command, ends[1]);
    ::close(ends[1]);
    std::string pending;
    std::vector<char> room(std::size_t{64} << 10U);
    ssize_t n = 0;
    while ((n = ::read(ends[0], room.data(), room.size())) > 0) {
        take_lines(r, pending, {room.data(), static_cast<std::size_t>(n)});
    }
    ::close(ends[0]);
    if (!pending.empty()) {
        r.seen.add_line(pending);
    }
    expect_success(child, command[0]);
}

// What one of the thousand does.
void probe(request& r) {
    const std::string path = r.command.empty() ? std::string{} : r.command[0];
    std::array<char, 2 * sizes::small_bytes> room{};

    struct stat st {};

    const int fd = ::stat(path.c_str(), &st) == 0 ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0 || ::read(fd, room.data(), room.size()) != st.st_size) {
        fail("probe", path);
    }
    r.seen.count();
}

void short_lived(request& r) {
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (int i = 0; i < sizes::processes; ++i) {
        const std::string file = numbered(r.directory + "/small/f", i % sizes::small_files);
        const std::vector<std::string> command{"/proc/self/exe", "probe", r.directory, "--", file};
        expect_success(start(command, nowhere), file);
        r.seen.count();
    }
    ::close(nowhere);
}

}  // namespace farside::bench
