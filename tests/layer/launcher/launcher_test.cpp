// What is decided before the program runs: which file it is, whether it can be covered, what is
// around it, and what environment it gets.
#include "layer/session/launcher.hpp"

#include "layer/session/enclosing_session.hpp"
#include "layer/session/process_status.hpp"
#include "layer/session/program.hpp"
#include "layer/session/surroundings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

namespace farside::session {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

// A folder that is gone after the test.
class temporary_folder {
public:
    temporary_folder() {
        char name[] = "/tmp/farside-test-XXXXXX";
        path_ = ::mkdtemp(name);
    }

    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    temporary_folder(temporary_folder&&) = delete;
    temporary_folder& operator=(temporary_folder&&) = delete;

    ~temporary_folder() { std::filesystem::remove_all(path_); }

    std::string write(const std::string& name, const std::string& text, mode_t mode = 0755) const {
        std::string file = path_ + "/" + name;
        std::filesystem::create_directories(std::filesystem::path{file}.parent_path());
        std::ofstream{file} << text;
        EXPECT_EQ(::chmod(file.c_str(), mode), 0);
        return file;
    }

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

TEST(FindProgram, LooksAsTheShellDoes) {
    const temporary_folder folder;
    const std::string first = folder.write("a/tool", "");
    const std::string second = folder.write("b/tool", "");
    const std::string plain = folder.write("a/plain", "", 0644);
    const std::string a = folder.path() + "/a";
    const std::string b = folder.path() + "/b";
    std::filesystem::create_directory(b + "/plain");

    EXPECT_EQ(find_program("tool", a + ":" + b).file, first);
    EXPECT_EQ(find_program("tool", "/nowhere:" + b + ":" + a).file, second);
    EXPECT_EQ(find_program(second, a).file, second);
    EXPECT_EQ(find_program("absent", a + ":" + b).error, ENOENT);
    EXPECT_EQ(find_program("plain", a + ":" + b).error, EACCES);
    EXPECT_EQ(find_program(plain, "").error, EACCES);
    EXPECT_EQ(find_program(a, "").error, EACCES);
    EXPECT_EQ(find_program("", a).error, ENOENT);
    EXPECT_EQ(find_program("tool", "").error, ENOENT);
    EXPECT_EQ(find_program("sh", ":/bin").file, "/bin/sh");
}

TEST(JudgeProgram, FollowsScriptsToWhatRunsThem) {
    const temporary_folder folder;
    const std::string good = folder.write("good", "#!/bin/sh\n");
    const std::string bad = folder.write("bad", "#!" IMAGE_STATIC " -x\n");
    const std::string chain = folder.write("chain", "#! " + bad + "\n");
    const std::string text = folder.write("text", "echo\n");
    const std::string loop = folder.path() + "/loop";
    folder.write("loop", "#!" + loop + "\n");

    EXPECT_FALSE(judge_program("/bin/ls"));
    EXPECT_FALSE(judge_program(good));
    EXPECT_FALSE(judge_program(text));
    EXPECT_FALSE(judge_program(loop));
    EXPECT_FALSE(judge_program(folder.path() + "/absent"));
    for (const std::string& file : {std::string{IMAGE_STATIC}, bad, chain}) {
        const auto refused = judge_program(file);
        ASSERT_TRUE(refused) << file;
        EXPECT_EQ(refused->reason, "is statically linked");
    }
}

TEST(JudgeProgram, KnowsWhatGainsRights) {
    if (::getuid() != 0) {
        GTEST_SKIP() << "only root makes programs that run as somebody else";
    }
    const temporary_folder folder;
    const std::string file = folder.path() + "/tool";
    std::filesystem::copy_file("/bin/true", file);
    ASSERT_EQ(::chmod(file.c_str(), 04755), 0);
    EXPECT_FALSE(judge_program(file));  // root's, run by root: nothing is gained
    ASSERT_EQ(::chown(file.c_str(), 12345, 0), 0);
    ASSERT_EQ(::chmod(file.c_str(), 04755), 0);
    const auto refused = judge_program(file);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->reason, "gains rights when it starts");
}

TEST(ProgramEnvironment, HasWhatTheLayerNeedsAndKeepsTheRest) {
    const char* const given[] = {
        "A=1",
        "LD_PRELOAD=/x.so /y.so",
        "FARSIDE_SESSION=old",
        "FARSIDE_CWD=/srv",
        "ASAN_OPTIONS=detect_leaks=0",
        "UV_USE_IO_URING=1",
        "odd",
        nullptr};
    EXPECT_THAT(
        program_environment(given, "/lib/libfarside.so", "1:2:3", true),
        ElementsAre(
            "A=1",
            "odd",
            "LD_PRELOAD=/lib/libfarside.so:/x.so /y.so",
            "ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0",
            "UV_USE_IO_URING=0",
            "FARSIDE_SESSION=1:2:3"
        )
    );
}

TEST(ProgramEnvironment, PreloadsOnceOrNotAtAll) {
    const char* const empty[] = {"LD_PRELOAD=", "ASAN_OPTIONS=", nullptr};
    EXPECT_THAT(
        program_environment(empty, "/l.so", "s", true),
        ElementsAre(
            "LD_PRELOAD=/l.so",
            "ASAN_OPTIONS=verify_asan_link_order=0",
            "UV_USE_IO_URING=0",
            "FARSIDE_SESSION=s"
        )
    );
    for (const char* again : {"LD_PRELOAD=/l.so", "LD_PRELOAD=/l.so:/x.so"}) {
        const char* const given[] = {again, nullptr};
        EXPECT_EQ(program_environment(given, "/l.so", "s", true)[0], again);
    }
    const char* const others[] = {"LD_PRELOAD=/x.so", nullptr};
    EXPECT_THAT(program_environment(others, "/l.so", "s", false), Contains("LD_PRELOAD=/x.so"));
    EXPECT_THAT(
        program_environment(empty + 1, "/l.so", "s", false),
        Not(Contains(::testing::StartsWith("LD_PRELOAD")))
    );
}

TEST(EnclosingSession, IsToldByTheMappedView) {
    EXPECT_FALSE(find_enclosing_session());
    auto memory = shared_memory::create();
    ASSERT_TRUE(memory);
    EXPECT_FALSE(find_enclosing_session());  // not filled yet
    segment::view& view = memory->view();
    view.magic = segment::view_magic;
    view.version = segment::layout_version;
    std::strcpy(view.target, "docker/web");
    const auto session = find_enclosing_session();
    ASSERT_TRUE(session);
    EXPECT_EQ(session->target, "docker/web");
    view.version = 0;
    EXPECT_FALSE(find_enclosing_session());
}

TEST(PlaceDescriptors, TakesTheHighestFreeNumbers) {
    auto memory = shared_memory::create();
    ASSERT_TRUE(memory);
    const auto variable = place_descriptors(*memory);
    ASSERT_TRUE(variable);
    EXPECT_THAT(*variable, ::testing::MatchesRegex("1:[0-9]+:[0-9]+:[0-9]+:[0-9]+:[0-9]+:[0-9]+"));
    const auto next = place_descriptors(*memory);
    ASSERT_TRUE(next);
    EXPECT_LT(std::stoi(next->substr(2)), std::stoi(variable->substr(2)));
}

TEST(Surroundings, AProgramInABinFolderBringsItsInstallation) {
    const temporary_folder folder;
    const std::string real = folder.write("venv/bin/python3.11", "");
    const std::string link = folder.path() + "/tools/run";
    std::filesystem::create_directory(folder.path() + "/tools");
    std::filesystem::create_symlink(real, link);
    std::vector<local_path> found;
    add_program(found, link, "program");
    std::vector<std::string> told;
    told.reserve(found.size());
    for (const local_path& path : found) {
        told.push_back(path.why + (path.kind == rule_kind::exact ? "=" : "<") + path.path);
    }
    EXPECT_THAT(
        told,
        ElementsAre(
            "program=" + link,
            "program=" + real,
            "program's installation<" + folder.path() + "/venv"
        )
    );
    found.clear();
    add_program(found, "/bin/sh", "program");
    for (const local_path& path : found) {
        EXPECT_NE(path.path, "");
    }
}

TEST(ProcessStatus, KnowsAncestors) {
    const pid_t self = ::getpid();
    EXPECT_TRUE(descends_from(self, self));
    EXPECT_TRUE(descends_from(self, ::getppid()));
    EXPECT_FALSE(descends_from(::getppid(), self));
    EXPECT_FALSE(descends_from(0, self));
    EXPECT_FALSE(is_stopped(self));
}

}  // namespace
}  // namespace farside::session
