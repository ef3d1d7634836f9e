// Compiles the user's patterns, the built-in lists and the mode into the table that the layer walks
// (layer/common/path_policy.hpp), and decides the paths that only a regular expression can decide.
// The built-in rules, and why they are these, are in layer/cli/README.md.
#pragma once

#include "layer/common/path_policy.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farside::session {

enum class policy_mode {
    read,                  // remote files can be read; a write is EROFS
    write,                 // remote files can be read and written
    local,                 // everything is local
    local_with_overrides,  // local, except what a list says
};

// Something on this machine that the program needs as it is here.
struct local_path {
    std::string path;  // absolute, normalised
    rule_kind kind;    // subtree or exact
    std::string why;   // "working directory"
};

// Patterns are mirrord's: regular expressions (RE2), matched anywhere in the path, in either case.
struct policy_options {
    policy_mode mode = policy_mode::read;
    std::vector<std::string> not_found;
    std::vector<std::string> read_write;
    std::vector<std::string> read_only;
    std::vector<std::string> local;
    std::string home;  // its dotfiles are local; empty: none
    std::vector<local_path> surroundings;
};

class path_policy {
public:
    struct compiled;  // a policy, or why there is none

    [[nodiscard]] static compiled compile(const policy_options& options);

    path_policy(path_policy&&) noexcept;
    path_policy& operator=(path_policy&&) noexcept;
    path_policy(const path_policy&) = delete;
    path_policy& operator=(const path_policy&) = delete;
    ~path_policy();

    // Never side::undecided. `normalised` is absolute and normalised (layer/common/path.hpp).
    [[nodiscard]] side decide(std::string_view normalised) const;

    struct explanation {
        side verdict;
        std::string rule;  // what the deciding rule is called: "--local '^/srv'", "mode read"
    };

    [[nodiscard]] explanation explain(std::string_view normalised) const;

    // No path at all can be written to on the remote side.
    [[nodiscard]] bool read_only() const;

    [[nodiscard]] const policy_table& table() const;

    struct rules;  // in path_policy.cpp

private:
    explicit path_policy(std::unique_ptr<rules> built);

    // The place of the deciding rule; table().rule_count: the mode decides.
    [[nodiscard]] std::uint32_t deciding_rule(std::string_view normalised) const;

    std::unique_ptr<rules> rules_;
};

struct path_policy::compiled {
    std::optional<path_policy> policy;  // none: see error
    std::string error;                  // one line
};

[[nodiscard]] std::string_view name_of(side where);

}  // namespace farside::session
