// The life of a connection: handshake, what ends it, what goes on beside what, and what is left of
// a client that is gone.
#include "protocol/handshake.hpp"
#include "tests/agent/requests.hpp"
#include "tests/agent/running_agent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include <sys/stat.h>
#include <unistd.h>

namespace farside::agent::test {
namespace {

using farside::test::read_file;
using farside::test::write_file;
using testing::HasSubstr;
using testing::Optional;

std::string pattern(std::size_t bytes) {
    std::string text(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i) {
        text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
    }
    return text;
}

protocol::buffer frame_bytes(
    protocol::opcode op, std::uint16_t flags, std::uint64_t id, std::string_view payload
) {
    protocol::buffer bytes;
    const auto length = static_cast<std::uint32_t>(payload.size());
    const protocol::frame_header header{length, op, flags, protocol::request_id{id}};
    protocol::encode(header, bytes);
    const auto raw = std::as_bytes(std::span{payload});
    bytes.insert(bytes.end(), raw.begin(), raw.end());
    return bytes;
}

// A request of a later version.
struct from_the_future {
    static constexpr protocol::opcode op{998};
    using reply = protocol::empty_reply;
    std::uint32_t field = 7;
};

TEST(Handshake, IsAnsweredWithVersionLimitsAndTarget) {
    running_agent agent;
    auto client = agent.connect();
    const auto hello = client.greet(fake_client::default_hello(false));
    ASSERT_EQ(hello.failure, 0);
    EXPECT_EQ(hello.reply.version, protocol::version_max);
    EXPECT_EQ(hello.reply.limits, protocol::own_limits());
    EXPECT_EQ(hello.reply.target, "dir/" + agent.root().string());
    EXPECT_THAT(hello.reply.software, HasSubstr("farside-agent "));
    EXPECT_EQ(hello.reply.agent_pid, static_cast<std::uint64_t>(::getpid()));
}

TEST(Handshake, ComesByteByByte) {
    running_agent agent;
    auto client = agent.connect();
    protocol::buffer bytes{protocol::magic.begin(), protocol::magic.end()};
    protocol::append_request(bytes, protocol::request_id{1}, fake_client::default_hello(false));
    for (const auto byte : bytes) {
        client.send_bytes(std::span{&byte, 1});
    }
    client.shutdown_writing();
    // The reply, whose id this client knows nothing of, and then the end.
    std::array<std::byte, 4096> received{};
    EXPECT_GT(::read(client.fd(), received.data(), received.size()), 0);
}

TEST(Handshake, ClosesWithoutAWordWhereTheMagicIsWrong) {
    running_agent agent;
    auto client = agent.connect();
    client.send_text("GET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(client.wait_for_goodbye(), std::nullopt);
}

TEST(Handshake, RefusesOtherVersionsWithTheReason) {
    running_agent agent;
    auto client = agent.connect();
    auto hello = fake_client::default_hello(false);
    hello.version_min = 90;
    hello.version_max = 99;
    client.send_bytes(protocol::magic);
    client.send(hello);
    EXPECT_THAT(client.wait_for_goodbye(), Optional(HasSubstr("90 to 99")));
}

TEST(Handshake, RefusesAWrongToken) {
    server_options options;
    options.token = "secret";
    running_agent agent{options};
    auto hello = fake_client::default_hello(false);
    for (const std::string token : {"", "secre", "secret ", "Secret"}) {
        SCOPED_TRACE(token);
        auto client = agent.connect();
        hello.token = token;
        client.send_bytes(protocol::magic);
        client.send(hello);
        EXPECT_THAT(client.wait_for_goodbye(), Optional(HasSubstr("token")));
    }
    auto client = agent.connect();
    hello.token = "secret";
    EXPECT_EQ(client.greet(hello).failure, 0);
}

TEST(Handshake, EndsWhereItTakesTooLong) {
    server_options options;
    options.handshake_timeout = std::chrono::milliseconds{50};
    running_agent agent{options};
    auto silent = agent.connect();
    EXPECT_THAT(silent.wait_for_goodbye(), Optional(HasSubstr("in time")));
    auto half_way = agent.connect();
    half_way.send_bytes(std::span{protocol::magic}.first(5));
    EXPECT_THAT(half_way.wait_for_goodbye(), Optional(HasSubstr("in time")));
}

TEST(Handshake, HasNoRequestBeforeIt) {
    running_agent agent;
    auto client = agent.connect();
    client.send_bytes(protocol::magic);
    client.send(stat_of("/"));
    EXPECT_THAT(client.wait_for_goodbye(), Optional(HasSubstr("must not come")));
}

TEST(Connection, EndsWithAReasonWhereTheClientBreaksTheProtocol) {
    using protocol::opcode;
    const std::string ping(8, '\0');

    const struct {
        const char* name;
        protocol::buffer bytes;
        const char* reason;
    } rows[] = {
        {"reply flag", frame_bytes(opcode::ping, 1, 5, ping), "must not come"},
        {"unknown flag", frame_bytes(opcode::ping, 128, 5, ping), "unknown flags"},
        {"short message", frame_bytes(opcode::stat, 0, 5, "ab"), "before its last field"},
        {"long message", frame_bytes(opcode::ping, 0, 5, ping + "x"), "after the last field"},
        {"no id", frame_bytes(opcode::stat, 0, 0, ping), "must not come"},
        {"second hello", frame_bytes(opcode::hello, 0, 5, ""), "must not come"},
        {"cancel with an id", frame_bytes(opcode::cancel, 0, 5, ping), "must not come"},
        {"short cancel", frame_bytes(opcode::cancel, 0, 0, "a"), "before its last field"},
        {"goodbye", frame_bytes(opcode::goodbye, 0, 0, "\1\0\0\0x"), "must not come"},
        {"huge frame", protocol::buffer(16, std::byte{0x7f}), "above its limit"},
    };

    running_agent agent;
    for (const auto& row : rows) {
        SCOPED_TRACE(row.name);
        auto client = agent.session();
        client.send_bytes(row.bytes);
        EXPECT_THAT(client.wait_for_goodbye(), Optional(HasSubstr(row.reason)));
    }
    auto other = agent.session();
    EXPECT_EQ(other.call(stat_of("/")).failure, 0);
}

TEST(Connection, AnswersUnknownRequestsWithEnosysAndGoesOn) {
    running_agent agent;
    auto client = agent.session();
    client.send_bytes(frame_bytes(protocol::opcode{999}, 0, 0, "one way, of a later version"));
    EXPECT_EQ(client.call(stat_of("/")).failure, 0);
    EXPECT_EQ(client.call(from_the_future{}).failure, ENOSYS);
    const protocol::ping ping{77};
    EXPECT_EQ(client.call(ping).reply.cookie, 77U);
}

TEST(Connection, AnswersAThousandPipelinedRequests) {
    running_agent agent;
    write_file(agent.root() / "f", "content");
    auto client = agent.session();
    std::vector<protocol::request_id> ids;
    for (int i = 0; i < 1000; ++i) {
        ids.push_back(client.queue(stat_of(i % 3 == 0 ? "/missing" : "/f")));
    }
    client.flush();
    for (std::size_t i = 0; i < ids.size(); ++i) {
        EXPECT_EQ(client.wait<protocol::stat>(ids[i]).failure, i % 3 == 0 ? ENOENT : 0);
    }
}

TEST(Connection, AnswersOtherRequestsWhileOneWaits) {
    running_agent agent;
    ASSERT_EQ(::mkfifo((agent.root() / "fifo").c_str(), 0600), 0);
    auto client = agent.session();
    const auto opening = client.send(open_of("/fifo", O_RDONLY));
    EXPECT_EQ(client.call(stat_of("/fifo")).failure, 0);
    EXPECT_FALSE(client.answered(opening));

    const unique_fd writer{::open((agent.root() / "fifo").c_str(), O_WRONLY)};
    const auto fifo = client.wait<protocol::open>(opening);
    ASSERT_EQ(fifo.failure, 0);
    const protocol::read read{fifo.reply.handle, -1, 100};
    const auto reading = client.send(read);
    EXPECT_EQ(client.call(stat_of(at(fifo.reply.handle))).failure, 0);
    EXPECT_FALSE(client.answered(reading));
    ASSERT_EQ(::write(writer.get(), "late", 4), 4);
    const auto got = client.wait<protocol::read>(reading);
    EXPECT_EQ(fake_client::data_of(got.raw), "late");
}

TEST(Connection, WriterOfAHandleGoesBesideItsBlockedReader) {
    running_agent agent;
    ASSERT_EQ(::mkfifo((agent.root() / "fifo").c_str(), 0600), 0);
    auto client = agent.session();
    const auto fifo = client.call(open_of("/fifo", O_RDWR)).reply.handle;
    const auto reading = client.send(protocol::read{fifo, -1, 100});
    EXPECT_EQ(client.call(write_of(fifo, -1, "to myself")).reply.bytes, 9U);
    const auto got = client.wait<protocol::read>(reading);
    EXPECT_EQ(fake_client::data_of(got.raw), "to myself");
}

TEST(Connection, SaturatedWaitersDoNotKeepOthersWaiting) {
    server_options options;
    options.lanes.patient = {4, 0};
    running_agent agent{options};
    ASSERT_EQ(::mkfifo((agent.root() / "fifo").c_str(), 0600), 0);
    write_file(agent.root() / "f", pattern(200'000));
    auto client = agent.session();
    std::vector<protocol::request_id> waiting;
    for (int i = 0; i < 4; ++i) {
        waiting.push_back(client.send(open_of("/fifo", O_RDONLY)));
    }
    EXPECT_EQ(client.call(open_of("/fifo", O_RDONLY)).failure, EAGAIN);
    const auto file = client.call(open_of("/f", O_RDWR)).reply.handle;
    EXPECT_EQ(client.read(file, 0, 200'000), pattern(200'000));
    EXPECT_EQ(client.call(protocol::sync{file, protocol::sync_kind::all, 0, 0, 0}).failure, 0);
    for (const auto id : waiting) {
        client.cancel(id);
        EXPECT_EQ(client.wait<protocol::open>(id).failure, EINTR);
    }
}

TEST(Connection, CancelInterruptsWhatBlocks) {
    running_agent agent;
    ASSERT_EQ(::mkfifo((agent.root() / "fifo").c_str(), 0600), 0);
    write_file(agent.root() / "lock", "");
    auto client = agent.session();

    const auto opening = client.send(open_of("/fifo", O_WRONLY));
    client.cancel(opening);
    EXPECT_EQ(client.wait<protocol::open>(opening).failure, EINTR);

    const auto fifo = client.call(open_of("/fifo", O_RDWR)).reply.handle;
    const auto reading = client.send(protocol::read{fifo, -1, 1});
    const auto behind_it = client.send(protocol::read{fifo, -1, 1});
    client.cancel(behind_it);
    EXPECT_EQ(client.wait<protocol::read>(behind_it).failure, EINTR);
    client.cancel(reading);
    EXPECT_EQ(client.wait<protocol::read>(reading).failure, EINTR);

    const auto a = client.call(open_of("/lock", O_RDWR)).reply.handle;
    const auto b = client.call(open_of("/lock", O_RDWR)).reply.handle;
    EXPECT_EQ(client.call(protocol::lock_file{a, 2}).failure, 0);
    const auto locking = client.send(protocol::lock_file{b, 2});
    client.cancel(locking);
    EXPECT_EQ(client.wait<protocol::lock_file>(locking).failure, EINTR);
    client.cancel(protocol::request_id{123456});
    EXPECT_EQ(client.call(protocol::lock_file{a, 8}).failure, 0);
}

TEST(Connection, CancelOfOneDoesNotInterruptTheNext) {
    server_options options;
    options.lanes.patient = {1, 0};
    running_agent agent{options};
    ASSERT_EQ(::mkfifo((agent.root() / "fifo").c_str(), 0600), 0);
    auto client = agent.session();
    for (int i = 0; i < 200; ++i) {
        const auto first = client.send(open_of("/fifo", O_WRONLY));
        client.cancel(first);
        ASSERT_EQ(client.wait<protocol::open>(first).failure, EINTR);
        const auto second = client.send(open_of("/fifo", O_WRONLY));
        const unique_fd reader{::open((agent.root() / "fifo").c_str(), O_RDONLY)};
        const auto opened = client.wait<protocol::open>(second);
        ASSERT_EQ(opened.failure, 0);
        ASSERT_EQ(client.call(protocol::close{opened.reply.handle}).failure, 0);
    }
}

TEST(Connection, RefusesMoreRequestsThanItAllows) {
    server_options options;
    options.lanes.patient = {1, 2000};
    running_agent agent{options};
    ASSERT_EQ(::mkfifo((agent.root() / "fifo").c_str(), 0600), 0);
    auto client = agent.session();
    protocol::buffer bytes;
    for (std::uint64_t i = 0; i <= protocol::limits::requests_in_flight_max; ++i) {
        protocol::append_request(bytes, protocol::request_id{1000 + i}, open_of("/fifo", O_RDONLY));
    }
    client.send_bytes(bytes);
    std::array<std::byte, 65536> received{};
    std::string all;
    for (;;) {
        const auto got = ::read(client.fd(), received.data(), received.size());
        if (got <= 0) {
            break;
        }
        all.append(reinterpret_cast<const char*>(received.data()), static_cast<std::size_t>(got));
    }
    EXPECT_THAT(all, HasSubstr("too many unanswered requests"));
}

TEST(Connection, RefusesARequestIdThatIsInUse) {
    running_agent agent;
    ASSERT_EQ(::mkfifo((agent.root() / "fifo").c_str(), 0600), 0);
    auto client = agent.session();
    const auto id = client.send(open_of("/fifo", O_RDONLY));
    protocol::buffer again;
    protocol::append_request(again, id, stat_of("/"));
    client.send_bytes(again);
    EXPECT_THAT(client.wait_for_goodbye(), Optional(HasSubstr("used again")));
}

TEST(Connection, SplitsLongReads) {
    running_agent agent;
    const auto content = pattern(3 * protocol::limits::data_bytes_max + 4321);
    write_file(agent.root() / "f", content);
    auto client = agent.session();
    const auto file = client.call(open_of("/f")).reply.handle;
    const protocol::read whole{file, 0, protocol::limits::read_bytes_max};
    const auto got = client.call(whole);
    EXPECT_EQ(got.raw.bodies.size(), 4U);
    EXPECT_EQ(fake_client::data_of(got.raw), content);
    const protocol::read exact{file, 0, 2 * protocol::limits::data_bytes_max};
    EXPECT_EQ(client.call(exact).raw.bodies.size(), 2U);
    const protocol::read beyond{file, static_cast<std::int64_t>(content.size()), 500'000};
    EXPECT_EQ(fake_client::data_of(client.call(beyond).raw), "");
    const protocol::read too_much{file, 0, UINT32_MAX};
    EXPECT_EQ(fake_client::data_of(client.call(too_much).raw), content);
}

TEST(Connection, SmallRepliesOvertakeALongOne) {
    running_agent agent;
    write_file(agent.root() / "f", pattern(16 * 1024 * 1024));
    auto client = agent.session();
    const auto file = client.call(open_of("/f")).reply.handle;
    std::vector<protocol::request_id> long_ones;
    for (std::int64_t i = 0; i < 4; ++i) {
        const auto bytes = protocol::limits::read_bytes_max;
        long_ones.push_back(client.queue(protocol::read{file, i * bytes, bytes}));
    }
    const auto small = client.queue(stat_of("/f"));
    client.flush();
    EXPECT_EQ(client.wait_any(), small);
    for (const auto id : long_ones) {
        const auto got = client.wait<protocol::read>(id);
        EXPECT_EQ(fake_client::data_of(got.raw).size(), protocol::limits::read_bytes_max);
    }
}

// How many of `count` reads of so many bytes are answered before a stat that was asked last.
std::size_t answered_before_stat(std::size_t count, std::uint32_t bytes, protocol::priority said) {
    running_agent agent;
    write_file(agent.root() / "f", pattern(bytes));
    auto client = agent.session();
    const auto file = client.call(open_of("/f")).reply.handle;
    for (std::size_t i = 0; i < count; ++i) {
        client.queue(protocol::read{file, 0, bytes}, said);
    }
    const auto small = client.queue(stat_of("/f"), protocol::priority::metadata);
    client.flush();
    std::size_t before = 0;
    for (auto id = client.wait_any(); id != small; id = client.wait_any()) {
        EXPECT_EQ(fake_client::data_of(client.wait<protocol::read>(id).raw).size(), bytes);
        ++before;
    }
    return before;
}

TEST(Connection, WhatIsWantedSoonOvertakesWhatIsLong) {
    // Those that found room in the socket before the stat was there.
    constexpr std::size_t in_the_socket = 16;
    using enum protocol::priority;
    for (const auto said : {stream, prefetch, write_back}) {
        SCOPED_TRACE(static_cast<int>(said));
        EXPECT_LE(answered_before_stat(200, 60'000, said), in_the_socket);
        EXPECT_LE(answered_before_stat(50, 128 * 1024, said), in_the_socket);
    }
}

TEST(Connection, BothEndsMayWriteMuchAtOnce) {
    running_agent agent;
    const auto bytes = protocol::limits::read_bytes_max;
    write_file(agent.root() / "f", pattern(bytes));
    auto client = agent.session();
    const auto from = client.call(open_of("/f")).reply.handle;
    const auto to = client.call(open_of("/g", O_RDWR | O_CREAT)).reply.handle;
    const auto piece = pattern(protocol::limits::data_bytes_max);
    std::vector<protocol::request_id> reads;
    std::vector<protocol::request_id> writes;
    for (std::int64_t i = 0; i < 64; ++i) {
        if (i % 8 == 0) {
            reads.push_back(client.queue(protocol::read{from, 0, bytes}));
        }
        const auto offset = i * static_cast<std::int64_t>(piece.size());
        writes.push_back(client.queue(write_of(to, offset, piece)));
    }
    client.flush();  // nothing is read until all is written
    for (const auto id : writes) {
        EXPECT_EQ(client.wait<protocol::write>(id).reply.bytes, piece.size());
    }
    for (const auto id : reads) {
        const auto got = client.wait<protocol::read>(id);
        EXPECT_EQ(fake_client::data_of(got.raw).size(), bytes);
    }
}

TEST(Connection, KeepsTheOrderOfRequestsOnAHandle) {
    running_agent agent;
    auto client = agent.session();
    const auto file = client.call(open_of("/f", O_RDWR | O_CREAT)).reply.handle;
    const auto big = pattern(100'000);  // goes to a worker
    std::vector<protocol::request_id> writes;
    for (int i = 0; i < 50; ++i) {
        writes.push_back(client.queue(write_of(file, 0, big)));
        writes.push_back(client.queue(write_of(file, 0, std::to_string(i) + ';')));
    }
    const auto reading = client.queue(protocol::read{file, 0, 3});
    const auto closing = client.queue(protocol::close{file});
    const auto after_it = client.queue(stat_of(at(file)));
    client.flush();
    for (const auto id : writes) {
        EXPECT_EQ(client.wait<protocol::write>(id).failure, 0);
    }
    const auto got = client.wait<protocol::read>(reading);
    EXPECT_EQ(fake_client::data_of(got.raw), "49;");
    EXPECT_EQ(client.wait<protocol::close>(closing).failure, 0);
    EXPECT_EQ(client.wait<protocol::stat>(after_it).failure, EBADF);
}

TEST(Connection, DisconnectInterruptsCallsAndClosesHandles) {
    running_agent agent;
    ASSERT_EQ(::mkfifo((agent.root() / "fifo").c_str(), 0600), 0);
    ASSERT_EQ(::mkfifo((agent.root() / "other").c_str(), 0600), 0);
    auto client = agent.session();
    const auto writing = client.send(open_of("/fifo", O_WRONLY));
    const unique_fd reader{::open((agent.root() / "fifo").c_str(), O_RDONLY)};
    ASSERT_EQ(client.wait<protocol::open>(writing).failure, 0);
    client.send(open_of("/other", O_RDONLY));
    client.disconnect();
    char byte = 0;
    EXPECT_EQ(::read(reader.get(), &byte, 1), 0);  // the agent's end is closed
}

TEST(Connection, HandlesOfOneClientMeanNothingToAnother) {
    running_agent agent;
    write_file(agent.root() / "f", "x");
    auto one = agent.session();
    auto other = agent.session();
    const auto file = one.call(open_of("/f")).reply.handle;
    EXPECT_EQ(other.call(protocol::read{file, 0, 1}).failure, EBADF);
    EXPECT_EQ(other.call(protocol::close{file}).failure, EBADF);
    EXPECT_EQ(one.read(file, 0, 1), "x");
}

TEST(Connection, OpensNoMoreFilesThanItAllows) {
    server_options options;
    options.handles_max = 3;
    running_agent agent{options};
    write_file(agent.root() / "f", "x");
    auto client = agent.session();
    std::vector<protocol::handle_id> files;
    for (int i = 0; i < 3; ++i) {
        files.push_back(client.call(open_of("/f")).reply.handle);
    }
    EXPECT_EQ(client.call(open_of("/new", O_CREAT | O_WRONLY)).failure, EMFILE);
    EXPECT_FALSE(std::filesystem::exists(agent.root() / "new"));
    EXPECT_EQ(client.call(protocol::close{files[1]}).failure, 0);
    const auto next = client.call(open_of("/f"));
    EXPECT_EQ(next.failure, 0);
    EXPECT_GT(next.reply.handle, files[2]);  // ids are not used again
}

TEST(Connection, TurnsAwayClientsAboveTheLimit) {
    server_options options;
    options.clients_max = 1;
    running_agent agent{options};
    auto client = agent.session();
    auto second = agent.connect();
    EXPECT_THAT(second.wait_for_goodbye(), Optional(HasSubstr("clients")));
    EXPECT_EQ(client.call(stat_of("/")).failure, 0);
}

TEST(Connection, StopSaysGoodbyeToEverybody) {
    running_agent agent;
    ASSERT_EQ(::mkfifo((agent.root() / "fifo").c_str(), 0600), 0);
    auto client = agent.session();
    auto silent = agent.connect();
    const auto waiting = client.send(open_of("/fifo", O_RDONLY));
    ASSERT_EQ(client.call(stat_of("/")).failure, 0);  // so it was received
    agent.on_loop([](server& served) { served.stop("closing time"); });
    EXPECT_EQ(client.wait<protocol::open>(waiting).failure, EINTR);
    EXPECT_THAT(client.wait_for_goodbye(), Optional(std::string{"closing time"}));
    EXPECT_THAT(silent.wait_for_goodbye(), Optional(std::string{"closing time"}));
}

TEST(Connection, AnswersWhatWasAskedBeforeTheClientStoppedSending) {
    running_agent agent;
    write_file(agent.root() / "f", "content");
    auto client = agent.session();
    std::vector<protocol::request_id> ids;
    for (int i = 0; i < 100; ++i) {
        ids.push_back(client.queue(stat_of("/f")));
    }
    client.flush();
    client.shutdown_writing();
    for (const auto id : ids) {
        EXPECT_EQ(client.wait<protocol::stat>(id).failure, 0);
    }
    EXPECT_EQ(client.wait_for_goodbye(), std::nullopt);
}

TEST(Connection, AClientThatDoesNotReadIsNotReadFrom) {
    running_agent agent;
    write_file(agent.root() / "f", pattern(60'000));
    auto client = agent.session();
    const auto file = client.call(open_of("/f")).reply.handle;
    // 1000 replies of 60 KB, far above what the agent may queue, before the first is read.
    std::vector<protocol::request_id> ids;
    for (int i = 0; i < 1000; ++i) {
        ids.push_back(client.queue(protocol::read{file, 0, 60'000}));
    }
    client.flush();
    auto other = agent.session();
    EXPECT_EQ(other.call(stat_of("/f")).failure, 0);
    for (const auto id : ids) {
        const auto got = client.wait<protocol::read>(id);
        ASSERT_EQ(fake_client::data_of(got.raw).size(), 60'000U);
    }
}

}  // namespace
}  // namespace farside::agent::test
