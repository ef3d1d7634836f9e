// The bytes of every message, compared with files that only a person changes. A field that moves,
// an opcode that changes or a new encoding shows here before it meets an older peer.
#include "tests/protocol/golden.hpp"

#include "protocol/frame_parser.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace farside::protocol {
namespace {

const std::filesystem::path folder = std::filesystem::path{FARSIDE_SOURCE_DIR} / "tests/golden";

std::string content_of(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

// The frames of a golden file, one behind the other.
buffer bytes_of(const std::string& text) {
    buffer bytes;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with('#')) {
            continue;
        }
        std::istringstream words{line};
        for (std::string word; words >> word;) {
            bytes.push_back(static_cast<std::byte>(std::stoul(word, nullptr, 16)));
        }
    }
    return bytes;
}

TEST(Golden, EveryMessageHasItsBytes) {
    for_each_message(all_messages{}, []<typename Message>(std::type_identity<Message>) {
        const auto path = folder / golden_name<Message>();
        EXPECT_EQ(content_of(path), golden_text<Message>())
            << path << ": missing or different; see tests/golden/README.md";
    });
}

TEST(Golden, HasNoFileWithoutAMessage) {
    std::set<std::string> expected{"README.md"};
    for_each_message(all_messages{}, [&]<typename Message>(std::type_identity<Message>) {
        expected.insert(golden_name<Message>());
    });
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator{folder}) {
        found.insert(entry.path().filename());
    }
    EXPECT_EQ(found, expected);
}

TEST(Golden, FilesDecodeToTheirValues) {
    for_each_message(all_messages{}, []<typename Message>(std::type_identity<Message>) {
        SCOPED_TRACE(type_name<Message>());
        const buffer bytes = bytes_of(content_of(folder / golden_name<Message>()));
        golden_values<Message> values;
        frame_parser parser;
        std::ranges::copy(bytes, parser.prepare().begin());
        parser.commit(bytes.size());

        const auto request = parser.next().value();
        ASSERT_TRUE(request);
        EXPECT_EQ(request->header.op, Message::op);
        EXPECT_EQ(decode<Message>(request->payload).value(), values.request);
        if constexpr (answered_message<Message>) {
            using reply_type = typename Message::reply;
            const auto reply = parser.next().value();
            ASSERT_TRUE(reply);
            EXPECT_EQ(reply->header.flags, frame_flags::reply);
            const auto body = reply->payload.subspan(sizeof(wire_errno));
            const auto expected = values.source.template make<reply_type>();
            EXPECT_EQ(decode<reply_type>(body).value(), expected);
        }
        EXPECT_FALSE(parser.next().value());
        EXPECT_EQ(parser.buffered_bytes(), 0U);
    });
}

}  // namespace
}  // namespace farside::protocol
