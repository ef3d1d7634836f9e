// The options that say which paths are on which side.
#pragma once

#include "layer/session/path_policy.hpp"

#include <CLI/App.hpp>

#include <string>

namespace farside::cli {

class policy_flags {
public:
    // Adds the options; `app` writes here when it parses.
    explicit policy_flags(CLI::App& app);

    policy_flags(const policy_flags&) = delete;
    policy_flags& operator=(const policy_flags&) = delete;
    policy_flags(policy_flags&&) = delete;
    policy_flags& operator=(policy_flags&&) = delete;
    ~policy_flags() = default;

    // REQUIRES: app has parsed.
    [[nodiscard]] session::policy_options options() const;

private:
    std::string mode_ = "read";
    session::policy_options options_;
};

}  // namespace farside::cli
