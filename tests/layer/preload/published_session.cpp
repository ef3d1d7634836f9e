// published DIRECTORY LIBRARY PROGRAM [ARGUMENTS...]: runs a program under the layer with a session
// that publishes DIRECTORY as /srv in its cache, opens what is there, and knows nothing else: every
// other call is answered with ENXIO. So a program that gets along never asked. With UNSETTLED in
// the environment something that was written is on its way all the time.
#include "layer/session/cache_writer.hpp"
#include "layer/session/program.hpp"
#include "layer/session/session.hpp"
#include "layer/session/supervisor.hpp"

#include <climits>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace farside::session {
namespace {

class publisher {
public:
    explicit publisher(cache_writer& writer) : writer_{writer} {}

    struct published {
        std::uint64_t node;
        std::uint32_t mode;
    };

    // By their names under /srv.
    std::map<std::string, published> files;

    void publish(const std::string& from, const std::string& as, std::uint64_t node) {
        struct statx status {};

        constexpr unsigned mask = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;
        ::statx(AT_FDCWD, from.c_str(), AT_SYMLINK_NOFOLLOW, mask, &status);
        std::string link;
        if (S_ISLNK(status.stx_mode)) {
            link = std::filesystem::read_symlink(from).string();
        } else if (S_ISREG(status.stx_mode)) {
            publish_bytes(from, node);
        } else if (S_ISDIR(status.stx_mode)) {
            for (const auto& entry : std::filesystem::directory_iterator{from}) {
                const std::string name = "/" + entry.path().filename().string();
                const std::uint64_t child = ++last_node_;
                publish(from + name, as + name, child);
                writer_.put_name(node, name.substr(1), child);
            }
        }
        files[as] = {node, status.stx_mode};
        writer_.put_node(node, {&status, S_ISDIR(status.stx_mode), link});
    }

private:
    void publish_bytes(const std::string& from, std::uint64_t data) {
        std::ifstream in{from, std::ios::binary};
        const std::string all{std::istreambuf_iterator<char>{in}, {}};
        const auto bytes = std::as_bytes(std::span{all});
        for (std::size_t at = 0; at == 0 || at < bytes.size(); at += segment::block_bytes) {
            const auto rest = bytes.subspan(at);
            const bool last = rest.size() <= segment::block_bytes;
            writer_.put_block(
                data,
                at / segment::block_bytes,
                last ? rest : rest.first(segment::block_bytes),
                last
            );
        }
    }

    cache_writer& writer_;
    std::uint64_t last_node_ = 10;
};

std::int64_t open_published(
    const publisher& tree,
    segment::segment& shared,
    const segment::call_slot& slot,
    std::string path
) {
    const auto id = static_cast<std::uint64_t>(slot.arguments[segment::first_argument]);
    const auto found = tree.files.find(path);
    if (found == tree.files.end()) {
        return -ENXIO;
    }
    auto& entry = shared.open_files[id % segment::open_file_count];
    entry.position.store(0);
    entry.flags.store(static_cast<std::uint32_t>(slot.arguments[segment::first_argument + 1]));
    entry.node.store(found->second.node);
    entry.data.store(S_ISREG(found->second.mode) ? found->second.node : 0);
    entry.names_far.store(S_ISDIR(found->second.mode) ? 1 : 0);
    entry.mode.store(found->second.mode);
    return 0;
}

void serve(const publisher& tree, segment::segment& shared) {
    for (std::uint32_t i = 0; i < segment::slot_count; ++i) {
        const std::uint64_t bit = std::uint64_t{1} << i % 64;
        if ((shared.head.posted[i / 64].fetch_and(~bit) & bit) == 0) {
            continue;
        }
        segment::call_slot& slot = shared.slots[i];
        slot.result = -ENXIO;
        if (slot.op == segment::call::open) {
            const std::string path{shared.areas[i].path[0], slot.path_bytes[0]};
            slot.result = open_published(tree, shared, slot, path);
        } else if (slot.op == segment::call::close) {
            slot.result = 0;
        }
        slot.state.store(shared.head.session_tid, std::memory_order_release);
        ::syscall(SYS_futex, &slot.state, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
    }
}

}  // namespace

int run_session(
    const session_config& config, const path_policy& policy, shared_memory memory, unique_fd control
) {
    segment::view& view = memory.view();
    view.magic = segment::view_magic;
    view.version = segment::layout_version;
    std::strcpy(view.library, config.library.c_str());
    view.policy = policy.table();
    if (memory.adopt()) {
        return 1;
    }
    cache_writer writer{memory.cache()};
    publisher tree{writer};
    const auto root_status = [] {
        struct statx status {};

        status.stx_mask = STATX_BASIC_STATS;
        status.stx_mode = S_IFDIR | 0755;
        return status;
    }();
    writer.put_node(segment::root_node, {&root_status, true, {}});
    writer.put_name(segment::root_node, "srv", 2);
    tree.publish(config.target, "/srv", 2);

    memory.shared().head.unsettled_writes.store(::getenv("UNSETTLED") != nullptr ? 1 : 0);
    const unique_fd doorbell = memory.take_session_doorbell();
    memory.release_descriptors();
    (void)send_control(control.get(), control_kind::ready);
    pollfd ring{doorbell.get(), POLLIN, 0};
    char bytes[64];
    while (::poll(&ring, 1, -1) > 0 && ::read(doorbell.get(), bytes, sizeof bytes) > 0) {
        serve(tree, memory.shared());
    }
    (void)receive_control(control.get());
    (void)send_control(control.get(), control_kind::idle);
    return 0;
}

}  // namespace farside::session

int main(int argc, char** argv) {
    using namespace farside::session;
    if (argc < 4) {
        return 2;
    }
    session_config config;
    config.target = argv[1];
    config.library = argv[2];
    program_start start;
    start.arguments.assign(argv + 3, argv + argc);
    start.file = find_program(argv[3], "").file;
    start.preload = true;
    policy_options options;  // the program executes itself, wherever the build lies
    options.surroundings.push_back({start.file, farside::rule_kind::exact, "program"});
    const path_policy::compiled policy = path_policy::compile(options);
    return policy.policy ? supervise(config, *policy.policy, start) : 2;
}
