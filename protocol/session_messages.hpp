// Messages about the connection itself. Fields, in order, are the wire format.
#pragma once

#include "protocol/opcode.hpp"
#include "protocol/types.hpp"

namespace farside::protocol {

// The limits an end states about itself; the peer keeps to them.
struct peer_limits {
    std::uint32_t frame_payload_bytes = 0;
    std::uint32_t requests_in_flight = 0;
    std::uint32_t handles = 0;

    friend bool operator==(const peer_limits&, const peer_limits&) = default;
};

struct hello_reply {
    std::uint16_t version = 0;       // the one spoken from now on
    std::uint64_t capabilities = 0;  // bits both ends know; unknown bits are ignored
    peer_limits limits;
    std::string software;         // "farside-agent 0.1.0", for messages and logs
    std::string target;           // what is served, "docker/web"
    std::uint64_t agent_pid = 0;  // in the agent's pid namespace

    friend bool operator==(const hello_reply&, const hello_reply&) = default;
};

// The first request on a connection. A client that is not welcome gets a goodbye push that says
// why, then the connection closes.
struct hello {
    static constexpr opcode op = opcode::hello;
    using reply = hello_reply;

    std::uint16_t version_min = 0;
    std::uint16_t version_max = 0;
    std::uint64_t capabilities = 0;
    peer_limits limits;
    bool read_only = true;  // the agent itself then refuses every mutating request with EROFS
    std::string software;
    std::string token;  // required by listening agents, empty on stdio

    friend bool operator==(const hello&, const hello&) = default;
};

struct ping_reply {
    std::uint64_t cookie = 0;

    friend bool operator==(const ping_reply&, const ping_reply&) = default;
};

struct ping {
    static constexpr opcode op = opcode::ping;
    using reply = ping_reply;

    std::uint64_t cookie = 0;

    friend bool operator==(const ping&, const ping&) = default;
};

// One way. Interrupts a blocking request, as a signal would: the request answers EINTR, or with its
// result where that came first. Never a reply of its own; unknown ids are ignored.
struct cancel {
    static constexpr opcode op = opcode::cancel;

    request_id request{};

    friend bool operator==(const cancel&, const cancel&) = default;
};

// Push. Why the agent closes the connection, in one line for the user.
struct goodbye {
    static constexpr opcode op = opcode::goodbye;

    std::string reason;

    friend bool operator==(const goodbye&, const goodbye&) = default;
};

}  // namespace farside::protocol
