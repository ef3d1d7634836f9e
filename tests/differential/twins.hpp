// Two equal, empty trees: one of this machine, one that only a target has. The runner works on
// both, and what it saw and left is compared.
#pragma once

#include "tests/differential/step.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace farside::differential {

// What a sequence printed, and the tree that it left. Empty: it was never begun.
using seen_by_seed = std::map<std::uint64_t, std::string>;

struct both_seen {
    seen_by_seed natively;
    seen_by_seed covered;
    std::string troubles;  // the runner's own, on either side
};

// Runs the sequences of seeds [first, last] on fresh trees.
[[nodiscard]] both_seen run_seeds(std::uint64_t first, std::uint64_t last, std::size_t steps);

// Runs this one. It is kept as "seed" 1.
[[nodiscard]] both_seen run_sequence(const sequence& all);

// A smaller sequence that is still seen differently on the two sides; bounded work.
[[nodiscard]] sequence shrink(sequence all);

}  // namespace farside::differential
