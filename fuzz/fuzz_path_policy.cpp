// Any path and any rules: normal forms are normal, rules decide as their plain words say, and what
// is local below a directory is so for every name. Input, by lines: a directory, a path, then
// rules, each a digit for its kind, one for its verdict, "i" to fold case, and its text.
#include "fuzz/fuzz_target.hpp"
#include "fuzz/plain_policy.hpp"

#include <memory>
#include <sstream>
#include <string>

namespace farside {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) noexcept {
    std::string lines;
    std::ranges::transform(as_span(data, size), std::back_inserter(lines), [](std::byte b) {
        return static_cast<char>(b);
    });
    std::istringstream in{lines};
    std::string base;
    std::string path;
    std::getline(in, base);
    std::getline(in, path);
    base = plain_normal("/" + base);
    require(is_normal(base) && normal_form("/", base, base.size()) == base);
    const auto full = normal_form(base, path, base.size() + path.size() + 1);
    require(normal_form(base, path, full.size() - 1).empty());
    require(
        is_normal(full) && full == plain_normal(path.starts_with('/') ? path : base + '/' + path)
    );
    require(is_normal(path) == (path.starts_with('/') && full == path));

    const auto table = std::make_unique<policy_table>();
    for (std::string line; std::getline(in, line);) {
        add_plain_rule(*table, line);
    }
    require(decide(*table, full) == plain_decision(*table, full));
    if (subtree_is_local(*table, base) && full.starts_with(base == "/" ? base : base + '/')) {
        require(full == "/" || only_local(*table, full));
    }
    return 0;
}

}  // namespace farside
