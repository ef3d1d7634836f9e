// Other releases' C libraries: tools of Debian bullseye (glibc 2.31) and trixie (2.41), run by
// their own loader under farside, must do with a target's files what this machine's own tools do
// natively.
#include "tests/support/process.hpp"
#include "tests/support/sides.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/tree.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace farside::test {
namespace {

struct release {
    const char* suite;
    const char* loader;  // below the release's folder
};

std::ostream& operator<<(std::ostream& out, const release& r) {
    return out << r.suite;
}

class OtherRelease : public ::testing::TestWithParam<release> {
protected:
    void SetUp() override {
        folder_ = std::string{FARSIDE_RELEASES} + "/" + GetParam().suite;
        const outcome fetched = run(
            {.arguments = {FARSIDE_FETCH, GetParam().suite, folder_},
             .limit = std::chrono::seconds{300}}
        );
        if (fetched.status() != 0) {
            ASSERT_EQ(std::getenv("CI"), nullptr) << fetched.err;
            GTEST_SKIP() << "packages of " << GetParam().suite << ": " << fetched.err;
        }
    }

    // The tool's command line, by its own loader and libraries.
    [[nodiscard]] std::vector<std::string> by_own_loader(std::vector<std::string> line) const {
        const std::string libraries =
            folder_ + "/lib/x86_64-linux-gnu:" + folder_ + "/usr/lib/x86_64-linux-gnu";
        std::string tool = folder_ + "/bin/" + line.front();
        if (!std::filesystem::exists(tool)) {
            tool = folder_ + "/usr/bin/" + line.front();
        }
        EXPECT_TRUE(std::filesystem::exists(tool)) << tool;
        std::vector<std::string> made{
            folder_ + "/" + GetParam().loader, "--library-path", libraries, tool};
        made.insert(made.end(), line.begin() + 1, line.end());
        return made;
    }

    std::string folder_;
};

// $R in an argument is the tree; both runs see it as /srv/app or as the native one.
const std::vector<std::vector<std::string>> lines{
    {"cat", "$R/text"},
    {"cat", "$R/missing"},
    {"cat", "$R"},
    {"wc", "$R/text", "$R/sub/more"},
    {"md5sum", "$R/text"},
    {"head", "-n", "2", "$R/text"},
    {"tail", "-c", "7", "$R/text"},
    {"sort", "-o", "$R/sorted", "$R/text"},
    {"ls", "-1a", "$R"},
    {"stat", "-c", "%n %s %a %F", "$R/text", "$R/link", "$R/sub"},
    {"grep", "-rn", "two", "$R"},
    {"find", "$R", "-name", "m*", "-type", "f"},
    {"sed", "-i", "s/two/2/", "$R/text"},
    {"cp", "-a", "$R/sub", "$R/copy"},
    {"mv", "$R/copy/more", "$R/moved"},
    {"mkdir", "-p", "$R/a/b/c"},
    {"ln", "-s", "text", "$R/new-link"},
    {"touch", "-d", "2001-02-03 04:05:06 UTC", "$R/text"},
    {"dd",
     "if=$R/text",
     "of=$R/text",
     "bs=1",
     "skip=2",
     "seek=1",
     "count=2",
     "conv=notrunc",
     "status=none"},
    {"rm", "-r", "$R/a"},
    {"perl",
     "-e",
     "open F,'<','$R/text'; print <F>; open G,'>>','$R/text'; print G 'end'; close G; "
     "opendir D,'$R'; print join ' ', sort readdir D"},
    {"bash",
     "-c",
     "cd $R && pwd -P | tail -c 4 && while read -r l; do echo \"<$l>\"; done < text > out && "
     "echo more >> out && [[ -r out ]] && (exit 3)"},
};

std::vector<std::string> with_root(std::vector<std::string> line, const std::string& root) {
    for (auto& argument : line) {
        for (std::size_t at = 0; (at = argument.find("$R", at)) != std::string::npos;) {
            argument.replace(at, 2, root);
        }
    }
    return line;
}

void fill(const std::filesystem::path& root) {
    write_file(root / "text", "one\ntwo\nthree\n");
    write_file(root / "sub/more", "two and more\n");
    std::filesystem::create_symlink("text", root / "link");
}

// What a tool says, without the names that must differ: its own and the tree's.
std::string plain(std::string text, const std::string& root, const std::string& folder) {
    for (const auto& [name, shown] :
         {std::pair{root, std::string{"$R"}}, {folder + "/usr/bin/", {}}, {folder + "/bin/", {}}}) {
        for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos;) {
            text.replace(at, name.size(), shown);
        }
    }
    return text;
}

TEST_P(OtherRelease, ToolsDoWhatThisMachinesDo) {
    const temp_dir base;
    const std::string native = base.path() / "native/srv/app";
    const std::string covered = base.path() / "covered/srv/app";
    fill(native);
    fill(covered);
    const std::string remote{remote_root};
    for (const auto& line : lines) {
        SCOPED_TRACE(::testing::PrintToString(line));
        const outcome here =
            run({.arguments = with_root(line, native), .environment = plain_environment()});
        std::vector<std::string> far{
            farside_program(),
            "exec",
            "--target",
            "dir/" + (base.path() / "covered").string(),
            "--fs-mode",
            "write",
            "--"};
        const auto tool = by_own_loader(with_root(line, remote));
        far.insert(far.end(), tool.begin(), tool.end());
        const outcome there = run({.arguments = far, .environment = plain_environment()});
        EXPECT_EQ(plain(there.out, remote, folder_), plain(here.out, native, folder_));
        EXPECT_EQ(plain(there.err, remote, folder_).empty(), here.err.empty()) << there.err;
        EXPECT_EQ(there.status(), here.status());
    }
    EXPECT_EQ(describe_tree(base.path() / "covered"), describe_tree(base.path() / "native"));
}

INSTANTIATE_TEST_SUITE_P(
    Debian,
    OtherRelease,
    ::testing::Values(
        release{"bullseye", "lib/x86_64-linux-gnu/ld-2.31.so"},
        release{"trixie", "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"}
    ),
    [](const auto& tested) { return std::string{tested.param.suite}; }
);

}  // namespace
}  // namespace farside::test
