// The table is built in the order in which its parts decide: the user's lists, the built-in lists,
// the mode. Each rule keeps what it is called, for `farside explain`.
#include "layer/session/path_policy.hpp"

#include "layer/session/pattern.hpp"

#include <re2/re2.h>

#include <map>

namespace farside::session {

struct path_policy::rules {
    policy_table table{};
    std::vector<std::string> names;  // of table.rules, then of the fallback
    std::map<std::uint32_t, std::unique_ptr<re2::RE2>> expressions;  // by place in table.rules
    bool read_only = true;
};

namespace {

// What the loader, the C library, the shell and language runtimes need, as mirrord has it. Notably
// not /var (but for /var/tmp): secrets are mounted in /var/run, data lives in /var/lib.
constexpr std::string_view local_subtrees[] = {
    "/proc", "/sys",     "/dev",   "/etc",     "/usr",
    "/lib",  "/lib32",   "/lib64", "/libx32",  "/bin",
    "/sbin", "/home",    "/tmp",   "/opt",     "/run",
    "/nix",  "/selinux", "/snap",  "/var/tmp", "/var/db/timezone",
};

// How names are looked up, and whom to trust, is the target's.
constexpr std::string_view remote_read_only_files[] = {
    "/etc/resolv.conf", "/etc/hosts", "/etc/hostname"};
constexpr std::string_view remote_read_only_subtrees[] = {"/etc/ssl/certs"};

// Credentials of this machine's user, which the remote program would not have.
constexpr std::string_view hidden_in_home[] = {"/.config/gcloud", "/.kube", "/.azure"};

std::string_view mode_name(policy_mode mode) {
    switch (mode) {
        case policy_mode::read:
            return "read";
        case policy_mode::write:
            return "write";
        case policy_mode::local:
            return "local";
        case policy_mode::local_with_overrides:
            return "localwithoverrides";
    }
    return "";
}

side fallback_of(policy_mode mode) {
    switch (mode) {
        case policy_mode::read:
            return side::remote_read_only;
        case policy_mode::write:
            return side::remote;
        case policy_mode::local:
        case policy_mode::local_with_overrides:
            break;
    }
    return side::local;
}

// Paths are bytes: each is a character of its own, unless the pattern itself goes beyond ASCII.
re2::RE2::Options expression_options(std::string_view pattern) {
    re2::RE2::Options options;
    bool ascii = true;
    for (const char c : pattern) {
        ascii = ascii && static_cast<unsigned char>(c) < 0x80;
    }
    options.set_encoding(
        ascii ? re2::RE2::Options::EncodingLatin1 : re2::RE2::Options::EncodingUTF8
    );
    options.set_case_sensitive(false);
    options.set_log_errors(false);
    return options;
}

}  // namespace

// Adds rules until one does not fit or is no expression; then `error` says so and the rest is void.
class policy_builder {
public:
    explicit policy_builder(path_policy::rules& rules) : rules_(rules) {}

    void literal(rule_kind kind, std::string_view text, side verdict, std::string_view name) {
        add(kind, false, verdict, text, std::string{name});
    }

    void built_in(rule_kind kind, std::string_view text, side verdict) {
        literal(kind, text, verdict, "built-in: " + std::string{text});
    }

    void patterns(const std::vector<std::string>& list, std::string_view flag, side verdict) {
        for (const std::string& pattern : list) {
            add_pattern(pattern, flag, verdict);
        }
    }

    [[nodiscard]] const std::string& error() const { return error_; }

private:
    void add_pattern(const std::string& pattern, std::string_view flag, side verdict) {
        const std::string name = std::string{flag} + " '" + pattern + "'";
        auto expression = std::make_unique<re2::RE2>(pattern, expression_options(pattern));
        if (!expression->ok()) {
            fail(name + ": bad pattern: " + expression->error());
            return;
        }
        const pattern_rule rule = read_pattern(pattern);
        if (rule.kind == rule_kind::expression) {
            rules_.expressions[rules_.table.rule_count] = std::move(expression);
        }
        add(rule.kind, true, verdict, rule.text, name);
    }

