// The workloads of the benchmark: what users' programs do, in plain POSIX calls, so that the same
// program runs natively, on a mount and under `farside exec`. Each counts what it saw and digests
// it: a fast answer that is wrong is not a result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace farside::bench {

// Sizes of what `make` creates; the workloads use the same.
struct sizes {
    static constexpr std::size_t big_bytes = std::size_t{64} << 20U;     // sequential read, write
    static constexpr std::size_t large_bytes = std::size_t{256} << 20U;  // random reads
    static constexpr std::size_t block_bytes = 4096;
    static constexpr int random_reads = 1000;
    static constexpr int small_files = 1000;
    static constexpr std::size_t small_bytes = 2048;
    static constexpr int tree_directories = 50;
    static constexpr int tree_files = 100;  // in each directory
    static constexpr std::size_t tree_bytes = 64;
    static constexpr int text_directories = 20;
    static constexpr int text_files = 100;  // in each directory
    static constexpr std::size_t text_bytes = 4096;
    static constexpr int modules = 200;
    static constexpr int processes = 1000;
};

// What was seen. A light digest takes the first word of every block, which costs nothing beside
// the reading; a thorough one takes all bytes and is for runs that are not timed.
class digest {
public:
    explicit digest(bool thorough) : thorough_{thorough} {}

    // Bytes in their order.
    void add(std::span<const std::byte> bytes);

    // One of a set of lines that may come in any order.
    void add_line(std::string_view line);

    void add_number(std::uint64_t number);

    void count(std::uint64_t things = 1) { count_ += things; }

    [[nodiscard]] std::uint64_t counted() const { return count_; }

    [[nodiscard]] std::uint64_t value() const { return value_ + lines_; }

private:
    bool thorough_;
    std::uint64_t count_ = 0;
    std::uint64_t value_ = 0;
    std::uint64_t lines_ = 0;
};

struct request {
    std::string directory;
    int pass = 1;
    std::vector<std::string> command;  // of `tool`
    digest seen{false};
    // Further numbers for the output, as JSON members.
    std::string extra;
};

// Ends the program: a workload that cannot do its work measures nothing.
[[noreturn]] void fail(std::string_view what, const std::string& path);

[[nodiscard]] std::string numbered(std::string_view prefix, int number);

// The bytes of block `number` of every file made here.
void fill_block(std::span<std::byte> block, std::uint64_t number);

void make(request& r);

void read_4k(request& r);
void read_128k(request& r);
void random_read(request& r);
void small_files(request& r);
void stat_existing(request& r);
void stat_missing(request& r);
void resolve(request& r);
void write_close(request& r);
void write_fsync(request& r);
void check_written(request& r);
void tool(request& r);
void short_lived(request& r);
void probe(request& r);
void stat_during_stream(request& r);

}  // namespace farside::bench
