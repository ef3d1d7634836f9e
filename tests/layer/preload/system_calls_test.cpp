// Goes over all system call numbers: each is a row of THE table or listed as none of its business;
// each row has a test that exists; the table in layer/README.md is that of the code.
#include "tests/layer/preload/call_table.hpp"
#include "tests/layer/preload/not_about_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace farside::preload {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

const fs::path root{FARSIDE_SOURCE_DIR};

std::string content_of(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

TEST(SystemCalls, EveryNumberIsARowOrNotAboutFiles) {
    std::map<unsigned, int> found;
    for (const system_call& call : system_calls) {
        ++found[call.number];
    }
    for (const not_about_files& group : other_calls) {
        for (const number_range& range : group.numbers) {
            EXPECT_LE(range.first, range.last) << group.reason;
            for (unsigned number = range.first; number <= range.last; ++number) {
                ++found[number];
            }
        }
    }
    for (unsigned number = 0; number < numbers_end; ++number) {
        EXPECT_EQ(found[number], 1) << "number " << number;
    }
    EXPECT_EQ(found.size(), numbers_end);
}

TEST(SystemCalls, RowsAreInTheOrderOfTheirNumbers) {
    for (std::size_t i = 1; i < system_calls.size(); ++i) {
        EXPECT_LT(system_calls[i - 1].number, system_calls[i].number) << system_calls[i].name;
    }
}

TEST(SystemCalls, RowsSayWhatIsRefusedAndWhy) {
    for (const system_call& call : system_calls) {
        const bool refused = call.stands.what == standing::kind::refused;
        EXPECT_EQ(refused, call.stands.error != 0) << call.name;
        EXPECT_TRUE(!refused || *call.special != '\0') << call.name;
    }
}

TEST(SystemCalls, TheTestOfEveryRowExists) {
    std::string sources;
    for (const auto& entry : fs::recursive_directory_iterator{root / "tests"}) {
        const auto kind = entry.path().extension();
        const std::string path = entry.path();
        if (kind == ".py" || (kind == ".cpp" && (path.find("cases_") != std::string::npos ||
                                                 path.find("programs/") != std::string::npos))) {
            sources += content_of(entry.path());
        }
    }
    std::vector<std::string> missing;
    for (const system_call& call : system_calls) {
        if (sources.find('"' + std::string{call.test} + '"') == std::string::npos) {
            missing.push_back(std::string{call.name} + ": " + call.test);
        }
    }
    EXPECT_THAT(missing, IsEmpty());
}

TEST(SystemCalls, TheReadmeShowsTheTable) {
    const std::string readme = content_of(root / "layer/README.md");
    EXPECT_EQ(with_table(readme), readme) << "bin/make_call_table layer/README.md writes it";
}

}  // namespace
}  // namespace farside::preload
