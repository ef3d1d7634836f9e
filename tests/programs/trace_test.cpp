// --trace: a line for each call on remote files, whole, from every process.
#include "tests/support/sides.hpp"
#include "tests/support/tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>

namespace farside::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

class trace : public testing::Test {
protected:
    // The lines, without their times and pids.
    std::vector<std::string> of(const std::string& script) {
        const std::string file = both_.local() / "trace";
        result_ = both_.run_covered(script, {"--trace", file});
        text_ = read_file(file);
        return calls_in(text_);
    }

    static std::vector<std::string> calls_in(const std::string& text) {
        std::vector<std::string> calls;
        std::istringstream lines{text};
        const std::regex form{R"(\d+\.\d{6} \d+ (.*))"};
        for (std::string line; std::getline(lines, line);) {
            std::smatch parts;
            EXPECT_TRUE(std::regex_match(line, parts, form)) << line;
            calls.push_back(parts[1]);
        }
        return calls;
    }

    sides both_;
    outcome result_;
    std::string text_;
};

TEST_F(trace, SaysWhatACallCost) {
    const auto lines = of("run python3 $S/trace.py one $R");
    EXPECT_EQ(result_.err, "");
    for (const char* const line :
         {R"(openat\(AT_FDCWD, "/srv/app/notes.txt", O_RDONLY\|O_CLOEXEC, 0\) = 3)"
          R"( \| remote \| 1 round trip)",
          R"(lseek\(3, 3, SEEK_SET\) = 3 \| remote \| hit)",
          R"(read\(3, 0x[0-9a-f]+, 10\) = 10 \| remote \| hit)",
          R"(close\(3\) = 0 \| remote \| session call)"}) {
        EXPECT_THAT(lines, Contains(MatchesRegex(line)));
    }
}

TEST_F(trace, SaysWhyACallIsRefused) {
    const auto lines = of("run python3 $S/refused.py $R/refused $L");
    for (const char* const line :
         {R"(chroot\("/srv/app/refused/dir"\) = EPERM \| remote \| refused)"
          R"( \| paths would no longer say which side they are on; to `/` it is done)",
          R"(connect\([0-9]+, "/srv/app/refused/socket", [0-9]+\) = ENXIO \| remote \| refused)"
          R"( \| a socket of the target cannot be reached from here)",
          R"(io_uring_setup\(8, 0x[0-9a-f]+\) = ENOSYS \| remote \| refused)"
          R"( \| its submissions would pass by the layer)"}) {
        EXPECT_THAT(lines, Contains(MatchesRegex(line)));
    }
}

TEST_F(trace, HasNoLineForLocalFiles) {
    of("run cat $S/refused.py /etc/passwd");
    EXPECT_EQ(result_.status(), 0);
    EXPECT_THAT(text_, Not(HasSubstr("refused.py")));
    EXPECT_THAT(text_, Not(HasSubstr("passwd")));
}

TEST_F(trace, EscapesNames) {
    const auto lines = of("run python3 $S/trace.py names $R");
    EXPECT_EQ(result_.err, "");
    EXPECT_THAT(
        lines, Contains(R"(mkdir("/srv/app/a\"\n\xff\\", 0777) = 0 | remote | 1 round trip)")
    );
}

TEST_F(trace, LinesOfManyProcessesAndThreadsAreWhole) {
    const auto lines = of("run python3 $S/trace.py many $R");
    EXPECT_EQ(result_.err, "");
    const std::string begin = "newfstatat(AT_FDCWD, \"/srv/app/" + std::string(200, 'n') + "\", 0x";
    const std::string end = ", 0) = ENOENT | remote | ";
    const auto whole = [&](const std::string& line) {
        const auto cost = line.rfind("| ") + 2;
        return line.starts_with(begin) && line.substr(0, cost).ends_with(end) &&
               std::set<std::string>{"hit", "session call", "1 round trip"}.contains(
                   line.substr(cost)
               );
    };
    EXPECT_EQ(std::count_if(lines.begin(), lines.end(), whole), 8 * 4 * 200);
}

TEST_F(trace, FollowsPrograms) {
    const auto lines =
        of("exec 3>&- 4>&-; cat $R/notes.txt > /dev/null; cp /bin/true $R/prog; $R/prog");
    EXPECT_EQ(result_.status(), 0) << result_.err;
    EXPECT_THAT(lines, Contains(HasSubstr("\"/srv/app/notes.txt\"")));
    EXPECT_THAT(
        lines, Contains(MatchesRegex(R"(execve\("/srv/app/prog", 0x.*\) = \? \| remote \| kernel)"))
    );
}

TEST_F(trace, GoesToStandardErrorWhereAsked) {
    const outcome result = both_.run_covered("run cat $R/notes.txt", {"--trace", "-"});
    EXPECT_EQ(result.status(), 0);
    EXPECT_THAT(calls_in(result.err), Contains(HasSubstr("openat(AT_FDCWD, \"$R/notes.txt\"")));
}

TEST_F(trace, ThatCannotBeWrittenIsToldOnce) {
    const outcome full = both_.run_covered("run cat $R/notes.txt", {"--trace", "/dev/full"});
    EXPECT_EQ(full.status(), 0);
    EXPECT_EQ(full.err, "farside: the trace cannot be written; this process goes on without\n");
    const outcome none = both_.run_covered("run cat $R/notes.txt", {"--trace", "/none/x"});
    EXPECT_EQ(none.status(), 125);
    EXPECT_EQ(none.err, "farside: cannot write the trace to /none/x: No such file or directory\n");
}

}  // namespace
}  // namespace farside::test
