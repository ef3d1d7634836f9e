// Finds the sites, writes the stubs within reach of a 32-bit jump, and puts the jumps in. Runs
// before any thread exists, so half-written code is never executed.
#include "layer/preload/patcher.hpp"

#include "layer/preload/dispatch.hpp"
#include "layer/preload/maps_reader.hpp"
#include "layer/preload/site_shapes_x86_64.hpp"
#include "layer/preload/syscall_x86_64.hpp"

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include <fcntl.h>
#include <sys/mman.h>

extern "C" void farside_gate();

namespace farside::preload {
namespace {

// Stubs of one library, within reach of a 32-bit jump from all of its code.
constexpr std::size_t stub_room = 64 * 1024;
constexpr std::size_t stub_bytes_max = 64;
constexpr std::size_t numbers_max = 512;
constexpr std::size_t short_jumps_max = 64;
constexpr std::uintptr_t page = 4096;

// Calls that every glibc makes for files: if one of them has no hooked site, something would
// escape.
constexpr unsigned required_numbers[] = {
    __NR_lseek,
    __NR_getdents64,
    __NR_mmap,
    __NR_munmap,
    __NR_mremap,
    __NR_ftruncate,
    __NR_readlink,
    __NR_execve,
    __NR_chdir,
    __NR_dup2,
    __NR_unlinkat,
    __NR_mkdir,
    __NR_rename,
    __NR_statx,
    __NR_read,
    __NR_access,
    __NR_openat,
    __NR_close,
};

// The same for cancellable ones, which glibc 2.41 makes in one place for all.
constexpr unsigned required_cancellable[] = {
    __NR_write,
    __NR_pread64,
    __NR_pwrite64,
    __NR_readv,
    __NR_writev,
    __NR_fcntl,
    __NR_fsync,
    __NR_msync,
};

struct seen_sites {
    bool number[numbers_max];
    bool cancellable;
};

// Copies code into place, and jumps with 32-bit displacements.
class emitter {
public:
    explicit emitter(unsigned char* at) noexcept : at_{at} {}

    void bytes(const void* code, std::size_t count) noexcept {
        std::memcpy(at_, code, count);
        at_ += count;
    }

    void jump(const unsigned char* target) noexcept { relative(0xe9, target); }

    void call(const unsigned char* target) noexcept { relative(0xe8, target); }

    [[nodiscard]] unsigned char* at() const noexcept { return at_; }

private:
    void relative(unsigned char opcode, const unsigned char* target) noexcept {
        const auto displacement = static_cast<std::int32_t>(target - (at_ + 5));
        *at_ = opcode;
        std::memcpy(at_ + 1, &displacement, sizeof displacement);
        at_ += 5;
    }

    unsigned char* at_;
};

class library_patcher {
public:
    library_patcher(unsigned char* text, std::size_t bytes) noexcept : text_{text, bytes} {}

    // Sites hooked, or 0 where nothing could be.
    std::size_t run(seen_sites& seen) noexcept;

private:
    bool map_stubs() noexcept;
    bool protect(int protection) const noexcept;
    void hook(std::size_t at, seen_sites& seen) noexcept;
    void hook_predecessor(std::size_t at) noexcept;
    bool hook_short(std::size_t at) noexcept;
    void hook_displaced(std::size_t at, std::size_t moved) noexcept;
    // The stub's middle: past the red zone, through the gate, and back; then r11 is tested.
    void enter_gate(emitter& out) const noexcept;

