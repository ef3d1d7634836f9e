// What somebody waits for on a link that is busy: one of 1 Gbit/s and a millisecond each way. What
// must hold is said in round trips as they were measured beside, so that a slow machine may be
// slow.
#include "tests/support/sides.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace farside::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t bytes = 64U << 20U;

class busy_link : public testing::Test {
protected:
    // Medians of stats on the target: with nothing else to do, and beside 64 MiB.
    struct latency {
        double alone_us = 0;
        double beside_us = 0;
        long looks = 0;  // beside
        std::string text;
    };

    void SetUp() override {
        ASSERT_TRUE(agent_.wait_for_error(socket_));
        ASSERT_TRUE(link_.wait_for("\n"));
        address_ = "127.0.0.1:" + link_.out().substr(0, link_.out().find('\n'));
    }

    latency measure(const std::string& way) const {
        const std::string tree{remote_root};
        command what = both_.covered_command(
            {both_.programs() + "/beside",
             way,
             tree + "/data",
             tree + "/notes.txt",
             std::to_string(bytes)}
        );
        auto& arguments = what.arguments;
        arguments.erase(arguments.begin() + 2, arguments.begin() + 4);  // --target
        arguments.insert(arguments.begin() + 2, {"--agent", address_});
        const auto result = run(what);
        latency seen;
        seen.text = result.out;
        std::istringstream text{result.out};
        std::string word;
        double slow = 0;
        text >> word >> seen.alone_us >> slow >> word;
        text >> word >> seen.beside_us >> slow >> seen.looks;
        EXPECT_TRUE(text) << result.out;
        return seen;
    }

    static void expect_three_round_trips(const latency& seen) {
        constexpr double shortest_us = 2000;
        constexpr long looks_min = 20;  // the transfer takes half a second at least
        EXPECT_GE(seen.alone_us, shortest_us) << "it was not the target that answered";
        EXPECT_GE(seen.looks, looks_min) << seen.text;
        EXPECT_LE(seen.beside_us, 3 * seen.alone_us) << seen.text;
    }

    sides both_;

private:
    std::string socket_ = "unix:" + (both_.local() / "agent").string();
    process agent_{
        {.arguments =
             {agent_program(),
              "--listen",
              socket_,
              "--target",
              "dir/" + both_.target().string(),
              "--log-level",
              "info"},
         .input = ""}};
    process link_{
        {.arguments =
             {FARSIDE_DELAY_LINK,
              "127.0.0.1:0",
              socket_,
              "--delay-us",
              "1000",
              "--bytes-per-second",
              "125000000"},
         .input = ""}};
    std::string address_;
};

TEST_F(busy_link, AStatIsNotHeldUpByALongRead) {
    std::ofstream{both_.remote() / "data"};
    fs::resize_file(both_.remote() / "data", bytes);
    expect_three_round_trips(measure("read"));
}

TEST_F(busy_link, AStatIsNotHeldUpByALongWrite) {
    expect_three_round_trips(measure("write"));
    EXPECT_EQ(fs::file_size(both_.remote() / "data"), bytes);
}

}  // namespace
}  // namespace farside::test
