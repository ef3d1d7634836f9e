// Programs that the layer cannot live in: recognised before they run, as the program itself and as
// anybody's child, refused in one line, and run on local files where that is asked for.
#include "tests/support/sides.hpp"
#include "tests/support/tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

namespace farside::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

constexpr const char* only_here = "this machine's";

// Programs that print the file named by their last argument.
class uncovered : public testing::Test {
protected:
    uncovered() { write_file(file_, only_here); }

    [[nodiscard]] fs::path built(const std::string& name) const {
        return fs::path{programs_} / name;
    }

    // A copy of the dynamic reader, changed.
    fs::path altered(const std::string& name, std::string_view what, std::string_view with) {
        std::string bytes = read_file(built("reader"));
        const std::size_t at = bytes.find(what);
        EXPECT_NE(at, std::string::npos);
        bytes.replace(at, with.size(), with);
        return add(name, bytes);
    }

    fs::path add(const std::string& name, std::string_view bytes) {
        const fs::path path = both_.local() / name;
        write_file(path, bytes);
        fs::permissions(path, fs::perms{0755});
        return path;
    }

    // The same verdict on every way to run it.
    void expect_refused(const fs::path& program, const std::string& reason) {
        SCOPED_TRACE(program);
        const outcome itself = run(both_.covered_command({program, file_}));
        EXPECT_EQ(itself.status(), 126);
        EXPECT_EQ(itself.out, "");
        EXPECT_THAT(
            itself.err, MatchesRegex("farside: [^\n]*" + reason + "[^\n]*--allow-local[^\n]*\n")
        );

        const std::string quoted = program.string() + " " + file_;
        const outcome child =
            both_.run_covered(quoted + "; echo status=$?; cat $R/table.csv | head -n 1");
        EXPECT_EQ(child.out, "status=126\nname,count\n");
        EXPECT_THAT(
            child.err,
            MatchesRegex(
                "farside: [^\n]*" + reason + "[^\n]*--allow-local[^\n]*\n.*Permission denied\n"
            )
        );

        const outcome spawned = run(both_.covered_command(
            {"python3",
             "-c",
             "import subprocess, sys\ntry: subprocess.run(sys.argv[1:])\nexcept OSError as e: "
             "print(e.errno)",
             program,
             file_}
        ));
        EXPECT_EQ(spawned.out, "13\n");
        EXPECT_THAT(spawned.err, StartsWith("farside: "));
    }

    void expect_allowed(const fs::path& program) {
        SCOPED_TRACE(program);
        const outcome itself = run(both_.covered_command({program, file_}, {"--allow-local"}));
        EXPECT_EQ(itself.out, only_here);
        EXPECT_EQ(itself.status(), 0) << itself.err;
        const outcome child = both_.run_covered(
            program.string() + " " + file_ + "; cat $R/link | head -n 1", {"--allow-local"}
        );
        EXPECT_EQ(child.out, only_here + std::string{"first line of the notes\n"});
        EXPECT_EQ(child.status(), 0) << child.err;
        // It is not covered: what only the target has is not there.
        const outcome remote = run(both_.covered_command(
            {program, std::string{remote_root} + "/notes.txt"}, {"--allow-local"}
        ));
        EXPECT_NE(remote.status(), 0);
        EXPECT_EQ(remote.out, "");
    }

    sides both_;
    std::string programs_ = both_.programs();
    std::string file_ = both_.local() / "file";
};

TEST_F(uncovered, DynamicProgramsAreFine) {
    EXPECT_EQ(run(both_.covered_command({built("reader"), file_})).out, only_here);
    EXPECT_EQ(both_.run_covered("$B/reader $R/table.csv | head -n 1").out, "name,count\n");
}

TEST_F(uncovered, StaticPrograms) {
    expect_refused(built("reader-static"), "statically linked");
    expect_allowed(built("reader-static"));
}

TEST_F(uncovered, StaticPositionIndependentPrograms) {
    expect_refused(built("reader-static-pie"), "statically linked");
    expect_allowed(built("reader-static-pie"));
}

