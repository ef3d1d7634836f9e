// How a trace writes arguments, results and bytes, and that it never writes more than a line.
#include "layer/preload/trace_text.hpp"

#include <climits>
#include <gtest/gtest.h>

#include <array>
#include <string>

#include <fcntl.h>

namespace farside::preload {
namespace {

struct line_of_text {
    std::array<char, trace_text::line_room> room{};
    trace_text text{room.data()};

    // Without the end of the line.
    std::string finish() {
        std::string line{text.finish()};
        EXPECT_EQ(line.back(), '\n');
        line.pop_back();
        return line;
    }
};

std::string argument(argument_kind kind, long value) {
    line_of_text line;
    line.text.put_argument(kind, value);
    return line.finish();
}

TEST(TraceText, WritesArgumentsByTheirKinds) {
    using enum argument_kind;
    EXPECT_EQ(argument(fd, 0xffffffff), "-1");
    EXPECT_EQ(argument(fd, 17), "17");
    EXPECT_EQ(argument(at, 0xffffff9c), "AT_FDCWD");
    EXPECT_EQ(argument(at, 5), "5");
    EXPECT_EQ(argument(number, LONG_MIN), "-9223372036854775808");
    EXPECT_EQ(argument(count, -1), "18446744073709551615");
    EXPECT_EQ(argument(octal, 0644), "0644");
    EXPECT_EQ(argument(octal, 0), "0");
    EXPECT_EQ(argument(hex, 0x5401), "0x5401");
    EXPECT_EQ(argument(pointer, 0), "0");
    EXPECT_EQ(argument(whence, SEEK_HOLE), "SEEK_HOLE");
    EXPECT_EQ(argument(whence, 99), "99");
    EXPECT_EQ(argument(fcntl_command, F_OFD_SETLKW), "F_OFD_SETLKW");
}

TEST(TraceText, WritesFlagsByName) {
    using enum argument_kind;
    EXPECT_EQ(argument(open_flags, O_RDONLY), "O_RDONLY");
    EXPECT_EQ(argument(open_flags, O_RDWR | O_SYNC), "O_RDWR|O_SYNC");
    EXPECT_EQ(argument(open_flags, O_WRONLY | O_DSYNC), "O_WRONLY|O_DSYNC");
    EXPECT_EQ(argument(open_flags, O_WRONLY | O_TMPFILE), "O_WRONLY|O_TMPFILE");
    EXPECT_EQ(argument(open_flags, O_DIRECTORY | 0100000), "O_RDONLY|O_DIRECTORY");
    EXPECT_EQ(argument(open_flags, 0x40000000), "O_RDONLY|0x40000000");
    EXPECT_EQ(argument(at_flags, 0), "0");
    EXPECT_EQ(argument(at_flags, AT_EMPTY_PATH | 1), "AT_EMPTY_PATH|0x1");
}

TEST(TraceText, WritesErrorsByName) {
    for (const auto& [result, expected] : {
             std::pair{-2L, "ENOENT"},
             std::pair{-4095L, "4095"},
             std::pair{-4096L, "-4096"},
             std::pair{0L, "0"},
             std::pair{77L, "77"},
         }) {
        line_of_text line;
        line.text.put_result(result);
        EXPECT_EQ(line.finish(), expected) << result;
    }
}

TEST(TraceText, EscapesBytes) {
    line_of_text line;
    line.text.put_quoted(std::string_view{"a\"b\\c\n\x01\x7f\xc3\xa9\0z", 12});
    EXPECT_EQ(line.finish(), R"("a\"b\\c\n\x01\x7f\xc3\xa9\x00z")");
}

TEST(TraceText, CutsLongTexts) {
    line_of_text line;
    line.text.put_quoted(std::string(trace_text::quoted_max, 'x'));
    EXPECT_EQ(line.finish(), '"' + std::string(trace_text::quoted_max, 'x') + '"');
    line_of_text cut;
    cut.text.put_quoted(std::string(trace_text::quoted_max + 1, 'x'));
    EXPECT_EQ(cut.finish(), '"' + std::string(trace_text::quoted_max, 'x') + "\"...");
}

TEST(TraceText, NeverLeavesTheLine) {
    line_of_text line;
    for (int i = 0; i < 20; ++i) {
        line.text.put_quoted(std::string(trace_text::quoted_max, '\xff')).put_number(LONG_MIN);
    }
    EXPECT_EQ(line.finish().size(), trace_text::line_room - 1);
}

}  // namespace
}  // namespace farside::preload
