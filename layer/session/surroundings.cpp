// Nothing here is remote yet: this runs in farside itself, before there is a session.
#include "layer/session/surroundings.hpp"

#include "layer/common/path.hpp"

#include <climits>

#include <cstdlib>

#include <sys/stat.h>
#include <unistd.h>

namespace farside::session {
namespace {

std::string current_directory() {
    char path[PATH_MAX];
    return ::getcwd(path, sizeof path) != nullptr && path[0] == '/' ? path : "/";
}

bool exists(const std::string& path) {
    struct stat status {};

    return ::stat(path.c_str(), &status) == 0;
}

bool is_same(const std::string& a, const std::string& b) {
    struct stat first {};

    struct stat second {};

    return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

std::string parent(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}

const char* variable(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

void add_directory(std::vector<local_path>& to, const std::string& path, const char* why) {
    if (path.size() > 1) {
        to.push_back({path, rule_kind::subtree, why});
    }
}

// The nearest directory above that has a .git. A home directory under version control does not
// count: nobody means all of it.
void add_repository(std::vector<local_path>& to, const std::string& directory) {
    const std::string home = absolute(variable("HOME"));
    for (std::string at = directory; at.size() > 1; at = parent(at)) {
        if (exists(at + "/.git")) {
            if (at != directory && at != home) {
                add_directory(to, at, "repository of the working directory");
            }
            return;
        }
    }
}

}  // namespace

std::string absolute(std::string_view path) {
    char out[PATH_MAX];
    const long length = normalise(current_directory(), path, out, sizeof out);
    return length < 0 ? std::string{} : std::string(out, static_cast<std::size_t>(length));
}

std::vector<local_path> surroundings_here() {
    std::vector<local_path> result;
    const std::string directory = current_directory();
    add_directory(result, directory, "working directory");
    const std::string_view shells = variable("PWD");
    if (is_normal(shells) && shells != directory && is_same(std::string{shells}, directory)) {
        add_directory(result, std::string{shells}, "working directory");
    }
    add_repository(result, directory);
    const std::string_view temporary = variable("TMPDIR");
    if (temporary.starts_with('/')) {
        add_directory(result, absolute(temporary), "TMPDIR");
    }
    return result;
}

void add_program(std::vector<local_path>& to, const std::string& file, const std::string& why) {
    char real[PATH_MAX];
    std::vector<std::string> names{absolute(file)};
    if (::realpath(file.c_str(), real) != nullptr && names[0] != real) {
        names.emplace_back(real);
    }
    for (const std::string& name : names) {
        to.push_back({name, rule_kind::exact, why});
        const std::string directory = parent(name);
        if (directory.ends_with("/bin")) {
            add_directory(to, parent(directory), (why + "'s installation").c_str());
        }
    }
}

}  // namespace farside::session
