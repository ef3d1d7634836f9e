// Each case on each way beside the same case natively: any difference is a failure. What a
// difference means, and how to look at one, is in README.md.
#include "tests/conformance/difference.hpp"
#include "tests/conformance/testbed.hpp"
#include "tests/support/process.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <utility>

#include <unistd.h>

namespace farside::conformance {
namespace {

struct row {
    way on;
    listed_case which;
};

std::ostream& operator<<(std::ostream& out, const row& r) {
    return out << r.which.name << ' ' << name_of(r.on);
}

way natively(way on) {
    on.how = backend::native;
    on.known = caches::on;
    return on;
}

testbed& bed() {
    static testbed one;
    return one;
}

void want_selected_rows();

class Conformance : public testing::TestWithParam<row> {};

TEST_P(Conformance, LeavesWhatTheKernelLeaves) {
    const auto& [on, which] = GetParam();
    if (on.who == identity::nobody && ::geteuid() != 0) {
        GTEST_SKIP() << "only root can become another user";
    }
    want_selected_rows();
    const auto& native = bed().results(natively(on));
    if (native.missing) {
        GTEST_SKIP() << "no native run to compare with: " << *native.missing;
    }
    const auto expected = native.cases.find(which.name);
    ASSERT_NE(expected, native.cases.end()) << native.troubles;
    const auto& compared = bed().results(on);
    const auto found = compared.cases.find(which.name);
    ASSERT_NE(found, compared.cases.end()) << compared.troubles;
    EXPECT_TRUE(expected->second == found->second)
        << which.name << ' ' << name_of(on) << ", - natively, + here:\n"
        << difference(expected->second, found->second);
}

class Runs : public testing::TestWithParam<way> {};

TEST_P(Runs, EndWellAndLeaveNothingBehind) {
    const auto& on = GetParam();
    if (on.who == identity::nobody && ::geteuid() != 0) {
        GTEST_SKIP() << "only root can become another user";
    }
    want_selected_rows();
    EXPECT_EQ(bed().results(on).troubles, "");
}

struct suite {
    const char* name;
    table cases;
    identity who;
};

constexpr suite suites[] = {
    {"OrdinaryAsTester", table::ordinary, identity::tester},
    {"OrdinaryAsNobody", table::ordinary, identity::nobody},
    {"OwnRootAsTester", table::own_root, identity::tester},
    {"OwnRootAsNobody", table::own_root, identity::nobody},
    {"ReadOnlyAsTester", table::read_only, identity::tester},
    {"ReadOnlyAsNobody", table::read_only, identity::nobody},
};

// Those that are compared with the native one.
std::vector<way> ways_of(const suite& s) {
    using enum path_words;
    std::vector<way> ways;
    for (const auto paths : {relative, absolute}) {
        ways.push_back({s.cases, backend::agent, paths, s.who, caches::on});
    }
    for (const auto paths : {relative, absolute, descriptor}) {
        ways.push_back({s.cases, backend::layer, paths, s.who, caches::on});
        ways.push_back({s.cases, backend::layer, paths, s.who, caches::off});
    }
    return ways;
}

std::vector<row> rows_of(const suite& s) {
    std::vector<row> rows;
    for (const auto& on : ways_of(s)) {
        for (const auto& which : listed_cases()) {
            if (runs_on(which.what, on)) {
                rows.push_back({on, which});
            }
        }
    }
    return rows;
}

std::string word_of(const way& on) {
    const std::string how = on.how == backend::agent  ? "agent_"
                            : on.known == caches::off ? "layer_without_caches_"
                                                      : "layer_";
    return how + word_of(on.paths);
}

std::string word_of(const row& r) {
    auto word = word_of(r.on) + '_' + r.which.name;
    std::ranges::replace(word, '.', '_');
    return word;
}

const auto word_of_row = [](const testing::TestParamInfo<row>& info) {
    return word_of(info.param);
};
const auto word_of_way = [](const testing::TestParamInfo<way>& info) {
    return word_of(info.param);
};

#define FARSIDE_SUITE(name, index)                                                \
    INSTANTIATE_TEST_SUITE_P(                                                     \
        name, Conformance, testing::ValuesIn(rows_of(suites[index])), word_of_row \
    );                                                                            \
    INSTANTIATE_TEST_SUITE_P(name, Runs, testing::ValuesIn(ways_of(suites[index])), word_of_way)

FARSIDE_SUITE(OrdinaryAsTester, 0);
FARSIDE_SUITE(OrdinaryAsNobody, 1);
FARSIDE_SUITE(OwnRootAsTester, 2);
FARSIDE_SUITE(OwnRootAsNobody, 3);
FARSIDE_SUITE(ReadOnlyAsTester, 4);
FARSIDE_SUITE(ReadOnlyAsNobody, 5);

// "Suite/Conformance.Test/word" of the tests that this process runs.
std::set<std::string> selected_tests() {
    std::set<std::string> names;
    const auto& unit = *testing::UnitTest::GetInstance();
    for (int i = 0; i < unit.total_test_suite_count(); ++i) {
        const auto& tests = *unit.GetTestSuite(i);
        for (int j = 0; j < tests.total_test_count(); ++j) {
            const auto& test = *tests.GetTestInfo(j);
            if (test.should_run()) {
                names.insert(std::string{tests.name()} + '.' + test.name());
            }
        }
    }
    return names;
}

// A way is run once, with the cases of all tests that are selected.
void want_selected_rows() {
    static bool done = false;
    if (std::exchange(done, true)) {
        return;
    }
    test::adopt_orphans();
    const auto selected = selected_tests();
    for (const auto& s : suites) {
        for (const auto& r : rows_of(s)) {
            const auto name =
                std::string{s.name} + "/Conformance.LeavesWhatTheKernelLeaves/" + word_of(r);
            if (selected.contains(name)) {
                bed().want(r.on, r.which.name);
                bed().want(natively(r.on), r.which.name);
            }
        }
    }
}

}  // namespace
}  // namespace farside::conformance
