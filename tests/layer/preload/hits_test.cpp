// Calls that the library answers from the cache, compared with the same calls made natively: the
// session of these programs answers nothing else, so a difference is also a call too many.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include <stdlib.h>
#include <sys/wait.h>

namespace {

class Hits : public testing::Test {
protected:
    Hits() {
        std::string name = testing::TempDir() + "/hits_XXXXXX";
        root_ = ::mkdtemp(name.data());
        std::filesystem::create_directories(root_ + "/dir/deep");
        write("/dir/file", "a few words\n");
        write("/empty", "");
        std::string large;
        for (int i = 0; large.size() < 200'000; ++i) {
            large += std::to_string(i) + "\n";
        }
        large.resize(200'000);
        write("/large", large);
        write("/even", large.substr(0, 131'072));
        link("/link", "dir/file");
        link("/todir", "dir/");
        link("/broken", "dir/none");
        link("/loop", "loop");
        link("/dir/deep/up", "..");
        link("/dir/link", "file");
    }

    ~Hits() override { std::filesystem::remove_all(root_); }

    void write(const std::string& name, const std::string& text) const {
        std::ofstream{root_ + name} << text;
    }

    void link(const std::string& name, const std::string& says) const {
        std::filesystem::create_symlink(says, root_ + name);
    }

    // What it printed, and its status as a shell tells it.
    static std::pair<std::string, int> run(const std::string& command) {
        FILE* const out = ::popen((command + " 2>&1").c_str(), "r");
        if (out == nullptr) {
            return {"no process for it", 127};
        }
        std::string text;
        std::array<char, 4096> buffer{};
        while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), out)) {
            text.append(buffer.data(), got);
        }
        const int status = ::pclose(out);
        return {text, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)};
    }

    // The probe, covered, with what follows the directory on its command line.
    [[nodiscard]] std::pair<std::string, int> probe(const std::string& options = "") const {
        return run(
            std::string{FARSIDE_PUBLISHED} + " " + root_ + " " + FARSIDE_LIBRARY + " " +
            FARSIDE_HIT_PROBE + " " + root_ + options
        );
    }

    // Its session answers ENXIO where the cache does not: the comparison can fail.
    static void expect_no_hits(const std::pair<std::string, int>& probed) {
        const auto& [said, status] = probed;
        EXPECT_NE(said.find("stat /dir/file: -6, natively"), std::string::npos) << said;
        EXPECT_EQ(status, 1) << said;
    }

    std::string root_;
};

TEST_F(Hits, AnswerAsTheKernelDoes) {
    const auto [said, status] = probe();
    EXPECT_EQ(said, "");
    EXPECT_EQ(status, 0);
}

TEST_F(Hits, AreNotMadeWithoutTheMemoryForThem) {
    expect_no_hits(probe(" 4000000000"));
}

TEST_F(Hits, AreNotMadeWhileSomethingWrittenIsOnItsWay) {
    ::setenv("UNSETTLED", "1", 1);
    const auto probed = probe();
    ::unsetenv("UNSETTLED");
    expect_no_hits(probed);
}

}  // namespace
