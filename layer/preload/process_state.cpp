// Joining a session at start, and the small facts a handler needs while the process runs.
#include "layer/preload/process_state.hpp"

#include "layer/preload/descriptor_path.hpp"
#include "layer/preload/environment.hpp"
#include "layer/preload/open_files.hpp"
#include "layer/preload/syscall_x86_64.hpp"
#include "layer/preload/working_directory.hpp"

#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace farside::preload {

constinit process_state state{};

namespace {

char scratch_memory[scratch_count][scratch_bytes];

constexpr unsigned own_count = 4;

enum own_index : unsigned { own_segment, own_view, own_template, own_doorbell };

struct inherited {
    // Version, descriptors, inodes; then the descriptor of the trace, where there is one.
    std::uint64_t fields[1 + own_count + 2 + 1];
    bool has_trace;
};

// "1:1020:1021:1022:1023:12345:12346", or ":1019" behind it
bool parse_session(std::string_view text, inherited& out) noexcept {
    std::size_t field = 0;
    bool digit = false;
    for (const char c : text) {
        if (c == ':') {
            if (!digit || ++field == std::size(out.fields)) {
                return false;
            }
            digit = false;
        } else if (c >= '0' && c <= '9') {
            out.fields[field] = out.fields[field] * 10 + static_cast<std::uint64_t>(c - '0');
            digit = true;
        } else {
            return false;
        }
    }
    out.has_trace = field + 1 == std::size(out.fields);
    return digit && field + 2 >= std::size(out.fields) && out.fields[0] == 1;
}

bool has_inode(int fd, std::uint64_t inode, struct stat& out) noexcept {
    return kernel(__NR_fstat, fd, &out) == 0 && out.st_ino == inode;
}

void* map_shared(int fd, std::size_t bytes, int protection, std::size_t offset = 0) noexcept {
    const long got =
        kernel(__NR_mmap, nullptr, bytes, protection, MAP_SHARED | MAP_NORESERVE, fd, offset);
    return got < 0 ? nullptr : reinterpret_cast<void*>(got);
}

// A process that is short of addresses does without the cache: it is large, though little of it is
// ever touched. Core dumps leave it out.
void map_cache(int fd, std::size_t bytes) noexcept {
    struct rlimit64 addresses {};

    struct stat st {};

    const bool limited = kernel(__NR_prlimit64, 0, RLIMIT_AS, nullptr, &addresses) != 0 ||
                         addresses.rlim_cur != RLIM64_INFINITY;
    if (bytes < sizeof(segment::cache) || limited || kernel(__NR_fstat, fd, &st) != 0 ||
        static_cast<std::size_t>(st.st_size) < segment::cache_offset + bytes) {
        return;
    }
    void* const at = map_shared(fd, bytes, PROT_READ, segment::cache_offset);
    if (at != nullptr) {
        kernel(__NR_madvise, at, bytes, MADV_DONTDUMP);
        state.cache.attach(*static_cast<const segment::cache*>(at));
    }
}

// Descriptors of remote files that came through fork and exec.
void adopt_descriptors() noexcept {
    const long directory =
        kernel(__NR_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return;
    }
    // struct linux_dirent64 of getdents64(2)
    constexpr long bytes_offset = 16;
    constexpr long name_offset = 19;
    alignas(8) char buffer[2048];
    long got = 0;
    while ((got = kernel(__NR_getdents64, directory, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < got;) {
            std::uint16_t bytes = 0;
            std::memcpy(&bytes, buffer + at + bytes_offset, sizeof bytes);
            const char* const name = buffer + at + name_offset;
            at += bytes;
            unsigned fd = 0;
            for (const char* c = name; *c >= '0' && *c <= '9'; ++c) {
                fd = fd * 10 + static_cast<unsigned>(*c - '0');
            }
            if (name[0] == '.' || fd >= descriptors_max || open_file_of(fd) != 0) {
                continue;
            }
            if (const std::uint64_t id = id_behind(fd); id != 0) {
                add_descriptor(fd, id);
            }
        }
    }
    kernel(__NR_close, directory);
}

// What the environment says of the working directory.
void find_directory() noexcept {
    environment_reader environment;
    std::string_view variable;
    while (environment.next(variable)) {
        if (variable.starts_with(segment::environment_directory)) {
            variable.remove_prefix(sizeof segment::environment_directory - 1);
            inherit_directory(variable);
        }
    }
}

bool map_everything(const inherited& from) noexcept {
    struct stat st {};

    for (unsigned i = 0; i < own_count; ++i) {
        if (from.fields[1 + i] >= descriptors_max) {
            return false;
        }
        state.descriptors[i] = static_cast<int>(from.fields[1 + i]);
    }
    const std::uint64_t trace = from.fields[1 + own_count + 2];
    if (from.has_trace && trace >= descriptors_max) {
        return false;
    }
    state.descriptors[own_trace] = from.has_trace ? static_cast<int>(trace) : -1;
    if (!has_inode(state.descriptors[own_segment], from.fields[1 + own_count], st) ||
        st.st_size < static_cast<off_t>(sizeof(segment::segment)) ||
        !has_inode(state.descriptors[own_template], from.fields[2 + own_count], st)) {
        return false;
    }
    state.template_inode = st.st_ino;
    state.template_device = st.st_dev;
    write_descriptor_path(
        state.template_path, static_cast<unsigned>(state.descriptors[own_template])
    );

    auto* const shared = static_cast<segment::segment*>(
        map_shared(state.descriptors[own_segment], sizeof(segment::segment), PROT_READ | PROT_WRITE)
    );
    const auto* const view = static_cast<const segment::view*>(
        map_shared(state.descriptors[own_view], sizeof(segment::view), PROT_READ)
    );
    auto* const wiped = static_cast<wiped_on_fork*>(reinterpret_cast<void*>(kernel(
        __NR_mmap,
        nullptr,
        sizeof(wiped_on_fork),
        PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS,
        -1,
        0
    )));
    if (shared == nullptr || view == nullptr || reinterpret_cast<long>(wiped) < 0 ||
        kernel(__NR_madvise, wiped, sizeof(wiped_on_fork), MADV_WIPEONFORK) != 0) {
        return false;
    }
    if (shared->head.magic != segment::magic || view->magic != segment::view_magic ||
        shared->head.version != segment::layout_version ||
        view->version != segment::layout_version) {
        return false;
    }
    map_cache(state.descriptors[own_view], view->cache_bytes);
    state.wiped = wiped;
    state.view = view;
    state.segment = shared;
    return true;
}

}  // namespace

bool attach(const char*& message) noexcept {
    message = nullptr;
    environment_reader environment;
    std::string_view variable;
    bool found = false;
    bool has_directory = false;
    while (environment.next(variable)) {
        if (variable.starts_with(segment::environment_session)) {
            if (variable.size() >= sizeof state.session_variable) {
                break;
            }
            std::memcpy(state.session_variable, variable.data(), variable.size());
            found = true;
        } else if (variable.starts_with(segment::environment_directory)) {
            has_directory = true;
        }
    }
    if (!found) {
        return false;
    }
    inherited from{};
    std::string_view text{state.session_variable};
    text.remove_prefix(sizeof segment::environment_session - 1);
    if (!parse_session(text, from) || !map_everything(from)) {
        message = "this process has lost the descriptors of its session";
        return false;
    }
    state.wiped->pid.store(static_cast<int>(kernel(__NR_getpid)), std::memory_order_relaxed);
    state.umask_cache.store(-1, std::memory_order_relaxed);
    for (const int fd : state.descriptors) {
        if (fd >= 0) {
            state.open_files[fd].store(own_descriptor, std::memory_order_relaxed);
        }
    }
    state.tracing.store(from.has_trace, std::memory_order_relaxed);
    if (has_directory) {
        find_directory();
    }
    if (state.segment->head.last_open_file_id.load(std::memory_order_acquire) != 0) {
        adopt_descriptors();
    }
    return true;
}

// The template reopened, with the open file's id as its file offset.
std::uint64_t id_behind(unsigned fd) noexcept {
    struct stat st {};

    if (kernel(__NR_fstat, fd, &st) != 0 || st.st_ino != state.template_inode ||
        st.st_dev != state.template_device) {
        return 0;
    }
    const long id = kernel(__NR_lseek, fd, 0, SEEK_CUR);
    return id > 0 ? static_cast<std::uint64_t>(id) : 0;
}

bool in_vfork_child() noexcept {
    const auto pid = static_cast<int>(kernel(__NR_getpid));
    const int known = state.wiped->pid.load(std::memory_order_relaxed);
    if (known == 0) {
        // A fork that did not come through our handler (calls_process.cpp), which sets the pid:
        // whoever asks first is taken for the process itself.
        state.wiped->pid.store(pid, std::memory_order_relaxed);
        return false;
    }
    return known != pid;
}

unsigned current_umask() noexcept {
    const int cached = state.umask_cache.load(std::memory_order_relaxed);
    const bool child = in_vfork_child();
    if (cached >= 0 && !child) {
        return static_cast<unsigned>(cached);
    }
    // "Umask:\t0022" is in the first lines. umask(2) itself cannot ask without setting.
    char text[512];
    const long fd = kernel(__NR_openat, AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC);
    const long got = fd < 0 ? 0 : kernel(__NR_read, fd, text, sizeof text);
    if (fd >= 0) {
        kernel(__NR_close, fd);
    }
    constexpr std::string_view key = "Umask:\t";
    for (long at = 0; at + 12 < got; ++at) {
        if (std::string_view{text + at, key.size()} == key) {
            unsigned mask = 0;
            for (const char* c = text + at + key.size(); *c >= '0' && *c <= '7'; ++c) {
                mask = mask * 8 + static_cast<unsigned>(*c - '0');
            }
            if (!child) {
                state.umask_cache.store(static_cast<int>(mask), std::memory_order_relaxed);
            }
            return mask;
        }
    }
    return 022;
}

void report(std::initializer_list<std::string_view> parts) noexcept {
    char line[1024];
    std::size_t length = 0;
    const auto put = [&](std::string_view part) noexcept {
        const std::size_t room = sizeof line - 1 - length;
        const std::size_t take = part.size() < room ? part.size() : room;
        std::memcpy(line + length, part.data(), take);
        length += take;
    };
    put("farside: ");
    for (const std::string_view part : parts) {
        put(part);
    }
    line[length++] = '\n';
    kernel(__NR_write, 2, line, length);
}

void refuse(std::string_view reason) noexcept {
    report({reason});
    while (true) {
        kernel(__NR_exit_group, 126);
    }
}

scratch::scratch() noexcept {
    auto& taken = state.wiped->scratch_taken;
    const scope_of_thread whose = scope_of(this);
    std::uint64_t bits = taken.load(std::memory_order_relaxed);
    while (bits != ~std::uint64_t{0}) {
        const int free = __builtin_ctzll(~bits);
        if (taken.compare_exchange_weak(
                bits, bits | std::uint64_t{1} << free, std::memory_order_acquire
            )) {
            state.wiped->scratch_holders[free].set(whose);
            index_ = free;
            data_ = scratch_memory[free];
            return;
        }
    }
    for (unsigned i = 0; i < scratch_count; ++i) {
        holder& left = state.wiped->scratch_holders[i];
        if (left.is_gone(whose) && left.take_over(whose)) {
            index_ = static_cast<int>(i);
            data_ = scratch_memory[i];
            return;
        }
    }
    const long got = kernel(
        __NR_mmap,
        nullptr,
        scratch_bytes,
        PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS,
        -1,
        0
    );
    data_ = got < 0 ? nullptr : reinterpret_cast<char*>(got);
}

scratch::~scratch() {
    if (index_ >= 0) {
        state.wiped->scratch_holders[index_].clear();
        state.wiped->scratch_taken.fetch_and(
            ~(std::uint64_t{1} << index_), std::memory_order_release
        );
    } else if (data_ != nullptr) {
        kernel(__NR_munmap, data_, scratch_bytes);
    }
}

}  // namespace farside::preload
