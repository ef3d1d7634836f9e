// A run is: make a tree, let the runner prepare it as the tester, run the cases on it, look at it.
// A case that ends the runner does not take those after it along: they run again, without it.
#include "tests/conformance/testbed.hpp"

#include "tests/support/process.hpp"
#include "tests/support/sides.hpp"
#include "tests/support/tree.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <unistd.h>

namespace farside::conformance {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view remote_root = "/srv/conf";
constexpr unsigned nobody_id = 65534;
constexpr int restarts_max = 10;

using names = std::vector<std::string>;

// The programs where `who` may read them: a build tree may be in a directory of root's alone.
class installation {
public:
    explicit installation(identity who) {
        const fs::path built = fs::path{test::farside_program()}.parent_path().parent_path();
        base_ = built;
        if (who == identity::tester) {
            return;
        }
        base_ = copied_.path();
        fs::permissions(base_, fs::perms{0755});
        for (const char* const file :
             {"bin/farside",
              "bin/farside-agent",
              "bin/conformance_runner",
              "lib/farside/libfarside.so"}) {
            fs::create_directories((base_ / file).parent_path());
            fs::copy_file(built / file, base_ / file);
        }
    }

    [[nodiscard]] std::string program(const char* name) const {
        return (base_ / "bin" / name).string();
    }

private:
    test::temp_dir copied_;
    fs::path base_;
};

const installation& installed_for(identity who) {
    static const installation of_tester{identity::tester};
    if (who == identity::tester) {
        return of_tester;
    }
    static const installation of_nobody{identity::nobody};
    return of_nobody;
}

void append(names& to, const names& more) {
    to.insert(to.end(), more.begin(), more.end());
}

class run_of_a_way {
public:
    explicit run_of_a_way(const way& on) : on_{on}, programs_{installed_for(on.who)} {
        fs::permissions(base_.path(), fs::perms{0755});
        fs::create_directories(tree());
        fs::create_directory(base_.path() / "local");
        if (on_.who == identity::nobody) {
            give_to_nobody(tree());
            give_to_nobody(base_.path() / "local");
        }
    }

    way_results run(const std::set<std::string>& wanted) {
        way_results results;
        prepare({wanted.begin(), wanted.end()});
        const auto before = on_.cases == table::read_only ? describe() : std::string{};
        names left{wanted.begin(), wanted.end()};
        for (int i = 0; i <= restarts_max && !left.empty() && !results.missing; ++i) {
            run_some(left, results);
        }
        for (auto& [name, result] : results.cases) {
            result += "left:\n" + describe(tree() / name);
        }
        if (on_.cases == table::read_only && before != describe()) {
            results.troubles += "the read-only tree was changed\n";
        }
        if (fs::exists(remote_root)) {
            results.troubles += "created on the wrong side: " + std::string{remote_root} + '\n';
        }
        return results;
    }

private:
    static void give_to_nobody(const fs::path& path) {
        if (::chown(path.c_str(), nobody_id, nobody_id) != 0) {
            throw std::runtime_error{"chown " + path.string()};
        }
    }

    // The root of the target; below it, the directory of the cases.
    [[nodiscard]] std::string target() const { return (base_.path() / "target").string(); }

    [[nodiscard]] fs::path tree() const { return target() + std::string{remote_root}; }

    [[nodiscard]] names user_words() const {
        return on_.who == identity::nobody ? names{"--user", std::to_string(nobody_id)} : names{};
    }

    [[nodiscard]] test::outcome start(names arguments, const names& cases) const {
        for (const auto& name : cases) {
            append(arguments, {"--case", name});
        }
        test::command what;
        what.arguments = std::move(arguments);
        what.environment = test::plain_environment();
        what.environment.push_back("HOME=" + (base_.path() / "local").string());
        what.environment.emplace_back("TMPDIR");
        what.directory = (base_.path() / "local").string();
        what.limit = std::chrono::seconds{240};
        return test::run(what);
    }

    void prepare(const names& cases) const {
        names words{programs_.program("conformance_runner"), "--prepare", "--root", tree()};
        append(words, user_words());
        const auto prepared = start(words, cases);
        if (prepared.wait_status != 0) {
            throw std::runtime_error{"prepare: " + prepared.err};
        }
    }

    [[nodiscard]] names native_words() const {
        names words{programs_.program("conformance_runner")};
        append(words, user_words());
        if (on_.cases == table::own_root) {
            append(words, {"--chroot", target(), "--root", std::string{remote_root}});
        } else {
            append(words, {"--root", tree()});
        }
        if (on_.cases == table::read_only) {
            append(words, {"--read-only-mount", target()});
        }
        return words;
    }

    [[nodiscard]] names agent_words() const {
        names words{programs_.program("conformance_runner")};
        append(words, user_words());
        append(
            words,
            {"--backend",
             "agent",
             "--agent",
             programs_.program("farside-agent"),
             "--agent-target",
             "dir/" + target(),
             "--root",
             std::string{remote_root}}
        );
        if (on_.cases == table::read_only) {
            words.emplace_back("--read-only");
        }
        return words;
    }

