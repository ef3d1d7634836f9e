// Looking names up: those that exist, those that do not, and what a module loader asks.
#include "bench/workloads/workload.hpp"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace farside::bench {
namespace {

// Whether it is there; counted either way.
bool there(request& r, const std::string& path, mode_t kind) {
    struct stat st {};

    const bool found = ::stat(path.c_str(), &st) == 0;
    if (!found && errno != ENOENT && errno != ENOTDIR) {
        fail("stat", path);
    }
    r.seen.count();
    return found && (st.st_mode & S_IFMT) == kind;
}

template <typename Visit>
void for_each_name(const request& r, std::string_view prefix, Visit visit) {
    for (int d = 0; d < sizes::tree_directories; ++d) {
        const std::string directory = numbered(r.directory + "/tree/d", d);
        for (int f = 0; f < sizes::tree_files; ++f) {
            visit(numbered(directory + '/' + std::string{prefix}, f));
        }
    }
}

void read_whole(request& r, const std::string& path) {
    std::array<std::byte, 4096> room{};
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : 0;
    while (fd >= 0 && (n = ::read(fd, room.data(), room.size())) > 0) {
        r.seen.add({room.data(), static_cast<std::size_t>(n)});
    }
    if (n < 0 || ::close(fd) != 0) {
        fail("read", path);
    }
}

}  // namespace

void stat_existing(request& r) {
    for_each_name(r, "f", [&r](const std::string& path) {
        struct stat st {};

        if (::stat(path.c_str(), &st) != 0) {
            fail("stat", path);
        }
        r.seen.add_number(static_cast<std::uint64_t>(st.st_size));
        r.seen.add_number(static_cast<std::uint64_t>(st.st_mtim.tv_sec));
        r.seen.count();
    });
}

void stat_missing(request& r) {
    for_each_name(r, "missing", [&r](const std::string& path) {
        struct stat st {};

        errno = 0;
        if (::stat(path.c_str(), &st) == 0 || errno != ENOENT) {
            fail("stat of what is not there", path);
        }
        r.seen.count();
    });
}

// require('mNNNN') from a package five levels down: the candidates in every node_modules upwards,
// then the package's description and its main file.
void resolve(request& r) {
    static constexpr std::array levels{
        "/app/src/server/routes/admin",
        "/app/src/server/routes",
        "/app/src/server",
        "/app/src",
        "/app",
        ""};
    for (int m = 0; m < sizes::modules; ++m) {
        const std::string name = numbered("/m", m);
        bool found = false;
        for (std::size_t level = 0; level < levels.size() && !found; ++level) {
            const std::string modules = r.directory + "/npm" + levels[level] + "/node_modules";
            if (!there(r, modules, S_IFDIR)) {
                continue;
            }
            const std::string base = modules + name;
            for (const char* suffix : {"", ".js", ".json", ".node"}) {
                there(r, base + suffix, S_IFREG);
            }
            if (there(r, base + "/package.json", S_IFREG)) {
                read_whole(r, base + "/package.json");
                there(r, base + "/lib/index", S_IFREG);
                found = there(r, base + "/lib/index.js", S_IFREG);
                read_whole(r, base + "/lib/index.js");
            }
        }
        if (!found) {
            errno = ENOENT;
            fail("resolve", name);
        }
    }
}

}  // namespace farside::bench
