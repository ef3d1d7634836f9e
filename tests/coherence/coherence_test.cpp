// What a program can learn through the connection is never newer than what it then sees of anything
// else (DESIGN section 7): a writer in the target changes every subject in every way there is, then
// says so through one more file; a covered program that learns of it must see all of the changes.
// What it must see is told by the same looks at the files themselves.
#include "tests/coherence/files.hpp"
#include "tests/coherence/subjects.hpp"
#include "tests/support/process.hpp"
#include "tests/support/sides.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

namespace farside::coherence {
namespace {

namespace fs = std::filesystem;

constexpr const char* remote_root = "/srv/seen";
constexpr int rounds = 60;

struct case_of {
    std::string channel;
    std::string flag;  // of farside exec; empty: none

    friend std::ostream& operator<<(std::ostream& out, const case_of& one) {
        return out << one.channel << ' ' << one.flag;
    }
};

// The first line that differs, as it should be and as it is.
std::string first_difference(const std::string& seen, const std::string& expected) {
    std::istringstream seen_lines{seen};
    std::istringstream expected_lines{expected};
    std::string is;
    std::string should_be;
    while (std::getline(expected_lines, should_be)) {
        std::getline(seen_lines, is);
        if (is != should_be) {
            constexpr std::size_t shown = 300;
            return "it was " + should_be.substr(0, shown) + ", and it saw " + is.substr(0, shown);
        }
    }
    return "";
}

class Coherence : public testing::TestWithParam<case_of> {
protected:
    Coherence() {
        fs::create_directories(root);
        for (const auto& one : subjects) {
            one->prepare(root);
        }
        signal->prepare(root);
    }

    [[nodiscard]] test::command reader() const {
        test::command what;
        what.arguments = {
            test::farside_program(),
            "exec",
            "--target",
            "dir/" + base.path().string(),
            "--fs-mode",
            "write"};
        if (!GetParam().flag.empty()) {
            what.arguments.push_back(GetParam().flag);
        }
        const auto program = fs::path{test::farside_program()}.parent_path() / "coherence_reader";
        for (const std::string& word :
             {std::string{"--"},
              program.string(),
              std::string{remote_root},
              GetParam().channel,
              std::to_string(rounds)}) {
            what.arguments.push_back(word);
        }
        what.environment = test::plain_environment();
        what.limit = std::chrono::seconds{240};
        return what;
    }

    // What the reader should say of a round.
    [[nodiscard]] std::string seen_natively(int round) const {
        std::string text;
        for (const auto& one : subjects) {
            text +=
                std::to_string(round) + ' ' + one->name() + ": " + one->look(root, round) + '\n';
        }
        return text;
    }

    test::temp_dir base;
    std::string root = base.path().string() + remote_root;
    std::unique_ptr<channel> signal = make_channel(GetParam().channel);
    std::vector<std::unique_ptr<subject>> subjects = all_subjects();
};

TEST_P(Coherence, WhoLearnsOfAChangeSeesAllBeforeIt) {
    test::process covered{reader()};
    ASSERT_TRUE(covered.wait_for("ready\n"));
    std::string expected = "ready\n";
    for (int round = 1; round <= rounds; ++round) {
        for (const auto& one : subjects) {
            one->change(root, round);
        }
        signal->publish(root, round);
        expected += seen_natively(round) + std::to_string(round) + " end\n";
        ASSERT_TRUE(covered.wait_for('\n' + std::to_string(round) + " end\n"))
            << covered.wait().err;
        ASSERT_EQ(first_difference(covered.out(), expected), "");
    }
    const auto ended = covered.wait();
    EXPECT_EQ(ended.status(), 0);
    EXPECT_EQ(ended.err, "");
}

std::vector<case_of> all_cases() {
    std::vector<case_of> all;
    for (const auto& name : channel_names()) {
        all.push_back({name, ""});
        all.push_back({name, "--no-cache"});
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(Through, Coherence, testing::ValuesIn(all_cases()), [](const auto& one) {
    return one.param.channel + (one.param.flag.empty() ? "" : "_without_caches");
});

}  // namespace
}  // namespace farside::coherence
