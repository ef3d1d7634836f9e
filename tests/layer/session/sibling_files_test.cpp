// Which files are fetched before they are opened: by name, in the directory's order, or, where
// there is no order, all that the waits are worth; and none where that was in vain.
#include "tests/layer/session/session_harness.hpp"
#include "tests/layer/session/told_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include <fcntl.h>
#include <sys/stat.h>

namespace farside::session {
namespace {

using namespace testing;
using protocol::opcode;
using segment::call;

constexpr auto root_handle = handle(1);
constexpr auto srv = handle(3);

// "/srv" with files f00, f01, ..., whose order in the directory is another one.
class SiblingFiles : public ::testing::Test {
protected:
    static constexpr std::size_t files = 60;

    void SetUp() override {
        auto& agent = session.agent();
        agent.on<protocol::lookup>([this](const protocol::lookup& asked) { return tell(asked); });
        agent.on<protocol::fetch>([this](const protocol::fetch& asked) {
            fetched.insert(fetched.end(), asked.names.begin(), asked.names.end());
            protocol::lookup_reply told;
            for (const auto& name : asked.names) {
                auto entry = named(name);
                entry.handle = handle(++handles);
                entry.data.bytes = std::as_bytes(std::span{bytes});
                told.entries.push_back(entry);
            }
            return told;
        });
        agent.on<protocol::open_leased>([this](const protocol::open_leased& asked) {
            opened.push_back(asked.at.path.substr(asked.at.path.rfind('/') + 1));
            protocol::open_leased_reply answer;
            answer.handle = handle(++handles);
            answer.attr = named(opened.back()).attr;
            answer.leased = true;
            answer.data.bytes = std::as_bytes(std::span{bytes});
            return answer;
        });
        agent.on<protocol::open>([this](const protocol::open&) {
            protocol::open_reply reply;
            reply.handle = handle(++handles);
            reply.attr = testing::attributes(S_IFDIR | 0755, 10);
            return reply;
        });
        ASSERT_EQ(session.start(), "");
        for (std::size_t i = 0; i < files; ++i) {
            listed.push_back(name_of(i * 37 % files));
        }
    }

    static std::string name_of(std::size_t number) {
        return std::string{number < 10 ? "f0" : "f"} + std::to_string(number);
    }

    static protocol::leased_entry named(const std::string& name) {
        const auto base = name.ends_with(".md") ? 1000U : 100U;
        auto entry = file(srv, name, base + std::stoul(name.substr(1)));
        entry.attr.size = bytes.size();
        return entry;
    }

    protocol::lookup_reply tell(const protocol::lookup& asked) const {
        protocol::lookup_reply told;
        told.entries = {root(root_handle), directory(root_handle, "srv", 10, srv)};
        if (asked.list) {
            tell_places(told, srv);
            for (const auto& name : listed) {
                told.entries.push_back(named(name));
                told.entries.back().listed = true;
            }
            told.complete.push_back(srv);
        }
        return told;
    }

    void list() {
        ASSERT_LT(session.caller().at(call::stat, "/srv/f00", {0, STATX_BASIC_STATS}).result, 0);
        session.agent().await(opcode::lookup);
        auto directory = session.caller().open("/srv", O_DIRECTORY);
        ASSERT_EQ(directory.opened.result, 0);
        ASSERT_GT(session.caller().on(call::read_directory, directory.id, {4096}).result, 0);
    }

    void open(const std::string& name) {
        ASSERT_EQ(session.caller().open("/srv/" + name).opened.result, 0);
    }

    static inline const std::string bytes = "what is in it";
    std::vector<std::string> listed;
    // The agent's thread writes them: look when it is quiet.
    std::vector<std::string> fetched;
    std::vector<std::string> opened;
    std::uint64_t handles = 10;
    session_harness session{writable_policy(), name_cache::options{}};
};

TEST_F(SiblingFiles, ComeInTheOrderOfTheDirectory) {
    list();
    for (const auto& name : listed) {
        open(name);
    }
    EXPECT_EQ(opened, (std::vector<std::string>{listed[0], listed[1]}));
    EXPECT_EQ(fetched, (std::vector<std::string>{listed.begin() + 2, listed.end()}));
}

TEST_F(SiblingFiles, ComeByNameWhereNamesAreSorted) {
    list();
    auto sorted = listed;
    std::ranges::sort(sorted);
    for (const auto& name : sorted) {
        open(name);
    }
    EXPECT_THAT(opened, ::testing::ElementsAre("f00", "f01"));
    EXPECT_EQ(fetched, (std::vector<std::string>{sorted.begin() + 2, sorted.end()}));
}

TEST_F(SiblingFiles, ComeAllWhereThereIsNoOrder) {
    list();
    for (std::size_t i = 0; i < files; ++i) {
        open(name_of(i * 17 % files));
    }
    EXPECT_LE(opened.size(), 2 + sibling_files::scattered_min);
    EXPECT_EQ(opened.size() + fetched.size(), files);
}

TEST_F(SiblingFiles, ComeAllWhereTheOrderIsReversed) {
    list();
    std::ranges::reverse(listed);
    for (const auto& name : listed) {
        open(name);
    }
    EXPECT_LE(opened.size(), 2 + sibling_files::scattered_min);
    EXPECT_EQ(opened.size() + fetched.size(), files);
}

TEST_F(SiblingFiles, AreOfTheKindsThatAreOpened) {
    const auto plain = listed;
    for (const auto& name : plain) {
        listed.insert(std::ranges::find(listed, name), name + ".md");
    }
    list();
    for (const auto& name : plain) {
        open(name);
    }
    EXPECT_EQ(opened, (std::vector<std::string>{plain[0], plain[1]}));
    EXPECT_EQ(fetched, (std::vector<std::string>{plain.begin() + 2, plain.end()}));
}

TEST_F(SiblingFiles, DoNotComeForOneFile) {
    list();
    for (int i = 0; i < 10; ++i) {
        open("f07");
    }
    EXPECT_THAT(opened, ::testing::ElementsAre("f07"));
    EXPECT_THAT(fetched, ::testing::IsEmpty());
}

}  // namespace
}  // namespace farside::session
