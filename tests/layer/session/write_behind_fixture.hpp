// Files at the agent that take writes, refuse them, or keep them waiting.
#pragma once

#include "tests/layer/session/session_harness.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>

namespace farside::session::testing {

using protocol::opcode;
using segment::call;
using ::testing::HasSubstr;

inline constexpr std::uint64_t plenty = std::uint64_t{1} << 40U;

// The inode of a file is the number of bytes in its path.
class WriteBehind : public ::testing::Test {
protected:
    void SetUp() override {
        auto& agent = harness.agent();
        agent.on<protocol::open>([this](const protocol::open& r) { return open_at_agent(r); });
        agent.on<protocol::write>([this](const protocol::write& r) { return write_at_agent(r); });
        agent.on<protocol::file_system>([this](const protocol::file_system&) {
            protocol::file_system_reply reply;
            reply.type = type;
            reply.block_bytes = 1;
            reply.blocks_available = available;
            return reply;
        });
        agent.on<protocol::stat>([](const protocol::stat& r) {
            protocol::attributes_reply reply;
            reply.attr.mode = S_IFREG | 0644;
            reply.attr.inode = r.at.path.size();
            return reply;
        });
        agent.on<protocol::lock_process>([this](const protocol::lock_process&) {
            protocol::lock_process_reply reply;
            reply.holds = locks;
            return reply;
        });
        accept<protocol::access>();
        accept<protocol::sync>();
        accept<protocol::seek>();
        accept<protocol::read>();
        accept<protocol::allocate>();
        accept<protocol::set_flags>();
        accept<protocol::set_attributes>();
        accept<protocol::lock_file>();
        accept<protocol::lock_record>();
        accept<protocol::copy_range>();
        accept<protocol::ioctl>();
        accept<protocol::rename>();
        accept<protocol::make_link>();
        accept<protocol::remove>();
        accept<protocol::make_directory>();
        accept<protocol::get_xattr>();
    }

    template <typename Request>
    void accept() {
        harness.agent().on<Request>([](const Request&) { return typename Request::reply{}; });
    }

    agent_answer<protocol::open> open_at_agent(const protocol::open& request) {
        protocol::open_reply reply;
        reply.handle = protocol::handle_id{++handles};
        reply.attr.mode = S_IFREG | 0644;
        reply.attr.inode = request.at.path.size();
        return reply;
    }

    agent_answer<protocol::write> write_at_agent(const protocol::write& request) {
        const std::lock_guard lock{mutex};
        if (held) {
            return {};
        }
        return refusal != 0 ? agent_answer<protocol::write>{refusal} : taken(request);
    }

    static agent_answer<protocol::write> taken(const protocol::write& request) {
        protocol::write_reply reply;
        reply.bytes = static_cast<std::uint32_t>(request.data.bytes.size());
        reply.position = request.offset + reply.bytes;
        return reply;
    }

    // Answers the write that came as the n-th, from 1 on.
    void answer(std::size_t n, std::uint32_t bytes) {
        protocol::write_reply reply;
        reply.bytes = bytes;
        harness.agent().reply<protocol::write>(harness.agent().await(opcode::write, n).id, reply);
    }

    // From now on writes wait for answer().
    void hold(bool on) {
        const std::lock_guard lock{mutex};
        held = on;
    }

    void refuse(int with) {
        const std::lock_guard lock{mutex};
        refusal = with;
    }

    // What the n-th write brought.
    std::string data_of(std::size_t n) {
        const auto seen = harness.agent().await(opcode::write, n);
        const auto bytes = protocol::decode<protocol::write>(seen.payload).value().data.bytes;
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }

    void start() { ASSERT_EQ(harness.start(), ""); }

    // A file whose file system is known: what was asked before this call's answer is answered too.
    remote_file open(int flags = O_RDWR, const std::string& path = "/srv/file") {
        auto file = caller.open(path, flags);
        EXPECT_EQ(file.opened.result, 0);
        meet_agent();
        return file;
    }

    // The agent has got, and answered, what was sent before.
    void meet_agent() { ASSERT_EQ(caller.at(call::access, "/srv/other", {0, 0}).result, 0); }

    [[nodiscard]] std::uint32_t begin(const question& q) const {
        const auto slot = caller.claim();
        caller.fill(slot, q);
        EXPECT_TRUE(caller.post(slot));
        caller.ring(slot);
        return slot;
    }

    std::int64_t end(std::uint32_t slot) {
        const auto result = caller.await(slot).result;
        caller.free(slot);
        return result;
    }

    // The session looks now for open files without a descriptor.
    void sweep() { EXPECT_GE(caller.on(call::reclaim, 0).result, 0); }

    [[nodiscard]] std::size_t count(opcode op) { return harness.agent().count(op); }

    std::mutex mutex;
    bool held = false;
    int refusal = 0;
    bool locks = false;
    std::uint64_t type = TMPFS_MAGIC;
    std::uint64_t available = plenty;
    std::uint64_t handles = 0;
    session_harness harness;
    const fake_caller& caller = harness.caller();
};

inline question by_id(
    call op, const remote_file& file, std::initializer_list<std::int64_t> others = {}
) {
    question q;
    q.op = op;
    q.arguments[0] = static_cast<std::int64_t>(file.id);
    std::copy(others.begin(), others.end(), q.arguments.begin() + 1);
    return q;
}

inline question with_flock(question q) {
    struct flock lock {};

    lock.l_type = F_WRLCK;
    q.data.assign(reinterpret_cast<const char*>(&lock), sizeof lock);
    return q;
}

}  // namespace farside::session::testing
