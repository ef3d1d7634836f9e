// A rule that finds nothing proves nothing: each is shown text that breaks it and text that does
// not.
#include "tests/tidy/rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farside::tidy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

violations includes(std::string path, const std::string& target) {
    return check_includes({std::move(path), "#include \"" + target + "\"\n"});
}

TEST(TidyRules, KnowTheParts) {
    EXPECT_EQ(part_of("protocol/frame.hpp"), "protocol");
    EXPECT_EQ(part_of("agent/target/docker.hpp"), "agent");
    EXPECT_EQ(part_of("layer/session/main.cpp"), "layer/session");
    EXPECT_EQ(part_of("frame.hpp"), "frame.hpp");
}

TEST(TidyRules, IncludesGoInOneDirection) {
    EXPECT_THAT(includes("agent/a.cpp", "protocol/frame.hpp"), IsEmpty());
    EXPECT_THAT(includes("agent/target/a.cpp", "agent/log.hpp"), IsEmpty());
    EXPECT_THAT(includes("layer/session/a.cpp", "layer/common/path.hpp"), IsEmpty());
    EXPECT_THAT(includes("tests/a.cpp", "layer/preload/patcher.hpp"), IsEmpty());

    EXPECT_THAT(
        includes("protocol/a.cpp", "agent/log.hpp"),
        ElementsAre("protocol/a.cpp:1: protocol must not see agent/log.hpp")
    );
    EXPECT_EQ(includes("agent/a.cpp", "layer/common/path.hpp").size(), 1U);
    EXPECT_EQ(includes("layer/preload/a.cpp", "protocol/types.hpp").size(), 1U);
    EXPECT_EQ(includes("layer/preload/a.cpp", "layer/session/control.hpp").size(), 1U);
    EXPECT_EQ(includes("layer/common/a.cpp", "layer/segment/view.hpp").size(), 1U);
    EXPECT_EQ(includes("layer/segment/a.hpp", "protocol/types.hpp").size(), 1U);
    EXPECT_EQ(includes("agent/a.cpp", "tests/support/fake.hpp").size(), 1U);
}

TEST(TidyRules, IncludesAreWrittenFromTheRoot) {
    EXPECT_THAT(
        includes("agent/a.cpp", "log.hpp"),
        ElementsAre("agent/a.cpp:1: include from the root: log.hpp")
    );
    EXPECT_EQ(includes("agent/a.cpp", "../protocol/types.hpp").size(), 1U);
}

TEST(TidyRules, FilesAndLinesHaveLengths) {
    const std::string at_limit = std::string(100, 'x') + '\n';
    EXPECT_THAT(check_lengths({"agent/a.cpp", at_limit}), IsEmpty());
    EXPECT_THAT(check_lengths({"agent/a.cpp", std::string(50, 'x') + "\xc3\xa4"}), IsEmpty());
    EXPECT_THAT(check_lengths({"agent/a.cpp", 'x' + at_limit}), ElementsAre(HasSubstr(":1: more")));

    const std::string lines(400, '\n');
    EXPECT_THAT(check_lengths({"agent/a.cpp", lines}), IsEmpty());
    EXPECT_EQ(check_lengths({"agent/a.cpp", lines + '\n'}).size(), 1U);
    EXPECT_THAT(check_lengths({"tests/a.cpp", lines + '\n'}), IsEmpty());
    EXPECT_EQ(check_lengths({"tests/a.cpp", std::string(701, '\n')}).size(), 1U);
}

TEST(TidyRules, FilesOpenByWhatTheyAre) {
    EXPECT_THAT(check_opening({"a.cpp", "// A thing.\n"}), IsEmpty());
    EXPECT_THAT(check_opening({"a.hpp", "// A thing.\n#pragma once\n"}), IsEmpty());
    EXPECT_EQ(check_opening({"a.cpp", "#include <x>\n"}).size(), 1U);
    EXPECT_EQ(check_opening({"a.cpp", ""}).size(), 1U);
    EXPECT_EQ(check_opening({"a.hpp", "// A thing.\n"}).size(), 1U);
    EXPECT_EQ(check_opening({"a.hpp", "// A thing.\n#pragma once\n#ifndef A_HPP\n"}).size(), 1U);
}

TEST(TidyRules, SomeTextIsBanned) {
    const std::string spawn = "asio::co_spawn(x);\n";
    EXPECT_EQ(check_banned({"agent/a.cpp", spawn}).size(), 1U);
    EXPECT_THAT(check_banned({"agent/task_group.hpp", spawn}), IsEmpty());
    EXPECT_THAT(check_banned({"agent/a.cpp", "// " + spawn}), IsEmpty());

    const std::string open_namespace = "    using namespace std;\n";
    EXPECT_EQ(check_banned({"agent/a.hpp", open_namespace}).size(), 1U);
    EXPECT_THAT(check_banned({"agent/a.cpp", open_namespace}), IsEmpty());

    const std::string streams = "#include <iostream>\n";
    EXPECT_EQ(check_banned({"layer/cli/a.cpp", streams}).size(), 1U);
    EXPECT_EQ(check_banned({"protocol/a.cpp", streams}).size(), 1U);
    EXPECT_THAT(check_banned({"agent/a.cpp", streams}), IsEmpty());

    EXPECT_EQ(check_banned({"agent/a.cpp", "// TODO: x\n"}).size(), 1U);
    EXPECT_EQ(check_banned({"tests/a.cpp", "// XXX\n"}).size(), 1U);
}

TEST(TidyRules, AwaitsStandAlone) {
    EXPECT_THAT(check_awaits({"a.cpp", "auto x = co_await f(a, std::move(b));\n"}), IsEmpty());
    EXPECT_THAT(check_awaits({"a.cpp", "auto [e, n] = co_await f(a[i]);\nif (e) {\n"}), IsEmpty());
    EXPECT_THAT(check_awaits({"a.cpp", "co_await f(\n    a\n);\nauto g = [&] {};\n"}), IsEmpty());
    EXPECT_THAT(check_awaits({"a.cpp", "// co_await f({})\n"}), IsEmpty());

    EXPECT_EQ(check_awaits({"a.cpp", "co_await f([&] { g(); });\n"}).size(), 1U);
    EXPECT_EQ(check_awaits({"a.cpp", "co_await f(\n    point{1, 2}\n);\n"}).size(), 1U);
    EXPECT_EQ(check_awaits({"a.cpp", "if (co_await f(x)) {\n"}).size(), 1U);
    EXPECT_EQ(check_awaits({"a.cpp", "co_await f([this](int) -> int;\n"}).size(), 1U);
}

}  // namespace
}  // namespace farside::tidy
