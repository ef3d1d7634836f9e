// The numbers of --stats: what is counted where, and the JSON they are written as.
#include "layer/session/session_stats.hpp"

#include <gtest/gtest.h>

namespace farside::session {
namespace {

using phase = session_stats::phase;
using waited = session_stats::waited;
using protocol::opcode;

TEST(SessionStats, CountsPerMessageAndInAll) {
    session_stats stats;
    stats.enter(phase::program);
    stats.sent(opcode::read, 36, waited::yes);
    stats.received(opcode::read, 4000);
    stats.received(opcode::read, 20);
    stats.sent(opcode::close, 24, waited::no);
    stats.received(opcode::close, 20);
    stats.pushed(opcode::goodbye, 30);
    EXPECT_EQ(stats.of(phase::program, opcode::read), (traffic_counts{1, 1, 0, 36, 4020}));
    EXPECT_EQ(stats.of(phase::program, opcode::close), (traffic_counts{0, 1, 0, 24, 20}));
    EXPECT_EQ(stats.of(phase::program, opcode::stat), traffic_counts{});
    EXPECT_EQ(stats.total(phase::program), (traffic_counts{1, 2, 1, 60, 4070}));
    EXPECT_EQ(stats.total(phase::session), traffic_counts{});
}

TEST(SessionStats, CountsStartUpApart) {
    session_stats stats;
    stats.sent(opcode::hello, 50, waited::yes);
    stats.enter(phase::program);
    stats.sent(opcode::stat, 40, waited::yes);
    EXPECT_EQ(stats.total(phase::session).bytes_sent, 50U);
    EXPECT_EQ(stats.total(phase::program).bytes_sent, 40U);
}

TEST(SessionStats, CountsUnknownPushesTogether) {
    session_stats stats;
    stats.pushed(opcode{200}, 20);
    stats.pushed(opcode{201}, 20);
    EXPECT_EQ(stats.of(phase::session, opcode{}), (traffic_counts{0, 0, 2, 0, 40}));
}

TEST(SessionStats, WritesOneJsonObject) {
    session_stats stats;
    EXPECT_EQ(
        stats.json(0, 0),
        "{\"round_trips\": 0, \"requests\": 0, \"pushes\": 0, \"bytes_sent\": 0, "
        "\"bytes_received\": 0, \"hits\": 0, \"predicted\": 0, \"used\": 0, \"wall_ms\": 0, "
        "\"messages\": {}, \"session\": "
        "{\"round_trips\": 0, \"requests\": 0, \"pushes\": 0, \"bytes_sent\": 0, "
        "\"bytes_received\": 0, \"messages\": {}}, "
        "\"prefetch\": {\"bytes\": 0, \"used\": 0, \"wasted\": 0}}\n"
    );
    stats.sent(opcode::hello, 50, waited::yes);
    stats.enter(phase::program);
    stats.sent(opcode::stat, 40, waited::yes);
    stats.sent(opcode::read_directory, 10, waited::yes);
    stats.hit();
    stats.predictions(4, 2);
    stats.prefetched(200);
    stats.prefetch_used(70, 30);
    EXPECT_EQ(
        stats.json(2, 17),
        "{\"round_trips\": 2, \"requests\": 2, \"pushes\": 0, \"bytes_sent\": 50, "
        "\"bytes_received\": 0, \"hits\": 3, \"predicted\": 4, \"used\": 2, \"wall_ms\": 17, "
        "\"messages\": {"
        "\"read_directory\": {\"round_trips\": 1, \"requests\": 1, \"pushes\": 0, "
        "\"bytes_sent\": 10, \"bytes_received\": 0}, "
        "\"stat\": {\"round_trips\": 1, \"requests\": 1, \"pushes\": 0, "
        "\"bytes_sent\": 40, \"bytes_received\": 0}}, \"session\": "
        "{\"round_trips\": 1, \"requests\": 1, \"pushes\": 0, \"bytes_sent\": 50, "
        "\"bytes_received\": 0, \"messages\": {\"hello\": {\"round_trips\": 1, \"requests\": 1, "
        "\"pushes\": 0, \"bytes_sent\": 50, \"bytes_received\": 0}}}, "
        "\"prefetch\": {\"bytes\": 200, \"used\": 70, \"wasted\": 30}}\n"
    );
}

}  // namespace
}  // namespace farside::session
