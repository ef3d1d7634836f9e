// A sequence from a seed. Numbers are drawn so that operations meet: few names, few slots, offsets
// near each other and near the ends of pages.
#include "tests/differential/step.hpp"

#include <random>

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

namespace farside::differential {
namespace {

enum kind : unsigned {
    io = 1U,
    names = 2U,
    sizes = 4U,
    descriptors = 8U,
    locks = 16U,
    shared_maps = 32U,
    processes = 64U,
    directories = 128U,
    copies = 256U,
};

struct choice {
    action what;
    unsigned of;  // the kinds that it belongs to, any of which lets it in
    int weight;
};

constexpr choice choices[] = {
    {action::open, io | names, 14},
    {action::open_at, names, 3},
    {action::close, io, 5},
    {action::dup, descriptors, 4},
    {action::dup2, descriptors, 4},
    {action::read, io, 8},
    {action::pread, io, 6},
    {action::readv, io, 3},
    {action::write, io, 10},
    {action::pwrite, io, 7},
    {action::writev, io, 3},
    {action::seek, io, 7},
    {action::truncate_open, sizes, 4},
    {action::truncate, sizes, 3},
    {action::allocate, sizes, 4},
    {action::sync, io, 2},
    {action::stat_open, io, 3},
    {action::stat, io | names, 4},
    {action::access, names, 1},
    {action::list, names, 3},
    {action::list_on, names, 2},
    {action::unlink, names, 4},
    {action::make_directory, names, 3},
    {action::remove_directory, names, 2},
    {action::rename, names, 4},
    {action::link, names, 3},
    {action::make_symlink, names, 2},
    {action::read_link, names, 1},
    {action::change_mode, names, 1},
    {action::set_times, names, 1},
    {action::get_flags, descriptors, 1},
    {action::set_flags, descriptors, 2},
    {action::lock_file, locks, 4},
    {action::lock_record, locks, 12},
    {action::copy_range, copies, 4},
    {action::send_file, copies, 3},
    {action::splice, copies, 4},
    {action::map, shared_maps, 7},
    {action::map_private, io, 1},
    {action::load, shared_maps, 10},
    {action::store, shared_maps, 10},
    {action::sync_map, shared_maps, 3},
    {action::unmap, shared_maps, 3},
    {action::remap, shared_maps, 3},
    {action::fork, processes, 4},
    {action::spawn, processes, 2},
    {action::change_directory, directories, 4},
    {action::leave_directory, directories, 3},
    {action::set_umask, names, 1},
};

// std::uniform_int_distribution may differ between libraries; the engine may not.
class dice {
public:
    explicit dice(std::uint64_t seed) : engine_{seed} {}

    std::int64_t below(std::int64_t end) {
        return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(end));
    }

    template <std::size_t N>
    std::int64_t of(const std::array<std::int64_t, N>& values) {
        return values[static_cast<std::size_t>(below(N))];
    }

    std::int64_t slot() { return below(slots); }

    std::int64_t path() { return below(static_cast<std::int64_t>(path_names.size())); }

    std::int64_t bytes() {
        return of(std::array<std::int64_t, 8>{0, 1, 7, 100, 512, 4096, 5000, 70000});
    }

    std::int64_t offset() {
        const auto near = of(std::array<std::int64_t, 7>{0, 1, 10, 4090, 4096, 8192, 65536});
        return near + below(20);
    }

