// What was stored is found to the byte, and merging never loses a store.
#include "layer/session/mapped_image.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace farside::session::testing {
namespace {

constexpr std::size_t page = 4096;

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span{text});
}

// An image with a program's mapping of it.
class MappedImage : public ::testing::Test {
protected:
    void make(const std::string& content) {
        ASSERT_EQ(image.create(content.size()), 0);
        image.load(0, bytes_of(content));
        const unique_fd fd = image.reopen(O_RDWR);
        ASSERT_TRUE(fd);
        void* const at = ::mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
        ASSERT_NE(at, MAP_FAILED);
        memory = static_cast<char*>(at);
    }

    void TearDown() override {
        if (memory != nullptr) {
            ::munmap(memory, room);
        }
    }

    void store(std::size_t at, std::string_view text) const {
        std::memcpy(memory + at, text.data(), text.size());
    }

    // All stores, by offset; they are settled.
    std::map<std::uint64_t, std::string> take(std::size_t bytes_max = 1 << 17) {
        std::map<std::uint64_t, std::string> found;
        std::uint64_t at = 0;
        while (at < image.size()) {
            stored_bytes stored;
            at = image.collect(at, bytes_max, 12, stored);
            EXPECT_LE(stored.bytes.size() + 12 * stored.runs.size(), bytes_max);
            for (const auto& run : stored.runs) {
                const auto bytes = stored.of(run);
                std::string text(bytes.size(), '\0');
                std::memcpy(text.data(), bytes.data(), bytes.size());
                found[run.offset] = text;
                image.settle(stored, run);
            }
        }
        EXPECT_FALSE(image.differs());
        return found;
    }

    std::string shown() const {
        std::string text(image.size(), '\0');
        image.copy(0, std::as_writable_bytes(std::span{text}));
        return text;
    }

    static constexpr std::size_t room = 64 * page;
    mapped_image image;
    char* memory = nullptr;
};

using stores = std::map<std::uint64_t, std::string>;

TEST_F(MappedImage, FindsExactlyWhatWasStored) {
    make(std::string(3 * page + 5, '.'));
    EXPECT_EQ(take(), stores{});
    store(0, "a");
    store(7, "bc");
    store(page - 1, "de");
    store(3 * page + 4, "f");
    EXPECT_TRUE(image.differs());
    EXPECT_EQ(take(), (stores{{0, "a"}, {7, "bc"}, {page - 1, "de"}, {3 * page + 4, "f"}}));
}

TEST_F(MappedImage, PassesOverBytesInBetweenThatWereNotStored) {
    make("0123456789abcdef");
    store(0, "x1y3z5");
    EXPECT_EQ(take(), (stores{{0, "x"}, {2, "y"}, {4, "z"}}));
}

TEST_F(MappedImage, KeepsBatchesWithinTheirBound) {
    make(std::string(8 * page, '.'));
    stores expected;
    for (std::size_t at = 0; at < 8 * page; at += 3) {
        store(at, "x");
        expected[at] = "x";
    }
    EXPECT_EQ(take(200), expected);
}

TEST_F(MappedImage, IgnoresWhatLiesBehindTheEnd) {
    make("short");
    store(5, "behind the end");
    store(100, "x");
    EXPECT_EQ(take(), stores{});
    ASSERT_EQ(image.resize(200), 0);
    EXPECT_EQ(shown(), "short" + std::string(195, '\0'));
    EXPECT_EQ(take(), stores{});
}

TEST_F(MappedImage, ShrinksAndGrowsUnderItsMappings) {
    make(std::string(2 * page, '.'));
    store(10, "kept");
    store(page, "gone");
    ASSERT_EQ(image.resize(100), 0);
    ASSERT_EQ(image.resize(3 * page), 0);
    EXPECT_EQ(memory[page], '\0');
    EXPECT_EQ(memory[99], '.');
    EXPECT_EQ(memory[100], '\0');
    EXPECT_EQ(take(), (stores{{10, "kept"}}));
    ASSERT_EQ(image.resize(1000 * page), 0);
    EXPECT_EQ(memory[10], 'k');
}

TEST_F(MappedImage, MergingReplacesWhatWasNotStored) {
    make("0123456789abcdefghij");
    store(3, "XYZ");
    image.merge(0, bytes_of("..................."));
    EXPECT_EQ(shown(), "...XYZ.............j");
    EXPECT_EQ(take(), (stores{{3, "XYZ"}}));
    image.merge(1, bytes_of("abcdefghijklmnopqrstuvwxyz"));
    EXPECT_EQ(shown(), ".abcdefghijklmnopqrs");
}

TEST_F(MappedImage, MergingWhatWasStoredLeavesNothingToWrite) {
    make("0123456789");
    store(3, "XYZ");
    image.merge(0, bytes_of("012XYZ6789"));
    EXPECT_FALSE(image.differs());
}

TEST_F(MappedImage, OverwritingTakesTheStoresWithIt) {
    make("0123456789");
    store(2, "XYZ");
    image.overwrite(4, bytes_of("write"));
    EXPECT_EQ(shown(), "01XYwrite9");
    EXPECT_EQ(take(), (stores{{2, "XY"}}));
}

TEST_F(MappedImage, FindsZerosStoredOverContentAndHolesPunched) {
    make(std::string(2 * page, '.'));
    store(5, std::string_view{"\0", 1});
    EXPECT_EQ(take(), (stores{{5, std::string(1, '\0')}}));
    ASSERT_EQ(::madvise(memory + page, page, MADV_REMOVE), 0);
    EXPECT_EQ(take(), (stores{{page, std::string(page, '\0')}}));
}

TEST_F(MappedImage, LeavesHolesAsTheyAre) {
    ASSERT_EQ(image.create(std::uint64_t{1} << 30U), 0);
    image.load(0, bytes_of(std::string(16 * page, '\0')));
    EXPECT_FALSE(image.differs());

    struct stat found {};

    ASSERT_EQ(::fstat(image.descriptor(), &found), 0);
    EXPECT_EQ(found.st_blocks, 0);
}

TEST_F(MappedImage, ReadersCannotMapItWritable) {
    make("content");
    const unique_fd fd = image.reopen(O_RDONLY);
    EXPECT_EQ(::mmap(nullptr, 7, PROT_WRITE, MAP_SHARED, fd.get(), 0), MAP_FAILED);
    EXPECT_EQ(errno, EACCES);
}

// Each byte is stored to by a program or changed in the target, never both: neither may be lost.
TEST_F(MappedImage, LosesNoStoreThatIsMadeWhileItMerges) {
    constexpr std::size_t bytes = 4 * page;
    make(std::string(bytes, '.'));
    std::thread program{[&] {
        for (std::size_t at = 0; at < bytes; at += 2) {
            *static_cast<volatile char*>(memory + at) = 'p';
        }
    }};
    std::string target(bytes, '.');
    std::mt19937 random{1};
    for (std::size_t round = 0; round < 200; ++round) {
        for (int i = 0; i < 100; ++i) {
            target[(random() % (bytes / 2)) * 2 + 1] = 't';
        }
        image.merge(round % 8, bytes_of(std::string_view{target}.substr(round % 8)));
    }
    image.merge(0, bytes_of(target));
    program.join();
    const std::string result = shown();
    for (std::size_t at = 0; at < bytes; ++at) {
        ASSERT_EQ(result[at], at % 2 == 0 ? 'p' : target[at]) << at;
    }
}

}  // namespace
}  // namespace farside::session::testing
