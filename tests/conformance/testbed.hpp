// Runs conformance_runner on the ways that are compared, each on a tree of its own, and keeps what
// each case left: its transcript and what is in its directory. A way is run once in a test process,
// with all the cases that the process is going to ask for.
#pragma once

#include "tests/conformance/needs.hpp"
#include "tests/support/temp_dir.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace farside::conformance {

enum class backend { native, agent, layer };
enum class path_words { relative, absolute, descriptor };

// Who runs the cases: who runs the tests, or, where that is root, also an ordinary user.
enum class identity { tester, nobody };

// Whether the session may answer from what it knows: --no-cache is the same without.
enum class caches { on, off };

// Cases that can share a run.
enum class table { ordinary, own_root, read_only };

struct way {
    table cases = table::ordinary;
    backend how = backend::native;
    path_words paths = path_words::relative;
    identity who = identity::tester;
    caches known = caches::on;

    friend auto operator<=>(const way&, const way&) = default;
};

struct listed_case {
    std::string name;
    needs what = needs::nothing;
};

// All of them, as the runner lists them.
[[nodiscard]] const std::vector<listed_case>& listed_cases();

[[nodiscard]] table table_of(needs what);

// Whether such a case means something on this way.
[[nodiscard]] bool runs_on(needs what, const way& on);

[[nodiscard]] std::string name_of(const way& on);

// As the runner's --paths takes it.
[[nodiscard]] const char* word_of(path_words paths);

struct way_results {
    // The reason why this way cannot be run here.
    std::optional<std::string> missing;
    // By case; a case without results was never reached.
    std::map<std::string, std::string> cases;
    // What went wrong beside the cases: standard error, processes or files left behind.
    std::string troubles;
};

class testbed {
public:
    // REQUIRES: every name that results() is asked for was wanted before.
    void want(const way& on, const std::string& name) { wanted_[on].insert(name); }

    [[nodiscard]] const way_results& results(const way& on);

private:
    std::map<way, std::set<std::string>> wanted_;
    std::map<way, way_results> results_;
};

}  // namespace farside::conformance