    void add(
        rule_kind kind, bool fold_case, side verdict, std::string_view text, std::string name
    ) {
        if (add_rule(rules_.table, kind, fold_case, verdict, text)) {
            rules_.names.push_back(std::move(name));
        } else {
            fail(name + ": too many patterns");
        }
    }

    void fail(std::string line) {
        if (error_.empty()) {
            error_ = std::move(line);
        }
    }

    path_policy::rules& rules_;
    std::string error_;
};

namespace {

void add_built_in(policy_builder& to, const policy_options& options) {
    const std::string& home = options.home;
    const bool has_home = home.size() > 1;
    for (const std::string_view path : hidden_in_home) {
        if (has_home) {
            to.built_in(rule_kind::subtree, home + std::string{path}, side::hidden);
        }
    }
    for (const std::string_view path : remote_read_only_files) {
        to.built_in(rule_kind::exact, path, side::remote_read_only);
    }
    for (const std::string_view path : remote_read_only_subtrees) {
        to.built_in(rule_kind::subtree, path, side::remote_read_only);
    }
    // Most calls that are local are here: the earlier a rule, the sooner it decides.
    for (const std::string_view path : local_subtrees) {
        to.built_in(rule_kind::subtree, path, side::local);
    }
    for (const local_path& own : options.surroundings) {
        to.literal(own.kind, own.path, side::local, own.why + ": " + own.path);
    }
    if (has_home) {
        to.built_in(rule_kind::prefix, home + "/.", side::local);
    }
    to.built_in(rule_kind::exact, "/", side::local);
}

}  // namespace

path_policy::path_policy(std::unique_ptr<rules> built) : rules_(std::move(built)) {}

path_policy::path_policy(path_policy&&) noexcept = default;
path_policy& path_policy::operator=(path_policy&&) noexcept = default;
path_policy::~path_policy() = default;

path_policy::compiled path_policy::compile(const policy_options& options) {
    auto built = std::make_unique<rules>();
    policy_builder builder{*built};
    if (options.mode != policy_mode::local) {
        builder.patterns(options.not_found, "--not-found", side::hidden);
        builder.patterns(options.read_write, "--read-write", side::remote);
        builder.patterns(options.read_only, "--read-only", side::remote_read_only);
        builder.patterns(options.local, "--local", side::local);
        add_built_in(builder, options);
        built->read_only = options.mode != policy_mode::write && options.read_write.empty();
    }
    built->table.fallback = fallback_of(options.mode);
    built->names.push_back("mode " + std::string{mode_name(options.mode)});
    if (!builder.error().empty()) {
        return {std::nullopt, builder.error()};
    }
    return {path_policy{std::move(built)}, {}};
}

std::uint32_t path_policy::deciding_rule(std::string_view normalised) const {
    const policy_table& all = rules_->table;
    std::uint32_t at = next_match(all, normalised, 0);
    for (; at < all.rule_count; at = next_match(all, normalised, at + 1)) {
        const auto expression = rules_->expressions.find(at);
        if (expression == rules_->expressions.end() ||
            re2::RE2::PartialMatch(normalised, *expression->second)) {
            break;
        }
    }
    return at;
}

side path_policy::decide(std::string_view normalised) const {
    const policy_table& all = rules_->table;
    const std::uint32_t rule = deciding_rule(normalised);
    return rule < all.rule_count ? all.rules[rule].verdict : all.fallback;
}

path_policy::explanation path_policy::explain(std::string_view normalised) const {
    return {decide(normalised), rules_->names[deciding_rule(normalised)]};
}

bool path_policy::read_only() const {
    return rules_->read_only;
}

const policy_table& path_policy::table() const {
    return rules_->table;
}

std::string_view name_of(side where) {
    switch (where) {
        case side::local:
            return "local";
        case side::remote:
            return "remote";
        case side::remote_read_only:
            return "remote read-only";
        case side::hidden:
            return "hidden";
        case side::undecided:
            break;
    }
    return "undecided";
}

}  // namespace farside::session
