// The bytes of files that are kept: how few requests they cost, and that a program which knows of a
// change never reads what was there before it.
#include "tests/support/sides.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

namespace farside::test {
namespace {

namespace fs = std::filesystem;

class file_data : public testing::Test {
protected:
    // A number of the statistics by the text before it.
    static long number(const std::string& json, const std::string& key) {
        const auto at = json.find("\"" + key + "\": ");
        return at == std::string::npos ? -1 : std::stol(json.substr(at + key.size() + 4));
    }

    struct counted {
        outcome result;
        std::string json;
    };

    counted count(const std::string& script, std::vector<std::string> flags = {}) {
        const std::string file = both.local() / "stats.json";
        flags.push_back("--stats=" + file);
        counted told;
        told.result = both.run_covered(script, flags);
        EXPECT_EQ(told.result.status(), 0) << told.result.err;
        told.json = read_file(file);
        return told;
    }

    std::string make_noise(std::size_t bytes) const {
        std::string content(bytes, '\0');
        std::uint32_t x = 1;
        for (char& c : content) {
            x = x * 1664525U + 1013904223U;
            c = static_cast<char>(x >> 24U);
        }
        write_file(both.remote() / "noise", content);
        return content;
    }

    sides both;
};

TEST_F(file_data, ALargeFileIsStreamed) {
    constexpr std::size_t bytes = 64U << 20U;
    make_noise(bytes);
    const counted told = count("cat $R/noise > $L/copy; rm $L/copy; cat $R/noise | cksum");
    EXPECT_EQ(
        told.result.out,
        both.run_natively("cat " + (both.remote() / "noise").string() + " | cksum").out
    );
    EXPECT_LE(number(told.json, "round_trips"), 30);
    EXPECT_LE(number(told.json, "bytes_received"), 2 * static_cast<long>(bytes) * 101 / 100);
}

TEST_F(file_data, WithoutCachesEachReadIsARequest) {
    make_noise(1U << 20U);
    const counted told = count("cat $R/noise | cksum", {"--no-cache"});
    EXPECT_GE(number(told.json, "round_trips"), 8);
}

TEST_F(file_data, ASmallFileComesWithItsOpen) {
    const counted told = count(
        "python3 -c 'import os\nf = os.open(os.environ[\"R\"] + "
        "\"/notes.txt\", 0)\nwhile os.read(f, 10): pass'"
    );
    EXPECT_EQ(told.json.find("\"read\": "), std::string::npos) << told.json;
}

// The writer publishes each generation by another file, after it has written the data.
constexpr const char* reader = R"(
import os, struct, sys
R = os.environ['R']
last, keep = int(sys.argv[1]), None
def published():
    with open(R + '/published') as f:
        return int(f.read() or 0)
def check(content, least, what):
    for (generation,) in struct.iter_unpack('I', content[:len(content) // 4 * 4]):
        if generation < least:
            print(what, 'has', generation, 'after', least)
            sys.exit(1)
while True:
    least = published()
    with open(R + '/data', 'rb', buffering=0) as f:
        check(f.read(), least, 'data')
        if sys.argv[2] == 'same':
            keep = keep or os.open(R + '/data', 0)
            least = published()
            check(os.pread(keep, 200000, 0), least, 'an open file')
    if least >= last:
        break
print('seen')
)";

enum class way { in_place, truncated, replaced };

class written_data : public file_data, public testing::WithParamInterface<way> {
protected:
    static constexpr std::uint32_t generations = 300;

    void write_generation(std::uint32_t generation) const {
        const fs::path data = both.remote() / "data";
        const fs::path path = GetParam() == way::replaced ? both.remote() / "data.new" : data;
        const std::vector<std::uint32_t> content(40'000, generation);
        const int flags = O_WRONLY | O_CREAT | (GetParam() == way::in_place ? 0 : O_TRUNC);
        const int fd = ::open(path.c_str(), flags, 0644);
        ASSERT_EQ(
            ::write(fd, content.data(), content.size() * 4),
            static_cast<ssize_t>(content.size() * 4)
        );
        ::close(fd);
        if (GetParam() == way::replaced) {
            fs::rename(path, data);
        }
        const fs::path published = both.remote() / "published.new";
        write_file(published, std::to_string(generation));
        fs::rename(published, both.remote() / "published");
    }
};

TEST_P(written_data, IsNeverOlderThanWhatIsKnownOfIt) {
    write_generation(1);
    write_file(both.local() / "reader.py", reader);
    std::thread writer{[this] {
        for (std::uint32_t g = 2; g <= generations; ++g) {
            write_generation(g);
        }
    }};
    const std::string mode = GetParam() == way::replaced ? "new" : "same";
    const outcome result =
        both.run_covered("run python3 $L/reader.py " + std::to_string(generations) + " " + mode);
    writer.join();
    EXPECT_EQ(result.out, "seen\n") << result.err;
}

INSTANTIATE_TEST_SUITE_P(
    ways, written_data, testing::Values(way::in_place, way::truncated, way::replaced)
);

}  // namespace
}  // namespace farside::test
