// The built program, as far as it goes without a target: what it prints, and its exit status.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>

#include <sys/wait.h>

namespace farside::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct outcome {
    int status;
    std::string output;  // of both streams
};

outcome run(const std::string& arguments) {
    const std::string command =
        "exec 2>&1 </dev/null; unset FARSIDE_TARGET; cd /usr; exec " FARSIDE " " + arguments;
    FILE* const stream = ::popen(command.c_str(), "r");
    std::string output;
    std::array<char, 4096> buffer{};
    while (const std::size_t bytes = std::fread(buffer.data(), 1, buffer.size(), stream)) {
        output.append(buffer.data(), bytes);
    }
    const int status = ::pclose(stream);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

TEST(Farside, SaysWhatItIs) {
    EXPECT_THAT(run("--version").output, StartsWith("farside 0."));
    EXPECT_EQ(run("--version").status, 0);
    EXPECT_THAT(run("--help").output, HasSubstr("farside exec"));
    EXPECT_THAT(run("exec --help").output, HasSubstr("--read-write"));
    EXPECT_EQ(run("exec --help").status, 0);
    EXPECT_THAT(run("explain --help").output, HasSubstr("--fs-mode"));
}

TEST(Farside, WhatCannotBeDoneIsOneLine) {
    struct row {
        const char* arguments;
        int status;
        const char* line;
    };

    const row rows[] = {
        {"", 125, "farside: no command: exec or explain; see farside --help\n"},
        {"exce", 125, "farside: unknown command 'exce'; see farside --help\n"},
        {"exec", 125, "farside: no program: farside exec [OPTIONS] [--] PROGRAM [ARGUMENTS...]\n"},
        {"exec --bogus ls", 125, "farside: unknown option --bogus; see farside exec --help\n"},
        {"exec --fs-mode lots ls",
         125,
         "farside: --fs-mode: unknown mode 'lots': read, write, local or localwithoverrides\n"},
        {"exec ls", 125, "farside: no target: say --target KIND/NAME or set FARSIDE_TARGET\n"},
        {"exec --target web ls",
         125,
         "farside: 'web' is no target: it must be docker/NAME, pid/NUMBER or dir/PATH\n"},
        {"exec --target moon/web ls",
         125,
         "farside: unknown kind of target in 'moon/web': docker, pid and dir are known\n"},
        {"exec --target dir/ ls", 125, "farside: 'dir/' names no directory\n"},
        {"exec --target dir//srv --local 'a(' ls",
         125,
         "farside: --local 'a(': bad pattern: missing ): a(\n"},
        {"exec --agent unix:/x --token-file /nowhere/t ls",
         125,
         "farside: token file /nowhere/t: No such file or directory\n"},
        {"exec --token-file /nowhere/t ls", 125, "farside: --token-file requires --agent\n"},
        {"exec --target dir//srv -- no-such-program-here",
         127,
         "farside: no-such-program-here: No such file or directory\n"},
        {"exec --target dir//srv -- /etc/passwd", 126, "farside: /etc/passwd: Permission denied\n"},
        {"exec --target dir//srv -- " IMAGE_STATIC,
         126,
         "farside: " IMAGE_STATIC " is statically linked and cannot be covered; use --allow-local "
         "to run it on local files\n"},
        {"explain", 125, "farside: no path: farside explain [OPTIONS] [--] PATH...\n"},
    };
    for (const row& r : rows) {
        SCOPED_TRACE(r.arguments);
        const outcome result = run(r.arguments);
        EXPECT_EQ(result.output, r.line);
        EXPECT_EQ(result.status, r.status);
    }
}

TEST(Farside, ExplainsPaths) {
    const outcome result =
        run("explain --fs-mode write --local '^/srv/cache' -- /srv/cache/x /srv/../data /etc/hosts "
            "lib");
    EXPECT_EQ(
        result.output,
        "/srv/cache/x: local (--local '^/srv/cache')\n"
        "/data: remote (mode write)\n"
        "/etc/hosts: remote read-only (built-in: /etc/hosts)\n"
        "/usr/lib: local (built-in: /usr)\n"
    );
    EXPECT_EQ(result.status, 0);
}

}  // namespace
}  // namespace farside::cli