    std::int64_t letter() { return 'a' + below(26); }

private:
    std::mt19937_64 engine_;
};

std::int64_t open_flags(dice& d) {
    std::int64_t flags = d.of(std::array<std::int64_t, 6>{
        O_RDWR, O_RDWR, O_RDWR | O_CREAT, O_RDONLY, O_WRONLY | O_CREAT, O_RDWR | O_CREAT});
    for (const std::int64_t more :
         {O_APPEND, O_TRUNC, O_EXCL, O_NOFOLLOW, O_DIRECTORY, O_PATH, O_SYNC, O_CLOEXEC}) {
        if (d.below(12) == 0) {
            flags |= more;
        }
    }
    return flags;
}

// The numbers of a step of a file's slot `s`.
std::array<std::int64_t, 4> numbers_of_io(action what, dice& d) {
    const auto s = d.slot();
    switch (what) {
        case action::read:
            return {s, d.bytes()};
        case action::readv:
            return {s, d.bytes(), d.bytes()};
        case action::pread:
            return {s, d.bytes(), d.offset()};
        case action::write:
            return {s, d.bytes(), d.letter()};
        case action::pwrite:
            return {s, d.bytes(), d.offset(), d.letter()};
        case action::writev:
            return {s, d.bytes(), d.bytes(), d.letter()};
        case action::seek:
            return {s, d.offset() - d.below(3) * 100, d.below(5)};
        case action::truncate_open:
            return {s, d.offset()};
        case action::allocate:
            return {
                s,
                d.of(std::array<std::int64_t, 5>{
                    0,
                    FALLOC_FL_KEEP_SIZE,
                    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    FALLOC_FL_ZERO_RANGE,
                    FALLOC_FL_PUNCH_HOLE}),
                d.offset(),
                d.bytes()};
        case action::sync:
        case action::list_on:
            return {s, what == action::sync ? d.below(2) : 24 + d.below(3) * 100};
        case action::map_private:
            return {s, d.bytes()};
        case action::set_flags:
            return {s, d.below(2) * O_APPEND | d.below(2) * O_NONBLOCK};
        case action::lock_file:
            return {s, d.of(std::array<std::int64_t, 3>{LOCK_SH, LOCK_EX, LOCK_UN}) | LOCK_NB};
        case action::lock_record:
            return {s, d.below(12), d.below(6) * 10, d.below(4) * 10};
        case action::copy_range:
            return {s, d.slot(), d.bytes(), d.below(2) == 0 ? -1 : d.offset()};
        case action::dup:
        case action::dup2:
        case action::send_file:
            return {s, d.slot(), d.bytes()};
        case action::splice:
            return {s, d.bytes() % 60'000, d.below(2)};
        default:
            return {s};
    }
}

std::array<std::int64_t, 4> numbers_of_name(action what, dice& d) {
    const auto p = d.path();
    switch (what) {
        case action::open:
            return {
                d.slot(), p, open_flags(d), d.of(std::array<std::int64_t, 3>{0644, 0600, 0444})};
        case action::open_at:
            return {d.slot(), p, open_flags(d), d.slot()};
        case action::truncate:
            return {p, d.offset()};
        case action::stat:
            return {p, d.below(2) * AT_SYMLINK_NOFOLLOW};
        case action::access:
            return {p, d.below(8)};
        case action::make_directory:
        case action::change_mode:
            return {p, d.of(std::array<std::int64_t, 4>{0755, 0700, 0644, 0444})};
        case action::rename:
            return {
                p,
                d.path(),
                d.of(std::array<std::int64_t, 4>{0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE})};
        case action::link:
        case action::make_symlink:
            return {p, d.path()};
        case action::set_times:
            return {p, 1'000'000'000 + d.below(1000), 1'100'000'000 + d.below(1000)};
        case action::set_umask:
            return {d.of(std::array<std::int64_t, 3>{022, 0, 077})};
        default:
            return {p};
    }
}

std::array<std::int64_t, 4> numbers_of_map(action what, dice& d) {
    const auto m = d.below(mappings);
    switch (what) {
        case action::map: {
            const auto protection = PROT_READ | (d.below(3) != 0 ? PROT_WRITE : 0);
            return {m, d.slot(), protection | MAP_SHARED << 8, (1 + d.below(3)) << 8 | d.below(2)};
        }
        case action::load:
            return {m, d.offset(), d.bytes()};
        case action::store:
            return {m, d.offset(), d.bytes() % 5000, d.letter()};
        case action::sync_map:
            return {
                m, d.of(std::array<std::int64_t, 3>{MS_SYNC, MS_ASYNC, MS_SYNC | MS_INVALIDATE})};
        case action::remap:
            return {m, 1 + d.below(4)};
        default:
            return {m};
    }
}

step make_step(action what, dice& d) {
    switch (what) {
        case action::open:
        case action::open_at:
        case action::truncate:
        case action::stat:
        case action::access:
        case action::list:
        case action::unlink:
        case action::make_directory:
        case action::remove_directory:
        case action::rename:
        case action::link:
        case action::make_symlink:
        case action::read_link:
        case action::change_mode:
        case action::set_times:
        case action::change_directory:
        case action::set_umask:
            return {what, numbers_of_name(what, d)};
        case action::map:
        case action::load:
        case action::store:
        case action::sync_map:
        case action::unmap:
        case action::remap:
            return {what, numbers_of_map(what, d)};
        case action::fork:
        case action::spawn:
            return {what, {1 + d.below(12)}};
        case action::leave_directory:
            return {what, {}};
        default:
            return {what, numbers_of_io(what, d)};
    }
}

}  // namespace

sequence generate(std::uint64_t seed, std::size_t steps) {
    dice d{seed};
    unsigned kinds = io;
    for (const unsigned more :
         {names, sizes, descriptors, locks, shared_maps, processes, directories, copies}) {
        kinds |= d.below(2) == 0 ? more : 0U;
    }
    std::vector<action> drawn_from;
    for (const auto& one : choices) {
        // When a store into a mapping shows as a time is not promised.
        const bool untold = one.what == action::set_times && (kinds & shared_maps) != 0;
        if ((one.of & kinds) != 0 && !untold) {
            drawn_from.insert(drawn_from.end(), static_cast<std::size_t>(one.weight), one.what);
        }
    }
    sequence all;
    while (all.size() < steps) {
        const auto drawn =
            static_cast<std::size_t>(d.below(static_cast<std::int64_t>(drawn_from.size())));
        step one = make_step(drawn_from[drawn], d);
        if (one.what == action::seek && (kinds & shared_maps) != 0) {
            // What was read once may count as data afterwards, where a mapping reads it.
            one.numbers[2] %= SEEK_END + 1;
        }
        all.push_back(one);
    }
    return all;
}

}  // namespace farside::differential
