// Programs that broke under other tools, each with its number in the table of tests/README.md: what
// they need beyond a comparison with local files, such as bounds on round trips, or somebody in the
// target who changes files at the same time.
#include "tests/support/sides.hpp"
#include "tests/support/tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <thread>

#include <unistd.h>

namespace farside::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class acceptance : public testing::Test {
protected:
    // What --stats counted. The totals come first.
    struct counted {
        outcome result;
        std::string json;

        [[nodiscard]] long of(const std::string& key) const {
            std::smatch found;
            if (!std::regex_search(json, found, std::regex{"\"" + key + "\": *(\\d+)"})) {
                ADD_FAILURE() << "no " << key << " in " << json;
                return -1;
            }
            return std::stol(found[1]);
        }
    };

    [[nodiscard]] counted count(const std::string& script) const {
        const std::string file = both.local() / "stats.json";
        outcome result = both.run_covered(script, {"--stats=" + file});
        EXPECT_EQ(result.status(), 0) << result.err;
        return {std::move(result), read_file(file)};
    }

    // Covered, and running beside the test.
    [[nodiscard]] command beside(const std::string& script) const {
        command result = both.covered_command({"bash", "-c", script});
        result.input = "";
        return result;
    }

    sides both;
};

// A3: no question for each entry, since the listing says what each of them is.
TEST_F(acceptance, A3ManyEntriesAreListedInBatches) {
    constexpr int entries = 60'000;
    fs::create_directory(both.remote() / "many");
    for (int i = 0; i < entries; ++i) {
        std::ofstream{both.remote() / "many" / ("entry-" + std::to_string(i))};
    }
    const counted told = count("find $R/many -type f | wc -l");
    EXPECT_EQ(told.result.out, "60000\n");
    EXPECT_LT(told.of("round_trips"), 200);
}

TEST_F(acceptance, A3ListingsSayWhatTheirEntriesAre) {
    const char* const script =
        "python3 -c 'import os; print(sorted((e.name, e.is_dir(follow_symlinks=False), "
        "e.is_symlink(), e.is_file(follow_symlinks=False)) for e in os.scandir(\"'$R'\")))'";
    const counted told = count(script);
    EXPECT_EQ(told.result.out, both.run_natively(script).out);
    EXPECT_LT(told.of("round_trips"), 10);
}

// A7: the program asks for the same file in four ways.
TEST_F(acceptance, A7AllWaysToAskForAFileAgree) {
    const outcome result = both.run_covered(
        "cd $R; python3 -c 'import os; at = os.open(\".\", 0); f = os.open(\"notes.txt\", 0)\n"
        "print(len({tuple(s) for s in (os.stat(\"notes.txt\"), os.stat(f), "
        "os.stat(\"notes.txt\", dir_fd=at), os.lstat(\"/srv/app/notes.txt\"))}))'"
    );
    EXPECT_EQ(result.out, "1\n") << result.err;
}

