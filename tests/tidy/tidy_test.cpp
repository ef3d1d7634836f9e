// Reads the whole source tree: the style that matters is a test.
#include "tests/tidy/rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace farside::tidy {
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

// The folders that hold our sources; everything else at the top belongs to tools.
const std::set<std::string> folders{
    "agent",
    "bench",
    "docker",
    "fuzz",
    "layer",
    "protocol",
    "tests",
};

// Paths relative to the root, sorted.
template <typename Predicate>
std::vector<fs::path> files_where(const fs::path& folder, Predicate wanted) {
    std::vector<fs::path> found;
    if (!fs::exists(root / folder)) {
        return found;
    }
    for (const auto& entry : fs::recursive_directory_iterator{root / folder}) {
        const auto path = fs::relative(entry.path(), root);
        if (entry.is_regular_file() && wanted(path)) {
            found.push_back(path);
        }
    }
    std::ranges::sort(found);
    return found;
}

const std::vector<source_file>& sources() {
    static const std::vector<source_file> all = [] {
        const std::set<std::string> kinds{".cpp", ".hpp", ".h", ".c", ".S"};
        std::vector<source_file> read;
        for (const auto& folder : folders) {
            for (const auto& path : files_where(folder, [&](const fs::path& p) {
                     return kinds.contains(p.extension());
                 })) {
                read.push_back({path.string(), content_of(root / path)});
            }
        }
        return read;
    }();
    return all;
}

violations apply(violations (*rule)(const source_file&)) {
    violations all;
    for (const auto& file : sources()) {
        if (file.path.starts_with("tests/tidy/rules")) {
            continue;  // they show what the rules look for
        }
        auto found = rule(file);
        all.insert(all.end(), found.begin(), found.end());
    }
    return all;
}

TEST(Tidy, ReadsTheSources) {
    EXPECT_GT(sources().size(), 20U);
}

TEST(Tidy, IncludesGoInOneDirection) {
    EXPECT_THAT(apply(check_includes), IsEmpty());
}

TEST(Tidy, FilesAndLinesAreShort) {
    EXPECT_THAT(apply(check_lengths), IsEmpty());
}

TEST(Tidy, FilesOpenByWhatTheyAre) {
    EXPECT_THAT(apply(check_opening), IsEmpty());
}

TEST(Tidy, NothingBannedIsThere) {
    EXPECT_THAT(apply(check_banned), IsEmpty());
}

TEST(Tidy, AwaitsStandAlone) {
    EXPECT_THAT(apply(check_awaits), IsEmpty());
}

TEST(Tidy, TheTopHasTheFoldersOfTheDesignOnly) {
    std::vector<std::string> others;
    for (const auto& entry : fs::directory_iterator{root}) {
        const auto name = entry.path().filename().string();
        const bool of_a_tool = name.starts_with('.') || name == "build" || name == "cmake";
        if (entry.is_directory() && !of_a_tool && !folders.contains(name)) {
            others.push_back(name);
        }
    }
    EXPECT_THAT(others, IsEmpty());
}

// A folder is described as soon as it builds something.
TEST(Tidy, FoldersHaveAReadme) {
    std::vector<std::string> missing;
    for (const auto& folder : folders) {
        const auto lists = content_of(root / folder / "CMakeLists.txt");
        if (std::ranges::count(lists, '\n') > 3 && !fs::exists(root / folder / "README.md")) {
            missing.push_back(folder);
        }
    }
    EXPECT_THAT(missing, IsEmpty());
}

// Whether a folder's CMakeLists.txt names the test, whole or as one of a foreach(): the parts
// before
// "_test.cpp" in one place, "${part}_test.cpp" in another.
bool lists_test(const fs::path& folder, const std::string& test) {
    const auto lists = content_of(root / folder / "CMakeLists.txt");
    const auto part = test.substr(0, test.rfind("_test.cpp"));
    const bool loops = lists.find("}_test.cpp") != std::string::npos;
    std::istringstream words{lists};
    for (std::string word; words >> word;) {
        if (word.ends_with(')')) {
            word.pop_back();
        }
        if (word == test || (loops && word == part)) {
            return true;
        }
    }
    return false;
}

TEST(Tidy, EveryTestIsBuilt) {
    std::vector<std::string> unlisted;
    const auto tests = files_where("tests", [](const fs::path& path) {
        return path.string().ends_with("_test.cpp");
    });
    for (const auto& test : tests) {
        bool listed = false;
        for (auto folder = test.parent_path(); !folder.empty(); folder = folder.parent_path()) {
            listed = listed || lists_test(folder, test.lexically_relative(folder).string());
        }
        if (!listed) {
            unlisted.push_back(test.string());
        }
    }
    EXPECT_FALSE(tests.empty());
    EXPECT_THAT(unlisted, IsEmpty());
}

TEST(Tidy, EveryFuzzTargetIsBuiltDescribedAndHasSeeds) {
    const auto lists = content_of(root / "fuzz/CMakeLists.txt");
    const auto readme = content_of(root / "fuzz/README.md");
    std::set<std::string> targets;
    for (const auto& path : files_where("fuzz", [](const fs::path& p) {
             return p.filename().string().starts_with("fuzz_") && p.extension() == ".cpp";
         })) {
        const auto name = path.stem().string();
        targets.insert(name);
        EXPECT_NE(lists.find("farside_fuzz(" + name + ' '), std::string::npos) << name;
        EXPECT_NE(readme.find("| `" + name + "` |"), std::string::npos) << name;
        const auto seeds =
            files_where(fs::path{"fuzz/corpus"} / name, [](const fs::path&) { return true; });
        EXPECT_FALSE(seeds.empty()) << name;
    }
    EXPECT_FALSE(targets.empty());
    for (const std::string folder : {"fuzz/corpus", "fuzz/regressions"}) {
        if (!fs::exists(root / folder)) {
            continue;
        }
        for (const auto& entry : fs::directory_iterator{root / folder}) {
            EXPECT_TRUE(targets.contains(entry.path().filename())) << entry.path();
        }
    }
}

}  // namespace
}  // namespace farside::tidy
