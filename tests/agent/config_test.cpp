// The command line and the token file: what is taken, and the line for what is not.
#include "agent/config.hpp"

#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace farside::agent {
namespace {

using farside::test::temp_dir;
using farside::test::write_file;
using testing::HasSubstr;

or_failure<std::variant<config, information>> parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "farside-agent");
    return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

std::string line_of(std::vector<const char*> arguments) {
    const auto parsed = parse(std::move(arguments));
    return parsed ? "" : parsed.error().line;
}

TEST(CommandLine, StdioTakesATarget) {
    const auto parsed = parse({"--stdio", "--target", "docker/web", "--log-level", "debug"});
    ASSERT_TRUE(parsed);
    const auto& told = std::get<config>(*parsed);
    EXPECT_TRUE(told.stdio);
    EXPECT_EQ(told.target, "docker/web");
    EXPECT_EQ(told.level, log_level::debug);
}

TEST(CommandLine, ListenTakesAnAddressAndAToken) {
    const auto parsed =
        parse({"--listen", "127.0.0.1:0", "--token-file", "/t", "--target", "pid/1"});
    ASSERT_TRUE(parsed);
    EXPECT_EQ(std::get<config>(*parsed).listen, "127.0.0.1:0");
    EXPECT_EQ(std::get<config>(*parsed).token_file, "/t");
    EXPECT_EQ(std::get<config>(*parsed).level, log_level::warn);
    EXPECT_TRUE(parse({"--listen", "unix:/s", "--target", "pid/1"}));
}

TEST(CommandLine, MistakesAreOneLine) {
    EXPECT_THAT(line_of({}), HasSubstr("--target"));
    EXPECT_THAT(line_of({"--target", "pid/1"}), HasSubstr("either --stdio or --listen"));
    EXPECT_THAT(
        line_of({"--stdio", "--listen", "unix:/s", "--target", "pid/1"}),
        HasSubstr("either --stdio or --listen")
    );
    EXPECT_THAT(
        line_of({"--listen", "127.0.0.1:1", "--target", "pid/1"}), HasSubstr("needs --token-file")
    );
    EXPECT_THAT(
        line_of({"--stdio", "--token-file", "/t", "--target", "pid/1"}),
        HasSubstr("goes with --listen")
    );
    EXPECT_THAT(line_of({"--stdio", "--target", "pid/1", "--bogus"}), HasSubstr("--bogus"));
    EXPECT_THAT(
        line_of({"--stdio", "--target", "pid/1", "--log-level", "loud"}), HasSubstr("loud")
    );
    for (const auto& line : {line_of({}), line_of({"--stdio", "--bogus"})}) {
        EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    }
}

TEST(CommandLine, VersionAndHelpAreInformation) {
    const auto version = parse({"--version"});
    ASSERT_TRUE(version);
    EXPECT_THAT(std::get<information>(*version).text, HasSubstr("farside-agent 0."));
    const auto help = parse({"--help"});
    ASSERT_TRUE(help);
    EXPECT_THAT(std::get<information>(*help).text, HasSubstr("--token-file"));
}

TEST(TokenFile, IsItsContentWithoutTheNewline) {
    const temp_dir directory;
    const auto path = (directory.path() / "token").string();
    const std::string longest(256, 't');

    const struct {
        std::string content;
        std::string token;
    } rows[] = {
        {"secret", "secret"},
        {"secret\n", "secret"},
        {"secret\r\n", "secret"},
        {"two\nlines\n", "two\nlines"},
        {longest + "\n", longest},
    };

    for (const auto& row : rows) {
        write_file(path, row.content);
        EXPECT_EQ(read_token(path).value(), row.token);
    }
}

TEST(TokenFile, MustHaveAToken) {
    const temp_dir directory;
    const auto path = (directory.path() / "token").string();
    EXPECT_THAT(read_token(path).error().line, HasSubstr("cannot be read"));
    EXPECT_THAT(read_token(directory.path().string()).error().line, HasSubstr("cannot be read"));
    for (const std::string content : {"", "\n", "\r\n"}) {
        write_file(path, content);
        EXPECT_THAT(read_token(path).error().line, HasSubstr("is empty"));
    }
    for (const std::size_t bytes : {257U, 300U, 100'000U}) {
        write_file(path, std::string(bytes, 't'));
        EXPECT_THAT(read_token(path).error().line, HasSubstr("longer than 256"));
    }
}

}  // namespace
}  // namespace farside::agent
