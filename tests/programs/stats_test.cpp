// --stats: one JSON object with the agreed keys, and counts that fit what the program did.
#include "tests/support/sides.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>

namespace farside::test {
namespace {

using testing::HasSubstr;

// "round_trips", "messages.open.requests", ... -> number.
using counts = std::map<std::string, long>;

// Flattened by another program, so that the text is what others can read.
counts parsed(const std::string& json) {
    const outcome flat = run(
        {.arguments = {"python3", "-c", R"(
import json, sys
def walk(name, value):
    if isinstance(value, dict):
        for key, part in value.items():
            walk(name + '.' + key if name else key, part)
    else:
        print(name, int(value))
walk('', json.load(sys.stdin))
)"},
         .input = json}
    );
    EXPECT_EQ(flat.status(), 0) << json << flat.err;
    std::istringstream lines{flat.out};
    counts result;
    std::string name;
    for (long value = 0; lines >> name >> value;) {
        result[name] = value;
    }
    return result;
}

class stats : public testing::Test {
protected:
    counts of(const std::string& script, std::vector<std::string> options = {}) {
        const std::string file = both_.local() / "stats.json";
        options.push_back("--stats=" + file);
        const outcome result = both_.run_covered(script, options);
        EXPECT_EQ(result.status(), 0) << result.err;
        return parsed(read_file(file));
    }

    sides both_;
};

constexpr const char* keys[] = {
    "round_trips", "requests", "pushes", "bytes_sent", "bytes_received"};

TEST_F(stats, HasTheAgreedKeys) {
    const counts told = of("run cat $R/noise.bin");
    for (const char* key : keys) {
        EXPECT_TRUE(told.contains(key)) << key;
        EXPECT_TRUE(told.contains(std::string{"session."} + key)) << key;
        EXPECT_TRUE(told.contains(std::string{"messages.open_leased."} + key)) << key;
        EXPECT_TRUE(told.contains(std::string{"session.messages.hello."} + key)) << key;
    }
    EXPECT_TRUE(told.contains("hits"));
    EXPECT_TRUE(told.contains("wall_ms"));
    EXPECT_TRUE(told.contains("prefetch.bytes"));
}

TEST_F(stats, CountsAReading) {
    counts told = of("run cat $R/noise.bin");
    EXPECT_EQ(told["messages.open_leased.requests"], 1);
    EXPECT_GE(told["round_trips"], 2);
    EXPECT_LE(told["round_trips"], 12);
    EXPECT_GE(told["requests"], told["round_trips"]);
    EXPECT_GE(told["bytes_received"], 300'000);
    EXPECT_LE(told["bytes_received"], 310'000);
    EXPECT_GT(told["bytes_sent"], 0);
    EXPECT_LT(told["bytes_sent"], 5'000);
}

TEST_F(stats, CountsAWriting) {
    counts told = of("head -c 300000 /dev/zero > $R/zeros");
    EXPECT_GE(told["bytes_sent"], 300'000);
    EXPECT_LE(told["bytes_sent"], 310'000);
    EXPECT_GE(told["messages.write.requests"], 1);
}

TEST_F(stats, TotalsAreTheSumOfTheMessages) {
    const counts told =
        of("cd $R; ls -la; find . | wc -l; echo x > a; mv a b; rm b; cat notes.txt");
    for (const std::string key : keys) {
        for (const std::string part : {"", "session."}) {
            long sum = 0;
            for (const auto& [name, value] : told) {
                const bool of_message = name.starts_with(part + "messages.");
                sum += of_message && name.ends_with("." + key) ? value : 0;
            }
            EXPECT_EQ(told.at(part + key), sum) << part << key;
        }
    }
}

TEST_F(stats, LocalWorkCostsNothing) {
    const counts told = of("cat /etc/passwd | sort | wc -l; ls -la /usr; echo x > $L/x; rm $L/x");
    EXPECT_EQ(told.at("round_trips"), 0);
    EXPECT_EQ(told.at("requests"), 0);
    EXPECT_EQ(told.at("hits"), 0);
    EXPECT_GT(told.at("session.requests"), 0);
}

TEST_F(stats, CountsWhatTheLayerAnswersItself) {
    const counts told =
        of("python3 -c 'import os; f = os.open(os.environ[\"R\"] + \"/notes.txt\", 0)\n"
           "for i in range(1000): os.lseek(f, i, 0)'");
    EXPECT_GE(told.at("hits"), 1000);
    EXPECT_LT(told.at("requests"), 50);
}

TEST_F(stats, GoToStandardErrorWithoutAFile) {
    const outcome result =
        both_.run_covered("echo error >&2; cat $R/table.csv; exit 3", {"--stats"});
    EXPECT_EQ(result.status(), 3);
    EXPECT_THAT(result.out, HasSubstr("anna,2\n"));
    ASSERT_TRUE(result.err.starts_with("error\n{")) << result.err;
    EXPECT_TRUE(result.err.ends_with("}\n"));
    EXPECT_TRUE(parsed(result.err.substr(6)).contains("round_trips"));
}

TEST_F(stats, AreWrittenThoughTheProgramIsKilled) {
    const std::string file = both_.local() / "stats.json";
    const outcome result =
        both_.run_covered("cat $R/notes.txt; kill -KILL $$", {"--stats=" + file});
    EXPECT_EQ(result.status(), 137);
    EXPECT_GT(parsed(read_file(file)).at("round_trips"), 0);
}

TEST_F(stats, AFileThatCannotBeWrittenIsSaidBeforeTheProgramStarts) {
    const outcome result = both_.run_covered("echo ran", {"--stats=/no/such/directory/file"});
    EXPECT_EQ(result.status(), 125);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(
        result.err, "farside: cannot write /no/such/directory/file: No such file or directory\n"
    );
}

}  // namespace
}  // namespace farside::test
