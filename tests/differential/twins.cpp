// Both runs of the runner, and the way from a sequence that differs to a small one: leave out
// halves, quarters, ... for as long as the rest still differs.
#include "tests/differential/twins.hpp"

#include "tests/support/process.hpp"
#include "tests/support/sides.hpp"
#include "tests/support/tree.hpp"

#include <algorithm>
#include <sstream>

namespace farside::differential {
namespace {

namespace fs = std::filesystem;

constexpr const char* remote_root = "/srv/twin";
constexpr std::chrono::seconds run_limit{300};
constexpr int shrinking_runs_max = 300;

using words = std::vector<std::string>;

std::string runner() {
    return fs::path{test::farside_program()}.parent_path() / "differential_runner";
}

seen_by_seed split(const std::string& output) {
    seen_by_seed seen;
    std::istringstream lines{output};
    std::string* current = nullptr;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("seed ")) {
            current = &seen[std::stoul(line.substr(5))];
        } else if (current != nullptr) {
            *current += line + '\n';
        }
    }
    return seen;
}

seen_by_seed run_side(
    words command, const words& what, const fs::path& tree, std::string& troubles
) {
    command.insert(command.end(), what.begin(), what.end());
    const auto ended = test::run(
        {.arguments = command, .environment = test::plain_environment(), .limit = run_limit}
    );
    if (ended.wait_status != 0 || !ended.err.empty()) {
        troubles += command.front() + " ended with " + std::to_string(ended.status()) +
                    (ended.timed_out ? ", after too long a time: " : ": ") + ended.err;
    }
    troubles += test::children_left();
    auto seen = split(ended.out);
    for (auto& [seed, text] : seen) {
        text += "left:\n" + test::describe_tree(tree / std::to_string(seed));
    }
    return seen;
}

both_seen run_both(const words& what) {
    const test::temp_dir base;
    const auto native = base.path() / "native";
    const auto target = base.path() / "target";
    const fs::path remote = target.string() + remote_root;
    fs::create_directories(native);
    fs::create_directories(remote);
    both_seen seen;
    seen.natively = run_side({runner(), "--root", native}, what, native, seen.troubles);
    seen.covered = run_side(
        {test::farside_program(),
         "exec",
         "--target",
         "dir/" + target.string(),
         "--fs-mode",
         "write",
         "--",
         runner(),
         "--root",
         remote_root},
        what,
        remote,
        seen.troubles
    );
    if (fs::exists(remote_root)) {
        seen.troubles += "created on the wrong side\n";
    }
    return seen;
}

}  // namespace

both_seen run_seeds(std::uint64_t first, std::uint64_t last, std::size_t steps) {
    return run_both(
        {"--steps", std::to_string(steps), "--seeds", std::to_string(first), std::to_string(last)}
    );
}

both_seen run_sequence(const sequence& all) {
    const test::temp_dir base;
    const auto script = base.path() / "script";
    test::write_file(script, to_text(all));
    return run_both({"--script", script});
}

sequence shrink(sequence all) {
    int runs = 0;
    for (std::size_t piece = all.size() / 2; piece > 0 && runs < shrinking_runs_max;) {
        bool smaller = false;
        for (std::size_t at = 0; at < all.size() && runs < shrinking_runs_max;) {
            sequence rest = all;
            const auto begin = rest.begin() + static_cast<std::ptrdiff_t>(at);
            rest.erase(
                begin, begin + static_cast<std::ptrdiff_t>(std::min(piece, rest.size() - at))
            );
            const auto seen = run_sequence(rest);
            ++runs;
            if (seen.natively != seen.covered) {
                all = std::move(rest);
                smaller = true;
            } else {
                at += piece;
            }
        }
        if (!smaller || piece > all.size()) {
            piece /= 2;
        }
    }
    return all;
}

}  // namespace farside::differential
