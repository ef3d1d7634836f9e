// How many round trips programs cost that look at many names: a number that grows is a failure. A
// round trip is what a far target makes slow, so each of these rows is seconds on a long link.
#include "tests/support/sides.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace farside::test {
namespace {

constexpr int directories = 50;
constexpr int files_in_each = 100;

class round_trips : public testing::Test {
protected:
    round_trips() {
        for (int d = 0; d < directories; ++d) {
            const auto directory = both_.remote() / "many" / ("d" + std::to_string(d));
            std::filesystem::create_directories(directory);
            for (int f = 0; f < files_in_each; ++f) {
                std::ofstream{directory / ("f" + std::to_string(f))} << f;
            }
        }
        const auto modules = both_.remote() / "modules";
        std::filesystem::create_directories(modules);
        for (int m = 0; m < 100; ++m) {
            std::ofstream{modules / ("m" + std::to_string(m) + ".py")} << "x = " << m << "\n";
        }
    }

    // As a module resolution finds them: in each directory two files, one of them below.
    void make_packages() const {
        for (int p = 0; p < 100; ++p) {
            const auto package = both_.remote() / "packages" / ("p" + std::to_string(p));
            std::filesystem::create_directories(package / "lib");
            std::ofstream{package / "package.json"} << p;
            std::ofstream{package / "README.md"} << std::string(20'000, 'r');
            std::ofstream{package / "lib" / "index.js"} << p;
        }
    }

    // Of the script, and what it wrote.
    long of(const std::string& script, const std::string& expected) {
        const std::string file = both_.local() / "stats.json";
        const outcome result = both_.run_covered(script, {"--stats=" + file});
        EXPECT_EQ(result.status(), 0) << result.err;
        EXPECT_EQ(result.out, expected);
        const std::string told = read_file(file);
        const std::string key = "{\"round_trips\": ";
        EXPECT_TRUE(told.starts_with(key)) << told;
        ::testing::Test::RecordProperty("stats", told);
        return std::stol(told.substr(key.size()));
    }

    sides both_;
};

TEST_F(round_trips, OfStatsThatFind) {
    const auto trips = of(
        "python3 -c 'import os\n"
        "r = os.environ[\"R\"] + \"/many\"\n"
        "print(sum(os.stat(f\"{r}/d{d}/f{f}\").st_size for d in range(50) for f in range(100)))'",
        "9500\n"
    );
    EXPECT_LE(trips, 20);
}

TEST_F(round_trips, OfStatsThatDoNotFind) {
    const auto trips =
        of("python3 -c 'import os\n"
           "r = os.environ[\"R\"] + \"/many\"\n"
           "print(sum(os.path.exists(f\"{r}/d{d}/x{f}\") for d in range(50) for f in range(100)))'",
           "0\n");
    EXPECT_LE(trips, 20);
}

TEST_F(round_trips, OfFind) {
    EXPECT_LE(of("find $R/many -type f | wc -l", "5000\n"), 20);
}

TEST_F(round_trips, OfAListing) {
    const auto script =
        "python3 -c 'import os\n"
        "n = 0\n"
        "for at, ds, fs in os.walk(os.environ[\"R\"] + \"/many\"):\n"
        "    n += sum(os.lstat(os.path.join(at, f)).st_size for f in fs)\n"
        "print(n)'";
    EXPECT_LE(of(script, "9500\n"), 20);
}

TEST_F(round_trips, OfModules) {
    const auto script =
        "PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$R/modules python3 -c '\n"
        "import importlib\n"
        "print(sum(importlib.import_module(f\"m{i}\").x for i in range(100)))'";
    EXPECT_LE(of(script, "4950\n"), 40);
}

// ls(1) asks for the attributes of each file, and for access lists and capabilities that none has.
TEST_F(round_trips, OfALongListing) {
    EXPECT_LE(of("ls -lR $R/many | grep -c ^-", "5000\n"), 90);
}

// Two or three for each directory; the files come before they are opened.
TEST_F(round_trips, OfASearch) {
    EXPECT_LE(of("grep -r 7 $R/many | wc -l", "950\n"), 160);
}

TEST_F(round_trips, OfSmallFilesInTheirOrder) {
    const auto script =
        "python3 -c 'import os\n"
        "r = os.environ[\"R\"] + \"/many/d7\"\n"
        "print(sum(int(open(f\"{r}/{f}\").read()) for f in sorted(os.listdir(r))))'";
    EXPECT_LE(of(script, "4950\n"), 12);
}

TEST_F(round_trips, OfFilesInDirectoriesOfTheirOwn) {
    make_packages();
    const auto script =
        "python3 -c 'import os\n"
        "r = os.environ[\"R\"] + \"/packages\"\n"
        "def read(name):\n"
        "    return int(open(name).read()) if not os.path.exists(name + \"x\") else 0\n"
        "print(sum(read(f\"{r}/p{p}/package.json\") + read(f\"{r}/p{p}/lib/index.js\") "
        "for p in range(100)))'";
    EXPECT_LE(of(script, "9900\n"), 90);
}

TEST_F(round_trips, OfAFileThatIsOpenedAgain) {
    const auto script =
        "python3 -c 'import os\n"
        "r = os.environ[\"R\"] + \"/many/d7/f7\"\n"
        "print(sum(int(open(r).read()) for i in range(100)))'";
    EXPECT_LE(of(script, "700\n"), 8);
}

}  // namespace
}  // namespace farside::test
