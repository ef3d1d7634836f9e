// Messages to bytes and back: the encoding of each field type, and what a decoder must refuse.
#include "protocol/codec.hpp"

#include "protocol/dump.hpp"
#include "protocol/message_table.hpp"
#include "tests/protocol/message_source.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace farside::protocol {
namespace {

template <typename... Byte>
buffer bytes(Byte... value) {
    return {static_cast<std::byte>(value)...};
}

template <typename T>
buffer encoded(const T& value) {
    buffer out;
    encode(value, out);
    return out;
}

template <typename T>
boost::system::error_code failure_of(const buffer& in) {
    return decode<T>(in).error();
}

// Every message and every reply: f(std::type_identity<T>{}).
template <typename F>
void for_each_payload(F f) {
    for_each_message(all_messages{}, [&]<typename Message>(std::type_identity<Message> type) {
        f(type);
        if constexpr (answered_message<Message>) {
            f(std::type_identity<typename Message::reply>{});
        }
    });
}

struct numbers {
    std::uint8_t u8 = 0;
    std::uint16_t u16 = 0;
    std::uint32_t u32 = 0;
    std::uint64_t u64 = 0;
    std::int16_t i16 = 0;
    std::int32_t i32 = 0;
    std::int64_t i64 = 0;

    friend bool operator==(const numbers&, const numbers&) = default;
};

TEST(Codec, WritesNumbersLittleEndianWithoutPadding) {
    const numbers value{0x01, 0x0203, 0x04050607, 0x08090a0b0c0d0e0f, -2, -3, -4};
    const buffer expected = bytes(
        0x01,
        0x03,
        0x02,
        0x07,
        0x06,
        0x05,
        0x04,
        0x0f,
        0x0e,
        0x0d,
        0x0c,
        0x0b,
        0x0a,
        0x09,
        0x08,
        0xfe,
        0xff,
        0xfd,
        0xff,
        0xff,
        0xff,
        0xfc,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff
    );
    EXPECT_EQ(encoded(value), expected);
    EXPECT_EQ(decode<numbers>(expected).value(), value);
}

TEST(Codec, KeepsTheEndsOfEachRange) {
    const numbers low{
        0,
        0,
        0,
        0,
        std::numeric_limits<std::int16_t>::min(),
        std::numeric_limits<std::int32_t>::min(),
        std::numeric_limits<std::int64_t>::min(),
    };
    const numbers high{
        0xff,
        0xffff,
        0xffffffff,
        0xffffffffffffffff,
        std::numeric_limits<std::int16_t>::max(),
        std::numeric_limits<std::int32_t>::max(),
        std::numeric_limits<std::int64_t>::max(),
    };
    EXPECT_EQ(decode<numbers>(encoded(low)).value(), low);
    EXPECT_EQ(decode<numbers>(encoded(high)).value(), high);
}

TEST(Codec, WritesTextWithItsLengthAndAnyBytes) {
    const path_reply value{std::string{"\0\xff/", 3}};
    EXPECT_EQ(encoded(value), bytes(3, 0, 0, 0, 0x00, 0xff, '/'));
    EXPECT_EQ(decode<path_reply>(encoded(value)).value(), value);
}

TEST(Codec, ViewsOfBulkBytesPointIntoTheInput) {
    const buffer in = bytes(2, 0, 0, 0, 'h', 'i');
    const auto reply = decode<read_reply>(in).value();
    EXPECT_EQ(reply.data.bytes.data(), in.data() + 4);
    EXPECT_EQ(reply.data.bytes.size(), 2U);
}

TEST(Codec, WritesListsWithTheirCount) {
    const read_directory_reply value{{{1, 2, 4, "."}}};
    EXPECT_EQ(
        encoded(value),
        bytes(1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, '.')
    );
    EXPECT_EQ(decode<read_directory_reply>(encoded(value)).value(), value);
    EXPECT_EQ(decode<read_directory_reply>(bytes(0, 0, 0, 0)).value(), read_directory_reply{});
}

TEST(Codec, RefusesABooleanThatIsNeitherZeroNorOne) {
    struct flag {
        bool value;
    };

    EXPECT_FALSE(decode<flag>(bytes(0)).value().value);
    EXPECT_TRUE(decode<flag>(bytes(1)).value().value);
    EXPECT_EQ(failure_of<flag>(bytes(2)), error::bad_value);
    EXPECT_EQ(failure_of<flag>(bytes(0xff)), error::bad_value);
}

TEST(Codec, RefusesALengthAboveTheBytesLeft) {
    EXPECT_EQ(failure_of<path_reply>(bytes(4, 0, 0, 0, 'a', 'b', 'c')), error::truncated);
    EXPECT_EQ(failure_of<path_reply>(bytes(0xff, 0xff, 0xff, 0xff)), error::truncated);
    EXPECT_EQ(failure_of<read_reply>(bytes(0xff, 0xff, 0xff, 0xff, 'a')), error::truncated);
}

TEST(Codec, RefusesACountAboveTheBytesLeftBeforeAllocating) {
    EXPECT_EQ(failure_of<read_directory_reply>(bytes(0xff, 0xff, 0xff, 0xff)), error::truncated);
    EXPECT_EQ(failure_of<read_directory_reply>(bytes(1, 0, 0, 0)), error::truncated);
}

TEST(Codec, ReportsTheFirstOfTwoErrors) {
    struct two {
        bool value;
        std::uint64_t rest;
    };

    EXPECT_EQ(failure_of<two>(bytes(7, 0)), error::bad_value);
}

TEST(Codec, RoundTripsEveryMessage) {
    for_each_payload([]<typename T>(std::type_identity<T>) {
        for (std::uint64_t seed = 1; seed <= 50; ++seed) {
            message_source source{seed, 0, 300};
            const T value = source.make<T>();
            const buffer out = encoded(value);
            const auto back = decode<T>(out);
            ASSERT_TRUE(back) << dump(value) << ": " << back.error().message();
            ASSERT_EQ(*back, value) << dump(value);
            ASSERT_EQ(encoded(*back), out) << dump(value);
        }
    });
}

TEST(Codec, RefusesEveryTruncationOfEveryMessage) {
    for_each_payload([]<typename T>(std::type_identity<T>) {
        message_source source{7, 1, 20};
        const buffer whole = encoded(source.make<T>());
        for (std::size_t length = 0; length < whole.size(); ++length) {
            // A copy of its own, so that the address sanitizer sees a read past its end.
            const buffer part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
            ASSERT_EQ(failure_of<T>(part), error::truncated) << type_name<T>() << " at " << length;
        }
    });
}

TEST(Codec, RefusesAByteTooManyInEveryMessage) {
    for_each_payload([]<typename T>(std::type_identity<T>) {
        message_source source{7, 1, 20};
        buffer longer = encoded(source.make<T>());
        longer.push_back(std::byte{0});
        EXPECT_EQ(failure_of<T>(longer), error::trailing_bytes) << type_name<T>();
    });
}

TEST(Codec, AppendsBehindWhatIsThere) {
    buffer out = bytes(9);
    encode(ping_reply{1}, out);
    EXPECT_EQ(out, bytes(9, 1, 0, 0, 0, 0, 0, 0, 0));
}

TEST(Codec, EveryErrorHasASentence) {
    for (int value = 1; value <= static_cast<int>(error::connection_lost); ++value) {
        const boost::system::error_code ec{value, error_category()};
        EXPECT_NE(ec.message(), "unknown protocol error") << value;
    }
    const boost::system::error_code beyond{
        static_cast<int>(error::connection_lost) + 1, error_category()};
    EXPECT_EQ(beyond.message(), "unknown protocol error");
}

}  // namespace
}  // namespace farside::protocol
