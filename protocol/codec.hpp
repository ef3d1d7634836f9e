// Messages to bytes and back. A message is an aggregate: its fields, in order, little-endian, are
// its encoding; Boost.PFR walks them. Decoding reads a peer's bytes: every length is checked
// against the bytes that are left before anything is allocated, and every byte must be used.
#pragma once

#include "protocol/error.hpp"
#include "protocol/limits.hpp"
#include "protocol/types.hpp"

#include <boost/pfr/core.hpp>

#include <array>
#include <concepts>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

namespace farside::protocol {

using buffer = std::vector<std::byte>;

// Appends fields to a buffer.
class writer {
public:
    explicit writer(buffer& out) : out_{out} {}

    template <std::integral T>
    void put(T value) {
        using wide = std::make_unsigned_t<T>;
        auto bits = static_cast<wide>(value);
        std::array<std::byte, sizeof(T)> raw{};
        for (auto& byte : raw) {
            byte = static_cast<std::byte>(bits & 0xffU);
            if constexpr (sizeof(T) > 1) {
                bits = static_cast<wide>(bits >> 8U);
            }
        }
        out_.insert(out_.end(), raw.begin(), raw.end());
    }

    void put(bool value) { put(static_cast<std::uint8_t>(value ? 1 : 0)); }

    template <typename T>
    requires std::is_enum_v<T>

    void put(T value) { put(static_cast<std::underlying_type_t<T>>(value)); }

    void put(std::span<const std::byte> bytes) {
        put(static_cast<std::uint32_t>(bytes.size()));
        out_.insert(out_.end(), bytes.begin(), bytes.end());
    }

    void put(const bytes_view& view) { put(view.bytes); }

    void put(const std::string& text) { put(std::as_bytes(std::span{text})); }

    template <typename T>
    void put(const std::vector<T>& items) {
        put(static_cast<std::uint32_t>(items.size()));
        for (const auto& item : items) {
            put(item);
        }
    }

    template <typename T>
    requires std::is_aggregate_v<T>

    void put(const T& message) {
        boost::pfr::for_each_field(message, [this](const auto& field) { this->put(field); });
    }

private:
    buffer& out_;
};

// Takes fields from a peer's bytes. Errors stick: after the first one every field reads as zero,
// and the caller asks once, at the end.
class reader {
public:
    explicit reader(std::span<const std::byte> in) : in_{in} {}

    template <std::integral T>
    void get(T& value) {
        value = 0;
        const auto raw = take(sizeof(T));
        std::make_unsigned_t<T> bits = 0;
        for (std::size_t i = raw.size(); i-- > 0;) {
            if constexpr (sizeof(T) > 1) {
                bits = static_cast<std::make_unsigned_t<T>>(bits << 8U);
            }
            bits =
                static_cast<std::make_unsigned_t<T>>(bits | std::to_integer<std::uint8_t>(raw[i]));
        }
        value = static_cast<T>(bits);
    }

    void get(bool& value) {
        std::uint8_t raw = 0;
        get(raw);
        if (raw > 1) {
            fail(error::bad_value);
        }
        value = raw == 1;
    }

    template <typename T>
    requires std::is_enum_v<T>

    void get(T& value) {
        std::underlying_type_t<T> raw{};
        get(raw);
        value = static_cast<T>(raw);
    }

    void get(bytes_view& view) {
        std::uint32_t bytes = 0;
        get(bytes);
        view.bytes = take(bytes);
    }

    void get(std::string& text) {
        bytes_view view;
        get(view);
        text.resize(view.bytes.size());
        if (!view.bytes.empty()) {
            std::memcpy(text.data(), view.bytes.data(), view.bytes.size());
        }
    }

    template <typename T>
    void get(std::vector<T>& items) {
        std::uint32_t count = 0;
        get(count);
        // An item is at least one byte, so a count above the bytes left is a lie.
        if (count > in_.size()) {
            fail(error::truncated);
            return;
        }
        items.clear();
        for (std::uint32_t i = 0; i < count && !failure_; ++i) {
            get(items.emplace_back());
        }
    }

    template <typename T>
    requires std::is_aggregate_v<T>

    void get(T& message) {
        boost::pfr::for_each_field(message, [this](auto& field) { this->get(field); });
    }

    // The first error, or trailing_bytes where some are left.
    [[nodiscard]] boost::system::error_code finish() const {
        if (!failure_ && !in_.empty()) {
            return error::trailing_bytes;
        }
        return failure_;
    }

private:
    void fail(error e) {
        if (!failure_) {
            failure_ = e;
        }
        in_ = {};
    }

    std::span<const std::byte> take(std::size_t bytes) {
        if (bytes > in_.size()) {
            fail(error::truncated);
            return {};
        }
        const auto taken = in_.first(bytes);
        in_ = in_.subspan(bytes);
        return taken;
    }

    std::span<const std::byte> in_;
    boost::system::error_code failure_;
};

template <typename Message>
void encode(const Message& message, buffer& out) {
    writer{out}.put(message);
}

// Views inside the result point into `in`.
template <typename Message>
[[nodiscard]] result<Message> decode(std::span<const std::byte> in) {
    Message message{};
    reader r{in};
    r.get(message);
    if (const auto ec = r.finish()) {
        return ec;
    }
    return message;
}

}  // namespace farside::protocol