// A20: nothing is asked for that the program does not ask for.
TEST_F(acceptance, A20AFileReadByteByByteCostsAReadForEach) {
    write_file(both.remote() / "certificate", std::string(1'000, 'c'));
    const counted told = count(
        "python3 -c 'import os; f = os.open(\"/srv/app/certificate\", 0); n = 0\n"
        "while os.read(f, 1): n += 1\n"
        "print(n)'"
    );
    EXPECT_EQ(told.result.out, "1000\n");
    EXPECT_LE(told.of("round_trips"), 1'020);
}

// A28: once over the link, and no more.
TEST_F(acceptance, A28ALargeFileIsSentOnce) {
    constexpr long bytes = 50'000'000;
    std::ofstream{both.remote() / "large"} << std::string(bytes, 'l');
    const counted told = count("md5sum $R/large");
    EXPECT_THAT(
        told.result.out,
        HasSubstr(run({.arguments = {"md5sum", both.remote() / "large"}}).out.substr(0, 32))
    );
    EXPECT_GE(told.of("bytes_received"), bytes);
    EXPECT_LE(told.of("bytes_received"), bytes + bytes / 50);
}

// A30: a database or an index is not read as a whole because of some of its records.
TEST_F(acceptance, A30ScatteredReadsBringLittleMoreThanTheyAskFor) {
    fs::resize_file(both.remote() / "empty", 100'000'000'000);
    const counted told = count(
        "python3 -c 'import os, random; f = os.open(\"/srv/app/empty\", 0); random.seed(1)\n"
        "print(sum(len(os.pread(f, 100, random.randrange(99_999_999_900))) "
        "for i in range(10_000)))'"
    );
    EXPECT_EQ(told.result.out, "1000000\n");
    EXPECT_LE(told.of("bytes_received"), 10'000 * 4'096);
}

// A31: what the target's own programs append is there at once.
TEST_F(acceptance, A31ASecondReadSeesWhatWasAppended) {
    process program{beside("md5sum < $R/notes.txt; read; md5sum < $R/notes.txt; md5sum < $R/link")};
    const auto sum = [this] {
        const std::string file = both.remote() / "notes.txt";
        return run({.arguments = {"sh", "-c", "md5sum < " + file}}).out;
    };
    const std::string before = sum();
    ASSERT_TRUE(program.wait_for(before));
    std::ofstream{both.remote() / "notes.txt", std::ios::app} << "appended\n";
    const std::string after = sum();
    EXPECT_NE(before, after);
    program.write("\n");
    EXPECT_EQ(program.wait().out, before + after + after);
}

// A32: an editor of the target saves by another file; by its name there is the new content, and by
// the descriptor the old.
TEST_F(acceptance, A32AnEditorInTheTargetSavesAFileThatIsOpen) {
    if (!is_installed("ex")) {
        GTEST_SKIP() << "vim is not installed";
    }
    const std::string file = both.remote() / "notes.txt";
    const std::string before = read_file(file);
    for (const char* how : {"backupcopy=no", "backupcopy=yes"}) {
        SCOPED_TRACE(how);
        write_file(file, before);
        process program{
            beside("exec 3< $R/notes.txt; echo ready; read; cat $R/notes.txt; echo; echo; cat <&3; "
                   "tr -d '\\0' < $R/notes.txt | cmp - $R/notes.txt && echo without NULs")};
        ASSERT_TRUE(program.wait_for("ready\n"));
        const std::string set = "set " + std::string{how} + " backupskip= writebackup";
        EXPECT_EQ(
            run({.arguments =
                     {"ex", "-s", "-u", "NONE", "-c", set, "-c", "%s/hay/straw/g", "-c", "x", file},
                 .environment = plain_environment()})
                .status(),
            0
        );
        const std::string now = read_file(file);
        EXPECT_THAT(now, HasSubstr("straw straw needle straw"));
        program.write("\n");
        const bool same_file = std::string_view{how} == "backupcopy=yes";
        EXPECT_EQ(
            program.wait().out,
            "ready\n" + now + "\n\n" + (same_file ? now : before) + "without NULs\n"
        );
    }
}

// A33: files that say to be empty and are not.
TEST_F(acceptance, A33FilesOfProcHaveTheirContentThoughTheirSizeIsZero) {
    process target{command{.arguments = {"cat"}, .input = "waits\n"}};
    ASSERT_TRUE(target.wait_for("waits\n"));
    const std::string proc = "/proc/" + std::to_string(target.pid());
    const std::string script =
        "cd /; for f in status cmdline comm limits cgroup; do "
        "stat -c %s $P/$f; grep -ve ctxt -e SigQ -e State $P/$f | md5sum; done; "
        "head -c 5 $P/status; dd if=$P/status bs=3 count=2 skip=1 "
        "status=none; tail -n +2 $P/status | head -n 1; readlink $P/exe; "
        "cat /proc/self/root$P/comm; wc -c < $P/cmdline";
    command covered = both.covered_command({"bash", "-c", script}, {"--read-only", "^/proc/[0-9]"});
    covered.arguments[3] = "pid/" + std::to_string(target.pid());
    covered.environment.push_back("P=" + proc);
    command native{
        .arguments = {"bash", "-c", script},
        .environment = plain_environment(),
        .directory = both.local()};
    native.environment.push_back("P=" + proc);
    const outcome expected = run(native);
    const outcome got = run(covered);
    EXPECT_THAT(expected.out, HasSubstr("Name:"));
    EXPECT_EQ(got.out, expected.out);
    EXPECT_EQ(got.err, expected.err);
    target.signal(SIGKILL);
}

// A34: as Kubernetes changes a volume: `..data` points to another directory from one moment to the
// next. Both files are read through the directory that one lookup found.
TEST_F(acceptance, A34AConfigurationThatIsSwappedIsOldOrNewAndNeverMissing) {
    const fs::path volume = both.remote() / "config";
    for (const char* const file : {"one", "two"}) {
        write_file(volume / "..a" / file, std::string(10, 'a'));
        write_file(volume / "..b" / file, std::string(50'000, 'b'));
        fs::create_symlink(fs::path{"..data"} / file, volume / file);
    }
    fs::create_symlink("..a", volume / "..data");
    const std::jthread swapper{[&volume](const std::stop_token& stop) {
        for (int i = 0; !stop.stop_requested(); ++i) {
            fs::create_symlink(i % 2 == 0 ? "..b" : "..a", volume / "..next");
            fs::rename(volume / "..next", volume / "..data");
        }
    }};
    const outcome result = both.run_covered(
        "python3 -c 'import os\n"
        "def read(name, at=None):\n"
        "    with open(os.open(name, os.O_RDONLY, dir_fd=at)) as file: return file.read()\n"
        "seen, swaps, last = set(), 0, None\n"
        "while swaps < 50:\n"
        "    for name in \"one\", \"two\":\n"
        "        text = read(\"/srv/app/config/\" + name)\n"
        "        seen.add((len(text), *set(text)))\n"
        "    at = os.open(\"/srv/app/config/..data\", os.O_RDONLY)\n"
        "    assert read(\"one\", at) == read(\"two\", at)\n"
        "    os.close(at)\n"
        "    swaps, last = swaps + (text != last), text\n"
        "print(sorted(seen))'"
    );
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(result.out, "[(10, 'a'), (50000, 'b')]\n");
}

// A35: a link of the target that begins at the root begins at the target's.
TEST_F(acceptance, A35AbsoluteLinksStayInTheTarget) {
    write_file(both.target() / "run/secrets/token", "of the target\n");
    fs::create_directory(both.target() / "var");
    fs::create_symlink("/run", both.target() / "var/run");
    fs::create_symlink("/run/secrets", both.remote() / "secrets");
    const outcome result =
        both.run_covered("cat /var/run/secrets/token $R/secrets/token; cd $R/secrets && cat token");
    EXPECT_EQ(result.out, "of the target\nof the target\nof the target\n");
    EXPECT_EQ(result.err, "");
}

// A42: the libraries that look names up do not end the session.
TEST_F(acceptance, A42LookingForAUserThatIsNotThereHarmsNothing) {
    const char* const script =
        "id nosuchuser; echo $?; getent passwd nosuchuser; echo $?; cat "
        "$R/table.csv; ls -l $R/table.csv | cut -d ' ' -f 3,4";
    const outcome covered = both.run_covered(script);
    const outcome native = both.run_natively(script);
    EXPECT_EQ(covered.out, native.out);
    EXPECT_EQ(covered.err, native.err);
}

// A54: the numbers of the target's file system, in both structures of the C library.
TEST_F(acceptance, A54FileSystemsAreMeasured) {
    const char* const script =
        "cd $R; df --output=fstype,size,itotal . | tail -n 1; python3 -c 'import os\n"
        "s = os.statvfs(\".\"); f = os.open(\"notes.txt\", 0); t = os.fstatvfs(f)\n"
        "print(s.f_bsize, s.f_frsize, s.f_blocks, s.f_files, s.f_flag, s.f_namemax, "
        "t.f_blocks == s.f_blocks, s.f_bfree > 0)'";
    EXPECT_EQ(both.run_covered(script).out, both.run_natively(script).out);
}

// FIFOs of the target join covered programs with the target's own.
TEST_F(acceptance, FifosJoinCoveredProgramsAndTheTargets) {
    const std::string fifo = both.remote() / "fifo";
    process reader{beside("cat $R/fifo; echo end")};
    EXPECT_EQ(run({.arguments = {"sh", "-c", "echo from the target > " + fifo}}).status(), 0);
    EXPECT_EQ(reader.wait().out, "from the target\nend\n");

    process writer{beside("head -c 200000 /dev/zero > $R/fifo; echo written")};
    EXPECT_EQ(run({.arguments = {"sh", "-c", "wc -c < " + fifo}}).out, "200000\n");
    EXPECT_EQ(writer.wait().out, "written\n");

    process broken{beside("trap '' PIPE; cat $R/noise.bin > $R/fifo; echo $?")};
    EXPECT_EQ(run({.arguments = {"sh", "-c", "head -c 3 " + fifo + " | wc -c"}}).out, "3\n");
    const outcome result = broken.wait();
    EXPECT_EQ(result.out, "1\n");
    EXPECT_THAT(result.err, HasSubstr("Broken pipe"));
}

// A server's socket in the target is seen, and connecting says that it is out of reach.
TEST_F(acceptance, SocketsOfTheTargetAreOutOfReachAndTheTraceSaysSo) {
    const std::string path = both.remote() / "socket";
    process server{command{
        .arguments = {
            "python3",
            "-u",
            "-c",
            "import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); "
            "s.listen(); print('listens'); s.accept()",
            path}}};
    ASSERT_TRUE(server.wait_for("listens\n"));
    const std::string trace = both.local() / "trace";
    const outcome result = both.run_covered(
        "stat -c %F $R/socket; python3 -c 'import socket; s = socket.socket(socket.AF_UNIX)\n"
        "try: s.connect(\"/srv/app/socket\")\n"
        "except OSError as e: print(e.errno)'",
        {"--trace", trace}
    );
    EXPECT_EQ(result.out, "socket\n" + std::to_string(ENXIO) + "\n") << result.err;
    EXPECT_THAT(
        read_file(trace),
        HasSubstr("| refused | a socket of the target cannot be reached from here")
    );
    server.signal(SIGKILL);
}

// farside, its session and its agent are ordinary programs too.
TEST_F(acceptance, FarsideItselfRunsUnderATracer) {
    if (!is_installed("strace")) {
        GTEST_SKIP() << "strace is not installed";
    }
    command traced =
        both.covered_command({"sh", "-c", "cat $R/table.csv | sort; ls $R/dir; exit 3"});
    const outcome plain = run(traced);
    traced.arguments.insert(
        traced.arguments.begin(), {"strace", "-f", "-o", both.local() / "trace"}
    );
    const outcome result = run(traced);
    EXPECT_EQ(result.status(), 3);
    EXPECT_EQ(result.out, plain.out);
    EXPECT_EQ(result.err, plain.err);
    EXPECT_THAT(read_file(both.local() / "trace"), HasSubstr("exited with 3"));
}

}  // namespace
}  // namespace farside::test
