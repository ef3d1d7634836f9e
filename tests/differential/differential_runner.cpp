// differential_runner: runs random sequences of file operations, each in a directory and a process
// of its own below ROOT, and prints what came of every step. Under `farside exec` ROOT is remote.
#include "tests/differential/executor.hpp"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farside::differential {
namespace {

// A step that does not come back ends its sequence, and not the test.
constexpr unsigned sequence_seconds_max = 60;

[[noreturn]] void usage() {
    std::fputs(
        "usage: differential_runner --root DIR --steps N --seeds FIRST LAST\n"
        "       differential_runner --root DIR --script FILE\n"
        "       ... --from STEP --count STEPS --files FD...   (to go on in a new process)\n",
        stderr
    );
    std::exit(2);
}

struct options {
    std::string program;
    std::string root;
    std::string script;
    std::size_t steps = 0;
    std::uint64_t first = 1;
    std::uint64_t last = 1;
    bool continues = false;
    continuation part;
};

options parse_options(int count, char** words) {
    options o;
    o.program = words[0];
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        const auto next = [&] { return ++i < count ? words[i] : (usage(), words[0]); };
        if (word == "--root") {
            o.root = next();
        } else if (word == "--script") {
            o.script = next();
        } else if (word == "--steps") {
            o.steps = std::stoul(next());
        } else if (word == "--seeds") {
            o.first = std::stoul(next());
            o.last = std::stoul(next());
        } else if (word == "--from") {
            o.part.from = std::stoul(next());
            o.continues = true;
        } else if (word == "--count") {
            o.part.count = std::stoul(next());
        } else if (word == "--files") {
            for (int& file : o.part.files) {
                file = std::stoi(next());
            }
        } else {
            usage();
        }
    }
    if (o.root.empty() || (o.script.empty() == (o.steps == 0))) {
        usage();
    }
    return o;
}

sequence sequence_of(const options& o, std::uint64_t seed) {
    if (o.script.empty()) {
        return generate(seed, o.steps);
    }
    std::ifstream file{o.script};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    const auto read = parse(text);
    if (!read) {
        usage();
    }
    return *read;
}

// The command line that goes on with the same sequence.
std::vector<std::string> program_of(const options& o, std::uint64_t seed) {
    const auto number = std::to_string(seed);
    std::vector<std::string> words{o.program, "--root", o.root};
    if (o.script.empty()) {
        words.insert(words.end(), {"--steps", std::to_string(o.steps), "--seeds", number, number});
    } else {
        words.insert(words.end(), {"--script", o.script});
    }
    return words;
}

void run_one(const options& o, std::uint64_t seed) {
    executor runs{sequence_of(o, seed), o.root + '/' + std::to_string(seed), program_of(o, seed)};
    runs.run(o.part);
}

// Answers false where the process of the sequence could not be had.
bool run_in_child(options o, std::uint64_t seed) {
    const auto directory = o.root + '/' + std::to_string(seed);
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(sequence_seconds_max);
        if (::mkdir(directory.c_str(), 0755) != 0 || ::chdir(directory.c_str()) != 0) {
            std::perror(directory.c_str());
            ::_exit(1);
        }
        o.part.count = static_cast<std::size_t>(-1) / 2;
        run_one(o, seed);
        ::_exit(0);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child) {
        return false;
    }
    say("ended " + std::to_string(status) + '\n');
    return true;
}

}  // namespace
}  // namespace farside::differential

int main(int count, char** words) {
    using namespace farside::differential;
    const auto o = parse_options(count, words);
    if (o.continues) {
        run_one(o, o.first);
        return 0;
    }
    for (auto seed = o.first; seed <= o.last; ++seed) {
        say("seed " + std::to_string(seed) + '\n');
        if (!run_in_child(o, seed)) {
            return 1;
        }
    }
    return 0;
}
