// conformance_runner: runs cases against one tree and prints their transcripts. Which way it goes
// there is its caller's choice: --backend native is the kernel, or, under `farside exec`, the
// layer;
// --backend agent is an agent of its own. Ends with a status other than 0 only if it could not run;
// a case that hangs or crashes ends it by a signal, and its transcript says how far it came.
#include "tests/conformance/agent_api.hpp"
#include "tests/conformance/conformance_case.hpp"
#include "tests/conformance/native_api.hpp"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <stdexcept>

#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace farside::conformance {
namespace {

constexpr unsigned case_seconds_max = 60;

struct options {
    std::string backend = "native";
    std::string root;
    std::string agent;         // its program
    std::string agent_target;  // dir/T, where T/ROOT is the tree
    std::string chroot;
    path_style style = path_style::relative;
    bool read_only = false;
    bool prepare = false;
    bool list = false;
    std::string read_only_mount;  // a directory to mount read-only first, for this process alone
    unsigned user = 0;            // to become, or for prepare, to give the directories to
    std::vector<std::string> cases;
    std::vector<std::string> program;  // after "--": to run as `user`, instead of cases
};

[[noreturn]] void usage(const std::string& what) {
    std::fprintf(
        stderr,
        "conformance_runner: %s\n"
        "usage: conformance_runner --list\n"
        "       conformance_runner --prepare --root DIR [--user UID] [--case NAME]...\n"
        "       conformance_runner [--backend native] --root DIR [--chroot DIR] [--user UID]\n"
        "                          [--read-only-mount DIR] [--case NAME]...\n"
        "                          [--paths relative|absolute|descriptor]\n"
        "       conformance_runner --backend agent --agent PROGRAM --agent-target dir/DIR\n"
        "                          --root DIR [--read-only] [--paths ...] [--case NAME]...\n"
        "       conformance_runner --user UID -- PROGRAM ARGUMENT...\n",
        what.c_str()
    );
    std::exit(2);
}

path_style parse_style(std::string_view word) {
    if (word == "relative") {
        return path_style::relative;
    }
    if (word == "absolute") {
        return path_style::absolute;
    }
    if (word == "descriptor") {
        return path_style::descriptor;
    }
    usage("unknown path style");
}

bool take_switch(options& to, std::string_view word) {
    if (word == "--read-only") {
        to.read_only = true;
    } else if (word == "--prepare") {
        to.prepare = true;
    } else if (word == "--list") {
        to.list = true;
    } else {
        return false;
    }
    return true;
}

void take_option(options& to, std::string_view word, const std::string& value) {
    const std::map<std::string_view, std::string*> texts{
        {"--backend", &to.backend},
        {"--root", &to.root},
        {"--agent", &to.agent},
        {"--agent-target", &to.agent_target},
        {"--chroot", &to.chroot},
        {"--read-only-mount", &to.read_only_mount},
    };
    if (const auto found = texts.find(word); found != texts.end()) {
        *found->second = value;
    } else if (word == "--paths") {
        to.style = parse_style(value);
    } else if (word == "--user") {
        to.user = static_cast<unsigned>(std::stoul(value));
    } else if (word == "--case") {
        to.cases.push_back(value);
    } else {
        usage(std::string{word} + "?");
    }
}

options parse(std::span<char* const> words) {
    options parsed;
    for (std::size_t i = 1; i < words.size(); ++i) {
        const std::string_view word = words[i];
        if (word == "--") {
            parsed.program.assign(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
            break;
        }
        if (take_switch(parsed, word)) {
            continue;
        }
        if (i + 1 == words.size()) {
            usage(std::string{word} + "?");
        }
        take_option(parsed, word, words[++i]);
    }
    return parsed;
}

void check(outcome result, const std::string& what) {
    if (result < 0) {
        throw std::runtime_error{what + ": " + std::strerror(static_cast<int>(-result))};
    }
}

void check_call(int returned, const std::string& what) {
    check(returned == 0 ? 0 : -outcome{errno}, what);
}

void enter_tree(const options& chosen) {
    if (!chosen.read_only_mount.empty()) {
        const char* const tree = chosen.read_only_mount.c_str();
        check_call(::unshare(CLONE_NEWNS), "unshare");
        check_call(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount /");
        check_call(::mount(tree, tree, nullptr, MS_BIND, nullptr), "mount");
        const unsigned long again = MS_BIND | MS_REMOUNT | MS_RDONLY;
        check_call(::mount(nullptr, tree, nullptr, again, nullptr), "mount again");
    }
    if (!chosen.chroot.empty()) {
        check_call(::chroot(chosen.chroot.c_str()), "chroot");
        check_call(::chdir("/"), "chdir");
    }
}

void become(unsigned user) {
    if (user != 0) {
        check_call(::setgroups(0, nullptr), "setgroups");
        check_call(::setgid(user), "setgid");
        check_call(::setuid(user), "setuid");
    }
}

[[noreturn]] void run_program(const options& chosen) {
    become(chosen.user);
    std::vector<char*> words;
    for (const auto& word : chosen.program) {
        words.push_back(const_cast<char*>(word.c_str()));
    }
    words.push_back(nullptr);
    ::execv(words[0], words.data());
    throw std::runtime_error{chosen.program[0] + ": " + std::strerror(errno)};
}

// No case may depend on what its caller was given.
void settle_process() {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    ::umask(022);
}

struct backend {
    std::unique_ptr<agent_client> client;
    std::unique_ptr<file_api> api;
};

backend make_backend(const options& chosen) {
    backend made;
    if (chosen.backend == "native") {
        made.api = std::make_unique<native_api>(chosen.style);
        return made;
    }
    if (chosen.backend == "agent" && chosen.style != path_style::descriptor) {
        const auto mode = chosen.read_only ? session_mode::read_only : session_mode::read_write;
        made.client = std::make_unique<agent_client>(chosen.agent, chosen.agent_target, mode);
        made.api = std::make_unique<agent_api>(*made.client, chosen.style);
        return made;
    }
    usage("unknown backend");
}

void run_case(const conformance_case& it, file_api& api, const options& chosen) {
    const auto directory = chosen.root + '/' + std::string{it.name};
    std::printf("case %s\n", std::string{it.name}.c_str());
    std::fflush(stdout);
    ::alarm(case_seconds_max);
    check(api.enter(directory), directory);
    api.umask(022);
    transcript t{api, directory, stdout};
    it.run(t);
    ::alarm(0);
}

// Makes the case's directory and what the case finds in it.
void prepare_case(const conformance_case& it, const options& chosen) {
    const auto directory = chosen.root + '/' + std::string{it.name};
    check_call(::mkdir(directory.c_str(), 0755), directory);
    if (it.prepare != nullptr) {
        native_api api{path_style::relative};
        check(api.enter(directory), directory);
        transcript t{api, directory, stdout};
        it.prepare(t);
    }
    if (chosen.user != 0) {
        check(::chown(directory.c_str(), chosen.user, chosen.user) == 0 ? 0 : -errno, directory);
    }
}

std::vector<const conformance_case*> chosen_cases(const options& chosen) {
    std::vector<const conformance_case*> found;
    for (const auto& name : chosen.cases) {
        found.push_back(find_case(name));
        if (found.back() == nullptr) {
            usage("no case " + name);
        }
    }
    if (chosen.cases.empty()) {
        for (const auto& family : all_families()) {
            for (const auto& it : family.cases) {
                found.push_back(&it);
            }
        }
    }
    return found;
}

// "NEEDS NAME" for each.
void list_cases() {
    for (const auto& family : all_families()) {
        for (const auto& it : family.cases) {
            std::printf("%d %s\n", static_cast<int>(family.what), std::string{it.name}.c_str());
        }
    }
}

void run(const options& chosen) {
    if (!chosen.program.empty()) {
        run_program(chosen);
    }
    if (chosen.list) {
        list_cases();
        return;
    }
    const auto cases = chosen_cases(chosen);
    if (chosen.root.empty()) {
        usage("--root?");
    }
    settle_process();
    if (chosen.prepare) {
        for (const auto* it : cases) {
            prepare_case(*it, chosen);
        }
        return;
    }
    enter_tree(chosen);
    become(chosen.user);
    const auto way = make_backend(chosen);
    for (const auto* it : cases) {
        run_case(*it, *way.api, chosen);
    }
}

}  // namespace
}  // namespace farside::conformance

int main(int argc, char** argv) {
    using namespace farside::conformance;
    try {
        run(parse({argv, static_cast<std::size_t>(argc)}));
    } catch (const std::exception& e) {
        std::fflush(stdout);
        std::fprintf(stderr, "conformance_runner: %s\n", e.what());
        return 2;
    }
    return 0;
}
