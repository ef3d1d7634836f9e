// Makes up messages, field by field as the codec walks them, from a seed: the same seed gives the
// same messages on every machine. For golden files, random round trips and fuzz seeds.
#pragma once

#include "protocol/codec.hpp"

#include <boost/pfr/core.hpp>

#include <concepts>
#include <cstdint>
#include <deque>
#include <string>
#include <type_traits>
#include <vector>

namespace farside::protocol {

// Lives as long as the messages it made: it owns what their views point to.
class message_source {
public:
    // Byte strings get `bytes_min` to `bytes_max` bytes, lists one to three items.
    message_source(std::uint64_t seed, std::size_t bytes_min, std::size_t bytes_max)
        : state_{seed}, bytes_min_{bytes_min}, bytes_max_{bytes_max} {}

    template <typename Message>
    Message make() {
        Message message{};
        fill(message);
        return message;
    }

    // splitmix64: every bit of the result depends on every bit of the state.
    std::uint64_t next() {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31U);
    }

    // From `min` to `max`, both included.
    std::size_t between(std::size_t min, std::size_t max) { return min + next() % (max - min + 1); }

private:
    void fill(bool& value) { value = (next() & 1U) != 0; }

    template <std::integral T>
    void fill(T& value) {
        value = static_cast<T>(next());
    }

    template <typename T>
    requires std::is_enum_v<T>

    void fill(T& value) { value = static_cast<T>(next()); }

    void fill(std::string& text) {
        text.resize(between(bytes_min_, bytes_max_));
        for (char& c : text) {
            c = static_cast<char>(next());
        }
    }

    void fill(bytes_view& view) {
        auto& bytes = bulk_.emplace_back(between(bytes_min_, bytes_max_));
        for (std::byte& b : bytes) {
            b = static_cast<std::byte>(next());
        }
        view.bytes = bytes;
    }

    template <typename T>
    void fill(std::vector<T>& items) {
        items.resize(between(1, 3));
        for (T& item : items) {
            fill(item);
        }
    }

    template <typename T>
    requires std::is_aggregate_v<T>

    void fill(T& value) {
        boost::pfr::for_each_field(value, [this](auto& field) { this->fill(field); });
    }

    std::uint64_t state_;
    std::size_t bytes_min_;
    std::size_t bytes_max_;
    std::deque<buffer> bulk_;
};

}  // namespace farside::protocol
