// Traces are read by people: names, fields in order, long values cut.
#include "protocol/dump.hpp"

#include "protocol/message_table.hpp"

#include <gtest/gtest.h>

namespace farside::protocol {
namespace {

bytes_view view_of(std::string_view text) {
    return {std::as_bytes(std::span{text})};
}

frame frame_of(
    std::uint16_t flags, opcode op, std::uint64_t id, std::span<const std::byte> payload
) {
    return {{static_cast<std::uint32_t>(payload.size()), op, flags, request_id{id}}, payload};
}

TEST(Dump, ShowsNameAndFieldsInOrder) {
    const open message{{handle_id{7}, "a/b"}, 2, 0644, 022, 0};
    EXPECT_EQ(dump(message), R"(open{{#7, "a/b"}, 2, 420, 18, 0, false})");
    EXPECT_EQ(dump(empty_reply{}), "empty_reply{}");
}

TEST(Dump, ShowsBooleansListsAndSignedNumbers) {
    EXPECT_EQ(
        dump(hello{1, 2, 0, {3, 4, 5}, false, "x", ""}),
        R"(hello{1, 2, 0, {3, 4, 5}, false, "x", ""})"
    );
    EXPECT_EQ(
        dump(read_directory_reply{{{1, -2, 4, "."}, {5, 6, 8, "f"}}}),
        R"(read_directory_reply{[{1, -2, 4, "."}, {5, 6, 8, "f"}]})"
    );
}

TEST(Dump, EscapesWhatATerminalWouldAct) {
    EXPECT_EQ(dump(path_reply{"\x1b[2J\"\\\xff"}), R"(path_reply{"\x1b[2J\"\\\xff"})");
}

TEST(Dump, CutsLongBytesAndLists) {
    const std::string data(100, 'x');
    EXPECT_EQ(
        dump(read_reply{view_of(data)}), "read_reply{\"" + std::string(64, 'x') + "\"... 100 bytes}"
    );
    read_directory_reply long_list;
    long_list.entries.resize(9);
    EXPECT_NE(dump(long_list).find(", ... 9 in all]"), std::string::npos);
}

TEST(Dump, ShowsEachKindOfFrame) {
    buffer request;
    encode(ping{5}, request);
    EXPECT_EQ(dump(frame_of(0, opcode::ping, 9, request)), "9 ping{5}");

    buffer reply;
    writer{reply}.put(no_error);
    encode(read_reply{view_of("hi")}, reply);
    EXPECT_EQ(dump(frame_of(1, opcode::read, 9, reply)), R"(9 read_reply{"hi"})");
    EXPECT_EQ(dump(frame_of(3, opcode::read, 9, reply)), R"(9 read_reply{"hi"} more)");

    buffer failed;
    writer{failed}.put(wire_errno{2});
    EXPECT_EQ(dump(frame_of(1, opcode::open, 9, failed)), "9 open failed 2");

    buffer push;
    encode(goodbye{"no"}, push);
    EXPECT_EQ(dump(frame_of(0, opcode::goodbye, 0, push)), R"(0 goodbye{"no"})");
}

TEST(Dump, SaysWhyAFrameIsNotItsMessage) {
    EXPECT_EQ(
        dump(frame_of(0, opcode::ping, 9, {})),
        "9 ping malformed: a message ends before its last field"
    );
    EXPECT_EQ(
        dump(frame_of(1, opcode::ping, 9, {})), "9 ping malformed: a reply without its errno"
    );
    EXPECT_EQ(
        dump(frame_of(1, opcode::cancel, 9, {})),
        "9 cancel malformed: a reply to a message that has none"
    );
    EXPECT_EQ(dump(frame_of(0, opcode{999}, 9, {})), "9 unknown opcode 999, 0 bytes");
}

TEST(Dump, MakesAPeersTextOneLine) {
    EXPECT_EQ(one_line("a\n\x1b[1mb\x7f\xc3\xa9"), "a??[1mb?\xc3\xa9");
    EXPECT_EQ(one_line(std::string(5000, 'x')).size(), limits::text_bytes_max);
}

}  // namespace
}  // namespace farside::protocol
