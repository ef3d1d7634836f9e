// A function in a child process of its own, whose namespaces and limits it may change.
#pragma once

#include <functional>
#include <string>

namespace farside::agent::test {

// What the function returned there. A child that did not come to its end fails the test.
[[nodiscard]] std::string told_by_child(const std::function<std::string()>& what);

}  // namespace farside::agent::test
