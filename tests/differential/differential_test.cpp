// Random sequences of file operations, natively and through the layer: what they see and what they
// leave must be the same. The seeds are always the same ones, unless FARSIDE_DIFFERENTIAL_SECONDS
// asks for as many as that time allows, beginning with FARSIDE_DIFFERENTIAL_SEED.
#include "tests/conformance/difference.hpp"
#include "tests/differential/twins.hpp"
#include "tests/support/process.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

namespace farside::differential {
namespace {

constexpr std::size_t steps = 250;
constexpr std::uint64_t seeds_of_a_run = 20;
constexpr std::uint64_t seeds_by_default = 60;

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
    const char* const value = std::getenv(name);
    return value == nullptr ? otherwise : std::stoul(value);
}

// Answers false at the first difference, which is then reported.
bool expect_the_same(std::uint64_t first, std::uint64_t last) {
    const auto seen = run_seeds(first, last, steps);
    EXPECT_EQ(seen.troubles, "") << "seeds " << first << " to " << last;
    EXPECT_EQ(seen.natively.size(), last - first + 1);
    for (const auto& [seed, natively] : seen.natively) {
        const auto covered = seen.covered.find(seed);
        if (covered != seen.covered.end() && covered->second == natively) {
            continue;
        }
        const auto small = shrink(generate(seed, steps));
        auto again = run_sequence(small);
        ADD_FAILURE() << "seed " << seed << ", cut down to:\n"
                      << to_text(small) << "- natively, + covered:\n"
                      << conformance::difference(again.natively[1], again.covered[1])
                      << again.troubles;
        return false;
    }
    return seen.troubles.empty();
}

TEST(Differential, RandomSequencesSeeAndLeaveTheSame) {
    test::adopt_orphans();
    const auto first = number_from("FARSIDE_DIFFERENTIAL_SEED", 1);
    const std::chrono::seconds time{number_from("FARSIDE_DIFFERENTIAL_SECONDS", 0)};
    const auto end = std::chrono::steady_clock::now() + time;
    std::uint64_t seed = first;
    while (time.count() == 0 ? seed < first + seeds_by_default
                             : std::chrono::steady_clock::now() < end) {
        if (!expect_the_same(seed, seed + seeds_of_a_run - 1)) {
            break;
        }
        seed += seeds_of_a_run;
    }
    std::printf("%lu sequences of %zu steps\n", static_cast<unsigned long>(seed - first), steps);
}

// A sequence that was cut down can be kept as text; so it must mean the same.
TEST(Differential, TheTextOfASequenceIsTheSequence) {
    const auto all = generate(7, 1000);
    EXPECT_EQ(parse(to_text(all)), all);
    EXPECT_FALSE(parse("open 1 2\n"));
    EXPECT_FALSE(parse("fly 1 2 3 4\n"));
}

}  // namespace
}  // namespace farside::differential
