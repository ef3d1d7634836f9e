// The table, the opcodes and the names agree: a number in opcode.hpp has exactly one message, of
// the same name.
#include "protocol/message_table.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace farside::protocol {
namespace {

// The spelling of the enumerator numbered Value, or a cast where there is none.
template <opcode Value>
consteval std::string_view spelled_opcode() {
    const std::string_view text = __PRETTY_FUNCTION__;
    const auto begin = text.find("Value = ") + 8;
    return text.substr(begin, text.find_first_of(";]", begin) - begin);
}

template <std::size_t... Number>
std::vector<std::pair<opcode, std::string>> enumerators(std::index_sequence<Number...> /*all*/) {
    std::vector<std::pair<opcode, std::string>> found;
    const auto add = [&](opcode op, std::string_view text) {
        if (text.find('(') == std::string_view::npos) {
            found.emplace_back(op, text.substr(text.rfind(':') + 1));
        }
    };
    (add(opcode{Number}, spelled_opcode<opcode{Number}>()), ...);
    return found;
}

TEST(MessageTable, HasAMessageOfTheSameNameForEveryOpcode) {
    const auto all = enumerators(std::make_index_sequence<256>{});
    EXPECT_EQ(all.size(), all_messages::size);
    for (const auto& [op, name] : all) {
        EXPECT_EQ(name_of(op), name);
    }
}

TEST(MessageTable, NamesEachOpcodeOnce) {
    std::set<opcode> seen;
    for_each_message(all_messages{}, [&]<typename Message>(std::type_identity<Message>) {
        EXPECT_TRUE(seen.insert(Message::op).second) << type_name<Message>();
    });
}

TEST(MessageTable, NamesAnUnknownOpcodeUnknown) {
    EXPECT_EQ(name_of(opcode{0}), "unknown");
    EXPECT_EQ(name_of(opcode{0xffff}), "unknown");
}

TEST(MessageTable, AnswersRequestsAndNothingElse) {
    for_each_message(file_requests{}, []<typename Message>(std::type_identity<Message>) {
        static_assert(answered_message<Message>);
    });
    for_each_message(one_way_requests{}, []<typename Message>(std::type_identity<Message>) {
        static_assert(one_way_message<Message>);
    });
    for_each_message(pushes{}, []<typename Message>(std::type_identity<Message>) {
        static_assert(one_way_message<Message>);
    });
}

TEST(MessageTable, CallsForTheMessageOfANumberOnly) {
    int calls = 0;
    const bool found =
        with_message(opcode::read, [&]<typename Message>(std::type_identity<Message>) {
            ++calls;
            EXPECT_TRUE((std::is_same_v<Message, read>));
        });
    EXPECT_TRUE(found);
    EXPECT_EQ(calls, 1);
    EXPECT_FALSE(with_message(opcode{5}, [](auto) { FAIL(); }));
}

}  // namespace
}  // namespace farside::protocol