    std::span<unsigned char> text_;
    unsigned char* stubs_ = nullptr;
    unsigned char* next_ = nullptr;
    const unsigned char* thunk_ = nullptr;  // jumps to the gate, wherever that is
    std::size_t taken_[short_jumps_max] = {};
    std::size_t taken_count_ = 0;
    std::size_t hooked_ = 0;
};

bool library_patcher::map_stubs() noexcept {
    const auto base = reinterpret_cast<std::uintptr_t>(text_.data());
    for (std::uintptr_t distance = 1U << 20U; distance < (1U << 30U); distance += 1U << 20U) {
        for (const bool above : {false, true}) {
            const auto wish = (above ? base + distance : base - distance) & ~std::uintptr_t{0xffff};
            const long got = kernel(
                __NR_mmap,
                wish,
                stub_room,
                PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                -1,
                0
            );
            if (got == static_cast<long>(wish)) {
                stubs_ = reinterpret_cast<unsigned char*>(got);
                emitter out{stubs_};
                const auto gate = reinterpret_cast<std::uintptr_t>(&farside_gate);
                out.bytes("\xff\x25\x00\x00\x00\x00", 6);  // jmp *0(%rip)
                out.bytes(&gate, sizeof gate);
                thunk_ = stubs_;
                next_ = stubs_ + 16;
                return true;
            }
            if (got > 0) {
                kernel(__NR_munmap, got, stub_room);  // a kernel before MAP_FIXED_NOREPLACE
            }
        }
    }
    return false;
}

bool library_patcher::protect(int protection) const noexcept {
    const auto begin = reinterpret_cast<std::uintptr_t>(text_.data()) & ~(page - 1);
    const auto end = reinterpret_cast<std::uintptr_t>(text_.data() + text_.size());
    return kernel(__NR_mprotect, begin, (end - begin + page - 1) & ~(page - 1), protection) == 0;
}

void library_patcher::enter_gate(emitter& out) const noexcept {
    out.bytes("\x48\x8d\x64\x24\x80", 5);  // lea -128(%rsp),%rsp
    out.call(thunk_);
    out.bytes("\x48\x8d\xa4\x24\x80\x00\x00\x00", 8);  // lea 128(%rsp),%rsp
    out.bytes("\x45\x85\xdb", 3);                      // test %r11d,%r11d
}

void library_patcher::hook_predecessor(std::size_t at) noexcept {
    unsigned char* const before = text_.data() + at - 5;
    emitter out{next_};
    out.bytes(before, 5);
    enter_gate(out);
    out.bytes("\x75\x05", 2);  // jnz over the next jump
    out.jump(before + 5);      // not ours: the syscall instruction
    out.jump(before + 7);      // answered: behind it
    emitter{before}.jump(next_);
    next_ = out.at();
}

bool library_patcher::hook_short(std::size_t at) noexcept {
    if (taken_count_ == short_jumps_max) {
        return false;
    }
    const std::size_t padding = find_padding(text_, at, {taken_, taken_count_});
    if (padding == 0) {
        return false;
    }
    taken_[taken_count_++] = padding;
    unsigned char* const syscall = text_.data() + at;
    emitter out{next_};
    out.bytes("\x31\xc0", 2);
    enter_gate(out);
    out.bytes("\x75\x05", 2);
    out.jump(syscall);
    out.jump(syscall + 2);
    emitter{text_.data() + padding}.jump(next_);
    syscall[-2] = 0xeb;
    syscall[-1] = static_cast<unsigned char>(padding - at);
    next_ = out.at();
    return true;
}

void library_patcher::hook_displaced(std::size_t at, std::size_t moved) noexcept {
    unsigned char* const syscall = text_.data() + at;
    emitter out{next_};
    enter_gate(out);
    out.bytes("\x75\x02", 2);
    out.bytes("\x0f\x05", 2);
    out.bytes(syscall + 2, moved);
    out.jump(syscall + 2 + moved);
    emitter patch{syscall};
    patch.jump(next_);
    std::memset(patch.at(), 0x90, 2 + moved - 5);
    next_ = out.at();
}

void library_patcher::hook(std::size_t at, seen_sites& seen) noexcept {
    const site found =
        recognise(text_, at, [](unsigned number) noexcept { return is_dispatched(number); });
    if (found.how == shape::none || next_ + stub_bytes_max > stubs_ + stub_room) {
        return;
    }
    if (found.how == shape::five_byte_predecessor) {
        hook_predecessor(at);
    } else if (found.how != shape::short_jump || !hook_short(at)) {
        if (found.displaced_bytes < 3) {
            return;
        }
        hook_displaced(at, found.displaced_bytes);
    }
    ++hooked_;
    if (found.number < numbers_max) {
        seen.number[found.number] = true;
    }
    seen.cancellable = seen.cancellable || found.number == cancellable_number;
}

std::size_t library_patcher::run(seen_sites& seen) noexcept {
    if (!map_stubs() || !protect(PROT_READ | PROT_WRITE | PROT_EXEC)) {
        return 0;
    }
    // 0f 05, looked for eight bytes at a time: a word without a 05 byte has no site ending in it.
    // (No vector registers: patch_mapping() runs inside a program's mmap call.)
    const std::size_t last = text_.size() - 16;
    constexpr std::uint64_t ones = 0x0101010101010101;
    constexpr std::uint64_t highs = 0x8080808080808080;
    for (std::size_t block = 64; block < last; block += 8) {
        std::uint64_t word = 0;
        __builtin_memcpy(&word, text_.data() + block, sizeof word);
        const std::uint64_t difference = word ^ (ones * 0x05);
        // A set top bit marks a byte that is 05 (or, rarely, one above such a byte: looked at too).
        for (std::uint64_t marks = (difference - ones) & ~difference & highs; marks != 0;
             marks &= marks - 1) {
            const std::size_t at = block + (static_cast<std::size_t>(__builtin_ctzll(marks)) >> 3U);
            if (text_[at] == 0x05 && text_[at - 1] == 0x0f) {
                hook(at - 1, seen);
            }
        }
    }
    kernel(__NR_mprotect, stubs_, stub_room, PROT_READ | PROT_EXEC);
    protect(PROT_READ | PROT_EXEC);
    return hooked_;
}

// libc.so.6, libc-2.31.so, ld-linux-x86-64.so.2, ld-2.31.so, libpthread.so.0, libpthread-2.31.so
bool is_c_library(std::string_view path) noexcept {
    std::size_t slash = path.size();
    while (slash > 0 && path[slash - 1] != '/') {
        --slash;
    }
    path.remove_prefix(slash);
    for (const std::string_view name : {"libc.so.", "libc-2.", "ld-linux", "ld-2.", "libpthread"}) {
        if (path.starts_with(name)) {
            return true;
        }
    }
    return false;
}

}  // namespace

patch_report patch_process() noexcept {
    patch_report report;
    static constinit seen_sites seen{};
    maps_reader maps;
    mapping entry{};
    while (maps.next(entry)) {
        if (entry.executable && is_c_library(entry.path)) {
            library_patcher patcher{
                reinterpret_cast<unsigned char*>(entry.begin), entry.end - entry.begin};
            const std::size_t sites = patcher.run(seen);
            report.sites += sites;
            report.libraries += sites == 0 ? 0 : 1;
        }
    }
    report.complete = true;
    const auto require = [&](unsigned number, bool found) noexcept {
        if (!found && report.complete) {
            report.complete = false;
            report.missing_number = number;
        }
    };
    for (const unsigned number : required_numbers) {
        require(number, seen.number[number]);
    }
    for (const unsigned number : required_cancellable) {
        require(number, seen.number[number] || seen.cancellable);
    }
    return report;
}

void patch_mapping(const char* name, void* start, std::size_t bytes) noexcept {
    const std::string_view path{name};
    if (is_c_library(path)) {
        static constinit seen_sites seen{};
        library_patcher{static_cast<unsigned char*>(start), bytes}.run(seen);
    }
}

}  // namespace farside::preload