    [[nodiscard]] names layer_words() const {
        const auto runner = programs_.program("conformance_runner");
        names words;
        if (on_.who == identity::nobody) {
            words = {runner};
            append(words, user_words());
            words.emplace_back("--");
        }
        const bool read_only = on_.cases == table::read_only;
        append(
            words,
            {programs_.program("farside"),
             "exec",
             "--target",
             "dir/" + target(),
             "--fs-mode",
             read_only ? "read" : "write"}
        );
        if (on_.known == caches::off) {
            words.emplace_back("--no-cache");
        }
        append(words, {"--", runner, "--root", std::string{remote_root}});
        return words;
    }

    // Runs the cases until the runner ends, and takes those that were begun out of `left`.
    void run_some(names& left, way_results& results) const {
        names words = on_.how == backend::native  ? native_words()
                      : on_.how == backend::agent ? agent_words()
                                                  : layer_words();
        append(words, {"--paths", word_of(on_.paths)});
        const auto ended = start(words, left);
        const auto last = take_transcripts(ended.out, left, results);
        if (ended.wait_status == 0) {
            left.clear();
        } else if (!last.empty()) {
            results.cases[last] += "the run ended here: status " + std::to_string(ended.status()) +
                                   (ended.timed_out ? ", after too long a time" : "") + '\n' +
                                   ended.err;
        } else if (on_.how == backend::native && ended.err.ends_with("not permitted\n")) {
            results.missing = ended.err;
        } else {
            results.troubles += "status " + std::to_string(ended.status()) + '\n' + ended.err;
            left.clear();
        }
        results.troubles += test::children_left();
    }

    // Answers the last case that was begun; empty: none was.
    static std::string take_transcripts(
        const std::string& output, names& left, way_results& results
    ) {
        constexpr std::string_view mark = "case ";
        std::istringstream lines{output};
        std::string current;
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with(mark)) {
                current = line.substr(mark.size());
                std::erase(left, current);
                results.cases[current].clear();
            } else if (!current.empty()) {
                results.cases[current] += line + '\n';
            }
        }
        return current;
    }

    [[nodiscard]] std::string describe() const { return describe(tree()); }

    // Root sees everything; others must let themselves in.
    static std::string describe(const fs::path& directory) {
        if (::geteuid() != 0) {
            open_directories(directory);
        }
        return test::describe_tree(directory);
    }

    static void open_directories(const fs::path& directory) {
        fs::permissions(directory, fs::perms::owner_all, fs::perm_options::add);
        for (const auto& entry : fs::directory_iterator{directory}) {
            if (entry.is_symlink()) {  // which may lead round in circles
                continue;
            }
            if (entry.is_directory()) {
                open_directories(entry.path());
            } else if (entry.is_regular_file()) {
                fs::permissions(entry.path(), fs::perms::owner_read, fs::perm_options::add);
            }
        }
    }

    way on_;
    const installation& programs_;
    test::temp_dir base_;
};

}  // namespace

const std::vector<listed_case>& listed_cases() {
    static const std::vector<listed_case> all = [] {
        const auto runner = installed_for(identity::tester).program("conformance_runner");
        const auto listed = test::run({.arguments = {runner, "--list"}});
        if (listed.wait_status != 0) {
            throw std::runtime_error{runner + ": " + listed.err};
        }
        std::vector<listed_case> read;
        std::istringstream lines{listed.out};
        int what = 0;
        for (std::string name; lines >> what >> name;) {
            read.push_back({name, static_cast<needs>(what)});
        }
        return read;
    }();
    return all;
}

const char* word_of(path_words paths) {
    switch (paths) {
        case path_words::relative:
            return "relative";
        case path_words::absolute:
            return "absolute";
        case path_words::descriptor:
            break;
    }
    return "descriptor";
}

table table_of(needs what) {
    switch (what) {
        case needs::nothing:
        case needs::process:
            return table::ordinary;
        case needs::own_root:
        case needs::process_in_own_root:
            return table::own_root;
        case needs::read_only_tree:
            break;
    }
    return table::read_only;
}

bool runs_on(needs what, const way& on) {
    if (on.cases != table_of(what)) {
        return false;
    }
    const bool process = what == needs::process || what == needs::process_in_own_root;
    // Such a case changes the working directory; and an agent has none.
    return !process || (on.how != backend::agent && on.paths == path_words::relative);
}

std::string name_of(const way& on) {
    std::string name = on.how == backend::native  ? "natively"
                       : on.how == backend::agent ? "through the agent"
                                                  : "through the layer";
    name += on.known == caches::off ? " without caches" : "";
    name += std::string{", "} + word_of(on.paths) + " paths";
    return name + (on.who == identity::nobody ? ", as an ordinary user" : "");
}

const way_results& testbed::results(const way& on) {
    const auto found = results_.find(on);
    if (found != results_.end()) {
        return found->second;
    }
    auto& results = results_[on];
    try {
        results = run_of_a_way{on}.run(wanted_[on]);
    } catch (const std::exception& e) {
        results.troubles = e.what();  // told by every case, but run only once
    }
    return results;
}

}  // namespace farside::conformance
