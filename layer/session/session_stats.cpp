// Counting, and the JSON of the counts. Keys are names from the message table: nothing here needs
// escaping.
#include "layer/session/session_stats.hpp"

#include "protocol/message_table.hpp"

#include <string_view>

namespace farside::session {
namespace {

// Unknown pushes of a newer agent are counted together.
constexpr protocol::opcode unknown{};

void add(traffic_counts& sum, const traffic_counts& part) {
    sum.round_trips += part.round_trips;
    sum.requests += part.requests;
    sum.pushes += part.pushes;
    sum.bytes_sent += part.bytes_sent;
    sum.bytes_received += part.bytes_received;
}

void put_member(std::string& out, std::string_view name, std::uint64_t value) {
    if (out.back() != '{') {
        out += ", ";
    }
    out += '"';
    out += name;
    out += "\": ";
    out += std::to_string(value);
}

void put_counts(std::string& out, const traffic_counts& counts) {
    put_member(out, "round_trips", counts.round_trips);
    put_member(out, "requests", counts.requests);
    put_member(out, "pushes", counts.pushes);
    put_member(out, "bytes_sent", counts.bytes_sent);
    put_member(out, "bytes_received", counts.bytes_received);
}

void put_messages(std::string& out, const std::map<protocol::opcode, traffic_counts>& messages) {
    out += ", \"messages\": {";
    for (const auto& [op, counts] : messages) {
        if (out.back() != '{') {
            out += ", ";
        }
        out += '"';
        out += protocol::name_of(op);
        out += "\": {";
        put_counts(out, counts);
        out += '}';
    }
    out += '}';
}

}  // namespace

traffic_counts& session_stats::at(protocol::opcode op) {
    const bool known = protocol::with_message(op, [](auto) {});
    return counts_[static_cast<std::size_t>(phase_)][known ? op : unknown];
}

void session_stats::sent(protocol::opcode op, std::uint64_t bytes, waited w) {
    auto& counts = at(op);
    ++counts.requests;
    counts.round_trips += w == waited::yes ? 1 : 0;
    counts.bytes_sent += bytes;
}

void session_stats::received(protocol::opcode op, std::uint64_t bytes) {
    at(op).bytes_received += bytes;
}

void session_stats::pushed(protocol::opcode op, std::uint64_t bytes) {
    auto& counts = at(op);
    ++counts.pushes;
    counts.bytes_received += bytes;
}

traffic_counts session_stats::total(phase p) const {
    traffic_counts sum;
    for (const auto& [op, counts] : counts_[static_cast<std::size_t>(p)]) {
        add(sum, counts);
    }
    return sum;
}

traffic_counts session_stats::of(phase p, protocol::opcode op) const {
    const auto& messages = counts_[static_cast<std::size_t>(p)];
    const auto found = messages.find(op);
    return found == messages.end() ? traffic_counts{} : found->second;
}

std::string session_stats::json(std::uint64_t layer_hits, std::uint64_t wall_ms) const {
    std::string out = "{";
    put_counts(out, total(phase::program));
    put_member(out, "hits", hits_ + layer_hits);
    put_member(out, "predicted", predicted_);
    put_member(out, "used", used_);
    put_member(out, "wall_ms", wall_ms);
    put_messages(out, counts_[static_cast<std::size_t>(phase::program)]);
    out += ", \"session\": {";
    put_counts(out, total(phase::session));
    put_messages(out, counts_[static_cast<std::size_t>(phase::session)]);
    out += "}, \"prefetch\": {";
    put_member(out, "bytes", prefetched_);
    put_member(out, "used", prefetch_used_);
    put_member(out, "wasted", prefetch_wasted_);
    out += "}}\n";
    return out;
}

}  // namespace farside::session