TEST_F(uncovered, WhatValgrindIsToRun) {
    if (!is_installed("valgrind")) {
        GTEST_SKIP() << "valgrind is not installed";
    }
    const auto told = [&](const std::string& program) {
        return run(both_.covered_command({"valgrind", "-q", program, file_}));
    };
    EXPECT_EQ(told(built("reader")).out, only_here);
    const auto refused = [&](const std::string& program, const std::string& why) {
        SCOPED_TRACE(program);
        const outcome ended = told(program);
        EXPECT_NE(ended.status(), 0);
        EXPECT_EQ(ended.out, "");
        EXPECT_THAT(ended.err, StartsWith("farside: " + program + " is " + why));
    };
    refused(built("reader-static"), "statically linked");
    refused(std::string{remote_root} + "/reader", "in the target");
    const outcome found = run(both_.covered_command(
        {"sh", "-c", "PATH=$1:$PATH valgrind -q reader-static $2", "sh", programs_, file_}
    ));
    EXPECT_THAT(found.err, StartsWith("farside: reader-static is statically linked"));
    EXPECT_EQ(found.out, "");
}

TEST_F(uncovered, Busybox) {
    if (!is_installed("busybox")) {
        GTEST_SKIP() << "busybox is not installed";
    }
    const outcome told =
        run({.arguments = {"sh", "-c", "readelf -l $(command -v busybox) | grep -c INTERP"}});
    if (told.out != "0\n") {
        GTEST_SKIP() << "busybox is dynamic here";
    }
    const fs::path program = both_.local() / "cat";
    fs::create_symlink("/bin/busybox", program);
    expect_refused(program, "statically linked");
    expect_allowed(program);
}

TEST_F(uncovered, ProgramsForMusl) {
    expect_refused(
        altered("musl", "/lib64/ld-linux-x86-64.so.2", {"/lib/ld-musl-x86_64.so.1\0\0\0", 27}),
        "musl"
    );
}

TEST_F(uncovered, ProgramsOfAnotherLoader) {
    expect_refused(
        altered("other", "/lib64/ld-linux-x86-64.so.2", {"/lib/another-loader.so.1\0\0\0", 27}),
        "loader"
    );
}

TEST_F(uncovered, ProgramsOf32Bits) {
    expect_refused(
        altered(
            "i386",
            "\x7f"
            "ELF\x02",
            "\x7f"
            "ELF\x01"
        ),
        "32-bit"
    );
}

TEST_F(uncovered, ProgramsOfAnotherMachine) {
    std::string bytes = read_file(built("reader"));
    bytes[18] = '\xb7';  // EM_AARCH64
    expect_refused(add("arm", bytes), "another machine");
}

TEST_F(uncovered, ProgramsThatGainRights) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can make a program of another user";
    }
    const fs::path program = add("setuid", read_file(built("reader")));
    ASSERT_EQ(::chown(program.c_str(), 65534, 65534), 0);
    fs::permissions(program, fs::perms{04755});
    fs::permissions(both_.local().parent_path().parent_path(), fs::perms{0755});  // of this test
    expect_refused(program, "gains rights");
    expect_allowed(program);
}

TEST_F(uncovered, InterpretersOfScripts) {
    const fs::path script =
        add("script", "#!" + built("reader-static").string() + "\nthe script itself\n");
    const outcome itself = run(both_.covered_command({script}));
    EXPECT_EQ(itself.status(), 126);
    EXPECT_THAT(itself.err, MatchesRegex("farside: [^\n]*statically linked[^\n]*\n"));
    const outcome child = both_.run_covered(script.string() + "; echo $?");
    EXPECT_EQ(child.out, "126\n");
    EXPECT_THAT(child.err, HasSubstr("statically linked"));
    const outcome allowed = run(both_.covered_command({script}, {"--allow-local"}));
    EXPECT_THAT(allowed.out, HasSubstr("the script itself\n"));
}

TEST_F(uncovered, ProgramsInTheTarget) {
    fs::copy_file(built("reader-static"), both_.remote() / "static");
    const outcome refused = both_.run_covered("$R/static " + file_ + "; echo $?");
    EXPECT_EQ(refused.out, "126\n");
    EXPECT_THAT(refused.err, HasSubstr("statically linked"));
    EXPECT_EQ(both_.run_covered("$R/static " + file_, {"--allow-local"}).out, only_here);
}

TEST_F(uncovered, WhatIsNoProgramIsForTheShellToSay) {
    const fs::path text = add("text", "echo from $0 | sed 's,/.*/,,'\n");
    EXPECT_EQ(both_.run_covered(text.string()).out, "from text\n");
    EXPECT_EQ(run(both_.covered_command({text})).out, "from text\n");
    const fs::path cut = add("cut", read_file(built("reader")).substr(0, 40));
    const outcome result = both_.run_covered(cut.string());
    EXPECT_EQ(result.status(), 126);
    EXPECT_THAT(result.err, HasSubstr("cannot execute binary file"));
}

}  // namespace
}  // namespace farside::test
